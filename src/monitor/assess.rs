//! A log against the calibration data: every figure, every gate, the verdict.

use super::gates::judge;
use super::ks::ks_test;
use super::psi::{Bins, by_chance};
use super::resample::{Drawn, Figure, median};
use super::{ASSUMPTION, GateVerdict, Known, Limits, Seen, Settings, Shifts, words};
use crate::metrics::Rate;
use crate::num::usize_from_f64;
use crate::report::{
    BothSides, Estimate, ExpectedReport, Medians, MonitorFigures, MonitorGate, MonitorVerdict, OutsideReport,
    PeriodReport, RouteShare, ShiftBin, ShiftReport,
};

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Every figure.
    pub figures: MonitorFigures,
    /// Every gate.
    pub gates: Vec<MonitorGate>,
    /// The answer.
    pub verdict: MonitorVerdict,
    /// The answer in a sentence.
    pub summary: String,
    /// What to do next.
    pub advice: String,
}

/// Holds a log against calibration rows. `in_sample` says whether these may have chosen the thresholds; `done` is called after each
/// resample. O(resamples × rows).
///
/// ```
/// use routecal::monitor::{Known, Limits, Seen, Settings, compare};
/// use routecal::report::MonitorVerdict;
///
/// let seen = |i: u32, lift: f64| {
///     let score = f64::from(i) / 1000.0 + lift;
///     Seen { best: 0, score, gap: score / 2.0, accepted: score >= 0.35, copy: i as usize }
/// };
/// let calibration: Vec<Known> = (0..500).map(|i| Known { seen: seen(i, 0.0), right: i % 3 > 0 }).collect();
/// let settings = Settings { alpha: 0.05, resamples: 400, seed: 0 };
/// let limits = Limits { max_psi: 0.2, max_fallback_share: None, min_expected_accuracy: None };
/// let names = ["coding".to_owned()];
/// let verdict = |log: &[Seen]| compare(&calibration, log, &names, true, &settings, &limits, &|| ()).verdict;
///
/// let same: Vec<Seen> = (0..500).map(|i| seen(i, 0.0)).collect();
/// let lifted: Vec<Seen> = (0..500).map(|i| seen(i, 0.3)).collect();
/// assert_eq!(verdict(&same), MonitorVerdict::Stable);
/// assert_eq!(verdict(&lifted), MonitorVerdict::Shifted);
/// let few: Vec<Seen> = (0..5).map(|i| seen(100 * i, 0.0)).collect();
/// assert_eq!(verdict(&few), MonitorVerdict::TooFew);
/// ```
///
/// # Panics
/// If a side has no rows, or a score is NaN.
pub fn compare(
    calibration: &[Known],
    log: &[Seen],
    routes: &[String],
    in_sample: bool,
    settings: &Settings,
    limits: &Limits,
    done: &(dyn Fn() + Sync),
) -> Comparison {
    assert!(!calibration.is_empty() && !log.is_empty(), "a side without rows");
    let shifts = Shifts::new(calibration, log, routes.len());
    let drawn = shifts.draw(settings, done);
    let figures = figures(calibration, log, routes, in_sample, (&shifts, &drawn));
    let gates = judge(&figures, &drawn, settings, limits, calibration.len());
    let verdict = match gates.iter().map(|g| g.verdict).max() {
        Some(GateVerdict::Shifted) => MonitorVerdict::Shifted,
        Some(GateVerdict::Inconclusive) => MonitorVerdict::TooFew,
        Some(GateVerdict::Pass) | None => MonitorVerdict::Stable,
    };
    Comparison {
        summary: words::summary(verdict, &gates, &figures),
        advice: words::advice(verdict, &gates),
        figures,
        gates,
        verdict,
    }
}

/// The figures of one day or week.
///
/// # Panics
/// If a side has no rows, or a score is NaN.
pub fn period(
    from: String,
    calibration: &[Known],
    log: &[Seen],
    routes: usize,
    settings: &Settings,
    done: &(dyn Fn() + Sync),
) -> PeriodReport {
    let shifts = Shifts::new(calibration, log, routes);
    let drawn = shifts.draw(settings, done);
    let n = log.len();
    let scores: Vec<f64> = calibration.iter().map(|k| k.seen.score).collect();
    let logged: Vec<f64> = log.iter().map(|s| s.score).collect();
    PeriodReport {
        from,
        n: n as u64,
        fallback_share: rate(log.iter().map(|s| !s.accepted)),
        ks: drawn.estimate(Figure::KsScore, n),
        ks_p: ks_test(&scores, &logged).map_or(1.0, |ks| ks.p),
        psi_score: drawn.estimate(Figure::PsiScore, n),
        psi_by_chance: by_chance(shifts.score_bins().count(), calibration.len(), n),
        psi_gap: shifts.gap_bins().map(|_| drawn.estimate(Figure::PsiGap, n)),
        expected_accuracy: drawn.estimate(Figure::Accuracy, n),
    }
}

