//! The document of `learn-curve`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Estimate, Provenance};

/// Accuracy against the number of examples a route.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "routecal learn-curve")]
pub struct LearnCurveReport {
    /// Always `learn_curve`.
    pub kind: String,
    /// Schema version.
    pub schema_version: u64,
    /// What made it.
    pub provenance: Provenance,
    /// The scoring rule.
    pub scoring: String,
    /// Routers drawn for each number of examples.
    pub draws: u32,
    /// Split whose prompts are drawn as examples, beside those of the routes file.
    pub pool_split: String,
    /// Split that judges.
    pub test_split: String,
    /// In-domain prompts that judge the accuracy.
    pub n: u64,
    /// Out-of-domain prompts that judge the AUROC.
    pub out_of_domain: u64,
    /// What each route's examples are drawn from.
    pub pools: Vec<PoolReport>,
    /// The curve, by rising number of examples.
    pub points: Vec<LearnPointReport>,
    /// The examples that the routes file has now.
    pub current: CurrentReport,
    /// Least number of examples whose mean accuracy is within a point of that of the largest number.
    pub enough: Option<u64>,
}

/// A route's candidates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PoolReport {
    /// The route.
    pub route: String,
    /// Distinct candidates.
    pub candidates: u64,
}

/// Routers with one number of examples.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LearnPointReport {
    /// Examples a route.
    pub examples: u64,
    /// Routes with fewer candidates, which take all they have.
    pub short_routes: u64,
    /// Share of in-domain prompts whose own route has the best score; null without such prompts.
    pub accuracy: Option<BandReport>,
    /// How well the score tells in-domain from out-of-domain prompts; null where either is missing.
    pub auroc: Option<BandReport>,
}

/// A figure over the draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct BandReport {
    /// Mean.
    pub mean: f64,
    /// One draw in twenty is lower.
    pub lower: f64,
    /// One draw in twenty is higher.
    pub upper: f64,
    /// The worst draw.
    pub min: f64,
    /// The best draw.
    pub max: f64,
}

/// The routes as they are.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CurrentReport {
    /// Examples of the route with the fewest.
    pub least_examples: u64,
    /// Examples of the route with the most.
    pub most_examples: u64,
    /// Accuracy, with Wilson's interval.
    pub accuracy: Estimate,
    /// AUROC.
    pub auroc: Option<f64>,
}
