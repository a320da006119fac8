//! A table of one's own: one row a prompt, model and sample, as CSV or JSON Lines.
//!
//! | column | |
//! |---|---|
//! | `model` | needed |
//! | `prompt_id` or `prompt` | one of the two is needed; without an id the text is the id |
//! | `score` | 0 to 1, or true and false; where it is empty the answer is still to be graded |
//! | `answer` | the text, for graders |
//! | `cost_usd` | dollars as billed |
//! | `cost_list_usd` | dollars with no token from a cache; else as billed |
//! | `latency_ms`, `sample`, `category`, `label`, `split`, `reference` | optional |
//! | `finish_reason`, `refusal` | optional; `length` is truncated, `content_filter` refused |
//! | `error` | optional; where it holds anything the call failed |
//! | `usage_source` | optional: `api`, `estimated`, `recorded` (default), `none` |
//!
//! Other columns are left alone.

use std::path::PathBuf;

use super::rows::{self, Problems, Row};
use super::{Builder, Files, ImportError};
use crate::replay::UsageSource;
use crate::replay::graders::Answer;
use crate::replay::matrix::{Cell, Outcome, PromptInfo};

/// Samples a prompt and model, at most: a larger number is a mistake in the file.
const MOST_SAMPLES: f64 = 1000.0;

pub(super) fn read(paths: &[PathBuf], files: &mut Files, builder: &mut Builder) -> Result<(), ImportError> {
    for path in paths {
        let file = path.display().to_string();
        let text = files.read(path)?;
        let jsonl = path
            .extension()
            .is_some_and(|e| ["jsonl", "ndjson"].iter().any(|j| e.eq_ignore_ascii_case(j)));
        let rows = if jsonl {
            rows::jsonl(&text, &file)?
        } else {
            let (columns, rows) = rows::csv(&text, &file)?;
            rows::require(&file, &columns, &["model"])?;
            if !columns.iter().any(|c| c == "prompt_id") {
                rows::require(&file, &columns, &["prompt"])?;
            }
            rows
        };
        let mut problems = Problems::of(&file);
        for row in &rows {
            builder.rows += 1;
            add(row, &mut problems, builder);
        }
        problems.end()?;
    }
    Ok(())
}

fn add(row: &Row, problems: &mut Problems<'_>, builder: &mut Builder) {
    let Some(model) = row.name("model") else {
        return problems.add(row.line, "no model");
    };
    let Some(id) = row.name("prompt_id").or_else(|| row.name("prompt")) else {
        return problems.add(row.line, "neither a prompt_id nor a prompt");
    };
    let Some(sample) = problems.take(row.line, sample_of(row)) else {
        return;
    };
    let Some(cell) = problems.take(row.line, cell_of(row)) else {
        return;
    };
    let own = |column: &str| row.name(column);
    let prompt = builder.prompt(PromptInfo {
        id: id.clone(),
        text: own("prompt"),
        category: own("category"),
        label: own("label"),
        split: own("split"),
        reference: own("reference"),
    });
    let index = builder.model(&model);
    if !builder.cell(prompt, index, sample, cell) {
        problems.add(row.line, format!("a second answer of {model} to {id}, sample {sample}"));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a whole number from 0 to 1000"
)]
fn sample_of(row: &Row) -> Result<usize, String> {
    match row.amount("sample")? {
        None => Ok(0),
        Some(sample) if sample.fract().abs() < f64::EPSILON && sample < MOST_SAMPLES => Ok(sample as usize),
        Some(sample) => Err(format!("sample {sample} is no whole number below {MOST_SAMPLES}")),
    }
}

fn cell_of(row: &Row) -> Result<Cell, String> {
    if row.text("error").is_some() {
        return Ok(Cell {
            outcome: Outcome::Error,
            ..Cell::MISSING
        });
    }
    let score = row.score("score")?;
    if let Some(score) = score
        && !(0.0..=1.0).contains(&score)
    {
        return Err(format!("score {score} is not within 0 and 1"));
    }
    let answer = row.raw_text("answer");
    let class = Answer {
        // A score without a text is a score; only a text that is there can be empty.
        content: answer.or(Some("-")),
        finish_reason: row.text("finish_reason"),
        refusal: row.text("refusal"),
    }
    .class()
    // A CSV has the column in every row: a score beside an empty cell is a text that was not kept.
    .filter(|class| !(*class == Outcome::Empty && score.is_some()));
    let outcome = class.unwrap_or(if score.is_some() {
        Outcome::Scored
    } else {
        Outcome::Ungraded
    });
    let billed = row.amount("cost_usd")?;
    let usage_source = match row.text("usage_source") {
        None | Some("recorded") => UsageSource::Recorded,
        Some("api") => UsageSource::Api,
        Some("estimated") => UsageSource::Estimated,
        Some("none") => UsageSource::None,
        Some(other) => return Err(format!("usage_source is \"{other}\": api, estimated, recorded or none")),
    };
    Ok(Cell {
        outcome,
        score: score.filter(|_| outcome == Outcome::Scored),
        cost_usd: billed,
        cost_list_usd: row.amount("cost_list_usd")?.or(billed),
        latency_ms: row.amount("latency_ms")?,
        usage_source,
        answer: row.text("answer").map(str::to_owned),
    })
}
