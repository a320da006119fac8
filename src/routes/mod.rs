//! routes.json: which prompt goes to which model.
//!
//! A file is read in two steps: the serde shape (`file`) says what a person may write, and [`Routes`] is what the rest
//! of the crate works with, validated once. Errors carry the file, the line and the path of the value they are about.

mod edit;
mod error;
mod file;
pub(crate) mod locate;
mod schema;
mod scoring;
mod shape;

pub use edit::{Example, WriteThresholds, with_examples, with_thresholds};
pub use error::{RoutesError, RoutesWarning};
pub use schema::routes_schema;
pub use scoring::{SCORING_RULES, Scoring};

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assets::sha256_hex;

/// Confidence threshold used where routes.json states none: the usual guess.
pub const DEFAULT_THRESHOLD: f64 = 0.35;
/// Gap used where routes.json states none: the usual guess.
pub const DEFAULT_GAP: f64 = 0.02;
/// Encoder used where neither routes.json nor the command line names one.
pub const DEFAULT_ENCODER: &str = "all-MiniLM-L6-v2";
/// Route names that would be mistaken for "no route" in a dataset or for the last column of a confusion matrix.
pub const RESERVED_NAMES: [&str; 5] = ["", "none", "oos", "out_of_domain", "fallback"];
/// A route with fewer examples is reported: its centroid is a guess.
pub const FEW_EXAMPLES: usize = 5;

/// The two numbers of the acceptance rule: accept iff `score >= threshold` and `gap >= min_gap`.
///
/// A score is a cosine, so the threshold lies in [−1, 1]; a gap is a difference of two, so it lies in [0, 2].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Unchecked")]
#[schemars(!try_from)]
pub struct Thresholds {
    threshold: f64,
    gap: f64,
}

/// Thresholds as they are read from a document, whoever wrote it.
#[derive(Deserialize)]
struct Unchecked {
    threshold: f64,
    gap: f64,
}

impl TryFrom<Unchecked> for Thresholds {
    type Error = String;

    fn try_from(read: Unchecked) -> Result<Self, String> {
        Self::new(read.threshold, read.gap)
    }
}

impl Thresholds {
    /// Accepts everything: what "no thresholds" means.
    pub const ACCEPT_ALL: Self = Self {
        threshold: -1.0,
        gap: 0.0,
    };

    /// Checks the ranges.
    ///
    /// # Errors
    /// A sentence that says which number is out of which range.
    pub fn new(threshold: f64, gap: f64) -> Result<Self, String> {
        if !(-1.0..=1.0).contains(&threshold) {
            return Err(format!("threshold {threshold} is not within -1 and 1"));
        }
        if !(0.0..=2.0).contains(&gap) {
            return Err(format!("gap {gap} is not within 0 and 2"));
        }
        Ok(Self { threshold, gap })
    }

    /// Least score (cosine) that is accepted.
    pub const fn threshold(self) -> f64 {
        self.threshold
    }

    /// Least difference between the best and the second score that is accepted.
    pub fn gap(self) -> f64 {
        self.gap
    }

    /// The acceptance rule. A lone route's gap is infinite and always passes.
    pub fn accept(self, score: f64, gap: f64) -> bool {
        score >= self.threshold && gap >= self.gap
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            threshold: DEFAULT_THRESHOLD,
            gap: DEFAULT_GAP,
        }
    }
}

/// Where a prompt goes: a model and the system prompt it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Model name, as the provider spells it.
    pub model: String,
    /// System prompt sent with every prompt of the route.
    pub system_prompt: String,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Route {
    /// Name; a label in datasets.
    pub name: String,
    /// Model and system prompt.
    pub target: Target,
    /// Prompts that belong to the route; their mean vector is its centroid.
    pub examples: Vec<String>,
    /// Thresholds of its own, where calibrated per route.
    pub thresholds: Option<Thresholds>,
}

