//! Intervals and bounds for a rate of `k` among `n`.

use super::{Interval, Level, binomial, bisect, normal};
use crate::num::f64_from_u64;

/// Wilson's score interval: for rates that are shown. Its mean coverage is close to the level even for small n, it is
/// never wider than \[0, 1\] and never of no width. O(1).
///
/// (p̂ + z²/2n ± z √(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n); Wilson, J. Am. Stat. Assoc. 22 (1927). `None` where `n` is 0.
///
/// ```
/// use routecal::stats::{Level, proportion::wilson};
///
/// let interval = wilson(20, 24, Level::P95).unwrap();
/// assert!((interval.lower - 0.641).abs() < 1e-3 && (interval.upper - 0.933).abs() < 1e-3);
/// assert_eq!(wilson(0, 0, Level::P95), None);
/// ```
///
/// # Panics
/// If `k > n`.
pub fn wilson(k: u64, n: u64, level: Level) -> Option<Interval> {
    assert!(k <= n, "a rate of {k} out of {n}");
    if n == 0 {
        return None;
    }
    let (hits, size) = (f64_from_u64(k), f64_from_u64(n));
    let z = normal::quantile(1.0 - level.tail());
    let share = hits / size;
    let centre = share + z * z / (2.0 * size);
    let reach = z * (share * (1.0 - share) / size + z * z / (4.0 * size * size)).sqrt();
    let scale = 1.0 + z * z / size;
    // At the edges the formula is exact; rounding must not move it past the share itself.
    let lower = if k == 0 {
        0.0
    } else {
        ((centre - reach) / scale).max(0.0)
    };
    let upper = if k == n {
        1.0
    } else {
        ((centre + reach) / scale).min(1.0)
    };
    Some(Interval::new(lower, upper))
}

/// Clopper and Pearson's exact interval: covers the true rate with at least the level, whatever the rate and n; wider than
/// [`wilson`]. `None` where `n` is 0. O(√n).
///
/// ```
/// use routecal::stats::{Level, proportion::clopper_pearson};
///
/// let interval = clopper_pearson(0, 59, Level::P90).unwrap();
/// assert_eq!(interval.lower, 0.0);
/// assert!(interval.upper < 0.05); // 1 − 0.05^(1/59)
/// ```
///
/// # Panics
/// If `k > n`.
pub fn clopper_pearson(k: u64, n: u64, level: Level) -> Option<Interval> {
    Some(Interval::new(
        lower_bound(k, n, level.tail())?,
        upper_bound(k, n, level.tail())?,
    ))
}

/// The exact one-sided lower bound: the rate under which `k` or more hits have probability `alpha` (Clopper & Pearson,
/// Biometrika 26, 1934). `None` where `n` is 0.
///
/// # Panics
/// If `k > n`.
pub fn lower_bound(k: u64, n: u64, alpha: f64) -> Option<f64> {
    assert!(k <= n, "a rate of {k} out of {n}");
    if n == 0 {
        return None;
    }
    if k == 0 {
        return Some(0.0);
    }
    Some(bisect(0.0, f64_from_u64(k) / f64_from_u64(n), |p| {
        binomial::sf(k, n, p) < alpha
    }))
}

/// The exact one-sided upper bound: the rate under which `k` or fewer hits have probability `alpha`. `None` where `n` is 0.
///
/// # Panics
/// If `k > n`.
pub fn upper_bound(k: u64, n: u64, alpha: f64) -> Option<f64> {
    assert!(k <= n, "a rate of {k} out of {n}");
    if n == 0 {
        return None;
    }
    if k == n {
        return Some(1.0);
    }
    Some(bisect(f64_from_u64(k) / f64_from_u64(n), 1.0, |p| {
        binomial::cdf(k, n, p) > alpha
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn intervals_hold_the_rate_and_mirror(n in 1_u64..3000, share in 0.0_f64..=1.0, level in 0.5_f64..0.999) {
            let k = (0..=n).find(|k| f64_from_u64(*k) >= share * f64_from_u64(n)).unwrap();
            let level = Level::new(level).unwrap();
            for interval in [wilson, clopper_pearson] {
                let here = interval(k, n, level).unwrap();
                prop_assert!(here.contains(f64_from_u64(k) / f64_from_u64(n)));
                let mirror = interval(n - k, n, level).unwrap();
                prop_assert!((here.lower - (1.0 - mirror.upper)).abs() < 1e-9);
            }
        }
    }
}
