//! Reliability: does a confidence of 0.8 mean right four times in five?
//!
//! A cosine is no probability, so it is mapped to one first, by a mapping fitted on the calibration split and judged
//! on the test split:
//!
//! | mapping | form | free numbers |
//! |---|---|---|
//! | [`Platt`] | σ(slope · score + intercept) | 2 |
//! | [`Isotonic`] | any non-decreasing function | many: needs the most rows, and may say exactly 0 or 1 |
//! | [`Temperature`] | largest softmax(scores / T) over the routes | 1; never changes which route is best |
//!
//! [`Reliability`] then measures `(confidence, right)` rows: expected calibration error over equal-width and
//! equal-mass bins, the bins for a diagram, Brier score and log loss.
//!
//! The mappings are for in-domain rows in forced choice, where "right" means that the best route is the true one.
//! Scores must be finite, which the gap of a lone route is not.

pub mod isotonic;
pub mod measure;
pub mod platt;
pub mod temperature;

use std::fmt;

pub use isotonic::Isotonic;
pub use measure::{BINS, Bin, Losses, Reliability, ece};
pub use platt::Platt;
pub use temperature::Temperature;

use super::{ties, ties::Tie};

/// Why a mapping could not be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FitError {
    /// There are no rows.
    NoRows,
    /// A score is NaN or infinite; `row` counts from 0.
    NotFinite {
        /// The first such row.
        row: usize,
    },
    /// All rows are right, or all are wrong: nothing says where confidence should end.
    OneOutcome {
        /// Which of the two.
        right: bool,
    },
    /// The true route scores no higher than the average route: no temperature is better than an infinite one.
    NoSignal,
    /// The iteration did not settle.
    NotConverged,
}

impl fmt::Display for FitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRows => f.write_str("no rows to fit on"),
            Self::NotFinite { row } => write!(f, "the score of row {row} is not finite"),
            Self::OneOutcome { right: true } => f.write_str("every row is right"),
            Self::OneOutcome { right: false } => f.write_str("every row is wrong"),
            Self::NoSignal => f.write_str("the true route scores no higher than the others"),
            Self::NotConverged => f.write_str("the fit did not converge"),
        }
    }
}

impl std::error::Error for FitError {}

/// `(score, right)` rows grouped by score, highest first, checked to hold both outcomes.
fn check(rows: impl IntoIterator<Item = (f64, bool)>) -> Result<Vec<Tie>, FitError> {
    let mut rows_checked: Vec<(f64, bool)> = Vec::new();
    for (row, (score, right)) in rows.into_iter().enumerate() {
        if !score.is_finite() {
            return Err(FitError::NotFinite { row });
        }
        rows_checked.push((score, right));
    }
    let right = rows_checked.first().ok_or(FitError::NoRows)?.1;
    if rows_checked.iter().all(|row| row.1 == right) {
        return Err(FitError::OneOutcome { right });
    }
    Ok(ties::descending(rows_checked))
}

/// The same from counts a score, `(score, rows, right rows)`; `row` of an error counts the scores.
fn check_counted(counts: impl IntoIterator<Item = (f64, u64, u64)>) -> Result<Vec<Tie>, FitError> {
    let counts: Vec<(f64, u64, u64)> = counts.into_iter().collect();
    if let Some(row) = counts.iter().position(|(score, ..)| !score.is_finite()) {
        return Err(FitError::NotFinite { row });
    }
    let ties = ties::counted(counts);
    let (n, right) = ties
        .iter()
        .fold((0, 0), |(n, right), tie| (n + tie.n, right + tie.marked));
    match (n, right) {
        (0, _) => Err(FitError::NoRows),
        (_, 0) => Err(FitError::OneOutcome { right: false }),
        (n, right) if n == right => Err(FitError::OneOutcome { right: true }),
        _ => Ok(ties),
    }
}

#[cfg(test)]
mod tests {
    use super::{FitError, Isotonic, Platt};

    #[test]
    fn a_fit_on_counts_is_the_fit_on_their_rows() {
        let rows = [(0.2, false), (0.5, true), (0.5, false), (0.5, true), (0.9, true)];
        let counts = [(0.9, 1, 1), (0.2, 1, 0), (0.5, 3, 2)];
        assert_eq!(Platt::fit_counted(counts), Platt::fit(rows));
        assert_eq!(Isotonic::fit_counted(counts), Isotonic::fit(rows));
        assert_eq!(Platt::fit_counted([(0.2, 0, 0)]), Err(FitError::NoRows));
        assert_eq!(
            Platt::fit_counted([(0.2, 2, 2)]),
            Err(FitError::OneOutcome { right: true })
        );
        assert_eq!(
            Platt::fit_counted([(0.2, 2, 0)]),
            Err(FitError::OneOutcome { right: false })
        );
        assert_eq!(
            Platt::fit_counted([(0.2, 2, 1), (f64::NAN, 1, 0)]),
            Err(FitError::NotFinite { row: 1 })
        );
    }

    #[test]
    fn rows_that_cannot_be_fitted_are_refused() {
        let cases = [
            (vec![], FitError::NoRows),
            (
                vec![(0.1, true), (f64::INFINITY, false)],
                FitError::NotFinite { row: 1 },
            ),
            (vec![(f64::NAN, true), (0.2, false)], FitError::NotFinite { row: 0 }),
            (vec![(0.1, true), (0.2, true)], FitError::OneOutcome { right: true }),
            (vec![(0.1, false)], FitError::OneOutcome { right: false }),
        ];
        for (rows, expected) in cases {
            assert_eq!(Platt::fit(rows.clone()).unwrap_err(), expected);
            assert_eq!(Isotonic::fit(rows).unwrap_err(), expected);
        }
    }
}
