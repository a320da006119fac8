//! The flags of `lint`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{DatasetArgs, ThresholdArgs};
use crate::lint::{Code, NEAR_DUPLICATE};

/// What counts as a failure besides errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Deny {
    /// Warnings.
    Warnings,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct LintArgs {
    /// CSV, JSONL or Parquet file with labelled prompts; `-` is standard input.
    #[arg(default_value = "datasets/prompts.csv")]
    pub(in crate::cli) dataset: PathBuf,
    /// Exit with 1 on warnings too, not on errors alone.
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(in crate::cli) deny: Option<Deny>,
    /// Leave out the findings of a code, such as near-duplicate; may be repeated.
    #[arg(long, value_name = "CODE", value_parser = <Code as std::str::FromStr>::from_str)]
    pub(in crate::cli) allow: Vec<Code>,
    /// Cosine from which two prompts count as nearly the same, 0.5 to 1.
    #[arg(long, value_name = "C", default_value_t = NEAR_DUPLICATE, allow_negative_numbers = true)]
    pub(in crate::cli) near_duplicate: f64,
    /// Widest half of a 95 % interval that passes for the recall of a route; half of it for system accuracy.
    #[arg(long, value_name = "W", default_value_t = 0.1, allow_negative_numbers = true)]
    pub(in crate::cli) half_width: f64,
    /// Also write the findings as SARIF 2.1.0, for editors and code scanning.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) sarif: Option<PathBuf>,
    /// Print workflow commands (`::error file=…::…`) on standard error [default: if `GITHUB_ACTIONS` is true].
    #[arg(long)]
    pub(in crate::cli) annotations: bool,
    /// CSV, JSONL or Parquet file with production prompts, no label needed; says which to label next. `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) unlabelled: Option<PathBuf>,
    /// How many prompts to choose from --unlabelled.
    #[arg(long, value_name = "N", default_value_t = 20, requires = "unlabelled", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(in crate::cli) next: u32,
    #[command(flatten)]
    pub(in crate::cli) thresholds: ThresholdArgs,
    #[command(flatten)]
    pub(in crate::cli) data: DatasetArgs,
}
