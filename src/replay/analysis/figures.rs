//! Every figure of the comparison with its interval, from one set of resamples.

use super::sweep::{self, CPT, SHARES};
use super::{CostBasis, THOUSAND};
use crate::replay::frontier::{self, Anchors, Point, aiq, apgr, cost_for_quality, cpt, hull};
use crate::replay::matrix::{Complete, Matrix};
use crate::replay::policies::{Choice, Routing, Sweep};
use crate::report::{Estimate, SweepReport};
use crate::stats::Interval;
use crate::stats::bootstrap::{Design, Settings, intervals};

/// A policy as one expected value a prompt.
pub(crate) struct Named {
    pub(crate) quality: Vec<f64>,
    /// The cost that decides.
    pub(crate) cost: Vec<f64>,
    pub(crate) list: Vec<f64>,
    pub(crate) billed: Vec<f64>,
}

impl Named {
    pub(crate) fn new(complete: &Complete, choice: &Choice, basis: CostBasis, router_usd: f64) -> Self {
        let with = |table: &[f64]| -> Vec<f64> {
            let values = choice.values(complete, table);
            values.into_iter().map(|v| v + router_usd).collect()
        };
        let (list, billed) = (with(&complete.list), with(&complete.billed));
        Self {
            quality: choice.values(complete, &complete.score),
            cost: match basis {
                CostBasis::List => list.clone(),
                CostBasis::Billed => billed.clone(),
            },
            list,
            billed,
        }
    }
}

/// What the figures are computed from.
pub(super) struct Setup<'a> {
    pub(super) matrix: &'a Matrix,
    pub(super) complete: &'a Complete,
    /// The cost that decides.
    pub(super) cost: &'a [f64],
    pub(super) weak: usize,
    pub(super) strong: usize,
    /// Place of the oracle among the policies.
    pub(super) oracle: usize,
    /// Places of the routed policy and of its shuffle.
    pub(super) routed: Option<(usize, usize)>,
    pub(super) routing: Option<&'a Routing>,
}

/// Figures of one policy.
pub(super) struct PolicyFigures {
    pub(super) quality: Estimate,
    pub(super) list: Estimate,
    pub(super) billed: Estimate,
    pub(super) regret: Estimate,
    pub(super) saved: Estimate,
    pub(super) vs_strong: Estimate,
    pub(super) pgr: Estimate,
    pub(super) normalised_cost: Option<f64>,
    point: Point,
}

/// All of them.
pub(super) struct Figures {
    pub(super) policies: Vec<PolicyFigures>,
    pub(super) anchors: Option<Anchors>,
    pub(super) gap: Estimate,
    pub(super) shuffle: Estimate,
    pub(super) zero_router: Vec<Point>,
    pub(super) sweep: Option<SweepReport>,
}

/// Figures a policy: quality, list, billed, regret, saved, against the strong model, PGR.
const PER_POLICY: usize = 7;
/// Figures of the whole: gap, shuffle difference, APGR, AIQ, AIQ of the zero router; CPT and costs at qualities follow.
const WHOLE: usize = 5;

impl Figures {
    pub(super) fn compute(setup: &Setup<'_>, policies: &[Named], settings: Settings) -> Self {
        let n = setup.complete.n();
        let prepared = setup.routing.map(|r| r.sweep(setup.complete, setup.cost));
        let of = Statistic {
            setup,
            policies,
            sweep: prepared.as_ref(),
        };
        let design = design(setup.matrix, setup.complete);
        let count = of.count();
        let mut points = vec![f64::NAN; count];
        of.fill(&vec![1; n], &mut points);
        let found = intervals(&design, &settings, count, |weights, out| of.fill(weights, out));
        let estimate = |figure: usize, scale: f64| estimate(points[figure], found[figure], scale, n as u64);
        let whole = policies.len() * PER_POLICY;
        let anchors = of.anchors(&vec![1; n]);
        Self {
            policies: (0..policies.len())
                .map(|i| {
                    let at = |figure: usize, scale: f64| estimate(i * PER_POLICY + figure, scale);
                    let point = of.point(i, &vec![1; n]);
                    PolicyFigures {
                        quality: at(0, 1.0),
                        list: at(1, THOUSAND),
                        billed: at(2, THOUSAND),
                        regret: at(3, 1.0),
                        saved: at(4, 1.0),
                        vs_strong: at(5, 1.0),
                        pgr: at(6, 1.0),
                        normalised_cost: anchors.map(|a| a.normalised_cost(point.cost)),
                        point,
                    }
                })
                .collect(),
            anchors,
            gap: estimate(whole, 1.0),
            shuffle: estimate(whole + 1, 1.0),
            zero_router: hull(&of.models(&vec![1; n])),
            sweep: prepared.as_ref().map(|prepared| {
                sweep::report(
                    prepared,
                    &sweep::Whole {
                        routing_gap: setup.routing.map_or(0.0, |r| r.gap),
                        n,
                        strong_quality: of.models(&vec![1; n])[setup.strong].quality,
                        range: of.range(&vec![1; n]),
                        apgr: estimate(whole + 2, 1.0),
                        aiq: estimate(whole + 3, 1.0),
                        aiq_zero_router: estimate(whole + 4, 1.0),
                        cpt: std::array::from_fn(|i| estimate(whole + WHOLE + i, 1.0)),
                        cost_at: std::array::from_fn(|i| estimate(whole + WHOLE + CPT.len() + i, THOUSAND)),
                    },
                )
            }),
        }
    }

