//! Evaluates and calibrates embedding-based prompt routers.
//!
//! A prompt router sends each prompt to the model that suits it. Every route has a name, a target model, a system prompt
//! and a handful of example prompts; a route's *centroid* is the mean of its examples' sentence embeddings; a prompt goes
//! to the route whose centroid has the highest cosine (its *score*). A prompt whose score is under a *threshold*, or whose
//! best two scores are closer than a *gap*, goes to a fallback model. This crate measures such a router on labelled prompts
//! and chooses the two numbers.
//!
//! ```text
//! routes.json ─ examples ─┐
//!                         ├─ Encoder ─ vectors ─ Centroids ─ ScoreTable ─┬─ Evaluation ── report
//! dataset ───── prompts ──┘  (cache)                                     ├─ Sweep ─ thresholds ── routes.json
//!                                                                        └─ Pairs with a baseline ── verdict for CI
//! ```
//!
//! Embedding is the one costly step: it is done once per distinct text and kept. Everything after the scores is arithmetic
//! on a table with one row a prompt.
//!
//! # Words
//! *coverage* = accepted / all; *selective accuracy* = right / accepted; *misroute* = accepted, in-domain, wrong route;
//! *false accept* = accepted, out-of-domain; *false fallback* = in-domain, sent to fallback; *system accuracy* = (right
//! route accepted, or out-of-domain sent to fallback) / all. In a confusion matrix rows are the truth and columns the
//! decision, the last column being fallback. AUROC and FPR@95TPR name in-domain as the positive class.
//!
//! # Use as a library
//! [`Router`] routes prompts and scores labelled ones; [`Measured`] is what came of that: evaluate it, sweep its thresholds, certify
//! them, compare it with another. Their pages have examples that run. Without default features (`default-features = false`) the crate
//! has neither clap nor plotters; the feature `plot` adds figures, `cli` the command line.
//!
//! What these two return, and the modules that they name, are what the command line itself is made of: [`routes`] and [`dataset`]
//! read files, [`encode`] opens encoders, [`router`] scores, [`calibrate`] chooses, [`evaluation`], [`metrics`] and [`stats`] judge.

// Some helpers of the inner modules serve the command line alone.
#![cfg_attr(not(feature = "cli"), allow(dead_code, unused_imports))]

mod api;
pub mod assets;
pub mod calibrate;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod compare;
pub mod dataset;
pub mod encode;
mod endpoint;
pub mod error;
pub mod evaluation;
pub mod exchange;
pub mod improve;
pub mod learn_curve;
pub mod lint;
pub mod metrics;
pub mod monitor;
mod num;
#[cfg(feature = "plot")]
pub mod plot;
pub mod replay;
pub mod report;
pub mod router;
pub mod routes;
pub mod scored;
pub mod stats;
pub mod store;

pub use api::{Measured, Routed, Router};
pub use error::Error;
