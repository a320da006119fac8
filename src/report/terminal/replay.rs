//! `replay analyse` as text.

use std::fmt::Write as _;

use super::{number, percent, shown, table};
use crate::replay::graders::judge::Audit;
use crate::report::{Estimate, GroupReport, PolicyReport, ReplayReport, SweepReport};

/// Groups that are printed; all of them are in the document.
const GROUPS: usize = 12;
/// Characters of a name that are shown.
const NAME: usize = 36;

/// `replay analyse` for people.
pub fn replay_text(report: &ReplayReport) -> String {
    let mut out = head(report);
    out.push('\n');
    out.push_str(&policies(report));
    if let Some(shuffle) = &report.shuffle {
        let _ = writeln!(
            out,
            "\ndoes the router beat its own mix? {}: {} against its choices dealt at random (p = {:.4}, {} shuffles)",
            if shuffle.beats_own_mix { "yes" } else { "not shown" },
            signed(&shuffle.difference),
            shuffle.p_value,
            shuffle.permutations
        );
    }
    if let Some(sweep) = &report.sweep {
        out.push('\n');
        out.push_str(&sweep_text(report, sweep));
    }
    groups(&mut out, report, "route", &report.by_route);
    groups(&mut out, report, "category", &report.by_category);
    out.push_str(&outcomes(report));
    if let Some(audit) = &report.judge {
        out.push('\n');
        out.push_str(&judge(audit));
    }
    if !report.notes.is_empty() {
        out.push('\n');
        for note in &report.notes {
            let _ = writeln!(out, "note: {}", shown(note, 400));
        }
    }
    out
}

fn head(report: &ReplayReport) -> String {
    let p = &report.provenance;
    let mut out = format!(
        "{} of {} prompts compared, {} models, {}{} · {} costs",
        report.n,
        report.prompts,
        report.models.len(),
        if p.grader == "recorded" {
            "grades as recorded"
        } else {
            "graded by "
        },
        if p.grader == "recorded" {
            String::new()
        } else {
            shown(&p.grader, 60)
        },
        p.cost,
    );
    let estimated = report.usage_sources.get("estimated").copied().unwrap_or_default();
    if estimated > 0 {
        let all: u64 = report.usage_sources.values().sum();
        out.push_str(if estimated == all {
            ", all estimated"
        } else {
            ", some estimated"
        });
    }
    if p.ungraded == "wrong" {
        out.push_str(" · unscored answers count as wrong");
    }
    out.push('\n');
    if report.anchors.weak == report.anchors.strong {
        return out;
    }
    let _ = writeln!(
        out,
        "weak {}, strong {}: gap {}{}",
        shown(&report.anchors.weak, NAME),
        shown(&report.anchors.strong, NAME),
        signed(&report.anchors.gap),
        if report.anchors.dominated {
            ", the strong model is dominated"
        } else {
            ""
        }
    );
    for cause in &report.dropped.causes {
        let _ = writeln!(
            out,
            "  not compared: {} prompts {} at {}",
            cause.prompts,
            cause.cause.replace('_', " "),
            shown(&cause.model, NAME)
        );
    }
    out
}

fn policies(report: &ReplayReport) -> String {
    let timed = report.policies.iter().any(|p| p.latency_p50_ms.is_some());
    let cached = report
        .policies
        .iter()
        .any(|p| different(p.usd_per_1k.point, p.usd_per_1k_billed.point));
    let mut header = vec![
        "policy",
        "quality",
        "95 % interval",
        "$ / 1,000",
        "saved",
        "PGR",
        "regret",
        "to strong",
    ];
    if cached {
        header.push("$ billed");
    }
    if timed {
        header.extend(["p50 ms", "p95 ms"]);
    }
    let mut out = table(
        &header,
        report.policies.iter().map(|p| {
            let mut row = vec![
                format!(
                    "{}{}{}",
                    shown(&p.name, NAME + 7),
                    mark(report, p),
                    if p.hindsight { " †" } else { "" }
                ),
                number(p.quality.point, 4),
                interval(&p.quality, 3),
                number(p.usd_per_1k.point, 3),
                percent(&p.cost_saved),
                number(p.pgr.point, 3),
                number(p.regret.point, 4),
                share(p.share.get(&report.anchors.strong).copied()),
            ];
            if cached {
                row.push(number(p.usd_per_1k_billed.point, 3));
            }
            if timed {
                row.extend([number(p.latency_p50_ms, 0), number(p.latency_p95_ms, 0)]);
            }
            row
        }),
    );
    out.push_str("* no other policy is both cheaper and as good · † knows the answers\n");
    out
}

fn mark(report: &ReplayReport, policy: &PolicyReport) -> &'static str {
    if report.pareto.contains(&policy.name) { " *" } else { "" }
}

pub(super) fn different(a: Option<f64>, b: Option<f64>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if (a - b).abs() > 1e-9)
}

