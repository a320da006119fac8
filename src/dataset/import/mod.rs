//! Datasets as others publish them: CLINC150's JSON, CSV of intents, MT-bench's questions, RouteLLM's responses, Parquet of the
//! Hugging Face hub. Rows come in the order of the file; what has no place in a dataset of routecal is said in a note.

mod label_map;

use serde::Deserialize;
use serde_json::Value;

use super::{CALIBRATION, DatasetError, parquet};
use crate::error::{ErrorClass, Hint};

pub use label_map::{LabelMap, LabelMapError, Unmapped};

/// Columns that hold the prompt in the CSV and Parquet files that are common, the likelier name first.
const PROMPT_COLUMNS: [&str; 8] = [
    "prompt",
    "text",
    "utterance",
    "query",
    "question",
    "sentence",
    "input",
    "instruction",
];
/// Columns that hold the label.
const LABEL_COLUMNS: [&str; 9] = [
    "label_text",
    "label",
    "intent",
    "category",
    "class",
    "route",
    "expected_route",
    "labels",
    "target",
];
/// What RouteLLM's columns of answers end with.
const RESPONSE: &str = "_response";

/// How a dataset is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// CLINC150 (Larson et al. 2019): `{"train": [["text", "intent"], …], "oos_test": …}`.
    Clinc150,
    /// A column with the prompt and one with the label, as Banking77 and many others.
    IntentCsv,
    /// MT-bench: JSON Lines with `turns`, `category` and sometimes `reference`.
    MtBench,
    /// RouteLLM's responses: `prompt` and two columns a model; no labels.
    RouteLlm,
    /// Parquet with the features that the hub writes into it, which name the labels.
    HuggingFace,
}

impl Published {
    /// In messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clinc150 => "CLINC150",
            Self::IntentCsv => "CSV of intents",
            Self::MtBench => "MT-bench",
            Self::RouteLlm => "RouteLLM",
            Self::HuggingFace => "Hugging Face Parquet",
        }
    }
}

/// A row of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublishedRow {
    /// The prompt.
    pub prompt: String,
    /// Its label, where there is one.
    pub label: Option<String>,
    /// Its split, where the file has splits: `val` and `validation` as `calibration`.
    pub split: Option<String>,
    /// The right answer, where there is one.
    pub reference: Option<String>,
}

/// The columns to take, where they have other names than the usual ones.
#[derive(Debug, Clone, Default)]
pub struct PublishedColumns {
    /// Of the prompt.
    pub prompt: Option<String>,
    /// Of the label.
    pub label: Option<String>,
}

/// A dataset read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedDataset {
    /// How it was published.
    pub as_published: Published,
    /// In the order of the file.
    pub rows: Vec<PublishedRow>,
    /// What was left out.
    pub notes: Vec<String>,
}

/// A file that cannot be read as a published dataset.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct PublishedError {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub message: String,
}

impl Hint for PublishedError {
    fn hint(&self) -> Option<String> {
        Some(
            "docs/exchange.md shows the shapes; --prompt-column and --label-column name the columns of CSV and Parquet"
                .into(),
        )
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Input
    }
}

/// Reads the bytes of a file; `file` is named in errors. Without `published`, by its shape. O(bytes).
///
/// # Errors
/// [`PublishedError`]: of no known shape, or a row that is not of it, with its line.
pub fn read_published(
    bytes: Vec<u8>,
    file: &str,
    published: Option<Published>,
    columns: &PublishedColumns,
) -> Result<PublishedDataset, PublishedError> {
    let fail = |message: String| PublishedError {
        file: file.to_owned(),
        message,
    };
    let kind = published.or_else(|| detect(&bytes)).ok_or_else(|| {
        fail("no published dataset of a known shape; say which it is: --from clinc150, intent-csv, mt-bench, routellm or hugging-face".into())
    })?;
    let read = if kind == Published::HuggingFace {
        hugging_face(bytes, file, columns)
    } else {
        let text =
            String::from_utf8(bytes).map_err(|e| fail(format!("not UTF-8 (byte {})", e.utf8_error().valid_up_to())))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        match kind {
            Published::Clinc150 => clinc150(text),
            Published::MtBench => mt_bench(text),
            Published::RouteLlm => {
                let named = PublishedColumns {
                    prompt: columns.prompt.clone().or_else(|| Some("prompt".into())),
                    label: columns.label.clone(),
                };
                intents(text, &named, false)
            }
            Published::IntentCsv | Published::HuggingFace => intents(text, columns, true),
        }
    };
    let (mut rows, mut notes) = read.map_err(fail)?;
    let count = rows.len();
    rows.retain(|row| !row.prompt.trim().is_empty());
    if rows.len() < count {
        notes.push(format!("{} rows with an empty prompt are left out", count - rows.len()));
    }
    if rows.is_empty() {
        return Err(fail("no rows".into()));
    }
    Ok(PublishedDataset {
        as_published: kind,
        rows,
        notes,
    })
}

