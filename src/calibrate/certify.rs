//! Thresholds with a promise: the risk of what they accept stays below a limit, with stated confidence.
//!
//! # Selective risk: Learn-then-Test by a split fixed sequence
//! Wanted is P(wrong | accepted) ≤ α with probability at least 1 − δ over the draw of the calibration rows. Choosing the
//! thresholds whose observed risk is at most α does not give that: the best of thousands of points is one where luck helped.
//!
//! Learn-then-Test (Angelopoulos, Bates, Candès, Jordan & Lei, arXiv 2110.01052) turns the choice into tests. For
//! thresholds λ = (threshold, gap) let the null hypothesis be "the risk at λ is above α". Of n accepted rows the number of
//! wrong ones is Bin(n, risk) given n, so p = P(Bin(n, α) ≤ wrong) is an exact p-value ([`p_value`]). Thousands of tests
//! need a family-wise error of at most δ. Here the rows are split at random into a *learning* and a *testing* part
//! ([`LEARNING_SHARE`]). On the learning part a path of candidates is laid through both dimensions, from where it expects
//! the surest certificate towards ever larger coverage; on the testing part they are tested in this order, each at the
//! full level δ, until one fails.
//!
//! *Why the error is held.* Given the learning part the order is fixed, and the testing rows are independent of it. If the
//! path holds a candidate whose risk is above α, let λ* be the first of them. A false certificate needs λ* to be reached and
//! to pass (nothing behind a failure is certified), and it passes with probability at most δ, since its p-value is valid. So the
//! chance of any false certificate is at most δ, whatever the order, and given every learning part, so over all. Because it holds for all
//! certified candidates at once, any rule may pick among them, also one that looks at all rows: the one that accepts the most
//! of all calibration rows is taken.
//!
//! *Why a plain random split.* Were it stratified by label, a learning part lucky in its share of out-of-domain prompts
//! would get a testing part just as lucky, and the two would not be independent. Copies of a prompt count once
//! ([`distinct`](super::distinct)): they are no independent evidence.
//!
//! *Why this procedure.* The order costs rows, but every test keeps the whole of δ, where a correction for a grid of thousands of
//! points (Bonferroni, Holm) leaves each of them next to nothing. A path that began at the strictest thresholds would end at once: hardly a row is accepted there, and p is near 1. The idea
//! of laying the path along the best trade-offs of one part is that of Pareto testing (Laufer-Goldshmidt et al., arXiv
//! 2210.07913).
//!
//! # Joint risk: conformal risk control
//! See [`control`].

mod joint;
mod needed;
mod path;

pub use joint::{Controlled, control, control_split};
pub use needed::{allowed_errors, least_accepted, p_value, rows_needed};

use super::CalibrateError;
use super::rows::{Kind, SweepRow};
use crate::num::f64_from_u64;
use crate::routes::Thresholds;

/// Share of the distinct rows that lays the path; the rest tests it.
pub const LEARNING_SHARE: f64 = 0.4;

/// A limit on the selective risk and the level at which it is tested.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RiskLimit {
    alpha: f64,
    confidence: f64,
}

impl RiskLimit {
    /// Checks that both lie strictly between 0 and 1.
    ///
    /// # Errors
    /// [`CalibrateError::OpenRange`] naming the flag.
    pub fn new(alpha: f64, confidence: f64) -> Result<Self, CalibrateError> {
        Ok(Self {
            alpha: open("--max-risk", alpha)?,
            confidence: open("--confidence", confidence)?,
        })
    }

    /// The highest risk.
    pub fn alpha(self) -> f64 {
        self.alpha
    }

    /// The confidence, such as 0.95.
    pub fn confidence(self) -> f64 {
        self.confidence
    }

    /// One minus the confidence: the chance of a false certificate.
    pub fn delta(self) -> f64 {
        1.0 - self.confidence
    }
}

/// Refuses what is not strictly between 0 and 1.
///
/// # Errors
/// [`CalibrateError::OpenRange`].
pub fn open(name: &'static str, value: f64) -> Result<f64, CalibrateError> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(CalibrateError::OpenRange { name, value })
    }
}

/// Thresholds and what the testing part says of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The thresholds.
    pub at: Thresholds,
    /// Testing rows accepted.
    pub accepted: u64,
    /// Of these, wrong or out-of-domain.
    pub wrong: u64,
    /// See [`p_value`].
    pub p_value: f64,
}

