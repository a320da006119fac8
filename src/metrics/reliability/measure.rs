//! How far confidences are from what happened: calibration error, Brier score, log loss.
//!
//! Rows are `(confidence, right)` with the confidence a probability in 0..=1. Over N rows:
//!
//! * **ECE** = `Σ_b (n_b / N) |accuracy_b − confidence_b|` over bins, both the mean within the bin (Naeini et al.,
//!   AAAI 2015; Guo et al., ICML 2017). Over few rows it is biased up: give N and an interval with it.
//!   * *Equal width*: bin i of B is (i/B, (i+1)/B\], the first also holds 0. A value on an inner edge goes to the
//!     lower bin, as in Guo's code; the edges are the floats nearest to i/B.
//!   * *Equal mass*, the adaptive ECE of Nixon et al. (CVPR workshops 2019, arXiv 1904.01685): rows by rising
//!     confidence, cut by rank into B bins whose sizes differ by one at most, the larger ones first
//!     (`numpy.array_split`). Rows of one confidence are never cut apart, or the figure would depend on the order of
//!     the rows: they all go to the bin that holds the middle one of them (of an even number, the lower middle). Bins
//!     left empty are dropped.
//! * **Brier score** = (1/N) Σ (confidence − right)², `sklearn.metrics.brier_score_loss` (Brier 1950).
//! * **Log loss** = −(1/N) Σ ln P(what happened), the probability clipped to \[ε, 1 − ε\] with ε = 2⁻⁵²,
//!   `sklearn.metrics.log_loss`: one row that is certain and wrong adds 36 / N.

use super::super::{Ranking, Rate, as_f64, count, ties, ties::Tie};

/// The usual number of bins (Guo et al. 2017).
pub const BINS: usize = 15;

/// Confidences with their outcomes, ready for the figures.
///
/// ```
/// use routecal::metrics::reliability::{BINS, Reliability, ece};
///
/// let reliability = Reliability::new([(0.9, true), (0.95, true), (0.98, false), (0.6, true)]);
/// // Widths of 1/15: 0.95 and 0.98 share the last bin, (14/15, 1]; 0.9 and 0.6 are alone.
/// let expected = ((0.95f64 + 0.98 - 1.0).abs() + (0.9f64 - 1.0).abs() + (0.6f64 - 1.0).abs()) / 4.0;
/// let bins = reliability.equal_width_bins(BINS);
/// assert_eq!(bins.len(), 15);
/// assert!((ece(&bins).unwrap() - expected).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// Highest confidence first; marked rows are right.
    ties: Vec<Tie>,
    n: u64,
}

/// One bar of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Lower end: of the bin where widths are equal, the least confidence in it where masses are.
    pub lower: f64,
    /// Upper end, likewise.
    pub upper: f64,
    /// The mean confidence of its rows; `None` where it has none.
    pub mean_confidence: Option<f64>,
    /// Right rows, of all in the bin.
    pub accuracy: Rate,
}

/// Expected calibration error of bins: Σ (n / N) |accuracy − mean confidence|. `None` where they hold no row. O(bins).
///
/// ```
/// use routecal::metrics::reliability::{Reliability, ece};
///
/// // Two bins of two rows: |0/2 − 0.25| and |1/2 − 0.75|, each half of the rows.
/// let reliability = Reliability::new([(0.2, false), (0.3, false), (0.7, true), (0.8, false)]);
/// assert_eq!(ece(&reliability.equal_mass_bins(2)), Some(0.25));
/// assert_eq!(ece(&Reliability::new([]).equal_width_bins(15)), None);
/// ```
pub fn ece(bins: &[Bin]) -> Option<f64> {
    let n: u64 = bins.iter().map(|bin| bin.accuracy.n()).sum();
    let gaps = bins.iter().filter_map(|bin| {
        let gap = (bin.accuracy.value()? - bin.mean_confidence?).abs();
        Some(as_f64(bin.accuracy.n()) * gap)
    });
    (n > 0).then(|| gaps.sum::<f64>() / as_f64(n))
}

