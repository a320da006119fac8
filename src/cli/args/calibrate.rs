//! The flags of `calibrate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{DatasetArgs, IntervalArgs, RunGoalArgs, ScoredArgs};

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum GoalName {
    /// Most prompts handled right: right route, or fallback for out-of-domain.
    MaxSystemAccuracy,
    /// Most prompts accepted at a selective risk of at most --risk.
    MaxCoverage,
    /// Least selective risk at a coverage of at least --coverage.
    MinRisk,
    /// Highest mean F1 over routes and fallback.
    MaxMacroF1,
    /// Least mean price of a prompt at a system accuracy of at least --accuracy, or, with --run, least dollars at a mean
    /// quality of at least --min-quality.
    MinCost,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(in crate::cli) struct CalibrateArgs {
    /// CSV, JSONL or Parquet file with labelled prompts; `-` is standard input.
    #[arg(default_value = "datasets/prompts.csv")]
    pub(in crate::cli) dataset: PathBuf,
    /// Router file made by `routecal centroids`, instead of the routes file.
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    pub(in crate::cli) router: Option<PathBuf>,
    /// What to look for.
    #[arg(long, value_enum, default_value_t = GoalName::MaxSystemAccuracy)]
    pub(in crate::cli) goal: GoalName,
    /// Highest selective risk (wrong or out-of-domain among the accepted), for --goal max-coverage.
    #[arg(long, value_name = "R", required_if_eq("goal", "max-coverage"))]
    pub(in crate::cli) risk: Option<f64>,
    /// Least coverage, for --goal min-risk.
    #[arg(long, value_name = "C", required_if_eq("goal", "min-risk"))]
    pub(in crate::cli) coverage: Option<f64>,
    /// Least system accuracy, for --goal min-cost [default: 0.01 below the best there is on the calibration split].
    #[arg(long, value_name = "A")]
    pub(in crate::cli) accuracy: Option<f64>,
    /// Price of one prompt to a model, for --goal min-cost; may be repeated, goes before "prices" in the routes file.
    #[arg(long, value_name = "MODEL=PRICE", value_parser = parse_price)]
    pub(in crate::cli) price: Vec<(String, f64)>,
    /// Thresholds for each route on its own.
    #[arg(long)]
    pub(in crate::cli) per_route: bool,
    /// Choose the threshold alone and leave the gap at 0, for a router that has none.
    #[arg(long, conflicts_with_all = ["scored", "certify", "max_joint_risk", "run"])]
    pub(in crate::cli) no_gap: bool,
    /// Put the chosen thresholds into the routes file; nothing else in it changes.
    #[arg(long)]
    pub(in crate::cli) write: bool,
    /// Split that judges the choice.
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub(in crate::cli) test_split: String,
    /// How much less of the goal's figure still counts as the plateau around the choice; of a price, which share.
    #[arg(long, value_name = "X", default_value_t = 0.01)]
    pub(in crate::cli) plateau_tolerance: f64,
    /// Judge the choice by cross-validation on the calibration split too, with so many folds.
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(2..), conflicts_with_all = ["certify", "max_joint_risk"])]
    pub(in crate::cli) cross_validate: Option<u16>,
    /// Draw no plots.
    #[arg(long)]
    pub(in crate::cli) no_plots: bool,
    #[command(flatten)]
    pub(in crate::cli) intervals: IntervalArgs,
    #[command(flatten)]
    pub(in crate::cli) data: DatasetArgs,
    // Last, since what follows a group stands below its heading in the help.
    #[command(flatten)]
    pub(in crate::cli) certificate: CertificateArgs,
    #[command(flatten)]
    pub(in crate::cli) of_run: RunGoalArgs,
    #[command(flatten)]
    pub(in crate::cli) scored: ScoredArgs,
}

/// Thresholds with a promise instead of the best ones.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Certified thresholds")]
pub(in crate::cli) struct CertificateArgs {
    /// Take the thresholds with the most coverage whose selective risk is certified to be at most --max-risk; exit code 4 where
    /// none can be.
    #[arg(long, requires = "max_risk", conflicts_with_all = ["goal", "risk", "coverage", "accuracy", "per_route"])]
    pub(in crate::cli) certify: bool,
    /// Highest selective risk (wrong or out-of-domain among the accepted) for --certify, between 0 and 1.
    #[arg(long, value_name = "R", requires = "certify", allow_negative_numbers = true)]
    pub(in crate::cli) max_risk: Option<f64>,
    /// Confidence of the certificate, between 0 and 1 [default: 0.95].
    #[arg(long, value_name = "C", requires = "certify", allow_negative_numbers = true)]
    pub(in crate::cli) confidence: Option<f64>,
    /// Take the thresholds with the most coverage at which a prompt is accepted and wrong with probability at most R, in expectation
    /// (conformal risk control).
    #[arg(long, value_name = "R", allow_negative_numbers = true, conflicts_with_all = ["certify", "max_risk", "confidence", "goal", "risk", "coverage", "accuracy", "per_route"])]
    pub(in crate::cli) max_joint_risk: Option<f64>,
}

pub(in crate::cli) fn parse_price(text: &str) -> Result<(String, f64), String> {
    let (model, price) = text.rsplit_once('=').ok_or("write MODEL=PRICE, such as gpt-4o=0.004")?;
    let price: f64 = price.parse().map_err(|_| format!("\"{price}\" is no number"))?;
    Ok((model.to_owned(), price))
}
