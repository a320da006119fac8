//! The flags of `calibrate` that choose for cost and quality, from the answers of a run.

use std::path::PathBuf;

use clap::Args;

use super::{CostName, UngradedName};
use crate::replay::operating_point::MinQuality;

/// A run instead of a dataset.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cost and quality, from the graded answers of a replay")]
pub(in crate::cli) struct RunGoalArgs {
    /// For --goal min-cost: least mean quality of the answers, such as 0.85, or as a share of the strong model's, such as
    /// 95%. Exit code 1 where no thresholds reach it.
    #[arg(long, value_name = "Q", requires = "run", allow_negative_numbers = true)]
    pub(in crate::cli) min_quality: Option<MinQuality>,
    /// Folder of a run that `routecal replay collect` and `grade` have made: its prompts, answers and grades take the place of a
    /// dataset, and no encoder is needed.
    #[arg(long, value_name = "DIR", requires = "min_quality", conflicts_with_all = [
        "dataset", "router", "risk", "coverage", "accuracy", "price", "per_route", "cross_validate", "certify", "max_risk",
        "confidence", "max_joint_risk", "prompt_column", "label_column", "split_column", "input_format",
    ])]
    pub(in crate::cli) run: Option<PathBuf>,
    /// Which cost decides.
    #[arg(long, value_enum, default_value_t = CostName::List, requires = "run")]
    pub(in crate::cli) cost: CostName,
    /// What becomes of answers without a score: cut off, refused, empty or not understood by the grader.
    #[arg(long, value_enum, default_value_t = UngradedName::Drop, requires = "run")]
    pub(in crate::cli) ungraded: UngradedName,
    /// What the router itself costs for a thousand prompts, in dollars: its embeddings, say.
    #[arg(
        long,
        value_name = "USD",
        default_value_t = 0.0,
        requires = "run",
        allow_negative_numbers = true
    )]
    pub(in crate::cli) router_usd: f64,
}
