//! The flags of `replay grade`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::DatasetArgs;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Grade options")]
pub(in crate::cli) struct GradeArgs {
    /// How answers are graded: exact, exact:fold, contains, contains:fold, regex, regex:PATTERN, choice, choice:LETTERS,
    /// numeric, numeric:TOLERANCE, judge:single, judge:pair, or external with --scores.
    #[arg(long, value_name = "GRADER")]
    pub(in crate::cli) grader: Option<String>,
    /// CSV with scores of one's own, for external: `prompt_id`, model, score, and sample where there are several.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) scores: Option<PathBuf>,
    /// The model that judges, for judge:single and judge:pair.
    #[arg(long, value_name = "MODEL")]
    pub(in crate::cli) judge: Option<String>,
    /// The model whose answers the others are compared with, for judge:pair.
    #[arg(long, value_name = "MODEL")]
    pub(in crate::cli) baseline: Option<String>,
    /// Grader that the judge is held against, where there are references.
    #[arg(long, value_name = "GRADER", default_value = "contains:fold")]
    pub(in crate::cli) audit: String,
    /// Answers that judge:single grades twice, to see whether it contradicts itself.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(in crate::cli) judge_twice: u32,
}

/// Where a judge finds the texts of the prompts.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct PromptsArgs {
    /// Dataset with the texts of the prompts, for a judge [default: the file that was collected from].
    #[arg(value_name = "DATASET")]
    pub(in crate::cli) dataset: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) data: DatasetArgs,
}