impl Reliability {
    /// Sorts the rows. O(n log n); every figure is O(n) after that.
    ///
    /// # Panics
    ///
    /// If a confidence is not in 0..=1.
    pub fn new(rows: impl IntoIterator<Item = (f64, bool)>) -> Self {
        let numbered = rows.into_iter().enumerate();
        Self::ranked(&Self::ranking(numbered.map(|(row, (p, right))| (row, p, right))), None)
    }

    /// Puts `(row, confidence, right)` triples in order, for [`ranked`](Self::ranked). O(n log n).
    ///
    /// # Panics
    ///
    /// If a confidence is not in 0..=1.
    pub fn ranking(rows: impl IntoIterator<Item = (usize, f64, bool)>) -> Ranking {
        Ranking::new(rows.into_iter().inspect(|&(_, confidence, _)| {
            assert!(
                (0.0..=1.0).contains(&confidence),
                "a confidence of {confidence} is no probability"
            );
        }))
    }

    /// The rows of [`ranking`](Self::ranking), each counted `weights[row]` times. O(n).
    ///
    /// # Panics
    ///
    /// If a row has no weight.
    pub fn ranked(ranking: &Ranking, weights: Option<&[u32]>) -> Self {
        let ties = ranking.ties(weights);
        let n = ties.iter().map(|tie| tie.n).sum();
        Self { ties, n }
    }

    /// The same from counts a confidence: `(confidence, rows, right rows)` in any order. O(n log n).
    ///
    /// # Panics
    ///
    /// If a confidence is not in 0..=1, or more rows are right than there are.
    pub fn counted(counts: impl IntoIterator<Item = (f64, u64, u64)>) -> Self {
        let ties = ties::counted(counts);
        assert!(
            ties.iter().all(|tie| (0.0..=1.0).contains(&tie.score)),
            "a confidence is no probability"
        );
        let n = ties.iter().map(|tie| tie.n).sum();
        Self { ties, n }
    }

    /// The number of rows.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// All `bins` bins of equal width, ascending, empty ones included: (lower, upper\], the first also holds 0. O(n
    /// log bins).
    ///
    /// ```
    /// use routecal::metrics::{Rate, reliability::Reliability};
    ///
    /// let bins = Reliability::new([(0.0, false), (0.5, true), (0.51, true)]).equal_width_bins(2);
    /// assert_eq!((bins[0].lower, bins[0].upper, bins[0].accuracy), (0.0, 0.5, Rate::new(1, 2)));
    /// assert_eq!((bins[1].lower, bins[1].upper, bins[1].accuracy), (0.5, 1.0, Rate::new(1, 1)));
    /// assert_eq!(bins[0].mean_confidence, Some(0.25));
    /// ```
    ///
    /// # Panics
    ///
    /// If `bins` is 0.
    pub fn equal_width_bins(&self, bins: usize) -> Vec<Bin> {
        assert!(bins > 0, "a reliability diagram needs a bin");
        let edge = |i: usize| as_f64(count(i)) / as_f64(count(bins));
        let uppers: Vec<f64> = (1..=bins).map(edge).collect();
        let mut sums = vec![Sums::default(); bins];
        let mut bin = 0;
        // By rising confidence, so the bin can only move up; the last upper edge is 1, which no confidence is above.
        for tie in self.ties.iter().rev() {
            while uppers[bin] < tie.score {
                bin += 1;
            }
            sums[bin].add(tie);
        }
        sums.iter()
            .enumerate()
            .map(|(i, sum)| sum.bin(edge(i), edge(i + 1)))
            .collect()
    }

