//! How datasets and scored files are read.

use clap::{Args, ValueEnum};

use crate::dataset::{Columns, Format, ReadOptions, ScoredColumns};

/// How to read a dataset.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Dataset options")]
pub(in crate::cli) struct DatasetArgs {
    /// Column with the prompt. In JSON Lines and Parquet it may be a chat, whose last message of the user counts, and messages stands in for prompt.
    #[arg(long, value_name = "COLUMN", default_value = "prompt")]
    pub(in crate::cli) prompt_column: String,
    /// Column with the label: a route's name, or empty, none, oos, `out_of_domain` for none.
    #[arg(long, value_name = "COLUMN", default_value = "label")]
    pub(in crate::cli) label_column: String,
    /// Column with the split [default: split, if there is one; else half and half by content hash].
    #[arg(long, value_name = "COLUMN")]
    pub(in crate::cli) split_column: Option<String>,
    /// Format of the dataset [default: by extension; CSV for standard input].
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(in crate::cli) input_format: Option<InputFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum InputFormat {
    Csv,
    Jsonl,
    Parquet,
}

impl DatasetArgs {
    /// For the library.
    pub(in crate::cli) fn options(&self, seed: u64, unlabelled: bool) -> ReadOptions {
        ReadOptions {
            columns: Columns {
                prompt: self.prompt_column.clone(),
                label: self.label_column.clone(),
                split: self.split_column.clone().unwrap_or_else(|| "split".into()),
                split_required: self.split_column.is_some(),
                reference: None,
                reference_required: false,
            },
            format: self.input_format.map(|f| match f {
                InputFormat::Csv => Format::Csv,
                InputFormat::Jsonl => Format::Jsonl,
                InputFormat::Parquet => Format::Parquet,
            }),
            unlabelled,
            seed,
        }
    }

    /// For the library, of a scored file.
    pub(in crate::cli) fn scored(&self) -> ScoredColumns {
        ScoredColumns {
            label: self.label_column.clone(),
            split: self.split_column.clone().unwrap_or_else(|| "split".into()),
            split_required: self.split_column.is_some(),
        }
    }
}
