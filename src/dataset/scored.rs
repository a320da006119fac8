//! Scored, labelled prompts, read a stretch at a time: fifty million rows take no more memory than a thousand.
//!
//! The columns are those of the `predictions.csv` that `eval` writes: label, best (or route), score, gap, and where there are
//! any `runner_up` and split; others are not looked at. Route names become indices while reading, so that a row costs no text.

mod records;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::labels::{listed, unknown};
use super::log::name;
use super::{DatasetError, Format, Label, RowProblem, Truth, cell, parquet};
use crate::assets::hex;
use crate::error::nearest;

/// What a file should look like.
const SHAPE: &str =
    "a scored file has the columns label, best, score, gap, as the predictions.csv of `routecal eval` has";

/// Rows that cannot be used, after which reading stops: the file is not what it was taken for.
const MOST_PROBLEMS: usize = 100;

/// How far a cosine may pass 1 by rounding in f32; further off it is no cosine.
const ROUNDING: f64 = 1e-6;

/// Columns of a scored file that may have other names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoredColumns {
    /// Column with the label.
    pub label: String,
    /// Column with the split.
    pub split: String,
    /// Whether that was asked for by name, so that its absence is an error.
    pub split_required: bool,
}

/// A part of the rows: number `index`, from 1, of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    of: u64,
}

impl Shard {
    /// All rows.
    pub const WHOLE: Self = Self { index: 1, of: 1 };

    /// Checks that there is such a part.
    pub fn new(index: u64, of: u64) -> Option<Self> {
        (index >= 1 && index <= of).then_some(Self { index, of })
    }

    /// Which part, from 1.
    pub fn index(self) -> u64 {
        self.index
    }

    /// Of how many.
    pub fn of(self) -> u64 {
        self.of
    }

    /// Of so many rows in order, the first that is in it and the first that is not.
    pub(super) fn range(self, rows: u64) -> (u64, u64) {
        let start = |index: u64| {
            let at = u128::from(rows) * u128::from(index) / u128::from(self.of);
            u64::try_from(at).unwrap_or(rows)
        };
        (start(self.index - 1), start(self.index))
    }
}

/// One scored, labelled prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredRow<'a> {
    /// Where it belongs.
    pub truth: Truth,
    /// Route with the highest score.
    pub best: usize,
    /// Its score, −1 to 1.
    pub score: f64,
    /// Score minus the runner-up's, 0 to 2; infinite for a lone route.
    pub gap: f64,
    /// The route with the second highest score, where the file says.
    pub runner_up: Option<usize>,
    /// Its split, where the file has splits.
    pub split: Option<&'a str>,
}

/// What a scored file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoredSource {
    /// The file.
    pub source: String,
    /// Of a CSV, sha256 of the file; of a Parquet file, of its length and its footer, which holds place, size and range of every
    /// piece of every column.
    pub sha256: String,
    /// Rows in the file.
    pub rows: u64,
    /// Whether it has splits.
    pub split_column: bool,
    /// Whether it has runners-up.
    pub runner_ups: bool,
}

/// The cells of a row as they stand in the file; `None` where there is none.
pub(super) struct Cells<'a> {
    pub(super) label: Option<&'a str>,
    pub(super) best: Option<&'a str>,
    pub(super) score: Option<f64>,
    pub(super) gap: Option<f64>,
    pub(super) runner_up: Option<&'a str>,
    pub(super) split: Option<&'a str>,
}

/// Which columns a file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Present {
    pub(super) label: String,
    pub(super) best: String,
    pub(super) runner_up: bool,
    pub(super) split: Option<String>,
}

impl Present {
    fn find(columns: &[String], wanted: &ScoredColumns, source: &str) -> Result<Self, DatasetError> {
        let has = |name: &str| columns.iter().any(|c| c == name);
        let missing = |column: &str, hint: &'static str| DatasetError::MissingScored {
            source_name: source.to_owned(),
            column: column.to_owned(),
            present: columns.to_vec(),
            hint,
        };
        for column in ["score", "gap"] {
            if !has(column) {
                return Err(missing(column, SHAPE));
            }
        }
        let best = ["best", "route"].into_iter().find(|name| has(name));
        let best = best.ok_or_else(|| missing("best", SHAPE))?;
        if !has(&wanted.label) {
            return Err(missing(&wanted.label, "name the column with --label-column COLUMN"));
        }
        if wanted.split_required && !has(&wanted.split) {
            return Err(missing(&wanted.split, "name the column with --split-column COLUMN"));
        }
        Ok(Self {
            label: wanted.label.clone(),
            best: best.to_owned(),
            runner_up: has("runner_up"),
            split: has(&wanted.split).then(|| wanted.split.clone()),
        })
    }
}

