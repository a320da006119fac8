//! Where a set of values lies: counts in equal bins, and a summary with quantiles.
//!
//! * Bins as `numpy.histogram`: \[lower, upper), the last one closed. Values outside are counted apart, not lost.
//! * Quantiles of type 7 of Hyndman & Fan (Am. Stat. 50, 1996), numpy's default "linear": with the values sorted and
//!   h = (n − 1) q, the value between places ⌊h⌋ and ⌊h⌋ + 1 at the fraction h − ⌊h⌋.

use super::{as_f64, count};

/// Counts in bins of equal width.
///
/// ```
/// use routecal::metrics::histogram::Histogram;
///
/// let histogram = Histogram::new(0.0, 1.0, 4, [0.0, 0.25, 0.3, 1.0, 1.5]);
/// assert_eq!(histogram.edges(), [0.0, 0.25, 0.5, 0.75, 1.0]);
/// assert_eq!(histogram.counts(), [1, 2, 0, 1]); // an inner edge belongs to the upper bin, the last edge to the last
/// assert_eq!((histogram.below(), histogram.above()), (0, 1));
/// assert_eq!(histogram.n(), 5);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    edges: Vec<f64>,
    counts: Vec<u64>,
    below: u64,
    above: u64,
}

impl Histogram {
    /// Counts `values` in `bins` bins from `lower` to `upper`. O(n log bins).
    ///
    /// Edges are lower + i · (upper − lower) / bins, the last exactly `upper`; a value goes where comparison with the
    /// edges puts it. Infinite values are counted below or above.
    ///
    /// # Panics
    ///
    /// If `bins` is 0, the range is empty or not finite, or a value is NaN.
    pub fn new(lower: f64, upper: f64, bins: usize, values: impl IntoIterator<Item = f64>) -> Self {
        assert!(bins > 0, "a histogram needs a bin");
        assert!(
            lower.is_finite() && upper.is_finite() && lower < upper,
            "a histogram from {lower} to {upper}"
        );
        let step = (upper - lower) / as_f64(count(bins));
        let mut edges: Vec<f64> = (0..bins).map(|i| lower + as_f64(count(i)) * step).collect();
        edges.push(upper);
        let mut histogram = Self {
            edges,
            counts: vec![0; bins],
            below: 0,
            above: 0,
        };
        for value in values {
            histogram.add(value);
        }
        histogram
    }

    fn add(&mut self, value: f64) {
        assert!(!value.is_nan(), "a value is NaN");
        let bins = self.counts.len();
        let edges_at_or_below = self.edges.partition_point(|&edge| edge <= value);
        if edges_at_or_below == 0 {
            self.below += 1;
        } else if value > self.edges[bins] {
            self.above += 1;
        } else {
            // The last edge lies in the last bin.
            self.counts[edges_at_or_below.min(bins) - 1] += 1;
        }
    }

    /// The bin edges, ascending: one more than there are bins.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The count of each bin, without the values outside the range.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Values below the first edge.
    pub fn below(&self) -> u64 {
        self.below
    }

    /// Values above the last edge.
    pub fn above(&self) -> u64 {
        self.above
    }

    /// All values, those outside the range included.
    pub fn n(&self) -> u64 {
        self.below + self.counts.iter().sum::<u64>() + self.above
    }
}

/// Values kept in order, for mean, extremes and quantiles.
///
/// ```
/// use routecal::metrics::histogram::Summary;
///
/// let summary = Summary::new([4.0, 1.0, 2.0, 3.0]);
/// assert_eq!(summary.mean(), Some(2.5));
/// assert_eq!((summary.min(), summary.max()), (Some(1.0), Some(4.0)));
/// assert_eq!(summary.quantile(0.5), Some(2.5));
/// assert_eq!(summary.quantile(0.25), Some(1.75)); // h = 0.75, between 1 and 2
/// assert_eq!(Summary::new([]).mean(), None);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    sorted: Vec<f64>,
}

impl Summary {
    /// Sorts the values. O(n log n).
    ///
    /// +∞ is welcome (the gap of a lone route): it is the maximum, and makes the mean and the quantiles that touch it
    /// infinite.
    ///
    /// # Panics
    ///
    /// If a value is NaN or −∞.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        assert!(
            sorted.iter().all(|&value| value > f64::NEG_INFINITY),
            "a value is NaN or negative infinity"
        );
        sorted.sort_unstable_by(f64::total_cmp);
        Self { sorted }
    }

    /// The number of values.
    pub fn n(&self) -> u64 {
        count(self.sorted.len())
    }

    /// The arithmetic mean. O(n), summed in ascending order, so that it does not depend on the order given.
    pub fn mean(&self) -> Option<f64> {
        (!self.sorted.is_empty()).then(|| self.sorted.iter().sum::<f64>() / as_f64(self.n()))
    }

    /// The least value.
    pub fn min(&self) -> Option<f64> {
        self.sorted.first().copied()
    }

    /// The greatest value.
    pub fn max(&self) -> Option<f64> {
        self.sorted.last().copied()
    }

    /// The quantile `q` by linear interpolation (type 7, `numpy.quantile`); 0.5 is the median. O(1).
    ///
    /// # Panics
    ///
    /// If `q` is not in 0..=1.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        assert!((0.0..=1.0).contains(&q), "a quantile of {q}");
        let last = self.sorted.len().checked_sub(1)?;
        let place = as_f64(count(last)) * q;
        let low = floor_index(place).min(last);
        let fraction = place - as_f64(count(low));
        let (a, b) = (self.sorted[low], self.sorted[(low + 1).min(last)]);
        // Also right where both are infinite, where their difference is not a number.
        if fraction <= 0.0 || a.total_cmp(&b).is_eq() {
            Some(a)
        } else {
            Some(a + (b - a) * fraction)
        }
    }
}

/// ⌊place⌋ for a place in a slice.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place is between 0 and the length of a slice; cutting off the fraction is the point"
)]
fn floor_index(place: f64) -> usize {
    place as usize
}

#[cfg(test)]
mod tests {
    use super::{Histogram, Summary};

    #[test]
    fn infinite_values_are_counted_outside() {
        let values = [f64::NEG_INFINITY, -1.0, 0.0, 1.0, f64::INFINITY];
        let histogram = Histogram::new(-1.0, 1.0, 2, values);
        assert_eq!(histogram.counts(), [1, 2]);
        assert_eq!((histogram.below(), histogram.above()), (1, 1));
    }

    #[test]
    fn quantiles_touching_infinity_are_infinite_and_never_nan() {
        let summary = Summary::new([1.0, f64::INFINITY, f64::INFINITY]);
        assert_eq!(summary.quantile(0.0), Some(1.0));
        assert_eq!(summary.quantile(0.25), Some(f64::INFINITY));
        assert_eq!(summary.quantile(0.75), Some(f64::INFINITY));
        assert_eq!(summary.quantile(1.0), Some(f64::INFINITY));
        assert_eq!(summary.mean(), Some(f64::INFINITY));
    }

    #[test]
    fn nothing_has_no_summary() {
        let none = Summary::new([]);
        assert_eq!(none.quantile(0.5), None);
        assert_eq!((none.min(), none.max(), none.n()), (None, None, 0));
    }

    #[test]
    #[should_panic(expected = "from 1 to 1")]
    fn an_empty_range_is_refused() {
        let _ = Histogram::new(1.0, 1.0, 3, []);
    }

    #[test]
    #[should_panic(expected = "NaN")]
    fn nan_is_refused() {
        let _ = Histogram::new(0.0, 1.0, 3, [f64::NAN]);
    }
}
