//! The decision about one prompt.

use super::RowScore;
use crate::routes::Thresholds;

/// What becomes of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Goes to the route with this index.
    Accept(usize),
    /// Goes to the fallback: the score is below the threshold.
    LowScore,
    /// Goes to the fallback: the best two are too close.
    SmallGap,
}

impl Decision {
    /// The route, if one was chosen.
    pub fn route(self) -> Option<usize> {
        match self {
            Self::Accept(route) => Some(route),
            Self::LowScore | Self::SmallGap => None,
        }
    }
}

/// Accept iff score and gap reach the thresholds of the best route; the threshold is looked at first.
///
/// # Panics
/// If `thresholds` has no entry for the row's best route.
pub fn decide(row: &RowScore, thresholds: &[Thresholds]) -> Decision {
    let at = thresholds[row.best];
    if row.score < at.threshold() {
        Decision::LowScore
    } else if row.gap < at.gap() {
        Decision::SmallGap
    } else {
        Decision::Accept(row.best)
    }
}
