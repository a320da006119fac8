//! How well a score tells in-domain prompts from out-of-domain ones.
//!
//! In-domain is the positive class throughout, except where the name says otherwise. A prompt is accepted iff its
//! score is at or above a threshold, so only the order of the scores matters: any strictly increasing map of them
//! leaves every figure as it is. Rows with one score are accepted together.
//!
//! With P in-domain and N out-of-domain rows, and TP, FP the accepted ones at a threshold:
//!
//! * **AUROC** = P(in-domain score > out-of-domain score) + ½ P(equal), over all P·N pairs: the Mann–Whitney statistic
//!   (Hanley & `McNeil`, Radiology 143, 1982), equal to the trapezoidal area under the ROC curve.
//! * **Average precision** = `Σ_i (R_i − R_(i−1)) P_i` over the distinct scores from the highest down, with recall R
//!   = TP / P and precision TP / (TP + FP): stepwise as `sklearn.metrics.average_precision_score`, not the trapezoid,
//!   which is too optimistic (Davis & Goadrich, ICML 2006). With out-of-domain as positive the scores are negated.
//! * **FPR at 95 % TPR** = FP / N at the highest threshold with TP / P ≥ 0.95 (Hendrycks & Gimpel, ICLR 2017, arXiv
//!   1610.02136): the share of out-of-domain prompts let in where 95 % of the in-domain ones are. `OpenOOD` (arXiv
//!   2306.09301) reports the mirror, out-of-domain positive: the share of in-domain prompts turned away where 95 % of
//!   the out-of-domain ones are. Both are given. A curve with collinear points dropped (`roc_curve`'s default) can
//!   only overstate it; none are dropped here.

use super::{Ranking, Rate, as_f64, ties, ties::Tie};

/// In-domain and out-of-domain scores, ready for the figures.
///
/// ```
/// use routecal::metrics::detection::Detection;
///
/// let detection = Detection::new([0.8, 0.35], [0.1, 0.4]);
/// assert_eq!(detection.auroc(), Some(0.75)); // 3 of the 4 pairs are in order
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// Highest score first; marked rows are in-domain.
    ties: Vec<Tie>,
    in_domain: u64,
    out_of_domain: u64,
}

/// A threshold of the detector, and what it lets through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectionPoint {
    /// The score at which rows start to count as positive; it is one of the scores given.
    pub threshold: f64,
    /// Positives found, of the positives.
    pub true_positive: Rate,
    /// Negatives taken for positives, of the negatives.
    pub false_positive: Rate,
}

impl Detection {
    /// Sorts the scores of both kinds of row; either may be empty. O(n log n); every figure is O(n) after that.
    ///
    /// Infinite scores are welcome: the gap of a lone route is +∞.
    ///
    /// # Panics
    ///
    /// If a score is NaN.
    pub fn new(in_domain: impl IntoIterator<Item = f64>, out_of_domain: impl IntoIterator<Item = f64>) -> Self {
        let inside = in_domain.into_iter().map(|score| (score, true));
        let outside = out_of_domain.into_iter().map(|score| (score, false));
        Self::of(ties::descending(inside.chain(outside)))
    }

    /// The same from rows in order, in-domain ones marked, each counted `weights[row]` times. O(n).
    ///
    /// # Panics
    ///
    /// If a row has no weight.
    pub fn ranked(ranking: &Ranking, weights: Option<&[u32]>) -> Self {
        Self::of(ranking.ties(weights))
    }

    /// The same from counts a score: `(score, in-domain rows, out-of-domain rows)` in any order. O(n log n).
    ///
    /// ```
    /// use routecal::metrics::detection::Detection;
    ///
    /// let counted = Detection::counted([(0.4, 0, 1), (0.8, 1, 0), (0.1, 0, 1), (0.35, 1, 0)]);
    /// assert_eq!(counted, Detection::new([0.8, 0.35], [0.1, 0.4]));
    /// ```
    ///
    /// # Panics
    ///
    /// If a score is NaN.
    pub fn counted(counts: impl IntoIterator<Item = (f64, u64, u64)>) -> Self {
        let counts = counts.into_iter();
        Self::of(ties::counted(
            counts.map(|(score, inside, outside)| (score, inside + outside, inside)),
        ))
    }

    fn of(ties: Vec<Tie>) -> Self {
        let in_domain = ties.iter().map(|tie| tie.marked).sum();
        let out_of_domain = ties.iter().map(|tie| tie.n - tie.marked).sum();
        Self {
            ties,
            in_domain,
            out_of_domain,
        }
    }

