//! Today's rows against the baseline's, by the hash of the prompt.
//!
//! A *distinct prompt* is a prompt with a label. Its copies say the same thing again (the vector depends on the text alone), so
//! it counts once in every comparison, however often it stands in either dataset.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Baseline;
use super::metric::NONE;
use crate::assets::sha256_hex;
use crate::router::{Decision, RowScore};

/// Hexadecimal digits of a prompt's hash that are kept: 128 bits.
const KEY: usize = 32;
/// Largest difference of scores and gaps that is noise: another processor sums in another order, and a baseline
/// keeps six decimals.
const NOISE: f64 = 1e-5;

/// The key of a prompt: the first half of the sha256 of its text.
pub fn prompt_key(prompt: &str) -> String {
    let mut key = sha256_hex(prompt.as_bytes());
    key.truncate(KEY);
    key
}

/// Why a prompt went where it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// To its best route.
    Accepted,
    /// To the fallback: the score is below the threshold.
    LowScore,
    /// To the fallback: the best two are too close.
    SmallGap,
}

impl From<Decision> for Reason {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Accept(_) => Self::Accepted,
            Decision::LowScore => Self::LowScore,
            Decision::SmallGap => Self::SmallGap,
        }
    }
}

/// What a router did with one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Name of the best route.
    pub best: String,
    /// Its cosine, to six decimals.
    pub score: f64,
    /// Score minus the runner-up's, to six decimals; `None` for a lone route.
    pub gap: Option<f64>,
    /// Whether it was accepted, and if not, why.
    pub reason: Reason,
}

impl Outcome {
    /// Keeps six decimals of the numbers: finer than the encoder's noise, coarse enough to be the same on most machines.
    pub fn new(row: &RowScore, best: &str, decision: Decision) -> Self {
        let rounded = |x: f64| (x * 1e6).round() / 1e6;
        Self {
            best: best.to_owned(),
            score: rounded(row.score),
            gap: row.gap.is_finite().then(|| rounded(row.gap)),
            reason: decision.into(),
        }
    }

    /// Whether a route took the prompt.
    pub fn accepted(&self) -> bool {
        self.reason == Reason::Accepted
    }

    /// The route that took it, or `fallback`.
    pub fn decision(&self) -> &str {
        if self.accepted() { &self.best } else { "fallback" }
    }

    /// Whether that is right for the label: its own route, or the fallback for `none`.
    pub fn right(&self, label: &str) -> bool {
        if label == NONE {
            !self.accepted()
        } else {
            self.accepted() && self.best == label
        }
    }

    /// Whether scores and gaps are the same but for noise.
    fn same_numbers(&self, other: &Self) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= NOISE;
        let gaps = match (self.gap, other.gap) {
            (Some(a), Some(b)) => near(a, b),
            (None, None) => true,
            _ => false,
        };
        near(self.score, other.score) && gaps
    }
}

/// One entry of a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptOutcome {
    /// See [`prompt_key`].
    pub prompt: String,
    /// A route's name, or `none`.
    pub label: String,
    /// Name of the best route.
    pub best: String,
    /// Its cosine.
    pub score: f64,
    /// Score minus the runner-up's; null for a lone route.
    pub gap: Option<f64>,
    /// Accepted, or why not.
    pub decision: Reason,
}

impl PromptOutcome {
    /// The entry of a row.
    pub fn new(row: &TodayRow<'_>) -> Self {
        Self {
            prompt: prompt_key(row.prompt),
            label: row.label.to_owned(),
            best: row.outcome.best.clone(),
            score: row.outcome.score,
            gap: row.outcome.gap,
            decision: row.outcome.reason,
        }
    }

    fn outcome(&self) -> Outcome {
        Outcome {
            best: self.best.clone(),
            score: self.score,
            gap: self.gap,
            reason: self.decision,
        }
    }
}

/// A row of today's dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct TodayRow<'a> {
    /// Line in the dataset.
    pub line: u64,
    /// The prompt.
    pub prompt: &'a str,
    /// A route's name, or `none`.
    pub label: &'a str,
    /// What the candidate does with it.
    pub outcome: Outcome,
}

/// A distinct prompt under both routers.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair<'a> {
    /// The first row with it.
    pub row: TodayRow<'a>,
    /// See [`prompt_key`].
    pub key: String,
    /// What the baseline did with it.
    pub before: Outcome,
}

impl Pair<'_> {
    /// Whether the decision or the best route changed.
    pub fn flipped(&self) -> bool {
        self.before.decision() != self.row.outcome.decision() || self.before.best != self.row.outcome.best
    }

    /// Right before and after.
    pub fn rights(&self) -> (bool, bool) {
        (
            self.before.right(self.row.label),
            self.row.outcome.right(self.row.label),
        )
    }
}

/// Who is in which dataset. Everything is in the order of today's rows, `removed` in that of the baseline.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pairing<'a> {
    /// In both.
    pub pairs: Vec<Pair<'a>>,
    /// In today's dataset alone.
    pub added: Vec<TodayRow<'a>>,
    /// In the baseline alone.
    pub removed: Vec<PromptOutcome>,
    /// In both, under another label; with the label that it had.
    pub relabelled: Vec<(TodayRow<'a>, String)>,
    /// Distinct prompts today.
    pub today: u64,
    /// Decisions that differ although the router is the same and the scores are, but for noise: taken as unchanged.
    pub noise: u64,
}

