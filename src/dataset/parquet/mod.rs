//! Parquet datasets, through polars.

mod scored;

pub(super) use scored::Scored;

use std::collections::HashMap;
use std::io::Cursor;

use polars::prelude::{ArrowDataType, ArrowSchema, DataType, ParquetReader, SerReader, StringChunked};

use super::DatasetError;
use super::log::Cells;
use super::read::{Columns, RawRow, Table, locate};

fn unreadable(source: &str, error: &polars::error::PolarsError) -> DatasetError {
    DatasetError::Parquet {
        source_name: source.to_owned(),
        message: error.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

/// What a column holds that cannot be read as text; `None` where it can be. Without its features for such types polars panics on them,
/// so nobody may ask it for one; a file may have them in other columns.
fn no_text(data: &ArrowDataType) -> Option<&'static str> {
    match data {
        ArrowDataType::Dictionary(_, values, _) => no_text(values),
        ArrowDataType::Struct(_) => Some("structs"),
        ArrowDataType::List(_)
        | ArrowDataType::LargeList(_)
        | ArrowDataType::FixedSizeList(..)
        | ArrowDataType::Map(..) => Some("lists"),
        ArrowDataType::Timestamp(..)
        | ArrowDataType::Date32
        | ArrowDataType::Date64
        | ArrowDataType::Time32(_)
        | ArrowDataType::Time64(_)
        | ArrowDataType::Duration(_)
        | ArrowDataType::Interval(_) => Some("dates or times"),
        ArrowDataType::Int8 | ArrowDataType::Int16 | ArrowDataType::UInt8 | ArrowDataType::UInt16 => {
            Some("numbers of 8 or 16 bits")
        }
        ArrowDataType::Null
        | ArrowDataType::Boolean
        | ArrowDataType::Int32
        | ArrowDataType::Int64
        | ArrowDataType::UInt32
        | ArrowDataType::UInt64
        | ArrowDataType::Float32
        | ArrowDataType::Float64
        | ArrowDataType::Binary
        | ArrowDataType::LargeBinary
        | ArrowDataType::BinaryView
        | ArrowDataType::Utf8
        | ArrowDataType::LargeUtf8
        | ArrowDataType::Utf8View => None,
        _ => Some("values of another kind"),
    }
}

/// Refuses a column that cannot be read as text.
fn check(schema: &ArrowSchema, column: &str, source: &str) -> Result<(), DatasetError> {
    let held = schema.get(column).and_then(|field| no_text(&field.dtype));
    held.map_or(Ok(()), |held| {
        Err(DatasetError::NoText {
            source_name: source.to_owned(),
            column: column.to_owned(),
            holds: held,
        })
    })
}

/// Some columns of a file as text, by their places among all its columns. The other columns are not decoded.
struct Texts {
    rows: usize,
    columns: HashMap<usize, StringChunked>,
}

impl Texts {
    fn read(bytes: Vec<u8>, source: &str, wanted: &[usize]) -> Result<Self, DatasetError> {
        let fail = |e: polars::error::PolarsError| unreadable(source, &e);
        let mut reader = ParquetReader::new(Cursor::new(bytes));
        let schema = reader.schema().map_err(fail)?;
        let rows = reader.num_rows().map_err(fail)?;
        let mut names = Vec::new();
        for place in wanted {
            let name = schema.get_at_index(*place).map(|(name, _)| name.to_string());
            names.extend(name.map(|name| (*place, name)));
        }
        for (_, name) in &names {
            check(&schema, name, source)?;
        }
        let mut columns = HashMap::new();
        if !names.is_empty() {
            let mut distinct: Vec<String> = names.iter().map(|(_, name)| name.clone()).collect();
            distinct.sort();
            distinct.dedup();
            let frame = reader.with_columns(Some(distinct)).finish().map_err(fail)?;
            for (place, name) in names {
                let strings = frame.column(&name).and_then(|column| column.cast(&DataType::String));
                let strings = strings.map_err(fail)?;
                columns.insert(place, strings.str().map_err(fail)?.clone());
            }
        }
        Ok(Self { rows, columns })
    }

    fn cell(&self, column: Option<usize>, row: usize) -> Option<String> {
        self.columns.get(&column?)?.get(row).map(str::to_owned)
    }
}

/// The names of a file's columns.
fn names(bytes: &[u8], source: &str) -> Result<Vec<String>, DatasetError> {
    let schema = ParquetReader::new(Cursor::new(bytes)).schema();
    let schema = schema.map_err(|e| unreadable(source, &e))?;
    Ok(schema.iter_names().map(ToString::to_string).collect())
}

/// The rows of a file as text in the columns that are `wanted`, and the names of all its columns; a null is `None`.
pub(super) fn cells(bytes: Vec<u8>, source: &str, wanted: &[&str]) -> Result<Cells, DatasetError> {
    let columns = names(&bytes, source)?;
    let places: Vec<usize> = (0..columns.len())
        .filter(|i| wanted.contains(&columns[*i].as_str()))
        .collect();
    let texts = Texts::read(bytes, source, &places)?;
    let all = 0..columns.len();
    let rows = (0..texts.rows)
        .map(|row| (row as u64 + 1, all.clone().map(|i| texts.cell(Some(i), row)).collect()))
        .collect();
    Ok(Cells {
        columns,
        rows,
        problems: Vec::new(),
    })
}

/// Reads the three columns as text; a null label is the empty one.
pub(super) fn read(bytes: Vec<u8>, source: &str, columns: &Columns, unlabelled: bool) -> Result<Table, DatasetError> {
    let at = locate(&names(&bytes, source)?, columns, source, unlabelled)?;
    let places: Vec<usize> = [Some(at.prompt), at.label, at.split, at.reference]
        .into_iter()
        .flatten()
        .collect();
    let texts = Texts::read(bytes, source, &places)?;
    let rows = (0..texts.rows)
        .map(|row| RawRow {
            line: row as u64 + 1,
            prompt: texts.cell(Some(at.prompt), row),
            label: texts.cell(at.label, row),
            split: texts.cell(at.split, row),
            reference: texts.cell(at.reference, row),
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
    let metadata = reader.get_metadata().map_err(|e| unreadable(source, &e))?;
    let pairs = metadata.key_value_metadata().iter().flatten();
    Ok(pairs.filter(|pair| pair.key == key).find_map(|pair| pair.value.clone()))
}
