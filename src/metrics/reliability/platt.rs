//! Platt scaling: a logistic curve through (score, right).
//!
//! P(right | s) = σ(slope · s + intercept), with slope and intercept minimising the cross-entropy to Platt's smoothed
//! targets, (n₊ + 1) / (n₊ + 2) for a right row and 1 / (n₋ + 2) for a wrong one, which keep the fit finite where the
//! scores separate the two perfectly. Sources: Platt, "Probabilistic outputs for support vector machines" (1999);
//! Lin, Lin & Weng, "A note on Platt's probabilistic outputs for support vector machines", Machine Learning 68
//! (2007): Newton with a backtracking line search. Their (A, B), and scikit-learn's (`a_`, `b_`), are (−slope,
//! −intercept).

use super::super::{as_f64, ties::Tie};
use super::{FitError, check, check_counted};

/// Newton converges in about ten steps; this many means that something is wrong.
const MAX_STEPS: u32 = 200;

/// A fitted logistic curve.
///
/// ```
/// use routecal::metrics::reliability::Platt;
///
/// // One score throughout, 3 of 4 right: the constant is the mean of the smoothed targets (3 * 4/5 + 1 * 1/3) / 4.
/// let platt = Platt::fit([(0.5, true), (0.5, true), (0.5, false), (0.5, true)]).unwrap();
/// assert!((platt.predict(0.9) - (3.0 * 0.8 + 1.0 / 3.0) / 4.0).abs() < 1e-12);
///
/// // Two scores: two numbers fit both targets exactly, 2/3 and 1/3.
/// let platt = Platt::fit([(0.8, true), (0.2, false)]).unwrap();
/// assert!((platt.predict(0.8) - 2.0 / 3.0).abs() < 1e-12);
/// assert!((platt.predict(0.5) - 0.5).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Platt {
    slope: f64,
    intercept: f64,
}

impl Platt {
    /// Fits the curve to `(score, right)` rows, to a relative step of 1e-12. O(n log n), then O(n) a step.
    ///
    /// Where all scores are equal the slope is 0. A negative slope is possible, and means that higher scores were
    /// right less often.
    ///
    /// # Errors
    ///
    /// Where there are no rows, a score is not finite, or all rows are right or all wrong.
    pub fn fit(rows: impl IntoIterator<Item = (f64, bool)>) -> Result<Self, FitError> {
        Self::of(&check(rows)?)
    }

    /// The same from counts a score: `(score, rows, right rows)` in any order. O(n log n) in the distinct scores.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit).
    pub fn fit_counted(counts: impl IntoIterator<Item = (f64, u64, u64)>) -> Result<Self, FitError> {
        Self::of(&check_counted(counts)?)
    }

    fn of(ties: &[Tie]) -> Result<Self, FitError> {
        let problem = Problem::new(ties);
        let (slope, intercept) = problem.solve()?;
        Ok(Self {
            slope: slope / problem.scale,
            intercept: intercept - slope * problem.centre / problem.scale,
        })
    }

    /// The factor of the score; its sign is that of the relation.
    pub fn slope(self) -> f64 {
        self.slope
    }

    /// The log-odds at score 0.
    pub fn intercept(self) -> f64 {
        self.intercept
    }

    /// The probability that a row with this score is right.
    pub fn predict(self, score: f64) -> f64 {
        sigmoid(self.slope * score + self.intercept)
    }
}

/// The cross-entropy to minimise, over scores that are centred and scaled so that the steps are well conditioned.
struct Problem {
    /// Scaled score, rows, and the sum of their targets.
    points: Vec<(f64, f64, f64)>,
    centre: f64,
    scale: f64,
}

/// Gradient and Hessian of the cross-entropy in (slope, intercept).
#[derive(Default)]
struct Derivatives {
    gradient: (f64, f64),
    hessian: (f64, f64, f64),
}

impl Problem {
    fn new(ties: &[Tie]) -> Self {
        let n = as_f64(ties.iter().map(|tie| tie.n).sum());
        let right = as_f64(ties.iter().map(|tie| tie.marked).sum());
        let target_right = (right + 1.0) / (right + 2.0);
        let target_wrong = 1.0 / (n - right + 2.0);
        let centre = ties.iter().map(|tie| as_f64(tie.n) * tie.score).sum::<f64>() / n;
        let variance = ties
            .iter()
            .map(|tie| as_f64(tie.n) * (tie.score - centre).powi(2))
            .sum::<f64>()
            / n;
        // With one distinct score the slope cannot be told: all points at 0 leave it where it starts, at 0.
        let (centre, scale) = if ties.len() > 1 && variance > 0.0 {
            (centre, variance.sqrt())
        } else {
            (ties[0].score, 1.0)
        };
        let points = ties
            .iter()
            .map(|tie| {
                let targets = as_f64(tie.marked) * target_right + as_f64(tie.n - tie.marked) * target_wrong;
                ((tie.score - centre) / scale, as_f64(tie.n), targets)
            })
            .collect();
        Self { points, centre, scale }
    }

