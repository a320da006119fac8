//! The document of `improve`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Estimate, Provenance};

/// Examples to add and to drop, and how sure it is that they help.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "routecal improve")]
pub struct ImproveReport {
    /// Always `improvement`.
    pub kind: String,
    /// Schema version.
    pub schema_version: u64,
    /// What made it.
    pub provenance: Provenance,
    /// Split whose prompts may become examples.
    pub calibration_split: String,
    /// Distinct in-domain prompts of it.
    pub candidates: u64,
    /// Split that judges.
    pub test_split: String,
    /// Whether the changes are proposed: their cross-validated gain is above zero with its whole interval.
    pub proposed: bool,
    /// The changes, in the order in which they were found.
    pub changes: Vec<ChangeReport>,
    /// What cross-validation on the calibration split says.
    pub validation: ValidationReport,
    /// The routes before and after, on the test split.
    pub test: ImproveTestReport,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangeReport {
    /// `add` or `drop`.
    pub act: String,
    /// The route.
    pub route: String,
    /// The example.
    pub example: String,
    /// Line of the dataset that an added one stands on; null for one that is dropped.
    pub line: Option<u64>,
}

/// The whole procedure, on folds that it did not look at.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ValidationReport {
    /// Folds.
    pub folds: u64,
    /// Forced-choice accuracy before.
    pub before: Estimate,
    /// And with the changes that the other folds led to.
    pub after: Estimate,
    /// Difference, with Tango's interval.
    pub gain: Estimate,
    /// Prompts that were wrong and are right.
    pub won: u64,
    /// Prompts that were right and are wrong.
    pub lost: u64,
    /// As many random examples a route instead: mean accuracy over the draws.
    pub random_mean: Option<f64>,
    /// The best of the draws.
    pub random_best: Option<f64>,
    /// Draws.
    pub random_draws: u32,
}

/// The test split, which neither the search nor the validation has seen.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ImproveTestReport {
    /// Forced-choice accuracy before.
    pub before: Estimate,
    /// And after.
    pub after: Estimate,
    /// Difference, with Tango's interval.
    pub gain: Estimate,
    /// McNemar's exact test, two-sided.
    pub mcnemar_p: f64,
    /// AUROC of the score before; null without out-of-domain prompts.
    pub auroc_before: Option<f64>,
    /// And after.
    pub auroc_after: Option<f64>,
    /// As many random examples a route instead: mean accuracy over the draws.
    pub random_mean: Option<f64>,
    /// Nine draws in ten lie between these two.
    pub random_lower: Option<f64>,
    /// The upper one.
    pub random_upper: Option<f64>,
}
