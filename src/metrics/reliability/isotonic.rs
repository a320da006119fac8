//! Isotonic regression: the non-decreasing function closest to (score, right) in squared error.
//!
//! Rows of one score are averaged first; then neighbours that are out of order are pooled until none is (pool
//! adjacent violators: Ayer et al., Ann. Math. Stat. 26, 1955; for probabilities Zadrozny & Elkan, KDD 2002). Between
//! fitted scores the prediction is linear, beyond them constant, as scikit-learn's
//! `IsotonicRegression(out_of_bounds="clip")`. scikit-learn also averages scores that lie within 1e-15 of each other;
//! here only equal scores are one.

use super::super::{as_f64, ties::Tie};
use super::{FitError, check, check_counted};

/// A fitted step-and-ramp function.
///
/// ```
/// use routecal::metrics::reliability::Isotonic;
///
/// // By score: wrong, right, wrong, right. The middle two are out of order and pooled to 1/2.
/// let rows = [(0.1, false), (0.3, true), (0.5, false), (0.7, true)];
/// let isotonic = Isotonic::fit(rows).unwrap();
/// assert_eq!(isotonic.points(), [(0.1, 0.0), (0.3, 0.5), (0.5, 0.5), (0.7, 1.0)]);
/// assert_eq!(isotonic.predict(0.4), 0.5);
/// assert!((isotonic.predict(0.2) - 0.25).abs() < 1e-15); // half way from 0 to 1/2
/// assert_eq!(isotonic.predict(-1.0), 0.0);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Isotonic {
    points: Vec<(f64, f64)>,
}

/// Neighbouring scores that share one fitted value.
struct Block {
    first: f64,
    last: f64,
    right: u64,
    n: u64,
}

impl Isotonic {
    /// Fits the function to `(score, right)` rows. O(n log n). The order of the blocks is decided on whole counts, so
    /// the pooling is exact.
    ///
    /// # Errors
    ///
    /// Where there are no rows, a score is not finite, or all rows are right or all wrong.
    pub fn fit(rows: impl IntoIterator<Item = (f64, bool)>) -> Result<Self, FitError> {
        Ok(Self::of(&check(rows)?))
    }

    /// The same from counts a score: `(score, rows, right rows)` in any order. O(n log n) in the distinct scores.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub fn fit_counted(counts: impl IntoIterator<Item = (f64, u64, u64)>) -> Result<Self, FitError> {
        Ok(Self::of(&check_counted(counts)?))
    }

    fn of(ties: &[Tie]) -> Self {
        let mut blocks: Vec<Block> = Vec::new();
        for tie in ties.iter().rev() {
            let mut block = Block {
                first: tie.score,
                last: tie.score,
                right: tie.marked,
                n: tie.n,
            };
            while let Some(before) = blocks.pop_if(|before| before.right * block.n >= block.right * before.n) {
                block.first = before.first;
                block.right += before.right;
                block.n += before.n;
            }
            blocks.push(block);
        }
        let mut points = Vec::with_capacity(2 * blocks.len());
        for block in blocks {
            let value = as_f64(block.right) / as_f64(block.n);
            points.push((block.first, value));
            if block.first < block.last {
                points.push((block.last, value));
            }
        }
        Self { points }
    }

    /// The corners of the function, `(score, probability)`, both non-decreasing: at least one.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The probability that a row with this score is right. O(log n).
    ///
    /// It may be exactly 0 or 1, for which log loss is clipped; see
    /// [`Reliability::log_loss`](super::Reliability::log_loss).
    ///
    /// # Panics
    ///
    /// If `score` is NaN.
    pub fn predict(&self, score: f64) -> f64 {
        assert!(!score.is_nan(), "the score is NaN");
        let above = self.points.partition_point(|&(x, _)| x <= score);
        match (above.checked_sub(1).map(|i| self.points[i]), self.points.get(above)) {
            (Some((x0, y0)), Some(&(x1, y1))) => y0 + (y1 - y0) * ((score - x0) / (x1 - x0)),
            (Some((_, y)), None) | (None, Some(&(_, y))) => y,
            (None, None) => unreachable!("a fit has a point"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Isotonic;

    #[test]
    fn equal_scores_are_averaged() {
        let isotonic = Isotonic::fit([(0.5, true), (0.5, false), (0.5, true)]).unwrap();
        assert_eq!(isotonic.points(), [(0.5, 2.0 / 3.0)]);
        assert!((isotonic.predict(0.9) - 2.0 / 3.0).abs() < f64::EPSILON);
    }

    #[test]
    fn scores_in_reverse_order_give_a_constant() {
        let rows = (0..10).map(|i| (f64::from(i), i < 5));
        let isotonic = Isotonic::fit(rows).unwrap();
        assert_eq!(isotonic.points(), [(0.0, 0.5), (9.0, 0.5)]);
    }

    #[test]
    fn infinite_scores_are_clipped_to_the_ends() {
        let isotonic = Isotonic::fit([(0.2, false), (0.6, true)]).unwrap();
        assert!(isotonic.predict(f64::INFINITY) >= 1.0);
        assert!(isotonic.predict(f64::NEG_INFINITY) <= 0.0);
    }
}
