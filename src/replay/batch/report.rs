//! Where the batches of a run stand.

use schemars::JsonSchema;
use serde::Serialize;

use super::api::BatchState;
use crate::replay::collect::CollectSummary;
use crate::replay::ledger::{BatchOutcomes, OpenBatch};

/// What `replay collect --batch submit|poll --format json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BatchReport {
    /// `replay_batches`.
    pub kind: &'static str,
    /// Version of this document.
    pub schema_version: u32,
    /// Version of the program.
    pub tool_version: &'static str,
    /// The batches that had not ended when the command began, and those that it created.
    pub batches: Vec<BatchRow>,
    /// The run's answers.
    pub answers: CollectSummary,
}

/// One batch.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BatchRow {
    /// The provider's name of it; `None` where it is not known whether there is one.
    pub batch: Option<String>,
    /// Its name in batches.jsonl, and in the provider's metadata.
    pub submission: String,
    /// Model, as routes.json names it.
    pub model: String,
    /// As the provider spells it: `validating`, `in_progress`, `completed`. `submitted` where the provider was not asked,
    /// `unresolved` where it is not known whether there is such a batch, `unknown` where asking failed.
    pub state: String,
    /// Its calls.
    pub calls: u64,
    /// Those that succeeded so far; once it has ended, those with an answer in the ledger.
    pub completed: u64,
    /// Those that failed so far.
    pub failed: u64,
    /// What is set aside for it; 0 once it has ended.
    pub reserved_usd: f64,
}

impl BatchRow {
    /// Of a batch whose state was not asked for.
    pub(super) fn waiting(batch: &OpenBatch, state: &str) -> Self {
        Self {
            batch: batch.batch_id.clone(),
            submission: batch.id.clone(),
            model: batch.model.clone(),
            state: state.to_owned(),
            calls: batch.calls.len() as u64,
            completed: 0,
            failed: 0,
            reserved_usd: batch.reserved_usd(),
        }
    }

    /// Of a batch that goes on.
    pub(super) fn going_on(batch: &OpenBatch, state: &BatchState) -> Self {
        Self {
            completed: state.completed,
            failed: state.failed,
            ..Self::waiting(batch, &state.status)
        }
    }

    /// Of a batch that has ended.
    pub(super) fn ended(batch: &OpenBatch, state: &str, outcomes: BatchOutcomes) -> Self {
        Self {
            completed: outcomes.answered,
            failed: outcomes.failed,
            reserved_usd: 0.0,
            ..Self::waiting(batch, state)
        }
    }
}
