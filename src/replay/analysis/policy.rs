//! The policies of a comparison, and what the report says of each.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::figures::Figures;
use super::latency::quantiles;
use super::{Input, Options};
use crate::replay::matrix::Complete;
use crate::replay::policies::{Choice, Routing, best_per_category, mean, oracle};
use crate::report::{BoundsReport, PolicyReport};
use crate::stats::paired::Paired;

/// A policy with what the report says of it.
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) hindsight: bool,
    pub(super) routed: bool,
    /// On the compared prompts.
    pub(super) choice: Choice,
    /// On all prompts, where the policy needs no scores.
    pub(super) everywhere: Option<Choice>,
}

pub(super) fn policies(
    input: &Input<'_>,
    options: &Options,
    complete: &Complete,
    routing: Option<&Routing>,
    categories: Option<&[String]>,
    (weak, strong): (usize, usize),
) -> Vec<Policy> {
    let models = complete.models;
    let cost = options.cost.of(complete);
    let same = |name: String, choice: Choice| Policy {
        name,
        hindsight: false,
        routed: false,
        everywhere: Some(choice.clone()),
        choice,
    };
    let mut all: Vec<Policy> = (0..models)
        .map(|m| {
            same(
                format!("always:{}", input.matrix.models()[m]),
                Choice::always(m, models),
            )
        })
        .collect();
    if let (Some(routing), Some(whole)) = (routing, input.routing) {
        let current = routing.current();
        all.push(same("shuffle".into(), current.shuffled(models)));
        all.insert(
            models,
            Policy {
                name: "routed".into(),
                hindsight: false,
                routed: true,
                choice: current,
                everywhere: Some(whole.current()),
            },
        );
    }
    if weak != strong {
        all.push(same(
            format!("random:{}", options.random),
            Choice::random(options.random, weak, strong, models),
        ));
    }
    let hindsight = |name: &str, choice: Choice| Policy {
        name: name.into(),
        hindsight: true,
        routed: false,
        choice,
        everywhere: None,
    };
    if let Some(categories) = categories {
        all.push(hindsight(
            "best-per-category",
            best_per_category(complete, cost, categories),
        ));
    }
    all.push(hindsight("oracle", oracle(complete, cost)));
    all
}

/// What is needed to report on a policy.
pub(super) struct PolicyContext<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) complete: &'a Complete,
    pub(super) options: &'a Options,
    pub(super) bounds: &'a [Complete; 2],
    pub(super) strong: usize,
}

impl PolicyContext<'_> {
    pub(super) fn report(&self, policy: &Policy, index: usize, figures: &Figures) -> PolicyReport {
        let matrix = self.input.matrix;
        let shares = policy.choice.shares(self.complete.models);
        let added = if policy.routed { self.options.router_ms } else { 0.0 };
        let (p50, p95) = quantiles(matrix, self.complete, &policy.choice, added);
        let own = &figures.policies[index];
        PolicyReport {
            name: policy.name.clone(),
            hindsight: policy.hindsight,
            quality: own.quality,
            quality_bounds: policy.everywhere.as_ref().and_then(|choice| self.bounds_of(choice)),
            usd_per_1k: own.list,
            usd_per_1k_billed: own.billed,
            share: matrix.models().iter().cloned().zip(shares).collect::<IndexMap<_, _>>(),
            latency_p50_ms: p50,
            latency_p95_ms: p95,
            outcomes: policy.everywhere.as_ref().map(|choice| self.outcomes_of(choice)),
            regret: own.regret,
            cost_saved: own.saved,
            quality_vs_strong: own.vs_strong,
            mcnemar_p: self.mcnemar(&policy.choice),
            pgr: own.pgr,
            normalised_cost: own.normalised_cost,
        }
    }

    /// A choice over all prompts, on the prompts that every model answered.
    fn bounds_of(&self, choice: &Choice) -> Option<BoundsReport> {
        let mean = |complete: &Complete| {
            let here = match choice {
                Choice::Mix(_) => choice.clone(),
                Choice::Each(choices) => Choice::Each(complete.prompts.iter().map(|p| choices[*p]).collect()),
            };
            mean(&here.values(complete, &complete.score))
        };
        Some(BoundsReport {
            lower: mean(&self.bounds[0])?,
            upper: mean(&self.bounds[1])?,
            n: self.bounds[0].n() as u64,
        })
    }

    fn outcomes_of(&self, choice: &Choice) -> BTreeMap<String, f64> {
        let matrix = self.input.matrix;
        let models = matrix.models().len();
        let mut odds = vec![0.0; models];
        let mut expected: BTreeMap<String, f64> = BTreeMap::new();
        let total = crate::num::f64_from_usize(matrix.prompts().len() * matrix.samples());
        for prompt in 0..matrix.prompts().len() {
            match choice {
                Choice::Mix(mix) => odds.clone_from(mix),
                Choice::Each(choices) => {
                    odds.fill(0.0);
                    odds[choices[prompt]] = 1.0;
                }
            }
            for (model, p) in odds.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                for cell in matrix.cells(prompt, model) {
                    *expected.entry(cell.outcome.name().into()).or_default() += p / total;
                }
            }
        }
        expected
    }

    /// Against the strong model, where every score is right or wrong and nothing is left to chance.
    fn mcnemar(&self, choice: &Choice) -> Option<f64> {
        let rows: Vec<(f64, f64)> = (0..self.complete.n())
            .map(|row| {
                let scores = self.complete.row(&self.complete.score, row);
                (scores[self.strong], choice.value(row, scores))
            })
            .collect();
        let fixed = match choice {
            Choice::Each(_) => true,
            Choice::Mix(odds) => odds.iter().filter(|p| **p > 0.0).count() == 1,
        };
        #[expect(clippy::float_cmp, reason = "a score that is right or wrong is exactly 1 or 0")]
        let binary = |score: f64| score == 0.0 || score == 1.0;
        let usable = fixed && self.input.matrix.samples() == 1 && rows.iter().all(|(a, b)| binary(*a) && binary(*b));
        usable.then(|| Paired::of(rows.iter().map(|(a, b)| (*a > 0.5, *b > 0.5))).mcnemar())
    }
}
