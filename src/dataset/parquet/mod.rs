//! Parquet datasets, through polars.

mod arrays;
mod panics;
mod scored;
mod texts;

pub(super) use scored::Scored;

use std::io::Cursor;

use polars::prelude::{ArrowDataType, ParquetReader, SerReader};
use polars_buffer::Buffer;

use super::log::Cells;
use super::read::{Columns, RawRow, Table, locate};
use super::{DatasetError, RowProblem};
use panics::as_damage;
use texts::Texts;

fn unreadable(source: &str, error: &polars::error::PolarsError) -> DatasetError {
    DatasetError::Parquet {
        source_name: source.to_owned(),
        message: error.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

/// How a column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// polars makes it text.
    Text,
    /// By its Arrow arrays: polars has no type for it without features, and panics where it is asked for one.
    Array,
    /// By its Arrow arrays, as a prompt: a list of structs may be the messages of a chat.
    Chat,
    /// Not at all.
    Unread(&'static str),
}

impl Kind {
    fn of(data: &ArrowDataType) -> Self {
        match data {
            ArrowDataType::Dictionary(_, values, _) => match Self::of(values) {
                Self::Text => Self::Text,
                Self::Unread(held) => Self::Unread(held),
                Self::Array | Self::Chat => Self::Unread("values of another kind"),
            },
            ArrowDataType::List(item) | ArrowDataType::LargeList(item) => match item.dtype {
                ArrowDataType::Struct(_) => Self::Chat,
                _ => Self::Unread("lists"),
            },
            ArrowDataType::FixedSizeList(..) | ArrowDataType::Map(..) => Self::Unread("lists"),
            ArrowDataType::Struct(_) => Self::Unread("structs"),
            ArrowDataType::Timestamp(..)
            | ArrowDataType::Date32
            | ArrowDataType::Int8
            | ArrowDataType::Int16
            | ArrowDataType::UInt8
            | ArrowDataType::UInt16 => Self::Array,
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
            | ArrowDataType::Utf8View => Self::Text,
            _ => Self::Unread("values of another kind"),
        }
    }
}

fn no_text(source: &str, column: &str, holds: &'static str) -> DatasetError {
    DatasetError::NoText {
        source_name: source.to_owned(),
        column: column.to_owned(),
        holds,
    }
}

/// The columns of a file.
struct Schema {
    names: Vec<String>,
    kinds: Vec<Kind>,
    /// The place of the chats that stand in for a prompt column, which is the last of the names then.
    stand_in: Option<usize>,
}

impl Schema {
    /// As in JSON Lines, chats in `messages` stand in for `prompt` where that is among the `prompts` that are looked for and none of
    /// them is there.
    fn read(file: &Buffer<u8>, source: &str, prompts: &[&str]) -> Result<Self, DatasetError> {
        let schema = ParquetReader::new(Cursor::new(file)).schema();
        let schema = schema.map_err(|e| unreadable(source, &e))?;
        let mut names: Vec<String> = schema.iter_names().map(ToString::to_string).collect();
        let kinds: Vec<Kind> = schema.iter_values().map(|field| Kind::of(&field.dtype)).collect();
        let looked_for = prompts.contains(&"prompt") && !names.iter().any(|name| prompts.contains(&name.as_str()));
        let messages = names.iter().position(|name| name == "messages");
        let stand_in = messages.filter(|&place| looked_for && kinds[place] == Kind::Chat);
        names.extend(stand_in.map(|_| "prompt".to_owned()));
        Ok(Self { names, kinds, stand_in })
    }

    /// The column of the file that is read for the one at `place`.
    fn column(&self, place: usize) -> usize {
        match self.stand_in {
            Some(messages) if place == self.kinds.len() => messages,
            _ => place,
        }
    }
}

/// The rows of a file as text in the columns that are `wanted`, and the names of all its columns; a null is `None`. Where one of the
/// `prompts` holds chats, its text is the last message of the user.
pub(super) fn cells(bytes: Vec<u8>, source: &str, wanted: &[&str], prompts: &[&str]) -> Result<Cells, DatasetError> {
    as_damage(source, || cells_of(&bytes.into(), source, wanted, prompts))
}

fn cells_of(file: &Buffer<u8>, source: &str, wanted: &[&str], prompts: &[&str]) -> Result<Cells, DatasetError> {
    let schema = Schema::read(file, source, prompts)?;
    let is_prompt = |place: usize| prompts.contains(&schema.names[place].as_str());
    let places: Vec<(usize, bool)> = (0..schema.names.len())
        .filter(|&place| wanted.contains(&schema.names[place].as_str()))
        .map(|place| (place, is_prompt(place)))
        .collect();
    let texts = Texts::read(file, source, &schema, &places)?;
    let (mut rows, mut problems) = (Vec::with_capacity(texts.rows), Vec::new());
    for (line, row) in (1..).zip(0..texts.rows) {
        let cells: Result<Vec<_>, String> = (0..schema.names.len()).map(|i| texts.cell(Some(i), row)).collect();
        match cells {
            Ok(cells) => rows.push((line, cells)),
            Err(message) => problems.push(RowProblem { line, message }),
        }
    }
    Ok(Cells {
        columns: schema.names,
        rows,
        problems,
    })
}

/// Reads the columns as text; a null label is the empty one.
pub(super) fn read(bytes: Vec<u8>, source: &str, columns: &Columns, unlabelled: bool) -> Result<Table, DatasetError> {
    as_damage(source, || table_of(&bytes.into(), source, columns, unlabelled))
}

fn table_of(file: &Buffer<u8>, source: &str, columns: &Columns, unlabelled: bool) -> Result<Table, DatasetError> {
    let schema = Schema::read(file, source, &[&columns.prompt])?;
    let at = locate(&schema.names, columns, source, unlabelled)?;
    let mut places = vec![(at.prompt, true)];
    places.extend(
        [at.label, at.split, at.reference]
            .into_iter()
            .flatten()
            .map(|place| (place, false)),
    );
    let texts = Texts::read(file, source, &schema, &places)?;
    let mut table = Table {
        rows: Vec::with_capacity(texts.rows),
        has_label: at.label.is_some(),
        has_split: at.split.is_some(),
        problems: Vec::new(),
    };
    for (line, row) in (1..).zip(0..texts.rows) {
        let raw = || -> Result<RawRow, String> {
            Ok(RawRow {
                line,
                prompt: texts.cell(Some(at.prompt), row)?,
                label: texts.cell(at.label, row)?,
                split: texts.cell(at.split, row)?,
                reference: texts.cell(at.reference, row)?,
            })
        };
        match raw() {
            Ok(row) => table.rows.push(row),
            Err(message) => table.problems.push(RowProblem { line, message }),
        }
    }
    Ok(table)
}

/// A text of the file's footer by its key.
pub(super) fn metadata(bytes: &[u8], source: &str, key: &str) -> Result<Option<String>, DatasetError> {
    as_damage(source, || {
        let mut reader = ParquetReader::new(Cursor::new(bytes));
        let metadata = reader.get_metadata().map_err(|e| unreadable(source, &e))?;
        let pairs = metadata.key_value_metadata().iter().flatten();
        Ok(pairs.filter(|pair| pair.key == key).find_map(|pair| pair.value.clone()))
    })
}