    /// Names of the policies that no other beats; `(name, hindsight)` in order, hindsight left out.
    pub(super) fn pareto(&self, names: &[(String, bool)]) -> Vec<String> {
        let fair: Vec<Point> = (0..names.len())
            .filter(|i| !names[*i].1)
            .map(|i| self.policies[i].point)
            .collect();
        names
            .iter()
            .zip(&self.policies)
            .filter(|((_, hindsight), own)| !hindsight && !frontier::dominated(own.point, &fair))
            .map(|((name, _), _)| name.clone())
            .collect()
    }
}

/// How the compared prompts are resampled: copies of one text together.
pub(crate) fn design(matrix: &Matrix, complete: &Complete) -> Design {
    Design::new(complete.prompts.iter().map(|p| {
        let info = &matrix.prompts()[*p];
        (0, info.text.as_deref().unwrap_or(&info.id))
    }))
}

/// A figure that is NaN where it is not defined, in other units.
pub(crate) fn estimate(point: f64, interval: Option<Interval>, scale: f64, n: u64) -> Estimate {
    let mut estimate = Estimate::new((!point.is_nan()).then_some(point * scale), n);
    if let (Some(interval), Some(_)) = (interval, estimate.point) {
        estimate.lower = Some(interval.lower * scale);
        estimate.upper = Some(interval.upper * scale);
    }
    estimate
}

/// The figures as a function of how often each row is drawn.
struct Statistic<'a> {
    setup: &'a Setup<'a>,
    policies: &'a [Named],
    sweep: Option<&'a Sweep<'a>>,
}

impl Statistic<'_> {
    fn count(&self) -> usize {
        self.policies.len() * PER_POLICY + WHOLE + CPT.len() + SHARES.len()
    }

    fn point(&self, policy: usize, weights: &[u32]) -> Point {
        let own = &self.policies[policy];
        Point::new(weighted(&own.cost, weights), weighted(&own.quality, weights))
    }

    /// Every single model. They are the first policies.
    fn models(&self, weights: &[u32]) -> Vec<Point> {
        (0..self.setup.complete.models)
            .map(|m| self.point(m, weights))
            .collect()
    }

    fn anchors(&self, weights: &[u32]) -> Option<Anchors> {
        let [weak, strong] = [self.setup.weak, self.setup.strong].map(|m| self.point(m, weights));
        Anchors::new(weak, strong).ok()
    }

    fn swept(&self, weights: &[u32]) -> Vec<Point> {
        let weight = |row: usize| f64::from(weights[row]);
        self.sweep
            .map_or_else(Vec::new, |s| s.points(weight).into_iter().map(|p| p.point).collect())
    }

    /// The costs that router and single models have in common.
    fn range(&self, weights: &[u32]) -> Option<(f64, f64)> {
        frontier::common_range(&[&self.swept(weights), &self.models(weights)])
    }

    fn fill(&self, weights: &[u32], out: &mut [f64]) {
        let points: Vec<Point> = (0..self.policies.len()).map(|i| self.point(i, weights)).collect();
        let (weak, strong) = (points[self.setup.weak], points[self.setup.strong]);
        let anchors = Anchors::new(weak, strong).ok();
        let best = points[self.setup.oracle].quality;
        for (i, (own, point)) in self.policies.iter().zip(&points).enumerate() {
            let saved = 1.0 - point.cost / strong.cost;
            out[i * PER_POLICY..(i + 1) * PER_POLICY].copy_from_slice(&[
                point.quality,
                weighted(&own.list, weights),
                weighted(&own.billed, weights),
                best - point.quality,
                if saved.is_finite() { saved } else { f64::NAN },
                point.quality - strong.quality,
                anchors.map_or(f64::NAN, |a| a.pgr(point.quality)),
            ]);
        }
        let whole = &mut out[self.policies.len() * PER_POLICY..];
        whole[0] = strong.quality - weak.quality;
        if let Some((routed, shuffle)) = self.setup.routed {
            whole[1] = points[routed].quality - points[shuffle].quality;
        }
        if self.sweep.is_some() {
            self.fill_sweep(
                weights,
                anchors,
                strong,
                &points[..self.setup.complete.models],
                &mut whole[2..],
            );
        }
    }

    fn fill_sweep(&self, weights: &[u32], anchors: Option<Anchors>, strong: Point, models: &[Point], out: &mut [f64]) {
        let swept = self.swept(weights);
        let or_nan = |value: Option<f64>| value.unwrap_or(f64::NAN);
        out[0] = or_nan(anchors.map(|a| apgr(&a, &swept)));
        if let Some((low, high)) = frontier::common_range(&[&swept, models]) {
            out[1] = or_nan(aiq(&hull(&swept), low, high));
            out[2] = or_nan(aiq(&hull(models), low, high));
        }
        for (i, wanted) in CPT.iter().enumerate() {
            out[3 + i] = or_nan(anchors.and_then(|a| cpt(&a, &swept, *wanted)));
        }
        for (i, share) in SHARES.iter().enumerate() {
            out[3 + CPT.len() + i] = or_nan(cost_for_quality(&swept, strong.quality, *share));
        }
    }
}

/// The mean of the rows as often as they are drawn.
pub(crate) fn weighted(values: &[f64], weights: &[u32]) -> f64 {
    let (mut sum, mut n) = (0.0, 0.0);
    for (value, weight) in values.iter().zip(weights) {
        let weight = f64::from(*weight);
        sum += weight * value;
        n += weight;
    }
    sum / n
}