/// Cells to rows: names to indices, numbers to their range; what is wrong is gathered.
pub(super) struct Reading<'a> {
    routes: &'a [String],
    present: Present,
    problems: Vec<RowProblem>,
    each: &'a mut dyn FnMut(&ScoredRow<'_>),
}

/// Enough is wrong: reading stops.
pub(super) struct Stopped;

impl Reading<'_> {
    pub(super) fn present(&self) -> &Present {
        &self.present
    }

    /// Takes a row, or notes what is wrong with it.
    pub(super) fn row(&mut self, line: u64, cells: &Cells<'_>) -> Result<(), Stopped> {
        match self.check(cells) {
            Ok(row) => (self.each)(&row),
            Err(message) => return self.problem(line, message),
        }
        Ok(())
    }

    pub(super) fn problem(&mut self, line: u64, message: String) -> Result<(), Stopped> {
        self.problems.push(RowProblem { line, message });
        if self.problems.len() >= MOST_PROBLEMS {
            return Err(Stopped);
        }
        Ok(())
    }

    fn check<'c>(&self, cells: &Cells<'c>) -> Result<ScoredRow<'c>, String> {
        let none = |column: &str| format!("column \"{column}\" is empty");
        let label = cells.label.ok_or_else(|| none(&self.present.label))?;
        let truth = match self.route(label) {
            Some(route) => Truth::Route(route),
            None if Label::parse(label) == Label::OutOfDomain => Truth::OutOfDomain,
            None => return Err(unknown(label, self.routes)),
        };
        let best = cells.best.ok_or_else(|| none(&self.present.best))?;
        let best = self.route(best).ok_or_else(|| {
            let near = nearest(best, self.routes.iter().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!("; the nearest is \"{near}\""));
            format!("column \"{}\": {best:?} is no route{near}", self.present.best)
        })?;
        let number = |column: &str, value: Option<f64>, low: f64, high: f64| {
            let value = value.ok_or_else(|| none(column))?;
            if (low - ROUNDING..=high + ROUNDING).contains(&value) {
                return Ok(value.clamp(low, high));
            }
            Err(format!("column \"{column}\": {value} is not within {low} and {high}"))
        };
        let score = number("score", cells.score, -1.0, 1.0)?;
        let gap = match cells.gap {
            // A lone route has no runner-up.
            None if self.routes.len() == 1 => f64::INFINITY,
            Some(gap) if self.routes.len() == 1 && gap > 0.0 && gap.is_infinite() => gap,
            gap => number("gap", gap, 0.0, 2.0)?,
        };
        let runner_up = match cells.runner_up {
            None | Some("") => None,
            Some(text) => match self.route(text) {
                Some(route) => Some(route),
                None => return Err(format!("column \"runner_up\": {text:?} is no route")),
            },
        };
        if self.present.split.is_some() && cells.split.is_none_or(str::is_empty) {
            return Err(none(self.present.split.as_deref().unwrap_or("split")));
        }
        Ok(ScoredRow {
            truth,
            best,
            score,
            gap,
            runner_up,
            split: cells.split.map(cell::bare),
        })
    }

    /// Few names are found sooner by looking at each than by hashing; a router has few.
    fn route(&self, name: &str) -> Option<usize> {
        let of = |name: &str| self.routes.iter().position(|route| route == name);
        of(name).or_else(|| of(cell::bare(name)))
    }
}

/// A scored file that was found to have the columns it needs.
pub struct ScoredFile {
    path: PathBuf,
    source: String,
    present: Present,
    /// Where it is a Parquet file: the file, and the hash of its footer.
    parquet: Option<(parquet::Scored, String)>,
}

