//! Classification figures from a confusion matrix.
//!
//! Rows are the truth, columns the decision. Two views use the same type and are never mixed:
//!
//! * *forced choice*: in-domain prompts only, no fallback: `Confusion::new(routes)`;
//! * *as deployed*: all prompts, `Confusion::new(routes + 1)`, where the last row is "out-of-domain" and the last
//!   column "fallback". Fallback is the right answer for an out-of-domain prompt, so the last diagonal cell counts as
//!   right.
//!
//! With C the matrix, t its row sums (support), p its column sums (predictions), c its trace and n its total:
//!
//! | figure | formula | `None` where |
//! |---|---|---|
//! | precision of i | C\[i,i\] / p\[i\] | never chosen |
//! | recall of i | C\[i,i\] / t\[i\] | no support |
//! | F1 of i | 2 C\[i,i\] / (t\[i\] + p\[i\]) | neither |
//! | accuracy | c / n | n = 0 |
//! | balanced accuracy | mean recall over classes with support | n = 0 |
//! | macro | mean of the per-class values that are defined | none is |
//! | micro | sums over classes, then the ratio; all three equal accuracy | n = 0 |
//! | weighted | mean of the defined per-class values, weighted by support | the weights sum to 0 |
//! | Matthews correlation | (c n − Σ t p) / √((n² − Σ p²)(n² − Σ t²)) | all truths or all decisions are one class |
//! | Cohen's kappa | (c n − Σ t p) / (n² − Σ t p) | expected agreement is 1 |
//!
//! Reference: scikit-learn's `sklearn.metrics` with `labels=range(classes)` and `zero_division=np.nan`. It differs in
//! one kind of place: where a figure has nothing under it, scikit-learn returns 0.0 for the Matthews correlation, NaN
//! for kappa, and the unweighted mean for weighted figures whose weights sum to 0; here all of these are `None`.
//! Sources: Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", Comput. Biol.
//! Chem. 28 (2004); Cohen, "A coefficient of agreement for nominal scales", Educ. Psychol. Meas. 20 (1960).

use super::{Rate, as_f64, mean_defined};

#[cfg(test)]
mod tests;

/// A square table of counts: rows truth, columns decision.
///
/// ```
/// use routecal::metrics::classification::Confusion;
///
/// // Truth 0 decided as 0, 0 and 1; truth 1 decided as 1.
/// let confusion = Confusion::from_pairs(2, [(0, 0), (0, 0), (0, 1), (1, 1)]);
/// assert_eq!(confusion.counts(), [2, 1, 0, 1]); // row by row
/// assert_eq!(confusion.accuracy().value(), Some(0.75));
/// assert_eq!(confusion.class(1).precision.value(), Some(0.5));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// Row-major, `classes * classes`.
    counts: Vec<u64>,
}

/// The figures of one class against all others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassFigures {
    /// Rows whose truth is this class.
    pub support: u64,
    /// Rows whose decision is this class.
    pub predicted: u64,
    /// Right decisions among the decisions for this class.
    pub precision: Rate,
    /// Right decisions among the rows of this class.
    pub recall: Rate,
    /// Harmonic mean of the two, 2 tp / (2 tp + fp + fn): 0, not `None`, where only one of them is undefined.
    pub f1: Option<f64>,
}

/// One way of averaging precision, recall and F1 over the classes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Averages {
    /// Averaged precision.
    pub precision: Option<f64>,
    /// Averaged recall.
    pub recall: Option<f64>,
    /// Averaged F1: the mean of the F1 values, not the F1 of the means.
    pub f1: Option<f64>,
}

impl Confusion {
    /// An empty matrix over `classes` classes. O(classes²) memory.
    ///
    /// For the view as deployed pass `routes + 1`: the last class is out-of-domain as a truth and fallback as a
    /// decision.
    ///
    /// # Panics
    ///
    /// If `classes` is 0.
    pub fn new(classes: usize) -> Self {
        assert!(classes > 0, "a confusion matrix needs a class");
        Self {
            classes,
            counts: vec![0; classes * classes],
        }
    }