fn rate(hits: impl Iterator<Item = bool>) -> Estimate {
    Rate::of(hits).into()
}

fn figures(
    calibration: &[Known],
    log: &[Seen],
    routes: &[String],
    in_sample: bool,
    (shifts, drawn): (&Shifts, &Drawn),
) -> MonitorFigures {
    let both = |hit: &dyn Fn(&Seen) -> bool| BothSides {
        calibration: rate(calibration.iter().map(|k| hit(&k.seen))),
        log: rate(log.iter().map(hit)),
    };
    MonitorFigures {
        n: log.len() as u64,
        fallback_share: both(&|s| !s.accepted),
        route_mix: routes
            .iter()
            .enumerate()
            .map(|(i, route)| RouteShare {
                route: route.clone(),
                as_routed: both(&|s| s.accepted && s.best == i),
                best: both(&|s| s.best == i),
            })
            .collect(),
        route_mix_psi: drawn.estimate(Figure::PsiMix, log.len()),
        route_mix_psi_by_chance: by_chance(routes.len() + 1, calibration.len(), log.len()),
        score: shift(
            calibration,
            log,
            |s| s.score,
            shifts.score_bins(),
            (shifts, drawn),
            false,
        ),
        gap: (shifts.gap_bins()).map(|bins| shift(calibration, log, |s| s.gap, bins, (shifts, drawn), true)),
        outside: outside(calibration, log),
        expected: ExpectedReport {
            assumption: ASSUMPTION.into(),
            in_sample,
            calibration_accuracy: rate(calibration.iter().map(|k| k.right)),
            accuracy: drawn.estimate(Figure::Accuracy, log.len()),
            change: drawn.estimate(Figure::Change, log.len()),
            selective_accuracy: drawn.estimate(Figure::Selective, log.len()),
            effective_sample_size: shifts.effective_size(),
        },
    }
}

fn shift(
    calibration: &[Known],
    log: &[Seen],
    value: fn(&Seen) -> f64,
    bins: &Bins,
    (shifts, drawn): (&Shifts, &Drawn),
    gap: bool,
) -> ShiftReport {
    let a: Vec<f64> = calibration.iter().map(|k| value(&k.seen)).collect();
    let b: Vec<f64> = log.iter().map(value).collect();
    let ks = ks_test(&a, &b).expect("both sides have rows");
    let (ks_figure, psi_figure) = if gap {
        (Figure::KsGap, Figure::PsiGap)
    } else {
        (Figure::KsScore, Figure::PsiScore)
    };
    let (in_calibration, in_log) = shifts.binned(gap);
    let edges = bins.edges();
    ShiftReport {
        ks: Estimate {
            // That of the test, found in whole numbers: the resampled one is the same but for rounding.
            point: Some(ks.statistic),
            ..drawn.estimate(ks_figure, log.len())
        },
        p: ks.p,
        p_method: ks.method,
        psi: drawn.estimate(psi_figure, log.len()),
        psi_by_chance: by_chance(bins.count(), a.len(), b.len()),
        median: Medians {
            calibration: median(a),
            log: median(b),
        },
        bins: (0..bins.count())
            .map(|i| ShiftBin {
                from: i.checked_sub(1).map(|i| edges[i]),
                to: edges.get(i).copied(),
                calibration: usize_from_f64(in_calibration[i]) as u64,
                log: usize_from_f64(in_log[i]) as u64,
            })
            .collect(),
    }
}

fn outside(calibration: &[Known], log: &[Seen]) -> OutsideReport {
    let scores = || calibration.iter().map(|k| k.seen.score);
    let lowest = scores().fold(f64::INFINITY, f64::min);
    let highest = scores().fold(f64::NEG_INFINITY, f64::max);
    OutsideReport {
        lowest,
        highest,
        below: log.iter().filter(|s| s.score < lowest).count() as u64,
        above: log.iter().filter(|s| s.score > highest).count() as u64,
    }
}
