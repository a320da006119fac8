//! `calibrate` as text.

use std::fmt::Write as _;
use std::path::Path;

use super::{number, percent_with_interval, shown, table};
use crate::report::{AsDeployed, CalibrationReport, Estimate, OperatingPoint, SplitFigures};

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
    if report.chosen.test.mean_price.point.is_some() {
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

fn goal_figure(report: &CalibrationReport, figures: &SplitFigures) -> String {
    let objective = &figures.objective;
    let within = |digits: usize, lower: Option<f64>, upper: Option<f64>| match (lower, upper) {
        (Some(lower), Some(upper)) => format!(" ({lower:.digits$}–{upper:.digits$})"),
        _ => String::new(),
    };
    match report.goal.name.as_str() {
        "min-cost" => {
            let price = &figures.mean_price;
            format!(
                "mean price {}{}",
                number(price.point, 6),
                within(6, price.lower, price.upper)
            )
        }
        "max-macro-f1" => {
            let interval = within(3, objective.lower, objective.upper);
            format!("macro F1 {}{interval}", number(objective.point, 3))
        }
        "min-risk" => {
            let risk = |accuracy: Option<f64>| accuracy.map(|a| 1.0 - a);
            let interval = within(3, risk(objective.upper), risk(objective.lower));
            format!("risk {}{interval}", number(risk(objective.point), 3))
        }
        _ if objective.point.is_some() => percent_with_interval(objective),
        _ => "condition not met".into(),
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
