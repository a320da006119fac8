//! Why a run cannot be graded, or its grades cannot be read.

use std::path::PathBuf;

use crate::error::{ErrorClass, Hint};
use crate::store::StoreError;

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GradesError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line that is no grade.
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
    #[error("{}: written by a later version of routecal (version {found}, this one reads {known})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that can be read.
        known: u32,
    },
    /// The grader compares with references, and the run has none.
    #[error("the grader {grader} needs references, and the run has none")]
    NoReferences {
        /// The grader.
        grader: String,
    },
    /// The grader that stands for recorded scores.
    #[error("the grader external takes scores from a file, and none is named")]
    External,
    /// The judge needs the text of a prompt, and there is none.
    #[error("the text of prompt {prompt_id} is not known")]
    NoText {
        /// The prompt.
        prompt_id: String,
    },
    /// No answers of the model that others are to be compared with.
    #[error("the run has no answers of the baseline \"{baseline}\"")]
    NoBaseline {
        /// As it was named.
        baseline: String,
        /// The models there are.
        models: Vec<String>,
    },
    /// The run was made with other routes.
    #[error("the run was made with other routes than {routes} (hash {run}, now {now})")]
    OtherRoutes {
        /// The routes file.
        routes: String,
        /// Hash in the run.
        run: String,
        /// Hash of the file.
        now: String,
    },
    /// A model that the routes send prompts to was not asked.
    #[error("the run has no answers of \"{model}\", which {routes} sends prompts to")]
    NotAsked {
        /// The routes file.
        routes: String,
        /// The model.
        model: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Hint for GradesError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoReferences { .. } => Some(
                "collect with --reference-column COLUMN, or use a grader that needs none, such as regex:PATTERN".into(),
            ),
            Self::Line { .. } => {
                Some("the file is derived: make it again with routecal replay grade --grader NAME".into())
            }
            Self::External => Some("name a file with your scores: --grader external --scores FILE (prompt_id, model, score)".into()),
            Self::OtherRoutes { .. } => Some("name the routes file that the run was made with: --routes FILE".into()),
            Self::NotAsked { .. } => Some("collect its answers too: without them a routed prompt has no answer".into()),
            Self::NoText { .. } => Some(
                "name the dataset that was collected from: routecal replay grade DATASET …; --store-prompts keeps the texts in the run"
                    .into(),
            ),
            Self::NoBaseline { models, .. } => Some(format!("name one of its models: --baseline {}", models.join(", "))),
            Self::Newer { .. } => Some("use that version, or grade again with this one".into()),
            Self::Store(e) => e.hint(),
            Self::Read { .. } => None,
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Read { .. } => ErrorClass::Environment,
            Self::Store(e) => e.class(),
            _ => ErrorClass::Input,
        }
    }
}
