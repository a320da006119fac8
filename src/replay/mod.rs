//! What routing costs, and what it does to the answers.
//!
//! Two stages. *Collect* fills a matrix of prompt × model × sample by calling the models, through a ledger that can be
//! resumed and a budget that holds. What follows (grades, policies, the frontier) is arithmetic on that matrix and makes
//! no call, so every policy and every threshold is free once the matrix is there. Recorded answers of others can take
//! the ledger's place.
//!
//! ```text
//! dataset ─ prompts ─┐
//! routes  ─ routing ─┼─ plan of calls ── client ── ledger ── grades ─┐
//! models.toml ───────┘        │            │                         ├─ matrix ── policies ── analysis ── frontier
//!                          budget   limits, retries                  │
//! recorded answers ────────── import ── graders ─────────────────────┘
//! ```

pub mod analysis;
pub mod batch;
mod budget;
mod client;
pub mod collect;
#[cfg(test)]
mod fixture;
pub mod frontier;
pub mod graders;
pub mod grades;
pub mod import;
pub mod judging;
pub mod ledger;
mod limits;
pub mod matrix;
pub mod models;
pub mod operating_point;
pub mod plan;
pub mod policies;
pub mod pricing;
mod prompts;
mod retry;
mod seal;
mod usage;

pub use models::ModelSpec;
pub use pricing::{Price, PriceTable};
pub use prompts::prompts;
pub use usage::{Usage, UsageSource, Via};
