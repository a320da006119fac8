//! The exact test behind a certificate, and how many accepted prompts it takes.

use crate::num::f64_from_u64;
use crate::stats::binomial;

/// Accepted prompts beyond which nobody will go; a search ends there.
const MOST_ACCEPTED: u64 = 1_000_000_000;

/// How likely it is to see `wrong` or fewer among `accepted` prompts if the selective risk were `alpha`: P(Bin(`accepted`,
/// `alpha`) ≤ `wrong`). Small: the risk is below `alpha`. 1 where nothing is accepted. O(√accepted).
///
/// ```
/// use routecal::calibrate::p_value;
///
/// assert!((p_value(0, 59, 0.05) - 0.95f64.powi(59)).abs() < 1e-15);
/// assert_eq!(p_value(0, 0, 0.05), 1.0);
/// ```
///
/// # Panics
/// If `alpha` is not in 0..=1.
pub fn p_value(wrong: u64, accepted: u64, alpha: f64) -> f64 {
    binomial::cdf(wrong, accepted, alpha)
}

/// The most errors among `accepted` prompts with which a risk of at most `alpha` is still certified at level `delta`; `None`
/// where even none is too many.
///
/// ```
/// use routecal::calibrate::allowed_errors;
///
/// let allowed = [100, 200, 500, 1000].map(|n| allowed_errors(n, 0.05, 0.05));
/// assert_eq!(allowed, [Some(1), Some(4), Some(16), Some(38)]);
/// assert_eq!(allowed_errors(58, 0.05, 0.05), None);
/// ```
///
/// # Panics
/// If `alpha` is not in 0..=1.
pub fn allowed_errors(accepted: u64, alpha: f64, delta: f64) -> Option<u64> {
    let holds = |wrong: u64| p_value(wrong, accepted, alpha) <= delta;
    if accepted == 0 || !holds(0) {
        return None;
    }
    Some(last(0, accepted, holds))
}

/// The fewest accepted prompts with which `wrong` errors certify a risk of at most `alpha` at level `delta`; `None` beyond
/// 10⁹.
///
/// ```
/// use routecal::calibrate::least_accepted;
///
/// // Without any error: the price of a promise.
/// let least = [0.10, 0.05, 0.02, 0.01].map(|alpha| least_accepted(0, alpha, 0.05));
/// assert_eq!(least, [Some(29), Some(59), Some(149), Some(299)]);
/// ```
///
/// # Panics
/// If `alpha` is not in 0..=1.
pub fn least_accepted(wrong: u64, alpha: f64, delta: f64) -> Option<u64> {
    let fails = |accepted: u64| p_value(wrong, accepted, alpha) > delta;
    if fails(MOST_ACCEPTED) {
        return None;
    }
    // The p-value falls as prompts are added. Doubling first keeps the tails that are summed short.
    let mut high = (wrong + 1).max(16);
    while high < MOST_ACCEPTED && fails(high) {
        high = (2 * high).min(MOST_ACCEPTED);
    }
    Some(last(0, high, fails) + 1)
}

/// The fewest accepted prompts, wrong as often as `wrong` in `accepted` (rounded up to whole errors), that certify a risk of at
/// most `alpha` at level `delta`; `None` where no number would do (the rate is not below `alpha`) or none up to 10⁹.
///
/// ```
/// use routecal::calibrate::rows_needed;
///
/// assert_eq!(rows_needed(0, 20, 0.05, 0.05), Some(59));
/// assert_eq!(rows_needed(2, 100, 0.05, 0.05), Some(181)); // 4 errors
/// assert_eq!(rows_needed(5, 100, 0.05, 0.05), None);
/// ```
///
/// # Panics
/// If `alpha` is not in 0..=1 or `wrong > accepted`.
pub fn rows_needed(wrong: u64, accepted: u64, alpha: f64, delta: f64) -> Option<u64> {
    assert!(wrong <= accepted, "{wrong} wrong of {accepted}");
    if wrong == 0 {
        return least_accepted(0, alpha, delta);
    }
    if f64_from_u64(wrong) >= alpha * f64_from_u64(accepted) {
        return None;
    }
    // With more errors the allowed rate rises towards alpha: look for the first that the observed rate stays below.
    let short = |errors: u64| {
        least_accepted(errors, alpha, delta)
            .is_none_or(|n| u128::from(errors) * u128::from(accepted) < u128::from(wrong) * u128::from(n))
    };
    let mut high = 1;
    while short(high) {
        least_accepted(high, alpha, delta)?;
        high *= 2;
    }
    let errors = last(0, high, short) + 1;
    least_accepted(errors, alpha, delta)
}

/// The last number in `low`..=`high` with `holds`, which is true at `low` and changes to false at most once.
fn last(low: u64, high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (low, high + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_searches_equal_counting() {
        for (alpha, delta) in [(0.05, 0.05), (0.1, 0.1), (0.2, 0.01), (0.02, 0.05)] {
            let mut rate = 0.0;
            for errors in 0..40 {
                let least = least_accepted(errors, alpha, delta).unwrap();
                assert!(p_value(errors, least, alpha) <= delta);
                assert!(p_value(errors, least - 1, alpha) > delta);
                assert_eq!(allowed_errors(least, alpha, delta), Some(errors));
                // What rows_needed relies on.
                let allowed = f64_from_u64(errors) / f64_from_u64(least);
                assert!(allowed >= rate, "{errors} errors");
                rate = allowed;
            }
            for (wrong, accepted) in [(1, 200), (3, 100), (7, 300), (1, 1000)] {
                let by_counting = (1..4000).find(|n: &u64| {
                    let errors = (n * wrong).div_ceil(accepted);
                    p_value(errors, *n, alpha) <= delta
                });
                let found = rows_needed(wrong, accepted, alpha, delta);
                match by_counting {
                    Some(n) => assert_eq!(found, Some(n), "{wrong} of {accepted} at {alpha}, {delta}"),
                    None => assert!(found.is_none_or(|n| n >= 4000)),
                }
            }
        }
    }

    #[test]
    fn a_rate_at_the_limit_is_never_enough_and_one_just_below_takes_many() {
        assert_eq!(rows_needed(1, 20, 0.05, 0.05), None);
        assert_eq!(rows_needed(20, 20, 0.05, 0.05), None);
        let many = rows_needed(49, 1000, 0.05, 0.05).unwrap();
        assert!((100_000..200_000).contains(&many), "{many}");
        // Not reachable within 10⁹.
        assert_eq!(rows_needed(4_999_999, 100_000_000, 0.05, 0.05), None);
    }
}
