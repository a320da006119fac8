//! The flags of `replay`: three stages, each a subcommand; without one, all three with the flags of all.

mod analyse;
mod calls;
mod collect;
mod grade;

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(in crate::cli) use analyse::{AnalyseArgs, CostName, ImportArgs, ImportName, UngradedName};
pub(in crate::cli) use calls::CallArgs;
pub(in crate::cli) use collect::{BatchArgs, CollectArgs};
pub(in crate::cli) use grade::{GradeArgs, PromptsArgs};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct ReplayArgs {
    #[command(subcommand)]
    pub(in crate::cli) stage: Option<ReplayStage>,
    #[command(flatten)]
    pub(in crate::cli) run: RunArgs,
    #[command(flatten)]
    pub(in crate::cli) calls: CallArgs,
    #[command(flatten)]
    pub(in crate::cli) collect: CollectArgs,
    #[command(flatten)]
    pub(in crate::cli) grade: GradeArgs,
    #[command(flatten)]
    pub(in crate::cli) analyse: AnalyseArgs,
}

/// The folder of a run; every stage has it.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct RunArgs {
    /// Folder of the run: its manifest, prompts, answers and grades. Made by collect, resumed where it is there.
    #[arg(long, value_name = "DIR", default_value = "reports/replay")]
    pub(in crate::cli) run: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ReplayStage {
    /// Ask every model every prompt, within a budget; go on where an earlier call of it stopped.
    Collect {
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        calls: CallArgs,
        #[command(flatten)]
        collect: CollectArgs,
        #[command(flatten)]
        batch: BatchArgs,
    },
    /// Grade the answers of a run; asks nobody but a judge.
    Grade {
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        prompts: PromptsArgs,
        #[command(flatten)]
        calls: CallArgs,
        #[command(flatten)]
        grade: GradeArgs,
    },
    /// Compare policies on the graded answers of a run, or on recorded data; asks nobody.
    Analyse {
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        imports: ImportArgs,
        #[command(flatten)]
        analyse: AnalyseArgs,
    },
}
