//! From counts to the document of `eval`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::axis::{FINE_GAPS, FINE_SCORES};
use super::counts::{Counts, Extent};
use super::line::Line;
use super::partial::{Partial, Request};
use super::{ScoredError, provenance};
use crate::dataset::CALIBRATION;
use crate::evaluation::{self, Fitted, Method, as_deployed, confusion_report, forced_choice};
use crate::metrics::detection::Detection;
use crate::metrics::reliability::{FitError, Isotonic, Platt, Reliability};
use crate::metrics::selective::Selective;
use crate::num::{f64_from_u64, usize_from_f64};
use crate::report::{
    ConfidenceReport, DetectionReport, EvalReport, IntervalsReport, LeakageReport, REPORT_VERSION, ReliabilityReport,
    RouteConfidence, ScoredReport, SelectiveReport, SummaryReport, ThresholdsReport,
};
use crate::routes::Routes;

/// What `eval` is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvalRequest {
    /// The split to evaluate.
    pub split: String,
    /// The split that confidences are fitted on, where it is another one.
    pub fitted_on: Option<String>,
    /// How scores become probabilities; not by a temperature, which needs every route's score.
    pub reliability: Method,
}

/// The kinds of a row, as [`Counts`] numbers them.
const RIGHT: usize = 0;
const WRONG: usize = 1;
const OUTSIDE: usize = 2;

/// The document of `eval`, from counts of the whole file.
///
/// # Errors
/// [`ScoredError::Dataset`] where the split has no rows.
///
/// # Panics
/// If the counts were made for another command.
pub fn evaluate(whole: &Partial, routes: &Routes) -> Result<EvalReport, ScoredError> {
    let Request::Eval(request) = &whole.header.request else {
        panic!("these counts are not for eval")
    };
    let counts = whole.of(&request.split)?;
    let names = routes.names();
    let confusion = counts.deployed();
    let totals = counts.totals();
    let among_two = whole.header.source.runner_ups.then_some(counts.among_two);
    let by_score = by_score(counts);
    let by_gap = Detection::counted(gaps(counts));
    let (global, by_route) = &whole.header.thresholds;
    Ok(EvalReport {
        kind: "evaluation".into(),
        schema_version: REPORT_VERSION,
        provenance: provenance(whole),
        intervals: IntervalsReport::new(0),
        split: request.split.clone(),
        n: totals.n,
        in_domain: totals.n - totals.out_of_domain,
        out_of_domain: totals.out_of_domain,
        in_sample: request.split == CALIBRATION || counts.calibration_rows > 0,
        thresholds: ThresholdsReport::new(*global, by_route, routes),
        forced_choice: forced_choice(&counts.forced(), among_two, &names),
        as_deployed: as_deployed(&confusion, &names),
        detection: DetectionReport {
            by_score: evaluation::detection(&Detection::counted(by_score.clone())),
            by_gap: evaluation::detection(&by_gap),
        },
        selective: selective(counts),
        reliability: reliability(whole, request, counts),
        confusion: confusion_report(&confusion, &names),
        confidence: confidence(counts, &names),
        mistakes: Vec::new(),
        leakage: LeakageReport {
            n: 0,
            lines: Vec::new(),
        },
        scored: Some(ScoredReport {
            resolution: 1e-6,
            auroc_within: half_in_one_bin(&by_score),
            auroc_by_gap_within: half_in_one_bin(&gaps(counts)),
            grid: None,
            left_out: vec![
                "encoder".into(),
                "bootstrap intervals".into(),
                "mistakes".into(),
                "leakage".into(),
            ],
        }),
    })
}

/// Score, in-domain and out-of-domain rows, of every bin that is not empty.
fn by_score(counts: &Counts) -> Vec<(f64, u64, u64)> {
    let value = |bin: usize| FINE_SCORES.value(bin);
    by_bin(|kind| counts.scores(kind), value)
}

/// The same by gap; the gap of a lone route is infinite.
fn gaps(counts: &Counts) -> Vec<(f64, u64, u64)> {
    let axis = FINE_GAPS;
    let value = |bin: usize| {
        if bin < axis.len() {
            axis.value(bin)
        } else {
            f64::INFINITY
        }
    };
    by_bin(|kind| counts.gaps(kind), value)
}

fn by_bin<'a>(line: impl Fn(usize) -> &'a Line, value: impl Fn(usize) -> f64) -> Vec<(f64, u64, u64)> {
    let of = |kind: usize| line(kind).bins().map(move |(bin, n)| (bin, kind, n));
    let mut bins: Vec<(usize, usize, u64)> = of(RIGHT).chain(of(WRONG)).chain(of(OUTSIDE)).collect();
    bins.sort_unstable();
    bins.chunk_by(|a, b| a.0 == b.0)
        .map(|bin| {
            let of = |outside: bool| bin.iter().filter(|b| (b.1 == OUTSIDE) == outside).map(|b| b.2).sum();
            (value(bin[0].0), of(false), of(true))
        })
        .collect()
}

