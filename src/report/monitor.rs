//! The document of `monitor`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Estimate, ThresholdsReport};
use crate::encode::EncoderIdentity;
use crate::monitor::{GateVerdict, KsMethod};

/// What `monitor` found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "routecal monitor")]
pub struct MonitorReport {
    /// Always `monitor`.
    pub kind: String,
    /// Schema version.
    pub schema_version: u64,
    /// Version of the program.
    pub tool_version: String,
    /// The answer.
    pub verdict: MonitorVerdict,
    /// The answer in a sentence, with what drives it.
    pub summary: String,
    /// What to do next.
    pub advice: String,
    /// Code the program ends with.
    pub exit_code: u8,
    /// How the verdict was reached.
    pub settings: MonitorSettings,
    /// The encoder; null where both sides came with scores of their own, and nothing was embedded.
    pub encoder: Option<EncoderIdentity>,
    /// Hash of the routes (without thresholds).
    pub routes_sha256: String,
    /// Thresholds that both sides were decided by.
    pub thresholds: ThresholdsReport,
    /// The labelled data.
    pub calibration: MonitorSource,
    /// The split of it that was used.
    pub split: String,
    /// The log.
    pub log: MonitorSource,
    /// Each gate.
    pub gates: Vec<MonitorGate>,
    /// Every figure.
    #[serde(flatten)]
    pub figures: MonitorFigures,
    /// The same figures by day or week, in order; null where the log has no time.
    pub periods: Option<Vec<PeriodReport>>,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MonitorVerdict {
    /// Every gate passed.
    Stable,
    /// Some gate cannot tell, and none is beyond its limit.
    TooFew,
    /// A gate is beyond its limit, with evidence.
    Shifted,
}

/// How the verdict was reached.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MonitorSettings {
    /// Highest chance of a false alarm, for all gates together.
    pub alpha: f64,
    /// Resamples of the bootstrap.
    pub resamples: u32,
    /// Its seed.
    pub seed: u64,
    /// Level of the intervals of the figures, such as 0.95.
    pub level: f64,
    /// What an inconclusive answer counts as: `exit-4`, `pass` or `fail`.
    pub inconclusive: String,
}

/// One side.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MonitorSource {
    /// The file.
    pub source: String,
    /// Hash of its content, as read.
    pub sha256: String,
    /// Rows that were used.
    pub rows: u64,
    /// Distinct prompts among them; null where the file has no prompts.
    pub distinct: Option<u64>,
    /// Where the scores come from.
    pub scores: ScoreOrigin,
}

/// Where scores come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScoreOrigin {
    /// Prompts were embedded and scored.
    Computed,
    /// They stand in the file, and are taken on trust to be of this encoder and these routes.
    File,
}

/// One gate.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MonitorGate {
    /// `psi.score`, `psi.gap`, `fallback_share` or `expected_accuracy`.
    pub metric: String,
    /// The answer.
    pub verdict: GateVerdict,
    /// Why, in a sentence.
    pub reason: String,
    /// The figure.
    pub value: Option<f64>,
    /// Lower end of its interval at level 1 − 2α; null where there is none.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
    /// The most that is allowed.
    pub max: Option<f64>,
    /// The least that is allowed.
    pub min: Option<f64>,
    /// Prompts of the log under it.
    pub n: u64,
    /// Of an index: p-value of the Kolmogorov–Smirnov test, after Holm's adjustment.
    pub p_adjusted: Option<f64>,
    /// Of an index that cannot tell: about how many prompts would, if nothing had shifted; null where more would not help.
    pub enough: Option<u64>,
}

/// Every figure of a log.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MonitorFigures {
    /// Prompts of the log.
    pub n: u64,
    /// Share of prompts sent to the fallback.
    pub fallback_share: BothSides,
    /// Each route, in the order of the routes file.
    pub route_mix: Vec<RouteShare>,
    /// Population stability index of who took the prompts, the fallback included.
    pub route_mix_psi: Estimate,
    /// What that index comes to by chance alone; null below five rows a bin, where that is not known.
    pub route_mix_psi_by_chance: Option<f64>,
    /// The score.
    pub score: ShiftReport,
    /// The gap; null for a lone route.
    pub gap: Option<ShiftReport>,
    /// Log scores outside the range of the calibration data.
    pub outside: OutsideReport,
    /// The accuracy to be expected.
    pub expected: ExpectedReport,
}

/// A share in the calibration data and in the log.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BothSides {
    /// In the calibration data.
    pub calibration: Estimate,
    /// In the log.
    pub log: Estimate,
}

/// A route's part of the traffic.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RouteShare {
    /// The route.
    pub route: String,
    /// Share of prompts that it took.
    pub as_routed: BothSides,
    /// Share of prompts of which it is the best route, accepted or not.
    pub best: BothSides,
}

/// How far a distribution has moved.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ShiftReport {
    /// Kolmogorov and Smirnov's distance.
    pub ks: Estimate,
    /// Its p-value against "one distribution".
    pub p: f64,
    /// How that was found.
    pub p_method: KsMethod,
    /// Population stability index.
    pub psi: Estimate,
    /// What the index comes to by chance alone; null below five rows a bin, where that is not known.
    pub psi_by_chance: Option<f64>,
    /// Medians.
    pub median: Medians,
    /// The bins of the index.
    pub bins: Vec<ShiftBin>,
}

/// Medians of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Medians {
    /// Of the calibration data.
    pub calibration: f64,
    /// Of the log.
    pub log: f64,
}

/// Rows of both sides in a bin.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ShiftBin {
    /// Lower edge, inclusive; null for the lowest bin, which is open.
    pub from: Option<f64>,
    /// Upper edge, exclusive; null for the highest bin.
    pub to: Option<f64>,
    /// Rows of the calibration data.
    pub calibration: u64,
    /// Rows of the log.
    pub log: u64,
}

/// Log scores where the calibration data has none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct OutsideReport {
    /// Least score of the calibration data.
    pub lowest: f64,
    /// Greatest.
    pub highest: f64,
    /// Log scores below the least.
    pub below: u64,
    /// Log scores above the greatest.
    pub above: u64,
}

/// The accuracy to be expected in the log, from the calibration rows weighted by the log's share of each score bin.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ExpectedReport {
    /// What it rests on; to be shown beside it.
    pub assumption: String,
    /// Whether the calibration rows may have chosen the thresholds: then the accuracy flatters itself.
    pub in_sample: bool,
    /// System accuracy of the calibration data: right route accepted, or out-of-domain sent to fallback.
    pub calibration_accuracy: Estimate,
    /// System accuracy to be expected.
    pub accuracy: Estimate,
    /// The second minus the first.
    pub change: Estimate,
    /// Selective accuracy to be expected: right, of accepted prompts.
    pub selective_accuracy: Estimate,
    /// How many equally weighted calibration rows say as much as the weighted ones.
    pub effective_sample_size: f64,
}

/// A day or a week of the log.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PeriodReport {
    /// Its day in UTC, or the Monday of its week.
    pub from: String,
    /// Prompts.
    pub n: u64,
    /// Share of prompts sent to the fallback.
    pub fallback_share: Estimate,
    /// Distance of the score's distribution from the calibration data's.
    pub ks: Estimate,
    /// Its p-value.
    pub ks_p: f64,
    /// Population stability index of the score.
    pub psi_score: Estimate,
    /// What that comes to by chance alone; null below five rows a bin.
    pub psi_by_chance: Option<f64>,
    /// Population stability index of the gap; null for a lone route.
    pub psi_gap: Option<Estimate>,
    /// System accuracy to be expected, on the assumption of the whole.
    pub expected_accuracy: Estimate,
}
