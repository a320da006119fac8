//! The files of a run: who was asked what, and what came back.

mod prompt;
mod record;

pub use prompt::PromptRecord;
pub use record::{RECORD_VERSION, Record, Status, Usage, UsageSource, Via};
