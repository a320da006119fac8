//! The flags of `replay collect`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::DatasetArgs;

#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags are bools")]
#[command(next_help_heading = "Collect options")]
pub(in crate::cli) struct CollectArgs {
    /// CSV, JSONL or Parquet file with prompts; `-` is standard input.
    #[arg(default_value = "datasets/prompts.csv")]
    pub(in crate::cli) dataset: PathBuf,
    /// Models with address, key variable, parameters, prices and limits; without it, routes.json's models at OpenAI.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) models: Option<PathBuf>,
    /// Ask this model only, of those that routes.json or the models file names; may be repeated.
    #[arg(long = "model", value_name = "NAME")]
    pub(in crate::cli) only: Vec<String>,
    /// Most that may be spent on the run in dollars, earlier calls of it included. Needed where a model costs anything.
    #[arg(long, value_name = "USD")]
    pub(in crate::cli) max_usd: Option<f64>,
    /// Print calls, tokens and the most it can cost; ask nobody, write nothing.
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Prices of models: a file in routecal's format, or LiteLLM's JSON.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) prices: Option<PathBuf>,
    /// Answers to each prompt from each model.
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(in crate::cli) samples: u32,
    /// Ask the first N prompts of the split only.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) limit: Option<u32>,
    /// Column with the right answer, for the graders.
    #[arg(long, value_name = "COLUMN")]
    pub(in crate::cli) reference_column: Option<String>,
    /// Most tokens of an answer, for models whose parameters do not say; bounds what a call can cost.
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) max_completion_tokens: u32,
    /// Requests in flight at once, for each model that the models file gives no number.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(in crate::cli) concurrency: u16,
    /// Attempts a call gets in all.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(in crate::cli) attempts: u32,
    /// Longest time for one request, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub(in crate::cli) timeout: u64,
    /// Longest pause that a server may ask for, in seconds; a model that asks for more is given up for this run.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(in crate::cli) max_retry_after: u64,
    /// Ask again where a request was sent and no answer came back, though it may have been billed.
    #[arg(long)]
    pub(in crate::cli) retry_unknown: bool,
    /// Keep the text of the prompts in the run's folder; else only their hashes are kept.
    #[arg(long)]
    pub(in crate::cli) store_prompts: bool,
    /// Send keys to http:// addresses of other machines.
    #[arg(long)]
    pub(in crate::cli) allow_http: bool,
    /// OpenAI's Batch API at half the price: submit the open calls, or poll for the answers.
    #[arg(long, value_name = "ACTION", value_enum)]
    pub(in crate::cli) batch: Option<BatchAction>,
    #[command(flatten)]
    pub(in crate::cli) data: DatasetArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum BatchAction {
    /// Upload the calls that have no answer yet, as one batch a model.
    Submit,
    /// Record what is finished; exit code 5 while something is not.
    Poll,
}
