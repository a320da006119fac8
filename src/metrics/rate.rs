//! A share, kept as its two counts so that intervals and tests can be made from it later.

use super::as_f64;

/// `k` out of `n`.
///
/// The counts are kept, not the quotient: an interval, an exact test or a sum over groups needs both.
///
/// ```
/// use routecal::metrics::Rate;
///
/// let rate = Rate::new(3, 4);
/// assert_eq!(rate.value(), Some(0.75));
/// assert_eq!(rate.complement(), Rate::new(1, 4));
/// assert_eq!(Rate::new(0, 0).value(), None); // nothing under it: not 0, not NaN
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rate {
    k: u64,
    n: u64,
}

impl Rate {
    /// `k` out of `n`.
    ///
    /// # Panics
    ///
    /// If `k > n`.
    pub fn new(k: u64, n: u64) -> Self {
        assert!(k <= n, "a rate of {k} out of {n}");
        Self { k, n }
    }

    /// The share of `true` among `hits`. O(n).
    ///
    /// ```
    /// use routecal::metrics::Rate;
    ///
    /// assert_eq!(Rate::of([true, false, true]), Rate::new(2, 3));
    /// ```
    pub fn of(hits: impl IntoIterator<Item = bool>) -> Self {
        let (k, n) = hits.into_iter().fold((0, 0), |(k, n), hit| (k + u64::from(hit), n + 1));
        Self { k, n }
    }

    /// The numerator.
    pub fn k(self) -> u64 {
        self.k
    }

    /// The denominator.
    pub fn n(self) -> u64 {
        self.n
    }

    /// `k / n`, or `None` where `n` is 0.
    pub fn value(self) -> Option<f64> {
        (self.n > 0).then(|| as_f64(self.k) / as_f64(self.n))
    }

    /// `n − k` out of `n`.
    #[must_use]
    pub fn complement(self) -> Self {
        Self {
            k: self.n - self.k,
            n: self.n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn nothing_under_it_is_none() {
        assert_eq!(Rate::of([]), Rate::default());
        assert_eq!(Rate::default().value(), None);
        assert_eq!(Rate::default().complement().value(), None);
        assert_eq!(Rate::new(0, 3).value(), Some(0.0));
    }

    #[test]
    #[should_panic(expected = "a rate of 2 out of 1")]
    fn more_than_all_is_refused() {
        let _ = Rate::new(2, 1);
    }
}
