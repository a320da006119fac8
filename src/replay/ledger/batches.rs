//! `batches.jsonl`: a provider's batches, each from the moment before it is created to its end.
//!
//! A batch is paid for from its creation on, so its line is written before that: if the program is killed before it learns
//! what the provider has called the batch, the line says what to look for in the provider's list. Calls of a batch that has
//! not ended are not asked again, and the most that they can cost counts against the budget.

use std::path::Path;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::journal::{self, Lines};

/// Name of the file in the run's folder.
pub(super) const BATCHES: &str = "batches.jsonl";

/// One line of the file: something that has happened to a batch. `id` is the name that it has here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum BatchLine {
    /// Its calls are uploaded, and the provider is about to be asked to create it.
    Creating {
        /// [`RECORD_VERSION`](super::RECORD_VERSION).
        v: u32,
        /// Name here, sent as metadata.
        id: String,
        /// Model, as routes.json names it.
        model: String,
        /// The provider's name of the uploaded file.
        file_id: String,
        /// Its calls.
        calls: Vec<BatchCall>,
    },
    /// The provider has created it.
    Created {
        /// [`RECORD_VERSION`](super::RECORD_VERSION).
        v: u32,
        /// Name here.
        id: String,
        /// The provider's name of the batch.
        batch_id: String,
    },
    /// Its answers are in responses.jsonl; what has none there is free to be asked again.
    Ended {
        /// [`RECORD_VERSION`](super::RECORD_VERSION).
        v: u32,
        /// Name here.
        id: String,
        /// How.
        end: BatchEnd,
        /// What came of its calls.
        #[serde(default)]
        outcomes: BatchOutcomes,
    },
}

/// A call of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchCall {
    /// Names its cell.
    pub key: String,
    /// Which attempt at the cell it is.
    pub attempt: u32,
    /// The most that it can cost, at the batch price.
    pub reserved_usd: f64,
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchEnd {
    /// Every call was made.
    Completed,
    /// The provider did not take its file; nothing was asked.
    Failed,
    /// The provider's time was up; what was answered is billed.
    Expired,
    /// Somebody stopped it; what was answered is billed.
    Cancelled,
    /// The provider refused to create it, or does not have it.
    NeverCreated,
    /// The provider says that it does not know it, and the user gave it up.
    Lost,
}

/// What came of the calls of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchOutcomes {
    /// With an answer.
    pub answered: u64,
    /// Failed, and not billed.
    pub failed: u64,
    /// No answer, and nobody knows whether it was billed.
    pub unknown: u64,
    /// Not made.
    pub unasked: u64,
}

/// A batch that has not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenBatch {
    /// Name here.
    pub id: String,
    /// Model, as routes.json names it.
    pub model: String,
    /// The provider's name of the uploaded file.
    pub file_id: String,
    /// The provider's name of the batch; `None` where it is not known whether there is one.
    pub batch_id: Option<String>,
    /// Its calls.
    pub calls: Vec<BatchCall>,
}

impl OpenBatch {
    /// The most that it can cost.
    pub fn reserved_usd(&self) -> f64 {
        self.calls.iter().map(|c| c.reserved_usd).sum()
    }
}

/// The batches of the run in `folder` that have not ended, in the order in which they were begun. Changes nothing.
///
/// # Errors
/// [`LedgerError`]: unreadable, a line that is none.
pub fn open_batches(folder: &Path) -> Result<Vec<OpenBatch>, LedgerError> {
    let path = folder.join(BATCHES);
    open_of(&path, &journal::read(&path)?)
}

/// Those that have not ended, of the lines of a file.
pub(super) fn open_of(path: &Path, lines: &Lines<BatchLine>) -> Result<Vec<OpenBatch>, LedgerError> {
    let mut open: IndexMap<&str, OpenBatch> = IndexMap::new();
    for (number, line) in (1..).zip(&lines.items) {
        let known = match line {
            BatchLine::Creating {
                id,
                model,
                file_id,
                calls,
                ..
            } => {
                let batch = OpenBatch {
                    id: id.clone(),
                    model: model.clone(),
                    file_id: file_id.clone(),
                    batch_id: None,
                    calls: calls.clone(),
                };
                open.insert(id, batch).is_none()
            }
            BatchLine::Created { id, batch_id, .. } => open
                .get_mut(id.as_str())
                .map(|batch| batch.batch_id = Some(batch_id.clone()))
                .is_some(),
            BatchLine::Ended { id, .. } => open.shift_remove(id.as_str()).is_some(),
        };
        if !known {
            return Err(LedgerError::Line {
                path: path.to_owned(),
                line: number,
                message: "the lines before it do not lead to it".into(),
            });
        }
    }
    Ok(open.into_values().collect())
}
