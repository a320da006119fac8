//! Kolmogorov and Smirnov's test that two samples come from one distribution.

use std::f64::consts::PI;

use crate::num::{f64_from_u64, f64_from_usize, usize_from_f64};

/// Largest sample for which the p-value is counted rather than taken from the limit.
pub const EXACT_UP_TO: usize = 10_000;

/// How a p-value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KsMethod {
    /// Counted over all ways to mix the two samples.
    Exact,
    /// Kolmogorov's limiting distribution: a sample has more than 10,000 rows.
    Asymptotic,
}

/// The largest distance of two empirical distribution functions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ks {
    /// D = sup |F₁ − F₂|, 0 to 1.
    pub statistic: f64,
    /// Chance of such a distance or a larger one if both samples came from one continuous distribution.
    pub p: f64,
    /// How the p-value was found.
    pub method: KsMethod,
}

/// The two-sided test (Smirnov 1939). `None` where a sample is empty.
///
/// Up to 10,000 rows on each side the p-value is exact: the share of the lattice paths from (0, 0) to (n, m) that touch the
/// distance (Hodges, Ark. Mat. 3, 1958), as `scipy.stats.ks_2samp(method="exact")`; O(n m) at worst, in practice the band
/// within the distance. Above, Kolmogorov's limit at √(n m / (n + m)) · D. Rows must be independent; with ties, and with
/// copies of one prompt, which count as rows here, the p-value is no longer exact (ties make it too large, copies too small).
///
/// ```
/// use routecal::monitor::{KsMethod, ks_test};
///
/// // No overlap: D is 1, and of the C(6, 3) = 20 orders of three and three, two look like that.
/// let found = ks_test(&[0.1, 0.2, 0.3], &[0.7, 0.8, 0.9]).unwrap();
/// assert_eq!(found.statistic, 1.0);
/// assert!((found.p - 2.0 / 20.0).abs() < 1e-12);
/// assert_eq!(found.method, KsMethod::Exact);
/// assert_eq!(ks_test(&[], &[0.5]), None);
/// ```
///
/// # Panics
/// If a value is NaN.
pub fn ks_test(first: &[f64], second: &[f64]) -> Option<Ks> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let steps = distance(first, second);
    let (rows, others) = (first.len(), second.len());
    let (n, m) = (f64_from_usize(rows), f64_from_usize(others));
    let statistic = f64_from_u64(steps) / (n * m);
    let (p, method) = if rows.max(others) <= EXACT_UP_TO {
        (exact(rows, others, steps), KsMethod::Exact)
    } else {
        (limit((n * m / (n + m)).sqrt() * statistic), KsMethod::Asymptotic)
    };
    Some(Ks { statistic, p, method })
}

/// D in units of 1 / (n m), a whole number: no rounding decides whether two distances are equal.
fn distance(first: &[f64], second: &[f64]) -> u64 {
    let sorted = |values: &[f64]| {
        assert!(values.iter().all(|v| !v.is_nan()), "a value is NaN");
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    };
    let (first, second) = (sorted(first), sorted(second));
    let passed =
        |sorted: &[f64], from: usize, value: f64| from + sorted[from..].iter().take_while(|v| **v <= value).count();
    let (mut here, mut there, mut most) = (0, 0, 0);
    while let Some(value) = match (first.get(here), second.get(there)) {
        (Some(next), Some(other)) => Some(next.min(*other)),
        (next, other) => next.or(other).copied(),
    } {
        here = passed(&first, here, value);
        there = passed(&second, there, value);
        most = most.max((here as u64 * second.len() as u64).abs_diff(there as u64 * first.len() as u64));
    }
    most
}

