//! The flags. Parsing does no IO; `session` and the commands resolve what was typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::encode::Precision;

mod calibrate;
mod check;
mod dataset;
mod documentation;
mod eval;
mod examples;
mod exchange;
mod lint;
mod monitor;
mod replay;
mod run_goal;
mod scored;

pub(super) use calibrate::{CalibrateArgs, CertificateArgs, GoalName, parse_price};
pub(super) use check::{CheckArgs, Inconclusive};
pub(super) use dataset::DatasetArgs;
pub(super) use documentation::{CompletionsArgs, ManArgs, PageStyle, SchemaArgs, SchemaName};
pub(super) use eval::{EvalArgs, IntervalArgs, ReliabilityMethod};
pub(super) use examples::{CompareEncodersArgs, ImproveArgs, LearnCurveArgs};
pub(super) use exchange::{ExportArgs, ImportArgs as ExchangeArgs, ImportDatasetArgs, ImportRoutesArgs, ImportWhat};
pub(super) use lint::{Deny, LintArgs};
pub(super) use monitor::{MonitorArgs, Period};
pub(super) use replay::{
    AnalyseArgs, CallArgs, CollectArgs, CostName, GradeArgs, ImportArgs, ImportName, PromptsArgs, ReplayArgs,
    ReplayStage, UngradedName,
};
pub(super) use run_goal::RunGoalArgs;
pub(super) use scored::{MergeArgs, ScoredArgs};

const EXIT_CODES: &str = "\
Exit codes: 0 done · 1 measured, and the answer is no · 2 bad usage or input · 3 environment (model, network, disk) · \
4 inconclusive: too few prompts to tell · 5 stopped early, and the same command goes on · 130 interrupted";

/// Measures an embedding-based prompt router on labelled prompts and chooses its thresholds.
#[derive(Debug, Parser)]
#[command(name = "routecal", version, about, after_help = EXIT_CODES, max_term_width = 110)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Flags of every subcommand.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Common {
    /// The routes file.
    #[arg(long, global = true, value_name = "FILE", default_value = "routes.json")]
    pub(super) routes: PathBuf,
    /// Encoder: all-MiniLM-L6-v2, all-mpnet-base-v2, a model of fastembed's catalogue, a folder with model.onnx, or
    /// openai:MODEL [default: the one in the routes file, else all-MiniLM-L6-v2].
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) encoder: Option<String>,
    /// Precision of the encoder's weights: int8 is two to three times as fast, with nearly the same vectors, and there is one of
    /// all-MiniLM-L6-v2; `--encoder all-MiniLM-L6-v2@int8` is the same [default: that of the encoder's name, else fp32].
    #[arg(long, global = true, value_enum)]
    pub(super) precision: Option<PrecisionName>,
    /// Split of the dataset to work on; `all` for every row [default: eval: test, calibrate and monitor: calibration, check:
    /// the baseline's, else test, embed, lint: all].
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) split: Option<String>,
    /// Folder for results.
    #[arg(long, global = true, value_name = "DIR", default_value = "reports")]
    pub(super) out: PathBuf,
    /// What is printed on standard output.
    #[arg(long, global = true, value_enum, default_value_t = OutputFormat::Text)]
    pub(super) format: OutputFormat,
    /// Seed of whatever is random, such as the split of a dataset that names none.
    #[arg(long, global = true, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    /// Threads to use [default: all cores].
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) threads: Option<u16>,
    /// Print results and errors only: no progress, notes or warnings.
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    /// Folder with the encoder's files (model.safetensors, tokenizer.json), instead of the cache
    /// [env: `ROUTECAL_MODEL_DIR`].
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) model_dir: Option<PathBuf>,
    /// ONNX Runtime library to use, instead of the installed one [env: `ROUTECAL_ONNXRUNTIME`].
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) onnxruntime: Option<PathBuf>,
    /// Folder for downloads and kept vectors [env: `ROUTECAL_CACHE`] [default: routecal in the user's cache folder].
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) cache_dir: Option<PathBuf>,
    /// Keep the text of prompts and examples out of everything that is written and printed: in its place stands the start of its
    /// sha256.
    #[arg(long, global = true)]
    pub(super) redact_prompts: bool,
    /// Neither read nor keep vectors.
    #[arg(long, global = true)]
    pub(super) no_cache: bool,
    /// Download nothing and call no model [env: `ROUTECAL_OFFLINE=1`].
    #[arg(long, global = true)]
    pub(super) offline: bool,
    /// Address of an OpenAI-compatible server, for openai:MODEL encoders and for models that --models does not describe.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "OPENAI_BASE_URL",
        hide_env_values = true
    )]
    pub(super) openai_base_url: Option<String>,
}

