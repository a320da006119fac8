//! Policies: which model answers which prompt.
//!
//! A policy is a choice for every prompt of the [`Complete`] ones, or the same odds for all of them. What it would have cost
//! and how good it would have been is then a mean over cells that are already there: no call is made, and mixes need no
//! drawing, since their expectation is exact.

mod routed;
mod shuffle;

pub use routed::{RoutedPrompt, Routing, SweepPoint};
pub(crate) use routed::{Sweep, mean};
pub use shuffle::{ShuffleTest, shuffle_test};

use std::collections::BTreeMap;

use super::matrix::Complete;
use crate::num::f64_from_usize;

/// Who answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// One model for each prompt.
    Each(Vec<usize>),
    /// The same odds for every prompt, one for each model; they sum to 1.
    Mix(Vec<f64>),
}

impl Choice {
    /// Always the same model.
    ///
    /// # Panics
    /// If there is no such model.
    pub fn always(model: usize, models: usize) -> Self {
        assert!(model < models, "model {model} of {models}");
        let mut odds = vec![0.0; models];
        odds[model] = 1.0;
        Self::Mix(odds)
    }

    /// The strong model with probability `p`, else the weak one. On average it lies on the line between the two:
    /// `p·q_strong` + (1 − `p)·q_weak`, the same for costs.
    ///
    /// # Panics
    /// If `p` is no probability, or there is no such model.
    pub fn random(p: f64, weak: usize, strong: usize, models: usize) -> Self {
        assert!((0.0..=1.0).contains(&p), "a probability of {p}");
        let mut odds = vec![0.0; models];
        odds[weak] += 1.0 - p;
        odds[strong] += p;
        Self::Mix(odds)
    }

    /// This policy's own choices dealt to random prompts: each model is asked as often, and skill is gone. The expectation is
    /// exact: `Σ_m` `share_m` · `q̄_m`.
    ///
    /// ```
    /// use routecal::replay::policies::Choice;
    ///
    /// assert_eq!(Choice::Each(vec![0, 1, 0, 0]).shuffled(2), Choice::Mix(vec![0.75, 0.25]));
    /// ```
    #[must_use]
    pub fn shuffled(&self, models: usize) -> Self {
        Self::Mix(self.shares(models))
    }

    /// The share of prompts that each model answers; nothing for no prompts.
    pub fn shares(&self, models: usize) -> Vec<f64> {
        match self {
            Self::Mix(odds) => odds.clone(),
            Self::Each(choices) => {
                let mut counts = vec![0_usize; models];
                for model in choices {
                    counts[*model] += 1;
                }
                let n = f64_from_usize(choices.len().max(1));
                counts.into_iter().map(|c| f64_from_usize(c) / n).collect()
            }
        }
    }

    /// The expected value of a prompt, from one value a model.
    pub fn value(&self, row: usize, values: &[f64]) -> f64 {
        match self {
            Self::Each(choices) => values[choices[row]],
            Self::Mix(odds) => odds
                .iter()
                .zip(values)
                .filter(|(p, _)| **p > 0.0)
                .map(|(p, value)| p * value)
                .sum(),
        }
    }

    /// The expected value of every prompt, from a table of prompts × models.
    pub(crate) fn values(&self, complete: &Complete, table: &[f64]) -> Vec<f64> {
        (0..complete.n())
            .map(|row| self.value(row, complete.row(table, row)))
            .collect()
    }
}

