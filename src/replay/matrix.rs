//! What every model answered to every prompt: the one input of the analysis.
//!
//! A [`Matrix`] is prompts × models × samples of [`Cell`]s. It comes from a ledger with its grades or from recorded data
//! ([`import`](super::import)); what comes after it makes no call. Policies are compared on the same prompts: those for
//! which *every* cell is complete ([`Matrix::complete`]). The others are dropped and counted by cause and by model.

mod complete;

pub use complete::{Complete, Dropped};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::UsageSource;
use crate::num::{f64_from_u64, f64_from_usize};

/// What became of one call.
///
/// Only [`Outcome::Scored`] carries a score. The others are classes of their own, never a silent 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered and graded.
    Scored,
    /// Answered, but no grader has looked at it yet.
    Ungraded,
    /// Answered, but the grader found no answer in the text, or the judge gave no verdict.
    Unparsed,
    /// Cut off at the limit of output tokens.
    Truncated,
    /// Refused, or stopped by a content filter.
    Refused,
    /// Answered with nothing.
    Empty,
    /// The call failed.
    Error,
    /// There was no call.
    Missing,
}

impl Outcome {
    /// Every outcome, in the order in which they are listed.
    pub const ALL: [Self; 8] = [
        Self::Scored,
        Self::Ungraded,
        Self::Unparsed,
        Self::Truncated,
        Self::Refused,
        Self::Empty,
        Self::Error,
        Self::Missing,
    ];

    /// Name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scored => "scored",
            Self::Ungraded => "ungraded",
            Self::Unparsed => "unparsed",
            Self::Truncated => "truncated",
            Self::Refused => "refused",
            Self::Empty => "empty",
            Self::Error => "error",
            Self::Missing => "missing",
        }
    }

    /// Whether the model answered, whatever the answer is worth: there is a cost, and a score between 0 and 1 could be had.
    pub fn answered(self) -> bool {
        !matches!(self, Self::Error | Self::Missing)
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What became of the call.
    pub outcome: Outcome,
    /// The score, 0 to 1; present exactly where the outcome is [`Outcome::Scored`].
    pub score: Option<f64>,
    /// Dollars as billed: cached tokens at their own price.
    pub cost_usd: Option<f64>,
    /// Dollars with cached tokens priced like any other: does not depend on which call came first.
    pub cost_list_usd: Option<f64>,
    /// Milliseconds from request to answer.
    pub latency_ms: Option<f64>,
    /// Where the token counts come from.
    pub usage_source: UsageSource,
    /// The text, where it was kept: what graders read.
    pub answer: Option<String>,
}

impl Cell {
    /// A cell of which nothing is known.
    pub const MISSING: Self = Self {
        outcome: Outcome::Missing,
        score: None,
        cost_usd: None,
        cost_list_usd: None,
        latency_ms: None,
        usage_source: UsageSource::None,
        answer: None,
    };

    /// A scored cell that cost `dollars`, billed and list.
    pub fn scored(score: f64, dollars: f64) -> Self {
        Self {
            outcome: Outcome::Scored,
            score: Some(score),
            cost_usd: Some(dollars),
            cost_list_usd: Some(dollars),
            usage_source: UsageSource::Recorded,
            ..Self::MISSING
        }
    }
}

/// What is known of a prompt besides the answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptInfo {
    /// Name of the prompt, unique in the matrix.
    pub id: String,
    /// The text, where it is known.
    pub text: Option<String>,
    /// Subject or task it belongs to.
    pub category: Option<String>,
    /// Its label: a route's name, or `none`.
    pub label: Option<String>,
    /// Split of the dataset.
    pub split: Option<String>,
    /// The right answer, for graders.
    pub reference: Option<String>,
}

/// Prompts × models × samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    models: Vec<String>,
    prompts: Vec<PromptInfo>,
    samples: usize,
    cells: Vec<Cell>,
}

impl Matrix {
    /// A matrix of missing cells.
    ///
    /// # Panics
    /// If there is no model or no sample.
    pub fn new(models: Vec<String>, prompts: Vec<PromptInfo>, samples: usize) -> Self {
        assert!(!models.is_empty(), "a matrix needs a model");
        assert!(samples > 0, "a matrix needs a sample");
        let cells = vec![Cell::MISSING; prompts.len() * models.len() * samples];
        Self {
            models,
            prompts,
            samples,
            cells,
        }
    }

    /// Names of the models.
    pub fn models(&self) -> &[String] {
        &self.models
    }

    /// The prompts.
    pub fn prompts(&self) -> &[PromptInfo] {
        &self.prompts
    }

    /// Samples a prompt and model.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Index of a model.
    pub fn model(&self, name: &str) -> Option<usize> {
        self.models.iter().position(|m| m == name)
    }

    fn place(&self, prompt: usize, model: usize) -> usize {
        assert!(model < self.models.len(), "model {model} of {}", self.models.len());
        (prompt * self.models.len() + model) * self.samples
    }

