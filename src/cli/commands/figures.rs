//! Reports to pictures: which figure shows what.

use rayon::prelude::*;

use crate::Error;
use crate::calibrate::{self, Cell, SweepRow};
use crate::cli::session::Part;
use crate::evaluation::{ScoreKind, Scored};
use crate::metrics::Rate;
use crate::metrics::selective::RiskCoveragePoint;
use crate::plot::{
    ConfidenceFigure, ConfidencePanel, ConfusionFigure, Figure, HeatmapFigure, HeatmapMark, ReliabilityBin,
    ReliabilityFigure, RiskCoverageFigure, RiskMark, Shown, ThresholdFigure, ThresholdMark, ThresholdPoint,
};
use crate::report::{self, AsDeployed, CalibrationReport, Estimate, EvalReport, OperatingPoint, SplitReport};
use crate::store::OutputFolder;

/// Cells of the heat map on each axis.
const HEATMAP: usize = 60;

/// A folder for the pictures of one document, which each of them names: a report shows no picture of an earlier run.
pub(super) struct Pictures<'a> {
    out: &'a mut OutputFolder,
    stamp: String,
}

impl<'a> Pictures<'a> {
    pub(super) fn of(document: &str, out: &'a mut OutputFolder) -> Self {
        let stamp = report::stamp(document);
        Self { out, stamp }
    }

    pub(super) fn draw(&mut self, name: &str, figure: &dyn Figure) -> Result<(), Error> {
        let drawing = figure.draw()?.of_document(&self.stamp);
        self.out.write_plot(name, &drawing.svg, &drawing.png)?;
        Ok(())
    }

