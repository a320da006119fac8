//! Scores: cosines of prompts to centroids, and the best two of each prompt.

use rayon::prelude::*;

use super::{Centroids, RouterError, Scorer};
use crate::encode::Vectors;
use crate::routes::Scoring;

/// The best two routes of one prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowScore {
    /// Route with the highest cosine; ties go to the earlier route.
    pub best: usize,
    /// Its cosine.
    pub score: f64,
    /// Second best route; `None` for a lone route.
    pub runner_up: Option<usize>,
    /// Score minus the runner-up's; infinite for a lone route.
    pub gap: f64,
}

/// Scores of many prompts: one row a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreTable {
    routes: usize,
    all: Vec<f64>,
    rows: Vec<RowScore>,
}

impl ScoreTable {
    /// A table from ready cosines, row-major, prompts × routes.
    ///
    /// # Panics
    /// If `routes` is 0 or does not divide the number of scores, or if a score is NaN.
    pub fn from_scores(all: Vec<f64>, routes: usize) -> Self {
        assert!(routes > 0 && all.len().is_multiple_of(routes));
        assert!(all.iter().all(|s| !s.is_nan()), "a score that is NaN");
        let rows = all.par_chunks_exact(routes).map(best_two).collect();
        Self { routes, all, rows }
    }

    /// Best two of every prompt, in order.
    pub fn rows(&self) -> &[RowScore] {
        &self.rows
    }

    /// Every route's cosine for prompt `index`.
    ///
    /// # Panics
    /// If there is no such prompt.
    pub fn scores(&self, index: usize) -> &[f64] {
        &self.all[index * self.routes..(index + 1) * self.routes]
    }

    /// Number of prompts.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no prompt.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of routes.
    pub fn routes(&self) -> usize {
        self.routes
    }

    /// The part of the table at `indices`, in their order.
    ///
    /// # Panics
    /// If an index is out of range.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            routes: self.routes,
            all: indices.iter().flat_map(|i| self.scores(*i).iter().copied()).collect(),
            rows: indices.iter().map(|i| self.rows[*i]).collect(),
        }
    }
}

/// Scores every prompt against every centroid, in parallel; O(prompts × routes × dimension). [`Scorer`] knows other rules.
///
/// # Errors
/// [`RouterError::Dimension`] where prompts and centroids are of different lengths.
pub fn score(prompts: &Vectors, centroids: &Centroids) -> Result<ScoreTable, RouterError> {
    Scorer::new(centroids, Scoring::Centroid)?.score(prompts)
}

fn best_two(scores: &[f64]) -> RowScore {
    let mut best = 0;
    let mut second: Option<usize> = None;
    for (i, score) in scores.iter().enumerate().skip(1) {
        if *score > scores[best] {
            second = Some(best);
            best = i;
        } else if second.is_none_or(|s| *score > scores[s]) {
            second = Some(i);
        }
    }
    RowScore {
        best,
        score: scores[best],
        runner_up: second,
        gap: second.map_or(f64::INFINITY, |s| scores[best] - scores[s]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_earlier_route_and_a_lone_route_has_no_gap() {
        let table = ScoreTable::from_scores(vec![0.5, 0.5, 0.2, 0.1, 0.3, 0.9], 3);
        assert_eq!(
            table.rows()[0],
            RowScore {
                best: 0,
                score: 0.5,
                runner_up: Some(1),
                gap: 0.0
            }
        );
        assert_eq!((table.rows()[1].best, table.rows()[1].runner_up), (2, Some(1)));
        let lone = ScoreTable::from_scores(vec![0.4], 1);
        assert!(lone.rows()[0].gap.is_infinite() && lone.rows()[0].runner_up.is_none());
    }
}