/// Precision of an encoder's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PrecisionName {
    /// As published.
    Fp32,
    /// 8 bits.
    Int8,
}

impl From<PrecisionName> for Precision {
    fn from(name: PrecisionName) -> Self {
        match name {
            PrecisionName::Fp32 => Self::Fp32,
            PrecisionName::Int8 => Self::Int8,
        }
    }
}

/// What is printed on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// Tables for people.
    Text,
    /// The document that is also written to disk.
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show, install or verify the model files and the runtime library.
    Assets(AssetsArgs),
    /// Write the vectors of a dataset as Parquet.
    Embed(EmbedArgs),
    /// Build the centroids, show how well the routes can be told apart, write a router file.
    Centroids(CentroidsArgs),
    /// Route prompts given as arguments or as lines on standard input.
    Classify(ClassifyArgs),
    /// Evaluate the router on a labelled dataset.
    Eval(EvalArgs),
    /// Choose threshold and gap on the calibration split, judge them on the test split.
    Calibrate(CalibrateArgs),
    /// Join the counts that `eval --shard` or `calibrate --shard` wrote into the result of one run.
    Merge(MergeArgs),
    /// Compare encoders and scoring rules on the same prompts, with paired tests against the first.
    CompareEncoders(CompareEncodersArgs),
    /// Propose better examples for the routes, from labelled prompts; writes a new routes file beside the old one.
    Improve(ImproveArgs),
    /// Accuracy against the number of examples a route: how many are enough.
    LearnCurve(LearnCurveArgs),
    /// Compare the router with a baseline, prompt by prompt: pass, regressed or inconclusive; for a CI job.
    Check(CheckArgs),
    /// Look for what is wrong with the examples and the dataset: copies, leaks, wrong labels, routes that overlap.
    Lint(LintArgs),
    /// Hold a log of production prompts, or of their scores, against the calibration data: has the traffic shifted?
    Monitor(Box<MonitorArgs>),
    /// Compare what policies of routing cost with the quality of their answers, on recorded answers.
    Replay(Box<ReplayArgs>),
    /// Make routes.json, or a dataset, of a file of another tool.
    Import(ExchangeArgs),
    /// Write the router, or its thresholds alone, into a file of another tool.
    Export(ExportArgs),
    /// Render report.html and report.md again from the results in a folder; computes nothing.
    Report(ReportArgs),
    /// Print a JSON Schema.
    Schema(SchemaArgs),
    /// Print the script that completes commands and flags in a shell.
    Completions(CompletionsArgs),
    /// Print a manual page, or write those of all subcommands.
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub(super) struct AssetsArgs {
    #[command(subcommand)]
    pub(super) action: AssetsAction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(super) enum AssetsAction {
    /// Show what is there and where.
    Status,
    /// Install what the encoder needs.
    Install,
    /// Hold every installed file against its checksum.
    Verify,
}

#[derive(Debug, Args)]
pub(super) struct EmbedArgs {
    /// CSV, JSONL or Parquet file with prompts; `-` is standard input.
    #[arg(default_value = "datasets/prompts.csv")]
    pub(super) dataset: PathBuf,
    /// Parquet file to write, with the columns prompt, label, vector.
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: PathBuf,
    #[command(flatten)]
    pub(super) data: DatasetArgs,
}

#[derive(Debug, Args)]
pub(super) struct CentroidsArgs {}

/// Thresholds other than those of the router.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ThresholdArgs {
    /// Confidence threshold for every route, instead of the router's, -1 to 1.
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub(super) threshold: Option<f64>,
    /// Least gap between the best two scores for every route, instead of the router's, 0 to 2.
    #[arg(long, value_name = "G", allow_negative_numbers = true)]
    pub(super) gap: Option<f64>,
}

#[derive(Debug, Args)]
pub(super) struct ClassifyArgs {
    /// Prompts; without any, every line of standard input is one.
    pub(super) prompts: Vec<String>,
    /// Router file made by `routecal centroids`, instead of the routes file.
    #[arg(long, value_name = "FILE")]
    pub(super) router: Option<PathBuf>,
    #[command(flatten)]
    pub(super) thresholds: ThresholdArgs,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folder with results [default: that of --out].
    pub(super) folder: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_flags_hold_together() {
        super::Cli::command().debug_assert();
    }
}