    /// The number of in-domain rows.
    pub fn in_domain(&self) -> u64 {
        self.in_domain
    }

    /// The number of out-of-domain rows.
    pub fn out_of_domain(&self) -> u64 {
        self.out_of_domain
    }

    /// The area under the ROC curve, ½ for ties: 1 is perfect, ½ is chance. `None` where either kind is missing.
    ///
    /// Counted in whole half-pairs, so exact up to the one division at the end.
    ///
    /// ```
    /// use routecal::metrics::detection::Detection;
    ///
    /// // Pairs: (3, 2) won, (2, 2) tied, (3, 1) and (2, 1) won: 3.5 of 4.
    /// assert_eq!(Detection::new([3.0, 2.0], [2.0, 1.0]).auroc(), Some(0.875));
    /// assert_eq!(Detection::new([0.5], []).auroc(), None);
    /// ```
    pub fn auroc(&self) -> Option<f64> {
        let pairs = self.in_domain * self.out_of_domain;
        let (half_wins, _) = self.ties.iter().fold((0, 0), |(half_wins, above), tie| {
            let outside = tie.n - tie.marked;
            (half_wins + outside * (2 * above + tie.marked), above + tie.marked)
        });
        (pairs > 0).then(|| as_f64(half_wins) / (2.0 * as_f64(pairs)))
    }

    /// Average precision with in-domain as the positive class. `None` where either kind is missing.
    ///
    /// Its value for a useless score is the share of in-domain rows, not ½: do not compare it across data sets.
    ///
    /// ```
    /// use routecal::metrics::detection::Detection;
    ///
    /// // The example of scikit-learn's documentation: 0.83.
    /// let detection = Detection::new([0.35, 0.8], [0.1, 0.4]);
    /// let expected = 0.5 * (1.0 / 1.0) + 0.5 * (2.0 / 3.0);
    /// assert!((detection.average_precision_in().unwrap() - expected).abs() < 1e-15);
    /// ```
    pub fn average_precision_in(&self) -> Option<f64> {
        let positives = self.ties.iter().map(|tie| (tie.marked, tie.n));
        (self.out_of_domain > 0).then(|| average_precision(positives, self.in_domain))?
    }

    /// Average precision with out-of-domain as the positive class and the score negated. `None` where either kind is
    /// missing.
    ///
    /// ```
    /// use routecal::metrics::detection::Detection;
    ///
    /// // From the lowest score up: out, in, out, in.
    /// let detection = Detection::new([0.35, 0.8], [0.1, 0.4]);
    /// let expected = 0.5 * (1.0 / 1.0) + 0.5 * (2.0 / 3.0);
    /// assert!((detection.average_precision_out().unwrap() - expected).abs() < 1e-15);
    /// ```
    pub fn average_precision_out(&self) -> Option<f64> {
        let positives = self.ties.iter().rev();
        let positives = positives.map(|tie| (tie.n - tie.marked, tie.n));
        (self.in_domain > 0).then(|| average_precision(positives, self.out_of_domain))?
    }

    /// The highest threshold that accepts at least the share `tpr` of in-domain rows, and the share of out-of-domain
    /// rows it accepts with them. `None` where either kind is missing.
    ///
    /// ```
    /// use routecal::metrics::{Rate, detection::Detection};
    ///
    /// // All three in-domain rows are needed for 95 %, so the threshold falls to 0.4 and lets in 0.7 and 0.4.
    /// let point = Detection::new([0.9, 0.8, 0.4], [0.7, 0.4, 0.1]).fpr_at_tpr(0.95).unwrap();
    /// assert_eq!(point.threshold, 0.4);
    /// assert_eq!(point.false_positive, Rate::new(2, 3));
    /// ```
    ///
    /// # Panics
    ///
    /// If `tpr` is not in (0, 1\].
    pub fn fpr_at_tpr(&self, tpr: f64) -> Option<DetectionPoint> {
        let positives = self.ties.iter().map(|tie| (tie.score, tie.marked, tie.n));
        first_reaching(tpr, positives, self.in_domain, self.out_of_domain)
    }

