//! What can go wrong on disk.

use std::path::PathBuf;

use crate::error::{ErrorClass, Hint};

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system refuses.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A table could not be encoded.
    #[error("cannot encode {what}: {message}")]
    Encode {
        /// Which table.
        what: &'static str,
        /// What the encoder says.
        message: String,
    },
}

impl Hint for StoreError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Write { source, .. } => Some(match source.kind() {
                std::io::ErrorKind::StorageFull
                | std::io::ErrorKind::QuotaExceeded
                | std::io::ErrorKind::FileTooLarge => {
                    "free some space, or choose another folder (--out DIR; embed: --output FILE)".into()
                }
                _ => "choose a folder that can be written (--out DIR; embed: --output FILE)".into(),
            }),
            Self::Encode { .. } => None,
        }
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Environment
    }
}
