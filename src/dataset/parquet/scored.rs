//! Scored files in Parquet, a stretch of rows at a time.

use std::fs::File;
use std::path::{Path, PathBuf};

use polars::prelude::{DataFrame, DataType, Float64Chunked, ParquetReader, SerReader, StringChunked};

use super::panics::as_damage;
use super::{Kind, no_text, unreadable};
use crate::dataset::DatasetError;
use crate::dataset::scored::{self, Reading, Shard, Stopped};

/// Rows that are decoded at once, at most: a file may be one single group of rows.
const STRETCH: u64 = 1 << 18;

/// A scored file, read a stretch of rows at a time. Each stretch is mapped into memory and let go, so that no more of the file
/// counts as used than the stretch has pages.
pub(in crate::dataset) struct Scored {
    path: PathBuf,
    source: String,
    pub(in crate::dataset) columns: Vec<String>,
    pub(in crate::dataset) rows: u64,
    /// Where each group of rows ends.
    groups: Vec<u64>,
}

impl Scored {
    /// Reads the footer.
    pub(in crate::dataset) fn open(path: &Path, source: &str) -> Result<Self, DatasetError> {
        let mut opened = Self {
            path: path.to_owned(),
            source: source.to_owned(),
            columns: Vec::new(),
            rows: 0,
            groups: Vec::new(),
        };
        let mut reader = opened.reader()?;
        let schema = as_damage(source, || reader.schema().map_err(|e| opened.unreadable(&e)))?;
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
        unreadable(&self.source, error)
    }

    /// Hands the rows of a part to `reading`, in order, and returns how many it looked at.
    pub(in crate::dataset) fn read(
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
        let mut reader = self.reader()?;
        let schema = reader.schema().map_err(|e| self.unreadable(&e))?;
        for column in &wanted {
            let kind = schema.get(column).map(|field| Kind::of(&field.dtype));
            let holds = match kind {
                None | Some(Kind::Text) => continue,
                Some(Kind::Unread(holds)) => holds,
                Some(Kind::Chat) => "lists",
                Some(Kind::Array) => "dates, times or numbers of 8 or 16 bits",
            };
            return Err(no_text(&self.source, column, holds));
        }
        let slice = Some((place(from), place(to - from)));
        let frame = as_damage(&self.source, || {
            let frame = reader.with_columns(Some(wanted)).with_slice(slice).finish();
            frame.map_err(|e| self.unreadable(&e))
        })?;
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
