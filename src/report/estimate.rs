//! The shape of every figure.

use schemars::JsonSchema;
use serde::Serialize;

use crate::metrics::Rate;

/// A figure, its interval and the number of rows under it.
///
/// `point` is null where nothing lies under the figure; `lower` and `upper` are null where no interval was computed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
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

    /// `0.874`, or `n/a`.
    pub fn shown(&self) -> String {
        self.point.map_or_else(|| "n/a".into(), |p| format!("{p:.3}"))
    }
}

impl From<Rate> for Estimate {
    fn from(rate: Rate) -> Self {
        Self::new(rate.value(), rate.n())
    }
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
