//! The flags of `check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{DatasetArgs, ThresholdArgs};

/// What an inconclusive check counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Inconclusive {
    /// Exit code 4.
    #[value(name = "exit-4")]
    ExitFour,
    /// Exit code 0.
    Pass,
    /// Exit code 1.
    Fail,
}

impl Inconclusive {
    /// As typed, and as in the documents.
    pub(in crate::cli) fn name(self) -> &'static str {
        match self {
            Self::ExitFour => "exit-4",
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    /// CSV, JSONL or Parquet file with labelled prompts; `-` is standard input.
    #[arg(default_value = "datasets/prompts.csv")]
    pub(in crate::cli) dataset: PathBuf,
    /// The baseline.
    #[arg(long, value_name = "FILE", default_value = "reports/baseline.json")]
    pub(in crate::cli) baseline: PathBuf,
    /// Write the baseline from the router as it is now, instead of comparing.
    #[arg(long)]
    pub(in crate::cli) update_baseline: bool,
    /// Gates file [default: gates.json beside the baseline, if there is one; else system accuracy and false accepts].
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) gates: Option<PathBuf>,
    /// A gate, such as `coverage` or `system_accuracy:min=0.6,margin=0.02`; may be repeated, goes before one of the
    /// gates file.
    #[arg(long, value_name = "METRIC[:min=X,max=Y,margin=Z]", value_parser = crate::check::Gates::parse_flag)]
    pub(in crate::cli) gate: Vec<(String, crate::check::Gate)>,
    /// How much worse than the baseline a figure may be, for gates that state nothing else.
    #[arg(long, value_name = "M", default_value_t = 0.02)]
    pub(in crate::cli) margin: f64,
    /// Highest chance that a router which is no worse is called regressed, all gates together.
    #[arg(long, value_name = "A", default_value_t = 0.05)]
    pub(in crate::cli) alpha: f64,
    /// What an inconclusive check counts as.
    #[arg(long, value_enum, default_value_t = Inconclusive::ExitFour)]
    pub(in crate::cli) inconclusive: Inconclusive,
    /// Print workflow commands (`::error file=…::…`) on standard error [default: if `GITHUB_ACTIONS` is true].
    #[arg(long)]
    pub(in crate::cli) annotations: bool,
    /// Router file made by `routecal centroids`, instead of the routes file.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) router: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) thresholds: ThresholdArgs,
    #[command(flatten)]
    pub(in crate::cli) data: DatasetArgs,
}
