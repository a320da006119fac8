//! What routing costs, and what it does to the answers.
//!
//! Answers of several models to the same prompts, recorded once, are a matrix of prompt × model × sample. What follows
//! (grades, policies, the frontier) is arithmetic on that matrix and makes no call, so every policy and every threshold
//! is free once the matrix is there.
//!
//! ```text
//! recorded answers ── import ── matrix ── graders ── policies ── analysis ── frontier
//! ```
//!
//! [`ledger`], [`models`], [`pricing`] and [`grades`] are the other half: a run that is collected from live models, one line
//! an attempt. The program does not collect yet; they are read and written by their own tests only.

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