/// Pairs today's rows with a baseline. `same_router` says that encoder, routes and thresholds are the baseline's. O(n log n).
pub fn pair<'a>(baseline: &Baseline, rows: impl IntoIterator<Item = TodayRow<'a>>, same_router: bool) -> Pairing<'a> {
    let mut known: BTreeMap<&str, Vec<&PromptOutcome>> = BTreeMap::new();
    for entry in &baseline.prompts {
        known.entry(entry.prompt.as_str()).or_default().push(entry);
    }
    let mut pairing = Pairing::default();
    let mut seen = HashSet::new();
    let mut keys = BTreeSet::new();
    for mut row in rows {
        let key = prompt_key(row.prompt);
        if !seen.insert((key.clone(), row.label)) {
            continue;
        }
        pairing.today += 1;
        keys.insert(key.clone());
        let Some(entries) = known.get(key.as_str()) else {
            pairing.added.push(row);
            continue;
        };
        let Some(entry) = entries.iter().find(|e| e.label == row.label) else {
            pairing.relabelled.push((row, entries[0].label.clone()));
            continue;
        };
        let before = entry.outcome();
        if same_router && before.same_numbers(&row.outcome) && before != row.outcome {
            let flipped = before.decision() != row.outcome.decision() || before.best != row.outcome.best;
            pairing.noise += u64::from(flipped);
            row.outcome = before.clone();
        }
        pairing.pairs.push(Pair { row, key, before });
    }
    pairing.removed = (baseline.prompts.iter())
        .filter(|entry| !keys.contains(&entry.prompt))
        .cloned()
        .collect();
    pairing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::BaselineThresholds;
    use crate::encode::EncoderIdentity;
    use crate::report::{DatasetProvenance, Provenance};

    fn outcome(best: &str, score: f64, reason: Reason) -> Outcome {
        Outcome {
            best: best.into(),
            score,
            gap: Some(0.1),
            reason,
        }
    }

    fn row<'a>(prompt: &'a str, label: &'a str, outcome: Outcome) -> TodayRow<'a> {
        TodayRow {
            line: 2,
            prompt,
            label,
            outcome,
        }
    }

    fn baseline(rows: &[TodayRow<'_>]) -> Baseline {
        let provenance = Provenance {
            tool_version: "0".into(),
            encoder: EncoderIdentity {
                model: "m".into(),
                precision: "fp32".into(),
                weights_sha256: None,
                tokenizer_sha256: None,
                max_length: None,
                pooling: "mean".into(),
                dimension: None,
                endpoint: None,
            },
            routes_sha256: "0".into(),
            dataset: DatasetProvenance {
                source: "d.csv".into(),
                sha256: "0".into(),
                rows: 0,
                split_column: true,
            },
            seed: 0,
        };
        let thresholds = BaselineThresholds {
            threshold: 0.5,
            gap: 0.0,
            by_route: BTreeMap::new(),
        };
        let entries = rows.iter().map(PromptOutcome::new).collect();
        Baseline::new(provenance, "test", thresholds, vec!["a".into()], Vec::new(), entries)
    }

    #[test]
    fn every_prompt_is_in_one_place() {
        let there = outcome("a", 0.7, Reason::Accepted);
        let old = [
            row("one", "a", there.clone()),
            row("two", "a", there.clone()),
            row("three", "none", there.clone()),
        ];
        let base = baseline(&old);
        let today = [
            row("one", "a", outcome("b", 0.8, Reason::Accepted)),
            row("one", "a", outcome("b", 0.8, Reason::Accepted)),
            row("three", "a", there.clone()),
            row("four", "a", there),
        ];
        let pairing = pair(&base, today, false);
        assert_eq!(pairing.today, 3, "a copy counts once");
        assert_eq!(pairing.pairs.len(), 1);
        assert!(pairing.pairs[0].flipped());
        assert_eq!(pairing.pairs[0].rights(), (true, false));
        assert_eq!(pairing.added[0].prompt, "four");
        assert_eq!(pairing.relabelled[0].1, "none");
        assert_eq!(pairing.removed, [PromptOutcome::new(&old[1])]);
    }

    #[test]
    fn noise_flips_nothing_while_the_router_is_the_same() {
        let base = baseline(&[row("one", "a", outcome("a", 0.5, Reason::Accepted))]);
        let shaken = row("one", "a", outcome("a", 0.499_999, Reason::LowScore));
        let same = pair(&base, [shaken.clone()], true);
        assert_eq!((same.noise, same.pairs[0].flipped()), (1, false));
        // Under other thresholds the same numbers are a change of mind.
        assert!(pair(&base, [shaken], false).pairs[0].flipped());
        let moved = row("one", "a", outcome("a", 0.49, Reason::LowScore));
        assert!(pair(&base, [moved], true).pairs[0].flipped());
    }

    #[test]
    fn a_baseline_comes_back_from_its_text_and_notices_a_hand() {
        let base = baseline(&[
            row("one", "a", outcome("a", 0.5, Reason::Accepted)),
            row("\"prompts\": []", "none", outcome("b", 0.123_456, Reason::SmallGap)),
        ]);
        let text = base.text();
        assert_eq!(Baseline::parse(&text, "b.json").unwrap(), base);
        assert_eq!(Baseline::parse(&text.replace('\n', " "), "b.json").unwrap(), base);
        let edited = text.replace("0.123456", "0.623456");
        assert!(matches!(
            Baseline::parse(&edited, "b.json"),
            Err(crate::check::CheckError::Edited { .. })
        ));
    }
}
