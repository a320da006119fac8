//! The binomial distribution, exactly: no normal approximation, no continued fraction that gives up for large n.
//!
//! The probability of one count is Loader's saddle-point form ("Fast and accurate computation of binomial probabilities",
//! 2000), accurate to a few units in the last places for any n; a tail is the sum of its terms by their ratio, from the
//! largest term outwards, so it costs O(√n) and loses nothing.

use crate::num::f64_from_u64;

/// P(X = `k`), X ~ Bin(`n`, `p`). O(1).
///
/// ```
/// use routecal::stats::binomial::pmf;
///
/// assert!((pmf(2, 4, 0.5) - 6.0 / 16.0).abs() < 1e-15);
/// assert_eq!(pmf(5, 4, 0.5), 0.0);
/// ```
///
/// # Panics
/// If `p` is not in 0..=1.
pub fn pmf(k: u64, n: u64, p: f64) -> f64 {
    assert!((0.0..=1.0).contains(&p), "{p} is no probability");
    if k > n {
        return 0.0;
    }
    if p <= 0.0 {
        return f64::from(u8::from(k == 0));
    }
    if p >= 1.0 {
        return f64::from(u8::from(k == n));
    }
    let (size, hits, misses) = (f64_from_u64(n), f64_from_u64(k), f64_from_u64(n - k));
    if k == 0 {
        return (size * (-p).ln_1p()).exp();
    }
    if k == n {
        return (size * p.ln()).exp();
    }
    let log = stirling_error(n)
        - stirling_error(k)
        - stirling_error(n - k)
        - deviance(hits, size * p)
        - deviance(misses, size * (1.0 - p));
    log.exp() * (size / (std::f64::consts::TAU * hits * misses)).sqrt()
}

/// P(X ≤ `k`), X ~ Bin(`n`, `p`). O(√n).
///
/// ```
/// use routecal::stats::binomial::cdf;
///
/// // The p-value of 0 errors among 59 accepted prompts against a risk of 5 %: just below 5 %.
/// assert!((cdf(0, 59, 0.05) - 0.95f64.powi(59)).abs() < 1e-15);
/// assert!(cdf(0, 59, 0.05) < 0.05 && cdf(0, 58, 0.05) > 0.05);
/// ```
///
/// # Panics
/// If `p` is not in 0..=1.
pub fn cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    if f64_from_u64(k) > f64_from_u64(n) * p {
        return (1.0 - upper_sum(k + 1, n, p)).max(0.0);
    }
    lower_sum(k, n, p)
}

/// P(X ≥ `k`), X ~ Bin(`n`, `p`). O(√n).
///
/// # Panics
/// If `p` is not in 0..=1.
pub fn sf(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if f64_from_u64(k) < f64_from_u64(n) * p {
        return (1.0 - lower_sum(k - 1, n, p)).max(0.0);
    }
    upper_sum(k, n, p)
}

/// Terms smaller than this part of the sum are not worth adding.
const NEGLIGIBLE: f64 = 1e-18;

/// Σ P(X = j) over j ≤ k, for k at or below the mean: terms fall as j does.
fn lower_sum(k: u64, n: u64, p: f64) -> f64 {
    let odds = (1.0 - p) / p;
    let mut term = pmf(k, n, p);
    let mut sum = term;
    for j in (1..=k).rev() {
        term *= f64_from_u64(j) / f64_from_u64(n - j + 1) * odds;
        sum += term;
        if term <= sum * NEGLIGIBLE {
            break;
        }
    }
    sum.min(1.0)
}

/// Σ P(X = j) over j ≥ k, for k at or above the mean: terms fall as j rises.
fn upper_sum(k: u64, n: u64, p: f64) -> f64 {
    let odds = p / (1.0 - p);
    let mut term = pmf(k, n, p);
    let mut sum = term;
    for j in k..n {
        term *= f64_from_u64(n - j) / f64_from_u64(j + 1) * odds;
        sum += term;
        if term <= sum * NEGLIGIBLE {
            break;
        }
    }
    sum.min(1.0)
}

/// ln n! − ln(√(2πn) (n/e)ⁿ), n ≥ 1.
fn stirling_error(n: u64) -> f64 {
    let x = f64_from_u64(n);
    if n <= 15 {
        let factorial: u64 = (1..=n).product();
        return f64_from_u64(factorial).ln() - (x + 0.5) * x.ln() + x - 0.5 * std::f64::consts::TAU.ln();
    }
    let square = x * x;
    // The Bernoulli numbers B2k / (2k (2k − 1)).
    let series = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0];
    series.iter().rev().fold(0.0, |sum, b| sum / square + b) / x
}

/// x ln(x / m) + m − x, without cancellation where x is near m.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() + m - x;
    }
    let v = (x - m) / (x + m);
    let mut sum = (x - m) * v;
    let mut power = 2.0 * x * v;
    for j in 1..1000 {
        power *= v * v;
        let next = sum + power / f64::from(2 * j + 1);
        if next.to_bits() == sum.to_bits() {
            break;
        }
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_terms_sum_to_one_and_the_tails_meet(n in 1_u64..400, p in 0.0_f64..=1.0, share in 0.0_f64..=1.0) {
            let all: f64 = (0..=n).map(|k| pmf(k, n, p)).sum();
            prop_assert!((all - 1.0).abs() < 1e-12, "{}", all);
            let k = (0..=n).find(|k| f64_from_u64(*k) >= share * f64_from_u64(n)).unwrap();
            let direct: f64 = (0..=k).map(|j| pmf(j, n, p)).sum();
            prop_assert!((cdf(k, n, p) - direct).abs() < 1e-12);
            prop_assert!((cdf(k, n, p) + sf(k + 1, n, p) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_edges() {
        assert!((cdf(3, 3, 0.2) - 1.0).abs() < f64::EPSILON);
        assert!((sf(0, 3, 0.2) - 1.0).abs() < f64::EPSILON);
        assert!(sf(4, 3, 0.2).abs() < f64::EPSILON);
        assert!((cdf(0, 10, 0.0) - 1.0).abs() < f64::EPSILON);
        assert!(cdf(9, 10, 1.0).abs() < f64::EPSILON);
        assert!((sf(10, 10, 1.0) - 1.0).abs() < f64::EPSILON);
        assert!((cdf(0, 0, 0.3) - 1.0).abs() < f64::EPSILON);
    }
}
