//! The files of a run: who was asked what, and what came back.
//!
//! ```text
//! manifest.json     what the run is: prompts, models, parameters, prices; a run that differs is refused
//! prompts.jsonl     a prompt a line, with the route it takes (`PromptRecord`)
//! responses.jsonl   one line an attempt outcome (`Record`), only ever appended to
//! sent.jsonl        calls on their way, so that one that is killed with the program is known and counted
//! batches.jsonl     a provider's batches, from before they are created to their end (`BatchLine`)
//! lock              held while a run is being written
//! ```
//!
//! Every line ends with a checksum, and the manifest has one: a damaged file is refused, not read as another number.
//!
//! A line is written in one go when its attempt has ended, so a killed program loses at most calls in flight; a last line
//! that is torn is cut off when the run is opened again. A call in flight at that moment may have been billed: its line in
//! `sent.jsonl`, written before it was sent, becomes an outcome of status `budget_unknown`, which counts as spent and is not
//! asked again unless that is asked for.

mod batches;
mod cells;
mod error;
mod journal;
mod lock;
mod manifest;
mod prompt;
mod record;
mod run;

pub use batches::{BatchCall, BatchEnd, BatchLine, BatchOutcomes, OpenBatch, open_batches};
pub use cells::Cells;
pub use error::LedgerError;
pub use manifest::{Manifest, ManifestModel};
pub use prompt::PromptRecord;
pub use record::{RECORD_VERSION, Record, Status};
pub use run::{Run, RunFolder};

#[cfg(test)]
mod tests;
