//! Which prompts went wrong, and which should not have been counted.

use std::collections::HashSet;

use rayon::prelude::*;

use super::Scored;
use crate::dataset::{Truth, folded};
use crate::encode::Vectors;
use crate::report::{ExampleReport, LeakageReport, Mistake};
use crate::router::{Centroids, decide};
use crate::routes::{Routes, Thresholds};

/// Mistakes listed: enough to see what they have in common.
pub(crate) const MISTAKES: usize = 200;

impl Scored<'_> {
    /// The most confident mistakes of the forced choice, most confident first: at most 200 rows.
    pub fn worst(&self) -> Vec<usize> {
        let mut wrong: Vec<usize> = self
            .pairs()
            .enumerate()
            .filter_map(|(i, (truth, row))| (*truth != Truth::Route(row.best)).then_some(i))
            .collect();
        let order = |a: &usize, b: &usize| {
            let score = |i: &usize| self.scores.rows()[*i].score;
            score(b).total_cmp(&score(a)).then(a.cmp(b))
        };
        if wrong.len() > MISTAKES {
            wrong.select_nth_unstable_by(MISTAKES, order);
            wrong.truncate(MISTAKES);
        }
        wrong.sort_unstable_by(order);
        wrong
    }

    /// Mistakes as reported: `wrong` are their rows and `vectors` the vectors of these.
    pub fn mistakes(
        &self,
        wrong: &[usize],
        vectors: &Vectors,
        routes: &Routes,
        centroids: &Centroids,
        thresholds: &[Thresholds],
    ) -> Vec<Mistake> {
        let nearest = |route: usize, vector: &[f32]| {
            let (example, cosine) = centroids.nearest_example(route, vector);
            ExampleReport {
                example: routes.routes[route].examples[example].clone(),
                cosine,
            }
        };
        wrong
            .iter()
            .zip(vectors.rows())
            .map(|(&i, vector)| {
                let (row, score) = (&self.rows[i], &self.scores.rows()[i]);
                let own = match self.truths[i] {
                    Truth::Route(own) => Some(own),
                    Truth::OutOfDomain => None,
                };
                Mistake {
                    line: row.line,
                    prompt: row.prompt.clone(),
                    label: own.map_or("none", |own| &routes.routes[own].name).to_owned(),
                    chosen: routes.routes[score.best].name.clone(),
                    score: score.score,
                    gap: Some(score.gap).filter(|g| g.is_finite()),
                    accepted: decide(score, thresholds).route().is_some(),
                    nearest_chosen: nearest(score.best, vector),
                    nearest_right: own.map(|own| nearest(own, vector)),
                }
            })
            .collect()
    }

    /// Prompts that are route examples, case and outer spaces aside.
    pub fn leakage(&self, routes: &Routes) -> LeakageReport {
        let examples = folded_examples(routes);
        let lines: Vec<u64> = self
            .rows
            .par_iter()
            .filter(|row| examples.contains(&folded(&row.prompt)))
            .map(|row| row.line)
            .collect();
        LeakageReport {
            n: lines.len() as u64,
            lines: lines.into_iter().take(10).collect(),
        }
    }
}

/// Every example that the router was made from, folded: a prompt among them is leakage.
pub(crate) fn folded_examples(routes: &Routes) -> HashSet<String> {
    routes.example_texts().map(folded).collect()
}
