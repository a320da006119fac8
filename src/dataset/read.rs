//! Reading the three formats.

use std::io::Read;
use std::path::Path;

use super::lines::Lines;
use super::log::name;
use super::{Dataset, DatasetError, Label, Row, RowProblem, json, prompt_problem, split};

/// File format of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header (RFC 4180; BOM, CRLF and quoted newlines are fine).
    Csv,
    /// One JSON object a line; the prompt may be a chat, of which the last message of the user counts, and `messages` stands in for `prompt`.
    Jsonl,
    /// Apache Parquet; prompts may be chats as in JSON Lines, lists of structs with `role` and `content`. Times become RFC 3339 in UTC.
    Parquet,
}

impl Format {
    /// By the file's extension; CSV where it says nothing.
    pub fn of(path: &Path) -> Self {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("jsonl" | "ndjson") => Self::Jsonl,
            Some("parquet" | "pq") => Self::Parquet,
            _ => Self::Csv,
        }
    }
}

/// Column names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Column with the prompt.
    pub prompt: String,
    /// Column with the label.
    pub label: String,
    /// Column with the split.
    pub split: String,
    /// Whether the split column was asked for by name, so that its absence is an error.
    pub split_required: bool,
    /// Column with the right answer to the prompt, if there is to be one.
    pub reference: Option<String>,
    /// Whether it was asked for by name, so that its absence is an error.
    pub reference_required: bool,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            prompt: "prompt".into(),
            label: "label".into(),
            split: "split".into(),
            split_required: false,
            reference: None,
            reference_required: false,
        }
    }
}

/// How to read a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Column names.
    pub columns: Columns,
    /// The format; by extension where `None`.
    pub format: Option<Format>,
    /// Whether a file without labels is fine.
    pub unlabelled: bool,
    /// Seed of the split for files that name none.
    pub seed: u64,
}

/// A row before it is checked.
pub(super) struct RawRow {
    pub(super) line: u64,
    pub(super) prompt: Option<String>,
    pub(super) label: Option<String>,
    pub(super) split: Option<String>,
    pub(super) reference: Option<String>,
}

/// Rows of a file, and which of the optional columns it has.
pub(super) struct Table {
    pub(super) rows: Vec<RawRow>,
    pub(super) has_label: bool,
    pub(super) has_split: bool,
    pub(super) problems: Vec<RowProblem>,
}

/// See [`Dataset::load`].
pub(super) fn load(path: &Path, options: &ReadOptions) -> Result<Dataset, DatasetError> {
    let source = name(path);
    let format = options.format.unwrap_or_else(|| Format::of(path));
    of_bytes(read_bytes(path, &source)?, source, format, options)
}

/// See [`Dataset::read`].
pub(super) fn of_bytes(
    bytes: Vec<u8>,
    source: String,
    format: Format,
    options: &ReadOptions,
) -> Result<Dataset, DatasetError> {
    if bytes.is_empty() {
        return Err(DatasetError::Empty { source_name: source });
    }
    let columns = &options.columns;
    let table = match format {
        Format::Parquet => super::parquet::read(bytes, &source, columns, options.unlabelled)?,
        Format::Csv => csv_table(text(&bytes, &source)?, &source, columns, options.unlabelled)?,
        Format::Jsonl => jsonl_table(text(&bytes, &source)?, &source, columns, options.unlabelled)?,
    };
    let hint = match format {
        Format::Parquet => None,
        Format::Csv => {
            Some("a cell with commas, quotes or line breaks stands in double quotes: \"like, this\",coding,test")
        }
        Format::Jsonl => Some(r#"a line looks like {"prompt": "…", "label": "coding", "split": "test"}"#),
    };
    finish(table, source, options, hint)
}

pub(super) fn read_bytes(path: &Path, source: &str) -> Result<Vec<u8>, DatasetError> {
    let read = |error| DatasetError::Read {
        source_name: source.to_owned(),
        source: error,
    };
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(read)?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(read)
}

/// The text without a byte order mark.
pub(super) fn text<'b>(bytes: &'b [u8], source: &str) -> Result<&'b str, DatasetError> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let offset = e.valid_up_to();
        DatasetError::NotUtf8 {
            source_name: source.to_owned(),
            line: bytes[..offset].split(|b| *b == b'\n').count(),
            offset,
        }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(DatasetError::Empty {
            source_name: source.to_owned(),
        });
    }
    Ok(text)
}

/// The column's index, or an error that names the columns there are.
fn find(present: &[String], wanted: &str, source: &str, flag: &'static str) -> Result<usize, DatasetError> {
    present
        .iter()
        .position(|c| c == wanted)
        .ok_or_else(|| DatasetError::MissingColumn {
            source_name: source.to_owned(),
            column: wanted.to_owned(),
            present: present.to_vec(),
            flag,
        })
}

/// Indices of the columns in a file.
pub(super) struct Located {
    pub(super) prompt: usize,
    pub(super) label: Option<usize>,
    pub(super) split: Option<usize>,
    pub(super) reference: Option<usize>,
}

