//! The answers that are not "stable".

use crate::error::{ErrorClass, Hint};

/// A log was measured, and the answer is not "stable".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MonitorError {
    /// A gate is beyond its limit.
    #[error("not passed: {}", gates.join("; "))]
    Shifted {
        /// Each gate and its verdict.
        gates: Vec<String>,
    },
    /// No gate is, but some cannot tell.
    #[error("inconclusive: {}", gates.join("; "))]
    Inconclusive {
        /// Each gate and its verdict.
        gates: Vec<String>,
        /// Whether that counts as a failure.
        fails: bool,
    },
}

impl Hint for MonitorError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Shifted { .. } => {
                "label a random sample of the log, add it to the dataset, then: routecal calibrate".into()
            }
            Self::Inconclusive { .. } => {
                "take a longer log, or decide what that means: --inconclusive pass|fail".into()
            }
        })
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Inconclusive { fails: false, .. } => ErrorClass::Inconclusive,
            Self::Shifted { .. } | Self::Inconclusive { .. } => ErrorClass::Unmet,
        }
    }
}
