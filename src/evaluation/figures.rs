//! Every figure of a set of scored prompts, and its interval.
//!
//! [`Prepared`] sorts the prompts once. From then on all figures are a function of how often each prompt counts: once for the
//! figures themselves, as often as it was drawn for a resample. So a figure and its interval come from the same code.

use std::collections::BTreeMap;

use super::reliability::Calibrated;
use super::{Scored, split_counts};
use crate::calibrate::{Tally, Totals, macro_f1};
use crate::dataset::Truth;
use crate::metrics::classification::Confusion;
use crate::metrics::deployed::Deployed;
use crate::metrics::detection::{Detection, DetectionPoint};
use crate::metrics::selective::Selective;
use crate::metrics::{Ranking, Rate};
use crate::report::{
    AsDeployed, DetectionFigures, DetectionReport, Estimate, ForcedChoice, ReliabilityReport, Resampled, RouteFigures,
    SelectiveFigures, SelectiveReport,
};
use crate::router::RowScore;
use crate::routes::Thresholds;
use crate::stats::bootstrap::{self, Design, Settings};

/// Prompts in order, ready to be counted.
#[derive(Debug)]
pub struct Prepared<'a> {
    names: &'a [String],
    /// Prompts that no figure of a decision tells apart, together: they are counted by a sum of their weights.
    cells: Vec<(Cell, Vec<u32>)>,
    by_score: Ranking,
    by_gap: Ranking,
    selective: Ranking,
    selective_in_domain: Ranking,
    calibrated: Calibrated,
}

/// What a decision's figures know of a prompt; the last class is out-of-domain and fallback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    truth: usize,
    best: usize,
    /// Whether the own route is among the best two.
    second: bool,
    decision: usize,
}

/// What [`Prepared`] counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// In-domain prompts, every one sent to its best route.
    pub forced_choice: ForcedChoice,
    /// All prompts under the thresholds.
    pub as_deployed: AsDeployed,
    /// In-domain against out-of-domain.
    pub detection: DetectionReport,
    /// Risk against coverage.
    pub selective: SelectiveReport,
    /// Calibrated confidences.
    pub reliability: ReliabilityReport,
}

impl Resampled for Evaluated {
    fn each(&mut self, visit: &mut dyn FnMut(&mut Estimate)) {
        self.forced_choice.each(visit);
        self.as_deployed.each(visit);
        self.detection.each(visit);
        self.selective.each(visit);
        self.reliability.each(visit);
    }
}

impl<'a> Prepared<'a> {
    /// Sorts the prompts; O(n log n).
    pub fn new(scored: Scored<'_>, names: &'a [String], thresholds: &[Thresholds], calibrated: Calibrated) -> Self {
        let rows = || scored.pairs().enumerate();
        let detector = |figure: fn(&RowScore) -> f64| {
            Ranking::new(rows().map(|(i, (truth, row))| (i, figure(row), *truth != Truth::OutOfDomain)))
        };
        let mut cells: BTreeMap<Cell, Vec<u32>> = BTreeMap::new();
        let decisions = scored.decisions(thresholds);
        for (i, ((truth, decision), row)) in (0_u32..).zip(decisions.into_iter().zip(scored.scores.rows())) {
            let cell = Cell {
                truth,
                best: row.best,
                second: truth == row.best || row.runner_up == Some(truth),
                decision,
            };
            cells.entry(cell).or_default().push(i);
        }
        Self {
            names,
            cells: cells.into_iter().collect(),
            by_score: detector(|row| row.score),
            by_gap: detector(|row| row.gap),
            selective: scored.ranking(false),
            selective_in_domain: scored.ranking(true),
            calibrated,
        }
    }

    /// All prompts by falling score.
    pub(super) fn by_score(&self) -> &Ranking {
        &self.by_score
    }

