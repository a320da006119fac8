//! What policies cost and earn on one split, with paired intervals from one set of resamples.

use indexmap::IndexMap;

use super::judge::Options;
use crate::replay::analysis::{CostBasis, Named, THOUSAND, design, estimate, weighted};
use crate::replay::matrix::{Complete, Matrix};
use crate::replay::policies::{Choice, Routing};
use crate::report::{CostFigures, DifferenceReport, DroppedReport, Estimate};
use crate::routes::Thresholds;
use crate::stats::bootstrap::intervals;

/// The compared prompts of one split.
pub(super) struct Side {
    pub(super) split: String,
    pub(super) matrix: Matrix,
    pub(super) complete: Complete,
    pub(super) dropped: DroppedReport,
    /// Of the compared prompts.
    pub(super) routing: Routing,
    /// Of the compared prompts: whether a route accepted it when it was asked.
    pub(super) asked: Vec<bool>,
}

/// The figures of a split.
pub(super) struct Figures {
    /// One a model.
    pub(super) always: Vec<CostFigures>,
    pub(super) current: CostFigures,
    pub(super) chosen: CostFigures,
    pub(super) versus_current: DifferenceReport,
    pub(super) versus_strong: DifferenceReport,
    /// Quality of the choice minus what is wanted.
    pub(super) margin: Estimate,
}

/// Figures of a policy: quality, list, billed.
const PER_POLICY: usize = 3;
/// Figures of a difference: quality, list, billed, saved.
const PER_DIFFERENCE: usize = 4;

impl Side {
    pub(super) fn cost(&self, basis: CostBasis) -> &[f64] {
        basis.of(&self.complete)
    }

    /// Mean quality of one model.
    pub(super) fn quality(&self, model: usize) -> f64 {
        self.complete.mean(&self.complete.score, model).unwrap_or_default()
    }

    /// Prompts on another side than when they were asked.
    pub(super) fn moved(&self, at: Thresholds) -> u64 {
        let prompts = self.routing.prompts.iter().zip(&self.asked);
        prompts
            .filter(|(p, asked)| at.accept(p.score, p.gap) != **asked)
            .count() as u64
    }

    /// Of every model, of the thresholds in use and of those chosen; `strong` is the model that the last are held against.
    pub(super) fn figures(&self, at: Thresholds, strong: usize, options: &Options, in_sample: bool) -> Figures {
        let models = self.complete.models;
        let routed = [self.routing.current(), self.routing.at(at.threshold(), at.gap())];
        let choices: Vec<Choice> = (0..models).map(|m| Choice::always(m, models)).chain(routed).collect();
        let (current, chosen) = (models, models + 1);
        let usd = |policy: usize| {
            if policy < models {
                0.0
            } else {
                self.routing.usd_per_prompt
            }
        };
        let named: Vec<Named> = choices
            .iter()
            .enumerate()
            .map(|(i, choice)| Named::new(&self.complete, choice, options.cost, usd(i)))
            .collect();
        let differences = named.len() * PER_POLICY;
        let margin = differences + 2 * PER_DIFFERENCE;
        let fill = |weights: &[u32], out: &mut [f64]| {
            for (own, out) in named.iter().zip(out.chunks_mut(PER_POLICY)) {
                for (values, out) in [&own.quality, &own.list, &own.billed].into_iter().zip(out) {
                    *out = weighted(values, weights);
                }
            }
            let decides = |policy: usize| weighted(&named[policy].cost, weights);
            for (i, other) in [current, strong].into_iter().enumerate() {
                let at = differences + i * PER_DIFFERENCE;
                for figure in 0..PER_POLICY {
                    out[at + figure] = out[chosen * PER_POLICY + figure] - out[other * PER_POLICY + figure];
                }
                let saved = 1.0 - decides(chosen) / decides(other);
                out[at + PER_POLICY] = if saved.is_finite() { saved } else { f64::NAN };
            }
            out[margin] = out[chosen * PER_POLICY] - options.min_quality.of(out[strong * PER_POLICY]);
        };
        let n = self.complete.n();
        let mut points = vec![f64::NAN; margin + 1];
        fill(&vec![1; n], &mut points);
        let design = design(&self.matrix, &self.complete);
        let found = intervals(&design, &options.bootstrap, margin + 1, fill);
        let of = |figure: usize, scale: f64| estimate(points[figure], found[figure], scale, n as u64);
        let policy = |i: usize, in_sample: bool| CostFigures {
            in_sample,
            quality: of(i * PER_POLICY, 1.0),
            usd_per_1k: of(i * PER_POLICY + 1, THOUSAND),
            usd_per_1k_billed: of(i * PER_POLICY + 2, THOUSAND),
            accepted: (i >= models)
                .then(|| self.accepted((i == chosen).then_some(at)))
                .flatten(),
            share: self
                .matrix
                .models()
                .iter()
                .cloned()
                .zip(choices[i].shares(models))
                .collect::<IndexMap<_, _>>(),
        };
        let difference = |i: usize| {
            let at = differences + i * PER_DIFFERENCE;
            DifferenceReport {
                quality: of(at, 1.0),
                usd_per_1k: of(at + 1, THOUSAND),
                usd_per_1k_billed: of(at + 2, THOUSAND),
                saved: of(at + PER_POLICY, 1.0),
            }
        };
        Figures {
            always: (0..models).map(|m| policy(m, false)).collect(),
            current: policy(current, false),
            chosen: policy(chosen, in_sample),
            versus_current: difference(0),
            versus_strong: difference(1),
            margin: of(margin, 1.0),
        }
    }

    /// Share of prompts that a route accepts, at one pair of thresholds or at those in use.
    fn accepted(&self, at: Option<Thresholds>) -> Option<f64> {
        let prompts = self.routing.prompts.iter();
        let accepted = prompts
            .filter(|p| at.unwrap_or(p.current).accept(p.score, p.gap))
            .count();
        crate::replay::matrix::share(accepted as u64, self.complete.n() as u64)
    }
}
