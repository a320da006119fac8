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
//! # Example
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use routecal::calibrate::{Goal, choose, rows};
//! use routecal::dataset::Truth;
//! use routecal::encode::{HashingEncoder, Quiet, embed};
//! use routecal::router::{Centroids, score};
//!
//! # fn main() -> Result<(), routecal::Error> {
//! // The hashing encoder needs no model; a real one is `encode::open("all-MiniLM-L6-v2", …)`.
//! let encoder = HashingEncoder::new(1);
//! let stop = AtomicBool::new(false);
//! let vectors = |texts: &[&str]| embed(&encoder, None, texts, &Quiet, &stop).map(|e| e.vectors);
//!
//! let examples = vectors(&["sort a list in Rust", "fix this loop in C", "a poem about rain", "a song about the sea"])?;
//! let centroids = Centroids::new(examples, &[2, 2])?;
//!
//! let prompts = vectors(&["sort this list in C", "a poem about the sea", "zzz qqq"])?;
//! let scores = score(&prompts, &centroids)?;
//! let truths = [Truth::Route(0), Truth::Route(1), Truth::OutOfDomain];
//!
//! let choice = choose(&rows(&scores, &truths), 2, &Goal::MaxSystemAccuracy)?;
//! assert_eq!(choice.objective, 1.0);
//! let at = choice.thresholds[0];
//! assert!(at.accept(scores.rows()[0].score, scores.rows()[0].gap));
//! # Ok(())
//! # }
//! ```

// Some helpers of the inner modules serve the command line alone.
#![cfg_attr(not(feature = "cli"), allow(dead_code, unused_imports))]

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

pub use error::Error;
