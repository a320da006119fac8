//! Why no thresholds can be chosen for cost and quality.

use std::path::PathBuf;

use crate::error::{ErrorClass, Hint};

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatingPointError {
    /// No point is as good as is wanted.
    #[error(
        "no thresholds reach a mean quality of {wanted:.4} on the {n} calibration prompts; the best is {best:.4}, at $ {usd_per_1k:.3} a thousand prompts"
    )]
    Unreachable {
        /// The mean quality that is wanted.
        wanted: f64,
        /// The best there is.
        best: f64,
        /// What that costs, in dollars for a thousand prompts.
        usd_per_1k: f64,
        /// Number of calibration prompts.
        n: usize,
    },
    /// A split has no prompts in the run.
    #[error("the run has no prompts of split \"{split}\": there are {}", listed(present))]
    NoPrompts {
        /// The split.
        split: String,
        /// The splits there are, and their prompts.
        present: Vec<(String, u64)>,
    },
    /// The run is not graded.
    #[error("the answers of {} are not graded", folder.display())]
    NotGraded {
        /// The run.
        folder: PathBuf,
    },
    /// The prompts of a split cannot be compared.
    #[error("split \"{split}\"")]
    Split {
        /// The split.
        split: String,
        /// Why.
        #[source]
        source: crate::replay::analysis::AnalysisError,
    },
}

fn listed(splits: &[(String, u64)]) -> String {
    if splits.is_empty() {
        return "none at all".into();
    }
    let all: Vec<String> = splits.iter().map(|(name, n)| format!("{n} of \"{name}\"")).collect();
    all.join(", ")
}

impl Hint for OperatingPointError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { best, .. } => Some(format!(
                "ask for no more than --min-quality {:.4}, or give a route or the fallback a better model: thresholds alone cannot mend the answers",
                // Rounded down, so that it can be had.
                (best * 1e4).floor() / 1e4
            )),
            Self::NoPrompts { present, .. } if present.is_empty() => {
                Some("collect answers first: routecal replay collect --split all".into())
            }
            Self::NoPrompts { .. } => Some(
                "collect both splits with routecal replay collect --split all, or name others with --split and --test-split"
                    .into(),
            ),
            Self::NotGraded { folder } => Some(format!(
                "grade them first: routecal replay grade --run {} --grader exact, say",
                folder.display()
            )),
            Self::Split { source, .. } => source.hint(),
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Unreachable { .. } => ErrorClass::Unmet,
            Self::Split { source, .. } => source.class(),
            Self::NoPrompts { .. } | Self::NotGraded { .. } => ErrorClass::Input,
        }
    }
}
