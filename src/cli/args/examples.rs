//! The flags of the commands about encoders, scoring rules and examples.

use std::path::PathBuf;

use clap::Args;

use super::{DatasetArgs, IntervalArgs};

#[derive(Debug, Args)]
pub(in crate::cli) struct CompareEncodersArgs {
    /// CSV, JSONL or Parquet file with labelled prompts; `-` is standard input.
    #[arg(default_value = "datasets/prompts.csv")]
    pub(in crate::cli) dataset: PathBuf,
    /// Encoders, separated by commas; the first is what the others are compared with [default: that of the routes file].
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(in crate::cli) encoders: Vec<String>,
    /// Scoring rules, separated by commas: centroid, max-example, mean-top:K, mean-nearest:K, medoids:K, logistic, logistic:C, and
    /// logistic+ood, which learns from the routes file's `out_of_domain` too or, where it has none, from half of the calibration
    /// split's out-of-domain prompts [default: one of each kind that the data allow].
    #[arg(long, value_name = "RULES", value_delimiter = ',')]
    pub(in crate::cli) scoring: Vec<String>,
    /// Highest selective risk on the calibration split; coverages are compared at it.
    #[arg(long, value_name = "R", default_value_t = 0.1)]
    pub(in crate::cli) risk: f64,
    /// Split that judges.
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub(in crate::cli) test_split: String,
    /// Embed N prompts of the dataset past the cache with each encoder, and print how many a second.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) throughput: Option<u32>,
    #[command(flatten)]
    pub(in crate::cli) intervals: IntervalArgs,
    #[command(flatten)]
    pub(in crate::cli) data: DatasetArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ImproveArgs {
    /// CSV, JSONL or Parquet file with labelled prompts; `-` is standard input. Prompts of its calibration split may become
    /// examples.
    #[arg(default_value = "datasets/prompts.csv")]
    pub(in crate::cli) dataset: PathBuf,
    /// Examples that a route may gain at the most.
    #[arg(long, value_name = "K", default_value_t = 8)]
    pub(in crate::cli) add: u32,
    /// Examples that a route may lose at the most.
    #[arg(long, value_name = "K", default_value_t = 4)]
    pub(in crate::cli) drop: u32,
    /// Examples that a route keeps at the least.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(in crate::cli) keep: u32,
    /// Folds of the cross-validation that says whether the changes help.
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=100))]
    pub(in crate::cli) folds: u16,
    /// Random choices of as many examples, to hold the found ones against.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(in crate::cli) draws: u32,
    /// Split that judges.
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub(in crate::cli) test_split: String,
    #[command(flatten)]
    pub(in crate::cli) data: DatasetArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct LearnCurveArgs {
    /// CSV, JSONL or Parquet file with labelled prompts; `-` is standard input. Examples are drawn from its calibration split
    /// and the routes file.
    #[arg(default_value = "datasets/prompts.csv")]
    pub(in crate::cli) dataset: PathBuf,
    /// Numbers of examples a route, separated by commas [default: 1,2,3,5,8,12,20,30,50,80,120,200, up to the smallest route's
    /// candidates].
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    pub(in crate::cli) examples: Vec<u32>,
    /// Routers drawn for each number.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(in crate::cli) draws: u32,
    /// Split that judges.
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub(in crate::cli) test_split: String,
    /// Draw no plot.
    #[arg(long)]
    pub(in crate::cli) no_plots: bool,
    #[command(flatten)]
    pub(in crate::cli) data: DatasetArgs,
}
