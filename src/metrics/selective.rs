//! Selective prediction: what the error becomes when only the most confident rows are answered.
//!
//! Rows are `(confidence, wrong)`. Accepting all rows with confidence ≥ a threshold gives one point: its coverage
//! (accepted / n) and its risk (wrong / accepted). Rows of equal confidence are accepted together, so the curve has
//! one point for each distinct confidence. What counts as wrong is the caller's: in forced choice a misrouted prompt,
//! as deployed an accepted out-of-domain prompt as well.
//!
//! With rows by falling confidence, `loss_(j)` 1 where row j is wrong, `W_i = Σ_{j≤i} loss_(j)`, and `r = W_n / n`:
//!
//! * **AURC** = `(1/n) Σ_i W_i / i` (Geifman, Uziel & El-Yaniv, ICLR 2019, arXiv 1805.08206).
//! * **E-AURC** = AURC − (r + (1 − r) ln(1 − r)): what a perfect order would leave, by its limit for large n, taken
//!   off. Never negative; at a perfect order it is O(1/n), not 0.
//! * **AUGRC** = ∫ P(accepted ∧ wrong) d coverage = `(1/n²) Σ_i (W_(i−1) + W_i) / 2`, the trapezoid from (0, 0) to
//!   (1, r) (Traub et al., Advances in Neural Information Processing Systems 2024, arXiv 2407.01032, and its
//!   reference code fd-shifts, which multiplies by 1000). Best possible r²/2, exactly and at every n, since the
//!   trapezoid under a straight line is exact; worst r − r²/2; r/2 for a confidence that says nothing. AURC
//!   over-weights the few most confident rows, so this is the headline.
//!
//! **Ties.** Within a tie of m rows, k of them wrong, that follows n₀ rows with W wrong, the j-th row has met W + k j
//! / m errors on average over all orders of the tie. Both areas use this expectation. It makes them independent of
//! the order of the rows, and equal to the formulas above where there is no tie. For AUGRC it is the trapezoid over
//! the distinct confidences, as fd-shifts computes it. For AURC, fd-shifts instead draws straight lines between the
//! points of the curve, so its values differ from this definition even without ties.

use super::{Ranking, Rate, as_f64, ties, ties::Tie};

/// Confidences with their outcomes, ready for the figures.
///
/// ```
/// use routecal::metrics::selective::Selective;
///
/// // By falling confidence: right, wrong, right.
/// let selective = Selective::new([(0.9, false), (0.8, true), (0.7, false)]);
/// let aurc = (0.0 / 1.0 + 1.0 / 2.0 + 1.0 / 3.0) / 3.0;
/// assert!((selective.aurc().unwrap() - aurc).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Selective {
    /// Highest confidence first; marked rows are wrong.
    ties: Vec<Tie>,
    n: u64,
    wrong: u64,
}

/// One point of the risk–coverage curve: all rows with confidence ≥ `threshold` accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RiskCoveragePoint {
    /// The lowest confidence accepted; one of those given.
    pub threshold: f64,
    /// Rows accepted, at least 1.
    pub accepted: u64,
    /// Those of them that are wrong.
    pub wrong: u64,
    /// `accepted` / n, in (0, 1].
    pub coverage: f64,
    /// `wrong` / `accepted`, in 0..=1.
    pub risk: f64,
}

impl Selective {
    /// Sorts the rows. O(n log n); every figure is O(n) after that. Infinite confidences are welcome.
    ///
    /// # Panics
    ///
    /// If a confidence is NaN.
    pub fn new(rows: impl IntoIterator<Item = (f64, bool)>) -> Self {
        Self::of(ties::descending(rows))
    }

    /// The same from rows in order, wrong ones marked, each counted `weights[row]` times. O(n).
    ///
    /// # Panics
    ///
    /// If a row has no weight.
    pub fn ranked(ranking: &Ranking, weights: Option<&[u32]>) -> Self {
        Self::of(ranking.ties(weights))
    }

    /// The same from counts a confidence: `(confidence, rows, wrong rows)` in any order. O(n log n).
    ///
    /// # Panics
    ///
    /// If a confidence is NaN, or more rows are wrong than there are.
    pub fn counted(counts: impl IntoIterator<Item = (f64, u64, u64)>) -> Self {
        Self::of(ties::counted(counts))
    }

    fn of(ties: Vec<Tie>) -> Self {
        let n = ties.iter().map(|tie| tie.n).sum();
        let wrong = ties.iter().map(|tie| tie.marked).sum();
        Self { ties, n, wrong }
    }

    /// The number of rows.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The number of wrong rows.
    pub fn wrong(&self) -> u64 {
        self.wrong
    }

    /// The error with everything accepted: wrong rows, of all.
    pub fn full_coverage_error(&self) -> Rate {
        Rate::new(self.wrong, self.n)
    }

    /// The risk–coverage curve, from the highest confidence to full coverage: one point a distinct confidence.
    ///
    /// ```
    /// use routecal::metrics::selective::Selective;
    ///
    /// let curve = Selective::new([(0.9, false), (0.8, true), (0.8, false), (0.7, false)]).curve();
    /// let points: Vec<_> = curve.iter().map(|p| (p.threshold, p.coverage, p.wrong, p.accepted)).collect();
    /// assert_eq!(points, [(0.9, 0.25, 0, 1), (0.8, 0.75, 1, 3), (0.7, 1.0, 1, 4)]);
    /// ```
    pub fn curve(&self) -> Vec<RiskCoveragePoint> {
        let (mut accepted, mut wrong) = (0, 0);
        self.ties
            .iter()
            .map(|tie| {
                accepted += tie.n;
                wrong += tie.marked;
                RiskCoveragePoint {
                    threshold: tie.score,
                    accepted,
                    wrong,
                    coverage: as_f64(accepted) / as_f64(self.n),
                    risk: as_f64(wrong) / as_f64(accepted),
                }
            })
            .collect()
    }

