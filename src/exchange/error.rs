//! Files of other tools that cannot be read or written.

use crate::error::{ErrorClass, Hint};

/// Why a file of another tool cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// Neither JSON nor YAML.
    #[error("{file}: neither JSON nor YAML: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// What the parser says.
        message: String,
    },
    /// JSON or YAML of a shape that no known tool writes.
    #[error("{file}: no router file of a known tool")]
    Unknown {
        /// The file.
        file: String,
    },
    /// Something in it cannot be.
    #[error("{file}: as a file of {tool}: {message}")]
    Invalid {
        /// The file.
        file: String,
        /// The tool.
        tool: &'static str,
        /// What is wrong.
        message: String,
    },
}

impl Hint for ExchangeError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax { .. } => Some("give a .json, .yaml or .yml file as the tool writes it".into()),
            Self::Unknown { .. } => Some(
                "say whose it is: --from semantic-router, litellm, redisvl or rasa; routes.json itself needs no import"
                    .into(),
            ),
            Self::Invalid { .. } => Some("docs/exchange.md shows the shape of each tool's files".into()),
        }
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Input
    }
}
