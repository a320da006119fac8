//! Temperature scaling: softmax over the routes with one number fitted.
//!
//! `p(route | prompt) = softmax(scores / T)`, where T > 0 minimises the negative log likelihood of the true routes,
//! `Σ (ln Σ_r exp(s_r / T) − s_truth / T)`. The largest p is the confidence. Source: Guo et al., "On calibration of
//! modern neural networks", ICML 2017, arXiv 1706.04599. Cosines lie close together, so T comes out well under 1.
//!
//! In β = 1 / T the loss is convex, and its derivative `g(β) = Σ (E_p[s] − s_truth)` rises from `Σ (mean − s_truth)`
//! at β = 0 to `Σ (max − s_truth)` at β = ∞. So there is one minimum, and T is finite and positive iff the truth
//! scores above the mean of its row in sum and below the maximum in some row. Rows of which none has its truth as the
//! best are refused as well, as by the other mappings. The root of g is found in ln β by Newton's method inside a
//! bracket.

use super::super::{as_f64, count};
use super::FitError;

/// Enough for bisection alone to reach full precision from any bracket.
const MAX_STEPS: u32 = 200;

/// A fitted temperature.
///
/// ```
/// use routecal::metrics::reliability::Temperature;
///
/// // Two routes 0.1 apart, the better one right in 3 of 4 rows: p = 3/4, so 0.1 / T = ln 3.
/// let row = [0.5, 0.4];
/// let temperature = Temperature::fit([(row, 0), (row, 0), (row, 1), (row, 0)]).unwrap();
/// assert!((temperature.t() - 0.1 / 3f64.ln()).abs() < 1e-12);
/// assert!((temperature.predict(&row) - 0.75).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature {
    t: f64,
}

/// A row as the loss sees it: scores less their maximum, and the truth's.
struct Row {
    below_best: Vec<f64>,
    truth: f64,
}

impl Temperature {
    /// Fits the temperature to `(scores, truth)` rows, one score a route, `truth` the index of the right route; to a
    /// relative step of 1e-12. O(rows · routes) a step, a dozen steps. Rows without a right route (out-of-domain)
    /// have no place here.
    ///
    /// # Errors
    ///
    /// Where there are no rows, a score is not finite, the truth is never or always among the best, or the truth
    /// scores no higher than the average route (a lone route, for one).
    ///
    /// # Panics
    ///
    /// If a truth is out of range.
    pub fn fit<S: AsRef<[f64]>>(rows: impl IntoIterator<Item = (S, usize)>) -> Result<Self, FitError> {
        let rows: Vec<Row> = rows
            .into_iter()
            .enumerate()
            .map(|(row, (scores, truth))| Row::new(row, scores.as_ref(), truth))
            .collect::<Result<_, _>>()?;
        if rows.is_empty() {
            return Err(FitError::NoRows);
        }
        let spread: f64 = rows.iter().map(Row::spread).sum();
        // At β = 0 the expectation is the plain mean. The margin is for rounding: equal scores must not look like
        // signal.
        if derivatives(&rows, 0.0).0 >= -1e-14 * spread {
            return Err(FitError::NoSignal);
        }
        let best = rows.iter().filter(|row| row.truth >= 0.0).count();
        if best == 0 || best == rows.len() {
            return Err(FitError::OneOutcome { right: best > 0 });
        }
        let start = (as_f64(count(rows.len())) / spread).ln();
        let log_beta = root(&rows, start)?;
        Ok(Self { t: (-log_beta).exp() })
    }

    /// The temperature, in units of the score.
    pub fn t(self) -> f64 {
        self.t
    }

    /// The confidence of a row: the largest of its probabilities, 1 / Σ exp((s − max) / T). O(routes).
    ///
    /// # Panics
    ///
    /// If `scores` is empty or holds a NaN.
    pub fn predict(self, scores: &[f64]) -> f64 {
        let best = maximum(scores);
        1.0 / scores.iter().map(|score| ((score - best) / self.t).exp()).sum::<f64>()
    }

    /// The probability of every route, in the order of `scores`; they sum to 1. O(routes).
    ///
    /// # Panics
    ///
    /// If `scores` is empty or holds a NaN.
    pub fn softmax(self, scores: &[f64]) -> Vec<f64> {
        let best = maximum(scores);
        let confidence = self.predict(scores);
        scores
            .iter()
            .map(|score| ((score - best) / self.t).exp() * confidence)
            .collect()
    }
}

impl Row {
    fn new(row: usize, scores: &[f64], truth: usize) -> Result<Self, FitError> {
        assert!(
            truth < scores.len(),
            "row {row} has truth {truth} and {} scores",
            scores.len()
        );
        if !scores.iter().all(|score| score.is_finite()) {
            return Err(FitError::NotFinite { row });
        }
        let best = maximum(scores);
        Ok(Self {
            truth: scores[truth] - best,
            below_best: scores.iter().map(|score| score - best).collect(),
        })
    }

    fn spread(&self) -> f64 {
        self.below_best.iter().fold(0.0, |spread: f64, s| spread.max(-s))
    }
}

