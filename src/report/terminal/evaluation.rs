//! `eval` as text.

use std::fmt::Write as _;

use super::scored::scored_text;
use super::{MATRIX_ROUTES, PROMPT_SHOWN, percent, percent_interval, shown, table};
use crate::report::{Estimate, EvalReport, RouteFigures};

/// Mistakes shown; the document has more.
const MISTAKES_SHOWN: usize = 5;
/// Header of the column with the intervals.
const INTERVAL: &str = "95 % interval";

/// `eval` for people.
pub fn eval_text(report: &EvalReport) -> String {
    let mut out = format!(
        "{} prompts of split {}: {} in-domain, {} out-of-domain · encoder {} · threshold {}, gap {}\n\n",
        report.n,
        shown(&report.split, 40),
        report.in_domain,
        report.out_of_domain,
        shown(&report.provenance.encoder.label(), 60),
        report.thresholds.threshold,
        report.thresholds.gap,
    );
    let d = &report.as_deployed;
    let f = &report.forced_choice;
    let row = |name: &str, e: &Estimate, as_percent: bool| {
        let (value, interval) = if as_percent {
            (percent(e), percent_interval(e))
        } else {
            (e.shown(), e.interval_shown())
        };
        vec![name.to_owned(), value, interval, e.n.to_string()]
    };
    out.push_str(&table(
        &["as deployed", "", INTERVAL, "n"],
        [
            row("system accuracy", &d.system_accuracy, true),
            row("coverage", &d.coverage, true),
            row("selective accuracy", &d.selective_accuracy, true),
            row("misrouted (of in-domain)", &d.misroute_rate, true),
            row("false fallbacks (of in-domain)", &d.false_fallback_rate, true),
            row("false accepts (of out-of-domain)", &d.false_accept_rate, true),
        ],
    ));
    out.push('\n');
    out.push_str(&table(
        &["forced choice (in-domain only)", "", INTERVAL, "n"],
        [
            row("accuracy", &f.accuracy, true),
            row("balanced accuracy", &f.balanced_accuracy, true),
            row("right route among the best two", &f.top2_accuracy, true),
            row("macro F1", &f.macro_f1, false),
            row("Matthews correlation", &f.mcc, false),
            row("Cohen's kappa", &f.kappa, false),
        ],
    ));
    out.push('\n');
    let s = &report.selective.all;
    let by = &report.detection.by_score;
    let r = &report.reliability;
    out.push_str(&table(
        &["the score as a confidence", "", INTERVAL, "n"],
        [
            row("out-of-domain AUROC", &by.auroc, false),
            row("false accepts at 95 % of in-domain accepted", &by.fpr_at_95_tpr, true),
            row("AUGRC", &s.augrc, false),
            row(
                &format!("ECE after {} ({})", r.method, fitted(report)),
                &r.ece_equal_width,
                false,
            ),
        ],
    ));
    out.push('\n');
    out.push_str(&routes_table(&d.routes, &f.routes));
    if report.confusion.labels.len() <= MATRIX_ROUTES {
        out.push('\n');
        out.push_str(&matrix(report));
    }
    mistakes(report, &mut out);
    if report.leakage.n > 0 {
        let _ = writeln!(
            out,
            "\n{} prompts are also route examples: their figures flatter the router",
            report.leakage.n
        );
    }
    if let Some(scored) = &report.scored {
        out.push('\n');
        out.push_str(&scored_text(scored));
    }
    out
}

fn fitted(report: &EvalReport) -> String {
    let r = &report.reliability;
    match &r.note {
        Some(note) => note.clone(),
        None if r.in_sample => "fitted on the same rows".into(),
        None => format!("fitted on {}", shown(&r.fitted_on, 30)),
    }
}

fn routes_table(deployed: &[RouteFigures], forced: &[RouteFigures]) -> String {
    let rows = deployed.iter().enumerate().map(|(i, route)| {
        let forced = forced.get(i);
        vec![
            shown(&route.route, 40),
            with_interval(&route.precision),
            with_interval(&route.recall),
            with_interval(&route.f1),
            forced.map_or_else(String::new, |f| with_interval(&f.recall)),
            route.support.to_string(),
        ]
    });
    table(
        &["route", "precision", "recall", "F1", "recall if forced", "prompts"],
        rows,
    )
}

fn with_interval(estimate: &Estimate) -> String {
    match estimate.interval() {
        Some(i) => format!("{} ({:.2}–{:.2})", estimate.shown(), i.lower, i.upper),
        None => estimate.shown(),
    }
}

fn matrix(report: &EvalReport) -> String {
    let c = &report.confusion;
    let header: Vec<String> = std::iter::once("truth \\ decision".to_owned())
        .chain(c.columns.iter().map(|n| shown(n, 14)))
        .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = c.labels.iter().zip(&c.counts).map(|(label, counts)| {
        std::iter::once(shown(label, 24))
            .chain(counts.iter().map(u64::to_string))
            .collect()
    });
    table(&header, rows)
}

fn mistakes(report: &EvalReport, out: &mut String) {
    if report.mistakes.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\nmost confident mistakes ({} of {} listed in eval.json)",
        report.mistakes.len().min(MISTAKES_SHOWN),
        report.mistakes.len()
    );
    for m in report.mistakes.iter().take(MISTAKES_SHOWN) {
        let _ = writeln!(
            out,
            "  {:.3}  {} → {}{}  {:?}\n         near {:?} ({:.3})",
            m.score,
            shown(&m.label, 24),
            shown(&m.chosen, 24),
            if m.accepted { "" } else { " (fell back)" },
            shown(&m.prompt, PROMPT_SHOWN),
            shown(&m.nearest_chosen.example, PROMPT_SHOWN),
            m.nearest_chosen.cosine,
        );
    }
}