/// A validated routes.json: at least one route, each with at least one example, all names distinct.
#[derive(Debug, Clone, PartialEq)]
pub struct Routes {
    /// Encoder named in the file.
    pub encoder: Option<String>,
    /// How prompts are scored against the routes' examples.
    pub scoring: Scoring,
    /// Where a prompt goes that no route may have.
    pub fallback: Target,
    /// Thresholds that hold for every route without its own.
    pub thresholds: Thresholds,
    /// In the order of the file, which breaks ties.
    pub routes: Vec<Route>,
    /// Prompts that no route should take; only [`Scoring::LogisticOod`] learns from them.
    pub out_of_domain: Vec<String>,
    /// Price of one prompt by model, in any one currency.
    pub prices: BTreeMap<String, f64>,
}

impl Routes {
    /// Reads and validates a file, in the full shape or as a bare mapping of names to routes.
    ///
    /// # Errors
    /// [`RoutesError`] with file, line and path: unreadable, not JSON, unknown key, wrong type, no routes, an empty
    /// route, two identical routes, a reserved name, a number out of range.
    pub fn load(path: &Path) -> Result<(Self, Vec<RoutesWarning>), RoutesError> {
        let text = std::fs::read_to_string(path).map_err(|source| RoutesError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Validates text; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`Routes::load`].
    pub fn parse(text: &str, path: &Path) -> Result<(Self, Vec<RoutesWarning>), RoutesError> {
        file::parse(text, path)
    }

    /// The examples of all routes in order, then the out-of-domain ones where the scoring rule learns from them: all that must
    /// be embedded before a prompt can be scored.
    pub fn example_texts(&self) -> impl Iterator<Item = &str> {
        let used = self.scoring.needs_out_of_domain();
        let outside = self.out_of_domain.iter().filter(move |_| used);
        let examples = self.routes.iter().flat_map(|r| &r.examples);
        examples.chain(outside).map(String::as_str)
    }

    /// Number of examples of each route.
    pub fn sizes(&self) -> Vec<usize> {
        self.routes.iter().map(|r| r.examples.len()).collect()
    }

    /// Route names in order.
    pub fn names(&self) -> Vec<String> {
        self.routes.iter().map(|r| r.name.clone()).collect()
    }

    /// The thresholds a prompt of route `index` is judged by.
    ///
    /// # Panics
    /// If `index` is not below the number of routes.
    pub fn thresholds_of(&self, index: usize) -> Thresholds {
        self.routes[index].thresholds.unwrap_or(self.thresholds)
    }

    /// Thresholds of every route, in order.
    pub fn thresholds_by_route(&self) -> Vec<Thresholds> {
        (0..self.routes.len()).map(|i| self.thresholds_of(i)).collect()
    }

    /// sha256 of what decides scores and targets: names, models, system prompts, examples, fallback, scoring rule and what it learns from. Thresholds are
    /// left out, so that a calibration does not make a router built before it look stale.
    ///
    /// # Panics
    /// Never: strings and sequences always serialise.
    pub fn fingerprint(&self) -> String {
        let content: Vec<_> = self.routes.iter().map(|r| (&r.name, &r.target, &r.examples)).collect();
        let mut canonical =
            serde_json::to_vec(&(content, &self.fallback)).expect("strings and sequences always serialise");
        // The usual rule leaves the hash as it was before there were others.
        if self.scoring != Scoring::Centroid {
            canonical.extend(self.scoring.to_string().bytes());
        }
        if self.scoring.needs_out_of_domain() {
            canonical.extend(serde_json::to_vec(&self.out_of_domain).expect("strings always serialise"));
        }
        sha256_hex(&canonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_refuse_nan_and_what_no_cosine_can_be() {
        for (t, g) in [
            (f64::NAN, 0.0),
            (1.5, 0.0),
            (-1.01, 0.0),
            (0.3, -0.1),
            (0.3, f64::NAN),
            (f64::INFINITY, 0.0),
        ] {
            assert!(Thresholds::new(t, g).is_err(), "{t} {g}");
        }
        let at = Thresholds::new(0.3, 0.1).unwrap();
        assert!(at.accept(0.3, 0.1) && at.accept(0.3, f64::INFINITY));
        assert!(!at.accept(0.299, 0.1) && !at.accept(0.3, 0.09));
    }
}