    /// The mirror, as `OpenOOD` reports it: out-of-domain is positive, and a row is flagged iff its score is at or
    /// **below** the threshold. The lowest threshold that flags at least the share `tpr` of out-of-domain rows, and
    /// the share of in-domain rows flagged with them. `None` where either kind is missing.
    ///
    /// ```
    /// use routecal::metrics::{Rate, detection::Detection};
    ///
    /// let point = Detection::new([0.9, 0.8, 0.4], [0.7, 0.4, 0.1]).fpr_at_tpr_out(0.95).unwrap();
    /// assert_eq!(point.threshold, 0.7);
    /// assert_eq!(point.false_positive, Rate::new(1, 3)); // 0.4 is flagged too
    /// ```
    ///
    /// # Panics
    ///
    /// If `tpr` is not in (0, 1\].
    pub fn fpr_at_tpr_out(&self, tpr: f64) -> Option<DetectionPoint> {
        let positives = self.ties.iter().rev();
        let positives = positives.map(|tie| (tie.score, tie.n - tie.marked, tie.n));
        first_reaching(tpr, positives, self.out_of_domain, self.in_domain)
    }
}

/// `Σ_i (R_i − R_(i−1)) P_i` over `(positives, rows)` of each distinct score, most positive first.
fn average_precision(ties: impl Iterator<Item = (u64, u64)>, positives: u64) -> Option<f64> {
    let (mut found, mut accepted, mut area) = (0, 0, 0.0);
    for (marked, n) in ties {
        found += marked;
        accepted += n;
        area += as_f64(marked) * (as_f64(found) / as_f64(accepted));
    }
    (positives > 0).then(|| area / as_f64(positives))
}

/// The first of `(score, positives, rows)`, most positive first, by which the share `tpr` of all positives is found.
fn first_reaching(
    tpr: f64,
    ties: impl Iterator<Item = (f64, u64, u64)>,
    positives: u64,
    negatives: u64,
) -> Option<DetectionPoint> {
    assert!(tpr > 0.0 && tpr <= 1.0, "a true-positive rate of {tpr}");
    if positives == 0 || negatives == 0 {
        return None;
    }
    let enough = least_reaching(tpr, positives);
    let (mut found, mut accepted) = (0, 0);
    for (threshold, marked, n) in ties {
        found += marked;
        accepted += n;
        if found >= enough {
            return Some(DetectionPoint {
                threshold,
                true_positive: Rate::new(found, positives),
                false_positive: Rate::new(accepted - found, negatives),
            });
        }
    }
    unreachable!("at the last score every positive is found");
}

/// The least count whose share of `positives` reaches `tpr`: division rounds monotonically, so 19/20 reaches 0.95 and nothing
/// below it does.
fn least_reaching(tpr: f64, positives: u64) -> u64 {
    let reaches = |found: u64| as_f64(found) / as_f64(positives) >= tpr;
    let mut found = crate::num::usize_from_f64(tpr * as_f64(positives)) as u64;
    while !reaches(found) {
        found += 1;
    }
    while found > 0 && reaches(found - 1) {
        found -= 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::Detection;
    use crate::metrics::Rate;

    #[test]
    fn one_kind_alone_has_no_figures() {
        for detection in [
            Detection::new([], []),
            Detection::new([0.5, 0.1], []),
            Detection::new([], [0.5]),
        ] {
            assert_eq!(detection.auroc(), None);
            assert_eq!(detection.average_precision_in(), None);
            assert_eq!(detection.average_precision_out(), None);
            assert_eq!(detection.fpr_at_tpr(0.95), None);
            assert_eq!(detection.fpr_at_tpr_out(0.95), None);
        }
    }

    #[test]
    fn a_score_that_says_nothing_is_chance() {
        let detection = Detection::new([f64::INFINITY; 3], [f64::INFINITY; 1]);
        assert_eq!(detection.auroc(), Some(0.5));
        assert_eq!(detection.average_precision_in(), Some(0.75));
        assert_eq!(detection.average_precision_out(), Some(0.25));
        let point = detection.fpr_at_tpr(0.95).unwrap();
        assert_eq!(point.false_positive, Rate::new(1, 1));
    }

    #[test]
    fn infinity_ranks_above_all() {
        let detection = Detection::new([f64::INFINITY, 0.2], [0.3]);
        assert_eq!(detection.auroc(), Some(0.5));
    }

    #[test]
    fn nineteen_of_twenty_is_95_percent() {
        let inside = (1..=20).map(f64::from);
        let point = Detection::new(inside, [1.5, 2.5]).fpr_at_tpr(0.95).unwrap();
        assert!((point.threshold - 2.0).abs() < f64::EPSILON);
        assert_eq!(point.true_positive, Rate::new(19, 20));
        assert_eq!(point.false_positive, Rate::new(1, 2));
    }

    #[test]
    #[should_panic(expected = "NaN")]
    fn nan_is_refused() {
        let _ = Detection::new([0.1], [f64::NAN]);
    }
}
