//! `improve` as text.

use std::fmt::Write as _;

use super::{PROMPT_SHOWN, number, shown};
use crate::report::{Estimate, ImproveReport, points, share};

/// `improve` for people.
pub fn improve_text(report: &ImproveReport) -> String {
    let v = &report.validation;
    let mut out = format!(
        "{} prompts of split {} looked at; {}-fold cross-validation of the whole search there: {} → {} ({}), {} won and {} lost\n",
        report.candidates,
        shown(&report.calibration_split, 40),
        v.folds,
        share(v.before.point),
        share(v.after.point),
        gain(&v.gain),
        v.won,
        v.lost
    );
    let _ = writeln!(
        out,
        "as many random examples instead: {} on average over {} draws, {} at best",
        share(v.random_mean),
        v.random_draws,
        share(v.random_best)
    );
    if report.changes.is_empty() {
        out.push_str("\nno change of the examples helps\n");
        return out;
    }
    let added = report.changes.iter().filter(|c| c.act == "add").count();
    let _ = writeln!(out, "\n{} to add, {} to drop", added, report.changes.len() - added);
    for change in &report.changes {
        let line = change.line.map_or_else(String::new, |l| format!("  line {l}"));
        let _ = writeln!(
            out,
            "  {} {}{line}  \"{}\"",
            if change.act == "add" { "+" } else { "-" },
            shown(&change.route, 40),
            shown(&change.example, PROMPT_SHOWN)
        );
    }
    let t = &report.test;
    let _ = writeln!(
        out,
        "\non split {}, which had no part in it: accuracy {} → {} ({}, p = {:.4}), AUROC {} → {}",
        shown(&report.test_split, 40),
        share(t.before.point),
        share(t.after.point),
        gain(&t.gain),
        t.mcnemar_p,
        number(t.auroc_before, 3),
        number(t.auroc_after, 3)
    );
    let _ = writeln!(
        out,
        "as many random examples instead: {} on average, nine draws in ten between {} and {}",
        share(t.random_mean),
        share(t.random_lower),
        share(t.random_upper)
    );
    if !report.proposed {
        out.push_str("\nnot proposed: the cross-validated gain may be chance\n");
    }
    out
}

/// `+3.1 points, +1.2 to +5.0`.
fn gain(estimate: &Estimate) -> String {
    let Some(point) = estimate.point else {
        return "n/a".into();
    };
    match (estimate.lower, estimate.upper) {
        (Some(lower), Some(upper)) => format!("{} points, {} to {}", points(point), points(lower), points(upper)),
        _ => format!("{} points", points(point)),
    }
}
