//! Parquet datasets, through polars.

use std::collections::HashMap;
use std::io::Cursor;

use polars::prelude::{DataType, ParquetReader, SerReader, StringChunked};

use super::DatasetError;
use super::log::Cells;
use super::read::{Columns, RawRow, Table, locate};

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
