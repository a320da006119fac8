//! The document of `replay analyse`.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Estimate;
use crate::replay::graders::judge::Audit;

/// What routing costs, and what it does to the answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "routecal replay")]
pub struct ReplayReport {
    /// Always `replay`.
    pub kind: String,
    /// Schema version.
    pub schema_version: u64,
    /// What made it.
    pub provenance: ReplayProvenance,
    /// Prompts that are compared: those of which every model has a scored answer and a cost.
    pub n: u64,
    /// Prompts there are.
    pub prompts: u64,
    /// Answers a prompt and model.
    pub samples: u64,
    /// Why prompts are not compared.
    pub dropped: DroppedReport,
    /// Cells by where their token counts come from: `api`, `estimated`, `recorded`, `none`.
    pub usage_sources: BTreeMap<String, u64>,
    /// Every model on its own.
    pub models: Vec<ModelReport>,
    /// The models that routing is held against.
    pub anchors: AnchorsReport,
    /// The policies, on the same prompts.
    pub policies: Vec<PolicyReport>,
    /// Names of the policies that no other one beats in both cost and quality; those with hindsight do not take part.
    pub pareto: Vec<String>,
    /// What single models reach with no router at all: the corners of their hull.
    pub zero_router: Vec<CornerReport>,
    /// Whether the router beats its own mix; null without a router.
    pub shuffle: Option<ShuffleReport>,
    /// The router at every threshold; null without a router.
    pub sweep: Option<SweepReport>,
    /// What each route's prompts cost and get, by where the thresholds in use send them.
    pub by_route: Vec<GroupReport>,
    /// The same by category or label of the prompts.
    pub by_category: Vec<GroupReport>,
    /// How far the judge can be trusted; null where none graded.
    pub judge: Option<Audit>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// What a replay depends on; two runs with equal provenance give equal documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayProvenance {
    /// Version of the program.
    pub tool_version: String,
    /// `run`, or the format of the recorded data.
    pub source: String,
    /// Hash of the answers.
    pub sha256: String,
    /// How the answers were graded; `recorded` for grades that came with the data.
    pub grader: String,
    /// The router: what it was read from; null without one.
    pub router: Option<String>,
    /// Hash of the router's choices; null without one.
    pub router_sha256: Option<String>,
    /// Split of the prompts, or `all`.
    pub split: String,
    /// Which cost decides: `list` (no token from a cache) or `billed`.
    pub cost: String,
    /// What becomes of answers without a score: `drop` or `wrong`.
    pub ungraded: String,
    /// Seed of resamples and shuffles.
    pub seed: u64,
    /// Resamples of every interval.
    pub resamples: u32,
}

/// Why prompts are not compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DroppedReport {
    /// Prompts, each counted once.
    pub prompts: u64,
    /// By cause and model; a prompt can have several.
    pub causes: Vec<DropCause>,
}

/// One cause, at one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DropCause {
    /// `unparsed`, `truncated`, `refused`, `empty`, `error`, `missing`, `ungraded` or `no_cost`.
    pub cause: String,
    /// The model.
    pub model: String,
    /// Prompts.
    pub prompts: u64,
}

/// One model on its own, over all its answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelReport {
    /// The model.
    pub model: String,
    /// Its answers by what became of them.
    pub outcomes: BTreeMap<String, u64>,
    /// Mean score over its own scored answers, which need not be those of the other models.
    pub quality: Estimate,
    /// Median time of an answer in milliseconds, where times were kept.
    pub latency_p50_ms: Option<f64>,
    /// The time that 95 % of the answers stay within.
    pub latency_p95_ms: Option<f64>,
}

/// The weak and the strong model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnchorsReport {
    /// The cheapest model, unless another one was named.
    pub weak: String,
    /// The best model, unless another one was named; where that is the cheapest, the dearest.
    pub strong: String,
    /// Whether the strong model is no better than the weak one, so that there is no gap to be closed and no PGR.
    pub dominated: bool,
    /// Quality of the strong model minus that of the weak one.
    pub gap: Estimate,
}

