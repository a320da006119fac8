//! Is production traffic still like the data that the thresholds were chosen on?
//!
//! A log of prompts has no labels, so nothing in it can be right or wrong. What can be seen is where its scores and gaps lie, and
//! which routes take it. Both are held against the calibration data, whose rows are labelled:
//!
//! * the shift of a distribution: the distance of Kolmogorov and Smirnov ([`ks_test`]) and the population stability index
//!   ([`psi`]) over bins of the calibration data;
//! * the accuracy to be expected, if what has changed is how often each score comes and nothing else: the calibration rows
//!   weighted by the log's share of each score bin. It holds only where P(right | score) is unchanged, which no unlabelled log
//!   can show;
//! * gates, each with an interval: within, beyond, or too few prompts to tell.
//!
//! Everything here is pure: scores in, figures out.

mod assess;
mod error;
mod gates;
mod ks;
mod psi;
mod resample;
mod words;

pub use assess::{Comparison, compare, period};
pub use error::MonitorError;
pub use gates::{GateVerdict, Limits};
pub use ks::{EXACT_UP_TO, Ks, KsMethod, ks_test};
pub use psi::{Bins, SMOOTHING, by_chance, psi};
pub use resample::Shifts;

use crate::router::{Decision, RowScore, decide};
use crate::routes::Thresholds;

/// Bins of the index and of the weights: tenths of the calibration data.
pub const BINS: usize = 10;

/// What is said beside every expected accuracy.
pub const ASSUMPTION: &str = "valid only if prompts of one score are right as often as they were in the calibration data \
                              (P(right | score) unchanged); an unlabelled log cannot show that";

/// One prompt as the router sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Route with the highest score.
    pub best: usize,
    /// Its score.
    pub score: f64,
    /// Score minus the runner-up's; infinite for a lone route.
    pub gap: f64,
    /// Whether the route took it; otherwise the fallback did.
    pub accepted: bool,
    /// Rows of one number are copies of one prompt: resampled together.
    pub copy: usize,
}

impl Seen {
    /// A scored row under thresholds, one pair a route.
    ///
    /// # Panics
    /// If there are no thresholds for the best route.
    pub fn new(row: &RowScore, thresholds: &[Thresholds], copy: usize) -> Self {
        Self {
            best: row.best,
            score: row.score,
            gap: row.gap,
            accepted: matches!(decide(row, thresholds), Decision::Accept(_)),
            copy,
        }
    }
}

/// A labelled prompt of the calibration data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// What the router sees.
    pub seen: Seen,
    /// Whether it was handled right: by its own route, or by the fallback where it belongs to none.
    pub right: bool,
}

/// How the figures are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Highest chance of a false alarm, for all gates together; between 0 and 0.5.
    pub alpha: f64,
    /// Resamples of the bootstrap.
    pub resamples: u32,
    /// Its seed.
    pub seed: u64,
}