/// The largest score. Panics where there is none or one is NaN.
fn maximum(scores: &[f64]) -> f64 {
    assert!(!scores.is_empty(), "a row without scores");
    scores.iter().fold(f64::NEG_INFINITY, |best, &score| {
        assert!(!score.is_nan(), "a score is NaN");
        best.max(score)
    })
}

/// `g(β) = Σ (E_p[s] − s_truth)`, its derivative `Σ Var_p[s]`, and the size of the terms of g, which bounds its
/// rounding error.
fn derivatives(rows: &[Row], beta: f64) -> (f64, f64, f64) {
    let (mut gradient, mut curvature, mut size) = (0.0, 0.0, 0.0);
    for row in rows {
        let (mut total, mut first, mut second) = (0.0, 0.0, 0.0);
        for &s in &row.below_best {
            let weight = (beta * s).exp();
            total += weight;
            first += weight * s;
            second += weight * s * s;
        }
        let mean = first / total;
        gradient += mean - row.truth;
        curvature += (second / total - mean * mean).max(0.0);
        size += mean.abs() + row.truth.abs();
    }
    (gradient, curvature, size)
}

/// The root of g in ln β: g rises through 0 once.
fn root(rows: &[Row], start: f64) -> Result<f64, FitError> {
    // Walk from the start until g changes sign; e^±100 is far beyond what scores can ask for.
    let rises = derivatives(rows, start.exp()).0 > 0.0;
    let towards = if rises { -1.0 } else { 1.0 };
    let mut near = start;
    let mut far = start + towards;
    while (derivatives(rows, far.exp()).0 > 0.0) == rises {
        near = far;
        far += towards;
        if (far - start).abs() > 100.0 {
            return Err(FitError::NotConverged);
        }
    }
    let (mut low, mut high) = if rises { (far, near) } else { (near, far) };

    let mut x = low.midpoint(high);
    for _ in 0..MAX_STEPS {
        let beta = x.exp();
        let (gradient, curvature, size) = derivatives(rows, beta);
        if gradient.abs() <= f64::EPSILON * size || high - low <= 1e-14 * (1.0 + x.abs()) {
            return Ok(x);
        }
        if gradient > 0.0 {
            high = x;
        } else {
            low = x;
        }
        // d g / d ln β = β g'. Where Newton leaves the bracket, bisect.
        let newton = x - gradient / (beta * curvature);
        if (newton - x).abs() <= 1e-12 {
            return Ok(newton);
        }
        x = if newton > low && newton < high {
            newton
        } else {
            low.midpoint(high)
        };
    }
    Err(FitError::NotConverged)
}

#[cfg(test)]
mod tests {
    use super::super::FitError;
    use super::Temperature;

    #[test]
    fn rows_without_a_finite_minimum_are_refused() {
        let fit = |rows: &[([f64; 2], usize)]| Temperature::fit(rows.iter().copied());
        assert_eq!(fit(&[]), Err(FitError::NoRows));
        let all_right = fit(&[([0.9, 0.1], 0), ([0.2, 0.3], 1)]);
        assert_eq!(all_right, Err(FitError::OneOutcome { right: true }));
        // More often wrong than right: no better than chance.
        assert_eq!(fit(&[([0.9, 0.1], 1), ([0.8, 0.3], 1)]), Err(FitError::NoSignal));
        assert_eq!(fit(&[([0.3, 0.3], 1), ([0.1, 0.1], 0)]), Err(FitError::NoSignal));
        let nan = fit(&[([0.3, 0.3], 1), ([0.1, f64::NAN], 0)]);
        assert_eq!(nan, Err(FitError::NotFinite { row: 1 }));
        assert_eq!(Temperature::fit([([0.5], 0)]), Err(FitError::NoSignal));
        // Never best, yet above the mean of its row.
        let second = Temperature::fit([([0.9, 0.8, 0.1], 1)]);
        assert_eq!(second, Err(FitError::OneOutcome { right: false }));
    }

    #[test]
    fn the_scale_of_the_scores_is_the_scale_of_the_temperature() {
        let rows = [
            ([0.50, 0.42, 0.1], 0),
            ([0.51, 0.38, 0.3], 1),
            ([0.1, 0.35, 0.3], 1),
            ([0.2, 0.35, 0.44], 2),
        ];
        let plain = Temperature::fit(rows).unwrap();
        for factor in [1e-8, 1e-3, 1e6] {
            let scaled = rows.map(|(scores, truth)| (scores.map(|s| s * factor), truth));
            let t = Temperature::fit(scaled).unwrap().t();
            assert!((t / factor / plain.t() - 1.0).abs() < 1e-11);
        }
    }

    #[test]
    fn one_slip_among_many_gives_a_small_temperature() {
        let mut rows = vec![([0.9, 0.1], 0); 500];
        rows.push(([0.500_000_1, 0.5], 1));
        let temperature = Temperature::fit(rows).unwrap();
        assert!(temperature.t() > 0.0 && temperature.predict(&[0.9, 0.1]) > 0.99);
    }

    #[test]
    fn probabilities_sum_to_one() {
        let temperature = Temperature { t: 0.05 };
        let p = temperature.softmax(&[0.3, 0.1, 0.25]);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((p[0] - temperature.predict(&[0.3, 0.1, 0.25])).abs() < 1e-15);
    }
}
