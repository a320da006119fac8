//! Columns of a Parquet file as text.

use std::collections::HashMap;
use std::io::Cursor;

use polars::error::PolarsError;
use polars::prelude::{DataType, ParquetReader, SerReader, StringChunked};
use polars_buffer::Buffer;
use serde_json::{Map, Value};

use super::{Kind, Schema, arrays, no_text, unreadable};
use crate::dataset::{DatasetError, json};

/// One column.
enum Column {
    Text(StringChunked),
    /// What a chat lacks is told of its row.
    Cells(Vec<Result<Option<String>, String>>),
}

/// Some columns of a file, by their places among all its columns. The other columns are not decoded.
pub(super) struct Texts {
    pub(super) rows: usize,
    columns: HashMap<usize, Column>,
}

impl Texts {
    /// Reads the columns at the places that are `wanted`, each with whether it is a prompt and so may be a chat.
    pub(super) fn read(
        file: &Buffer<u8>,
        source: &str,
        schema: &Schema,
        wanted: &[(usize, bool)],
    ) -> Result<Self, DatasetError> {
        let fail = |e: PolarsError| unreadable(source, &e);
        let mut reader = ParquetReader::new(Cursor::new(file));
        let rows = reader.num_rows().map_err(fail)?;
        let (mut columns, mut plain) = (HashMap::new(), Vec::new());
        for &(place, is_prompt) in wanted {
            let column = schema.column(place);
            let name = &schema.names[column];
            match schema.kinds[column] {
                Kind::Text => plain.push((place, name)),
                Kind::Array => {
                    let cells = arrays::read(file, name, |value| Ok(text(value))).map_err(fail)?;
                    columns.insert(place, Column::Cells(cells));
                }
                Kind::Chat if is_prompt => {
                    let cells = arrays::read(file, name, |chat| prompt(name, chat)).map_err(fail)?;
                    columns.insert(place, Column::Cells(cells));
                }
                Kind::Chat => return Err(no_text(source, name, "lists")),
                Kind::Unread(holds) => return Err(no_text(source, name, holds)),
            }
        }
        if !plain.is_empty() {
            let mut distinct: Vec<String> = plain.iter().map(|(_, name)| (*name).clone()).collect();
            distinct.sort();
            distinct.dedup();
            let frame = reader.with_columns(Some(distinct)).finish().map_err(fail)?;
            for (place, name) in plain {
                let strings = frame.column(name).and_then(|column| column.cast(&DataType::String));
                let strings = strings.map_err(fail)?;
                columns.insert(place, Column::Text(strings.str().map_err(fail)?.clone()));
            }
        }
        Ok(Self { rows, columns })
    }

    /// A cell; none of a column that was not read.
    ///
    /// # Errors
    /// Why a chat has no prompt.
    pub(super) fn cell(&self, column: Option<usize>, row: usize) -> Result<Option<String>, String> {
        match column.and_then(|place| self.columns.get(&place)) {
            None => Ok(None),
            Some(Column::Text(texts)) => Ok(texts.get(row).map(str::to_owned)),
            Some(Column::Cells(cells)) => cells.get(row).cloned().unwrap_or(Ok(None)),
        }
    }
}

/// A value that is no list and no struct, as text.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// The prompt of a chat.
fn prompt(column: &str, chat: Value) -> Result<Option<String>, String> {
    json::prompt_of(&Map::from_iter([(column.to_owned(), chat)]), column)
}
