//! What a run knows of each cell: its answer, its attempts, what it cost.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::batches::{self, OpenBatch};
use super::journal::{self, Lines};
use super::run::{RESPONSES, SENT, manifest, without_end};
use super::{LedgerError, Record};

/// What is known of each cell, by key.
#[derive(Debug, Clone, Default)]
pub struct Cells {
    by_key: HashMap<String, Cell>,
    charged_usd: f64,
    /// Keys of calls in batches that have not ended, and the most that they can cost.
    in_batch: HashSet<String>,
    in_batch_usd: f64,
}

/// One cell.
#[derive(Debug, Clone)]
struct Cell {
    /// The last answer, else the last outcome.
    outcome: Record,
    attempts: u32,
}

impl Cells {
    /// Of the run in `folder`; of nothing where there is none yet. A call that was sent and has no outcome is there as
    /// what it will be when the run is opened again: nobody knows whether it was billed. Takes no lock and changes nothing.
    ///
    /// # Errors
    /// [`LedgerError`]: unreadable, a line that is none.
    pub fn load(folder: &Path) -> Result<Self, LedgerError> {
        if manifest(folder)?.is_none() {
            return Ok(Self::default());
        }
        // In this order: a call that ends meanwhile, in another process, is not taken for lost.
        let sent: Lines<Record> = journal::read(&folder.join(SENT))?;
        let ended: Lines<Record> = journal::read(&folder.join(RESPONSES))?;
        let lost = without_end(sent.items, &ended.items);
        let batches = batches::open_batches(folder)?;
        Ok(Self::of(ended.items.iter().chain(&lost)).with(&batches))
    }

    /// Of records in the order in which they came: the last answer of a cell goes before everything else.
    pub fn of<'r>(records: impl IntoIterator<Item = &'r Record>) -> Self {
        let mut cells = Self::default();
        for record in records {
            cells.add(record);
        }
        cells
    }

    /// Together with the batches that have not ended. A call whose outcome is there already, since a poll was killed before
    /// it had written them all, waits for nothing.
    pub(super) fn with(mut self, batches: &[OpenBatch]) -> Self {
        for call in batches.iter().flat_map(|b| &b.calls) {
            if self.attempts(&call.key) < call.attempt && self.in_batch.insert(call.key.clone()) {
                self.in_batch_usd += call.reserved_usd;
            }
        }
        self
    }

    pub(super) fn add(&mut self, record: &Record) {
        self.charged_usd += record.charged_usd();
        if let Some(cell) = self.by_key.get_mut(&record.key) {
            cell.attempts = cell.attempts.max(record.attempt);
            if record.is_answer() || !cell.outcome.is_answer() {
                cell.outcome = record.clone();
            }
            return;
        }
        let cell = Cell {
            outcome: record.clone(),
            attempts: record.attempt,
        };
        self.by_key.insert(record.key.clone(), cell);
    }

    /// The last answer of a cell, else its last outcome, else nothing: it was never asked.
    pub fn outcome(&self, key: &str) -> Option<&Record> {
        self.by_key.get(key).map(|c| &c.outcome)
    }

    /// The answer of a cell.
    pub fn answer(&self, key: &str) -> Option<&Record> {
        self.outcome(key).filter(|r| r.is_answer())
    }

    /// Attempts so far.
    pub fn attempts(&self, key: &str) -> u32 {
        self.by_key.get(key).map_or(0, |c| c.attempts)
    }

    /// Whether a call for the cell is in a batch that has not ended.
    pub fn in_batch(&self, key: &str) -> bool {
        self.in_batch.contains(key)
    }

    /// The most that the calls in batches which have not ended can cost.
    pub fn in_batch_usd(&self) -> f64 {
        self.in_batch_usd
    }

    /// Dollars that count as spent: over every attempt, and what is set aside for batches that have not ended.
    pub fn charged_usd(&self) -> f64 {
        self.charged_usd + self.in_batch_usd
    }
}
