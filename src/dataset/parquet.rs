//! Parquet datasets, through polars.

use std::collections::HashMap;
use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use polars::prelude::{DataFrame, DataType, Float64Chunked, ParquetReader, SerReader, StringChunked};

use super::DatasetError;
use super::log::Cells;
use super::read::{Columns, RawRow, Table, locate};
use super::scored::{self, Reading, Shard, Stopped};

/// Rows that are decoded at once, at most: a file may be one single group of rows.
const STRETCH: u64 = 1 << 18;

/// A scored file, read a stretch of rows at a time. Each stretch is mapped into memory and let go, so that no more of the file
/// counts as used than the stretch has pages.
pub(super) struct Scored {
    path: PathBuf,
    source: String,
    pub(super) columns: Vec<String>,
    pub(super) rows: u64,
    /// Where each group of rows ends.
    groups: Vec<u64>,
}

impl Scored {
    /// Reads the footer.
    pub(super) fn open(path: &Path, source: &str) -> Result<Self, DatasetError> {
        let mut opened = Self {
            path: path.to_owned(),
            source: source.to_owned(),
            columns: Vec::new(),
            rows: 0,
            groups: Vec::new(),
        };
        let mut reader = opened.reader()?;
        let schema = reader.schema().map_err(|e| opened.unreadable(&e))?;
        opened.columns = schema.iter_names().map(ToString::to_string).collect();
        let metadata = reader.get_metadata().map_err(|e| opened.unreadable(&e))?;
        let mut end = 0;
        for group in &metadata.row_groups {
            end += group.num_rows() as u64;
            opened.groups.push(end);
        }
        opened.rows = end;
        Ok(opened)
    }

    fn reader(&self) -> Result<ParquetReader<File>, DatasetError> {
        let file = File::open(&self.path).map_err(|source| DatasetError::Read {
            source_name: self.source.clone(),
            source,
        })?;
        Ok(ParquetReader::new(file))
    }

    fn unreadable(&self, error: &polars::error::PolarsError) -> DatasetError {
        DatasetError::Parquet {
            source_name: self.source.clone(),
            message: error.to_string().lines().next().unwrap_or_default().to_owned(),
        }
    }

    /// Hands the rows of a part to `reading`, in order, and returns how many it looked at.
    pub(super) fn read(
        &self,
        shard: Shard,
        reading: &mut Reading<'_>,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<u64, DatasetError> {
        let (first, end) = shard.range(self.rows);
        let mut at = first;
        while at < end {
            let group_end = self.groups[self.groups.partition_point(|end| *end <= at)];
            let next = group_end.min(end).min(at + STRETCH);
            if self.stretch(at, next, reading)?.is_err() {
                return Ok(next - first);
            }
            at = next;
            progress(at - first, Some(end - first));
        }
        Ok(end - first)
    }

    fn stretch(&self, from: u64, to: u64, reading: &mut Reading<'_>) -> Result<Result<(), Stopped>, DatasetError> {
        let present = reading.present().clone();
        let mut wanted = vec![
            present.label.clone(),
            present.best.clone(),
            "score".into(),
            "gap".into(),
        ];
        wanted.extend(present.runner_up.then(|| "runner_up".to_owned()));
        wanted.extend(present.split.clone());
        wanted.sort();
        wanted.dedup();
        let place = |row: u64| usize::try_from(row).unwrap_or(usize::MAX);
        let reader = self.reader()?.with_columns(Some(wanted));
        let frame = reader
            .with_slice(Some((place(from), place(to - from))))
            .finish()
            .map_err(|e| self.unreadable(&e))?;
        let text = |column: &str| self.text(&frame, column);
        let (label, best) = (text(&present.label)?, text(&present.best)?);
        let (score, gap) = (self.numbers(&frame, "score")?, self.numbers(&frame, "gap")?);
        let runner_up = present.runner_up.then(|| text("runner_up")).transpose()?;
        let split = present.split.as_deref().map(text).transpose()?;
        let (mut label, mut best) = (label.iter(), best.iter());
        let (mut score, mut gap) = (score.iter(), gap.iter());
        let mut runner_up = runner_up.as_ref().map(StringChunked::iter);
        let mut split = split.as_ref().map(StringChunked::iter);
        for row in from..to {
            let cells = scored::Cells {
                label: label.next().flatten(),
                best: best.next().flatten(),
                score: score.next().flatten(),
                gap: gap.next().flatten(),
                runner_up: runner_up.as_mut().and_then(|column| column.next().flatten()),
                split: split.as_mut().and_then(|column| column.next().flatten()),
            };
            // Rows of Parquet files are counted from 1, as elsewhere.
            if reading.row(row + 1, &cells).is_err() {
                return Ok(Err(Stopped));
            }
        }
        Ok(Ok(()))
    }