fn sweep_text(report: &ReplayReport, sweep: &SweepReport) -> String {
    let mut out = format!(
        "the router at each of {} thresholds (gap {})\n",
        sweep.thresholds, sweep.gap
    );
    if !report.anchors.dominated {
        let _ = writeln!(out, "  APGR {} (a random mix has 0.5)", with_interval(&sweep.apgr, 3));
    }
    if let Some([low, high]) = sweep.aiq_range {
        let _ = writeln!(
            out,
            "  AIQ {} between $ {low:.3} and $ {high:.3} a thousand; single models mixed at random {}",
            with_interval(&sweep.aiq, 4),
            with_interval(&sweep.aiq_zero_router, 4)
        );
    }
    if !report.anchors.dominated {
        let shares: Vec<String> = sweep
            .cpt
            .iter()
            .map(|c| {
                let cost = c
                    .normalised_cost
                    .point
                    .map_or_else(|| "not reached".into(), |v| format!("{:.1} %", 100.0 * v));
                format!("CPT({:.0} %) {cost}", 100.0 * c.pgr)
            })
            .collect();
        let _ = writeln!(
            out,
            "  {} of the way from the weak model's cost to the strong one's",
            shares.join(", ")
        );
    }
    for cost in &sweep.cost_at_quality {
        let dollars = cost.usd_per_1k.point.map_or_else(
            || "not reached".into(),
            |_| format!("$ {} a thousand", with_interval(&cost.usd_per_1k, 3)),
        );
        let _ = writeln!(
            out,
            "  {:.0} % of the strong model's quality ({:.4}): {dollars}",
            100.0 * cost.share,
            cost.quality
        );
    }
    out
}

fn groups(out: &mut String, report: &ReplayReport, what: &str, groups: &[GroupReport]) {
    if groups.is_empty() {
        return;
    }
    let routed = report.sweep.is_some();
    let models: Vec<String> = report.models.iter().map(|m| shown(&m.model, 24)).collect();
    let mut header = vec![what, "prompts"];
    header.extend(models.iter().map(String::as_str));
    if routed {
        header.extend(["routed", "$ / 1,000"]);
    }
    let mut largest: Vec<&GroupReport> = groups.iter().collect();
    if largest.len() > GROUPS {
        largest.sort_by_key(|g| std::cmp::Reverse(g.n));
        largest.truncate(GROUPS);
    }
    out.push('\n');
    out.push_str(&table(
        &header,
        largest.iter().map(|g| {
            let mut row = vec![shown(&g.name, NAME), g.n.to_string()];
            row.extend(g.quality.values().map(|q| format!("{q:.3}")));
            if routed {
                row.extend([number(g.routed_quality, 3), number(g.routed_usd_per_1k, 3)]);
            }
            row
        }),
    ));
    if groups.len() > GROUPS {
        let _ = writeln!(out, "  … and {} smaller ones in the document", groups.len() - GROUPS);
    }
}

/// How far the judge can be trusted.
pub(super) fn judge(audit: &Audit) -> String {
    let mut out = String::from("judge: ");
    match audit.self_disagreement {
        Some(rate) => {
            let _ = write!(
                out,
                "contradicts itself on {} of {} {} asked twice ({:.1} %)",
                audit.disagreements,
                audit.asked_twice,
                audit.kind.twice(),
                100.0 * rate
            );
        }
        None => out.push_str("nothing was asked twice"),
    }
    match (audit.agreement, &audit.compared_with) {
        (Some(rate), Some(grader)) => {
            let _ = write!(
                out,
                "; agrees with {} on {} of {} ({:.1} %)",
                shown(grader, 40),
                audit.agreed,
                audit.compared,
                100.0 * rate
            );
        }
        (None, Some(grader)) => {
            let _ = write!(out, "; {} had nothing to compare it with", shown(grader, 40));
        }
        _ => {}
    }
    let _ = writeln!(out, "; {} replies without a verdict", audit.unparsed);
    out
}

/// What became of the answers, where not all are scored.
fn outcomes(report: &ReplayReport) -> String {
    let shown_outcomes: Vec<&str> = [
        "unparsed",
        "truncated",
        "refused",
        "empty",
        "error",
        "missing",
        "ungraded",
    ]
    .into_iter()
    .filter(|o| report.models.iter().any(|m| m.outcomes.contains_key(*o)))
    .collect();
    if shown_outcomes.is_empty() {
        return String::new();
    }
    let mut header = vec!["answers of", "scored", "quality of these"];
    header.extend(&shown_outcomes);
    let mut out = String::from("\n");
    out.push_str(&table(
        &header,
        report.models.iter().map(|m| {
            let count = |outcome: &str| m.outcomes.get(outcome).copied().unwrap_or_default().to_string();
            let mut row = vec![shown(&m.model, NAME), count("scored"), number(m.quality.point, 4)];
            row.extend(shown_outcomes.iter().map(|o| count(o)));
            row
        }),
    ));
    out
}

fn interval(estimate: &Estimate, decimals: usize) -> String {
    match (estimate.lower, estimate.upper) {
        (Some(lower), Some(upper)) => format!("{lower:.decimals$} to {upper:.decimals$}"),
        _ => "n/a".into(),
    }
}

pub(super) fn with_interval(estimate: &Estimate, decimals: usize) -> String {
    match (estimate.point, estimate.lower) {
        (Some(point), Some(_)) => format!("{point:.decimals$} ({})", interval(estimate, decimals)),
        (point, _) => number(point, decimals),
    }
}

/// A difference with its sign and interval.
pub(super) fn signed(estimate: &Estimate) -> String {
    let Some(point) = estimate.point else {
        return "n/a".into();
    };
    match (estimate.lower, estimate.upper) {
        (Some(lower), Some(upper)) => format!("{point:+.4} ({lower:+.4} to {upper:+.4})"),
        _ => format!("{point:+.4}"),
    }
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".into(), |v| format!("{:.1} %", 100.0 * v))
}