    /// The area under the risk–coverage curve, ties by expectation (see the [module](self)). `None` without rows.
    ///
    /// ```
    /// use routecal::metrics::selective::Selective;
    ///
    /// // A tie of a right and a wrong row: either order is as likely, so the mean of 0/1 + 1/2 and 1/1 + 1/2, halved.
    /// let tied = Selective::new([(0.5, true), (0.5, false)]);
    /// assert_eq!(tied.aurc(), Some(0.5));
    /// ```
    pub fn aurc(&self) -> Option<f64> {
        let (mut before, mut wrong, mut sum) = (0, 0, 0.0);
        for tie in &self.ties {
            let share = as_f64(tie.marked) / as_f64(tie.n);
            for j in 1..=tie.n {
                sum += (as_f64(wrong) + share * as_f64(j)) / as_f64(before + j);
            }
            before += tie.n;
            wrong += tie.marked;
        }
        (self.n > 0).then(|| sum / as_f64(self.n))
    }

    /// AURC beyond that of a perfect order, taken at its limit r + (1 − r) ln(1 − r). `None` without rows.
    ///
    /// ```
    /// use routecal::metrics::selective::Selective;
    ///
    /// // All wrong: AURC is 1, and no order could do better.
    /// assert_eq!(Selective::new([(0.9, true), (0.8, true)]).e_aurc(), Some(0.0));
    /// // None wrong: AURC is 0, likewise.
    /// assert_eq!(Selective::new([(0.9, false)]).e_aurc(), Some(0.0));
    /// ```
    pub fn e_aurc(&self) -> Option<f64> {
        self.aurc_and_excess().map(|(_, excess)| excess)
    }

    /// [`aurc`](Self::aurc) and [`e_aurc`](Self::e_aurc) at the cost of one of them.
    pub fn aurc_and_excess(&self) -> Option<(f64, f64)> {
        let risk = as_f64(self.wrong) / as_f64(self.n);
        let right = 1.0 - risk;
        // x ln x goes to 0 with x, but 0 · ln 0 is NaN.
        let optimal = if self.wrong < self.n {
            risk + right * right.ln()
        } else {
            1.0
        };
        self.aurc().map(|aurc| (aurc, aurc - optimal))
    }

    /// The area under the generalised risk–coverage curve: mean joint risk P(accepted ∧ wrong) over all coverages.
    /// `None` without rows.
    ///
    /// ```
    /// use routecal::metrics::selective::Selective;
    ///
    /// // Perfect order with r = 1/2: r²/2.
    /// assert_eq!(Selective::new([(0.9, false), (0.1, true)]).augrc(), Some(0.125));
    /// // Worst order: r − r²/2.
    /// assert_eq!(Selective::new([(0.9, true), (0.1, false)]).augrc(), Some(0.375));
    /// // Confidence that says nothing: r/2.
    /// assert_eq!(Selective::new([(0.5, true), (0.5, false)]).augrc(), Some(0.25));
    /// ```
    pub fn augrc(&self) -> Option<f64> {
        let n = as_f64(self.n);
        // Twice the area, in units of 1/n²: whole numbers, so the sum is exact.
        let (twice, _) = self.ties.iter().fold((0, 0), |(twice, wrong), tie| {
            (twice + tie.n * (2 * wrong + tie.marked), wrong + tie.marked)
        });
        (self.n > 0).then(|| as_f64(twice) / (2.0 * n * n))
    }
}

#[cfg(test)]
mod tests {
    use super::Selective;

    #[test]
    fn no_rows_have_no_figures() {
        let none = Selective::new([]);
        assert_eq!(none.aurc(), None);
        assert_eq!(none.e_aurc(), None);
        assert_eq!(none.augrc(), None);
        assert!(none.curve().is_empty());
    }

    #[test]
    fn one_row() {
        assert_eq!(Selective::new([(f64::INFINITY, true)]).aurc(), Some(1.0));
        assert_eq!(Selective::new([(f64::INFINITY, true)]).augrc(), Some(0.5));
        assert_eq!(Selective::new([(0.2, false)]).augrc(), Some(0.0));
    }

    #[test]
    fn a_tie_is_the_mean_over_its_orders() {
        // All orders of the tie at 0.5 between a row above and a row below.
        let tie = [true, false, false];
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let (mut selective_area, mut joint_area) = (0.0, 0.0);
        for order in orders {
            let spread = order
                .iter()
                .zip([0.6, 0.5, 0.4])
                .map(|(&row, confidence)| (confidence, tie[row]));
            let selective = Selective::new(spread.chain([(0.9, true), (0.1, true)]));
            selective_area += selective.aurc().unwrap() / 6.0;
            joint_area += selective.augrc().unwrap() / 6.0;
        }
        let tied = tie.map(|wrong| (0.5, wrong));
        let selective = Selective::new(tied.into_iter().chain([(0.9, true), (0.1, true)]));
        assert!((selective.aurc().unwrap() - selective_area).abs() < 1e-15);
        assert!((selective.augrc().unwrap() - joint_area).abs() < 1e-15);
    }

    #[test]
    fn a_perfect_order_has_augrc_half_of_r_squared_at_every_n() {
        for (n, wrong) in [(1, 1), (7, 3), (10, 10), (50, 1)] {
            let rows = (0..n).map(|i| (f64::from(-i), i >= n - wrong));
            let risk = f64::from(wrong) / f64::from(n);
            let augrc = Selective::new(rows).augrc().unwrap();
            assert!((augrc - risk * risk / 2.0).abs() < 1e-15);
        }
    }
}
