//! Rows of a CSV or JSON Lines file by column name, and the cells in them.

use serde_json::{Map, Value};

use super::ImportError;
use crate::dataset::RowProblem;

/// A row with the line it starts on.
pub(super) struct Row {
    pub(super) line: u64,
    cells: Map<String, Value>,
}

/// Every row of a CSV text; the columns, and what could not be read.
pub(super) fn csv(text: &str, file: &str) -> Result<(Vec<String>, Vec<Row>), ImportError> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let bad = |line: u64, message: String| ImportError::Rows {
        file: file.to_owned(),
        problems: vec![RowProblem { line, message }],
    };
    let columns: Vec<String> = reader
        .headers()
        .map_err(|e| bad(1, e.to_string()))?
        .iter()
        .map(str::to_owned)
        .collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| {
            let line = e.position().map_or(1, csv::Position::line);
            let message = match e.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("the row has {len} cells, the header {expected_len}")
                }
                _ => e.to_string(),
            };
            bad(line, message)
        })?;
        let line = record.position().map_or(1, csv::Position::line);
        let cells = columns
            .iter()
            .cloned()
            .zip(record.iter().map(|cell| Value::String(cell.to_owned())))
            .collect();
        rows.push(Row { line, cells });
    }
    Ok((columns, rows))
}

/// Every row of a JSON Lines text.
pub(super) fn jsonl(text: &str, file: &str) -> Result<Vec<Row>, ImportError> {
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for (line, text) in (1u64..).zip(text.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(text) {
            Ok(cells) => rows.push(Row { line, cells }),
            Err(e) => problems.push(RowProblem {
                line,
                // Of its position only the column holds: the parser sees one line at a time.
                message: format!("not a JSON object (column {})", e.column()),
            }),
        }
    }
    if problems.is_empty() {
        Ok(rows)
    } else {
        Err(ImportError::Rows {
            file: file.to_owned(),
            problems,
        })
    }
}

impl Row {
    /// A member of it, itself an object.
    pub(super) fn inner(&self, column: &str) -> Option<Row> {
        let cells = self.cells.get(column)?.as_object()?.clone();
        Some(Row { line: self.line, cells })
    }

    /// A text; `None` where there is none or it is blank.
    pub(super) fn text(&self, column: &str) -> Option<&str> {
        self.raw_text(column).filter(|text| !text.trim().is_empty())
    }

    /// A text, blank or not.
    pub(super) fn raw_text(&self, column: &str) -> Option<&str> {
        self.cells.get(column)?.as_str()
    }

    /// Text or number as text.
    pub(super) fn name(&self, column: &str) -> Option<String> {
        match self.cells.get(column)? {
            Value::Number(number) => Some(number.to_string()),
            _ => self.text(column).map(str::to_owned),
        }
    }

    /// Whether a member is `true`, in any of the usual spellings; `None` where it is not there.
    pub(super) fn flag(&self, column: &str) -> Option<bool> {
        match self.cells.get(column)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => spelled(text),
            _ => None,
        }
    }

    /// A finite number of at least 0, `Ok(None)` where the cell is empty or not there.
    pub(super) fn amount(&self, column: &str) -> Result<Option<f64>, String> {
        match self.number(column)? {
            Some(number) if number < 0.0 => Err(format!("{column} is {number}, which is below 0")),
            other => Ok(other),
        }
    }

    /// A score: a finite number, or true and false.
    pub(super) fn score(&self, column: &str) -> Result<Option<f64>, String> {
        match self.flag(column) {
            Some(flag) => Ok(Some(f64::from(u8::from(flag)))),
            None => self.number(column),
        }
    }

    /// A finite number, `Ok(None)` where the cell is empty or not there.
    pub(super) fn number(&self, column: &str) -> Result<Option<f64>, String> {
        let number = match self.cells.get(column) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        match number {
            Some(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(format!("{column} is no number")),
        }
    }
}

fn spelled(text: &str) -> Option<bool> {
    match text.trim() {
        "True" | "true" | "TRUE" => Some(true),
        "False" | "false" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Holds that a file has some columns.
pub(super) fn require(file: &str, columns: &[String], wanted: &[&str]) -> Result<(), ImportError> {
    let missing: Vec<String> = wanted
        .iter()
        .filter(|w| !columns.iter().any(|c| c == *w))
        .map(|w| format!("\"{w}\""))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(ImportError::Columns {
        file: file.to_owned(),
        message: format!("no column {}", missing.join(", no column ")),
        present: columns.to_vec(),
    })
}

/// Collects what is wrong with the rows of a file.
pub(super) struct Problems<'a> {
    file: &'a str,
    found: Vec<RowProblem>,
}

impl<'a> Problems<'a> {
    pub(super) fn of(file: &'a str) -> Self {
        Self {
            file,
            found: Vec::new(),
        }
    }

    /// Notes what is wrong with a row.
    pub(super) fn add(&mut self, line: u64, message: impl Into<String>) {
        self.found.push(RowProblem {
            line,
            message: message.into(),
        });
    }

    /// The value, or `None` and a note.
    pub(super) fn take<T>(&mut self, line: u64, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.add(line, message)).ok()
    }

    pub(super) fn end(self) -> Result<(), ImportError> {
        if self.found.is_empty() {
            Ok(())
        } else {
            Err(ImportError::Rows {
                file: self.file.to_owned(),
                problems: self.found,
            })
        }
    }
}
