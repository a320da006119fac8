//! The flags. Parsing does no IO; `session` and the commands resolve what was typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::dataset::{Columns, Format, ReadOptions, ScoredColumns};
use crate::encode::Precision;
use crate::evaluation::Method;
use crate::stats::bootstrap::Settings;

mod calibrate;
mod documentation;
mod examples;
mod lint;
mod monitor;
mod replay;
mod run_goal;
mod scored;

pub(super) use calibrate::{CalibrateArgs, CertificateArgs, GoalName, parse_price};
pub(super) use documentation::{CompletionsArgs, ManArgs, PageStyle};
pub(super) use examples::{CompareEncodersArgs, ImproveArgs, LearnCurveArgs};
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

/// How to read a dataset.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Dataset options")]
pub(super) struct DatasetArgs {
    /// Column with the prompt.
    #[arg(long, value_name = "COLUMN", default_value = "prompt")]
    pub(super) prompt_column: String,
    /// Column with the label: a route's name, or empty, none, oos, `out_of_domain` for none.
    #[arg(long, value_name = "COLUMN", default_value = "label")]
    pub(super) label_column: String,
    /// Column with the split [default: split, if there is one; else half and half by content hash].
    #[arg(long, value_name = "COLUMN")]
    pub(super) split_column: Option<String>,
    /// Format of the dataset [default: by extension; CSV for standard input].
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(super) input_format: Option<InputFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum InputFormat {
    Csv,
    Jsonl,
    Parquet,
}

impl DatasetArgs {
    /// For the library.
    pub(super) fn options(&self, seed: u64, unlabelled: bool) -> ReadOptions {
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
    pub(super) fn scored(&self) -> ScoredColumns {
        ScoredColumns {
            label: self.label_column.clone(),
            split: self.split_column.clone().unwrap_or_else(|| "split".into()),
            split_required: self.split_column.is_some(),
        }
    }
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

/// How the intervals are made.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct IntervalArgs {
    /// Resamples for the intervals of figures that are no rates (F1, AUROC, areas, calibration errors); 0 for none [default:
    /// 2000; eval of more than 20,000 prompts: a jackknife instead].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    resamples: Option<u32>,
}

impl IntervalArgs {
    /// For the library.
    pub(super) fn settings(self, seed: u64) -> Settings {
        Settings {
            resamples: self.resamples(),
            seed,
            ..Settings::default()
        }
    }

    /// How many there are.
    pub(super) fn resamples(self) -> u32 {
        self.resamples.unwrap_or(Settings::default().resamples)
    }

    /// Whether so many prompts are too many to resample, unless that was asked for.
    pub(super) fn too_many(self, prompts: u64) -> bool {
        self.resamples.is_none() && prompts > MOST_RESAMPLED
    }
}

/// Prompts up to which figures are resampled without being asked to: beyond, that would take minutes.
const MOST_RESAMPLED: u64 = 20_000;

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

/// How confidences are calibrated for the reliability figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReliabilityMethod {
    /// A logistic curve over the score.
    Platt,
    /// A rising step function over the score.
    Isotonic,
    /// One temperature for the softmax over the routes.
    Temperature,
}

impl ReliabilityMethod {
    /// For the library.
    pub(super) fn method(self) -> Method {
        match self {
            Self::Platt => Method::Platt,
            Self::Isotonic => Method::Isotonic,
            Self::Temperature => Method::Temperature,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    /// CSV, JSONL or Parquet file with labelled prompts; `-` is standard input.
    #[arg(default_value = "datasets/prompts.csv")]
    pub(super) dataset: PathBuf,
    /// Router file made by `routecal centroids`, instead of the routes file.
    #[arg(long, value_name = "FILE")]
    pub(super) router: Option<PathBuf>,
    #[command(flatten)]
    pub(super) thresholds: ThresholdArgs,
    /// How scores become probabilities for the reliability figures.
    #[arg(long, value_enum, default_value_t = ReliabilityMethod::Platt)]
    pub(super) reliability: ReliabilityMethod,
    /// Split that the probabilities are fitted on.
    #[arg(long, value_name = "NAME", default_value = "calibration")]
    pub(super) calibration_split: String,
    /// Draw no plots.
    #[arg(long)]
    pub(super) no_plots: bool,
    #[command(flatten)]
    pub(super) intervals: IntervalArgs,
    #[command(flatten)]
    pub(super) data: DatasetArgs,
    #[command(flatten)]
    pub(super) scored: ScoredArgs,
}

/// What an inconclusive check counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Inconclusive {
    /// Exit code 4.
    #[value(name = "exit-4")]
    ExitFour,
    /// Exit code 0.
    Pass,
    /// Exit code 1.
    Fail,
}

impl Inconclusive {
    /// As typed, and as in the documents.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ExitFour => "exit-4",
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// CSV, JSONL or Parquet file with labelled prompts; `-` is standard input.
    #[arg(default_value = "datasets/prompts.csv")]
    pub(super) dataset: PathBuf,
    /// The baseline.
    #[arg(long, value_name = "FILE", default_value = "reports/baseline.json")]
    pub(super) baseline: PathBuf,
    /// Write the baseline from the router as it is now, instead of comparing.
    #[arg(long)]
    pub(super) update_baseline: bool,
    /// Gates file [default: gates.json beside the baseline, if there is one; else system accuracy and false accepts].
    #[arg(long, value_name = "FILE")]
    pub(super) gates: Option<PathBuf>,
    /// A gate, such as `coverage` or `system_accuracy:min=0.6,margin=0.02`; may be repeated, goes before one of the
    /// gates file.
    #[arg(long, value_name = "METRIC[:min=X,max=Y,margin=Z]", value_parser = crate::check::Gates::parse_flag)]
    pub(super) gate: Vec<(String, crate::check::Gate)>,
    /// How much worse than the baseline a figure may be, for gates that state nothing else.
    #[arg(long, value_name = "M", default_value_t = 0.02)]
    pub(super) margin: f64,
    /// Highest chance that a router which is no worse is called regressed, all gates together.
    #[arg(long, value_name = "A", default_value_t = 0.05)]
    pub(super) alpha: f64,
    /// What an inconclusive check counts as.
    #[arg(long, value_enum, default_value_t = Inconclusive::ExitFour)]
    pub(super) inconclusive: Inconclusive,
    /// Print workflow commands (`::error file=…::…`) on standard error [default: if `GITHUB_ACTIONS` is true].
    #[arg(long)]
    pub(super) annotations: bool,
    /// Router file made by `routecal centroids`, instead of the routes file.
    #[arg(long, value_name = "FILE")]
    pub(super) router: Option<PathBuf>,
    #[command(flatten)]
    pub(super) thresholds: ThresholdArgs,
    #[command(flatten)]
    pub(super) data: DatasetArgs,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folder with results [default: that of --out].
    pub(super) folder: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaName {
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
pub(super) struct SchemaArgs {
    /// Which document.
    #[arg(value_enum, default_value_t = SchemaName::Routes)]
    pub(super) document: SchemaName,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_flags_hold_together() {
        super::Cli::command().debug_assert();
    }
}
