//! The flags of `replay`.

mod analyse;

use clap::{Args, Subcommand};

pub(in crate::cli) use analyse::{AnalyseArgs, CostName, ImportArgs, ImportName, UngradedName};

#[derive(Debug, Args)]
pub(in crate::cli) struct ReplayArgs {
    #[command(subcommand)]
    pub(in crate::cli) stage: ReplayStage,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ReplayStage {
    /// Compare policies on recorded answers; asks nobody.
    Analyse {
        #[command(flatten)]
        imports: ImportArgs,
        #[command(flatten)]
        analyse: AnalyseArgs,
    },
}
