//! The document of `calibrate`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AsDeployed, CertificationReport, ChoiceOptimism, CrossValidationReport, Estimate, IntervalsReport, LeakageReport,
    Provenance, Resampled, ScoredReport,
};
use crate::calibrate::Goal;
use crate::routes::Thresholds;

/// What `calibrate` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "routecal calibration")]
pub struct CalibrationReport {
    /// Always `calibration`.
    pub kind: String,
    /// Schema version.
    pub schema_version: u64,
    /// What made it.
    pub provenance: Provenance,
    /// How the intervals were made.
    pub intervals: IntervalsReport,
    /// What was looked for.
    pub goal: GoalReport,
    /// Whether each route got thresholds of its own.
    pub per_route: bool,
    /// Points (threshold, gap) looked at.
    pub points: u64,
    /// Whether that was every point that matters.
    pub exact: bool,
    /// The rows that chose.
    pub calibration: SplitReport,
    /// The rows that judge.
    pub test: SplitReport,
    /// The thresholds in routes.json.
    pub current: OperatingPoint,
    /// Everything accepted.
    pub none: OperatingPoint,
    /// The thresholds that serve the goal best, or the certified ones; null where a certificate was asked for and none can be
    /// given.
    pub chosen: Option<OperatingPoint>,
    /// How far the chosen numbers can move before the goal suffers; null with thresholds per route or certified ones.
    pub plateau: Option<PlateauReport>,
    /// How much better the choice looks on the rows that chose it; null where the same rows judge, or nothing was chosen.
    pub optimism: Option<ChoiceOptimism>,
    /// The same by cross-validation; null where none was asked for.
    pub cross_validation: Option<CrossValidationReport>,
    /// The certificate; null where none was asked for.
    pub certification: Option<CertificationReport>,
    /// Prompts that are also route examples, in both splits.
    pub leakage: LeakageReport,
    /// Where the figures come from counts of a scored file: how fine they are, and what is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scored: Option<ScoredReport>,
}

impl CalibrationReport {
    /// The thresholds found, by name, the most important first; then those in use.
    pub fn found_and_current(&self) -> Vec<(&'static str, &OperatingPoint)> {
        let uncertified = self.certification.as_ref().and_then(|c| c.uncertified.as_ref());
        let chosen = self.chosen.as_ref().map(|point| (self.chosen_name(), point));
        chosen
            .into_iter()
            .chain(uncertified.map(|point| ("uncertified", point)))
            .chain([("current", &self.current)])
            .collect()
    }

    /// What the chosen thresholds are called.
    pub fn chosen_name(&self) -> &'static str {
        if self.certification.is_some() {
            "certified"
        } else {
            "chosen"
        }
    }
}

/// A goal and its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GoalReport {
    /// Name on the command line.
    pub name: String,
    /// Highest selective risk, for `max-coverage`; highest joint risk, for `max-joint-coverage`.
    pub risk: Option<f64>,
    /// Least coverage, for `min-risk`.
    pub coverage: Option<f64>,
    /// Least system accuracy, for `min-cost`.
    pub accuracy: Option<f64>,
}

impl GoalReport {
    /// Of a goal and its numbers.
    pub fn of(goal: &Goal) -> Self {
        let mut report = Self {
            name: goal.name().into(),
            risk: None,
            coverage: None,
            accuracy: None,
        };
        match goal {
            Goal::MaxSystemAccuracy | Goal::MaxMacroF1 => {}
            Goal::MaxCoverage { risk } | Goal::MaxJointCoverage { risk } => report.risk = Some(*risk),
            Goal::MinRisk { coverage } => report.coverage = Some(*coverage),
            Goal::MinCost { accuracy, .. } => report.accuracy = Some(*accuracy),
        }
        report
    }
}

/// The rows of one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SplitReport {
    /// Name of the split.
    pub split: String,
    /// Prompts.
    pub n: u64,
    /// Prompts that belong to a route.
    pub in_domain: u64,
    /// Prompts that belong to none.
    pub out_of_domain: u64,
}

/// An operating point, judged on both splits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperatingPoint {
    /// Least score accepted.
    pub threshold: f64,
    /// Least gap accepted.
    pub gap: f64,
    /// Thresholds by route, where they differ.
    pub by_route: BTreeMap<String, Thresholds>,
    /// On the calibration split.
    pub calibration: SplitFigures,
    /// On the test split.
    pub test: SplitFigures,
}

/// Figures of an operating point on one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SplitFigures {
    /// Whether these rows chose the point.
    pub in_sample: bool,
    /// The goal's own figure: a share, or the mean price of a prompt; null where the goal's condition is not met.
    pub objective: Estimate,
    /// Mean price of a prompt, where prices are known.
    pub mean_price: Estimate,
    /// The figures.
    #[serde(flatten)]
    pub as_deployed: AsDeployed,
}

impl Resampled for SplitFigures {
    fn each(&mut self, visit: &mut dyn FnMut(&mut Estimate)) {
        visit(&mut self.mean_price);
        self.as_deployed.each(visit);
    }
}

/// See [`crate::calibrate::Plateau`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlateauReport {
    /// How much less of the goal's figure still counts as the plateau.
    pub tolerance: f64,
    /// Range of the threshold, the gap held.
    pub threshold: Range,
    /// Range of the gap, the threshold held.
    pub gap: Range,
}

/// A closed range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// Least.
    pub low: f64,
    /// Greatest.
    pub high: f64,
}