    /// The same prompts in another order, which is that of the weights from then on. O(n log n).
    pub(super) fn moved(&self, order: &[usize]) -> Self {
        let mut places = vec![0; order.len()];
        for (place, row) in (0..).zip(order) {
            places[*row] = place;
        }
        let cell = |(cell, rows): &(Cell, Vec<u32>)| {
            let mut rows: Vec<u32> = rows.iter().map(|row| places[*row as usize]).collect();
            rows.sort_unstable();
            (*cell, rows)
        };
        Self {
            names: self.names,
            cells: self.cells.iter().map(cell).collect(),
            by_score: self.by_score.moved(&places),
            by_gap: self.by_gap.moved(&places),
            selective: self.selective.moved(&places),
            selective_in_domain: self.selective_in_domain.moved(&places),
            calibrated: self.calibrated.moved(&places),
        }
    }

    /// All figures, each prompt counted `weights[row]` times, or once without weights. O(n).
    ///
    /// # Panics
    /// If a row has no weight.
    pub fn evaluate(&self, weights: Option<&[u32]>) -> Evaluated {
        let (forced_choice, as_deployed) = self.decisions(weights);
        Evaluated {
            forced_choice,
            as_deployed,
            detection: DetectionReport {
                by_score: detection(&Detection::ranked(&self.by_score, weights)),
                by_gap: detection(&Detection::ranked(&self.by_gap, weights)),
            },
            selective: SelectiveReport {
                all: selective(&Selective::ranked(&self.selective, weights)),
                in_domain: selective(&Selective::ranked(&self.selective_in_domain, weights)),
            },
            reliability: self.calibrated.report(weights),
        }
    }

    /// All figures with their intervals; O(resamples × n). `done` is called after each resample.
    pub fn evaluate_with_intervals(&self, design: &Design, settings: &Settings, done: &(dyn Fn() + Sync)) -> Evaluated {
        with_intervals(design, settings, done, |weights| self.evaluate(weights))
    }

    fn decisions(&self, weights: Option<&[u32]>) -> (ForcedChoice, AsDeployed) {
        let outside = self.names.len();
        let (mut forced, mut deployed) = (Confusion::new(outside), Confusion::new(outside + 1));
        let mut among_two = 0;
        for (cell, rows) in &self.cells {
            let times = match weights {
                Some(weights) => rows.iter().map(|row| u64::from(weights[*row as usize])).sum(),
                None => rows.len() as u64,
            };
            deployed.add_times(cell.truth, cell.decision, times);
            if cell.truth < outside {
                forced.add_times(cell.truth, cell.best, times);
                among_two += if cell.second { times } else { 0 };
            }
        }
        let forced_choice = forced_choice(&forced, Some(among_two), self.names);
        (forced_choice, as_deployed(&deployed, self.names))
    }
}

/// Figures of the forced choice from its confusion matrix; `among_two` prompts have their own route among the best two, where that
/// is known.
pub(crate) fn forced_choice(confusion: &Confusion, among_two: Option<u64>, names: &[String]) -> ForcedChoice {
    let n = confusion.n();
    let figure = |point| Estimate::new(point, n);
    ForcedChoice {
        n,
        accuracy: confusion.accuracy().into(),
        balanced_accuracy: figure(confusion.balanced_accuracy()),
        macro_f1: figure(confusion.macro_average().f1),
        // Each prompt has one truth and one decision, so this is the accuracy, a rate.
        micro_f1: confusion.accuracy().into(),
        weighted_f1: figure(confusion.weighted_average().f1),
        mcc: figure(confusion.matthews_correlation()),
        kappa: figure(confusion.cohen_kappa()),
        top2_accuracy: among_two.map_or(Estimate::new(None, n), |k| Rate::new(k, n).into()),
        routes: route_figures(confusion, names),
    }
}

/// A report whose resampled figures get their intervals; `evaluate` gives it for any weights. `done` is called after each
/// resample.
pub fn with_intervals<R: Resampled>(
    design: &Design,
    settings: &Settings,
    done: &(dyn Fn() + Sync),
    evaluate: impl Fn(Option<&[u32]>) -> R + Sync,
) -> R {
    let mut report = evaluate(None);
    let mut figures = 0;
    report.each(&mut |_| figures += 1);
    let intervals = bootstrap::intervals(design, settings, figures, |weights, out| {
        let mut places = out.iter_mut();
        evaluate(Some(weights)).each(&mut |estimate| {
            if let (Some(place), Some(point)) = (places.next(), estimate.point) {
                *place = point;
            }
        });
        done();
    });
    let mut intervals = intervals.into_iter();
    report.each(&mut |estimate| *estimate = estimate.within(intervals.next().flatten()));
    report
}

