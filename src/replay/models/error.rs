//! What can be wrong with the models of a run.

use std::path::PathBuf;

use crate::error::{ErrorClass, Hint};

/// Why the models of a run cannot be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelsError {
    /// The file cannot be read.
    #[error("cannot read the models file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not valid.
    #[error("{}:{line}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line of the mistake.
        line: usize,
        /// What is wrong.
        message: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// A model that nothing describes.
    #[error("no model is called \"{name}\"{}", file.as_ref().map(|f| format!(" in {}, and it is none of OpenAI's", f.display())).unwrap_or_default())]
    Unknown {
        /// Its name.
        name: String,
        /// The models file.
        file: Option<PathBuf>,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// Prices cannot be used.
    #[error(transparent)]
    Price(#[from] crate::replay::pricing::PriceError),
}

impl Hint for ModelsError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Invalid { hint, .. } => hint.clone(),
            Self::Unknown { name, file, nearest } => Some(match (nearest, file) {
                (Some(near), _) => format!("did you mean \"{near}\"?"),
                (None, Some(file)) => format!(
                    "add to {}: [[model]] with name = \"{name}\" and base_url below it",
                    file.display()
                ),
                (None, None) => format!(
                    "describe it in a file for --models: [[model]] with name = \"{name}\" and base_url below it"
                ),
            }),
            Self::Price(e) => e.hint(),
        }
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Input
    }
}
