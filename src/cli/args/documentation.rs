//! The flags of `completions`, `man` and `schema`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(in crate::cli) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub(in crate::cli) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ManArgs {
    /// Print the page of this subcommand, such as `eval` or `"replay collect"` [default: of routecal itself].
    #[arg(value_name = "SUBCOMMAND", conflicts_with = "all")]
    pub(in crate::cli) subcommand: Option<String>,
    /// Write the page of every subcommand into this folder.
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) all: Option<PathBuf>,
    /// Manual pages, or Markdown.
    #[arg(long, value_enum, default_value_t = PageStyle::Roff)]
    pub(in crate::cli) style: PageStyle,
}

/// How a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum PageStyle {
    /// For `man`.
    Roff,
    /// For a web page or a repository.
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SchemaName {
    /// routes.json.
    Routes,
    /// eval.json.
    Eval,
    /// calibration.json.
    #[value(alias = "calibrate")]
    Calibration,
    /// cost-calibration.json.
    CostCalibration,
    /// router.json.
    Router,
    /// check.json.
    Check,
    /// gates.json.
    Gates,
    /// baseline.json.
    Baseline,
    /// comparison.json.
    CompareEncoders,
    /// improve.json.
    Improve,
    /// learn-curve.json.
    LearnCurve,
    /// lint.json.
    Lint,
    /// monitor.json.
    Monitor,
    /// What `eval --shard` and `calibrate --shard` print.
    Partial,
    /// replay.json.
    Replay,
    /// What `replay collect` prints.
    ReplayCollect,
    /// What `replay collect --batch` prints.
    ReplayBatches,
    /// What `replay collect --dry-run` prints.
    ReplayDryRun,
    /// What `replay grade` prints.
    ReplayGrades,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SchemaArgs {
    /// Which document.
    #[arg(value_enum, default_value_t = SchemaName::Routes)]
    pub(in crate::cli) document: SchemaName,
}
