//! The flags of scored files, and of `merge`.

use std::path::PathBuf;

use clap::Args;

use crate::dataset::Shard;

/// Prompts that were scored elsewhere.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Scored files")]
pub(in crate::cli) struct ScoredArgs {
    /// Parquet or CSV file of prompts that were scored already, instead of a dataset: columns label, best (or route), score, gap, and
    /// where there are any `runner_up` and split. Needs no encoder, and takes any number of rows in one pass.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dataset", "router"])]
    pub(in crate::cli) scored: Option<PathBuf>,
    /// Count part I of N of the scored file only, and write the counts for `routecal merge`.
    #[arg(long, value_name = "I/N", requires = "scored", value_parser = parse_shard)]
    pub(in crate::cli) shard: Option<Shard>,
}

fn parse_shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/');
    let numbers = parts.and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    numbers
        .and_then(|(index, of)| Shard::new(index, of))
        .ok_or_else(|| "write I/N with I from 1 to N, such as 3/8".to_owned())
}

/// Parts to be joined.
#[derive(Debug, Args)]
pub(in crate::cli) struct MergeArgs {
    /// The files that --shard wrote, every part once.
    #[arg(required = true, value_name = "PARTIAL")]
    pub(in crate::cli) partials: Vec<PathBuf>,
    /// Put the thresholds that were chosen into the routes file, where the parts are of `calibrate`.
    #[arg(long)]
    pub(in crate::cli) write: bool,
}
