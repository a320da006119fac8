//! The document of `eval`.

mod resampled;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Estimate, Provenance, ScoredReport};
use crate::metrics::histogram::Summary;
use crate::routes::{Routes, Thresholds};

/// What `eval` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "routecal evaluation")]
pub struct EvalReport {
    /// Always `evaluation`.
    pub kind: String,
    /// Schema version.
    pub schema_version: u64,
    /// What made it.
    pub provenance: Provenance,
    /// How the intervals were made.
    pub intervals: IntervalsReport,
    /// The split that was evaluated.
    pub split: String,
    /// Prompts evaluated.
    pub n: u64,
    /// Prompts that belong to a route.
    pub in_domain: u64,
    /// Prompts that belong to none.
    pub out_of_domain: u64,
    /// Whether rows of the calibration split are among them: thresholds chosen there are flattered by these figures.
    pub in_sample: bool,
    /// The thresholds.
    pub thresholds: ThresholdsReport,
    /// In-domain prompts, every one sent to its best route.
    pub forced_choice: ForcedChoice,
    /// All prompts under the thresholds.
    pub as_deployed: AsDeployed,
    /// Telling in-domain from out-of-domain prompts, in-domain positive.
    pub detection: DetectionReport,
    /// Risk against coverage as the threshold moves.
    pub selective: SelectiveReport,
    /// Whether a confidence means what it says.
    pub reliability: ReliabilityReport,
    /// Truth against decision.
    pub confusion: ConfusionReport,
    /// Distribution of the score.
    pub confidence: ConfidenceReport,
    /// The most confident mistakes of the forced choice, out-of-domain prompts included, by falling score.
    pub mistakes: Vec<Mistake>,
    /// Prompts that are also route examples.
    pub leakage: LeakageReport,
    /// Where the figures come from counts of a scored file: how fine they are, and what is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scored: Option<ScoredReport>,
}

/// How the intervals of a document were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntervalsReport {
    /// Level of every interval, such as 0.95.
    pub level: f64,
    /// For rates: `wilson`.
    pub rates: String,
    /// For all else: `bca-bootstrap`, stratified by label, copies of a prompt drawn together; `grouped-jackknife` for very many
    /// prompts, likewise; `none` without resamples.
    pub others: String,
    /// Resamples; of a jackknife, the groups.
    pub resamples: u32,
}

impl IntervalsReport {
    /// For so many resamples.
    pub fn new(resamples: u32) -> Self {
        Self {
            level: super::INTERVAL_LEVEL.get(),
            rates: "wilson".into(),
            others: if resamples > 0 { "bca-bootstrap" } else { "none" }.into(),
            resamples,
        }
    }

    /// For so many groups that are left out in turn.
    pub fn of_groups(groups: u8) -> Self {
        Self {
            others: "grouped-jackknife".into(),
            resamples: groups.into(),
            ..Self::new(0)
        }
    }
}

/// Thresholds in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdsReport {
    /// Least score accepted.
    pub threshold: f64,
    /// Least gap accepted.
    pub gap: f64,
    /// Routes with thresholds of their own.
    pub by_route: BTreeMap<String, Thresholds>,
}

impl ThresholdsReport {
    /// `default` for all routes, and the routes whose entry in `by_route` differs from it.
    pub fn new(default: Thresholds, by_route: &[Thresholds], routes: &Routes) -> Self {
        Self {
            threshold: default.threshold(),
            gap: default.gap(),
            by_route: routes
                .routes
                .iter()
                .zip(by_route)
                .filter(|(_, own)| **own != default)
                .map(|(route, own)| (route.name.clone(), *own))
                .collect(),
        }
    }
}

/// Figures of the forced choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForcedChoice {
    /// In-domain prompts.
    pub n: u64,
    /// Share whose best route is their own.
    pub accuracy: Estimate,
    /// Mean recall over the routes.
    pub balanced_accuracy: Estimate,
    /// Mean F1 over the routes.
    pub macro_f1: Estimate,
    /// F1 of all decisions pooled.
    pub micro_f1: Estimate,
    /// Mean F1 weighted by support.
    pub weighted_f1: Estimate,
    /// Matthews correlation.
    pub mcc: Estimate,
    /// Cohen's kappa.
    pub kappa: Estimate,
    /// Share whose own route is among the best two.
    pub top2_accuracy: Estimate,
    /// Each route.
    pub routes: Vec<RouteFigures>,
}

/// Figures of one route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteFigures {
    /// Route name; `fallback` for the out-of-domain class.
    pub route: String,
    /// Right / sent there.
    pub precision: Estimate,
    /// Right / belonging there.
    pub recall: Estimate,
    /// Harmonic mean of the two.
    pub f1: Estimate,
    /// Prompts that belong there.
    pub support: u64,
}

/// Figures under the thresholds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AsDeployed {
    /// Right route accepted, or out-of-domain sent to fallback, over all.
    pub system_accuracy: Estimate,
    /// Accepted / all.
    pub coverage: Estimate,
    /// Right / accepted.
    pub selective_accuracy: Estimate,
    /// In-domain accepted by a wrong route / in-domain.
    pub misroute_rate: Estimate,
    /// Out-of-domain accepted / out-of-domain.
    pub false_accept_rate: Estimate,
    /// In-domain sent to fallback / in-domain.
    pub false_fallback_rate: Estimate,
    /// Mean F1 over routes, and fallback where there are out-of-domain prompts.
    pub macro_f1: Estimate,
    /// Each route, and the fallback.
    pub routes: Vec<RouteFigures>,
}