fn weight(weights: Option<&[u32]>, row: usize) -> u64 {
    weights.map_or(1, |w| u64::from(w[row]))
}

/// The confusion matrix of weighted `(truth, decision)` pairs. O(n).
///
/// # Panics
/// If a class is out of range or a row has no weight.
pub(crate) fn count(pairs: &[(usize, usize)], classes: usize, weights: Option<&[u32]>) -> Confusion {
    let mut confusion = Confusion::new(classes);
    for (row, (truth, decision)) in pairs.iter().enumerate() {
        confusion.add_times(*truth, *decision, weight(weights, row));
    }
    confusion
}

/// Figures under an operating point, from its confusion matrix (last class: out-of-domain and fallback).
pub fn as_deployed(confusion: &Confusion, names: &[String]) -> AsDeployed {
    let (tally, totals) = split_counts(confusion);
    as_deployed_of(&tally, &totals, names)
}

/// The same from what it accepts and all that there is. O(routes).
pub(crate) fn as_deployed_of(tally: &Tally, totals: &Totals, names: &[String]) -> AsDeployed {
    let (n, outside) = (totals.n, totals.out_of_domain);
    let counts = Deployed::new(n - outside, outside, tally.right, tally.wrong, tally.out_of_domain);
    let routes = names.iter().enumerate().map(|(i, name)| {
        let (right, support, predicted) = (tally.right_by_route[i], totals.support[i], tally.by_route[i]);
        class_figures(name, right, support, predicted)
    });
    let fallback = class_figures("fallback", outside - tally.out_of_domain, outside, n - tally.accepted());
    AsDeployed {
        system_accuracy: counts.system_accuracy().into(),
        coverage: counts.coverage().into(),
        selective_accuracy: counts.selective_accuracy().into(),
        misroute_rate: counts.misroute_rate().into(),
        false_accept_rate: counts.false_accept_rate().into(),
        false_fallback_rate: counts.false_fallback_rate().into(),
        macro_f1: Estimate::new(macro_f1(tally, totals), n),
        routes: routes.chain([fallback]).collect(),
    }
}

/// Figures of one class: `right` of `support` prompts that belong there and of `predicted` that were sent there.
fn class_figures(name: &str, right: u64, support: u64, predicted: u64) -> RouteFigures {
    let f1 = Rate::new(2 * right, support + predicted).value();
    RouteFigures {
        route: name.to_owned(),
        precision: Rate::new(right, predicted).into(),
        recall: Rate::new(right, support).into(),
        f1: Estimate::new(f1, support + predicted),
        support,
    }
}

fn route_figures(confusion: &Confusion, names: &[String]) -> Vec<RouteFigures> {
    let classes = names.iter().zip(confusion.per_class()).enumerate();
    classes
        .map(|(i, (name, class))| class_figures(name, confusion.count(i, i), class.support, class.predicted))
        .collect()
}

pub(crate) fn detection(detection: &Detection) -> DetectionFigures {
    let all = |point| Estimate::new(point, detection.in_domain() + detection.out_of_domain());
    let rate = |point: Option<DetectionPoint>| {
        let rate = point.map_or(Rate::default(), |p| p.false_positive);
        Estimate::new(rate.value(), rate.n())
    };
    DetectionFigures {
        auroc: all(detection.auroc()),
        average_precision_in: all(detection.average_precision_in()),
        average_precision_out: all(detection.average_precision_out()),
        fpr_at_95_tpr: rate(detection.fpr_at_tpr(0.95)),
        fpr_at_95_tpr_out: rate(detection.fpr_at_tpr_out(0.95)),
    }
}

pub(crate) fn selective(selective: &Selective) -> SelectiveFigures {
    let n = selective.n();
    let areas = selective.aurc_and_excess();
    SelectiveFigures {
        aurc: Estimate::new(areas.map(|(aurc, _)| aurc), n),
        e_aurc: Estimate::new(areas.map(|(_, excess)| excess), n),
        augrc: Estimate::new(selective.augrc(), n),
        full_coverage_error: selective.full_coverage_error().into(),
    }
}
