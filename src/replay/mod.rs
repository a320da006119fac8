//! What routing costs, and what it does to the answers.
//!
//! Two stages. *Collect* fills a matrix of prompt × model × sample by calling the models, through a ledger that can be
//! resumed and a budget that holds. What follows (grades, policies, the frontier) is arithmetic on that matrix and makes
//! no call, so every policy and every threshold is free once the matrix is there.
//!
//! ```text
//! dataset ─ prompts ─┐
//! routes  ─ routing ─┼─ plan of cells ── client ── ledger (responses.jsonl) ── matrix ── grades ── policies ── frontier
//! models.toml ───────┘        │             │
//!                          budget        limits, retries
//! ```

pub mod analysis;
pub mod frontier;
pub mod graders;
pub mod grades;
pub mod import;
pub mod ledger;
pub mod matrix;
pub mod models;
pub mod policies;
pub mod pricing;

pub use ledger::{Record, Status, Usage, UsageSource, Via};
pub use models::ModelSpec;
pub use pricing::{Price, PriceTable};