type Read = Result<(Vec<PublishedRow>, Vec<String>), String>;

fn detect(bytes: &[u8]) -> Option<Published> {
    if bytes.starts_with(b"PAR1") {
        return Some(Published::HuggingFace);
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    if text.starts_with('{') {
        let first: Option<Value> = serde_json::Deserializer::from_str(text).into_iter().next()?.ok();
        let first = first?;
        return if first.get("turns").is_some() {
            Some(Published::MtBench)
        } else if first.as_object()?.values().any(|split| split[0][1].is_string()) {
            Some(Published::Clinc150)
        } else {
            None
        };
    }
    let header = csv::ReaderBuilder::new()
        .from_reader(text.as_bytes())
        .headers()
        .ok()?
        .clone();
    if header.iter().any(|name| name.ends_with(RESPONSE)) {
        return Some(Published::RouteLlm);
    }
    let has = |names: &[&str]| names.iter().any(|name| place(&header, name).is_some());
    (has(&PROMPT_COLUMNS) && has(&LABEL_COLUMNS)).then_some(Published::IntentCsv)
}

/// Our names of the usual splits.
fn split_name(name: &str) -> String {
    match name {
        "val" | "valid" | "validation" | "dev" => CALIBRATION.into(),
        other => other.into(),
    }
}

fn clinc150(text: &str) -> Read {
    let splits: indexmap::IndexMap<String, Vec<(String, String)>> = serde_json::from_str(text)
        .map_err(|e| format!("not of the shape {{\"train\": [[\"text\", \"intent\"], …], …}}: {e}"))?;
    let rows = splits.into_iter().flat_map(|(split, rows)| {
        let split = split_name(split.strip_prefix("oos_").unwrap_or(&split));
        rows.into_iter().map(move |(prompt, label)| PublishedRow {
            prompt,
            label: Some(label),
            split: Some(split.clone()),
            reference: None,
        })
    });
    Ok((rows.collect(), Vec::new()))
}

#[derive(Deserialize)]
struct Question {
    turns: Vec<String>,
    category: Option<String>,
    reference: Option<Vec<String>>,
}

fn mt_bench(text: &str) -> Read {
    let mut rows = Vec::new();
    let mut more_turns = 0_usize;
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let question: Question = serde_json::from_str(text).map_err(|e| format!("line {line}: {e}"))?;
        more_turns += usize::from(question.turns.len() > 1);
        rows.push(PublishedRow {
            prompt: question
                .turns
                .into_iter()
                .next()
                .ok_or_else(|| format!("line {line}: no turns"))?,
            label: question.category,
            split: None,
            reference: question.reference.and_then(|all| all.into_iter().next()),
        });
    }
    let notes =
        (more_turns > 0).then(|| format!("{more_turns} questions have more than one turn: the first is the prompt"));
    Ok((rows, notes.into_iter().collect()))
}

fn place(header: &csv::StringRecord, name: &str) -> Option<usize> {
    header
        .iter()
        .position(|column| column.trim().eq_ignore_ascii_case(name))
}

/// The column of that name, or the likeliest of the usual ones.
fn column(header: &csv::StringRecord, named: Option<&str>, usual: &[&str], what: &str) -> Result<usize, String> {
    let found = match named {
        Some(name) => place(header, name),
        None => usual.iter().find_map(|name| place(header, name)),
    };
    found.ok_or_else(|| {
        let columns: Vec<&str> = header.iter().collect();
        let wanted = named.map_or_else(|| usual.join(", "), str::to_owned);
        format!(
            "no column for the {what} ({wanted}); the columns are {}",
            columns.join(", ")
        )
    })
}

