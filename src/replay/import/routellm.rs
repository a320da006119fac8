//! `RouteLLM`'s recorded answers: GSM8K with texts, MMLU as right or wrong.
//!
//! Prices are those of the paper's time (arXiv 2406.18665, section 5): dollars per million tokens.

use std::path::{Path, PathBuf};

use super::rows::{self, Problems, Row};
use super::{Builder, Files, ImportError, estimated_tokens};
use crate::num::f64_from_u64;
use crate::replay::UsageSource;
use crate::replay::matrix::{Cell, Outcome, PromptInfo};

/// Model, price of the input, price of the output.
const PRICES: [(&str, f64, f64); 2] = [
    ("gpt-4-1106-preview", 10.0, 30.0),
    ("mistralai/Mixtral-8x7B-Instruct-v0.1", 0.6, 0.6),
];
/// What follows a model's name in the column of its answers.
const RESPONSE: &str = "_response";

/// `gsm8k_responses.csv`, and the references of `test.jsonl`, which has the same order.
pub(super) fn gsm8k(paths: &[PathBuf], files: &mut Files, builder: &mut Builder) -> Result<(), ImportError> {
    let is_reference = |path: &&PathBuf| extension(path) == "jsonl";
    let (references, answers): (Vec<&PathBuf>, Vec<&PathBuf>) = paths.iter().partition(is_reference);
    let ([path], [] | [_]) = (answers.as_slice(), references.as_slice()) else {
        return Err(ImportError::Files {
            format: "routellm-gsm8k",
            message: format!("{} CSV files and {} JSONL files", answers.len(), references.len()),
            hint: "give gsm8k_responses.csv, and test.jsonl with the reference answers to grade anew".into(),
        });
    };
    let file = path.display().to_string();
    let (columns, rows) = rows::csv(&files.read(path)?, &file)?;
    rows::require(&file, &columns, &["prompt"])?;
    let models = models_of(&columns, true);
    if models.is_empty() {
        return Err(ImportError::Columns {
            file,
            message: format!("no model: a model has a column of its name and one that ends in \"{RESPONSE}\""),
            present: columns,
        });
    }
    let references = match references.first() {
        Some(path) => Some(references_of(path, files, rows.len())?),
        None => None,
    };
    let mut problems = Problems::of(&file);
    for (number, row) in rows.iter().enumerate() {
        builder.rows += 1;
        let info = PromptInfo {
            id: format!("gsm8k/{}", number + 1),
            text: row.text("prompt").map(str::to_owned),
            reference: references.as_ref().map(|r| r[number].clone()),
            ..PromptInfo::default()
        };
        let prompt = row.raw_text("prompt").unwrap_or_default();
        let index = builder.prompt(info);
        for model in &models {
            let answer = row.raw_text(&format!("{model}{RESPONSE}")).unwrap_or_default();
            if let Some(cell) = problems.take(row.line, cell_of(row, model, prompt, answer, Some(answer))) {
                let model = builder.model(model);
                builder.cell(index, model, 0, cell);
            }
        }
    }
    problems.end()
}

/// The `answer` of every line, held against the number of prompts.
fn references_of(path: &Path, files: &mut Files, prompts: usize) -> Result<Vec<String>, ImportError> {
    let file = path.display().to_string();
    let rows = rows::jsonl(&files.read(path)?, &file)?;
    let mut problems = Problems::of(&file);
    let references: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            problems.take(
                row.line,
                row.text("answer").map(str::to_owned).ok_or("no \"answer\"".into()),
            )
        })
        .collect();
    problems.end()?;
    if references.len() == prompts {
        return Ok(references);
    }
    Err(ImportError::Files {
        format: "routellm-gsm8k",
        message: format!("{file} has {} answers for {prompts} prompts", references.len()),
        hint: "the two files of one commit belong together".into(),
    })
}

/// `mmlu_<subject>.csv` files, or folders of them.
pub(super) fn mmlu(paths: &[PathBuf], files: &mut Files, builder: &mut Builder) -> Result<(), ImportError> {
    for path in csv_files(paths)? {
        let file = path.display().to_string();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let subject = stem.strip_prefix("mmlu_").unwrap_or(&stem).to_owned();
        let (columns, rows) = rows::csv(&files.read(&path)?, &file)?;
        rows::require(&file, &columns, &["prompt"])?;
        let models = models_of(&columns, false);
        if models.is_empty() {
            return Err(ImportError::Columns {
                file,
                message: "no model: every column besides \"prompt\" is one".into(),
                present: columns,
            });
        }
        let mut problems = Problems::of(&file);
        for (number, row) in rows.iter().enumerate() {
            builder.rows += 1;
            let prompt = row.raw_text("prompt").unwrap_or_default();
            let index = builder.prompt(PromptInfo {
                id: format!("{subject}/{}", number + 1),
                text: Some(prompt.to_owned()),
                category: Some(subject.clone()),
                ..PromptInfo::default()
            });
            for model in &models {
                // Only the letter was asked for: an answer of one token.
                if let Some(cell) = problems.take(row.line, cell_of(row, model, prompt, "A", None)) {
                    let model = builder.model(model);
                    builder.cell(index, model, 0, cell);
                }
            }
        }
        problems.end()?;
    }
    Ok(())
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// The files as given, folders replaced by the CSV files in them by name.
fn csv_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ImportError> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|source| ImportError::Read {
            file: path.display().to_string(),
            source,
        })?;
        let mut inside: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| extension(path) == "csv")
            .collect();
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

fn models_of(columns: &[String], with_answers: bool) -> Vec<String> {
    columns
        .iter()
        .filter(|c| *c != "prompt" && !c.ends_with(RESPONSE) && !c.is_empty())
        .filter(|c| !with_answers || columns.contains(&format!("{c}{RESPONSE}")))
        .cloned()
        .collect()
}

fn cell_of(row: &Row, model: &str, prompt: &str, counted: &str, answer: Option<&str>) -> Result<Cell, String> {
    let right = row
        .flag(model)
        .ok_or_else(|| format!("{model} is neither True nor False"))?;
    let [sent, answered] = [prompt, counted].map(|text| f64_from_u64(estimated_tokens(text)));
    let price = PRICES.iter().find(|(name, ..)| *name == model);
    let cost = price.map(|(_, input, output)| (sent * input + answered * output) / 1e6);
    Ok(Cell {
        outcome: Outcome::Scored,
        score: Some(f64::from(u8::from(right))),
        cost_usd: cost,
        cost_list_usd: cost,
        latency_ms: None,
        usage_source: UsageSource::Estimated,
        answer: answer.map(str::to_owned),
    })
}
