//! CSV tables.

use std::io::Write as _;

use super::{ConfusionReport, PolicyReport};
use crate::dataset::cell::guarded;
use crate::dataset::{Label, Row};
use crate::replay::analysis::SweepRow;
use crate::router::{Decision, ScoreTable};
use crate::store::ScoredCell;

/// Writes records through the csv crate, texts so that no spreadsheet runs them; a `Vec` takes every byte, so nothing can fail.
fn csv(records: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in records {
        for cell in &record {
            // A number is none of a formula, though it may begin with a minus.
            let cell = if cell.parse::<f64>().is_ok() {
                cell.into()
            } else {
                guarded(cell)
            };
            writer.write_field(cell.as_bytes()).expect("a Vec takes every byte");
        }
        writer.write_record(None::<&[u8]>).expect("a Vec takes every byte");
    }
    writer.into_inner().expect("a Vec takes every byte")
}

/// A number for a table: six decimals, which is finer than the encoder's noise.
fn number(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.6}")
    } else {
        String::new()
    }
}

/// One row a prompt: line, prompt, label, split, best route, score, runner-up, gap, decision. A text that a spreadsheet would take
/// for a formula has an apostrophe before it.
///
/// # Panics
/// If a score or a decision names a route that has no name.
pub fn predictions_csv(rows: &[Row], names: &[String], scores: &ScoreTable, decisions: &[Decision]) -> Vec<u8> {
    let header = [
        "line",
        "prompt",
        "label",
        "split",
        "best",
        "score",
        "runner_up",
        "gap",
        "decision",
        "reason",
    ];
    // Written cell by cell: a million rows of ten strings each would be most of the time that they take.
    let mut writer = csv::Writer::from_writer(Vec::with_capacity(96 * rows.len()));
    let mut write = |record: [&[u8]; 10]| writer.write_record(record).expect("a Vec takes every byte");
    write(header.map(str::as_bytes));
    let names: Vec<_> = names.iter().map(|name| guarded(name)).collect();
    let (mut line, mut score_cell, mut gap_cell) = (Vec::new(), Vec::new(), Vec::new());
    for ((row, score), decision) in rows.iter().zip(scores.rows()).zip(decisions) {
        show(&mut line, format_args!("{}", row.line));
        show_number(&mut score_cell, score.score);
        show_number(&mut gap_cell, score.gap);
        write([
            &line,
            guarded(&row.prompt).as_bytes(),
            guarded(row.label.as_ref().map_or("", Label::as_str)).as_bytes(),
            guarded(&row.split).as_bytes(),
            names[score.best].as_bytes(),
            &score_cell,
            score.runner_up.map_or("", |r| &names[r]).as_bytes(),
            &gap_cell,
            decision.route().map_or("fallback", |r| &names[r]).as_bytes(),
            match decision {
                Decision::Accept(_) => b"accepted",
                Decision::LowScore => b"low_score",
                Decision::SmallGap => b"small_gap",
            },
        ]);
    }
    writer.into_inner().expect("a Vec takes every byte")
}

/// Puts what is formatted in the place of what stands in the cell.
fn show(cell: &mut Vec<u8>, value: std::fmt::Arguments<'_>) {
    cell.clear();
    cell.write_fmt(value).expect("a Vec takes every byte");
}

/// As [`number`], in the place of what stands in the cell.
fn show_number(cell: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        show(cell, format_args!("{value:.6}"));
    } else {
        cell.clear();
    }
}

/// Truth × decision; the first column names the truth.
pub fn confusion_csv(confusion: &ConfusionReport) -> Vec<u8> {
    let header = std::iter::once("label".to_owned()).chain(confusion.columns.iter().cloned());
    let rows = confusion.labels.iter().zip(&confusion.counts).map(|(label, counts)| {
        std::iter::once(label.clone())
            .chain(counts.iter().map(u64::to_string))
            .collect()
    });
    csv(std::iter::once(header.collect()).chain(rows))
}

/// The sweep: one row a split and point.
pub fn sweep_csv(cells: &[ScoredCell]) -> Vec<u8> {
    let header = [
        "split",
        "threshold",
        "gap",
        "accepted",
        "right",
        "wrong",
        "out_of_domain",
        "system_accuracy",
        "coverage",
        "selective_accuracy",
        "false_accept_rate",
        "mean_price",
    ];
    let optional = |value: Option<f64>| value.map_or_else(String::new, number);
    let rows = cells.iter().map(|c| {
        vec![
            c.split.clone(),
            number(c.cell.threshold),
            number(c.cell.gap),
            c.cell.tally.accepted().to_string(),
            c.cell.tally.right.to_string(),
            c.cell.tally.wrong.to_string(),
            c.cell.tally.out_of_domain.to_string(),
            optional(c.cell.system_accuracy),
            optional(c.cell.coverage),
            optional(c.cell.selective_accuracy),
            optional(c.cell.false_accept_rate),
            c.mean_price.map_or_else(String::new, |price| format!("{price:.9}")),
        ]
    });
    csv(std::iter::once(header.map(str::to_owned).to_vec()).chain(rows))
}

/// Every policy, then the router at every threshold: what the frontier is drawn from. Dollars are for a thousand prompts.
pub fn frontier_csv(policies: &[PolicyReport], sweep: &[SweepRow]) -> Vec<u8> {
    let header = ["policy", "threshold", "accepted", "quality", "usd_per_1k", "on_hull"];
    let optional = |value: Option<f64>| value.map_or_else(String::new, number);
    let named = policies.iter().map(|p| {
        vec![
            p.name.clone(),
            String::new(),
            String::new(),
            optional(p.quality.point),
            optional(p.usd_per_1k.point),
            String::new(),
        ]
    });
    let swept = sweep.iter().map(|row| {
        vec![
            "threshold".to_owned(),
            // Infinite, where nothing is accepted: an empty cell.
            number(row.threshold),
            number(row.accepted),
            number(row.point.quality),
            number(row.point.cost * 1000.0),
            row.on_hull.to_string(),
        ]
    });
    csv(std::iter::once(header.map(str::to_owned).to_vec())
        .chain(named)
        .chain(swept))
}
