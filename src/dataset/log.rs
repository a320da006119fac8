//! A log of production traffic: prompts, or the scores that a router gave them, without labels; perhaps with the time.

use std::collections::HashMap;
use std::path::Path;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use sha2::{Digest, Sha256};

use super::lines::Lines;
use super::read::{read_bytes, text};
use super::{DatasetError, Format, RowProblem, cell, json, parquet, prompt_problem};
use crate::assets::hex;
use crate::error::nearest;

/// Which columns a log may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogColumns {
    /// Column with the prompt.
    pub prompt: String,
    /// Column with the time; `None` to look for none.
    pub time: Option<String>,
    /// Whether that was asked for by name, so that its absence is an error.
    pub time_required: bool,
    /// Whether scores in the file are to be left alone, and prompts scored anew.
    pub ignore_scores: bool,
}

/// The scores of a row: columns `score`, `gap`, and `best` or `route`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogScore {
    /// Route with the highest score.
    pub best: usize,
    /// Its score.
    pub score: f64,
    /// Score minus the runner-up's; infinite where the cell is empty and there is one route alone.
    pub gap: f64,
}

/// One row of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    /// 1-based line on which the row starts (for Parquet: the row's number).
    pub line: u64,
    /// The prompt, where the file has prompts.
    pub prompt: Option<String>,
    /// The scores, where the file has scores and they were not to be left alone.
    pub score: Option<LogScore>,
    /// The day, in UTC, where the file has a time.
    pub day: Option<NaiveDate>,
}

/// A log, in its order: all rows have scores, or none has.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// The file, or `standard input`.
    pub source: String,
    /// The rows.
    pub rows: Vec<LogRow>,
    /// Whether the rows have scores.
    pub scored: bool,
    /// Whether the rows have prompts.
    pub prompts: bool,
    /// The column with the time, if there is one.
    pub time_column: Option<String>,
    /// sha256 of the columns that were read.
    pub sha256: String,
}

/// The file as errors and reports name it.
pub(super) fn name(path: &Path) -> String {
    if path == Path::new("-") {
        return "standard input".to_owned();
    }
    path.display().to_string()
}

/// Text cells of a file; a missing or null one is `None`.
pub(super) struct Cells {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<(u64, Vec<Option<String>>)>,
    pub(super) problems: Vec<RowProblem>,
}

impl Log {
    /// Reads `path` (`-` is standard input). With columns `score`, `gap` and `best` (or `route`) it is a log of scores, as
    /// `predictions.csv` of `eval` is; otherwise a log of prompts. Route names are held against `routes`.
    ///
    /// # Errors
    /// [`DatasetError`]: unreadable, not UTF-8, no rows, a missing column, malformed or bad rows.
    pub fn load(
        path: &Path,
        format: Option<Format>,
        columns: &LogColumns,
        routes: &[String],
    ) -> Result<Self, DatasetError> {
        let source = name(path);
        let bytes = read_bytes(path, &source)?;
        if bytes.is_empty() {
            return Err(DatasetError::Empty { source_name: source });
        }
        let mut wanted = vec![columns.prompt.as_str(), "score", "gap", "best", "route"];
        wanted.extend(columns.time.as_deref());
        let cells = match format.unwrap_or_else(|| Format::of(path)) {
            Format::Parquet => parquet::cells(bytes, &source, &wanted, &[&columns.prompt])?,
            Format::Csv => csv_cells(text(&bytes, &source)?, &source)?,
            Format::Jsonl => jsonl_cells(text(&bytes, &source)?, &columns.prompt),
        };
        finish(cells, source, columns, routes)
    }
}

/// Where the columns stand in the file.
struct Places {
    prompt: Option<usize>,
    /// Score, gap, best.
    score: Option<[usize; 3]>,
    time: Option<usize>,
}

fn places(present: &[String], columns: &LogColumns, source: &str) -> Result<Places, DatasetError> {
    let find = |wanted: &str| present.iter().position(|c| c == wanted);
    let missing = |column: &str, flag| DatasetError::MissingColumn {
        source_name: source.to_owned(),
        column: column.to_owned(),
        present: present.to_vec(),
        flag,
    };
    let prompt = find(&columns.prompt);
    let best = find("best").or_else(|| find("route"));
    let score = match (find("score"), find("gap"), best) {
        (Some(score), Some(gap), Some(best)) if !columns.ignore_scores => Some([score, gap, best]),
        // A log of scores that lacks one: say which, rather than ask for prompts.
        (Some(_), None, _) if prompt.is_none() => return Err(missing("gap", "--log-prompt-column")),
        (Some(_), Some(_), None) if prompt.is_none() => return Err(missing("best", "--log-prompt-column")),
        _ => None,
    };
    if score.is_none() && prompt.is_none() {
        return Err(missing(&columns.prompt, "--log-prompt-column"));
    }
    let time = match &columns.time {
        Some(wanted) => match find(wanted) {
            None if columns.time_required => return Err(missing(wanted, "--time-column")),
            found => found,
        },
        None => None,
    };
    Ok(Places { prompt, score, time })
}