impl ScoredFile {
    /// Looks at the columns.
    ///
    /// # Errors
    /// [`DatasetError`]: unreadable, empty, a missing column.
    pub fn open(path: &Path, columns: &ScoredColumns) -> Result<Self, DatasetError> {
        let source = name(path);
        let fail = |error: std::io::Error| DatasetError::Read {
            source_name: source.clone(),
            source: error,
        };
        let mut file = File::open(path).map_err(fail)?;
        // A folder opens, and fails only when it is read.
        let length = file.metadata().map_err(fail)?.len();
        if file.metadata().map_err(fail)?.is_dir() {
            return Err(fail(std::io::ErrorKind::IsADirectory.into()));
        }
        if length == 0 {
            return Err(DatasetError::Empty { source_name: source });
        }
        let (names, parquet) = if Format::of(path) == Format::Parquet {
            let opened = parquet::Scored::open(path, &source)?;
            let sha256 = footer_hash(&mut file, length).map_err(fail)?;
            (opened.columns.clone(), Some((opened, sha256)))
        } else {
            (records::columns(path, &source)?, None)
        };
        Ok(Self {
            path: path.to_owned(),
            present: Present::find(&names, columns, &source)?,
            source,
            parquet,
        })
    }

    /// Whether the rows name their split.
    pub fn has_splits(&self) -> bool {
        self.present.split.is_some()
    }

    /// Reads one part, in order, and hands out its rows. `progress` is told of every stretch: rows done, and rows in all where that
    /// is known.
    ///
    /// # Errors
    /// [`DatasetError`]: unreadable, no rows, or rows that cannot be used: a number that is null, not a number or out of range, a name
    /// that is no route's. Some rows were handed out by then.
    pub fn read(
        &self,
        routes: &[String],
        shard: Shard,
        each: &mut dyn FnMut(&ScoredRow<'_>),
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<ScoredSource, DatasetError> {
        let mut reading = Reading {
            routes,
            present: self.present.clone(),
            problems: Vec::new(),
            each,
        };
        let (read, rows, sha256) = if let Some((file, sha256)) = &self.parquet {
            (file.read(shard, &mut reading, progress)?, file.rows, sha256.clone())
        } else {
            let (rows, sha256) = records::read(&self.path, &self.source, shard, &mut reading, progress)?;
            (rows, rows, sha256)
        };
        if !reading.problems.is_empty() {
            return Err(DatasetError::BadRows {
                source_name: self.source.clone(),
                hint: Some(advice(&reading.problems, routes)),
                problems: reading.problems,
                rows: usize::try_from(read).unwrap_or(usize::MAX),
            });
        }
        if rows == 0 {
            return Err(DatasetError::NoRows {
                source_name: self.source.clone(),
            });
        }
        Ok(ScoredSource {
            source: self.source.clone(),
            sha256,
            rows,
            split_column: self.has_splits(),
            runner_ups: self.present.runner_up,
        })
    }
}

/// What to do about the rows: of names, which there are; otherwise what the numbers are.
fn advice(problems: &[RowProblem], routes: &[String]) -> String {
    let of_names = |p: &RowProblem| p.message.contains("is no route") || p.message.contains("differs from");
    if problems.iter().any(of_names) {
        return format!(
            "the routes are {}; a prompt that belongs to none has the label none",
            listed(routes)
        );
    }
    "every row needs a score within -1 and 1 (a cosine) and a gap within 0 and 2 (best minus runner-up); leave out the rows that have none"
        .into()
}

/// sha256 of the length of a Parquet file and its footer.
fn footer_hash(file: &mut File, length: u64) -> std::io::Result<String> {
    let mut end = [0; 8];
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut end)?;
    let footer = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
    let from = length.saturating_sub(8 + footer);
    file.seek(SeekFrom::Start(from))?;
    let mut hash = Sha256::new();
    hash.update(length.to_le_bytes());
    std::io::copy(&mut file.take(8 + footer), &mut Hashing { hash: &mut hash })?;
    Ok(hex(&hash.finalize()))
}

/// Hashes what is written to it.
struct Hashing<'a> {
    hash: &'a mut Sha256,
}

impl std::io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.hash.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
