//! The joint risk P(accepted and wrong): conformal risk control.

use super::{Kind, Thresholds, halves};
use crate::calibrate::certify::path::{Fineness, gap_levels};
use crate::calibrate::rows::SweepRow;
use crate::calibrate::search::settle;
use crate::num::f64_from_u64;

/// Thresholds whose joint risk is controlled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controlled {
    /// The thresholds.
    pub at: Thresholds,
    /// Rows that set the threshold.
    pub n: u64,
    /// Of these, accepted.
    pub accepted: u64,
    /// Of these, wrong or out-of-domain.
    pub wrong: u64,
}

impl Controlled {
    /// (wrong + 1) / (n + 1): what is held against the limit.
    pub fn corrected_risk(self) -> f64 {
        corrected(self.wrong, self.n)
    }
}

fn corrected(wrong: u64, n: u64) -> f64 {
    f64_from_u64(wrong + 1) / f64_from_u64(n + 1)
}

/// The smallest threshold at which the joint risk is controlled, the gap held: with R̂(t) = (accepted and wrong) / n the
/// smallest t with (n R̂(t) + 1) / (n + 1) ≤ `alpha`. `None` where no row may be accepted. O(rows·log rows).
///
/// Conformal risk control (Angelopoulos, Bates, Fisch, Lei & Schuster, arXiv 2208.02814). An accepted and wrong prompt costs
/// 1, any other 0, and a higher threshold never costs more, which is what the method asks for; the *selective* risk is not
/// monotone, so it does not fit. The next prompt, drawn like `rows`, is then accepted and wrong with probability at most
/// `alpha`. This holds in expectation over the draw of the rows, so for a half of all draws the risk may be somewhat above
/// `alpha`: it is no promise with confidence, as [`certify`](super::certify) makes. The gap must not depend on `rows`.
///
/// ```
/// use routecal::calibrate::{Kind, SweepRow, control};
///
/// let row = |score, kind| SweepRow { score, gap: 0.1, route: 0, kind };
/// let mut rows: Vec<SweepRow> = (0..17).map(|i| row(0.5 + f64::from(i) / 100.0, Kind::Right)).collect();
/// rows.push(row(0.4, Kind::OutOfDomain));
/// rows.push(row(0.3, Kind::OutOfDomain));
/// // 19 rows: (0 + 1) / 20 is 5 %, (1 + 1) / 20 is too much.
/// let found = control(&rows, 0.0, 0.05).unwrap();
/// assert!(found.at.threshold() > 0.4 && found.at.threshold() <= 0.5);
/// assert_eq!((found.accepted, found.wrong), (17, 0));
/// assert_eq!(control(&rows[..10], 0.0, 0.05), None);
/// ```
pub fn control(rows: &[SweepRow], gap: f64, alpha: f64) -> Option<Controlled> {
    let n = rows.len() as u64;
    let mut order: Vec<&SweepRow> = rows.iter().filter(|row| row.gap >= gap).collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    let (mut accepted, mut wrong) = (0, 0);
    let mut found = None;
    for (i, row) in order.iter().enumerate() {
        accepted += 1;
        wrong += u64::from(row.kind != Kind::Right);
        // Equal scores are accepted together.
        if order
            .get(i + 1)
            .is_some_and(|next| next.score.total_cmp(&row.score).is_eq())
        {
            continue;
        }
        if corrected(wrong, n) > alpha {
            break;
        }
        found = Some((row.score, accepted, wrong));
    }
    let (score, accepted, wrong) = found?;
    let threshold = if accepted == order.len() as u64 {
        Thresholds::ACCEPT_ALL.threshold()
    } else {
        score
    };
    // Between two scores of the rows nothing changes for them; a higher threshold within that room only lowers the risk.
    let at = settle(rows, threshold, gap);
    let at = Thresholds::new(at.threshold(), gap).unwrap_or(at);
    Some(Controlled { at, n, accepted, wrong })
}

/// [`control`] with a gap that the learning part of `rows` chooses and a threshold that the others set, so that the gap does
/// not depend on them. `rows` are in a random order, as for [`certify`](super::certify).
///
/// Of the gaps at even ranks that is taken with which the learning part, put to the same rule, accepts the most.
pub fn control_split(rows: &[SweepRow], alpha: f64) -> Option<Controlled> {
    let (learning, testing) = halves(rows);
    let gap = gap_levels(learning, Fineness::of(learning.len()).gaps)
        .into_iter()
        .filter_map(|gap| control(learning, gap, alpha))
        // Of equal ones the smaller gap.
        .reduce(|best, next| if next.accepted > best.accepted { next } else { best })
        .map_or(0.0, |best| settle(learning, best.at.threshold(), best.at.gap()).gap());
    control(testing, gap, alpha)
}
