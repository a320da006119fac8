//! `check` in a report.

use super::block::{Cell, Tone, cell, count, line, numbers, picks, words};
use super::mistakes::PROMPT;
use super::{Block, Section, Table};
use crate::check::Verdict;
use crate::report::terminal::shown;
use crate::report::{CheckReport, DecisionReport, FlipKind, GateReport, PromptList, points, share};

/// Gates, flipped prompts, prompts that were not compared.
pub(super) fn sections(report: &CheckReport) -> Vec<Section> {
    let mut flipped = flips(report);
    if let Some(candidate) = &report.candidate {
        flipped.extend(left_out("added", "Added since the baseline", &candidate.added));
        flipped.extend(left_out("removed", "Removed since the baseline", &candidate.removed));
        flipped.extend(left_out(
            "relabelled",
            "Labelled otherwise than in the baseline",
            &candidate.relabelled,
        ));
    }
    vec![
        Section::new("gates", "Gates", gates(report)),
        Section::new("flips", "Prompts that changed", flipped),
    ]
}

fn gates(report: &CheckReport) -> Vec<Block> {
    if report.gates.is_empty() {
        return Vec::new();
    }
    let level = 100.0 * (1.0 - 2.0 * report.settings.alpha);
    let columns = vec![
        words("gate"),
        words("verdict"),
        numbers("baseline"),
        numbers("now"),
        numbers("points"),
        numbers("margin"),
        numbers("n"),
        words("why"),
    ];
    let rows = report.gates.iter().map(gate).collect();
    let explain = format!(
        "Each figure against the baseline on the same prompts; beneath the difference its {level:.0} % interval."
    );
    vec![
        Table::new("gates-table", "Gates", columns, rows)
            .explained(explain, &["gate", "interval"])
            .brief(50)
            .into(),
    ]
}

fn gate(gate: &GateReport) -> Vec<Cell> {
    let tone = match gate.verdict {
        Verdict::Pass => Tone::Good,
        Verdict::Inconclusive => Tone::Unsure,
        _ => Tone::Bad,
    };
    let c = gate.comparison.as_ref();
    let between = c.and_then(|c| c.lower.zip(c.upper));
    let between = between.map_or_else(String::new, |(low, high)| {
        format!("{} to {}", points(low), points(high))
    });
    vec![
        cell(gate.metric.replace('_', " ")),
        cell(gate.verdict.name()).toned(tone),
        cell(c.map_or_else(String::new, |c| share(c.baseline))),
        cell(c.map_or_else(|| share(gate.figure.point), |c| share(c.candidate))),
        cell(c.and_then(|c| c.difference).map_or_else(String::new, points)).noted(between),
        cell(c.map_or_else(String::new, |c| format!("{:.1}", 100.0 * c.margin))),
        count(c.map_or(gate.figure.n, |c| c.n)),
        cell(&gate.reason),
    ]
}

fn flips(report: &CheckReport) -> Vec<Block> {
    let all = &report.flips;
    if all.listed.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        words("prompt"),
        picks("what became of it"),
        picks("label"),
        words("before"),
        words("now"),
        numbers("line"),
    ];
    let rows = all.listed.iter().map(|flip| {
        let (what, tone) = match flip.kind {
            FlipKind::Lost => ("lost", Tone::Bad),
            FlipKind::Won => ("won", Tone::Good),
            FlipKind::Neutral => ("neither", Tone::Plain),
        };
        vec![
            cell(shown(&flip.prompt, PROMPT)),
            cell(what).toned(tone),
            cell(&flip.label),
            decision(&flip.before),
            decision(&flip.after),
            line(flip.line),
        ]
    });
    let rows = rows.collect();
    let explain = format!(
        "{} prompts flipped: {} lost, {} won; {} are listed, the worst first.",
        all.n,
        all.lost,
        all.won,
        all.listed.len()
    );
    vec![
        Table::new("flips-table", "Flipped prompts", columns, rows)
            .explained(explain, &["flip", "score"])
            .sorted()
            .brief(10)
            .into(),
    ]
}

fn decision(d: &DecisionReport) -> Cell {
    cell(&d.decision).noted(format!("score {:.3}, best {}", d.score, d.best))
}

fn left_out(id: &'static str, title: &str, list: &PromptList) -> Option<Block> {
    if list.n == 0 {
        return None;
    }
    let rows = list.first.iter().map(|p| {
        let former = p
            .former_label
            .as_ref()
            .map_or_else(String::new, |label| format!("was {label}"));
        vec![
            cell(
                p.prompt
                    .as_deref()
                    .map_or_else(|| format!("{}…", &p.prompt_hash), |text| shown(text, PROMPT)),
            ),
            cell(&p.label).noted(former),
            p.line.map_or_else(|| cell(""), line),
        ]
    });
    let rows = rows.collect();
    let explain = format!(
        "{} prompts, not compared; the first {} are listed. The baseline keeps a hash, no text.",
        list.n,
        list.first.len()
    );
    let columns = vec![words("prompt"), words("label"), numbers("line")];
    Some(Table::new(id, title, columns, rows).explained(explain, &[]).into())
}
