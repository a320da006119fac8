//! Reports to pictures: which figure shows what.

use crate::Error;
use crate::calibrate::{self, SweepRow};
use crate::cli::session::Part;
use crate::evaluation::{ScoreKind, Scored};
use crate::plot::{
    ConfidenceFigure, ConfidencePanel, ConfusionFigure, Figure, HeatmapFigure, HeatmapMark, ReliabilityBin,
    ReliabilityFigure, RiskCoverageFigure, RiskMark, ThresholdFigure, ThresholdMark, ThresholdPoint,
};
use crate::report::{CalibrationReport, EvalReport, OperatingPoint};
use crate::store::OutputFolder;

/// Cells of the heat map on each axis.
const HEATMAP: usize = 60;

fn draw(out: &mut OutputFolder, name: &str, figure: &dyn Figure) -> Result<(), Error> {
    let drawing = figure.draw()?;
    out.write_plot(name, &drawing.svg, &drawing.png)?;
    Ok(())
}

/// Confusion matrix, confidence distributions, risk–coverage curve, reliability diagram.
pub(super) fn of_evaluation(
    report: &EvalReport,
    scored: Scored<'_>,
    names: &[String],
    out: &mut OutputFolder,
) -> Result<(), Error> {
    draw(
        out,
        "confusion",
        &ConfusionFigure {
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
        },
    )?;
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
    draw(out, "confidence", &confidence(vec![panel("all prompts", None)]))?;
    let by_route = names.iter().enumerate().map(|(r, name)| panel(name, Some(r))).collect();
    draw(out, "confidence-by-route", &confidence(by_route))?;
    draw(out, "risk-coverage", &risk_coverage(report, scored))?;
    draw(out, "reliability", &reliability(report))
}

fn risk_coverage(report: &EvalReport, scored: Scored<'_>) -> RiskCoverageFigure {
    let curve = scored
        .selective(false)
        .curve()
        .iter()
        .map(|p| (p.coverage, p.risk))
        .collect();
    let deployed = &report.as_deployed;
    let mark = deployed
        .coverage
        .point
        .zip(deployed.selective_accuracy.point)
        .map(|(coverage, accuracy)| RiskMark {
            name: "these thresholds".into(),
            coverage,
            risk: 1.0 - accuracy,
        });
    let figures = &report.selective.all;
    RiskCoverageFigure {
        curve,
        marks: mark.into_iter().collect(),
        full_coverage_error: figures.full_coverage_error.point.unwrap_or_default(),
        aurc: figures.aurc.point.unwrap_or_default(),
        augrc: figures.augrc.point.unwrap_or_default(),
        n: report.n,
        split: report.split.clone(),
    }
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
                accuracy: bin.accuracy,
            })
            .collect(),
        ece: r.ece_equal_width.point.unwrap_or_default(),
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
    out: &mut OutputFolder,
) -> Result<(), Error> {
    let points = [("chosen", &report.chosen), ("current", &report.current)];
    let routes = judging.scores.routes();
    let n = report.calibration.n;
    let split = &report.calibration.split;
    draw(
        out,
        "threshold",
        &ThresholdFigure {
            points: calibrate::threshold_curve(choosing, routes, report.chosen.gap)
                .into_iter()
                .map(|cell| ThresholdPoint {
                    threshold: cell.threshold,
                    system_accuracy: cell.system_accuracy.unwrap_or_default(),
                    coverage: cell.coverage.unwrap_or_default(),
                    selective_accuracy: cell.selective_accuracy,
                    false_accept_rate: cell.false_accept_rate,
                })
                .collect(),
            marks: points
                .iter()
                .map(|(name, point)| ThresholdMark {
                    name: (*name).to_owned(),
                    threshold: point.threshold,
                })
                .collect(),
            gap: report.chosen.gap,
            n,
            split: split.clone(),
        },
    )?;
    draw(out, "threshold-gap", &heatmap(report, choosing, routes))?;
    let curve = judging.scored().selective(false);
    let mark = |(name, point): (&str, &OperatingPoint)| {
        let figures = &point.test.as_deployed;
        let risk = 1.0 - figures.selective_accuracy.point?;
        Some(RiskMark {
            name: name.to_owned(),
            coverage: figures.coverage.point?,
            risk,
        })
    };
    draw(
        out,
        "risk-coverage-chosen",
        &RiskCoverageFigure {
            curve: curve.curve().iter().map(|p| (p.coverage, p.risk)).collect(),
            marks: points.into_iter().filter_map(mark).collect(),
            full_coverage_error: curve.curve().last().map_or(0.0, |p| p.risk),
            aurc: curve.aurc().unwrap_or_default(),
            augrc: curve.augrc().unwrap_or_default(),
            n: report.test.n,
            split: report.test.split.clone(),
        },
    )
}

fn heatmap(report: &CalibrationReport, rows: &[SweepRow], routes: usize) -> HeatmapFigure {
    let (low, high) = calibrate::range(rows.iter().map(|r| r.score));
    let (_, widest) = calibrate::range(rows.iter().map(|r| r.gap).filter(|g| g.is_finite()));
    // The operating points are grid points, so that the values shown at them are exact.
    let (chosen, current) = (&report.chosen, &report.current);
    let thresholds = calibrate::axis(low, high, HEATMAP, &[chosen.threshold, current.threshold]);
    let gaps = calibrate::axis(0.0, widest.max(0.0), HEATMAP, &[chosen.gap, current.gap]);
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
    };
    HeatmapFigure {
        thresholds,
        gaps,
        values,
        value_name: "system accuracy".into(),
        marks: vec![mark("chosen", chosen), mark("current", current)],
        n: report.calibration.n,
        split: report.calibration.split.clone(),
    }
}