    /// At most `bins` bins of as equal mass as ties allow, ascending, none empty. O(n).
    ///
    /// ```
    /// use routecal::metrics::reliability::Reliability;
    ///
    /// let rows = [0.1, 0.4, 0.4, 0.4, 0.9].map(|confidence| (confidence, true));
    /// let bins = Reliability::new(rows).equal_mass_bins(2);
    /// // By rank 3 + 2 rows; the middle 0.4 is the third row, so all three stay in the first bin.
    /// let sizes: Vec<_> = bins.iter().map(|bin| (bin.lower, bin.upper, bin.accuracy.n())).collect();
    /// assert_eq!(sizes, [(0.1, 0.4, 4), (0.9, 0.9, 1)]);
    /// ```
    ///
    /// # Panics
    ///
    /// If `bins` is 0.
    pub fn equal_mass_bins(&self, bins: usize) -> Vec<Bin> {
        assert!(bins > 0, "a reliability diagram needs a bin");
        let bins = count(bins);
        // The first `longer` bins hold one row more than `size`.
        let (size, longer) = (self.n / bins, self.n % bins);
        // The bin that the ranks have reached, and where it ends: ranks only rise. With fewer rows than bins the last ones are
        // empty, and no rank reaches them.
        let (mut reached, mut end) = (0, size + u64::from(longer > 0));
        let mut bin_of = |rank: u64| {
            while rank >= end {
                reached += 1;
                end += size + u64::from(reached < longer);
            }
            reached
        };
        let mut filled: Vec<(u64, Sums)> = Vec::new();
        let mut before = 0;
        for tie in self.ties.iter().rev() {
            let bin = bin_of(before + (tie.n - 1) / 2);
            before += tie.n;
            match filled.last_mut() {
                Some((last, sums)) if *last == bin => sums.add(tie),
                _ => {
                    let mut sums = Sums::default();
                    sums.add(tie);
                    filled.push((bin, sums));
                }
            }
        }
        filled
            .iter()
            .map(|(_, sums)| sums.bin(sums.least, sums.greatest))
            .collect()
    }

    /// The Brier score: mean squared distance of confidence and outcome, in 0..=1, lower is better. `None` without
    /// rows.
    ///
    /// ```
    /// use routecal::metrics::reliability::Reliability;
    ///
    /// let reliability = Reliability::new([(0.5, true), (1.0, false)]);
    /// assert_eq!(reliability.brier(), Some((0.25 + 1.0) / 2.0));
    /// ```
    pub fn brier(&self) -> Option<f64> {
        self.mean(|p| (1.0 - p).powi(2), |p| p.powi(2))
    }

    /// The log loss in nats, lower is better; probabilities are clipped to \[2⁻⁵², 1 − 2⁻⁵²\]. `None` without rows.
    ///
    /// ```
    /// use routecal::metrics::reliability::Reliability;
    ///
    /// let reliability = Reliability::new([(0.5, true), (0.75, false)]);
    /// assert!((reliability.log_loss().unwrap() - (2f64.ln() + 4f64.ln()) / 2.0).abs() < 1e-15);
    /// // Certain and wrong: finite all the same.
    /// assert!((Reliability::new([(1.0, false)]).log_loss().unwrap() - 52.0 * 2f64.ln()).abs() < 1e-12);
    /// ```
    pub fn log_loss(&self) -> Option<f64> {
        self.mean(surprise, |p| surprise(1.0 - p))
    }

    /// The mean over rows of one loss for right rows and another for wrong ones, both of the confidence.
    fn mean(&self, right: impl Fn(f64) -> f64, wrong: impl Fn(f64) -> f64) -> Option<f64> {
        let mut sum = 0.0;
        for tie in &self.ties {
            sum += as_f64(tie.marked) * right(tie.score);
            sum += as_f64(tie.n - tie.marked) * wrong(tie.score);
        }
        (self.n > 0).then(|| sum / as_f64(self.n))
    }
}

/// What each confidence of a [`Ranking`] costs if its row is right and if it is wrong, worked out once: a logarithm takes longer
/// than all else that a resample does with a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Losses {
    /// Squared distance and surprise, for a right row and for a wrong one.
    of: Vec<[f64; 4]>,
}

impl Losses {
    /// Of the confidences of [`Reliability::ranking`]. O(n).
    pub fn new(ranking: &Ranking) -> Self {
        let places = ranking.places(None);
        Self {
            of: places.map(|tie| Self::of_one(tie.score)).collect(),
        }
    }

    fn of_one(p: f64) -> [f64; 4] {
        [(1.0 - p).powi(2), p.powi(2), surprise(p), surprise(1.0 - p)]
    }

