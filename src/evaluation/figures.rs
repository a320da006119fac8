//! Every figure of a set of scored prompts, and its interval.
//!
//! [`Prepared`] sorts the prompts once. From then on all figures are a function of how often each prompt counts: once for the
//! figures themselves, as often as it was drawn for a resample. So a figure and its interval come from the same code.

use super::reliability::Calibrated;
use super::{Scored, split_counts};
use crate::calibrate::macro_f1;
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
    /// Row, own route, best route, and whether the own one is among the best two, of the in-domain prompts.
    forced: Vec<(usize, usize, usize, bool)>,
    /// Truth and decision; the last class is out-of-domain and fallback.
    deployed: Vec<(usize, usize)>,
    by_score: Ranking,
    by_gap: Ranking,
    selective: Ranking,
    selective_in_domain: Ranking,
    calibrated: Calibrated,
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
        let forced = rows().filter_map(|(i, (truth, row))| match truth {
            Truth::Route(own) => Some((i, *own, row.best, *own == row.best || row.runner_up == Some(*own))),
            Truth::OutOfDomain => None,
        });
        Self {
            names,
            forced: forced.collect(),
            deployed: scored.decisions(thresholds),
            by_score: detector(|row| row.score),
            by_gap: detector(|row| row.gap),
            selective: scored.ranking(false),
            selective_in_domain: scored.ranking(true),
            calibrated,
        }
    }

    /// All figures, each prompt counted `weights[row]` times, or once without weights. O(n).
    ///
    /// # Panics
    /// If a row has no weight.
    pub fn evaluate(&self, weights: Option<&[u32]>) -> Evaluated {
        Evaluated {
            forced_choice: self.forced_choice(weights),
            as_deployed: as_deployed(&count(&self.deployed, self.names.len() + 1, weights), self.names),
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

    fn forced_choice(&self, weights: Option<&[u32]>) -> ForcedChoice {
        let mut confusion = Confusion::new(self.names.len());
        let (mut among_two, mut n) = (0, 0);
        for &(row, own, best, second) in &self.forced {
            let weight = weight(weights, row);
            confusion.add_times(own, best, weight);
            n += weight;
            among_two += if second { weight } else { 0 };
        }
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
            top2_accuracy: Rate::new(among_two, n).into(),
            routes: route_figures(&confusion, self.names.iter().map(String::as_str)),
        }
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
    let counts = Deployed::from_confusion(confusion);
    let labels = names.iter().map(String::as_str).chain(["fallback"]);
    let (tally, totals) = split_counts(confusion);
    AsDeployed {
        system_accuracy: counts.system_accuracy().into(),
        coverage: counts.coverage().into(),
        selective_accuracy: counts.selective_accuracy().into(),
        misroute_rate: counts.misroute_rate().into(),
        false_accept_rate: counts.false_accept_rate().into(),
        false_fallback_rate: counts.false_fallback_rate().into(),
        macro_f1: Estimate::new(macro_f1(&tally, &totals), confusion.n()),
        routes: route_figures(confusion, labels),
    }
}

fn route_figures<'a>(confusion: &Confusion, names: impl Iterator<Item = &'a str>) -> Vec<RouteFigures> {
    names
        .zip(confusion.per_class())
        .map(|(name, figures)| RouteFigures {
            route: name.to_owned(),
            precision: figures.precision.into(),
            recall: figures.recall.into(),
            f1: Estimate::new(figures.f1, figures.support + figures.predicted),
            support: figures.support,
        })
        .collect()
}

fn detection(detection: &Detection) -> DetectionFigures {
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

fn selective(selective: &Selective) -> SelectiveFigures {
    let n = selective.n();
    SelectiveFigures {
        aurc: Estimate::new(selective.aurc(), n),
        e_aurc: Estimate::new(selective.e_aurc(), n),
        augrc: Estimate::new(selective.augrc(), n),
        full_coverage_error: selective.full_coverage_error().into(),
    }
}