/// The outcome of [`certify`].
#[derive(Debug, Clone, PartialEq)]
pub struct Certification {
    /// Rows that laid the path.
    pub learning: u64,
    /// Rows that tested it.
    pub testing: u64,
    /// Candidates on the path.
    pub path: u64,
    /// Those that were tested, in order; all but the last are certified, and the last too where the path ended with it.
    pub tested: Vec<Candidate>,
    /// How many of `tested` are certified.
    pub certified: usize,
    /// The certified candidate that accepts the most of all rows, and how many it accepts.
    pub chosen: Option<(Candidate, u64)>,
    /// Where nothing is certified: of the candidates on the whole path that fail, the one with the smallest p-value, to tell
    /// how far off it is. (One further down may pass by itself; the order was set before, so that counts for nothing.)
    pub nearest: Option<Candidate>,
}

impl Certification {
    /// Accepted testing rows that would certify the nearest candidate at the rate of errors it has; `None` where something
    /// is certified, or where no number would do. With exactly so many rows the chance is about even.
    pub fn accepted_needed(&self, limit: RiskLimit) -> Option<u64> {
        let nearest = self.nearest?;
        rows_needed(nearest.wrong, nearest.accepted, limit.alpha(), limit.delta())
    }
}

/// Certifies thresholds, the same for all routes, on rows in a random order (as [`distinct`](super::distinct) gives them): the
/// first [`LEARNING_SHARE`] of them lay the path, the others test it. See the module.
///
/// O(rows·candidates); at most 60 candidates.
///
/// ```
/// use routecal::calibrate::{Kind, RiskLimit, SweepRow, certify};
///
/// // Right prompts score high and wrong ones low; 400 of each.
/// let rows: Vec<SweepRow> = (0..800)
///     .map(|i| SweepRow {
///         score: if i % 2 == 0 { 0.6 } else { 0.3 } + f64::from(i % 100) / 1000.0,
///         gap: 0.1,
///         route: 0,
///         kind: if i % 2 == 0 { Kind::Right } else { Kind::OutOfDomain },
///     })
///     .collect();
/// let limit = RiskLimit::new(0.05, 0.95)?;
/// let (chosen, accepted) = certify(&rows, 1, limit).chosen.unwrap();
/// assert!(chosen.p_value <= limit.delta());
/// assert!((380..=420).contains(&accepted));
///
/// // 100 rows are too few: 60 test, about 30 of them accepted, and 59 are needed even without an error.
/// let few = certify(&rows[..100], 1, limit);
/// assert_eq!((few.chosen, few.accepted_needed(limit)), (None, Some(59)));
/// # Ok::<(), routecal::calibrate::CalibrateError>(())
/// ```
pub fn certify(rows: &[SweepRow], routes: usize, limit: RiskLimit) -> Certification {
    let (learning, testing) = halves(rows);
    let path = path::lay(learning, routes, limit.alpha());
    let test = |at: &Thresholds| {
        let (accepted, wrong) = count(testing, *at);
        Candidate {
            at: *at,
            accepted,
            wrong,
            p_value: p_value(wrong, accepted, limit.alpha()),
        }
    };
    let passes = |c: &Candidate| c.p_value <= limit.delta();
    let mut tested = Vec::new();
    for at in &path {
        let candidate = test(at);
        tested.push(candidate);
        if !passes(&candidate) {
            break;
        }
    }
    let certified = tested.iter().filter(|c| passes(c)).count();
    let chosen = tested[..certified]
        .iter()
        .map(|c| (*c, count(rows, c.at).0))
        // Of equal ones the earlier on the path, which the learning part was surer of.
        .reduce(|best, next| if next.1 > best.1 { next } else { best });
    let nearest = if chosen.is_some() {
        None
    } else {
        path.iter()
            .map(test)
            .filter(|c| !passes(c))
            .reduce(|best, next| if next.p_value < best.p_value { next } else { best })
    };
    Certification {
        learning: learning.len() as u64,
        testing: testing.len() as u64,
        path: path.len() as u64,
        tested,
        certified,
        chosen,
        nearest,
    }
}

/// How many of `n` distinct rows go into the learning part: [`LEARNING_SHARE`] of them, rounded up.
pub fn learning(n: u64) -> u64 {
    // Two fifths, in whole numbers.
    (2 * n).div_ceil(5)
}

/// The learning and the testing part.
fn halves(rows: &[SweepRow]) -> (&[SweepRow], &[SweepRow]) {
    let n = learning(rows.len() as u64);
    rows.split_at(usize::try_from(n).unwrap_or(rows.len()))
}

/// Accepted rows, and the wrong ones among them.
fn count(rows: &[SweepRow], at: Thresholds) -> (u64, u64) {
    rows.iter()
        .filter(|row| at.accept(row.score, row.gap))
        .fold((0, 0), |(accepted, wrong), row| {
            (accepted + 1, wrong + u64::from(row.kind != Kind::Right))
        })
}

/// Wrong over accepted.
pub(crate) fn rate(wrong: u64, accepted: u64) -> Option<f64> {
    (accepted > 0).then(|| f64_from_u64(wrong) / f64_from_u64(accepted))
}

#[cfg(test)]
mod tests;
