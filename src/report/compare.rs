//! The document of `compare-encoders`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{DatasetProvenance, Estimate, IntervalsReport, Resampled};
use crate::encode::EncoderIdentity;
use crate::routes::Thresholds;

/// The same prompts through several encoders and scoring rules.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "routecal compare-encoders")]
pub struct CompareReport {
    /// Always `encoder_comparison`.
    pub kind: String,
    /// Schema version.
    pub schema_version: u64,
    /// Version of the program.
    pub tool_version: String,
    /// Hash of the routes.
    pub routes_sha256: String,
    /// The dataset.
    pub dataset: DatasetProvenance,
    /// Seed.
    pub seed: u64,
    /// How intervals were made.
    pub intervals: IntervalsReport,
    /// Split that chose each contender's thresholds.
    pub calibration_split: String,
    /// Split that judges.
    pub test_split: String,
    /// Prompts that judge.
    pub n: u64,
    /// Of them, out-of-domain.
    pub out_of_domain: u64,
    /// Highest selective risk that the thresholds may have on the calibration split.
    pub risk: f64,
    /// The contenders; the others are compared with the first.
    pub contenders: Vec<ContenderReport>,
}

/// An encoder with a scoring rule.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ContenderReport {
    /// The encoder.
    pub encoder: EncoderIdentity,
    /// The scoring rule.
    pub scoring: String,
    /// Share of in-domain prompts whose own route has the best score.
    pub forced_choice_accuracy: Estimate,
    /// How well the score tells in-domain prompts from out-of-domain ones.
    pub auroc: Estimate,
    /// Thresholds with the most coverage within the risk on the calibration split; null where none keep it.
    pub chosen: Option<Thresholds>,
    /// Share of prompts that they accept on the test split; nothing where there are none.
    pub coverage: Estimate,
    /// Wrong or out-of-domain among the accepted.
    pub selective_risk: Estimate,
    /// Prompts embedded a second, without the cache; null unless it was asked for.
    pub prompts_per_second: Option<f64>,
    /// Against the first contender; null for itself.
    pub versus_first: Option<AgainstFirst>,
}

/// A contender against the first one, on the same prompts.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AgainstFirst {
    /// In-domain prompts that only the first gets right.
    pub lost: u64,
    /// In-domain prompts that only this one gets right.
    pub won: u64,
    /// Difference of the forced-choice accuracies, with Tango's interval.
    pub forced_choice_accuracy: Estimate,
    /// McNemar's exact test, two-sided.
    pub mcnemar_p: f64,
    /// The same after Holm's adjustment over the contenders.
    pub adjusted_p: f64,
    /// Difference of the AUROCs.
    pub auroc: Estimate,
    /// Difference of the coverages at the chosen thresholds.
    pub coverage: Estimate,
}

impl Resampled for Vec<ContenderReport> {
    fn each(&mut self, visit: &mut dyn FnMut(&mut Estimate)) {
        for contender in self {
            visit(&mut contender.auroc);
            if let Some(versus) = &mut contender.versus_first {
                visit(&mut versus.auroc);
                visit(&mut versus.coverage);
            }
        }
    }
}
