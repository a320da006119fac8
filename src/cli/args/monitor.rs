//! Flags of `monitor`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{DatasetArgs, Inconclusive, ThresholdArgs};
use crate::dataset::LogColumns;

/// The column that is looked for where none is named.
const TIME: &str = "time";

/// Parts of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Period {
    /// Days of UTC.
    Day,
    /// Weeks of UTC, from Monday.
    Week,
    /// Leave time out.
    None,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct MonitorArgs {
    /// CSV, JSONL or Parquet file with a column of prompts, or with the columns score, gap and best (or route), as
    /// predictions.csv of `eval` has them; `-` is standard input.
    pub(in crate::cli) log: PathBuf,
    /// Labelled dataset to hold the log against: the rows of --split. With the columns score, gap and best it is taken as
    /// it is, and nothing of it is embedded.
    #[arg(long, value_name = "DATASET", default_value = "datasets/prompts.csv")]
    pub(in crate::cli) reference: PathBuf,
    /// Score prompts anew, even where a file has scores.
    #[arg(long)]
    pub(in crate::cli) rescore: bool,
    /// Column of the log with the prompt [default: as --prompt-column].
    #[arg(long, value_name = "COLUMN")]
    pub(in crate::cli) log_prompt_column: Option<String>,
    /// Column of the log with the time: RFC 3339, or a date first (2026-11-25…) [default: time, if there is one].
    #[arg(long, value_name = "COLUMN")]
    pub(in crate::cli) time_column: Option<String>,
    /// Parts of the log that get a row each.
    #[arg(long, value_enum, default_value_t = Period::Day)]
    pub(in crate::cli) by: Period,
    /// Highest population stability index of the score, and of the gap.
    #[arg(long, value_name = "X", default_value_t = 0.2, help_heading = "Gates")]
    pub(in crate::cli) max_psi: f64,
    /// Highest share of the log that goes to the fallback, 0 to 1 [default: no gate].
    #[arg(long, value_name = "X", help_heading = "Gates")]
    pub(in crate::cli) max_fallback_share: Option<f64>,
    /// Least system accuracy to be expected, 0 to 1 [default: no gate].
    #[arg(long, value_name = "X", help_heading = "Gates")]
    pub(in crate::cli) min_expected_accuracy: Option<f64>,
    /// Highest chance that a log which is within every limit is called shifted, all gates together.
    #[arg(long, value_name = "A", default_value_t = 0.05, help_heading = "Gates")]
    pub(in crate::cli) alpha: f64,
    /// What an inconclusive answer counts as.
    #[arg(long, value_enum, default_value_t = Inconclusive::ExitFour, help_heading = "Gates")]
    pub(in crate::cli) inconclusive: Inconclusive,
    /// Resamples for the intervals.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub(in crate::cli) resamples: u32,
    /// Draw no plot.
    #[arg(long)]
    pub(in crate::cli) no_plots: bool,
    /// Router file made by `routecal centroids`, instead of the routes file.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) router: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) thresholds: ThresholdArgs,
    #[command(flatten)]
    pub(in crate::cli) data: DatasetArgs,
}

impl MonitorArgs {
    /// The columns of the log.
    pub(in crate::cli) fn columns(&self) -> LogColumns {
        LogColumns {
            prompt: self
                .log_prompt_column
                .as_ref()
                .unwrap_or(&self.data.prompt_column)
                .clone(),
            time: (self.by != Period::None).then(|| self.time_column.clone().unwrap_or_else(|| TIME.into())),
            time_required: self.time_column.is_some(),
            ignore_scores: self.rescore,
        }
    }
}