    /// The samples of one prompt and model.
    ///
    /// # Panics
    /// If there is no such prompt or model.
    pub fn cells(&self, prompt: usize, model: usize) -> &[Cell] {
        let from = self.place(prompt, model);
        &self.cells[from..from + self.samples]
    }

    /// The samples of one prompt and model, to be changed.
    ///
    /// # Panics
    /// If there is no such prompt or model.
    pub fn cells_mut(&mut self, prompt: usize, model: usize) -> &mut [Cell] {
        let from = self.place(prompt, model);
        &mut self.cells[from..from + self.samples]
    }

    /// Cells of a model by outcome, over all prompts and samples.
    pub fn outcomes(&self, model: usize) -> BTreeMap<Outcome, u64> {
        let mut counts = BTreeMap::new();
        for prompt in 0..self.prompts.len() {
            for cell in self.cells(prompt, model) {
                *counts.entry(cell.outcome).or_default() += 1;
            }
        }
        counts
    }

    /// Mean score of a model over the answers of its own that have one, and how many those are: what a report on this model
    /// alone would say. Models are compared on [`complete`](Self::complete) prompts.
    pub fn graded_mean(&self, model: usize) -> (Option<f64>, u64) {
        let scores: Vec<f64> = (0..self.prompts.len())
            .flat_map(|prompt| self.cells(prompt, model))
            .filter_map(|cell| cell.score)
            .collect();
        let mean = (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / f64_from_usize(scores.len()));
        (mean, scores.len() as u64)
    }

    /// How many costs come from which source, by name.
    pub fn usage_sources(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for cell in &self.cells {
            let name = match cell.usage_source {
                UsageSource::Api => "api",
                UsageSource::Estimated => "estimated",
                UsageSource::Recorded => "recorded",
                UsageSource::None => "none",
            };
            *counts.entry(name).or_default() += 1;
        }
        counts
    }

    /// The matrix with only the prompts that `keep` says yes to.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&PromptInfo) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.prompts.len()).filter(|p| keep(&self.prompts[*p])).collect();
        let stride = self.models.len() * self.samples;
        Self {
            models: self.models.clone(),
            prompts: kept.iter().map(|p| self.prompts[*p].clone()).collect(),
            samples: self.samples,
            cells: kept
                .iter()
                .flat_map(|p| self.cells[p * stride..(p + 1) * stride].iter().cloned())
                .collect(),
        }
    }
}

/// `part / whole`; `None` where there is nothing.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| f64_from_u64(part) / f64_from_u64(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(samples: usize) -> Matrix {
        let prompts = (0..3)
            .map(|i| PromptInfo {
                id: i.to_string(),
                ..PromptInfo::default()
            })
            .collect();
        let mut matrix = Matrix::new(vec!["a".into(), "b".into()], prompts, samples);
        for prompt in 0..3 {
            for model in 0..2 {
                matrix.cells_mut(prompt, model).fill(Cell::scored(1.0, 0.5));
            }
        }
        matrix
    }

    #[test]
    fn an_unparsed_answer_is_dropped_and_bounded_never_a_zero() {
        let mut m = matrix(1);
        let cell = &mut m.cells_mut(1, 0)[0];
        (cell.outcome, cell.score) = (Outcome::Unparsed, None);
        m.cells_mut(2, 1)[0] = Cell::MISSING;
        let complete = m.complete();
        assert_eq!(complete.prompts, [0]);
        assert_eq!(complete.dropped_prompts, 2);
        assert_eq!(complete.dropped[&(Dropped::Outcome(Outcome::Unparsed), 0)], 1);
        assert_eq!(complete.dropped[&(Dropped::Outcome(Outcome::Missing), 1)], 1);
        let (low, high) = (m.bounded(0.0), m.bounded(1.0));
        assert_eq!((low.n(), high.n()), (2, 2));
        assert_eq!(low.mean(&low.score, 0), Some(0.5));
        assert_eq!(high.mean(&high.score, 0), Some(1.0));
    }

    #[test]
    fn samples_are_averaged_and_all_must_be_there() {
        let mut m = matrix(2);
        m.cells_mut(0, 0)[1] = Cell::scored(0.0, 1.5);
        m.cells_mut(1, 0)[1].cost_list_usd = None;
        let complete = m.complete();
        assert_eq!(complete.prompts, [0, 2]);
        assert_eq!(complete.dropped[&(Dropped::NoCost, 0)], 1);
        assert_eq!(complete.row(&complete.score, 0), [0.5, 1.0]);
        assert_eq!(complete.row(&complete.billed, 0), [1.0, 0.5]);
    }

    #[test]
    fn without_prompts_there_is_no_mean() {
        let complete = matrix(1).filtered(|_| false).complete();
        assert_eq!((complete.n(), complete.mean(&complete.score, 0)), (0, None));
    }
}
