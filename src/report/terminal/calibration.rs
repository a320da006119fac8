//! `calibrate` as text.

use std::fmt::Write as _;
use std::path::Path;

use super::certification::{certification_text, cross_validation_text, optimism_text};
use super::scored::scored_text;
use super::{number, percent_with_interval, shown, table};
use crate::report::{AsDeployed, CalibrationReport, Estimate, OperatingPoint, PlateauReport};

/// `calibrate` for people.
pub fn calibration_text(report: &CalibrationReport) -> String {
    let (c, t) = (&report.calibration, &report.test);
    let mut out = format!(
        "goal {}{}, chosen on {} prompts of split {} ({} out-of-domain){}\n",
        report.goal.name,
        goal_numbers(report),
        c.n,
        shown(&c.split, 40),
        c.out_of_domain,
        if report.per_route {
            ", one pair of thresholds a route"
        } else {
            ""
        },
    );
    let _ = write!(
        out,
        "judged on {} prompts of split {} ({} out-of-domain){}\n\n",
        t.n,
        shown(&t.split, 40),
        t.out_of_domain,
        if report.chosen.as_ref().is_some_and(|chosen| chosen.test.in_sample) {
            ": the same rows, so the figures flatter the choice"
        } else {
            ""
        }
    );
    out.push_str(&points_table(report));
    out.push('\n');
    if let Some(certification) = &report.certification {
        out.push_str(&certification_text(certification, report));
        out.push('\n');
    }
    out.push_str(&optimism_text(report));
    if let Some(cross_validation) = &report.cross_validation {
        out.push_str(&cross_validation_text(cross_validation));
    }
    if let Some(p) = &report.plateau {
        out.push_str(&plateau_line(p));
    }
    match &report.scored {
        Some(scored) => out.push_str(&scored_text(scored)),
        None => out.push_str(&points_line(report.points, report.exact)),
    }
    if report.leakage.n > 0 {
        let _ = writeln!(
            out,
            "{} prompts are also route examples: their figures flatter the router",
            report.leakage.n
        );
    }
    out
}

pub(super) fn plateau_line(p: &PlateauReport) -> String {
    format!(
        "plateau (within {} of it): threshold {:.3} to {:.3}, gap {:.3} to {:.3}\n",
        p.tolerance, p.threshold.low, p.threshold.high, p.gap.low, p.gap.high
    )
}

pub(super) fn points_line(points: u64, exact: bool) -> String {
    format!(
        "looked at {points} points{}\n",
        if exact {
            ": all that matter"
        } else {
            ", not all that matter"
        }
    )
}

/// The operating points side by side, judged on the test split.
fn points_table(report: &CalibrationReport) -> String {
    let mut points = report.found_and_current();
    points.push(("none", &report.none));
    // Current, none, and then what was found, the most important last.
    points.reverse();
    points.swap(0, 1);
    let header = std::iter::once("95 % intervals").chain(points.iter().map(|(name, _)| *name));
    let row = |name: &str, value: &dyn Fn(&OperatingPoint) -> String| {
        std::iter::once(name.to_owned())
            .chain(points.iter().map(|(_, point)| value(point)))
            .collect::<Vec<String>>()
    };
    let rate = |name: &str, of: fn(&AsDeployed) -> &Estimate| {
        row(name, &|point| percent_with_interval(of(&point.test.as_deployed)))
    };
    let mut rows = vec![
        row("threshold", &|point| point.threshold.to_string()),
        row("gap", &|point| point.gap.to_string()),
        rate("system accuracy", |d| &d.system_accuracy),
        rate("coverage", |d| &d.coverage),
        rate("selective accuracy", |d| &d.selective_accuracy),
        rate("misrouted (of in-domain)", |d| &d.misroute_rate),
        rate("false fallbacks (of in-domain)", |d| &d.false_fallback_rate),
        rate("false accepts (of out-of-domain)", |d| &d.false_accept_rate),
    ];
    if report.current.test.mean_price.point.is_some() {
        rows.push(row("mean price of a prompt", &|point| {
            let price = &point.test.mean_price;
            match price.interval() {
                Some(i) => format!("{} ({:.6}–{:.6})", number(price.point, 6), i.lower, i.upper),
                None => number(price.point, 6),
            }
        }));
    }
    let mut out = table(&header.collect::<Vec<_>>(), rows);
    for (name, point) in points {
        for (route, own) in &point.by_route {
            let _ = writeln!(
                out,
                "  {name}: {} has threshold {}, gap {}",
                shown(route, 40),
                own.threshold(),
                own.gap()
            );
        }
    }
    out
}

fn goal_numbers(report: &CalibrationReport) -> String {
    let goal = &report.goal;
    [
        ("risk ≤", goal.risk),
        ("coverage ≥", goal.coverage),
        ("accuracy ≥", goal.accuracy),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|v| format!(" ({name} {v:.4})")))
    .collect()
}

/// The line that `calibrate` ends with: what it wrote into the routes file, or how to have it written; nothing where no
/// thresholds were chosen.
pub fn next_step(report: &CalibrationReport, written: Option<&Path>) -> Option<String> {
    let OperatingPoint { threshold, gap, .. } = report.chosen.as_ref()?;
    let pairs = if report.per_route {
        ", and a pair for each route,"
    } else {
        ""
    };
    Some(step((*threshold, *gap), pairs, written))
}

pub(super) fn step((threshold, gap): (f64, f64), pairs: &str, written: Option<&Path>) -> String {
    match written {
        Some(path) => format!(
            "wrote threshold {threshold} and gap {gap}{pairs} into {}",
            path.display()
        ),
        None => format!("to use threshold {threshold} and gap {gap}{pairs} run this command again with --write"),
    }
}
