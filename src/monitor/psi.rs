//! The population stability index: how far the shares of bins have moved.

use crate::metrics::histogram::Summary;
use crate::num::f64_from_usize;

/// What is added to the count of every bin on both sides, so that an empty one has a logarithm.
pub const SMOOTHING: f64 = 0.5;

/// Bins of about equal shares of a reference; the outer two are open.
///
/// The inner edges are the reference's quantiles 1/k … (k − 1)/k (type 7, `numpy.quantile`), each once: where many values are
/// equal there are fewer bins than asked for. A value that equals an edge belongs to the bin above it (`numpy.digitize`).
///
/// ```
/// use routecal::monitor::Bins;
///
/// let bins = Bins::of(&[0.0, 1.0, 2.0, 3.0, 4.0], 4);
/// assert_eq!(bins.edges(), [1.0, 2.0, 3.0]);
/// assert_eq!([-9.0, 0.5, 1.0, 2.9, 3.0, 9.0].map(|v| bins.of_value(v)), [0, 0, 1, 2, 3, 3]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Bins(Vec<f64>);

impl Bins {
    /// Up to `count` bins of the values of a reference. O(n log n).
    ///
    /// # Panics
    /// If a value is NaN or −∞.
    pub fn of(reference: &[f64], count: usize) -> Self {
        let summary = Summary::new(reference.iter().copied());
        let mut edges: Vec<f64> = (1..count)
            .filter_map(|i| summary.quantile(f64_from_usize(i) / f64_from_usize(count)))
            .collect();
        edges.dedup();
        // Nothing lies below an edge that is the least value: it would make a bin that is empty in the reference.
        if summary.min().is_some_and(|least| edges.first() == Some(&least)) {
            edges.remove(0);
        }
        Self(edges)
    }

    /// The inner edges, ascending: one fewer than there are bins.
    pub fn edges(&self) -> &[f64] {
        &self.0
    }

    /// Number of bins.
    pub fn count(&self) -> usize {
        self.0.len() + 1
    }

    /// The bin of a value.
    pub fn of_value(&self, value: f64) -> usize {
        self.0.partition_point(|edge| *edge <= value)
    }
}

/// Σ (q − p) ln(q / p) over the bins, p the reference's shares and q the other's.
///
/// Also known as Jeffreys' divergence; the name and the use are credit scoring's (Siddiqi, *Credit Risk Scorecards*, 2006). A share
/// is (count + ½) / (n + ½ k) of k bins: an empty bin then counts as half a row, and neither as an infinite change nor as one
/// that hangs on an arbitrary small number. NaN where a side has no rows. Usual reading: below 0.1 stable, above 0.2 or 0.25
/// shifted; whatever the shares, chance alone gives about [`by_chance`].
///
/// ```
/// use routecal::monitor::psi;
///
/// // Shares 5.5/11 and 5.5/11 against 8.5/11 and 2.5/11.
/// let found = psi(&[5.0, 5.0], &[8.0, 2.0]);
/// let (p, q, r) = (5.5_f64 / 11.0, 8.5_f64 / 11.0, 2.5_f64 / 11.0);
/// let by_hand = (q - p) * (q / p).ln() + (r - p) * (r / p).ln();
/// assert!((found - by_hand).abs() < 1e-12);
/// assert_eq!(psi(&[5.0, 5.0], &[5.0, 5.0]), 0.0);
/// ```
///
/// # Panics
/// If the two sides have different numbers of bins.
pub fn psi(reference: &[f64], other: &[f64]) -> f64 {
    assert_eq!(reference.len(), other.len(), "both sides have the same bins");
    let (n, m): (f64, f64) = (reference.iter().sum(), other.iter().sum());
    if n <= 0.0 || m <= 0.0 {
        return f64::NAN;
    }
    let spread = SMOOTHING * f64_from_usize(reference.len());
    reference
        .iter()
        .zip(other)
        .map(|(a, b)| {
            let (p, q) = ((a + SMOOTHING) / (n + spread), (b + SMOOTHING) / (m + spread));
            (q - p) * (q / p).ln()
        })
        .sum()
}

/// What the index comes to, on average, where nothing has shifted: (k − 1)(1/n + 1/m), since n m / (n + m) times it is about
/// chi-square with k − 1 degrees of freedom (Yurdakul & Naranjo, J. Risk Model Validation 14(4), 2020). `None` below five rows a
/// bin on either side, where that does not hold.
///
/// ```
/// use routecal::monitor::by_chance;
///
/// assert!((by_chance(10, 100, 900).unwrap() - 0.1).abs() < 1e-12);
/// assert_eq!(by_chance(10, 49, 900), None);
/// ```
pub fn by_chance(bins: usize, n: usize, m: usize) -> Option<f64> {
    let value = f64_from_usize(bins.saturating_sub(1)) * (1.0 / f64_from_usize(n) + 1.0 / f64_from_usize(m));
    (n.min(m) >= 5 * bins).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_make_fewer_bins_and_none_is_empty_in_the_reference() {
        let values = [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.5, 0.7, 0.9];
        let bins = Bins::of(&values, 10);
        let mut counts = vec![0; bins.count()];
        for value in values {
            counts[bins.of_value(value)] += 1;
        }
        assert!(counts.iter().all(|c| *c > 0), "{counts:?} {:?}", bins.edges());
        assert_eq!(Bins::of(&[0.4; 8], 10).count(), 1);
    }

    #[test]
    fn an_empty_bin_is_finite_and_no_rows_are_nothing() {
        let found = psi(&[10.0, 0.0], &[0.0, 10.0]);
        let (p, q) = (10.5_f64 / 11.0, 0.5_f64 / 11.0);
        assert!((found - 2.0 * (p - q) * (p / q).ln()).abs() < 1e-12);
        assert!(psi(&[0.0, 0.0], &[1.0, 1.0]).is_nan());
    }
}
