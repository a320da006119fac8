//! The flags of `completions` and `man`.

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
