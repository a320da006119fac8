//! The prompts that went wrong, with the examples that drew them.

use super::block::{Cell, Tone, cell, decimal, grouped, line, numbers, picks, words};
use super::{Block, Table};
use crate::report::terminal::shown;
use crate::report::{EvalReport, ExampleReport, Mistake};

/// Characters of a prompt that a page shows: one can be a whole document.
pub(super) const PROMPT: usize = 300;
/// Characters of an example.
const EXAMPLE: usize = 160;

/// The mistakes that eval.json lists.
pub(super) fn mistakes(report: &EvalReport) -> Vec<Block> {
    if report.mistakes.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        words("prompt"),
        picks("label"),
        picks("nearest route"),
        picks("what happened"),
        numbers("score"),
        numbers("gap"),
        words("nearest examples"),
        numbers("line"),
    ];
    let rows = report.mistakes.iter().map(row).collect();
    let explain = format!(
        "The {} most confident prompts whose best route is not their own, whether or not the thresholds caught them; the examples nearest to each say why. \
         Mend, move or add examples from the top.",
        grouped(report.mistakes.len() as u64)
    );
    let terms = ["score", "gap", "misroute", "false-accept", "in-domain"];
    vec![
        Table::new("mistakes-table", "Mistakes", columns, rows)
            .explained(explain, &terms)
            .sorted()
            .brief(10)
            .into(),
    ]
}

fn row(mistake: &Mistake) -> Vec<Cell> {
    let (what, tone) = match (mistake.accepted, mistake.nearest_right.is_some()) {
        (true, true) => ("misrouted", Tone::Bad),
        (true, false) => ("false accept", Tone::Bad),
        (false, true) => ("fell back", Tone::Unsure),
        (false, false) => ("fell back, rightly", Tone::Plain),
    };
    let near = |route: &str, example: &ExampleReport| {
        format!("{route} {:.3}: {}", example.cosine, shown(&example.example, EXAMPLE))
    };
    let own = mistake
        .nearest_right
        .as_ref()
        .map(|example| near(&mistake.label, example));
    vec![
        cell(shown(&mistake.prompt, PROMPT)),
        cell(&mistake.label),
        cell(&mistake.chosen),
        cell(what).toned(tone),
        decimal(Some(mistake.score), 3),
        decimal(mistake.gap, 3),
        cell(near(&mistake.chosen, &mistake.nearest_chosen)).noted(own.unwrap_or_default()),
        line(mistake.line),
    ]
}
