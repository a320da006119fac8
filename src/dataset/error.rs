//! What can be wrong with a dataset.

use std::fmt::{self, Write as _};

use crate::error::{ErrorClass, Hint};

/// Bad rows shown before the rest is only counted.
const SHOWN: usize = 10;

/// One bad row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// 1-based line on which the row starts.
    pub line: u64,
    /// What is wrong.
    pub message: String,
}

/// Why a dataset is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The file cannot be read.
    #[error("cannot read {source_name}")]
    Read {
        /// The file.
        source_name: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The bytes are not UTF-8.
    #[error("{source_name}:{line}: not UTF-8 (byte {offset})")]
    NotUtf8 {
        /// The file.
        source_name: String,
        /// 1-based line of the first bad byte.
        line: usize,
        /// 0-based offset of the first bad byte.
        offset: usize,
    },
    /// Nothing in the file.
    #[error("{source_name}: the file is empty")]
    Empty {
        /// The file.
        source_name: String,
    },
    /// A header and nothing else.
    #[error("{source_name}: no rows after the header")]
    NoRows {
        /// The file.
        source_name: String,
    },
    /// A needed column is not there.
    #[error("{source_name}: no column \"{column}\"; the columns are {}", present.join(", "))]
    MissingColumn {
        /// The file.
        source_name: String,
        /// The column looked for.
        column: String,
        /// The columns there are.
        present: Vec<String>,
        /// The flag that names another column.
        flag: &'static str,
    },
    /// A scored file lacks a column.
    #[error("{source_name}: no column \"{column}\"; the columns are {}", present.join(", "))]
    MissingScored {
        /// The file.
        source_name: String,
        /// The column.
        column: String,
        /// The columns there are.
        present: Vec<String>,
        /// What to do.
        hint: &'static str,
    },
    /// The file's structure is broken.
    #[error("{source_name}:{line}: {message}")]
    Malformed {
        /// The file.
        source_name: String,
        /// 1-based line.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// A Parquet file that cannot be read as one.
    #[error("{source_name}: not a readable Parquet file: {message}")]
    Parquet {
        /// The file.
        source_name: String,
        /// What the reader says.
        message: String,
    },
    /// A column of a Parquet file that cannot be read as text.
    #[error("{source_name}: column \"{column}\" holds {holds}, which cannot be read as text")]
    NoText {
        /// The file.
        source_name: String,
        /// The column.
        column: String,
        /// What is in it.
        holds: &'static str,
    },
    /// Rows that cannot be used.
    #[error("{}", rows_message(source_name, problems, *rows))]
    BadRows {
        /// The file.
        source_name: String,
        /// All of them, in order.
        problems: Vec<RowProblem>,
        /// Rows in the file.
        rows: usize,
        /// Advice.
        hint: Option<String>,
    },
    /// No row belongs to the split asked for.
    #[error("{source_name}: no row of split \"{split}\"; the splits are {}", present.join(", "))]
    NoSuchSplit {
        /// The file.
        source_name: String,
        /// The split asked for.
        split: String,
        /// The splits there are.
        present: Vec<String>,
    },
}

struct Place<'a>(&'a str, &'a RowProblem);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.0, self.1.line, self.1.message)
    }
}

fn rows_message(source: &str, problems: &[RowProblem], rows: usize) -> String {
    if let [only] = problems {
        return Place(source, only).to_string();
    }
    let mut text = format!("{source}: {} of {rows} rows cannot be used", problems.len());
    for problem in problems.iter().take(SHOWN) {
        let _ = write!(text, "\n  {}", Place(source, problem));
    }
    if problems.len() > SHOWN {
        let _ = write!(text, "\n  … and {} more", problems.len() - SHOWN);
    }
    text
}

impl Hint for DatasetError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { source, .. }
                if matches!(
                    source.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::IsADirectory
                ) =>
            {
                Some("give the path of a CSV, JSONL or Parquet file with the columns prompt,label,split".into())
            }
            Self::NotUtf8 { .. } => {
                Some("convert it, for example: iconv -f WINDOWS-1252 -t UTF-8 old.csv > new.csv".into())
            }
            Self::Empty { .. } | Self::NoRows { .. } => Some("a CSV starts with the line: prompt,label,split".into()),
            Self::MissingColumn { flag, .. } => Some(format!("name the column with {flag} COLUMN")),
            Self::NoText { .. } => Some(
                "name another column (--prompt-column, --label-column …), or write this one as text; of lists, chats are read as prompts: messages with role and content"
                    .into(),
            ),
            Self::MissingScored { hint, .. } => Some((*hint).to_owned()),
            Self::NoSuchSplit { present, .. } => Some(format!(
                "try --split {}, or --split all",
                present.first().map_or("all", String::as_str)
            )),
            Self::BadRows { hint, .. } => hint.clone(),
            Self::Malformed { .. } | Self::Parquet { .. } | Self::Read { .. } => None,
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Read { source, .. }
                if !matches!(
                    source.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::IsADirectory
                ) =>
            {
                ErrorClass::Environment
            }
            _ => ErrorClass::Input,
        }
    }
}
