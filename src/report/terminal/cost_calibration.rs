//! `calibrate --goal min-cost --min-quality` as text.

use std::fmt::Write as _;
use std::path::Path;

use super::calibration::{plateau_line, points_line, step};
use super::replay::{different, signed, with_interval};
use super::{number, percent, shown, table};
use crate::report::{CostCalibrationReport, CostFigures, DifferenceReport, OptimismReport, ThresholdsReport};

/// Characters of a name that are shown.
const NAME: usize = 36;

/// `calibrate --goal min-cost --min-quality` for people.
pub fn cost_calibration_text(report: &CostCalibrationReport) -> String {
    let (c, t, p) = (&report.calibration, &report.test, &report.provenance);
    let mut out = format!(
        "goal {} ({}), chosen on {} of {} prompts of split {}\n",
        report.goal.name,
        wanted(report),
        c.n,
        c.prompts,
        shown(&c.split, 40)
    );
    let _ = writeln!(
        out,
        "judged on {} of {} prompts of split {}{} · graded by {} · {} costs{}\n",
        t.n,
        t.prompts,
        shown(&t.split, 40),
        if report.verdict.in_sample {
            ": the same prompts, so the figures flatter the choice"
        } else {
            ""
        },
        shown(&p.grader, 60),
        p.cost,
        if p.ungraded == "wrong" {
            " · unscored answers count as wrong"
        } else {
            ""
        }
    );
    out.push_str(&points_table(report));
    out.push('\n');
    out.push_str(&versus("the current ones", &report.versus_current.test));
    out.push_str(&versus(
        &format!("always {}", shown(&report.strong, NAME)),
        &report.versus_strong.test,
    ));
    if let Some(optimism) = &report.optimism {
        out.push_str(&optimism_line("cost ($ / 1,000)", &optimism.goal, &t.split, 4));
        if let Some(condition) = &optimism.condition {
            out.push_str(&optimism_line("quality, above what is wanted", condition, &t.split, 4));
        }
    }
    if let Some(plateau) = &report.plateau {
        out.push_str(&plateau_line(plateau));
    }
    out.push_str(&points_line(report.points, report.exact));
    let _ = writeln!(out, "\n{}", shown(&report.verdict.sentence, 400));
    for note in &report.notes {
        let _ = writeln!(out, "note: {}", shown(note, 400));
    }
    out
}

/// The last line: what was written into the routes file, or how to have it written.
pub fn cost_next_step(report: &CostCalibrationReport, written: Option<&Path>) -> String {
    let at = &report.chosen.thresholds;
    step((at.threshold, at.gap), "", written)
}

fn wanted(report: &CostCalibrationReport) -> String {
    match (report.goal.min_quality, report.goal.min_share_of_strong) {
        (_, Some(share)) => format!(
            "quality ≥ {} of {}: {:.4}",
            crate::report::share(Some(share)),
            shown(&report.strong, NAME),
            report.calibration.wanted
        ),
        (quality, None) => format!("quality ≥ {}", number(quality, 4)),
    }
}

/// A column of the table.
struct Column<'a> {
    name: String,
    thresholds: Option<&'a ThresholdsReport>,
    figures: &'a CostFigures,
}

/// The policies side by side, judged on the test split.
fn points_table(report: &CostCalibrationReport) -> String {
    let always = |model: &str| {
        let found = report.always.iter().find(|a| a.model == model)?;
        Some(Column {
            name: format!("always {}", shown(model, 24)),
            thresholds: None,
            figures: &found.test,
        })
    };
    let mut columns = vec![
        Column {
            name: "current".into(),
            thresholds: Some(&report.current.thresholds),
            figures: &report.current.test,
        },
        Column {
            name: "chosen".into(),
            thresholds: Some(&report.chosen.thresholds),
            figures: &report.chosen.test,
        },
    ];
    columns.extend(always(&report.strong));
    if report.weak != report.strong {
        columns.extend(always(&report.weak));
    }
    let header: Vec<&str> = std::iter::once("95 % intervals")
        .chain(columns.iter().map(|c| c.name.as_str()))
        .collect();
    let row = |name: String, value: &dyn Fn(&Column<'_>) -> String| {
        std::iter::once(name)
            .chain(columns.iter().map(value))
            .collect::<Vec<String>>()
    };
    let at = |of: fn(&ThresholdsReport) -> f64| {
        move |c: &Column<'_>| c.thresholds.map_or_else(String::new, |t| of(t).to_string())
    };
    let mut rows = vec![
        row("threshold".into(), &at(|t| t.threshold)),
        row("gap".into(), &at(|t| t.gap)),
        row("quality".into(), &|c| with_interval(&c.figures.quality, 3)),
        row("$ / 1,000 prompts".into(), &|c| with_interval(&c.figures.usd_per_1k, 3)),
    ];
    let cached = columns
        .iter()
        .any(|c| different(c.figures.usd_per_1k.point, c.figures.usd_per_1k_billed.point));
    if cached {
        rows.push(row("$ billed".into(), &|c| {
            with_interval(&c.figures.usd_per_1k_billed, 3)
        }));
    }
    rows.push(row("accepted by a route".into(), &|c| {
        c.figures
            .accepted
            .map_or_else(String::new, |share| crate::report::share(Some(share)))
    }));
    for model in report.always.iter().map(|a| &a.model) {
        rows.push(row(format!("to {}", shown(model, NAME)), &|c| {
            crate::report::share(c.figures.share.get(model).copied())
        }));
    }
    let mut out = table(&header, rows);
    for (route, own) in &report.current.thresholds.by_route {
        let _ = writeln!(
            out,
            "  current: {} has threshold {}, gap {}",
            shown(route, 40),
            own.threshold(),
            own.gap()
        );
    }
    out
}

/// `against …: quality +0.0123 (… to …), $ / 1,000 -0.4 (… to …), saved 23.1 % (… to …)`
fn versus(other: &str, difference: &DifferenceReport) -> String {
    let saved = &difference.saved;
    let saved = match saved.interval() {
        Some(i) => format!("{} ({:.1} to {:.1})", percent(saved), 100.0 * i.lower, 100.0 * i.upper),
        None => percent(saved),
    };
    format!(
        "against {other}: quality {}, $ / 1,000 {}, saved {saved}\n",
        signed(&difference.quality),
        signed(&difference.usd_per_1k),
    )
}

/// `optimism of the cost ($ / 1,000): 1.234 (…) on the prompts that chose, 1.301 (…) on split test: 0.067`
fn optimism_line(what: &str, optimism: &OptimismReport, split: &str, decimals: usize) -> String {
    // No "-0.000".
    let rounded = optimism
        .optimism
        .filter(|o| o.abs() >= 5e-5)
        .or(optimism.optimism.map(|_| 0.0));
    format!(
        "optimism of the {what}: {} on the prompts that chose, {} on split {}: {}\n",
        with_interval(&optimism.calibration, decimals),
        with_interval(&optimism.test, decimals),
        shown(split, 40),
        number(rounded, decimals)
    )
}
