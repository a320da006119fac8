//! `check` as text.

use std::fmt::Write as _;

use super::{PROMPT_SHOWN, number, prompts, shown, table};
use crate::check::{Baseline, Verdict};
use crate::report::{
    CheckCandidate, CheckReport, CheckVerdict, DecisionReport, FlipKind, GateReport, PromptList, points, share,
};

/// Flipped prompts shown; the document has more.
const FLIPS_SHOWN: usize = 10;

/// `check` for people.
pub fn check_text(report: &CheckReport) -> String {
    let mut out = String::new();
    let Some(candidate) = &report.candidate else {
        let difference = report.encoder.difference.as_deref().unwrap_or_default();
        let _ = writeln!(
            out,
            "encoder changed, thresholds are not valid\n  {}\n  no figure was looked at",
            shown(difference, 200)
        );
        return out;
    };
    let _ = writeln!(
        out,
        "{} of {} prompts of split {} paired with {} · encoder the same",
        candidate.paired,
        candidate.prompts,
        shown(&candidate.split, 40),
        shown(&report.baseline.file, 80),
    );
    thresholds(report, candidate, &mut out);
    out.push('\n');
    out.push_str(&gates(&report.gates, report.settings.alpha));
    let reasons: Vec<&GateReport> = report
        .gates
        .iter()
        .filter(|g| g.verdict != Verdict::Pass || close(g))
        .collect();
    if !reasons.is_empty() {
        out.push('\n');
    }
    for gate in reasons {
        let _ = writeln!(
            out,
            "{} {}: {}",
            shown(&gate.metric, 60),
            gate.verdict.name(),
            gate.reason
        );
    }
    if candidate.unchanged {
        out.push_str("\nnothing changed: same encoder, routes, thresholds and decisions\n");
    }
    left_out(candidate, &mut out);
    flips(report, &mut out);
    let _ = writeln!(out, "\nverdict: {}", meaning(report));
    out
}

fn close(gate: &GateReport) -> bool {
    gate.limits.as_ref().is_some_and(|l| l.close)
}

fn meaning(report: &CheckReport) -> &'static str {
    match (report.verdict, report.exit_code) {
        (CheckVerdict::Pass, _) => "pass",
        (CheckVerdict::Inconclusive, 0) => "inconclusive, which counts as a pass here",
        (CheckVerdict::Inconclusive, 1) => "inconclusive, which counts as a failure here",
        (CheckVerdict::Inconclusive, _) => "inconclusive: too few prompts to tell",
        (CheckVerdict::Regressed, _) => "regressed",
        (CheckVerdict::EncoderChanged, _) => "encoder changed",
    }
}

fn thresholds(report: &CheckReport, candidate: &CheckCandidate, out: &mut String) {
    let (before, after) = (&report.baseline.thresholds, &candidate.thresholds);
    if before.threshold.to_bits() != after.threshold.to_bits() || before.gap.to_bits() != after.gap.to_bits() {
        let _ = writeln!(
            out,
            "threshold {} to {}, gap {} to {}",
            before.threshold, after.threshold, before.gap, after.gap
        );
    }
    if before.by_route != after.by_route {
        out.push_str("thresholds of single routes changed\n");
    }
    if report.baseline.provenance.routes_sha256 != candidate.provenance.routes_sha256 {
        out.push_str("routes changed (names, models, system prompts or examples)\n");
    }
}

