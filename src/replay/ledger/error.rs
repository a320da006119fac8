//! What can be wrong with the files of a run.

use std::path::PathBuf;

use crate::error::{ErrorClass, Hint};

/// Why a run cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// There is no run in the folder.
    #[error("there is no run in {}", folder.display())]
    NoRun {
        /// The folder.
        folder: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line is not what it should be.
    #[error("{}:{line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// 1-based.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A later version of the program wrote it.
    #[error("{}:{line}: written by a later version of routecal (version {found}, this one reads {known})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// 1-based.
        line: usize,
        /// Its version.
        found: u64,
        /// The version that can be read.
        known: u32,
    },
    /// The run in the folder is another one.
    #[error("{} holds another run:\n{}", folder.display(), differences.iter().map(|d| format!("  {d}")).collect::<Vec<_>>().join("\n"))]
    OtherRun {
        /// The folder.
        folder: PathBuf,
        /// What differs, the run's first.
        differences: Vec<String>,
    },
    /// There is no run in the folder, and a file that one would write over.
    #[error("{} belongs to no run, and a run would write over it", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process works on the run.
    #[error("{} is in use by {holder}", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// Who holds it.
        holder: String,
    },
}

impl Hint for LedgerError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoRun { .. } => Some("make one: routecal replay collect --run DIR, or name the folder of one".into()),
            Self::Read { .. } => None,
            Self::Write { source, .. } => Some(match source.kind() {
                std::io::ErrorKind::StorageFull
                | std::io::ErrorKind::QuotaExceeded
                | std::io::ErrorKind::FileTooLarge => {
                    "free some space, then run the same command again: what is answered is kept".into()
                }
                _ => "choose a folder that can be written: --run DIR".into(),
            }),
            Self::Line { .. } => {
                Some("only routecal writes this file; restore it, or start another run: --run DIR".into())
            }
            Self::Newer { .. } => Some("use the version of routecal that wrote it".into()),
            Self::OtherRun { .. } => Some(
                "start another run with --run DIR, or undo the change; what is answered belongs to the run as it was"
                    .into(),
            ),
            Self::Foreign { .. } => Some("give the run a folder of its own: --run DIR".into()),
            Self::Locked { .. } => Some("wait until it has ended, or name another folder: --run DIR".into()),
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Write { .. } | Self::Locked { .. } => ErrorClass::Environment,
            _ => ErrorClass::Input,
        }
    }
}