/// The share of paths that reach a distance of `steps` or more anywhere. Each cell holds the share of the paths to it that
/// have, so that a tiny p-value is summed from what is tiny, not taken from 1.
fn exact(n: usize, m: usize, steps: u64) -> f64 {
    if steps == 0 {
        return 1.0;
    }
    let (long, short) = (n.max(m), n.min(m));
    let outside = |i: usize, j: usize| (i as u64 * short as u64).abs_diff(j as u64 * long as u64) >= steps;
    // Of a column only the cells within the distance are walked; all others are 1.
    let reach = f64_from_u64(steps) / f64_from_usize(long);
    let mut column = vec![1.0; short + 1];
    for i in 0..=long {
        let centre = f64_from_usize(i) * f64_from_usize(short) / f64_from_usize(long);
        let from = usize_from_f64((centre - reach - 1.0).max(0.0).floor());
        let to = usize_from_f64((centre + reach + 1.0).ceil()).min(short);
        let mut below = 1.0;
        for (j, cell) in column.iter_mut().enumerate().take(to + 1).skip(from) {
            let before = *cell;
            *cell = if outside(i, j) {
                1.0
            } else if i == 0 && j == 0 {
                0.0
            } else {
                let (x, y) = (f64_from_usize(i), f64_from_usize(j));
                (before * x + below * y) / (x + y)
            };
            below = *cell;
        }
        // What the band leaves behind lies outside for good.
        if from > 0 {
            column[from - 1] = 1.0;
        }
    }
    column[short].clamp(0.0, 1.0)
}

/// P(K > x) of Kolmogorov's distribution: 2 Σ (−1)^(k−1) exp(−2 k² x²), and for small x the other form of the series, whose
/// terms vanish faster there.
fn limit(x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x < 1.0 {
        let sum: f64 = (1..=20_u32)
            .map(|k| {
                let odd = f64::from(2 * k - 1);
                (-odd * odd * PI * PI / (8.0 * x * x)).exp()
            })
            .sum();
        return (1.0 - (2.0 * PI).sqrt() / x * sum).clamp(0.0, 1.0);
    }
    let sum: f64 = (1..=20_u32)
        .map(|k| {
            let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
            sign * (-2.0 * f64::from(k * k) * x * x).exp()
        })
        .sum();
    (2.0 * sum).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // F steps at 1, 2 to 1; G at 2, 3: after 1 the distance is 1/2, after 2 it is 1 - 1/2.
        let found = ks_test(&[1.0, 2.0], &[2.0, 3.0]).unwrap();
        assert!((found.statistic - 0.5).abs() < 1e-15);
        // Every one of the C(4, 2) = 6 orders has a distance of 1/2 or more.
        assert!((found.p - 1.0).abs() < 1e-12);
        let same = ks_test(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]).unwrap();
        assert!(same.statistic.abs() < 1e-15 && (same.p - 1.0).abs() < 1e-12);
    }

    /// All orders of a sample of n among n + m, counted.
    #[test]
    fn exact_is_a_count_of_orders() {
        for (n, m) in [(3_usize, 3_usize), (4, 2), (5, 3), (2, 6)] {
            let mut all: Vec<u64> = Vec::new();
            for bits in 0_u32..1 << (n + m) {
                if bits.count_ones() as usize != n {
                    continue;
                }
                let (mut i, mut j, mut most) = (0_u64, 0_u64, 0);
                for place in 0..n + m {
                    if bits >> place & 1 == 1 {
                        i += 1;
                    } else {
                        j += 1;
                    }
                    most = most.max((i * m as u64).abs_diff(j * n as u64));
                }
                all.push(most);
            }
            for steps in 1..=(n * m) as u64 {
                let hit = all.iter().filter(|s| **s >= steps).count();
                let want = f64_from_usize(hit) / f64_from_usize(all.len());
                assert!((exact(n, m, steps) - want).abs() < 1e-12, "{n} {m} {steps}");
            }
        }
    }

    #[test]
    fn the_two_series_meet() {
        assert!((limit(1.0 - 1e-12) - limit(1.0)).abs() < 1e-10);
        assert!((limit(1.358_098_638_8) - 0.05).abs() < 1e-6);
    }
}
