//! What can be wrong with parts of a count.

use crate::dataset::DatasetError;
use crate::error::{ErrorClass, Hint};

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScoredError {
    /// The scored file.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A partial file that cannot be read.
    #[error("cannot read {file}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file that is no partial, or no longer what was written.
    #[error("{file}: {what}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// Partials that do not belong together.
    #[error("{first} and {second} do not belong together: they differ in {field}: {values}")]
    Different {
        /// One of them.
        first: String,
        /// The other.
        second: String,
        /// In what.
        field: String,
        /// What stands in each.
        values: String,
    },
    /// A part that is there twice.
    #[error("{first} and {second} are both part {index} of {of}: its rows would count twice")]
    Twice {
        /// One of them.
        first: String,
        /// The other.
        second: String,
        /// The part.
        index: u64,
        /// Of how many.
        of: u64,
    },
    /// Parts that are not there.
    #[error("{} of {of} {} missing", listed(missing), if missing.len() == 1 { "is" } else { "are" })]
    Missing {
        /// Which.
        missing: Vec<u64>,
        /// Of how many.
        of: u64,
    },
    /// The routes file is not the one that the rows were counted with.
    #[error("{routes} is not what {file} was counted with: {what} differ")]
    OtherRoutes {
        /// The partial file.
        file: String,
        /// The routes file.
        routes: String,
        /// What differs.
        what: &'static str,
    },
}

fn listed(parts: &[u64]) -> String {
    const SHOWN: usize = 10;
    let mut text: Vec<String> = parts.iter().take(SHOWN).map(u64::to_string).collect();
    if parts.len() > SHOWN {
        text.push(format!("{} more", parts.len() - SHOWN));
    }
    format!("part {}", text.join(", "))
}

impl Hint for ScoredError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Dataset(error) => error.hint(),
            Self::Read { .. } => Some("give the files that --shard wrote: routecal merge DIR/partial-*".into()),
            Self::Damaged { .. } => Some("count the part again with --shard".into()),
            Self::Different { .. } => {
                Some("count the parts with the same program, file, routes and flags, and merge those".into())
            }
            Self::Twice { .. } => Some("give each part once".into()),
            Self::Missing { missing, of } => missing.first().map(|first| {
                format!("run the command that made the others with --shard {first}/{of}, and merge all of them")
            }),
            Self::OtherRoutes { .. } => Some(
                "name the routes file that the parts were counted with by --routes FILE, or count them again".into(),
            ),
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Dataset(error) => error.class(),
            Self::Read { source, .. } if source.kind() != std::io::ErrorKind::NotFound => ErrorClass::Environment,
            _ => ErrorClass::Input,
        }
    }
}
