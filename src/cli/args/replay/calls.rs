//! The flags of the stages that ask models: whom, how fast, and for how much.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Call options")]
pub(in crate::cli) struct CallArgs {
    /// Models with address, key variable, parameters, prices and limits; without it, routes.json's models at OpenAI.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) models: Option<PathBuf>,
    /// Prices of models: a file in routecal's format, or LiteLLM's JSON.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) prices: Option<PathBuf>,
    /// Most that may be spent on the run in dollars, on answers and judges, earlier calls of it included. Needed where a
    /// model costs anything.
    #[arg(long, value_name = "USD")]
    pub(in crate::cli) max_usd: Option<f64>,
    /// Print calls, tokens and the most they can cost; ask nobody, write nothing.
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
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
    /// Longest pause that a server may ask for, in seconds; a model that asks for more is given up for now.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(in crate::cli) max_retry_after: u64,
    /// Ask again where a request was sent and no answer came back, though it may have been billed.
    #[arg(long)]
    pub(in crate::cli) retry_unknown: bool,
    /// Send keys to http:// addresses of other machines.
    #[arg(long)]
    pub(in crate::cli) allow_http: bool,
}