/// One policy. Figures are means over the compared prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyReport {
    /// Name: `always:MODEL`, `routed`, `random:P`, `shuffle`, `best-per-category`, `oracle`.
    pub name: String,
    /// Whether it was chosen with the answers known: a bound, not something to deploy.
    pub hindsight: bool,
    /// Mean quality, 0 to 1.
    pub quality: Estimate,
    /// Its quality if every unscored answer were worth 0, and if it were worth 1; null where the policy is only defined on
    /// scored answers.
    pub quality_bounds: Option<BoundsReport>,
    /// Dollars for a thousand prompts at list price, the router's own cost included.
    pub usd_per_1k: Estimate,
    /// Dollars for a thousand prompts as billed, the router's own cost included.
    pub usd_per_1k_billed: Estimate,
    /// Share of prompts that each model answers.
    pub share: IndexMap<String, f64>,
    /// Median latency in milliseconds, the router's own included.
    pub latency_p50_ms: Option<f64>,
    /// The latency that 95 % of the prompts stay within.
    pub latency_p95_ms: Option<f64>,
    /// Expected share of answers by what becomes of them, over all prompts; null where the policy is only defined on scored
    /// answers.
    pub outcomes: Option<BTreeMap<String, f64>>,
    /// Quality of the oracle minus its own.
    pub regret: Estimate,
    /// 1 − cost / cost of the strong model.
    pub cost_saved: Estimate,
    /// Its quality minus that of the strong model.
    pub quality_vs_strong: Estimate,
    /// McNemar's exact test against the strong model, two-sided; null unless every score is 0 or 1 and every choice is fixed.
    pub mcnemar_p: Option<f64>,
    /// Performance gap recovered; null where the strong model is dominated.
    pub pgr: Estimate,
    /// Cost as a share of the way from the weak model's to the strong one's; null where that is nothing.
    pub normalised_cost: Option<f64>,
}

/// Both ends of what a quality can be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BoundsReport {
    /// Every unscored answer worth 0.
    pub lower: f64,
    /// Every unscored answer worth 1.
    pub upper: f64,
    /// Prompts: those that every model answered.
    pub n: u64,
}

/// A corner of a hull.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CornerReport {
    /// Dollars for a thousand prompts.
    pub usd_per_1k: f64,
    /// Quality.
    pub quality: f64,
}

/// The router against its own choices, dealt to random prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShuffleReport {
    /// Quality of the routed policy minus the exact mean of its shuffles.
    pub difference: Estimate,
    /// Chance that a shuffle is at least as good, one-sided.
    pub p_value: f64,
    /// Shuffles drawn.
    pub permutations: u32,
    /// Whether `p_value` is below 0.05.
    pub beats_own_mix: bool,
}

/// The router at every threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SweepReport {
    /// Gap that held.
    pub gap: f64,
    /// Thresholds at which a decision changes.
    pub thresholds: u64,
    /// Up to fifty of them, corners of the hull among them; the table `frontier.csv` has all.
    pub points: Vec<SweepPointReport>,
    /// Corners of the router's own hull.
    pub hull: Vec<CornerReport>,
    /// Area under PGR against normalised cost from 0 to 1; ½ is a random mix.
    pub apgr: Estimate,
    /// Mean height of the router's hull over `aiq_range`.
    pub aiq: Estimate,
    /// Mean height of the single models' hull over the same range: what a router has to beat.
    pub aiq_zero_router: Estimate,
    /// Dollars for a thousand prompts from and to which both areas are taken; null where there is no such range.
    pub aiq_range: Option<[f64; 2]>,
    /// Least normalised cost at which a threshold recovers a share of the gap.
    pub cpt: Vec<CptReport>,
    /// Least cost at which a threshold keeps a share of the strong model's quality.
    pub cost_at_quality: Vec<CostAtReport>,
}

/// The router at one threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SweepPointReport {
    /// Least score accepted; null where nothing is.
    pub threshold: Option<f64>,
    /// Share of prompts that go to their route's model.
    pub accepted: f64,
    /// Quality.
    pub quality: f64,
    /// Dollars for a thousand prompts, the router's own cost included.
    pub usd_per_1k: f64,
    /// Whether it is a corner of the router's hull.
    pub on_hull: bool,
}

/// A call-performance threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CptReport {
    /// Share of the gap that is wanted.
    pub pgr: f64,
    /// Least normalised cost; null where no threshold reaches it.
    pub normalised_cost: Estimate,
}

/// The cost of a share of the strong model's quality.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostAtReport {
    /// The share.
    pub share: f64,
    /// The quality that is wanted.
    pub quality: f64,
    /// Least dollars for a thousand prompts; null where no threshold reaches it.
    pub usd_per_1k: Estimate,
}

/// A group of prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupReport {
    /// Name of the route or category; `fallback` for prompts that no route has.
    pub name: String,
    /// Compared prompts in it.
    pub n: u64,
    /// Mean quality of each model on them.
    pub quality: IndexMap<String, f64>,
    /// Dollars for a thousand of them from each model.
    pub usd_per_1k: IndexMap<String, f64>,
    /// Mean quality as routed; null without a router.
    pub routed_quality: Option<f64>,
    /// Dollars for a thousand of them as routed, the router's own cost included.
    pub routed_usd_per_1k: Option<f64>,
    /// Model that is best on them, ties to the cheapest: hindsight.
    pub best: String,
}
