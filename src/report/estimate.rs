//! The shape of every figure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metrics::Rate;
use crate::stats::{Interval, Level, proportion};

/// Level of every interval in a report.
pub const INTERVAL_LEVEL: Level = Level::P95;

/// A figure, its 95 % interval and the number of rows under it.
///
/// `point` is null where nothing lies under the figure; `lower` and `upper` are null where there is no interval: none was
/// asked for (`--resamples 0`), or too few resamples have such a figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The figure.
    pub point: Option<f64>,
    /// Lower end of the interval.
    pub lower: Option<f64>,
    /// Upper end of the interval.
    pub upper: Option<f64>,
    /// Rows under the figure.
    pub n: u64,
}

impl Estimate {
    /// A figure without an interval.
    pub fn new(point: Option<f64>, n: u64) -> Self {
        Self {
            point,
            lower: None,
            upper: None,
            n,
        }
    }

    /// The same figure with an interval, where it has a point.
    #[must_use]
    pub fn within(self, interval: Option<Interval>) -> Self {
        let interval = interval.filter(|_| self.point.is_some());
        Self {
            lower: interval.map(|i| i.lower),
            upper: interval.map(|i| i.upper),
            ..self
        }
    }

    /// The interval, where there is one.
    pub fn interval(&self) -> Option<Interval> {
        Some(Interval::new(self.lower?, self.upper?))
    }

    /// `0.874`, or `n/a`.
    pub fn shown(&self) -> String {
        self.point.map_or_else(|| "n/a".into(), |p| format!("{p:.3}"))
    }

    /// `0.851–0.894`, or nothing.
    pub fn interval_shown(&self) -> String {
        self.interval()
            .map_or_else(String::new, |i| format!("{:.3}–{:.3}", i.lower, i.upper))
    }
}

/// A rate with Wilson's interval.
impl From<Rate> for Estimate {
    fn from(rate: Rate) -> Self {
        let interval = proportion::wilson(rate.k(), rate.n(), INTERVAL_LEVEL);
        Self::new(rate.value(), rate.n()).within(interval)
    }
}

/// Figures that are no rates, whose intervals come from resampling the prompts: always the same ones in the same order.
pub trait Resampled {
    /// Hands out each of them.
    fn each(&mut self, visit: &mut dyn FnMut(&mut Estimate));
}

/// A difference of two shares in percentage points, with its sign: `+1.3`, `-0.4`, and `0.0` for what rounds to it.
pub(crate) fn points(difference: f64) -> String {
    if difference.abs() < 5e-4 {
        return "0.0".into();
    }
    format!("{:+.1}", 100.0 * difference)
}

/// A share in percent, `n/a` where there is none.
pub(crate) fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".into(), |v| format!("{:.1} %", 100.0 * v))
}
