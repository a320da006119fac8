//! The flags of `import` and `export`.

#![expect(clippy::doc_markdown, reason = "the help names products as they write themselves")]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::dataset::{Published, Unmapped};
use crate::exchange::Tool;

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    #[command(subcommand)]
    pub(in crate::cli) what: ImportWhat,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ImportWhat {
    /// Make routes.json of a router of semantic-router, LiteLLM, RedisVL or Rasa.
    Routes(ImportRoutesArgs),
    /// Make a CSV dataset of a published one: CLINC150, CSV of intents, MT-bench, RouteLLM, Hugging Face Parquet.
    Dataset(ImportDatasetArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportRoutesArgs {
    /// The tool's file, JSON or YAML.
    pub(in crate::cli) file: PathBuf,
    /// Whose file it is [default: by its shape; a file of LiteLLM has that of semantic-router, with models as names].
    #[arg(long, value_name = "TOOL", value_enum)]
    pub(in crate::cli) from: Option<ToolName>,
    /// Routes file to write.
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: PathBuf,
    /// Model of the routes whose model the file does not say.
    #[arg(long, value_name = "NAME", default_value = "gpt-4o-mini")]
    pub(in crate::cli) model: String,
    /// Model of the fallback.
    #[arg(long, value_name = "NAME", default_value = "gpt-4o")]
    pub(in crate::cli) fallback_model: String,
    /// Replace an output file that is there.
    #[arg(long)]
    pub(in crate::cli) overwrite: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportDatasetArgs {
    /// The published file.
    pub(in crate::cli) file: PathBuf,
    /// How it is published [default: by its shape].
    #[arg(long, value_name = "SHAPE", value_enum)]
    pub(in crate::cli) from: Option<PublishedName>,
    /// CSV file to write, with the columns prompt, label, split and reference, those that the file has.
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: PathBuf,
    /// Column with the prompt, of CSV and Parquet [default: prompt, text, utterance, query, … whichever comes first].
    #[arg(long, value_name = "COLUMN")]
    pub(in crate::cli) prompt_column: Option<String>,
    /// Column with the label [default: `label_text`, label, intent, category, … whichever comes first].
    #[arg(long, value_name = "COLUMN")]
    pub(in crate::cli) label_column: Option<String>,
    /// CSV file with the columns label and route: the route that each label stands for, or none.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) label_map: Option<PathBuf>,
    /// What becomes of rows whose label the map does not have [default: they are an error].
    #[arg(long, value_name = "WHAT", value_enum, requires = "label_map")]
    pub(in crate::cli) unmapped: Option<UnmappedRows>,
    /// Replace an output file that is there.
    #[arg(long)]
    pub(in crate::cli) overwrite: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// The tool's file: one that is there gets the thresholds of the routes file and stays as it is otherwise; one that is not is
    /// made, JSON or YAML by its name.
    pub(in crate::cli) file: PathBuf,
    /// Whose file it is [default: by its shape, of one that is there].
    #[arg(long, value_name = "TOOL", value_enum)]
    pub(in crate::cli) to: Option<ToolName>,
    /// Print what would be written, and write nothing.
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

/// A tool by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ToolName {
    /// semantic-router before version 1.
    #[value(name = "semantic-router-0")]
    SemanticRouter0,
    /// semantic-router 1.
    #[value(name = "semantic-router", alias = "semantic-router-1")]
    SemanticRouter1,
    /// LiteLLM's auto-router.
    #[value(name = "litellm")]
    LiteLlm,
    /// RedisVL.
    #[value(name = "redisvl")]
    RedisVl,
    /// Rasa's nlu.yml.
    Rasa,
}

impl From<ToolName> for Tool {
    fn from(name: ToolName) -> Self {
        match name {
            ToolName::SemanticRouter0 => Self::SemanticRouter0,
            ToolName::SemanticRouter1 => Self::SemanticRouter1,
            ToolName::LiteLlm => Self::LiteLlm,
            ToolName::RedisVl => Self::RedisVl,
            ToolName::Rasa => Self::Rasa,
        }
    }
}

/// What becomes of rows whose label a map does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum UnmappedRows {
    /// They keep their label.
    Keep,
    /// They belong to no route.
    None,
    /// They are left out.
    Drop,
}

impl From<UnmappedRows> for Unmapped {
    fn from(rows: UnmappedRows) -> Self {
        match rows {
            UnmappedRows::Keep => Self::Keep,
            UnmappedRows::None => Self::OutOfDomain,
            UnmappedRows::Drop => Self::Drop,
        }
    }
}

/// A published shape by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum PublishedName {
    /// CLINC150's JSON.
    Clinc150,
    /// CSV with a column of prompts and one of labels.
    IntentCsv,
    /// MT-bench's questions, JSON Lines.
    MtBench,
    /// RouteLLM's responses, CSV.
    #[value(name = "routellm")]
    RouteLlm,
    /// Parquet of the Hugging Face hub.
    HuggingFace,
}

impl From<PublishedName> for Published {
    fn from(name: PublishedName) -> Self {
        match name {
            PublishedName::Clinc150 => Self::Clinc150,
            PublishedName::IntentCsv => Self::IntentCsv,
            PublishedName::MtBench => Self::MtBench,
            PublishedName::RouteLlm => Self::RouteLlm,
            PublishedName::HuggingFace => Self::HuggingFace,
        }
    }
}
