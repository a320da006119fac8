//! The statistics of an evaluation: counts in, intervals, tests and bounds out.
//!
//! Everything here is a pure function of its arguments. What is random takes a seed, and what it draws depends on the seed
//! alone: draw *i* reads stream *i* of a counter-based generator, so neither the number of threads nor the order in which
//! they work changes a bit of any result.
//!
//! | module | question it answers |
//! |---|---|
//! | [`proportion`] | how far may a rate be from what was seen (Wilson), and what bound holds for certain (Clopper–Pearson)? |
//! | [`bootstrap`] | the same for figures that are no rates: F1, AUROC, areas, calibration error |
//! | [`paired`] | two routers on the same prompts: did one get worse, how much, and could we have seen it? |
//! | [`multiple`] | many tests at once: which rejections still hold together? |
//! | [`binomial`], [`normal`] | the two distributions behind them, exact to about 1e-13 |
//!
//! # Conventions
//!
//! * A [`Level`] is a confidence level strictly between 0 and 1, such as 0.95; an interval of that level leaves half of
//!   the rest out on each side.
//! * Counts are `u64`. A rate with nothing under it has no interval: `None`.
//! * Every interval assumes that the rows are independent draws of the traffic they stand for. The bootstrap keeps copies of
//!   one prompt together; the closed formulas cannot.

pub mod binomial;
pub mod bootstrap;
pub mod multiple;
pub mod normal;
pub mod paired;
pub mod proportion;
mod stream;

pub use stream::{Purpose, Stream, stream};

/// A confidence level strictly between 0 and 1.
///
/// ```
/// use routecal::stats::Level;
///
/// assert_eq!(Level::new(0.95), Some(Level::P95));
/// assert_eq!(Level::new(1.0), None);
/// assert_eq!(Level::new(f64::NAN), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Level(f64);

impl Level {
    /// 0.95.
    pub const P95: Self = Self(0.95);
    /// 0.9: both ends are one-sided tests at 5 %.
    pub const P90: Self = Self(0.9);

    /// Checks the range.
    pub fn new(level: f64) -> Option<Self> {
        (level > 0.0 && level < 1.0).then_some(Self(level))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// What an interval of this level leaves out on one side: 0.025 for 0.95.
    pub fn tail(self) -> f64 {
        (1.0 - self.0) / 2.0
    }
}

/// A closed interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

impl Interval {
    /// The interval from `lower` to `upper`.
    ///
    /// # Panics
    /// If an end is NaN or `lower > upper`.
    pub fn new(lower: f64, upper: f64) -> Self {
        assert!(lower <= upper, "an interval from {lower} to {upper}");
        Self { lower, upper }
    }

    /// Whether `value` lies in it, ends included.
    pub fn contains(self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }

    /// The smallest interval that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self {
            lower: self.lower.min(other.lower),
            upper: self.upper.max(other.upper),
        }
    }
}

/// The root of a function that changes sign once between `low` and `high`, by bisection down to neighbouring floats.
///
/// `below(x)` says whether `x` lies below the root.
fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low + (high - low) / 2.0
}