    /// The matrix of `(truth, decision)` pairs. O(classes² + n).
    ///
    /// # Panics
    ///
    /// If `classes` is 0 or a class is out of range.
    pub fn from_pairs(classes: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut confusion = Self::new(classes);
        for (truth, decision) in pairs {
            confusion.add(truth, decision);
        }
        confusion
    }

    /// Counts one row. O(1).
    ///
    /// # Panics
    ///
    /// If a class is out of range.
    pub fn add(&mut self, truth: usize, decision: usize) {
        self.add_times(truth, decision, 1);
    }

    /// Counts a row as so many copies of it, none included. O(1).
    ///
    /// # Panics
    ///
    /// If a class is out of range.
    pub fn add_times(&mut self, truth: usize, decision: usize, times: u64) {
        let cell = self.cell(truth, decision);
        self.counts[cell] += times;
    }

    /// The number of classes, which is the number of rows and of columns.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// All cells, row by row: `classes * classes` counts.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The rows: one slice of `classes` counts for each true class.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u64]> {
        self.counts.chunks_exact(self.classes)
    }

    /// One cell.
    ///
    /// # Panics
    ///
    /// If a class is out of range.
    pub fn count(&self, truth: usize, decision: usize) -> u64 {
        self.counts[self.cell(truth, decision)]
    }

    /// All rows counted. O(classes²), as the figures below unless they say otherwise.
    pub fn n(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The figures of class `class` against the rest: see the table of the [module](self). O(classes).
    ///
    /// ```
    /// use routecal::metrics::classification::Confusion;
    ///
    /// // Class 2 is never the truth, class 1 is never the decision.
    /// let confusion = Confusion::from_pairs(3, [(0, 0), (1, 0), (1, 2)]);
    /// let one = confusion.class(1);
    /// assert_eq!((one.support, one.predicted), (2, 0));
    /// assert_eq!(one.precision.value(), None);
    /// assert_eq!(one.recall.value(), Some(0.0));
    /// assert_eq!(one.f1, Some(0.0)); // 2 * 0 / (2 + 0)
    /// assert_eq!(confusion.class(2).recall.value(), None);
    /// ```
    ///
    /// # Panics
    ///
    /// If `class` is out of range.
    pub fn class(&self, class: usize) -> ClassFigures {
        let right = self.count(class, class);
        let support = self.support(class);
        let predicted = self.predicted(class);
        ClassFigures {
            support,
            predicted,
            precision: Rate::new(right, predicted),
            recall: Rate::new(right, support),
            // 2 tp / (2 tp + fp + fn), with tp + fn = support and tp + fp = predicted.
            f1: Rate::new(2 * right, support + predicted).value(),
        }
    }

    /// [`class`](Self::class) for every class, in order.
    pub fn per_class(&self) -> impl ExactSizeIterator<Item = ClassFigures> {
        (0..self.classes).map(|class| self.class(class))
    }

    /// The share of right decisions: trace / n.
    pub fn accuracy(&self) -> Rate {
        Rate::new(self.trace(), self.n())
    }

    /// The mean recall over the classes that have support (`balanced_accuracy_score`).
    ///
    /// ```
    /// use routecal::metrics::classification::Confusion;
    ///
    /// // Recall 3/4 and 0/1; class 2 has no support and does not count.
    /// let confusion = Confusion::from_pairs(3, [(0, 0), (0, 0), (0, 0), (0, 2), (1, 0)]);
    /// assert_eq!(confusion.balanced_accuracy(), Some(0.375));
    /// ```
    pub fn balanced_accuracy(&self) -> Option<f64> {
        self.macro_average().recall
    }

    /// The mean over classes of each figure, leaving out classes for which it is undefined (`average="macro"`).
    ///
    /// ```
    /// use routecal::metrics::classification::Confusion;
    ///
    /// let confusion = Confusion::from_pairs(3, [(0, 0), (0, 0), (0, 1), (1, 1)]);
    /// let average = confusion.macro_average();
    /// assert_eq!(average.precision, Some(0.75)); // (1 + 1/2) / 2: class 2 has no precision
    /// assert!((average.f1.unwrap() - (0.8 + 2.0 / 3.0) / 2.0).abs() < 1e-15);
    /// ```
    pub fn macro_average(&self) -> Averages {
        Averages {
            precision: mean_defined(self.per_class().map(|c| c.precision.value())),
            recall: mean_defined(self.per_class().map(|c| c.recall.value())),
            f1: mean_defined(self.per_class().map(|c| c.f1)),
        }
    }

    /// The figures of the pooled decisions (`average="micro"` over all labels).
    ///
    /// Each row has one truth and one decision, so Σ fp = Σ fn = n − trace and all three equal the
    /// [`accuracy`](Self::accuracy). It is given because readers look for it.
    pub fn micro_average(&self) -> Averages {
        let accuracy = self.accuracy().value();
        Averages {
            precision: accuracy,
            recall: accuracy,
            f1: accuracy,
        }
    }

    /// The mean over classes of each figure, weighted by support (`average="weighted"`).
    ///
    /// A class for which the figure is undefined is left out together with its weight, as in scikit-learn with
    /// `zero_division=np.nan`: a supported class that is never chosen lowers recall and F1 but not precision.
    ///
    /// ```
    /// use routecal::metrics::classification::Confusion;
    ///
    /// let confusion = Confusion::from_pairs(2, [(0, 0), (0, 0), (0, 1), (1, 1)]);
    /// assert_eq!(confusion.weighted_average().precision, Some((3.0 * 1.0 + 1.0 * 0.5) / 4.0));
    /// ```
    pub fn weighted_average(&self) -> Averages {
        let weighted = |figure: fn(&ClassFigures) -> Option<f64>| {
            let (sum, weight) = self
                .per_class()
                .filter_map(|class| figure(&class).map(|value| (value, class.support)))
                .fold((0.0, 0), |(sum, weight), (value, support)| {
                    (sum + value * as_f64(support), weight + support)
                });
            (weight > 0).then(|| sum / as_f64(weight))
        };
        Averages {
            precision: weighted(|class| class.precision.value()),
            recall: weighted(|class| class.recall.value()),
            f1: weighted(|class| class.f1),
        }
    }

    /// The Matthews correlation for any number of classes (Gorodkin's `R_K`), in −1..=1.
    ///
    /// (c n − Σ t p) / √((n² − Σ p²)(n² − Σ t²)). `None` where all truths, or all decisions, are of one class: there
    /// is nothing to correlate. scikit-learn's `matthews_corrcoef` returns 0.0 there.
    ///
    /// ```
    /// use routecal::metrics::classification::Confusion;
    ///
    /// // The example of scikit-learn's documentation: −0.33.
    /// let confusion = Confusion::from_pairs(2, [(1, 1), (1, 0), (1, 1), (0, 1)]);
    /// assert!((confusion.matthews_correlation().unwrap() + 1.0 / 3.0).abs() < 1e-15);
    /// assert_eq!(Confusion::from_pairs(2, [(0, 0)]).matthews_correlation(), None);
    /// ```
    pub fn matthews_correlation(&self) -> Option<f64> {
        let n = as_f64(self.n());
        let sums = self.margins();
        let decisions = n * n - sums.decision_squares;
        let truths = n * n - sums.truth_squares;
        // Sums of products of counts are exact below 2^53, so the test for zero is too.
        (decisions > 0.0 && truths > 0.0)
            .then(|| (as_f64(self.trace()) * n - sums.products) / (decisions.sqrt() * truths.sqrt()))
    }

    /// Cohen's kappa, unweighted: agreement beyond what the margins alone would give, at most 1.
    ///
    /// (o − e) / (1 − e) with observed agreement o = c / n and expected e = Σ t p / n². `None` where e = 1: truth and
    /// decision are one and the same class throughout; scikit-learn's `cohen_kappa_score` gives NaN there.
    ///
    /// ```
    /// use routecal::metrics::classification::Confusion;
    ///
    /// // o = 3/4, e = (3 * 2 + 1 * 2) / 16 = 1/2.
    /// let confusion = Confusion::from_pairs(2, [(0, 0), (0, 0), (0, 1), (1, 1)]);
    /// assert_eq!(confusion.cohen_kappa(), Some(0.5));
    /// ```
    pub fn cohen_kappa(&self) -> Option<f64> {
        let n = as_f64(self.n());
        let products = self.margins().products;
        let beyond = n * n - products;
        (beyond > 0.0).then(|| (as_f64(self.trace()) * n - products) / beyond)
    }

    fn cell(&self, truth: usize, decision: usize) -> usize {
        assert!(
            truth < self.classes && decision < self.classes,
            "truth {truth}, decision {decision} in a confusion matrix of {} classes",
            self.classes
        );
        truth * self.classes + decision
    }

    fn trace(&self) -> u64 {
        (0..self.classes).map(|class| self.count(class, class)).sum()
    }

    fn support(&self, class: usize) -> u64 {
        (0..self.classes).map(|other| self.count(class, other)).sum()
    }

    fn predicted(&self, class: usize) -> u64 {
        (0..self.classes).map(|other| self.count(other, class)).sum()
    }

    fn margins(&self) -> MarginSums {
        let mut sums = MarginSums::default();
        for class in 0..self.classes {
            let truth = as_f64(self.support(class));
            let decision = as_f64(self.predicted(class));
            sums.truth_squares += truth * truth;
            sums.decision_squares += decision * decision;
            sums.products += truth * decision;
        }
        sums
    }
}