/// Per prompt the cheapest of the best answers: the most that any policy over these models could reach. Of equal scores and
/// costs the earlier model.
///
/// It is optimistic: the best of several noisy answers is better than any model can be counted on to be.
///
/// ```
/// use routecal::replay::matrix::{Cell, Matrix, PromptInfo};
/// use routecal::replay::policies::{Choice, oracle};
///
/// let prompts = ["a", "b"].map(|id| PromptInfo { id: id.into(), ..PromptInfo::default() });
/// let mut matrix = Matrix::new(vec!["big".into(), "small".into()], prompts.to_vec(), 1);
/// for (prompt, model, score, dollars) in [(0, 0, 1.0, 0.03), (0, 1, 1.0, 0.01), (1, 0, 1.0, 0.05), (1, 1, 0.0, 0.01)] {
///     matrix.cells_mut(prompt, model)[0] = Cell::scored(score, dollars);
/// }
/// let complete = matrix.complete();
/// // Both are right on the first prompt, and the small model is cheaper.
/// assert_eq!(oracle(&complete, &complete.list), Choice::Each(vec![1, 0]));
/// ```
pub fn oracle(complete: &Complete, cost: &[f64]) -> Choice {
    Choice::Each(
        (0..complete.n())
            .map(|row| best(complete.row(&complete.score, row), complete.row(cost, row)))
            .collect(),
    )
}

/// Every prompt to the model that is best on its category, ties to the cheaper one. It is chosen on the prompts that it is
/// judged on, with the answers known: hindsight, a bound for routers by category rather than one of them.
///
/// # Panics
/// If there is not one category a prompt.
pub fn best_per_category(complete: &Complete, cost: &[f64], categories: &[String]) -> Choice {
    assert_eq!(categories.len(), complete.n(), "one category a prompt");
    let mut sums: BTreeMap<&str, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for (row, category) in categories.iter().enumerate() {
        let zeros = || (vec![0.0; complete.models], vec![0.0; complete.models]);
        let (quality, price) = sums.entry(category).or_insert_with(zeros);
        for model in 0..complete.models {
            quality[model] += complete.row(&complete.score, row)[model];
            price[model] += complete.row(cost, row)[model];
        }
    }
    let chosen: BTreeMap<&str, usize> = sums
        .into_iter()
        .map(|(c, (quality, price))| (c, best(&quality, &price)))
        .collect();
    Choice::Each(categories.iter().map(|c| chosen[c.as_str()]).collect())
}

/// The highest score, then the lowest cost, then the earlier model. Sums in another order must not look like a difference.
fn best(scores: &[f64], costs: &[f64]) -> usize {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1.0);
    let mut found = 0;
    let mut cheapest = f64::INFINITY;
    for (model, (score, cost)) in scores.iter().zip(costs).enumerate() {
        if near(*score, top) && *cost < cheapest {
            (found, cheapest) = (model, *cost);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(rows: &[[(f64, f64); 2]]) -> Complete {
        Complete {
            prompts: (0..rows.len()).collect(),
            models: 2,
            score: rows.iter().flatten().map(|c| c.0).collect(),
            billed: rows.iter().flatten().map(|c| c.1).collect(),
            list: rows.iter().flatten().map(|c| c.1).collect(),
            dropped: BTreeMap::new(),
            dropped_prompts: 0,
        }
    }

    #[test]
    fn the_best_of_a_category_is_chosen_for_all_of_it() {
        let c = complete(&[
            [(1.0, 2.0), (0.0, 1.0)],
            [(0.0, 2.0), (1.0, 1.0)],
            [(0.5, 2.0), (0.5, 1.0)],
        ]);
        let of = |names: [&str; 3]| best_per_category(&c, &c.list, &names.map(str::to_owned));
        // On "a" both have one right: the cheaper one.
        assert_eq!(of(["a", "a", "b"]), Choice::Each(vec![1, 1, 1]));
        assert_eq!(of(["a", "b", "b"]), Choice::Each(vec![0, 1, 1]));
    }

    #[test]
    fn a_mix_is_its_expectation() {
        let c = complete(&[[(1.0, 2.0), (0.0, 1.0)], [(1.0, 4.0), (1.0, 1.0)]]);
        let mix = Choice::random(0.25, 1, 0, 2);
        assert_eq!(mix.values(&c, &c.score), [0.25, 1.0]);
        assert_eq!(mix.values(&c, &c.list), [1.25, 1.75]);
        assert_eq!(Choice::always(1, 2).values(&c, &c.list), [1.0, 1.0]);
        assert_eq!(Choice::random(0.3, 1, 1, 2), Choice::Mix(vec![0.0, 1.0]));
    }
}
