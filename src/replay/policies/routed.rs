//! Policies of a router with a threshold: a prompt goes to its own model where the router is sure enough, else to the
//! fallback.
//!
//! This is the rule of routes.json (score and gap), and also that of binary routers such as `RouteLLM`'s: there the score is
//! the chance that the strong model is needed, the own model of every prompt is the strong one, and the fallback the weak one.

use super::Choice;
use crate::num::f64_from_usize;
use crate::replay::frontier::Point;
use crate::replay::matrix::Complete;
use crate::routes::Thresholds;

/// What a router says of one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutedPrompt {
    /// Name of the route that it is nearest to.
    pub route: String,
    /// Model of that route.
    pub model: usize,
    /// How sure the router is.
    pub score: f64,
    /// Distance to the second best route; infinite where there is none.
    pub gap: f64,
    /// The thresholds that are in use for it.
    pub current: Thresholds,
}

/// A router's view of a set of prompts, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Routing {
    /// One entry a prompt.
    pub prompts: Vec<RoutedPrompt>,
    /// Model that answers what no route may have.
    pub fallback: usize,
    /// Gap that holds while the threshold is swept.
    pub gap: f64,
    /// Dollars that the router itself costs for a prompt.
    pub usd_per_prompt: f64,
}

/// The policy at one threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SweepPoint {
    /// Least score that is accepted; infinite where nothing is.
    pub threshold: f64,
    /// Prompts accepted.
    pub accepted: u64,
    /// Mean cost and quality, the router's own cost included.
    pub point: Point,
}

impl Routing {
    /// The prompts with these indices, in this order.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            prompts: indices.iter().map(|i| self.prompts[*i].clone()).collect(),
            ..self.clone()
        }
    }

    /// Who answers under the thresholds in use.
    pub fn current(&self) -> Choice {
        self.decide(|p| p.current.accept(p.score, p.gap))
    }

    /// Who answers where one threshold and gap hold for every route.
    pub fn at(&self, threshold: f64, gap: f64) -> Choice {
        self.decide(|p| p.score >= threshold && p.gap >= gap)
    }

    fn decide(&self, accept: impl Fn(&RoutedPrompt) -> bool) -> Choice {
        let model = |p: &RoutedPrompt| if accept(p) { p.model } else { self.fallback };
        Choice::Each(self.prompts.iter().map(model).collect())
    }

    /// Which route each prompt goes to under the thresholds in use; `None` for the fallback.
    pub fn routes(&self) -> Vec<Option<&str>> {
        self.prompts
            .iter()
            .map(|p| p.current.accept(p.score, p.gap).then_some(p.route.as_str()))
            .collect()
    }

    /// Prompts by falling score, those that the gap turns away at any threshold left out.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.prompts.len())
            .filter(|i| self.prompts[*i].gap >= self.gap)
            .collect();
        order.sort_by(|a, b| self.prompts[*b].score.total_cmp(&self.prompts[*a].score));
        order
    }

    /// Every threshold at which a decision changes, prepared so that a resample costs one pass.
    pub(crate) fn sweep<'a>(&'a self, complete: &'a Complete, cost: &'a [f64]) -> Sweep<'a> {
        let order = self.order();
        // A threshold lies at the last prompt of every run of equal scores.
        #[expect(clippy::float_cmp, reason = "only scores that are the same number share a threshold")]
        let last = |(place, row): (usize, &usize)| {
            order
                .get(place + 1)
                .is_none_or(|next| self.prompts[*next].score != self.prompts[*row].score)
        };
        let ends = order.iter().enumerate().map(last).collect();
        Sweep {
            routing: self,
            complete,
            cost,
            order,
            ends,
        }
    }
}

/// See [`Routing::sweep`].
pub(crate) struct Sweep<'a> {
    routing: &'a Routing,
    complete: &'a Complete,
    cost: &'a [f64],
    order: Vec<usize>,
    /// Whether a threshold lies at this place of the order.
    ends: Vec<bool>,
}