fn finish(cells: Cells, source: String, columns: &LogColumns, routes: &[String]) -> Result<Log, DatasetError> {
    let total = cells.rows.len() + cells.problems.len();
    let mut problems = cells.problems;
    if cells.rows.is_empty() && problems.is_empty() {
        return Err(DatasetError::NoRows { source_name: source });
    }
    let at = match places(&cells.columns, columns, &source) {
        Err(_) if cells.rows.is_empty() => Places {
            prompt: None,
            score: None,
            time: None,
        },
        found => found?,
    };
    let index: HashMap<&str, usize> = routes.iter().enumerate().map(|(i, r)| (r.as_str(), i)).collect();
    let mut hash = Sha256::new();
    let mut rows = Vec::with_capacity(cells.rows.len());
    for (line, cells) in cells.rows {
        let cell = |i: usize| cells[i].as_deref().unwrap_or_default().trim();
        let read = || -> Result<LogRow, String> {
            let score = at
                .score
                .map(|[s, g, b]| scores(cell(s), cell(g), cell(b), routes, &index))
                .transpose()?;
            let prompt = at.prompt.and_then(|i| cells[i].clone());
            if score.is_none()
                && let Some(problem) = prompt_problem(prompt.as_deref().unwrap_or_default())
            {
                return Err(problem);
            }
            let day = at.time.map(|i| utc_day(cell(i))).transpose()?;
            Ok(LogRow {
                line,
                prompt,
                score,
                day,
            })
        };
        match read() {
            Ok(row) => rows.push(row),
            Err(message) => problems.push(RowProblem { line, message }),
        }
        let used = at
            .prompt
            .into_iter()
            .chain(at.score.into_iter().flatten())
            .chain(at.time);
        for i in used {
            let text = cells[i].as_deref().unwrap_or_default();
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
    }
    if !problems.is_empty() {
        problems.sort_by_key(|p| p.line);
        let of_time = problems.iter().any(|p| p.message.contains("is no time"));
        return Err(DatasetError::BadRows {
            source_name: source,
            problems,
            rows: total,
            hint: of_time.then(|| "name another column with --time-column COLUMN, or leave time out: --by none".into()),
        });
    }
    Ok(Log {
        source,
        rows,
        scored: at.score.is_some(),
        prompts: at.prompt.is_some(),
        time_column: at.time.map(|i| cells.columns[i].clone()),
        sha256: hex(&hash.finalize()),
    })
}

fn scores(
    score: &str,
    gap: &str,
    best: &str,
    routes: &[String],
    index: &HashMap<&str, usize>,
) -> Result<LogScore, String> {
    let number = |name: &str, text: &str, low: f64, high: f64| match text.parse::<f64>() {
        Ok(value) if (low..=high).contains(&value) => Ok(value),
        Ok(_) => Err(format!("{name} {text} is not within {low} and {high}")),
        Err(_) => Err(format!("{name} \"{text}\" is no number")),
    };
    let Some(index) = index.get(best).or_else(|| index.get(cell::bare(best))) else {
        let near =
            nearest(best, routes.iter().map(String::as_str)).map_or_else(String::new, |n| format!(" (nearest: {n})"));
        return Err(format!("\"{best}\" is no route{near}"));
    };
    Ok(LogScore {
        best: *index,
        score: number("score", score, -1.0, 1.0)?,
        gap: if gap.is_empty() && routes.len() == 1 {
            f64::INFINITY
        } else {
            number("gap", gap, 0.0, 2.0)?
        },
    })
}

/// The day in UTC of an RFC 3339 time, or of what starts with YYYY-MM-DD.
fn utc_day(text: &str) -> Result<NaiveDate, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.with_timezone(&Utc).date_naive());
    }
    let date = text
        .get(..10)
        .filter(|_| text.len() == 10 || text[10..].starts_with(['T', 't', ' ']));
    date.and_then(|date| NaiveDate::parse_from_str(date, "%Y-%m-%d").ok())
        .ok_or_else(|| format!("\"{text}\" is no time: write 2026-11-25 or 2026-11-25T08:30:00Z"))
}

