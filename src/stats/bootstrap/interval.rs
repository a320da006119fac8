//! From the values of a figure on the resamples to an interval.

use crate::num::f64_from_usize;
use crate::stats::{Interval, Level, normal};

/// Which interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The middle part of the resampled values, as it is.
    Percentile,
    /// Bias-corrected and accelerated: the percentiles moved by the bias and the skew of the resamples.
    Bca,
}

/// The quantiles `tail` and 1 − `tail` of the values, by linear interpolation.
///
/// ```
/// use routecal::stats::{Level, bootstrap::percentile};
///
/// let sorted: Vec<f64> = (0..=100).map(f64::from).collect();
/// let interval = percentile(&sorted, Level::P90);
/// assert!((interval.lower - 5.0).abs() < 1e-9 && (interval.upper - 95.0).abs() < 1e-9);
/// ```
///
/// # Panics
/// If there is no value, or they do not rise.
pub fn percentile(sorted: &[f64], level: Level) -> Interval {
    assert!(sorted.is_sorted(), "values must rise");
    Interval::new(quantile(sorted, level.tail()), quantile(sorted, 1.0 - level.tail()))
}

/// The bias-corrected and accelerated interval (Efron, J. Am. Stat. Assoc. 82, 1987).
///
/// The bias z₀ is the normal quantile of the share of `sorted` below `point`, ties counted half; the acceleration is
/// Σ d³ / 6 (Σ d²)^(3/2) over the distances d = mean − value of the `jackknife`. Where all resamples lie on one side of the
/// point (calibration errors, whose resamples are biased up), the share is taken as half a resample from the edge: the
/// interval then ends at the outermost resample and need not hold the point. Without a jackknife the acceleration is 0.
///
/// # Panics
/// If there is no value, or they do not rise.
pub fn bca(sorted: &[f64], point: f64, jackknife: &[f64], level: Level) -> Interval {
    assert!(sorted.is_sorted(), "values must rise");
    let n = f64_from_usize(sorted.len());
    let below = f64_from_usize(sorted.partition_point(|v| *v < point));
    let up_to = f64_from_usize(sorted.partition_point(|v| *v <= point));
    let share = f64::midpoint(below, up_to) / n;
    let bias = normal::quantile(share.clamp(0.5 / n, 1.0 - 0.5 / n));
    let acceleration = acceleration(jackknife);
    let moved = |tail: f64| {
        let z = bias + normal::quantile(tail);
        let stretch = 1.0 - acceleration * z;
        // A stretch of 0 or less means that the correction has left its range: the end of the values is all it can say.
        if stretch <= 0.0 {
            return f64::from(u8::from(z > 0.0));
        }
        normal::cdf(bias + z / stretch)
    };
    let (lower, upper) = (
        quantile(sorted, moved(level.tail())),
        quantile(sorted, moved(1.0 - level.tail())),
    );
    Interval::new(lower.min(upper), lower.max(upper))
}

fn acceleration(jackknife: &[f64]) -> f64 {
    if jackknife.is_empty() {
        return 0.0;
    }
    let mean = jackknife.iter().sum::<f64>() / f64_from_usize(jackknife.len());
    let power = |exponent: i32| jackknife.iter().map(|v| (mean - v).powi(exponent)).sum::<f64>();
    let square = power(2);
    if square <= 0.0 {
        return 0.0;
    }
    power(3) / (6.0 * square.powf(1.5))
}

/// `numpy.quantile`: linear between the two neighbouring values.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let last = sorted.len() - 1;
    let place = p * f64_from_usize(last);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "p is a probability, so the place is an index"
    )]
    let low = (place.floor() as usize).min(last);
    let high = (low + 1).min(last);
    let (a, b) = (sorted[low], sorted[high]);
    a + (b - a) * (place - f64_from_usize(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_bias_and_skew_bca_is_the_percentile_interval() {
        let sorted: Vec<f64> = (-500..=500).map(f64::from).collect();
        let (a, b) = (bca(&sorted, 0.0, &[], Level::P95), percentile(&sorted, Level::P95));
        assert!((a.lower - b.lower).abs() < 1e-9 && (a.upper - b.upper).abs() < 1e-9);
    }

    #[test]
    fn a_point_outside_its_resamples_gives_a_finite_interval() {
        let sorted: Vec<f64> = (10..=500).map(f64::from).collect();
        let interval = bca(&sorted, 1.0, &[1.0, 2.0, 4.0], Level::P95);
        assert!((interval.lower - 10.0).abs() < 1e-9 && interval.upper >= interval.lower);
        let flat = bca(&[2.0; 30], 2.0, &[2.0; 5], Level::P95);
        assert_eq!(flat, Interval::new(2.0, 2.0));
    }
}
