//! Certificates and optimism as text.

use std::fmt::Write as _;

use super::{number, percent_with_interval, shown, table};
use crate::report::{
    CalibrationReport, CertificationReport, CrossValidationReport, Estimate, OptimismReport, SpreadReport, percentage,
};

/// A share as percent.
fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".into(), |v| format!("{:.1} %", 100.0 * v))
}

/// A p-value.
fn small(p: f64) -> String {
    if p < 0.0001 {
        "below 0.0001".into()
    } else {
        format!("{p:.4}")
    }
}

/// The block of a certificate.
pub(super) fn certification_text(c: &CertificationReport, report: &CalibrationReport) -> String {
    let selective = c.kind == "selective-risk";
    let mut out = format!(
        "{}: {} at most {}{}\n",
        c.verdict,
        if selective {
            "wrong among the accepted"
        } else {
            "accepted and wrong among all"
        },
        percentage(c.alpha),
        c.confidence.map_or_else(
            || ", in expectation".into(),
            |level| format!(", with confidence {}", percentage(level))
        ),
    );
    if let Some(at) = &c.certificate {
        let _ = write!(
            out,
            "  threshold {}, gap {}: {} of {} accepted testing prompts wrong",
            at.threshold, at.gap, at.wrong, at.accepted
        );
        let _ = match (at.p_value, at.upper_bound, at.corrected_risk) {
            (Some(p), Some(bound), _) => writeln!(out, ", p = {}, exact upper bound {}", small(p), share(Some(bound))),
            (_, _, Some(risk)) => writeln!(
                out,
                "; ({} + 1) / ({} + 1) = {}",
                at.wrong,
                c.rows.testing,
                share(Some(risk))
            ),
            _ => writeln!(out),
        };
    }
    if let Some(s) = &c.shortfall {
        let _ = writeln!(out, "  {}", s.reason);
    }
    let _ = if selective {
        let passed = c.tested.iter().filter(|t| t.certified).count();
        writeln!(
            out,
            "  {} prompts chose the order of {} candidates, {} others tested them: {passed} certified{}",
            c.rows.ordering,
            c.candidates,
            c.rows.testing,
            if passed < c.tested.len() {
                ", the next failed"
            } else {
                ""
            },
        )
    } else {
        writeln!(
            out,
            "  {} prompts chose the gap, {} others set the threshold",
            c.rows.ordering, c.rows.testing
        )
    };
    if c.rows.copies + c.rows.examples > 0 {
        let _ = writeln!(
            out,
            "  left out: {} copies of prompts, {} prompts that are route examples",
            c.rows.copies, c.rows.examples
        );
    }
    if let Some(cost) = &c.cost {
        let split = |name: &str, cost: &crate::report::CoverageCost| {
            format!(
                "{} instead of {} on split {}",
                share(cost.certified.point),
                share(cost.uncertified.point),
                shown(name, 40)
            )
        };
        let _ = writeln!(
            out,
            "  what it costs: coverage {}, {}",
            split(&report.calibration.split, &cost.calibration),
            split(&report.test.split, &cost.test)
        );
    }
    if let Some(guarantee) = &c.guarantee {
        let _ = writeln!(out, "  {guarantee}");
    }
    out
}

/// The goal's figure where it was chosen and where it was not.
pub(super) fn optimism_text(report: &CalibrationReport) -> String {
    let Some(optimism) = &report.optimism else {
        return String::new();
    };
    let split = format!("on split {}", shown(&report.test.split, 40));
    let mut out = line("the goal's figure", &optimism.goal, "on the rows that chose it", &split);
    if let Some(condition) = &optimism.condition {
        out.push_str(&line("its condition", condition, "on the rows that chose it", &split));
    }
    out
}

/// The block of a cross-validation.
pub(super) fn cross_validation_text(cv: &CrossValidationReport) -> String {
    let (chose, held) = ("on the rows that chose", "on the rows left out");
    let mut out = line(&format!("cross-validation, {} folds", cv.folds), &cv.goal, chose, held);
    if let Some(condition) = &cv.condition {
        out.push_str(&line("its condition", condition, chose, held));
    }
    if cv.unmet > 0 {
        let _ = writeln!(
            out,
            "in {} of the folds no thresholds meet the condition: they are left out",
            cv.unmet
        );
    }
    let row = |name: String, spread: &SpreadReport| {
        vec![
            name,
            number(Some(spread.range.low), 3),
            number(Some(spread.median), 3),
            number(Some(spread.range.high), 3),
            number(spread.sd, 3),
        ]
    };
    let rows: Vec<Vec<String>> = cv
        .spread
        .iter()
        .flat_map(|spread| {
            let name = |what: &str| match &spread.route {
                Some(route) => format!("{what} of {}", shown(route, 40)),
                None => what.to_owned(),
            };
            [row(name("threshold"), &spread.threshold), row(name("gap"), &spread.gap)]
        })
        .collect();
    if !rows.is_empty() {
        out.push_str(&table(
            &["chosen by the folds", "least", "median", "greatest", "st. dev."],
            rows,
        ));
    }
    out
}

/// `the goal's figure (coverage): 64.0 % on …, 61.2 % on …: optimism 2.8 points`
fn line(what: &str, optimism: &OptimismReport, calibration: &str, test: &str) -> String {
    let is_share = !matches!(optimism.figure.as_str(), "mean price" | "macro F1");
    let digits = if optimism.figure == "mean price" { 6 } else { 3 };
    let value = |estimate: &Estimate| match (is_share, estimate.interval()) {
        (true, _) => percent_with_interval(estimate),
        (false, Some(i)) => format!(
            "{} ({:.digits$}–{:.digits$})",
            number(estimate.point, digits),
            i.lower,
            i.upper
        ),
        (false, None) => number(estimate.point, digits),
    };
    let difference = match optimism.optimism {
        Some(points) if is_share => format!("{:.1} points", 100.0 * points),
        some => number(some, digits),
    };
    let limit = match optimism.limit {
        Some(limit) if optimism.higher_is_better => format!(" ≥ {limit:.4}"),
        Some(limit) => format!(" ≤ {limit:.4}"),
        None => String::new(),
    };
    format!(
        "{what} ({}{limit}): {} {calibration}, {} {test}: optimism {difference}\n",
        optimism.figure,
        value(&optimism.calibration),
        value(&optimism.test),
    )
}
