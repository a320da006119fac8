//! The certificate in the document of `calibrate`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Estimate, OperatingPoint};
use crate::calibrate::{Candidate, rate};

/// What `--certify` or `--max-joint-risk` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CertificationReport {
    /// What is limited: `selective-risk`, P(wrong | accepted), or `joint-risk`, P(accepted and wrong).
    pub kind: String,
    /// `learn-then-test, split fixed sequence, exact binomial` or `conformal risk control`.
    pub method: String,
    /// `certified`, or `inconclusive`: then `chosen` of the document is null and the exit code 4.
    pub verdict: String,
    /// The highest risk.
    pub alpha: f64,
    /// Confidence of the certificate, over the draw of the calibration rows; null for the joint risk, whose control is in
    /// expectation.
    pub confidence: Option<f64>,
    /// One minus the confidence: the chance of a false certificate.
    pub delta: Option<f64>,
    /// What is promised, and of which prompts; null where nothing could be certified.
    pub guarantee: Option<String>,
    /// The rows it rests on.
    pub rows: CertificationRows,
    /// Candidates in the order, tested or not; 0 for the joint risk, which tests none.
    pub candidates: u64,
    /// Those that were tested, in order, up to the first that failed.
    pub tested: Vec<CandidateReport>,
    /// The certified thresholds; null where the verdict is `inconclusive`.
    pub certificate: Option<CertificateReport>,
    /// What the same goal chooses from the same rows without a certificate; null where no thresholds meet the limit.
    pub uncertified: Option<OperatingPoint>,
    /// What the certificate costs; null where there is none, or nothing to compare it with.
    pub cost: Option<CostReport>,
    /// What is missing; null where the verdict is `certified`.
    pub shortfall: Option<ShortfallReport>,
}

/// The rows that a certificate rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificationRows {
    /// Distinct prompts used: `ordering` + `testing`.
    pub used: u64,
    /// Rows left out because another one holds the same prompt.
    pub copies: u64,
    /// Rows left out because they are route examples: the router has seen them.
    pub examples: u64,
    /// Prompts that chose the candidates and their order (of the joint risk: the gap).
    pub ordering: u64,
    /// Prompts that tested them (of the joint risk: set the threshold).
    pub testing: u64,
}

/// Thresholds and what the testing rows say of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CandidateReport {
    /// Least score accepted.
    pub threshold: f64,
    /// Least gap accepted.
    pub gap: f64,
    /// Testing rows accepted.
    pub accepted: u64,
    /// Of these, wrong or out-of-domain.
    pub wrong: u64,
    /// P(Bin(accepted, alpha) ≤ wrong).
    pub p_value: f64,
    /// Whether it is certified: its p-value is at most delta, and so is every earlier one.
    pub certified: bool,
}

impl CandidateReport {
    /// Of a candidate.
    pub fn new(candidate: &Candidate, certified: bool) -> Self {
        Self {
            threshold: candidate.at.threshold(),
            gap: candidate.at.gap(),
            accepted: candidate.accepted,
            wrong: candidate.wrong,
            p_value: candidate.p_value,
            certified,
        }
    }
}

/// The certified thresholds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateReport {
    /// Least score accepted.
    pub threshold: f64,
    /// Least gap accepted.
    pub gap: f64,
    /// Testing rows accepted.
    pub accepted: u64,
    /// Of these, wrong or out-of-domain.
    pub wrong: u64,
    /// The risk on the testing rows: wrong over accepted, or, of the joint risk, over all.
    pub observed_risk: Option<f64>,
    /// P(Bin(accepted, alpha) ≤ wrong); null for the joint risk.
    pub p_value: Option<f64>,
    /// Exact upper bound of the risk at the confidence (Clopper & Pearson, one-sided), at most alpha; null for the joint risk.
    pub upper_bound: Option<f64>,
    /// (wrong + 1) / (testing + 1), at most alpha; null for the selective risk.
    pub corrected_risk: Option<f64>,
}

/// Coverage of the certified thresholds against that of the uncertified choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostReport {
    /// On the calibration split.
    pub calibration: CoverageCost,
    /// On the test split.
    pub test: CoverageCost,
}

impl CostReport {
    /// Of two operating points.
    pub fn new(certified: &OperatingPoint, uncertified: &OperatingPoint) -> Self {
        let cost = |certified: Estimate, uncertified: Estimate| CoverageCost {
            certified,
            uncertified,
            cost: uncertified.point.zip(certified.point).map(|(u, c)| u - c),
        };
        let coverage = |split: &super::SplitFigures| split.as_deployed.coverage;
        Self {
            calibration: cost(coverage(&certified.calibration), coverage(&uncertified.calibration)),
            test: cost(coverage(&certified.test), coverage(&uncertified.test)),
        }
    }
}

/// The same on one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CoverageCost {
    /// Coverage of the certified thresholds.
    pub certified: Estimate,
    /// Coverage of the uncertified choice.
    pub uncertified: Estimate,
    /// Uncertified minus certified.
    pub cost: Option<f64>,
}

/// A share as a percentage with as many decimals as it has, up to four: `5 %`, `99.9 %`.
pub(crate) fn percentage(share: f64) -> String {
    let text = format!("{:.4}", 100.0 * share);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Why nothing is certified, and what would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShortfallReport {
    /// The candidate that came nearest on the testing rows; null for the joint risk, or without testing rows.
    pub nearest: Option<CandidateReport>,
    /// Accepted testing rows that would certify it at the rate of errors it has, with about an even chance; null where no number
    /// would do, since that rate is not below alpha.
    pub accepted_needed: Option<u64>,
    /// How many of them are missing.
    pub more_accepted: Option<u64>,
    /// About how many more distinct calibration prompts that takes, most of which are not accepted or go into the order.
    pub more_rows: Option<u64>,
    /// The same in a sentence.
    pub reason: String,
    /// What to do.
    pub advice: String,
}

impl CertificateReport {
    /// Of a candidate certified at `delta`.
    pub fn selective(candidate: &Candidate, delta: f64) -> Self {
        Self {
            threshold: candidate.at.threshold(),
            gap: candidate.at.gap(),
            accepted: candidate.accepted,
            wrong: candidate.wrong,
            observed_risk: rate(candidate.wrong, candidate.accepted),
            p_value: Some(candidate.p_value),
            upper_bound: crate::stats::proportion::upper_bound(candidate.wrong, candidate.accepted, delta),
            corrected_risk: None,
        }
    }

    /// Of thresholds whose joint risk is controlled.
    pub fn joint(controlled: &crate::calibrate::Controlled) -> Self {
        Self {
            threshold: controlled.at.threshold(),
            gap: controlled.at.gap(),
            accepted: controlled.accepted,
            wrong: controlled.wrong,
            observed_risk: rate(controlled.wrong, controlled.n),
            p_value: None,
            upper_bound: None,
            corrected_risk: Some(controlled.corrected_risk()),
        }
    }
}
