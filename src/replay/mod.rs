//! What routing costs, and what it does to the answers.
//!
//! Answers of several models to the same prompts, recorded once, are a matrix of prompt × model × sample. What follows
//! (grades, policies, the frontier) is arithmetic on that matrix and makes no call, so every policy and every threshold
//! is free once the matrix is there.
//!
//! ```text
//! recorded answers ── import ── matrix ── graders ── policies ── analysis ── frontier
//! ```

pub mod analysis;
pub mod frontier;
pub mod graders;
pub mod import;
pub mod matrix;
pub mod policies;
mod usage;

pub use usage::UsageSource;