    fn solve(&self) -> Result<(f64, f64), FitError> {
        let n: f64 = self.points.iter().map(|point| point.1).sum();
        let targets: f64 = self.points.iter().map(|point| point.2).sum();
        let (mut slope, mut intercept) = (0.0, (targets / (n - targets)).ln());
        let mut loss = self.loss(slope, intercept);
        for _ in 0..MAX_STEPS {
            let (step_slope, step_intercept, descent) = self.newton_step(slope, intercept);
            let size = step_slope.abs().max(step_intercept.abs());
            if size <= 1e-12 * (1.0 + slope.abs() + intercept.abs()) {
                return Ok((slope + step_slope, intercept + step_intercept));
            }
            // Close to the minimum the loss differs by less than its rounding error: allow for that much.
            let slack = 1e-14 * (1.0 + loss.abs());
            let mut share = 1.0;
            loop {
                let next = (slope + share * step_slope, intercept + share * step_intercept);
                let next_loss = self.loss(next.0, next.1);
                if next_loss <= loss - 1e-4 * share * descent + slack {
                    (slope, intercept) = next;
                    loss = next_loss;
                    break;
                }
                share /= 2.0;
                if share < 1e-10 {
                    return Err(FitError::NotConverged);
                }
            }
        }
        Err(FitError::NotConverged)
    }

    /// −H⁻¹ g, and how fast the loss falls along it.
    fn newton_step(&self, slope: f64, intercept: f64) -> (f64, f64, f64) {
        let Derivatives {
            gradient: (g1, g0),
            hessian: (h11, h10, h00),
        } = self.derivatives(slope, intercept);
        let determinant = h11 * h00 - h10 * h10;
        let (step_slope, step_intercept) = if determinant > 1e-14 * h00 * h00 {
            ((h10 * g0 - h00 * g1) / determinant, (h10 * g1 - h11 * g0) / determinant)
        } else {
            // The weight has gathered on one score, or there is but one: only the intercept can be told.
            (0.0, -g0 / h00)
        };
        let descent = -(g1 * step_slope + g0 * step_intercept);
        (step_slope, step_intercept, descent)
    }

    fn derivatives(&self, slope: f64, intercept: f64) -> Derivatives {
        let mut sums = Derivatives::default();
        for &(x, n, targets) in &self.points {
            let z = slope * x + intercept;
            let residual = n * sigmoid(z) - targets;
            let weight = n * sigmoid(z) * sigmoid(-z);
            sums.gradient.0 += residual * x;
            sums.gradient.1 += residual;
            sums.hessian.0 += weight * x * x;
            sums.hessian.1 += weight * x;
            sums.hessian.2 += weight;
        }
        sums
    }

    fn loss(&self, slope: f64, intercept: f64) -> f64 {
        self.points
            .iter()
            .map(|&(x, n, targets)| {
                let z = slope * x + intercept;
                n * (z.max(0.0) + (-z.abs()).exp().ln_1p()) - targets * z
            })
            .sum()
    }
}

/// 1 / (1 + e^−z), without overflow on either side.
fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        let e = z.exp();
        e / (1.0 + e)
    }
}

#[cfg(test)]
mod tests {
    use super::Platt;

    #[test]
    fn separated_scores_are_fitted_to_the_smoothed_targets() {
        let rows = (0..20).map(|i| (f64::from(i) / 20.0, i >= 10));
        let platt = Platt::fit(rows).unwrap();
        assert!(platt.slope() > 0.0);
        assert!(platt.predict(1.0) > 0.9 && platt.predict(0.0) < 0.1);
    }

    #[test]
    fn a_narrow_band_of_scores_is_no_obstacle() {
        let near = |i: i32| 0.5 + f64::from(i) * 1e-9;
        let platt = Platt::fit((0..40).map(|i| (near(i), i % 3 != 0 || i > 30))).unwrap();
        let wide = Platt::fit((0..40).map(|i| (f64::from(i), i % 3 != 0 || i > 30))).unwrap();
        for i in 0..40 {
            let difference = platt.predict(near(i)) - wide.predict(f64::from(i));
            assert!(difference.abs() < 1e-6);
        }
    }

    #[test]
    fn far_outliers_are_no_obstacle() {
        let mut rows: Vec<_> = (0..30).map(|i| (f64::from(i), i % 2 == 0)).collect();
        rows.push((1e6, false));
        rows.push((-1e6, true));
        let platt = Platt::fit(rows).unwrap();
        assert!(platt.slope() < 0.0);
        assert!(platt.predict(1e9) >= 0.0 && platt.predict(-1e9) <= 1.0);
    }
}
