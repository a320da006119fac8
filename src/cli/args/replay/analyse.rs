//! The flags of `replay analyse`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::ThresholdArgs;
use crate::replay::analysis::{CostBasis, Ungraded};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Analyse options")]
pub(in crate::cli) struct AnalyseArgs {
    #[command(flatten)]
    pub(in crate::cli) thresholds: ThresholdArgs,
    /// The model that routing should be cheaper than and better than [default: the cheapest].
    #[arg(long, value_name = "MODEL")]
    pub(in crate::cli) weak: Option<String>,
    /// The model whose quality routing should keep [default: the best].
    #[arg(long, value_name = "MODEL")]
    pub(in crate::cli) strong: Option<String>,
    /// Which cost decides.
    #[arg(long, value_enum, default_value_t = CostName::List)]
    pub(in crate::cli) cost: CostName,
    /// What becomes of answers without a score: cut off, refused, empty or not understood by the grader.
    #[arg(long, value_enum, default_value_t = UngradedName::Drop)]
    pub(in crate::cli) ungraded: UngradedName,
    /// Share of prompts that the random mix sends to the strong model.
    #[arg(long, value_name = "P", default_value_t = 0.5)]
    pub(in crate::cli) random: f64,
    /// What the router itself costs for a thousand prompts, in dollars: its embeddings, say.
    #[arg(long, value_name = "USD", default_value_t = 0.0)]
    pub(in crate::cli) router_usd: f64,
    /// What the router itself takes for a prompt, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    pub(in crate::cli) router_ms: f64,
    /// Resamples of every interval, and shuffles of the router's choices; 0 for no intervals.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(in crate::cli) resamples: u32,
    /// Draw no plots.
    #[arg(long)]
    pub(in crate::cli) no_plots: bool,
}

/// Which cost decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum CostName {
    /// With no token from a provider's cache: does not depend on which call came first.
    List,
    /// As billed.
    Billed,
}

impl From<CostName> for CostBasis {
    fn from(name: CostName) -> Self {
        match name {
            CostName::List => Self::List,
            CostName::Billed => Self::Billed,
        }
    }
}

/// What becomes of answers without a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum UngradedName {
    /// Their prompts are left out, for every policy; each quality has bounds that say how much that can hide.
    Drop,
    /// They are worth 0.
    Wrong,
}

impl From<UngradedName> for Ungraded {
    fn from(name: UngradedName) -> Self {
        match name {
            UngradedName::Drop => Self::Drop,
            UngradedName::Wrong => Self::Wrong,
        }
    }
}

/// Recorded data instead of a run.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Recorded data")]
pub(in crate::cli) struct ImportArgs {
    /// Read recorded answers of this format from FILES instead of a run.
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with = "run", requires = "files")]
    pub(in crate::cli) import: Option<ImportName>,
    /// Files of the recorded answers.
    #[arg(value_name = "FILES", requires = "import")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// Grade the recorded texts anew, instead of the scores that came with them.
    #[arg(long, value_name = "GRADER", requires = "import")]
    pub(in crate::cli) grader: Option<String>,
    /// Route the prompts with the routes file and its encoder.
    #[arg(long, requires = "import", conflicts_with = "predictions")]
    pub(in crate::cli) route: bool,
    /// CSV with a router's choices: `prompt_id` or prompt, score, and gap, model or best, as predictions.csv of eval has them.
    #[arg(long, value_name = "FILE", requires = "import")]
    pub(in crate::cli) predictions: Option<PathBuf>,
    /// Which recorded model stands for a model of the router; may be repeated.
    #[arg(long, value_name = "MODEL=RECORDED", value_parser = parse_map, requires = "import")]
    pub(in crate::cli) map: Vec<(String, String)>,
    /// Dollars for one prompt to a recorded model, where the data have no costs; may be repeated.
    #[arg(long, value_name = "MODEL=USD", value_parser = crate::cli::args::parse_price, requires = "import")]
    pub(in crate::cli) price: Vec<(String, f64)>,
}

/// A format of recorded data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ImportName {
    /// RouteLLM's `gsm8k_responses.csv`, and test.jsonl with the references.
    RoutellmGsm8k,
    /// RouteLLM's `mmlu_SUBJECT.csv` files, or a folder of them.
    RoutellmMmlu,
    /// RouterArena's cached results, one JSON Lines file a model.
    Routerarena,
    /// A table of one's own: one row a prompt, model and sample, as CSV or JSON Lines.
    Outcomes,
}

fn parse_map(text: &str) -> Result<(String, String), String> {
    let (model, recorded) = text
        .split_once('=')
        .ok_or("write MODEL=RECORDED, such as gpt-4o=gpt-4-1106-preview")?;
    Ok((model.to_owned(), recorded.to_owned()))
}