impl Sweep<'_> {
    /// The points on the rows as often as `weights` says, from "nothing is accepted" to "everything is". O(rows).
    pub(crate) fn points(&self, weights: impl Fn(usize) -> f64) -> Vec<SweepPoint> {
        let fallback = self.routing.fallback;
        let (mut n, mut quality, mut cost) = (0.0, 0.0, 0.0);
        for row in 0..self.complete.n() {
            let weight = weights(row);
            n += weight;
            quality += weight * self.complete.row(&self.complete.score, row)[fallback];
            cost += weight * self.complete.row(self.cost, row)[fallback];
        }
        let mean = |quality: f64, cost: f64| Point::new(cost / n + self.routing.usd_per_prompt, quality / n);
        let mut points = vec![SweepPoint {
            threshold: f64::INFINITY,
            accepted: 0,
            point: mean(quality, cost),
        }];
        for (place, row) in self.order.iter().enumerate() {
            let prompt = &self.routing.prompts[*row];
            let weight = weights(*row);
            let (scores, costs) = (
                self.complete.row(&self.complete.score, *row),
                self.complete.row(self.cost, *row),
            );
            quality += weight * (scores[prompt.model] - scores[fallback]);
            cost += weight * (costs[prompt.model] - costs[fallback]);
            if self.ends[place] {
                points.push(SweepPoint {
                    threshold: prompt.score,
                    accepted: place as u64 + 1,
                    point: mean(quality, cost),
                });
            }
        }
        points
    }

    /// The points on the rows as they are.
    pub(crate) fn all(&self) -> Vec<SweepPoint> {
        self.points(|_| 1.0)
    }
}

/// Mean over the rows of a policy's choice; `None` without rows.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / f64_from_usize(values.len()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn routing(scores: &[(f64, f64)]) -> Routing {
        Routing {
            prompts: scores
                .iter()
                .map(|(score, gap)| RoutedPrompt {
                    route: "a".into(),
                    model: 1,
                    score: *score,
                    gap: *gap,
                    current: Thresholds::new(0.5, 0.1).unwrap(),
                })
                .collect(),
            fallback: 0,
            gap: 0.1,
            usd_per_prompt: 0.25,
        }
    }

    /// The big model is always right and costs 4; the small one costs 1.
    fn complete(small: &[f64]) -> Complete {
        Complete {
            prompts: (0..small.len()).collect(),
            models: 2,
            score: small.iter().flat_map(|s| [1.0, *s]).collect(),
            billed: small.iter().flat_map(|_| [4.0, 1.0]).collect(),
            list: small.iter().flat_map(|_| [4.0, 1.0]).collect(),
            dropped: BTreeMap::new(),
            dropped_prompts: 0,
        }
    }

    #[test]
    fn the_sweep_is_what_each_threshold_decides() {
        let routing = routing(&[(0.9, 0.2), (0.4, 0.2), (0.9, 0.05), (0.7, 0.3), (0.4, 0.4)]);
        let complete = complete(&[1.0, 0.0, 0.5, 0.0, 1.0]);
        let points = routing.sweep(&complete, &complete.list).all();
        let thresholds: Vec<f64> = points.iter().map(|p| p.threshold).collect();
        assert_eq!(thresholds, [f64::INFINITY, 0.9, 0.7, 0.4]);
        for point in &points {
            let choice = routing.at(point.threshold, 0.1);
            let quality = mean(&choice.values(&complete, &complete.score)).unwrap();
            let cost = mean(&choice.values(&complete, &complete.list)).unwrap() + 0.25;
            assert!((point.point.quality - quality).abs() < 1e-12 && (point.point.cost - cost).abs() < 1e-12);
        }
        assert_eq!(points.iter().map(|p| p.accepted).collect::<Vec<_>>(), [0, 1, 2, 4]);
        assert_eq!(routing.current(), Choice::Each(vec![1, 0, 0, 1, 0]));
        assert_eq!(routing.routes(), [Some("a"), None, None, Some("a"), None]);
    }

    #[test]
    fn weights_are_copies_of_rows() {
        let (all, complete_all) = (
            routing(&[(0.9, 1.0), (0.9, 1.0), (0.2, 1.0)]),
            complete(&[0.0, 0.0, 1.0]),
        );
        let (one, complete_one) = (routing(&[(0.9, 1.0), (0.2, 1.0)]), complete(&[0.0, 1.0]));
        let weighted = one
            .sweep(&complete_one, &complete_one.list)
            .points(|row| [2.0, 1.0][row]);
        let copied = all.sweep(&complete_all, &complete_all.list).all();
        assert_eq!(weighted.len(), copied.len());
        for (a, b) in weighted.iter().zip(&copied) {
            assert!((a.point.quality - b.point.quality).abs() < 1e-12 && (a.point.cost - b.point.cost).abs() < 1e-12);
        }
    }
}
