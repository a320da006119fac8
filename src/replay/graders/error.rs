//! Why nothing can be graded.

use super::GRADERS;
use crate::error::{ErrorClass, Hint};

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraderError {
    /// No grader has this name.
    #[error("no grader \"{name}\"")]
    Unknown {
        /// What was typed.
        name: String,
    },
    /// What follows the colon does not fit the grader.
    #[error("the grader {grader} {message}")]
    Argument {
        /// The grader.
        grader: String,
        /// What it takes.
        message: String,
    },
    /// The pattern after `regex:` is none.
    #[error("the pattern of the regex grader is no regular expression")]
    Pattern {
        /// Why.
        #[source]
        source: regex::Error,
    },
    /// The grader compares with a reference, and no prompt has one.
    #[error("the grader {grader} needs references, and no prompt has one")]
    NoReference {
        /// The grader.
        grader: String,
    },
    /// The data hold no texts.
    #[error("the data hold no answers that could be graded")]
    NoAnswers,
}

impl Hint for GraderError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { name } => {
                let stem = name.split(':').next().unwrap_or(name);
                let names = ["exact", "contains", "regex", "choice", "numeric", "external"];
                Some(match crate::error::nearest(stem, names) {
                    Some(near) => format!("the nearest is {near}; the graders are {GRADERS}"),
                    None => format!("the graders are {GRADERS}"),
                })
            }
            Self::NoReference { .. } => {
                Some("name the column with the right answers: --reference-column COLUMN".into())
            }
            Self::NoAnswers => Some("use the scores that come with the data: --grader external".into()),
            Self::Argument { .. } => Some(format!("the graders are {GRADERS}")),
            Self::Pattern { .. } => None,
        }
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Input
    }
}
