//! Labelled prompts: CSV, JSON Lines and Parquet to one [`Dataset`].
//!
//! A dataset knows nothing of routes: labels are names until [`Dataset::resolve`] holds them against the route names.
//! Bad rows are collected and shown together, the first ten of them.

pub(crate) mod cell;
mod error;
mod import;
mod json;
mod labels;
mod lines;
mod log;
mod parquet;
mod read;
mod scored;
mod split;

pub use error::{DatasetError, RowProblem};
pub use import::{
    LabelMap, LabelMapError, Published, PublishedColumns, PublishedDataset, PublishedError, PublishedRow, Unmapped,
    published_csv, read_published,
};
pub(crate) use log::monday;
pub use log::{Log, LogColumns, LogRow, LogScore};
pub use read::{Columns, Format, ReadOptions};
pub use scored::{ScoredColumns, ScoredFile, ScoredRow, ScoredSource, Shard};
pub use split::{CALIBRATION, TEST};

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::assets::hex;

/// Longest prompt that is taken, in bytes. Encoders read the first few hundred word pieces, so a longer one is a
/// mistake in the file (a missing quote, as a rule).
pub const MAX_PROMPT_BYTES: usize = 1 << 20;

/// What a row says its prompt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// Belongs to the route of this name.
    Route(String),
    /// Belongs to no route: the fallback is the right answer.
    OutOfDomain,
}

impl Label {
    /// Reads a cell: empty, `none`, `oos` and `out_of_domain` are out-of-domain.
    pub fn parse(cell: &str) -> Self {
        match cell {
            "" | "none" | "oos" | "out_of_domain" => Self::OutOfDomain,
            name => Self::Route(name.to_owned()),
        }
    }

    /// As shown in files: the route's name, or `none`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Route(name) => name,
            Self::OutOfDomain => "none",
        }
    }
}

/// A prompt's label held against the routes of a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// Belongs to the route with this index.
    Route(usize),
    /// Belongs to none.
    OutOfDomain,
}

/// One labelled prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// 1-based line on which the row starts (for Parquet: the row's number).
    pub line: u64,
    /// The prompt, as it stands in the file.
    pub prompt: String,
    /// Its label; `None` where the file has no label column.
    pub label: Option<Label>,
    /// Name of the split it belongs to.
    pub split: String,
    /// The right answer to the prompt, where a column of them was asked for and the cell is not empty.
    pub reference: Option<String>,
}

/// Labelled prompts of one file, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// The file, or `-`.
    pub source: String,
    /// The rows.
    pub rows: Vec<Row>,
    /// Whether the file named the splits; otherwise they were made by content hash.
    pub split_column: bool,
}

impl Dataset {
    /// Reads `path` (`-` is standard input).
    ///
    /// Without a split column every row gets a split from its content and `seed`: half of each label is for
    /// calibration, by hash.
    ///
    /// # Errors
    /// [`DatasetError`]: unreadable, not UTF-8, no header, no rows, a missing column, malformed or bad rows.
    pub fn load(path: &Path, options: &ReadOptions) -> Result<Self, DatasetError> {
        read::load(path, options)
    }

    /// As [`Dataset::load`], of bytes in a format; `source` names them in errors.
    ///
    /// # Errors
    /// As [`Dataset::load`].
    pub fn read(bytes: Vec<u8>, source: &str, format: Format, options: &ReadOptions) -> Result<Self, DatasetError> {
        read::of_bytes(bytes, source.to_owned(), format, options)
    }

    /// The rows of one split, or all of them for `all`, keeping their order.
    ///
    /// # Errors
    /// [`DatasetError::NoSuchSplit`] where no row belongs to it, with the names there are.
    pub fn split(&self, name: &str) -> Result<Self, DatasetError> {
        if name == "all" {
            return Ok(self.clone());
        }
        self.require(name)?;
        Ok(Self {
            source: self.source.clone(),
            rows: self.rows.iter().filter(|r| r.split == name).cloned().collect(),
            split_column: self.split_column,
        })
    }

    /// Whether [`split`](Self::split) would find a row.
    ///
    /// # Errors
    /// Its own.
    pub fn require(&self, name: &str) -> Result<(), DatasetError> {
        if name == "all" || self.rows.iter().any(|r| r.split == name) {
            return Ok(());
        }
        Err(DatasetError::NoSuchSplit {
            source_name: self.source.clone(),
            split: name.to_owned(),
            present: self.split_names(),
        })
    }

    /// The names of the splits, in order of first appearance.
    pub fn split_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for row in &self.rows {
            if names.last() != Some(&row.split) && !names.contains(&row.split) {
                names.push(row.split.clone());
            }
        }
        names
    }

    /// Holds every label against the route names.
    ///
    /// # Errors
    /// [`DatasetError::MissingColumn`] where the file has no labels, [`DatasetError::BadRows`] naming each label that is
    /// no route, with the nearest one.
    pub fn resolve(&self, routes: &[String]) -> Result<Vec<Truth>, DatasetError> {
        labels::resolve(self, routes)
    }

    /// The prompts, in order.
    pub fn prompts(&self) -> Vec<&str> {
        self.rows.iter().map(|r| r.prompt.as_str()).collect()
    }

    /// sha256 over prompts, labels and splits in order: two files of one content have one fingerprint, whatever their
    /// format.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut field = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        for row in &self.rows {
            field(&row.prompt);
            field(row.label.as_ref().map_or("", Label::as_str));
            field(&row.split);
        }
        hex(&hash.finalize())
    }
}

/// A prompt without what makes no other prompt of it: case and outer spaces. Two prompts that are equal then are copies.
pub(crate) fn folded(prompt: &str) -> String {
    prompt.trim().to_lowercase()
}

/// What is wrong with a prompt as such, if anything.
pub fn prompt_problem(prompt: &str) -> Option<String> {
    if prompt.trim().is_empty() {
        Some("the prompt is empty".into())
    } else if prompt.contains('\0') {
        Some("the prompt holds a NUL character".into())
    } else if prompt.len() > MAX_PROMPT_BYTES {
        let mib = prompt.len().div_ceil(1 << 20);
        Some(format!(
            "the prompt is about {mib} MiB long, the limit is 1 MiB (a missing quote?)"
        ))
    } else {
        None
    }
}
