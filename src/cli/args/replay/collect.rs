//! The flags of `replay collect`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::DatasetArgs;
use crate::replay::batch::BatchStep;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Collect options")]
pub(in crate::cli) struct CollectArgs {
    /// CSV, JSONL or Parquet file with prompts; `-` is standard input.
    #[arg(default_value = "datasets/prompts.csv")]
    pub(in crate::cli) dataset: PathBuf,
    /// Ask this model only, of those that routes.json or the models file names; may be repeated.
    #[arg(long = "model", value_name = "NAME")]
    pub(in crate::cli) only: Vec<String>,
    /// Answers to each prompt from each model.
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(in crate::cli) samples: u32,
    /// Ask the first N prompts of the split only.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) limit: Option<u32>,
    /// Column with the right answer, for the graders [default: reference, if there is one].
    #[arg(long, value_name = "COLUMN")]
    pub(in crate::cli) reference_column: Option<String>,
    /// Keep the text of the prompts in the run's folder; else only their hashes are kept.
    #[arg(long)]
    pub(in crate::cli) store_prompts: bool,
    #[command(flatten)]
    pub(in crate::cli) data: DatasetArgs,
}

/// How the open calls of `replay collect` are made.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Collect options")]
pub(in crate::cli) struct BatchArgs {
    /// Go through the provider's Batch API, at half the price and within a day: make batches of the open calls, or fetch the
    /// answers of those that have ended.
    #[arg(long, value_name = "STEP", value_enum)]
    pub(in crate::cli) batch: Option<BatchStepName>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum BatchStepName {
    /// Upload the open calls that fit into the budget, and have batches made of them
    Submit,
    /// Print where the batches stand, and keep the answers of those that have ended
    Poll,
}

impl From<BatchStepName> for BatchStep {
    fn from(step: BatchStepName) -> Self {
        match step {
            BatchStepName::Submit => Self::Submit,
            BatchStepName::Poll => Self::Poll,
        }
    }
}