/// The Monday of a day's week.
pub(crate) fn monday(day: NaiveDate) -> NaiveDate {
    let since = u64::from(day.weekday().num_days_from_monday());
    day.checked_sub_days(Days::new(since)).unwrap_or(day)
}

/// The cells of a CSV text in all its columns; rows of another length than the header are problems.
pub(super) fn csv_cells(text: &str, source: &str) -> Result<Cells, DatasetError> {
    let malformed = |error: &csv::Error| DatasetError::Malformed {
        source_name: source.to_owned(),
        line: error.position().map_or(0, csv::Position::line),
        message: error.to_string(),
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|e| malformed(&e))?;
    let columns: Vec<String> = headers.iter().map(|h| h.trim().to_owned()).collect();
    let (mut rows, mut problems, mut lines) = (Vec::new(), Vec::new(), Lines::new(text));
    for record in reader.records() {
        let record = record.map_err(|e| malformed(&e))?;
        let line = record.position().map_or(0, |p| lines.line_of(p.byte()));
        if record.len() == columns.len() {
            rows.push((line, record.iter().map(|cell| Some(cell.to_owned())).collect()));
        } else {
            let message = format!("{} fields where the header has {}", record.len(), columns.len());
            problems.push(RowProblem { line, message });
        }
    }
    Ok(Cells {
        columns,
        rows,
        problems,
    })
}

/// Numbers are taken as they are written; the prompt must be a string or a chat.
fn jsonl_cells(text: &str, prompt: &str) -> Cells {
    use serde_json::{Map, Value};

    let (mut columns, mut objects, mut problems) = (Vec::<String>::new(), Vec::new(), Vec::new());
    for (line, text) in (1_u64..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(object) => {
                json::note_columns(&object, prompt, &mut columns);
                objects.push((line, object));
            }
            Err(e) => problems.push(RowProblem {
                line,
                message: format!("not a JSON object (column {})", e.column()),
            }),
        }
    }
    let mut rows = Vec::with_capacity(objects.len());
    for (line, object) in objects {
        let asked = match json::prompt_of(&object, prompt) {
            Ok(asked) => asked,
            Err(message) => {
                problems.push(RowProblem { line, message });
                continue;
            }
        };
        let cell = |key: &String| match object.get(key) {
            _ if key == prompt => asked.clone(),
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        };
        rows.push((line, columns.iter().map(cell).collect()));
    }
    Cells {
        columns,
        rows,
        problems,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_utc() {
        let day = |text: &str| utc_day(text).map(|d| d.to_string());
        assert_eq!(day("2026-11-25").as_deref(), Ok("2026-11-25"));
        assert_eq!(day("2026-11-25 23:59:59").as_deref(), Ok("2026-11-25"));
        assert_eq!(day("2026-11-25T23:30:00-02:00").as_deref(), Ok("2026-11-26"));
        assert_eq!(day("2026-11-25T00:30:00.5+01:00").as_deref(), Ok("2026-11-24"));
        for bad in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-11-2",
            "1764028800",
            "2026-11-250",
            "täglich, äöü",
        ] {
            assert!(day(bad).is_err(), "{bad}");
        }
        let monday = |text: &str| monday(utc_day(text).unwrap()).to_string();
        assert_eq!(monday("2026-11-23"), "2026-11-23");
        assert_eq!(monday("2026-11-29"), "2026-11-23");
    }

    #[test]
    fn scores_are_held_against_their_ranges_and_the_routes() {
        let names = ["coding".to_owned(), "creative".to_owned()];
        let index = HashMap::from([("coding", 0), ("creative", 1)]);
        let of = |score, gap, best, routes: usize| scores(score, gap, best, &names[..routes], &index);
        let found = of("0.5", "0.1", "creative", 2).unwrap();
        assert_eq!((found.best, found.score, found.gap), (1, 0.5, 0.1));
        assert!(of("0.5", "", "coding", 1).unwrap().gap.is_infinite());
        for (score, gap, best, word) in [
            ("x", "0.1", "coding", "no number"),
            ("NaN", "0.1", "coding", "not within"),
            ("1.5", "0.1", "coding", "not within"),
            ("0.5", "", "coding", "no number"),
            ("0.5", "-0.1", "coding", "not within"),
            ("0.5", "0.1", "codng", "nearest: coding"),
        ] {
            let message = of(score, gap, best, 2).unwrap_err();
            assert!(message.contains(word), "{message}");
        }
    }
}
