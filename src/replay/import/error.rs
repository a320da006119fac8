//! What can be wrong with recorded data.

use crate::dataset::RowProblem;
use crate::error::{ErrorClass, Hint};

/// Bad rows shown before the rest is only counted.
const SHOWN: usize = 10;

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A file cannot be read.
    #[error("cannot read {file}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The files do not fit the format.
    #[error("{format}: {message}")]
    Files {
        /// The format.
        format: &'static str,
        /// What is missing or too much.
        message: String,
        /// What to give.
        hint: String,
    },
    /// A needed column is not there.
    #[error("{file}: {message}; the columns are {}", present.join(", "))]
    Columns {
        /// The file.
        file: String,
        /// Which are missing.
        message: String,
        /// Those there are.
        present: Vec<String>,
    },
    /// Rows that cannot be used.
    #[error("{}", rows_message(file, problems))]
    Rows {
        /// The file.
        file: String,
        /// All of them.
        problems: Vec<RowProblem>,
    },
    /// No row at all.
    #[error("{file}: no rows")]
    Empty {
        /// The file.
        file: String,
    },
}

fn rows_message(file: &str, problems: &[RowProblem]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .take(SHOWN)
        .map(|p| format!("{file}:{}: {}", p.line, p.message))
        .collect();
    match problems.len() {
        1 => lines.join(""),
        n if n > SHOWN => format!(
            "{n} rows cannot be used\n  {}\n  … and {} more",
            lines.join("\n  "),
            n - SHOWN
        ),
        n => format!("{n} rows cannot be used\n  {}", lines.join("\n  ")),
    }
}

impl Hint for ImportError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Files { hint, .. } => Some(hint.clone()),
            Self::Columns { .. } => Some("docs/replay.md says which columns each format has".into()),
            _ => None,
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Read { source, .. } if source.kind() != std::io::ErrorKind::NotFound => ErrorClass::Environment,
            _ => ErrorClass::Input,
        }
    }
}
