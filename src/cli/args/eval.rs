//! The flags of `eval`, and those of intervals.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{DatasetArgs, ScoredArgs, ThresholdArgs};
use crate::evaluation::Method;
use crate::stats::bootstrap::Settings;

/// How confidences are calibrated for the reliability figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ReliabilityMethod {
    /// A logistic curve over the score.
    Platt,
    /// A rising step function over the score.
    Isotonic,
    /// One temperature for the softmax over the routes.
    Temperature,
}

impl ReliabilityMethod {
    /// For the library.
    pub(in crate::cli) fn method(self) -> Method {
        match self {
            Self::Platt => Method::Platt,
            Self::Isotonic => Method::Isotonic,
            Self::Temperature => Method::Temperature,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EvalArgs {
    /// CSV, JSONL or Parquet file with labelled prompts; `-` is standard input.
    #[arg(default_value = "datasets/prompts.csv")]
    pub(in crate::cli) dataset: PathBuf,
    /// Router file made by `routecal centroids`, instead of the routes file.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) router: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) thresholds: ThresholdArgs,
    /// How scores become probabilities for the reliability figures.
    #[arg(long, value_enum, default_value_t = ReliabilityMethod::Platt)]
    pub(in crate::cli) reliability: ReliabilityMethod,
    /// Split that the probabilities are fitted on.
    #[arg(long, value_name = "NAME", default_value = "calibration")]
    pub(in crate::cli) calibration_split: String,
    /// Draw no plots.
    #[arg(long)]
    pub(in crate::cli) no_plots: bool,
    #[command(flatten)]
    pub(in crate::cli) intervals: IntervalArgs,
    #[command(flatten)]
    pub(in crate::cli) data: DatasetArgs,
    #[command(flatten)]
    pub(in crate::cli) scored: ScoredArgs,
}

/// How the intervals are made.
#[derive(Debug, Clone, Copy, Args)]
pub(in crate::cli) struct IntervalArgs {
    /// Resamples for the intervals of figures that are no rates (F1, AUROC, areas, calibration errors); 0 for none [default:
    /// 2000; eval of more than 20,000 prompts: a jackknife instead].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    resamples: Option<u32>,
}

impl IntervalArgs {
    /// For the library.
    pub(in crate::cli) fn settings(self, seed: u64) -> Settings {
        Settings {
            resamples: self.resamples(),
            seed,
            ..Settings::default()
        }
    }

    /// How many there are.
    pub(in crate::cli) fn resamples(self) -> u32 {
        self.resamples.unwrap_or(Settings::default().resamples)
    }

    /// Whether so many prompts are too many to resample, unless that was asked for.
    pub(in crate::cli) fn too_many(self, prompts: u64) -> bool {
        self.resamples.is_none() && prompts > MOST_RESAMPLED
    }
}

/// Prompts up to which figures are resampled without being asked to: beyond, that would take minutes.
const MOST_RESAMPLED: u64 = 20_000;
