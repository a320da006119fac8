//! Did the router get worse? A candidate against a baseline, prompt by prompt, for the CI job.
//!
//! A [`Baseline`] keeps what a router did with each prompt, by the prompt's hash. [`pair`] holds today's outcomes against it;
//! [`compare`] turns the pairs into a difference with an interval and a p-value for each gated figure; [`judge`] gives the
//! verdict. Two rates that differ say little by themselves: on 164 prompts, one may lose three of them by the luck of
//! the draw. So a gate has three answers: *pass* (not worse by more than the margin), *regressed* (worse, with evidence),
//! *inconclusive* (too few prompts to tell).
//!
//! | module | what it does |
//! |---|---|
//! | `metric` | the figures that can be gated, each as a hit or miss of a row |
//! | `gates` | gates.json and `--gate`: what is asked of each figure |
//! | `baseline` | the file: outcomes, what made them, a checksum of itself |
//! | `golden` | vectors of a few fixed texts: is the encoder still what it was? |
//! | `pairing` | today's rows against the baseline's: paired, added, removed, relabelled, flipped |
//! | `comparison` | the statistics |
//! | `verdict` | the decision |
//! | `assess` | all of it, as the document |

mod assess;
mod baseline;
mod comparison;
mod error;
mod gates;
mod golden;
mod metric;
mod pairing;
mod verdict;

pub use assess::{Candidate, Request, assess, encoder_changed};
pub use baseline::{BASELINE_VERSION, Baseline, BaselineThresholds, ThresholdPair};
pub use comparison::{Comparison, Direction, Hits, Settings, compare, design, detectable};
pub use error::{CheckError, Unpaired};
pub use gates::{Gate, Gates, gates_schema};
pub use golden::{GOLDEN_TEXTS, GOLDEN_TOLERANCE, GoldenVector, INT8_GOLDEN_TOLERANCE, golden_tolerance};
pub use metric::Metric;
pub use pairing::{Outcome, Pair, Pairing, PromptOutcome, Reason, TodayRow, pair, prompt_key};
pub use verdict::{Judged, Terms, Verdict, judge};