/// Half the share of pairs, one row in-domain and one not, that lie in one bin: they count as half in order, and may be all or none.
fn half_in_one_bin(bins: &[(f64, u64, u64)]) -> Option<f64> {
    let product = |inside: u64, outside: u64| f64_from_u64(inside) * f64_from_u64(outside);
    let (inside, outside) = bins.iter().fold((0, 0), |(a, b), (_, x, y)| (a + x, b + y));
    let together: f64 = bins.iter().map(|(_, inside, outside)| product(*inside, *outside)).sum();
    (inside > 0 && outside > 0).then(|| together / product(inside, outside) / 2.0)
}

/// Right and wrong in-domain rows by fine bin: score, rows, right rows. A bin may come twice.
fn in_domain(counts: &Counts) -> Vec<(f64, u64, u64)> {
    let value = |bin: usize| FINE_SCORES.value(bin);
    let right = counts.scores(RIGHT).bins().map(|(bin, n)| (value(bin), n, n));
    let wrong = counts.scores(WRONG).bins().map(|(bin, n)| (value(bin), n, 0));
    right.chain(wrong).collect()
}

fn selective(counts: &Counts) -> SelectiveReport {
    let inside = in_domain(counts)
        .into_iter()
        .map(|(score, n, right)| (score, n, n - right));
    let outside = counts.scores(OUTSIDE).bins();
    let outside = outside.map(|(bin, n)| (FINE_SCORES.value(bin), n, n));
    SelectiveReport {
        all: evaluation::selective(&Selective::counted(inside.clone().chain(outside))),
        in_domain: evaluation::selective(&Selective::counted(inside)),
    }
}

/// The confidences of the bins, by a mapping that is fitted on the bins of the other split, or on these.
fn reliability(whole: &Partial, request: &EvalRequest, counts: &Counts) -> ReliabilityReport {
    let other = request
        .fitted_on
        .as_deref()
        .and_then(|split| Some((split, whole.of(split).ok()?)));
    let (fitted_on, fitted) = other.unwrap_or((&request.split, counts));
    let rows = in_domain(fitted);
    let judged = in_domain(counts);
    let mapped = |predict: &dyn Fn(f64) -> f64| judged.iter().map(|(s, n, right)| (predict(*s), *n, *right)).collect();
    let confidences: Result<Vec<_>, FitError> = match request.reliability {
        Method::Isotonic => Isotonic::fit_counted(rows.iter().copied()).map(|m| mapped(&|s| m.predict(s))),
        Method::Platt | Method::Temperature => {
            Platt::fit_counted(rows.iter().copied()).map(|m| mapped(&|s| m.predict(s)))
        }
    };
    let (confidences, note) = match confidences {
        Ok(confidences) => (confidences, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let reliability = Reliability::counted(confidences);
    Fitted {
        method: request.reliability,
        on: fitted_on.to_owned(),
        n: rows.iter().map(|(_, n, _)| n).sum(),
        in_sample: fitted_on == request.split,
        note,
    }
    .report(&reliability, reliability.brier().zip(reliability.log_loss()))
}

fn confidence(counts: &Counts, names: &[String]) -> ConfidenceReport {
    let of = |name: &str, routes: std::ops::Range<usize>| {
        let summary = |kind: usize| summary(routes.clone().map(|route| counts.spread(route, kind)));
        RouteConfidence {
            route: name.to_owned(),
            right: summary(RIGHT),
            wrong: summary(WRONG),
            out_of_domain: summary(OUTSIDE),
        }
    };
    ConfidenceReport {
        overall: of("all", 0..names.len()),
        routes: names.iter().enumerate().map(|(i, name)| of(name, i..i + 1)).collect(),
    }
}

/// Mean and ends of the scores, and quantiles to the width of a bin.
fn summary<'a>(parts: impl Iterator<Item = (&'a Line, &'a Extent)>) -> SummaryReport {
    let mut bins: BTreeMap<usize, u64> = BTreeMap::new();
    let mut all: Option<Extent> = None;
    for (line, extent) in parts {
        for (bin, count) in line.bins() {
            *bins.entry(bin).or_default() += count;
        }
        all = Some(all.map_or(*extent, |all| Extent {
            sum: all.sum + extent.sum,
            min: all.min.min(extent.min),
            max: all.max.max(extent.max),
        }));
    }
    let n: u64 = bins.values().sum();
    let all = all.filter(|_| n > 0);
    // The value of the row at a place in order, from 0.
    let value = |place: u64| {
        let mut before = 0;
        let bin = bins.iter().find(|(_, count)| {
            before += **count;
            before > place
        });
        bin.map_or(1.0, |(bin, _)| Counts::spread_value(*bin))
    };
    let quantile = |q: f64| {
        (n > 0).then(|| {
            let place = f64_from_u64(n - 1) * q;
            let low = usize_from_f64(place) as u64;
            let (a, b) = (value(low), value((low + 1).min(n - 1)));
            a + (b - a) * (place - f64_from_u64(low))
        })
    };
    // Within the ends: the value of a bin is the least that may lie in it.
    let within = |q: f64| quantile(q).zip(all).map(|(v, all)| v.max(all.min));
    SummaryReport {
        n,
        mean: all.and_then(|all| all.mean(n)),
        min: all.map(|all| all.min),
        p05: within(0.05),
        p25: within(0.25),
        p50: within(0.5),
        p75: within(0.75),
        p95: within(0.95),
        max: all.map(|all| all.max),
    }
}
