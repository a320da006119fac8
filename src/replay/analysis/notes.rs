//! What a reader should know of a comparison, in sentences.

use super::{Input, Options, Ungraded, outcome_share};
use crate::report::{GroupReport, ReplayReport};

/// Compared prompts from which on a category can be called suspicious.
const SUSPICIOUS_PROMPTS: u64 = 20;
/// How far below the weak model the strong one must be there.
const SUSPICIOUS_GAP: f64 = 0.2;
/// A share of unscored answers that is worth a sentence.
const MANY_UNSCORED: f64 = 0.02;

pub(super) fn notes(report: &ReplayReport, input: &Input<'_>, options: &Options) -> Vec<String> {
    let mut notes = Vec::new();
    let (weak, strong) = (&report.anchors.weak, &report.anchors.strong);
    if report.models.len() == 1 {
        notes.push("there is one model only: nothing to route between".into());
    } else if report.anchors.dominated {
        notes.push(format!(
            "the strong model is dominated: {strong} is no better than {weak} and no cheaper, so there is no gap to recover (no PGR)"
        ));
    } else if report.anchors.gap.lower.is_some_and(|l| l <= 0.0) {
        notes.push(format!(
            "the gap between {strong} and {weak} may be nothing: its interval includes 0, so shares of it mean little"
        ));
    }
    if report.anchors.dominated && report.sweep.is_some() && report.models.len() > 1 {
        notes.push(format!("the best policy without a router is always:{weak}"));
    }
    for model in &report.models {
        let unscored: Vec<String> = ["unparsed", "truncated", "refused", "empty"]
            .into_iter()
            .filter_map(|outcome| Some((outcome, outcome_share(model, outcome)?)))
            .filter(|(_, share)| *share > MANY_UNSCORED)
            .map(|(outcome, share)| format!("{:.1} % {outcome}", 100.0 * share))
            .collect();
        if !unscored.is_empty() {
            notes.push(format!("answers of {}: {}", model.model, unscored.join(", ")));
        }
    }
    if report.dropped.prompts > 0 && options.ungraded == Ungraded::Drop {
        notes.push(format!(
            "{} of {} prompts are not compared, for no policy: see dropped, and the bounds of each quality",
            report.dropped.prompts, report.prompts
        ));
    }
    let suspicious: Vec<String> = report
        .by_category
        .iter()
        .filter(|g| is_suspicious(g, weak, strong))
        .map(|g| format!("{} ({:.3} against {:.3})", g.name, g.quality[strong], g.quality[weak]))
        .collect();
    if !report.anchors.dominated && !suspicious.is_empty() {
        notes.push(format!(
            "{strong} is far below {weak} on {}: look at the grading there before you trust it",
            suspicious.join(", ")
        ));
    }
    if input.in_sample {
        notes.push(
            "the router's thresholds were chosen on some of these prompts: routed is in-sample and flattered".into(),
        );
    }
    if report.policies.iter().any(|p| p.name == "best-per-category") {
        notes.push(
            "oracle and best-per-category know the answers: bounds, not policies; single noisy answers flatter them"
                .into(),
        );
    } else {
        notes.push("the oracle knows the answers: a bound, not a policy; single noisy answers flatter it".into());
    }
    notes
}

fn is_suspicious(group: &GroupReport, weak: &str, strong: &str) -> bool {
    match (group.quality.get(weak), group.quality.get(strong)) {
        (Some(weak), Some(strong)) => group.n >= SUSPICIOUS_PROMPTS && weak - strong > SUSPICIOUS_GAP,
        _ => false,
    }
}
