//! The document of `calibrate --goal min-cost --min-quality`.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use super::{ChoiceOptimism, DroppedReport, Estimate, PlateauReport, ThresholdsReport};

/// Thresholds chosen for cost and quality from the graded answers of a run.
///
/// Every interval is a BCa bootstrap of 95 % over prompts, the same resamples for every policy, so that differences are
/// between policies on the same prompts. Dollars are those of the answers and of the router (`router_usd_per_1k`).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "routecal cost calibration")]
pub struct CostCalibrationReport {
    /// Always `cost_calibration`.
    pub kind: String,
    /// Schema version.
    pub schema_version: u64,
    /// What made it.
    pub provenance: CostProvenance,
    /// What was looked for.
    pub goal: CostGoalReport,
    /// The cheapest model on the calibration prompts.
    pub weak: String,
    /// The best model on the calibration prompts; where that is the cheapest, the dearest.
    pub strong: String,
    /// Whether the strong model is no better than the weak one there, so that there is nothing to be had for its price.
    pub dominated: bool,
    /// Points (threshold, gap) looked at.
    pub points: u64,
    /// Whether that was every point that matters; otherwise the thresholds were thinned.
    pub exact: bool,
    /// The prompts that chose.
    pub calibration: CostSplitReport,
    /// The prompts that judge.
    pub test: CostSplitReport,
    /// The thresholds in routes.json.
    pub current: CostPoint,
    /// The cheapest thresholds that are good enough on the calibration prompts.
    pub chosen: CostPoint,
    /// Every model on its own, for every prompt.
    pub always: Vec<AlwaysReport>,
    /// The chosen thresholds minus the current ones.
    pub versus_current: VersusReport,
    /// The chosen thresholds minus the strong model for every prompt.
    pub versus_strong: VersusReport,
    /// How far the chosen numbers can move, on the calibration prompts, with the quality good enough and the cost within the
    /// tolerance (a share of it).
    pub plateau: Option<PlateauReport>,
    /// How much better the choice looks on the prompts that chose it; null where the same ones judge. Its condition is the
    /// quality minus what is wanted.
    pub optimism: Option<ChoiceOptimism>,
    /// Whether the chosen thresholds are good enough on the test prompts.
    pub verdict: CostVerdictReport,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// What the choice depends on; two with equal provenance are equal.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CostProvenance {
    /// Version of the program.
    pub tool_version: String,
    /// Hash of the run's prompts and answers.
    pub run_sha256: String,
    /// Hash of its grades.
    pub grades_sha256: String,
    /// Who graded.
    pub grader: String,
    /// Hash of the routes (without thresholds).
    pub routes_sha256: String,
    /// The encoder that routed the prompts.
    pub encoder: String,
    /// Which cost decides: `list` or `billed`.
    pub cost: String,
    /// What became of answers without a score: `drop` or `wrong`.
    pub ungraded: String,
    /// Seed of the resamples.
    pub seed: u64,
    /// Resamples of every interval.
    pub resamples: u32,
}

/// The goal and its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CostGoalReport {
    /// Always `min-cost`.
    pub name: String,
    /// The least mean quality, where that was given; else null.
    pub min_quality: Option<f64>,
    /// The least share of the strong model's quality on the same prompts, where that was given; else null.
    pub min_share_of_strong: Option<f64>,
    /// What the router itself costs, in dollars for a thousand prompts; part of every cost of a router.
    pub router_usd_per_1k: f64,
}

/// The prompts of one split.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CostSplitReport {
    /// Name of the split.
    pub split: String,
    /// Prompts that are compared: those of which every model has a scored answer and a cost.
    pub n: u64,
    /// Prompts there are.
    pub prompts: u64,
    /// Why prompts are not compared.
    pub dropped: DroppedReport,
    /// The quality that is wanted on them.
    pub wanted: f64,
    /// Prompts that the chosen thresholds send to another side than when they were asked: their answers are to the system prompt
    /// of the other side.
    pub moved: u64,
}

/// Thresholds, judged on both splits.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CostPoint {
    /// The thresholds.
    #[serde(flatten)]
    pub thresholds: ThresholdsReport,
    /// On the calibration split.
    pub calibration: CostFigures,
    /// On the test split.
    pub test: CostFigures,
}

/// One model for every prompt.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AlwaysReport {
    /// The model.
    pub model: String,
    /// On the calibration split.
    pub calibration: CostFigures,
    /// On the test split.
    pub test: CostFigures,
}

/// What a policy costs and earns on one split.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CostFigures {
    /// Whether these prompts chose it.
    pub in_sample: bool,
    /// Mean quality, 0 to 1.
    pub quality: Estimate,
    /// Dollars for a thousand prompts at list price: no token from a cache.
    pub usd_per_1k: Estimate,
    /// Dollars for a thousand prompts as billed.
    pub usd_per_1k_billed: Estimate,
    /// Share of prompts that a route accepts; null for a model on its own.
    pub accepted: Option<f64>,
    /// Share of prompts that each model answers.
    pub share: IndexMap<String, f64>,
}

/// The chosen thresholds against another policy on the same prompts, on both splits.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VersusReport {
    /// On the calibration split, where the choice is flattered.
    pub calibration: DifferenceReport,
    /// On the test split.
    pub test: DifferenceReport,
}

/// Paired differences, chosen minus other.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DifferenceReport {
    /// Of mean quality.
    pub quality: Estimate,
    /// Of dollars for a thousand prompts at list price.
    pub usd_per_1k: Estimate,
    /// Of dollars for a thousand prompts as billed.
    pub usd_per_1k_billed: Estimate,
    /// 1 − cost / cost of the other, of the cost that decides; null where the other costs nothing.
    pub saved: Estimate,
}

/// Whether the quality is what is wanted, on prompts that had no part in the choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CostVerdict {
    /// The whole interval of the quality is at or above what is wanted.
    Met,
    /// The whole interval is below it.
    Missed,
    /// The interval holds it, or there is none.
    NotShown,
}

/// The verdict on the test split.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CostVerdictReport {
    /// The verdict.
    pub verdict: CostVerdict,
    /// Whether the same prompts chose: then the verdict is flattered.
    pub in_sample: bool,
    /// Quality of the chosen thresholds minus what is wanted; of a share of the strong model's quality both are of the same
    /// prompts, and resampled together.
    pub margin: Estimate,
    /// The same in one sentence.
    pub sentence: String,
}