    fn text(&self, frame: &DataFrame, column: &str) -> Result<StringChunked, DatasetError> {
        let column = frame.column(column).map_err(|e| self.unreadable(&e))?;
        let strings = column.cast(&DataType::String).map_err(|e| self.unreadable(&e))?;
        Ok(strings.str().map_err(|e| self.unreadable(&e))?.clone())
    }

    fn numbers(&self, frame: &DataFrame, name: &str) -> Result<Float64Chunked, DatasetError> {
        let column = frame.column(name).map_err(|e| self.unreadable(&e))?;
        if !column.dtype().is_primitive_numeric() {
            return Err(DatasetError::Parquet {
                source_name: self.source.clone(),
                message: format!("column \"{name}\" holds {}, not numbers", column.dtype()),
            });
        }
        let numbers = column.cast(&DataType::Float64).map_err(|e| self.unreadable(&e))?;
        Ok(numbers.f64().map_err(|e| self.unreadable(&e))?.clone())
    }
}

/// The rows of a file as text in the columns that are `wanted`, and the names of all its columns; a null is `None`.
pub(super) fn cells(bytes: Vec<u8>, source: &str, wanted: &[&str]) -> Result<Cells, DatasetError> {
    let fail = |e: polars::error::PolarsError| DatasetError::Parquet {
        source_name: source.to_owned(),
        message: e.to_string().lines().next().unwrap_or_default().to_owned(),
    };
    let frame = ParquetReader::new(Cursor::new(bytes)).finish().map_err(fail)?;
    let columns: Vec<String> = frame.get_column_names().iter().map(ToString::to_string).collect();
    let mut rows: Vec<(u64, Vec<Option<String>>)> = (0..frame.height())
        .map(|row| (row as u64 + 1, vec![None; columns.len()]))
        .collect();
    for (i, _) in columns
        .iter()
        .enumerate()
        .filter(|(_, name)| wanted.contains(&name.as_str()))
    {
        let strings = frame.columns()[i].cast(&DataType::String).map_err(fail)?;
        let strings = strings.str().map_err(fail)?;
        for (row, (_, cells)) in rows.iter_mut().enumerate() {
            cells[i] = strings.get(row).map(str::to_owned);
        }
    }
    Ok(Cells {
        columns,
        rows,
        problems: Vec::new(),
    })
}

/// Reads the three columns as text; a null label is the empty one.
pub(super) fn read(bytes: Vec<u8>, source: &str, columns: &Columns, unlabelled: bool) -> Result<Table, DatasetError> {
    let fail = |e: polars::error::PolarsError| DatasetError::Parquet {
        source_name: source.to_owned(),
        message: e.to_string().lines().next().unwrap_or_default().to_owned(),
    };
    let frame = ParquetReader::new(Cursor::new(bytes)).finish().map_err(fail)?;
    let present: Vec<String> = frame.get_column_names().iter().map(ToString::to_string).collect();
    let at = locate(&present, columns, source, unlabelled)?;
    let mut text: HashMap<usize, StringChunked> = HashMap::new();
    for index in [Some(at.prompt), at.label, at.split, at.reference]
        .into_iter()
        .flatten()
    {
        let strings = frame.columns()[index].cast(&DataType::String).map_err(fail)?;
        text.insert(index, strings.str().map_err(fail)?.clone());
    }
    let cell = |column: Option<usize>, row: usize| {
        column
            .and_then(|c| text.get(&c))
            .and_then(|s| s.get(row))
            .map(str::to_owned)
    };
    let rows = (0..frame.height())
        .map(|row| RawRow {
            line: row as u64 + 1,
            prompt: cell(Some(at.prompt), row),
            label: cell(at.label, row),
            split: cell(at.split, row),
            reference: cell(at.reference, row),
        })
        .collect();
    Ok(Table {
        rows,
        has_label: at.label.is_some(),
        has_split: at.split.is_some(),
        problems: Vec::new(),
    })
}

/// A text of the file's footer by its key.
pub(super) fn metadata(bytes: &[u8], source: &str, key: &str) -> Result<Option<String>, DatasetError> {
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let metadata = reader.get_metadata().map_err(|e| DatasetError::Parquet {
        source_name: source.to_owned(),
        message: e.to_string().lines().next().unwrap_or_default().to_owned(),
    })?;
    let pairs = metadata.key_value_metadata().iter().flatten();
    Ok(pairs.filter(|pair| pair.key == key).find_map(|pair| pair.value.clone()))
}
