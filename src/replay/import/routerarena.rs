//! `RouterArena`'s cached results: one JSON Lines file a model, with answers, scores, tokens and costs.
//!
//! Its scores are of several metrics (multiple choice, exact match, METEOR, …) and all between 0 and 1, but for METEOR, which
//! can come out a little below 0 there.

use std::path::PathBuf;

use super::rows::{self, Problems, Row};
use super::{Builder, Files, ImportError};
use crate::replay::UsageSource;
use crate::replay::matrix::{Cell, Outcome, PromptInfo};

pub(super) fn read(paths: &[PathBuf], files: &mut Files, builder: &mut Builder) -> Result<(), ImportError> {
    let mut outside = 0_u64;
    for path in paths {
        let file = path.display().to_string();
        let rows = rows::jsonl(&files.read(path)?, &file)?;
        let mut problems = Problems::of(&file);
        for row in &rows {
            builder.rows += 1;
            let (Some(id), Some(model)) = (row.name("global_index"), row.text("llm_selected")) else {
                problems.add(row.line, "no \"global_index\" or no \"llm_selected\"");
                continue;
            };
            let result = row.inner("evaluation_result");
            let Some(cell) = problems.take(row.line, cell_of(row, result.as_ref())) else {
                continue;
            };
            outside += u64::from(cell.score.is_some_and(|s| !(0.0..=1.0).contains(&s)));
            // `MMLUPro_law_17`: the task, and the number of the prompt in it.
            let category = id.rsplit_once('_').map_or(id.as_str(), |(task, _)| task).to_owned();
            let prompt = builder.prompt(PromptInfo {
                id: id.clone(),
                text: row.text("question").map(str::to_owned),
                category: Some(category),
                reference: result.as_ref().and_then(|r| r.name("ground_truth")),
                ..PromptInfo::default()
            });
            let model = builder.model(model);
            if !builder.cell(prompt, model, 0, cell) {
                problems.add(row.line, format!("a second answer to {id}"));
            }
        }
        problems.end()?;
    }
    if outside > 0 {
        builder
            .notes
            .push(format!("scores outside 0 to 1 are taken as they are: {outside}"));
    }
    Ok(())
}

fn cell_of(row: &Row, result: Option<&Row>) -> Result<Cell, String> {
    if row.flag("success") == Some(false) {
        return Ok(Cell {
            outcome: Outcome::Error,
            ..Cell::MISSING
        });
    }
    let score = result.map_or(Ok(None), |r| r.score("score"))?;
    let cost = result.map_or(Ok(None), |r| r.amount("inference_cost"))?;
    let answer = row.raw_text("generated_answer");
    let outcome = match (score, answer) {
        (_, Some(text)) if text.trim().is_empty() => Outcome::Empty,
        (Some(_), _) => Outcome::Scored,
        (None, _) => Outcome::Ungraded,
    };
    Ok(Cell {
        outcome,
        score: score.filter(|_| outcome == Outcome::Scored),
        cost_usd: cost,
        cost_list_usd: cost,
        latency_ms: None,
        usage_source: UsageSource::Recorded,
        answer: answer.map(str::to_owned),
    })
}
