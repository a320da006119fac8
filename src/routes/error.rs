//! What can be wrong with routes.json.

use std::fmt;
use std::path::PathBuf;

use crate::error::{ErrorClass, Hint};

/// Why routes.json is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoutesError {
    /// The file cannot be read, or is not UTF-8.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The text is not JSON.
    #[error("{}:{line}:{column}: not valid JSON: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// 1-based column.
        column: usize,
        /// What the parser expected.
        message: String,
    },
    /// The JSON is not of the shape of a routes file, or a value is not allowed.
    #[error("{}:{line}: {at}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// Path of the value, such as `routes.coding.examples[2]`.
        at: String,
        /// What is wrong with it.
        message: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// The thresholds could not be put into the text.
    #[error("cannot put the thresholds into {}: {message}", path.display())]
    Edit {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
}

impl Hint for RoutesError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some("name the file with --routes FILE; `routecal schema routes` prints its shape".into())
            }
            Self::Read { path, source } if source.kind() == std::io::ErrorKind::InvalidData => Some(format!(
                "convert it, for example: iconv -f WINDOWS-1252 -t UTF-8 {} > new.json",
                path.display()
            )),
            Self::Invalid { hint, .. } => hint.clone(),
            Self::Syntax { .. } => Some("`routecal schema routes` prints the shape".into()),
            Self::Read { .. } | Self::Edit { .. } => None,
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Read { source, .. }
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

/// What is allowed in routes.json but worth a word.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoutesWarning {
    /// Fewer than [`super::FEW_EXAMPLES`] examples.
    FewExamples {
        /// Where, as `file:line`.
        place: String,
        /// Route name.
        route: String,
        /// How many it has.
        count: usize,
    },
    /// The same example in two routes.
    SharedExample {
        /// Where the second one stands.
        place: String,
        /// The two routes.
        routes: (String, String),
        /// The example.
        example: String,
    },
    /// The same example twice in one route.
    RepeatedExample {
        /// Where the second one stands.
        place: String,
        /// Route name.
        route: String,
        /// The example.
        example: String,
    },
    /// A single route: no runner-up, so the gap decides nothing.
    OneRoute {
        /// Its name.
        route: String,
    },
    /// Out-of-domain examples that the scoring rule does not look at.
    UnusedOutOfDomain {
        /// Where they stand.
        place: String,
        /// The rule.
        scoring: String,
    },
}

impl fmt::Display for RoutesWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewExamples { place, route, count } => write!(
                f,
                "{place}: route \"{route}\" has {count} example{}; its centroid is a guess below {}",
                if *count == 1 { "" } else { "s" },
                super::FEW_EXAMPLES
            ),
            Self::SharedExample {
                place,
                routes: (a, b),
                example,
            } => write!(
                f,
                "{place}: routes \"{a}\" and \"{b}\" share the example {example:?}; it pulls both centroids together"
            ),
            Self::RepeatedExample { place, route, example } => write!(
                f,
                "{place}: route \"{route}\" has the example {example:?} twice; it counts twice in the centroid"
            ),
            Self::OneRoute { route } => write!(
                f,
                "\"{route}\" is the only route: there is no runner-up, every gap is infinite and only the threshold decides"
            ),
            Self::UnusedOutOfDomain { place, scoring } => write!(
                f,
                "{place}: the out-of-domain examples are not used: the scoring rule is {scoring}, and only logistic+ood learns from them"
            ),
        }
    }
}