    /// Makes and draws figures on all cores, then writes them in their order.
    fn draw_all(&mut self, figures: &[(&str, &MakeFigure<'_>)]) -> Result<(), Error> {
        let drawn: Vec<_> = figures.par_iter().map(|(_, make)| make().draw()).collect();
        for ((name, _), drawing) in figures.iter().zip(drawn) {
            let drawing = drawing?.of_document(&self.stamp);
            self.out.write_plot(name, &drawing.svg, &drawing.png)?;
        }
        Ok(())
    }
}

/// Gathers what a figure shows, which may take longer than to draw it.
type MakeFigure<'a> = dyn Fn() -> Box<dyn Figure> + Sync + 'a;

/// Confusion matrix, confidence distributions, risk–coverage curve, reliability diagram.
pub(super) fn of_evaluation(
    report: &EvalReport,
    scored: Scored<'_>,
    names: &[String],
    pictures: &mut Pictures<'_>,
) -> Result<(), Error> {
    let panel = |name: &str, route: Option<usize>| ConfidencePanel {
        name: name.to_owned(),
        right: scored.scores_of(ScoreKind::Right, route),
        wrong: scored.scores_of(ScoreKind::Wrong, route),
        out_of_domain: scored.scores_of(ScoreKind::OutOfDomain, route),
    };
    let confidence = |panels| ConfidenceFigure {
        panels,
        threshold: Some(report.thresholds.threshold),
        split: report.split.clone(),
        n: report.n,
    };
    let by_route = || names.iter().enumerate().map(|(r, name)| panel(name, Some(r))).collect();
    pictures.draw_all(&[
        ("confusion", &|| Box::new(confusion(report))),
        ("confidence", &|| Box::new(confidence(vec![panel("all prompts", None)]))),
        ("confidence-by-route", &|| Box::new(confidence(by_route()))),
        ("risk-coverage", &|| Box::new(risk_coverage(report, scored))),
        ("reliability", &|| Box::new(reliability(report))),
    ])
}

fn confusion(report: &EvalReport) -> ConfusionFigure {
    ConfusionFigure {
        labels: report.confusion.labels.clone(),
        columns: report.confusion.columns.clone(),
        counts: report.confusion.counts.clone(),
        title: format!("Where prompts went · {} split, n = {}", report.split, report.n),
        subtitle: format!(
            "Threshold {}, gap {}{}. Rows are the truth; cells are counts and shares of the row.",
            report.thresholds.threshold,
            report.thresholds.gap,
            if report.thresholds.by_route.is_empty() {
                ""
            } else {
                ", and own thresholds a route"
            },
        ),
    }
}

fn risk_coverage(report: &EvalReport, scored: Scored<'_>) -> RiskCoverageFigure {
    let curve = scored.selective(false).curve().iter().map(risk_point).collect();
    let figures = &report.selective.all;
    RiskCoverageFigure {
        curve,
        marks: risk_mark("these thresholds", &report.as_deployed).into_iter().collect(),
        full_coverage_error: shown(&figures.full_coverage_error).unwrap_or(0.0.into()),
        aurc: shown(&figures.aurc).unwrap_or(0.0.into()),
        augrc: shown(&figures.augrc).unwrap_or(0.0.into()),
        n: report.n,
        split: report.split.clone(),
    }
}

/// A figure of a report as a picture shows it; `None` where it is not defined.
fn shown(estimate: &Estimate) -> Option<Shown> {
    let value = estimate.point?;
    let span = estimate.interval().map(|i| (i.lower, i.upper));
    Some(Shown { value, span })
}

fn shown_rate(k: u64, n: u64) -> Option<Shown> {
    shown(&Rate::new(k, n).into())
}

fn risk_point(point: &RiskCoveragePoint) -> (f64, Shown) {
    let risk = shown_rate(point.wrong, point.accepted);
    (point.coverage, risk.unwrap_or(point.risk.into()))
}

/// Where an operating point lies; `None` where it accepts nothing.
fn risk_mark(name: &str, deployed: &AsDeployed) -> Option<RiskMark> {
    let accuracy = shown(&deployed.selective_accuracy)?;
    Some(RiskMark {
        name: name.to_owned(),
        coverage: shown(&deployed.coverage)?,
        risk: Shown {
            value: 1.0 - accuracy.value,
            span: accuracy.span.map(|(low, high)| (1.0 - high, 1.0 - low)),
        },
    })
}

fn reliability(report: &EvalReport) -> ReliabilityFigure {
    let r = &report.reliability;
    let method = match r.method.as_str() {
        "platt" => "Platt scaling",
        "isotonic" => "isotonic regression",
        _ => "a temperature",
    };
    ReliabilityFigure {
        bins: r
            .bins
            .iter()
            .map(|bin| ReliabilityBin {
                lower: bin.lower,
                upper: bin.upper,
                n: bin.n,
                mean_confidence: bin.mean_confidence.unwrap_or_default(),
                accuracy: shown(&bin.accuracy),
            })
            .collect(),
        ece: shown(&r.ece_equal_width).unwrap_or(0.0.into()),
        method: format!("{method} fitted on the {} split", r.fitted_on),
        n: r.ece_equal_width.n,
        split: report.split.clone(),
    }
}

/// Rates against the threshold, the threshold × gap heat map, and where the points lie on the test split's risk–coverage curve.
pub(super) fn of_calibration(
    report: &CalibrationReport,
    choosing: &[SweepRow],
    judging: &Part,
    pictures: &mut Pictures<'_>,
) -> Result<(), Error> {
    let routes = judging.scores.routes();
    pictures.draw_all(&[
        ("threshold", &|| Box::new(threshold(report, choosing, routes))),
        ("threshold-gap", &|| Box::new(heatmap(report, choosing, routes))),
        ("risk-coverage-chosen", &|| {
            Box::new(risk_coverage_chosen(report, judging))
        }),
    ])
}

fn threshold(report: &CalibrationReport, choosing: &[SweepRow], routes: usize) -> ThresholdFigure {
    let points = report.found_and_current();
    // What is held or drawn at one point only is drawn at the most important one.
    let gap = points[0].1.gap;
    ThresholdFigure {
        points: calibrate::threshold_curve(choosing, routes, gap)
            .into_iter()
            .map(|cell| threshold_point(&cell, &report.calibration))
            .collect(),
        // The curves hold one gap: at another one they would say something else of the choice that was not taken.
        marks: points
            .iter()
            .filter(|(name, point)| *name != "uncertified" || point.gap.total_cmp(&gap).is_eq())
            .map(|(name, point)| ThresholdMark {
                name: (*name).to_owned(),
                threshold: point.threshold,
            })
            .collect(),
        gap,
        n: report.calibration.n,
        split: report.calibration.split.clone(),
    }
}

fn risk_coverage_chosen(report: &CalibrationReport, judging: &Part) -> RiskCoverageFigure {
    let curve = judging.scored().selective(false);
    let mark = |(name, point): (&str, &OperatingPoint)| risk_mark(name, &point.test.as_deployed);
    RiskCoverageFigure {
        curve: curve.curve().iter().map(risk_point).collect(),
        marks: report.found_and_current().into_iter().filter_map(mark).collect(),
        full_coverage_error: shown(&curve.full_coverage_error().into()).unwrap_or(0.0.into()),
        aurc: curve.aurc().unwrap_or_default().into(),
        augrc: curve.augrc().unwrap_or_default().into(),
        n: report.test.n,
        split: report.test.split.clone(),
    }
}

fn threshold_point(cell: &Cell, split: &SplitReport) -> ThresholdPoint {
    let tally = &cell.tally;
    let rejected = split.out_of_domain - tally.out_of_domain;
    ThresholdPoint {
        threshold: cell.threshold,
        system_accuracy: shown_rate(tally.right + rejected, split.n).unwrap_or(0.0.into()),
        coverage: shown_rate(tally.accepted(), split.n).unwrap_or(0.0.into()),
        selective_accuracy: shown_rate(tally.right, tally.accepted()),
        false_accept_rate: shown_rate(tally.out_of_domain, split.out_of_domain),
    }
}

fn heatmap(report: &CalibrationReport, rows: &[SweepRow], routes: usize) -> HeatmapFigure {
    let (low, high) = calibrate::range(rows.iter().map(|r| r.score));
    let (_, widest) = calibrate::range(rows.iter().map(|r| r.gap).filter(|g| g.is_finite()));
    // The operating points are grid points, so that the values shown at them are exact.
    let points = report.found_and_current();
    let of = |number: fn(&OperatingPoint) -> f64| points.iter().map(|(_, point)| number(point)).collect::<Vec<_>>();
    let thresholds = calibrate::axis(low, high, HEATMAP, &of(|point| point.threshold));
    let gaps = calibrate::axis(0.0, widest.max(0.0), HEATMAP, &of(|point| point.gap));
    let surface = calibrate::surface(rows, routes, &thresholds, &gaps);
    let values = (0..gaps.len())
        .map(|j| {
            (0..thresholds.len())
                .map(|i| surface.cells[i * gaps.len() + j].system_accuracy)
                .collect()
        })
        .collect();
    let mark = |name: &str, point: &OperatingPoint| HeatmapMark {
        name: name.to_owned(),
        threshold: point.threshold,
        gap: point.gap,
        span: shown(&point.calibration.as_deployed.system_accuracy).and_then(|s| s.span),
    };
    HeatmapFigure {
        thresholds,
        gaps,
        values,
        value_name: "system accuracy".into(),
        marks: points.into_iter().map(|(name, point)| mark(name, point)).collect(),
        n: report.calibration.n,
        split: report.calibration.split.clone(),
    }
}
