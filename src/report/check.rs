//! The document of `check`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Estimate, Provenance};
use crate::check::{BaselineThresholds, Reason, Verdict};

/// What `check` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "routecal check")]
pub struct CheckReport {
    /// Always `check`.
    pub kind: String,
    /// Schema version.
    pub schema_version: u64,
    /// The answer.
    pub verdict: CheckVerdict,
    /// Code the program ends with.
    pub exit_code: u8,
    /// How the verdict was reached.
    pub settings: CheckSettings,
    /// The baseline.
    pub baseline: BaselineReport,
    /// Whether the encoder is the baseline's.
    pub encoder: EncoderReport,
    /// The candidate and its prompts; null where the encoder changed, since nothing else was looked at then.
    pub candidate: Option<CheckCandidate>,
    /// Each gate, in the order in which it was asked for.
    pub gates: Vec<GateReport>,
    /// Prompts whose decision or best route changed.
    pub flips: FlipsReport,
}

/// The answer of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckVerdict {
    /// Every gate passed.
    Pass,
    /// No gate failed, but some cannot tell.
    Inconclusive,
    /// A gate regressed or missed a limit.
    Regressed,
    /// The encoder is another: no figure was looked at.
    EncoderChanged,
}

impl CheckVerdict {
    /// As in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Regressed => "regressed",
            Self::EncoderChanged => "encoder_changed",
        }
    }
}

/// How verdicts were reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckSettings {
    /// Highest chance of a false alarm, for all gates together.
    pub alpha: f64,
    /// Margin of the gates that state none.
    pub margin: f64,
    /// Resamples of the bootstrap.
    pub resamples: u32,
    /// Its seed.
    pub seed: u64,
    /// What an inconclusive check counts as: `exit-4`, `pass` or `fail`.
    pub inconclusive: String,
}

/// The baseline of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineReport {
    /// The file.
    pub file: String,
    /// Its checksum of itself.
    pub content_sha256: String,
    /// What made it.
    pub provenance: Provenance,
    /// Its split.
    pub split: String,
    /// Its thresholds.
    pub thresholds: BaselineThresholds,
    /// Distinct prompts in it.
    pub prompts: u64,
}

/// Whether the encoder is the baseline's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EncoderReport {
    /// Whether it is.
    pub same: bool,
    /// What differs, if not: in the baseline, now.
    pub difference: Option<String>,
    /// Largest cosine distance of a golden text's vector from the baseline's; null where it was not looked at.
    pub golden_distance: Option<f64>,
    /// The largest that is taken for the same.
    pub tolerance: f64,
}

/// The candidate of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckCandidate {
    /// What made it.
    pub provenance: Provenance,
    /// The split that was compared.
    pub split: String,
    /// Its thresholds.
    pub thresholds: BaselineThresholds,
    /// Whether encoder, routes and thresholds are the baseline's.
    pub same_router: bool,
    /// Whether, moreover, no decision differs: then every comparison passes without inference.
    pub unchanged: bool,
    /// Rows of the split.
    pub rows: u64,
    /// Distinct prompts among them (a prompt with a label; copies count once).
    pub prompts: u64,
    /// Distinct prompts that the baseline has too, with the same label: what is compared.
    pub paired: u64,
    /// Decisions that differ by less than the noise of scores while the router is the same; taken as unchanged.
    pub noise: u64,
    /// Prompts that are not in the baseline; not compared.
    pub added: PromptList,
    /// Prompts of the baseline that are not here; not compared.
    pub removed: PromptList,
    /// Prompts whose label is not the baseline's; not compared.
    pub relabelled: PromptList,
}

/// Prompts that are not compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PromptList {
    /// How many.
    pub n: u64,
    /// The first ten.
    pub first: Vec<ListedPrompt>,
}

/// A prompt in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListedPrompt {
    /// Line in the dataset; null for one that is not in it.
    pub line: Option<u64>,
    /// The prompt; null for one that is only in the baseline, which keeps no text.
    pub prompt: Option<String>,
    /// First half of the sha256 of the prompt.
    pub prompt_hash: String,
    /// Its label now, or in the baseline where it is not here.
    pub label: String,
    /// The label that it had, where it changed.
    pub former_label: Option<String>,
}

/// One gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateReport {
    /// Name of the figure.
    pub metric: String,
    /// The answer: the worse one of limits and comparison.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub reason: String,
    /// The candidate's figure on all rows of the split, with a Wilson interval of 95 %.
    pub figure: Estimate,
    /// The limits, where any are asked for.
    pub limits: Option<LimitsReport>,
    /// The comparison with the baseline, where one is asked for.
    pub comparison: Option<ComparisonReport>,
}

/// Limits of a figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LimitsReport {
    /// The least that is allowed.
    pub min: Option<f64>,
    /// The most that is allowed.
    pub max: Option<f64>,
    /// Whether the figure is within; false where there is no figure.
    pub met: bool,
    /// Whether the figure's interval holds a limit: another draw of prompts could have answered otherwise.
    pub close: bool,
}

/// A figure before and after, on the paired prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonReport {
    /// The answer of the comparison alone.
    pub verdict: Verdict,
    /// How much worse is allowed.
    pub margin: f64,
    /// Paired prompts under the figure.
    pub n: u64,
    /// The baseline's figure.
    pub baseline: Option<f64>,
    /// The candidate's.
    pub candidate: Option<f64>,
    /// Candidate minus baseline.
    pub difference: Option<f64>,
    /// Lower end of the difference's interval, at level 1 − 2α; null where there is none.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
    /// Prompts that count for the figure in the baseline and do not now.
    pub fewer: u64,
    /// Prompts that count for the figure now and did not in the baseline.
    pub more: u64,
    /// The p-value: exact McNemar, one-sided (two-sided for coverage); of selective accuracy, by the bootstrap.
    pub p: f64,
    /// After Holm's adjustment over the gates; null for coverage, which is judged by its interval.
    pub p_adjusted: Option<f64>,
    /// For an inconclusive one: the smallest change for the worse that this many prompts show in four cases of five.
    pub detectable: Option<f64>,
}

/// Prompts whose decision or best route changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlipsReport {
    /// How many.
    pub n: u64,
    /// Right before, wrong now.
    pub lost: u64,
    /// Wrong before, right now.
    pub won: u64,
    /// The worst two hundred: lost before won, and among each the more confident first.
    pub listed: Vec<Flip>,
}

/// What became of a flipped prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlipKind {
    /// Right before, wrong now.
    Lost,
    /// Wrong or right as before.
    Neutral,
    /// Wrong before, right now.
    Won,
}

/// One flipped prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Flip {
    /// Line in the dataset.
    pub line: u64,
    /// The prompt.
    pub prompt: String,
    /// Its label.
    pub label: String,
    /// What became of it.
    pub kind: FlipKind,
    /// What the baseline did.
    pub before: DecisionReport,
    /// What the candidate does.
    pub after: DecisionReport,
}

/// What a router did with a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionReport {
    /// The route that took it, or `fallback`.
    pub decision: String,
    /// Accepted, or why not.
    pub reason: Reason,
    /// The best route.
    pub best: String,
    /// Its cosine.
    pub score: f64,
    /// Score minus the runner-up's; null for a lone route.
    pub gap: Option<f64>,
}