/// Finds the columns.
pub(super) fn locate(
    present: &[String],
    columns: &Columns,
    source: &str,
    unlabelled: bool,
) -> Result<Located, DatasetError> {
    let prompt = find(present, &columns.prompt, source, "--prompt-column")?;
    let label = match find(present, &columns.label, source, "--label-column") {
        Ok(i) => Some(i),
        Err(_) if unlabelled => None,
        Err(e) => return Err(e),
    };
    let split = match find(present, &columns.split, source, "--split-column") {
        Ok(i) => Some(i),
        Err(e) if columns.split_required => return Err(e),
        Err(_) => None,
    };
    let reference = match &columns.reference {
        None => None,
        Some(name) => match find(present, name, source, "--reference-column") {
            Ok(i) => Some(i),
            Err(e) if columns.reference_required => return Err(e),
            Err(_) => None,
        },
    };
    Ok(Located {
        prompt,
        label,
        split,
        reference,
    })
}

fn csv_table(text: &str, source: &str, columns: &Columns, unlabelled: bool) -> Result<Table, DatasetError> {
    let malformed = |error: &csv::Error| DatasetError::Malformed {
        source_name: source.to_owned(),
        line: error.position().map_or(0, csv::Position::line),
        message: error.to_string(),
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let present: Vec<String> = reader
        .headers()
        .map_err(|e| malformed(&e))?
        .iter()
        .map(|h| h.trim().to_owned())
        .collect();
    let at = locate(&present, columns, source, unlabelled)?;
    let mut table = Table {
        rows: Vec::new(),
        has_label: at.label.is_some(),
        has_split: at.split.is_some(),
        problems: Vec::new(),
    };
    let mut lines = Lines::new(text);
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|e| malformed(&e))? {
        let line = record.position().map_or(0, |p| lines.line_of(p.byte()));
        if record.len() != present.len() {
            table.problems.push(RowProblem {
                line,
                message: format!("{} fields where the header has {}", record.len(), present.len()),
            });
            continue;
        }
        let cell = |i: usize| record.get(i).map(str::to_owned);
        table.rows.push(RawRow {
            line,
            prompt: cell(at.prompt),
            label: at.label.and_then(cell),
            split: at.split.and_then(cell),
            reference: at.reference.and_then(cell),
        });
    }
    Ok(table)
}

fn jsonl_table(text: &str, source: &str, columns: &Columns, unlabelled: bool) -> Result<Table, DatasetError> {
    let mut table = Table {
        rows: Vec::new(),
        has_label: false,
        has_split: false,
        problems: Vec::new(),
    };
    let mut present: Vec<String> = Vec::new();
    for (line, text) in (1u64..).zip(text.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        let object: serde_json::Map<String, serde_json::Value> = match serde_json::from_str(text) {
            Ok(object) => object,
            Err(e) => {
                // Of its position only the column holds: the parser sees one line at a time.
                let text = e.to_string();
                let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
                table.problems.push(RowProblem {
                    line,
                    message: format!("not a JSON object: {what} (column {})", e.column()),
                });
                continue;
            }
        };
        json::note_columns(&object, &columns.prompt, &mut present);
        match jsonl_row(&object, columns, line) {
            Ok(row) => table.rows.push(row),
            Err(problem) => table.problems.push(problem),
        }
    }
    if !table.rows.is_empty() {
        let at = locate(&present, columns, source, unlabelled)?;
        table.has_label = at.label.is_some();
        table.has_split = at.split.is_some();
    }
    Ok(table)
}

fn jsonl_row(
    object: &serde_json::Map<String, serde_json::Value>,
    columns: &Columns,
    line: u64,
) -> Result<RawRow, RowProblem> {
    let problem = |message| RowProblem { line, message };
    let cell = |key: &str| json::text_of(object, key).map_err(problem);
    // An answer may be a number or true: it is compared as text.
    let reference = columns.reference.as_deref().and_then(|key| match object.get(key)? {
        serde_json::Value::String(text) => Some(text.clone()),
        other @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_)) => Some(other.to_string()),
        _ => None,
    });
    Ok(RawRow {
        line,
        prompt: json::prompt_of(object, &columns.prompt).map_err(problem)?,
        label: cell(&columns.label)?,
        split: cell(&columns.split)?,
        reference,
    })
}

/// Checks every row and fills in the splits.
fn finish(table: Table, source: String, options: &ReadOptions, hint: Option<&str>) -> Result<Dataset, DatasetError> {
    let mut problems = table.problems;
    let total = table.rows.len() + problems.len();
    let mut rows = Vec::with_capacity(table.rows.len());
    for raw in table.rows {
        let prompt = raw.prompt.unwrap_or_default();
        let split = raw.split.unwrap_or_default();
        let problem = prompt_problem(&prompt)
            .or_else(|| (table.has_split && split.trim().is_empty()).then(|| "the split is empty".to_owned()));
        if let Some(message) = problem {
            problems.push(RowProblem {
                line: raw.line,
                message,
            });
            continue;
        }
        rows.push(Row {
            line: raw.line,
            prompt,
            label: table
                .has_label
                .then(|| Label::parse(raw.label.as_deref().unwrap_or_default())),
            split,
            reference: raw.reference.filter(|r| !r.trim().is_empty()),
        });
    }
    if !problems.is_empty() {
        problems.sort_by_key(|p| p.line);
        return Err(DatasetError::BadRows {
            source_name: source,
            problems,
            rows: total,
            hint: hint.map(str::to_owned),
        });
    }
    if rows.is_empty() {
        return Err(DatasetError::NoRows { source_name: source });
    }
    if !table.has_split {
        split::assign(&mut rows, options.seed);
    }
    Ok(Dataset {
        source,
        rows,
        split_column: table.has_split,
    })
}
