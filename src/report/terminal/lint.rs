//! `lint` as text.

use std::fmt::Write as _;

use super::{PROMPT_SHOWN, left_table, prompts, shown};
use crate::lint::{Code, Severity};
use crate::report::{FindingReport, ItemReport, LintReport, NextReport};

/// Findings of a code that are shown; the document has all.
const FINDINGS_SHOWN: usize = 5;
/// Items of a finding that are shown.
const ITEMS_SHOWN: usize = 4;

/// `lint` for people.
pub fn lint_text(report: &LintReport) -> String {
    let mut out = format!(
        "{} of {} · {} examples of {} route{} · encoder {} · nearly the same from a cosine of {}\n",
        prompts(report.prompts),
        shown(&report.provenance.dataset.source, 80),
        report.examples,
        report.routes,
        if report.routes == 1 { "" } else { "s" },
        shown(&report.provenance.encoder.label(), 60),
        report.settings.near_duplicate,
    );
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        for code in Code::ALL.iter().filter(|code| code.severity() == severity) {
            let of_code: Vec<&FindingReport> = report.findings.iter().filter(|f| f.code == *code).collect();
            if !of_code.is_empty() {
                of_one_code(*code, &of_code, &mut out);
            }
        }
    }
    if let Some(next) = &report.next {
        to_label(next, &mut out);
    }
    let counts = report.counts;
    let of = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let allowed = if counts.allowed > 0 {
        format!(", {} left out by --allow", counts.allowed)
    } else {
        String::new()
    };
    let _ = writeln!(
        out,
        "\n{}, {}, {}{allowed}",
        of(counts.errors, "error"),
        of(counts.warnings, "warning"),
        of(counts.notes, "note")
    );
    out
}

fn of_one_code(code: Code, findings: &[&FindingReport], out: &mut String) {
    let _ = writeln!(
        out,
        "\n{} {} ({}): {}",
        code.severity().name(),
        code.name(),
        findings.len(),
        code.meaning()
    );
    for finding in findings.iter().take(FINDINGS_SHOWN) {
        let _ = writeln!(
            out,
            "  {}  {} → {}",
            place(&finding.file, finding.line),
            shown(&finding.message, 400),
            finding.act.name()
        );
        for item in finding.items.iter().take(ITEMS_SHOWN) {
            let _ = writeln!(out, "    {}", one_item(item));
        }
        more(finding.n_items, ITEMS_SHOWN, "    ", "", out);
    }
    more(
        findings.len() as u64,
        FINDINGS_SHOWN,
        "  ",
        &format!(" {}", code.name()),
        out,
    );
}

fn more(n: u64, shown: usize, indent: &str, what: &str, out: &mut String) {
    if let Some(left) = n.checked_sub(shown as u64).filter(|left| *left > 0) {
        let _ = writeln!(out, "{indent}… and {left} more{what}");
    }
}

fn place(file: &str, line: Option<u64>) -> String {
    let file = shown(file, 80);
    line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"))
}

fn one_item(item: &ItemReport) -> String {
    let home = item
        .split
        .as_deref()
        .map_or_else(|| item.what.clone(), |split| shown(split, 24));
    format!(
        "{}  {}, {home}  {:?}",
        place(&item.file, item.line),
        shown(&item.label, 24),
        shown(&item.text, PROMPT_SHOWN)
    )
}

fn to_label(next: &NextReport, out: &mut String) {
    let _ = writeln!(
        out,
        "\nto label next: {} of {} distinct, not yet labelled prompts of {}",
        next.chosen.len(),
        next.distinct,
        shown(&next.file, 80)
    );
    if next.chosen.is_empty() {
        return;
    }
    let rows = next.chosen.iter().map(|p| {
        vec![
            p.line.to_string(),
            p.reasons
                .iter()
                .map(|r| r.replace('_', " "))
                .collect::<Vec<_>>()
                .join(", "),
            format!("{} {:.3}", shown(&p.best, 24), p.score),
            p.gap.map_or_else(String::new, |gap| format!("{gap:.3}")),
            format!("{:.3}", p.nearest_labelled),
            p.times.to_string(),
            format!("{:?}", shown(&p.prompt, PROMPT_SHOWN)),
        ]
    });
    out.push_str(&left_table(
        &["line", "why", "best", "gap", "nearest labelled", "times", "prompt"],
        rows,
    ));
}