/// Σ t², Σ p² and Σ t p over the classes.
#[derive(Debug, Default)]
struct MarginSums {
    truth_squares: f64,
    decision_squares: f64,
    products: f64,
}

/// The share of rows whose truth is among the first `k` classes of its ranking (top-k accuracy).
///
/// Each row is `(truth, ranking)`, the ranking best first; it may be cut to `k` classes. O(n k).
///
/// ```
/// use routecal::metrics::{Rate, classification::top_k};
///
/// let rows = [(0, [0, 1]), (2, [0, 2]), (1, [0, 2])];
/// assert_eq!(top_k(2, rows), Rate::new(2, 3));
/// assert_eq!(top_k(1, rows), Rate::new(1, 3));
/// ```
pub fn top_k<R: AsRef<[usize]>>(k: usize, rows: impl IntoIterator<Item = (usize, R)>) -> Rate {
    Rate::of(
        rows.into_iter()
            .map(|(truth, ranking)| ranking.as_ref().iter().take(k).any(|&class| class == truth)),
    )
}

/// The place of `class` among `scores`, 0 for the best: how many classes are ranked before it. O(classes).
///
/// Ties go to the earlier class, as routing decides them. scikit-learn's `top_k_accuracy_score` gives them to the
/// later. A row counts for top-k accuracy where `rank_of(scores, truth) < k`.
///
/// ```
/// use routecal::metrics::classification::rank_of;
///
/// assert_eq!(rank_of(&[0.2, 0.9, 0.9], 1), 0);
/// assert_eq!(rank_of(&[0.2, 0.9, 0.9], 2), 1);
/// ```
///
/// # Panics
///
/// If `class` is out of range or a score is NaN.
pub fn rank_of(scores: &[f64], class: usize) -> usize {
    let own = scores[class];
    scores
        .iter()
        .enumerate()
        .filter(|&(other, score)| {
            let order = score.partial_cmp(&own).expect("a score is NaN");
            order.is_gt() || (order.is_eq() && other < class)
        })
        .count()
}