    /// Brier score and log loss as [`Reliability::brier`] and [`Reliability::log_loss`] give them, each row counted
    /// `weights[row]` times. `None` without rows. O(n).
    ///
    /// ```
    /// use routecal::metrics::reliability::{Losses, Reliability};
    ///
    /// let ranking = Reliability::ranking([(0, 0.5, true), (1, 0.75, false), (2, 0.1, true)]);
    /// let weights = [3, 1, 0];
    /// let reliability = Reliability::ranked(&ranking, Some(&weights));
    /// let means = Losses::new(&ranking).means(&ranking, Some(&weights)).unwrap();
    /// assert_eq!(means, (reliability.brier().unwrap(), reliability.log_loss().unwrap()));
    /// ```
    ///
    /// # Panics
    ///
    /// If these are not the losses of the ranking, or a row has no weight.
    pub fn means(&self, ranking: &Ranking, weights: Option<&[u32]>) -> Option<(f64, f64)> {
        let places = ranking.places(weights);
        assert_eq!(places.len(), self.of.len());
        let (mut n, mut square, mut log) = (0, 0.0, 0.0);
        for (tie, loss) in places.zip(&self.of) {
            let (right, wrong) = (as_f64(tie.marked), as_f64(tie.n - tie.marked));
            n += tie.n;
            square += right * loss[0];
            square += wrong * loss[1];
            log += right * loss[2];
            log += wrong * loss[3];
        }
        (n > 0).then(|| (square / as_f64(n), log / as_f64(n)))
    }
}

/// −ln p, clipped.
fn surprise(p: f64) -> f64 {
    -p.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

/// What a bin gathers.
#[derive(Debug, Clone, Default)]
struct Sums {
    n: u64,
    right: u64,
    confidence: f64,
    least: f64,
    greatest: f64,
}

impl Sums {
    /// Adds a tie; ties come by rising confidence.
    fn add(&mut self, tie: &Tie) {
        if self.n == 0 {
            self.least = tie.score;
        }
        self.greatest = tie.score;
        self.n += tie.n;
        self.right += tie.marked;
        self.confidence += as_f64(tie.n) * tie.score;
    }

    fn bin(&self, lower: f64, upper: f64) -> Bin {
        Bin {
            lower,
            upper,
            mean_confidence: (self.n > 0).then(|| self.confidence / as_f64(self.n)),
            accuracy: Rate::new(self.right, self.n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BINS, Reliability, ece};

    #[test]
    fn no_rows_have_no_figures() {
        let none = Reliability::new([]);
        assert_eq!(none.brier(), None);
        assert_eq!(none.log_loss(), None);
        assert_eq!(ece(&none.equal_width_bins(BINS)), None);
        assert_eq!(ece(&none.equal_mass_bins(BINS)), None);
        assert_eq!(none.equal_width_bins(BINS).len(), BINS);
        assert!(none.equal_mass_bins(BINS).is_empty());
    }

    #[test]
    fn an_inner_edge_belongs_to_the_lower_bin() {
        let bins = Reliability::new([(3.0 / 15.0, true), (0.0, true), (1.0, true)]);
        let bins = bins.equal_width_bins(BINS);
        let filled: Vec<_> = (0..BINS).filter(|&i| bins[i].accuracy.n() > 0).collect();
        assert_eq!(filled, [0, 2, 14]);
    }

    #[test]
    fn masses_differ_by_one_at_most_without_ties() {
        for n in [1, 14, 15, 16, 31, 100] {
            let rows = (0..n).map(|i| (f64::from(i) / 100.0, i % 2 == 0));
            let bins = Reliability::new(rows).equal_mass_bins(BINS);
            let sizes: Vec<_> = bins.iter().map(|bin| bin.accuracy.n()).collect();
            let (least, greatest) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            assert!(greatest - least <= 1);
            assert_eq!(sizes.len(), BINS.min(usize::try_from(n).unwrap()));
        }
    }

    #[test]
    #[should_panic(expected = "no probability")]
    fn a_score_that_is_no_probability_is_refused() {
        let _ = Reliability::new([(1.5, true)]);
    }

    #[test]
    #[should_panic(expected = "no probability")]
    fn nan_is_refused() {
        let _ = Reliability::new([(f64::NAN, true)]);
    }
}
