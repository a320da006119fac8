//! The numbers of an evaluation: counts and scores in, figures out.
//!
//! Everything here is a pure function of its arguments: no IO, no clock, no randomness, nothing of the rest of the
//! crate. Every figure states its formula and source where it is defined.
//!
//! | module | question it answers |
//! |---|---|
//! | [`classification`] | how often is the chosen route the right one, and which routes are mixed up? |
//! | [`deployed`] | what happens to traffic once thresholds and the fallback act? |
//! | [`detection`] | how well does a score tell in-domain prompts from out-of-domain ones? |
//! | [`selective`] | how fast does the error fall as the least confident prompts are left to the fallback? |
//! | [`reliability`] | does a confidence of 0.8 mean right four times in five? |
//! | [`histogram`] | where do the confidences lie? |
//!
//! # Conventions
//!
//! * Counts are `u64`, scores and sums `f64`.
//! * A rate with nothing under it is `None`, never NaN and never 0.
//! * A confidence or score is accepted iff it is **at or above** a threshold.
//! * Where rows tie, no figure depends on the order in which the rows came. (Sums of `f64` may still differ in the
//!   last bits between two orders.)
//! * NaN is a caller's mistake. Functions panic on it and say so; fits, which meet data, return an error.

pub mod classification;
pub mod deployed;
pub mod detection;
pub mod histogram;
mod rate;
pub mod reliability;
pub mod selective;
mod ties;

pub use rate::Rate;
pub use ties::Ranking;

/// A count as a float.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of rows stay far below 2^53; products of two that pass it are off by 1e-16 of their value"
)]
fn as_f64(count: u64) -> f64 {
    count as f64
}

/// A length as a count.
fn count(len: usize) -> u64 {
    len as u64
}

/// The mean of the values that are defined; `None` where none is.
///
/// This is how a macro average treats classes without a value: they are left out, as scikit-learn does with
/// `zero_division=np.nan`, rather than counted as 0. O(n).
///
/// ```
/// use routecal::metrics::mean_defined;
///
/// assert_eq!(mean_defined([Some(0.5), None, Some(1.0)]), Some(0.75));
/// assert_eq!(mean_defined([None, None]), None);
/// ```
pub fn mean_defined(values: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, n) = values
        .into_iter()
        .flatten()
        .fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / as_f64(n))
}
