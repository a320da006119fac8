//! Which prompts went wrong, and which should not have been counted.

use std::collections::HashSet;

use super::Scored;
use crate::dataset::{Truth, folded};
use crate::encode::Vectors;
use crate::report::{ExampleReport, LeakageReport, Mistake};
use crate::router::{Centroids, decide};
use crate::routes::{Routes, Thresholds};

/// Mistakes listed: enough to see what they have in common.
const MISTAKES: usize = 200;

impl Scored<'_> {
    /// The most confident mistakes of the forced choice.
    pub fn mistakes(
        &self,
        vectors: &Vectors,
        routes: &Routes,
        centroids: &Centroids,
        thresholds: &[Thresholds],
    ) -> Vec<Mistake> {
        let mut wrong: Vec<usize> = self
            .right()
            .iter()
            .enumerate()
            .filter_map(|(i, right)| (!right).then_some(i))
            .collect();
        wrong.sort_by(|a, b| {
            let score = |i: &usize| self.scores.rows()[*i].score;
            score(b).total_cmp(&score(a)).then(a.cmp(b))
        });
        wrong.truncate(MISTAKES);
        let nearest = |route: usize, i: usize| {
            let (example, cosine) = centroids.nearest_example(route, vectors.row(i));
            ExampleReport {
                example: routes.routes[route].examples[example].clone(),
                cosine,
            }
        };
        wrong
            .into_iter()
            .map(|i| {
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
                    nearest_chosen: nearest(score.best, i),
                    nearest_right: own.map(|own| nearest(own, i)),
                }
            })
            .collect()
    }

    /// Prompts that are route examples, case and outer spaces aside.
    pub fn leakage(&self, routes: &Routes) -> LeakageReport {
        let examples = folded_examples(routes);
        let lines: Vec<u64> = self
            .rows
            .iter()
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
