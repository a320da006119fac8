//! What can be wrong with a check, and the answers that are not "pass".

use crate::error::{ErrorClass, Hint};

/// Why a check cannot be made, or did not pass.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The baseline cannot be read.
    #[error("cannot read the baseline {file}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file that is no baseline, or is cut off.
    #[error("{file}: not a usable baseline: {message}")]
    Baseline {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// A baseline whose content is not what was written.
    #[error("{file}: the baseline was changed after it was written: its checksum is {found}…, not {stated}…")]
    Edited {
        /// The file.
        file: String,
        /// Start of the checksum of what stands there.
        found: String,
        /// Start of the checksum in the file.
        stated: String,
    },
    /// A baseline of another schema version.
    #[error("{file}: made for schema version {found}, this program reads version {expected}")]
    Version {
        /// The file.
        file: String,
        /// Version in the file.
        found: u64,
        /// Version this program reads.
        expected: u64,
    },
    /// Nothing to pair.
    #[error(
        "none of the {} prompts of {} (split {}) is among the {} of {}, which was made from {} (split {})",
        .0.today, .0.dataset, .0.split, .0.baseline, .0.file, .0.made_from, .0.made_split
    )]
    NothingPaired(Box<Unpaired>),
    /// Gates that cannot be.
    #[error("{place}: {message}")]
    Gates {
        /// File and line, or the flag.
        place: String,
        /// What is wrong.
        message: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// The gates file cannot be read.
    #[error("cannot read the gates {file}")]
    ReadGates {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The encoder is not the one of the baseline.
    #[error("encoder changed, thresholds are not valid: {difference}")]
    EncoderChanged {
        /// What differs: in the baseline, now.
        difference: String,
        /// The baseline.
        file: String,
    },
    /// Some gate says that the router got worse, or misses a limit.
    #[error("not passed: {}", gates.join("; "))]
    Regressed {
        /// Each gate and its verdict.
        gates: Vec<String>,
        /// The baseline.
        file: String,
    },
    /// No gate says so, but some cannot tell.
    #[error("inconclusive: {}", gates.join("; "))]
    Inconclusive {
        /// Each gate and its verdict.
        gates: Vec<String>,
        /// Whether that counts as a failure.
        fails: bool,
    },
}

/// A baseline and a dataset without a common prompt.
#[derive(Debug)]
pub struct Unpaired {
    /// The baseline.
    pub file: String,
    /// Distinct prompts in it.
    pub baseline: u64,
    /// The dataset.
    pub dataset: String,
    /// Its split.
    pub split: String,
    /// Distinct prompts in that.
    pub today: u64,
    /// The dataset of the baseline.
    pub made_from: String,
    /// The split of the baseline.
    pub made_split: String,
}

impl Hint for CheckError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { file, source } if source.kind() == std::io::ErrorKind::NotFound => Some(format!(
                "make one from the router as it is now: routecal check --update-baseline --baseline {file}"
            )),
            Self::Baseline { file, .. } | Self::Edited { file, .. } | Self::Version { file, .. } => Some(format!(
                "restore it from version control, or make it again from the router that it stands for: \
                 routecal check --update-baseline --baseline {file}"
            )),
            Self::NothingPaired(sides) if sides.split != sides.made_split => Some(format!(
                "compare the same rows: routecal check --split {}",
                sides.made_split
            )),
            Self::NothingPaired(sides) => Some(format!(
                "check the dataset that the baseline was made from ({}), or make a new baseline: \
                 routecal check --update-baseline --baseline {}",
                sides.made_from, sides.file
            )),
            Self::Gates { hint, .. } => hint.clone(),
            Self::EncoderChanged { file, .. } => Some(format!(
                "go back to the encoder of the baseline; or choose thresholds anew and record them: \
                 routecal calibrate --write && routecal check --update-baseline --baseline {file}"
            )),
            Self::Regressed { file, .. } => Some(format!(
                "the flipped prompts show what changed; if the change is meant, record it: \
                 routecal check --update-baseline --baseline {file}"
            )),
            Self::Inconclusive { .. } => Some(
                "label more prompts, allow a wider margin (--margin), or decide what that means: \
                 --inconclusive pass|fail"
                    .into(),
            ),
            Self::ReadGates { .. } => Some(
                "without --gates the default gates hold; `routecal schema gates` prints the shape of the file".into(),
            ),
            Self::Read { .. } => None,
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::EncoderChanged { .. } | Self::Regressed { .. } | Self::Inconclusive { fails: true, .. } => {
                ErrorClass::Unmet
            }
            Self::Inconclusive { fails: false, .. } => ErrorClass::Inconclusive,
            Self::Read { source, .. } | Self::ReadGates { source, .. }
                if !matches!(
                    source.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::InvalidData | std::io::ErrorKind::IsADirectory
                ) =>
            {
                ErrorClass::Environment
            }
            _ => ErrorClass::Input,
        }
    }
}