fn gates(all: &[GateReport], alpha: f64) -> String {
    let interval = format!("{:.0} % interval", 100.0 * (1.0 - 2.0 * alpha));
    // A column that would be empty is left out.
    let limited = all.iter().any(|gate| gate.limits.is_some());
    let rows = all.iter().map(|gate| {
        let mut row = vec![shown(&gate.metric, 40)];
        match &gate.comparison {
            Some(c) => row.extend([
                share(c.baseline),
                share(c.candidate),
                c.difference.map_or_else(String::new, points),
                (c.lower.zip(c.upper)).map_or_else(String::new, |(a, b)| format!("{} to {}", points(a), points(b))),
                format!("{:.1}", 100.0 * c.margin),
                c.n.to_string(),
            ]),
            None => row.extend([
                String::new(),
                share(gate.figure.point),
                String::new(),
                String::new(),
                String::new(),
                gate.figure.n.to_string(),
            ]),
        }
        if limited {
            let limit = |name: &str, value: Option<f64>| value.map(|v| format!("{name} {v}"));
            let both = gate
                .limits
                .iter()
                .flat_map(|l| [limit("min", l.min), limit("max", l.max)]);
            row.push(both.flatten().collect::<Vec<_>>().join(", "));
        }
        row.push(gate.verdict.name().to_owned());
        row
    });
    let mut header = vec!["gate", "baseline", "now", "points", &interval, "margin", "n"];
    if limited {
        header.push("limits");
    }
    header.push("verdict");
    table(&header, rows)
}

fn left_out(candidate: &CheckCandidate, out: &mut String) {
    let mut list = |what: &str, list: &PromptList| {
        if list.n == 0 {
            return;
        }
        let _ = writeln!(out, "\n{} {what}, not compared", prompts(list.n));
        for p in &list.first {
            let place = p
                .line
                .map_or_else(|| p.prompt_hash[..12].to_owned(), |line| format!("line {line}"));
            let label = match &p.former_label {
                Some(former) => format!("{} to {}", shown(former, 24), shown(&p.label, 24)),
                None => shown(&p.label, 24),
            };
            let text = p
                .prompt
                .as_deref()
                .map_or_else(String::new, |t| format!("  {:?}", shown(t, PROMPT_SHOWN)));
            let _ = writeln!(out, "  {place}  {label}{text}");
        }
        if list.n > list.first.len() as u64 {
            let _ = writeln!(out, "  … and {} more", list.n - list.first.len() as u64);
        }
    };
    list("added since the baseline", &candidate.added);
    list("removed since the baseline", &candidate.removed);
    list("labelled otherwise than in the baseline", &candidate.relabelled);
    if candidate.noise > 0 {
        let _ = writeln!(
            out,
            "\n{} decisions on the very edge of a threshold differ by rounding alone: taken as unchanged",
            candidate.noise
        );
    }
}

fn flips(report: &CheckReport, out: &mut String) {
    let flips = &report.flips;
    if flips.n == 0 {
        return;
    }
    let more = if flips.n > FLIPS_SHOWN as u64 {
        format!(" (the worst {FLIPS_SHOWN} here, more in check.json)")
    } else {
        String::new()
    };
    let _ = writeln!(
        out,
        "\n{} flipped: {} lost, {} won, {} neither{more}",
        prompts(flips.n),
        flips.lost,
        flips.won,
        flips.n - flips.lost - flips.won,
    );
    for flip in flips.listed.iter().take(FLIPS_SHOWN) {
        let mark = match flip.kind {
            FlipKind::Lost => "lost",
            FlipKind::Won => "won ",
            FlipKind::Neutral => "    ",
        };
        let _ = writeln!(
            out,
            "  {mark}  {}: {} → {}  line {} {:?}",
            shown(&flip.label, 24),
            decision(&flip.before),
            decision(&flip.after),
            flip.line,
            shown(&flip.prompt, PROMPT_SHOWN),
        );
    }
}

fn decision(d: &DecisionReport) -> String {
    let best = if d.decision == d.best {
        String::new()
    } else {
        format!(", best {}", shown(&d.best, 24))
    };
    format!(
        "{} ({:.3}, gap {}{best})",
        shown(&d.decision, 24),
        d.score,
        number(d.gap, 3)
    )
}

/// `check --update-baseline` for people.
pub fn baseline_text(baseline: &Baseline, file: &str) -> String {
    format!(
        "{}: {} distinct prompts of split {} · encoder {} · threshold {}, gap {}\n",
        shown(file, 120),
        baseline.prompts.len(),
        shown(&baseline.split, 40),
        shown(&baseline.provenance.encoder.label(), 60),
        baseline.thresholds.threshold,
        baseline.thresholds.gap,
    )
}
