//! The baseline file: what a router did with each prompt, and what made it.
//!
//! Prompts stand in it by hash, not by text, so that it can be committed where prompts are private (a short prompt can be
//! guessed and hashed, though). The checksum is over the content, not the bytes: a formatter may touch the file, a hand may
//! not.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CheckError, GoldenVector, PromptOutcome};
use crate::assets::sha256_hex;
use crate::report::{Provenance, ThresholdsReport};
use crate::routes::Thresholds;
use crate::store;

/// Schema version of baselines.
pub const BASELINE_VERSION: u64 = 1;

/// What a router did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "routecal baseline")]
pub struct Baseline {
    /// Always `baseline`.
    pub kind: String,
    /// Schema version, see [`BASELINE_VERSION`].
    pub schema_version: u64,
    /// sha256 of everything else here.
    pub content_sha256: String,
    /// What made it.
    pub provenance: Provenance,
    /// Split of the dataset.
    pub split: String,
    /// The thresholds that decided.
    pub thresholds: BaselineThresholds,
    /// Names of the routes.
    pub routes: Vec<String>,
    /// Vectors of a few fixed texts.
    pub golden: Vec<GoldenVector>,
    /// One entry a distinct prompt and label, by rising hash.
    pub prompts: Vec<PromptOutcome>,
}

/// Thresholds in a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineThresholds {
    /// Least score accepted.
    pub threshold: f64,
    /// Least gap accepted.
    pub gap: f64,
    /// Routes with thresholds of their own.
    pub by_route: BTreeMap<String, ThresholdPair>,
}

/// Thresholds of one route.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThresholdPair {
    /// Least score accepted.
    pub threshold: f64,
    /// Least gap accepted.
    pub gap: f64,
}

impl From<Thresholds> for ThresholdPair {
    fn from(t: Thresholds) -> Self {
        Self {
            threshold: t.threshold(),
            gap: t.gap(),
        }
    }
}

impl From<&ThresholdsReport> for BaselineThresholds {
    fn from(shown: &ThresholdsReport) -> Self {
        Self {
            threshold: shown.threshold,
            gap: shown.gap,
            by_route: shown
                .by_route
                .iter()
                .map(|(name, own)| (name.clone(), (*own).into()))
                .collect(),
        }
    }
}

impl Baseline {
    /// A baseline with its checksum; `prompts` in any order.
    pub fn new(
        provenance: Provenance,
        split: &str,
        thresholds: BaselineThresholds,
        routes: Vec<String>,
        golden: Vec<GoldenVector>,
        mut prompts: Vec<PromptOutcome>,
    ) -> Self {
        prompts.sort_by(|a, b| (&a.prompt, &a.label).cmp(&(&b.prompt, &b.label)));
        let mut baseline = Self {
            kind: "baseline".into(),
            schema_version: BASELINE_VERSION,
            content_sha256: String::new(),
            provenance,
            split: split.into(),
            thresholds,
            routes,
            golden,
            prompts,
        };
        baseline.content_sha256 = baseline.checksum();
        baseline
    }

    /// sha256 of the content without the checksum.
    fn checksum(&self) -> String {
        let bare = Self {
            content_sha256: String::new(),
            ..self.clone()
        };
        sha256_hex(&serde_json::to_vec(&bare).expect("plain data with string keys serialises"))
    }

    /// The text of the file: one line a prompt, so that a diff shows which changed. The same on every run.
    ///
    /// # Panics
    /// Never: plain data with string keys serialises.
    pub fn text(&self) -> String {
        const EMPTY: &str = "\"prompts\": []";
        let bare = Self {
            prompts: Vec::new(),
            ..self.clone()
        };
        let frame = store::json(&bare);
        // The last one is the member: it is the last of all.
        let (head, tail) = frame.rsplit_once(EMPTY).expect("the member is there");
        let line = |p: &PromptOutcome| format!("    {}", serde_json::to_string(p).expect("plain data serialises"));
        let lines: Vec<String> = self.prompts.iter().map(line).collect();
        format!("{head}\"prompts\": [\n{}\n  ]{tail}", lines.join(",\n"))
    }

    /// Reads a baseline's text; `file` is only named in errors.
    ///
    /// # Errors
    /// [`CheckError::Version`] for another schema version, [`CheckError::Edited`] where the checksum does not fit,
    /// [`CheckError::Baseline`] for anything else that is wrong.
    pub fn parse(text: &str, file: &str) -> Result<Self, CheckError> {
        let bad = |message: String| CheckError::Baseline {
            file: file.to_owned(),
            message,
        };
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| {
            bad(if e.is_eof() {
                format!("it is cut off at line {}", e.line())
            } else {
                format!("not valid JSON: {e}")
            })
        })?;
        if value["kind"] != "baseline" {
            return Err(bad("it has no \"kind\": \"baseline\"".into()));
        }
        let found = value["schema_version"].as_u64().unwrap_or_default();
        if found != BASELINE_VERSION {
            return Err(CheckError::Version {
                file: file.to_owned(),
                found,
                expected: BASELINE_VERSION,
            });
        }
        let baseline: Self =
            serde_path_to_error::deserialize(value).map_err(|e| bad(format!("{}: {}", e.path(), e.inner())))?;
        let checksum = baseline.checksum();
        if checksum != baseline.content_sha256 {
            // As many digits as it takes to see that they differ: the damage may be in the last of them.
            let same = checksum
                .chars()
                .zip(baseline.content_sha256.chars())
                .take_while(|(a, b)| a == b);
            let digits = (same.count() + 1).max(12);
            let start = |text: &str| text.chars().take(digits).collect();
            return Err(CheckError::Edited {
                file: file.to_owned(),
                found: start(&checksum),
                stated: start(&baseline.content_sha256),
            });
        }
        Ok(baseline)
    }
}