/// Detection of out-of-domain prompts by the score, and by the gap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectionReport {
    /// By the score.
    #[serde(flatten)]
    pub by_score: DetectionFigures,
    /// By the gap.
    pub by_gap: DetectionFigures,
}

/// Figures of one detector; in-domain is the positive class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DetectionFigures {
    /// Area under the ROC curve.
    pub auroc: Estimate,
    /// Average precision, in-domain positive.
    pub average_precision_in: Estimate,
    /// Average precision, out-of-domain positive.
    pub average_precision_out: Estimate,
    /// Share of out-of-domain prompts accepted where 95 % of in-domain ones are.
    pub fpr_at_95_tpr: Estimate,
    /// The mirror that `OpenOOD` reports: share of in-domain prompts rejected where 95 % of out-of-domain ones are.
    pub fpr_at_95_tpr_out: Estimate,
}

/// Selective prediction over all prompts (accepting an out-of-domain one is wrong), and over the in-domain ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SelectiveReport {
    /// All prompts.
    #[serde(flatten)]
    pub all: SelectiveFigures,
    /// In-domain prompts only.
    pub in_domain: SelectiveFigures,
}

/// Areas under the risk–coverage curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SelectiveFigures {
    /// Area under risk against coverage.
    pub aurc: Estimate,
    /// AURC above the best possible.
    pub e_aurc: Estimate,
    /// Area under P(accepted and wrong) against coverage.
    pub augrc: Estimate,
    /// Error with everything accepted.
    pub full_coverage_error: Estimate,
}

/// Reliability of the calibrated confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReliabilityReport {
    /// `platt`, `isotonic` or `temperature`.
    pub method: String,
    /// The split the mapping was fitted on.
    pub fitted_on: String,
    /// Prompts it was fitted on.
    pub fitted_n: u64,
    /// Whether it was fitted on the rows it is judged by.
    pub in_sample: bool,
    /// Why there are no figures, if so.
    pub note: Option<String>,
    /// Expected calibration error, 15 bins of equal width.
    pub ece_equal_width: Estimate,
    /// Expected calibration error, 15 bins of equal mass.
    pub ece_equal_mass: Estimate,
    /// Brier score.
    pub brier: Estimate,
    /// Log loss in nats.
    pub log_loss: Estimate,
    /// The bins of equal width.
    pub bins: Vec<ReliabilityBinReport>,
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReliabilityBinReport {
    /// Lower edge.
    pub lower: f64,
    /// Upper edge.
    pub upper: f64,
    /// Prompts in it.
    pub n: u64,
    /// Their mean confidence.
    pub mean_confidence: Option<f64>,
    /// Share of them that is right.
    pub accuracy: Estimate,
}

/// Confusion matrix as deployed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfusionReport {
    /// Rows: the routes, then `none`.
    pub labels: Vec<String>,
    /// Columns: the routes, then `fallback`.
    pub columns: Vec<String>,
    /// Prompts, rows × columns.
    pub counts: Vec<Vec<u64>>,
    /// Counts over the row's sum; a null point in an empty row.
    pub row_shares: Vec<Vec<Estimate>>,
}

/// Distribution of the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfidenceReport {
    /// All prompts.
    pub overall: RouteConfidence,
    /// By the best route.
    pub routes: Vec<RouteConfidence>,
}

/// Scores of the prompts whose best route is this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteConfidence {
    /// Route name, or `all`.
    pub route: String,
    /// In-domain, best route right.
    pub right: SummaryReport,
    /// In-domain, best route wrong.
    pub wrong: SummaryReport,
    /// Out-of-domain.
    pub out_of_domain: SummaryReport,
}

/// Summary of a set of scores; quantiles by linear interpolation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SummaryReport {
    /// How many.
    pub n: u64,
    /// Mean.
    pub mean: Option<f64>,
    /// Least.
    pub min: Option<f64>,
    /// 5 % quantile.
    pub p05: Option<f64>,
    /// Lower quartile.
    pub p25: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// Upper quartile.
    pub p75: Option<f64>,
    /// 95 % quantile.
    pub p95: Option<f64>,
    /// Greatest.
    pub max: Option<f64>,
}

impl From<&Summary> for SummaryReport {
    fn from(s: &Summary) -> Self {
        Self {
            n: s.n(),
            mean: s.mean(),
            min: s.min(),
            p05: s.quantile(0.05),
            p25: s.quantile(0.25),
            p50: s.quantile(0.5),
            p75: s.quantile(0.75),
            p95: s.quantile(0.95),
            max: s.max(),
        }
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mistake {
    /// Line in the dataset.
    pub line: u64,
    /// The prompt.
    pub prompt: String,
    /// Its label.
    pub label: String,
    /// The route it was nearest to.
    pub chosen: String,
    /// Score.
    pub score: f64,
    /// Gap; null for a lone route.
    pub gap: Option<f64>,
    /// Whether the thresholds let it through.
    pub accepted: bool,
    /// Nearest example of the chosen route.
    pub nearest_chosen: ExampleReport,
    /// Nearest example of its own route; null for an out-of-domain prompt.
    pub nearest_right: Option<ExampleReport>,
}

/// A route's example near a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExampleReport {
    /// The example.
    pub example: String,
    /// Its cosine to the prompt.
    pub cosine: f64,
}

/// Prompts that are also route examples, case and outer spaces aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeakageReport {
    /// How many.
    pub n: u64,
    /// Lines of the first ten.
    pub lines: Vec<u64>,
}
