//! The top-level [`Error`], and what every error of the crate can say of itself: a [`Hint`] and an [`ErrorClass`].

use std::path::PathBuf;

/// What kind of failure an error is; the command line turns it into an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Bad usage or bad input: exit code 2.
    Input,
    /// The environment failed (model files, network, disk): exit code 3.
    Environment,
    /// Measured, and the answer is no: exit code 1.
    Unmet,
    /// Measured, and too few prompts to tell: exit code 4.
    Inconclusive,
    /// Stopped early, and the same command goes on: exit code 5.
    Partial,
    /// Stopped by the user: exit code 130.
    Interrupted,
}

/// What an error advises. A hint is a way out that works when pasted.
pub trait Hint {
    /// One or two lines of advice, or nothing where the message says it all.
    fn hint(&self) -> Option<String>;
    /// Whose fault it is; decides the exit code.
    fn class(&self) -> ErrorClass;
}

/// Any failure of a routecal job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// routes.json could not be read or is not valid.
    #[error(transparent)]
    Routes(#[from] crate::routes::RoutesError),
    /// A dataset could not be read or is not valid.
    #[error(transparent)]
    Dataset(#[from] crate::dataset::DatasetError),
    /// The runtime library or the model files could not be had.
    #[error(transparent)]
    Assets(#[from] crate::assets::AssetError),
    /// Text could not be turned into vectors.
    #[error(transparent)]
    Encode(#[from] crate::encode::EncodeError),
    /// A router could not be built or loaded.
    #[error(transparent)]
    Router(#[from] crate::router::RouterError),
    /// A goal could not be met or does not fit the data.
    #[error(transparent)]
    Calibrate(#[from] crate::calibrate::CalibrateError),
    /// A check that cannot be made, or did not pass.
    #[error(transparent)]
    Check(#[from] crate::check::CheckError),
    /// A log that has shifted, or is too short to tell.
    #[error(transparent)]
    Monitor(#[from] crate::monitor::MonitorError),
    /// A file could not be written or read back.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// A report could not be made of a folder.
    #[cfg(feature = "cli")]
    #[error(transparent)]
    Folder(#[from] crate::report::FolderError),
    /// A figure could not be drawn.
    #[cfg(feature = "plot")]
    #[error(transparent)]
    Plot(#[from] crate::plot::PlotError),
    /// A published dataset could not be read.
    #[error(transparent)]
    Published(#[from] crate::dataset::PublishedError),
    /// The labels of a published dataset could not be mapped to routes.
    #[error(transparent)]
    LabelMap(#[from] crate::dataset::LabelMapError),
    /// A file of another tool could not be read or written.
    #[error(transparent)]
    Exchange(#[from] crate::exchange::ExchangeError),
    /// Recorded answers could not be read.
    #[error(transparent)]
    Import(#[from] crate::replay::import::ImportError),
    /// Answers could not be graded.
    #[error(transparent)]
    Grader(#[from] crate::replay::graders::GraderError),
    /// Policies could not be compared.
    #[error(transparent)]
    Analysis(#[from] crate::replay::analysis::AnalysisError),
    /// No thresholds could be chosen for cost and quality.
    #[error(transparent)]
    OperatingPoint(#[from] crate::replay::operating_point::OperatingPointError),
    /// The files of a run could not be read or written.
    #[error(transparent)]
    Ledger(#[from] crate::replay::ledger::LedgerError),
    /// The grades of a run could not be made or read.
    #[error(transparent)]
    Grades(#[from] crate::replay::grades::GradesError),
    /// Answers of models could not be collected, or not all of them.
    #[error(transparent)]
    Collect(#[from] crate::replay::collect::CollectError),
    /// A router or a dataset with something wrong in it.
    #[error(transparent)]
    Lint(#[from] crate::lint::LintError),
    /// A scored file or parts of its counts cannot be used.
    #[error(transparent)]
    Scored(#[from] crate::scored::ScoredError),
    /// The command line asks for something that cannot be.
    #[error("{message}")]
    Usage {
        /// What is wrong with it.
        message: String,
        /// What to type instead.
        hint: Option<String>,
    },
    /// The answer could not be printed.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
    /// Installed files that are missing or not what they should be.
    #[error("not verified: {}", files.join(", "))]
    Unverified {
        /// Asset and file of each, and what is wrong with it.
        files: Vec<String>,
    },
    /// Better examples were looked for, and what was found may be chance.
    #[error(
        "no change of the examples is proposed: none has a cross-validated gain that is above zero with its whole interval"
    )]
    NotProposed,
    /// Stopped by Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// A file the user named could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// A usage error with a hint.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    fn inner(&self) -> Option<&dyn Hint> {
        match self {
            Self::Routes(e) => Some(e),
            Self::Dataset(e) => Some(e),
            Self::Assets(e) => Some(e),
            Self::Encode(e) => Some(e),
            Self::Router(e) => Some(e),
            Self::Calibrate(e) => Some(e),
            Self::Check(e) => Some(e),
            Self::Monitor(e) => Some(e),
            Self::Store(e) => Some(e),
            #[cfg(feature = "cli")]
            Self::Folder(e) => Some(e),
            #[cfg(feature = "plot")]
            Self::Plot(e) => Some(e),
            Self::Published(e) => Some(e),
            Self::LabelMap(e) => Some(e),
            Self::Exchange(e) => Some(e),
            Self::Import(e) => Some(e),
            Self::Grader(e) => Some(e),
            Self::Analysis(e) => Some(e),
            Self::OperatingPoint(e) => Some(e),
            Self::Ledger(e) => Some(e),
            Self::Grades(e) => Some(e),
            Self::Collect(e) => Some(e),
            Self::Lint(e) => Some(e),
            Self::Scored(e) => Some(e),
            Self::Usage { .. }
            | Self::Output(_)
            | Self::Unverified { .. }
            | Self::NotProposed
            | Self::Interrupted
            | Self::Read { .. } => None,
        }
    }
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::Unverified { .. } => Some("install them again: routecal assets install".into()),
            Self::NotProposed => Some("label more prompts, or let a route gain more examples: --add K".into()),
            Self::Interrupted => Some("finished vectors are kept: run the same command again to go on".into()),
            _ => self.inner().and_then(Hint::hint),
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Usage { .. } | Self::Read { .. } => ErrorClass::Input,
            Self::Output(_) | Self::Unverified { .. } => ErrorClass::Environment,
            Self::NotProposed => ErrorClass::Inconclusive,
            Self::Interrupted => ErrorClass::Interrupted,
            _ => self.inner().map_or(ErrorClass::Environment, Hint::class),
        }
    }
}

/// An error with its causes, on one line. A cause that the message repeats (transparent wrappers do) is left out.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// The valid name nearest to what was typed, where one is near enough to be meant.
pub(crate) fn nearest<'a>(typed: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = typed.trim().to_lowercase();
    valid
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&folded, &name.to_lowercase()), name))
        .filter(|(similarity, _)| *similarity >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn nearest_finds_a_typo_and_refuses_a_stranger() {
        let routes = ["coding", "creative", "factual"];
        assert_eq!(nearest("codng", routes), Some("coding"));
        assert_eq!(nearest(" Coding", routes), Some("coding"));
        assert_eq!(nearest("weather", routes), None);
    }
}
