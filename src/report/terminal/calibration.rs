//! `calibrate` as text.

use std::fmt::Write as _;
use std::path::Path;

use super::{number, percent, shown, table};
use crate::report::{CalibrationReport, OperatingPoint, SplitFigures};

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
        if report.chosen.test.in_sample {
            ": the same rows, so the figures flatter the choice"
        } else {
            ""
        }
    );
    out.push_str(&points_table(report));
    let _ = writeln!(
        out,
        "\nthe goal's figure: {} on the rows that chose it, {} on split {}",
        goal_figure(report, &report.chosen.calibration),
        goal_figure(report, &report.chosen.test),
        shown(&t.split, 40),
    );
    if let Some(p) = &report.plateau {
        let _ = writeln!(
            out,
            "plateau (within {} of it): threshold {:.3} to {:.3}, gap {:.3} to {:.3}",
            p.tolerance, p.threshold.low, p.threshold.high, p.gap.low, p.gap.high
        );
    }
    let _ = writeln!(
        out,
        "looked at {} points{}",
        report.points,
        if report.exact {
            ": all that matter"
        } else {
            " (thinned)"
        }
    );
    if report.leakage.n > 0 {
        let _ = writeln!(
            out,
            "{} prompts are also route examples: their figures flatter the router",
            report.leakage.n
        );
    }
    out
}

/// The operating points side by side, judged on the test split.
fn points_table(report: &CalibrationReport) -> String {
    let points = [
        ("current", &report.current),
        ("none", &report.none),
        ("chosen", &report.chosen),
    ];
    let mut out = table(
        &[
            "thresholds",
            "threshold",
            "gap",
            "system accuracy",
            "coverage",
            "selective accuracy",
            "misrouted",
            "false accepts",
            "false fallbacks",
        ],
        points.iter().map(|(name, point)| {
            let f = &point.test.as_deployed;
            vec![
                (*name).to_owned(),
                point.threshold.to_string(),
                point.gap.to_string(),
                percent(&f.system_accuracy),
                percent(&f.coverage),
                percent(&f.selective_accuracy),
                percent(&f.misroute_rate),
                percent(&f.false_accept_rate),
                percent(&f.false_fallback_rate),
            ]
        }),
    );
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

fn goal_figure(report: &CalibrationReport, figures: &SplitFigures) -> String {
    let value = figures.objective.point;
    match report.goal.name.as_str() {
        "min-cost" => format!("mean price {}", number(figures.mean_price.point, 6)),
        "max-macro-f1" => format!("macro F1 {}", number(value, 3)),
        "min-risk" => format!("risk {}", number(value.map(|v| 1.0 - v), 3)),
        _ => match value {
            Some(v) => format!("{:.1} %", 100.0 * v),
            None => "condition not met".into(),
        },
    }
}

/// The line that `calibrate` ends with: what it wrote into the routes file, or how to have it written.
pub fn next_step(report: &CalibrationReport, written: Option<&Path>) -> String {
    let OperatingPoint { threshold, gap, .. } = report.chosen;
    let pairs = if report.per_route {
        ", and a pair for each route,"
    } else {
        ""
    };
    match written {
        Some(path) => format!(
            "wrote threshold {threshold} and gap {gap}{pairs} into {}",
            path.display()
        ),
        None => format!("to use threshold {threshold} and gap {gap}{pairs} run this command again with --write"),
    }
}
