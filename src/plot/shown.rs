//! A figure with the ends of its interval.

use super::PlotError;
use super::canvas::{Canvas, Point, Stroke};
use super::error::finite;
use super::number::{fixed, percent};

/// A number, and how far it may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// The number.
    pub value: f64,
    /// The ends of its interval; `None` where there is none.
    pub span: Option<(f64, f64)>,
}

/// A number without an interval.
impl From<f64> for Shown {
    fn from(value: f64) -> Self {
        Self { value, span: None }
    }
}

impl Shown {
    /// Refuses a number that cannot be placed.
    pub(super) fn check(&self, figure: &'static str, what: impl Fn() -> String) -> Result<(), PlotError> {
        finite(figure, self.value, &what)?;
        let (low, high) = self.span.unwrap_or_default();
        finite(figure, low, || format!("lower end of {}", what()))?;
        finite(figure, high, || format!("upper end of {}", what()))
    }

    /// `61.5 % (57.6–65.3)`.
    pub(super) fn percent(&self, decimals: usize) -> String {
        let value = percent(self.value, decimals);
        match self.span {
            Some((low, high)) => format!(
                "{value} ({}–{})",
                fixed(100.0 * low, decimals),
                fixed(100.0 * high, decimals)
            ),
            None => value,
        }
    }

    /// `0.150 (0.138–0.164)`.
    pub(super) fn fixed(&self, decimals: usize) -> String {
        let value = fixed(self.value, decimals);
        match self.span {
            Some((low, high)) => format!("{value} ({}–{})", fixed(low, decimals), fixed(high, decimals)),
            None => value,
        }
    }

    /// Draws the interval as a line with caps across it; `place` maps a value to its place.
    pub(super) fn whisker(&self, canvas: &Canvas<'_>, place: impl Fn(f64) -> Point, stroke: Stroke) {
        let Some((low, high)) = self.span else {
            return;
        };
        let (low, high) = (place(low), place(high));
        canvas.line(&[low, high], stroke);
        let upright = (high.0 - low.0).abs() <= (high.1 - low.1).abs();
        let (dx, dy) = if upright { (4.0, 0.0) } else { (0.0, 4.0) };
        for (x, y) in [low, high] {
            canvas.line(&[(x - dx, y - dy), (x + dx, y + dy)], stroke);
        }
    }
}