fn intents(text: &str, columns: &PublishedColumns, labelled: bool) -> Read {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| e.to_string())?.clone();
    let prompt = column(&header, columns.prompt.as_deref(), &PROMPT_COLUMNS, "prompt")?;
    let label = if labelled || columns.label.is_some() {
        Some(column(&header, columns.label.as_deref(), &LABEL_COLUMNS, "label")?)
    } else {
        None
    };
    let split = place(&header, "split");
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        let cell = |column: usize| record.get(column).unwrap_or_default().to_owned();
        rows.push(PublishedRow {
            prompt: cell(prompt),
            label: label.map(cell),
            split: split.map(cell).map(|split| split_name(&split)),
            reference: None,
        });
    }
    let used = [Some(prompt), label, split];
    let unused: Vec<&str> = (header.iter().enumerate())
        .filter(|(place, _)| !used.contains(&Some(*place)))
        .map(|(_, name)| name)
        .collect();
    let notes = (!unused.is_empty()).then(|| format!("columns that are left out: {}", unused.join(", ")));
    Ok((rows, notes.into_iter().collect()))
}

fn hugging_face(bytes: Vec<u8>, file: &str, columns: &PublishedColumns) -> Read {
    // The caller names the file.
    let prefix = format!("{file}: ");
    let short = |error: DatasetError| {
        let told = error.to_string();
        told.strip_prefix(&prefix).map_or(told.clone(), str::to_owned)
    };
    let features = parquet::metadata(&bytes, file, "huggingface").map_err(short)?;
    let features: Value = features
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let named = [columns.prompt.as_deref(), columns.label.as_deref(), Some("split")];
    let wanted: Vec<&str> = PROMPT_COLUMNS
        .into_iter()
        .chain(LABEL_COLUMNS)
        .chain(named.into_iter().flatten())
        .collect();
    let prompts: Vec<&str> = match columns.prompt.as_deref() {
        Some(named) => vec![named],
        None => PROMPT_COLUMNS.to_vec(),
    };
    let table = parquet::cells(bytes, file, &wanted, &prompts).map_err(short)?;
    if let Some(problem) = table.problems.first() {
        return Err(format!("row {}: {}", problem.line, problem.message));
    }
    let header: csv::StringRecord = table.columns.iter().map(String::as_str).collect();
    let prompt = column(&header, columns.prompt.as_deref(), &PROMPT_COLUMNS, "prompt")?;
    let label = column(&header, columns.label.as_deref(), &LABEL_COLUMNS, "label")?;
    let split = place(&header, "split");
    let names = &features["info"]["features"][&table.columns[label]]["names"];
    let mut notes = Vec::new();
    let numbers = |cell: &str| cell.parse::<usize>().is_ok();
    if names.is_null()
        && table
            .rows
            .iter()
            .all(|(_, cells)| cells[label].as_deref().is_some_and(numbers))
    {
        notes.push("its labels are numbers, and the file does not name them".to_owned());
    }
    let mut rows = Vec::new();
    for (line, cells) in table.rows {
        let name = match (&cells[label], names.as_array()) {
            (Some(cell), Some(names)) => {
                let name = cell.parse::<usize>().ok().and_then(|index| names.get(index)?.as_str());
                // The hub writes -1 where a row has no label.
                match name {
                    Some(name) => Some(name.to_owned()),
                    None if cell == "-1" => Some("none".to_owned()),
                    None => {
                        return Err(format!(
                            "row {line}: label {cell} is none of the {} that it names",
                            names.len()
                        ));
                    }
                }
            }
            (cell, _) => cell.clone(),
        };
        rows.push(PublishedRow {
            prompt: cells[prompt].clone().unwrap_or_default(),
            label: name,
            split: split.and_then(|split| cells[split].as_deref()).map(split_name),
            reference: None,
        });
    }
    Ok((rows, notes))
}

/// What a column takes of a row.
type Cell = fn(&PublishedRow) -> &Option<String>;

/// The rows as CSV that routecal reads: columns prompt, label, split and reference, those that the file has.
///
/// # Panics
/// Never: a vector takes every byte.
pub fn published_csv(rows: &[PublishedRow]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let has = |cell: Cell| rows.iter().any(|row| cell(row).is_some());
    let optional: [(&str, Cell); 3] = [
        ("label", |row| &row.label),
        ("split", |row| &row.split),
        ("reference", |row| &row.reference),
    ];
    let present: Vec<(&str, Cell)> = optional.into_iter().filter(|(_, cell)| has(*cell)).collect();
    let header = std::iter::once("prompt").chain(present.iter().map(|(name, _)| *name));
    writer.write_record(header).expect("a Vec takes every byte");
    for row in rows {
        let cells = present.iter().map(|(_, cell)| cell(row).as_deref().unwrap_or_default());
        let record = std::iter::once(row.prompt.as_str()).chain(cells);
        writer.write_record(record).expect("a Vec takes every byte");
    }
    writer.into_inner().expect("a Vec takes every byte")
}
