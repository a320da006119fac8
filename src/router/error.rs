//! What can be wrong with a router.

use crate::error::{ErrorClass, Hint};

/// Why a router cannot be built or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouterError {
    /// A route's examples point in opposite directions.
    #[error("the examples of route {route} cancel out: their mean has no direction")]
    NoDirection {
        /// Index of the route.
        route: usize,
    },
    /// Prompts and centroids of different encoders.
    #[error("the centroids have {centroid} dimensions, the prompts {prompt}")]
    Dimension {
        /// Length of a centroid.
        centroid: usize,
        /// Length of a prompt's vector.
        prompt: usize,
    },
    /// A router file that is none, or is damaged.
    #[error("{file}: not a usable router: {message}")]
    Artefact {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// A router file of another schema version.
    #[error("{file}: made for schema version {found}, this program reads version {expected}")]
    Version {
        /// The file.
        file: String,
        /// Version in the file.
        found: u64,
        /// Version this program reads.
        expected: u64,
    },
    /// A router of another encoder.
    #[error("{file}: the router was built with another encoder ({difference})")]
    OtherEncoder {
        /// The file.
        file: String,
        /// The field that differs: in the router, in this run.
        difference: String,
    },
    /// A router of other routes.
    #[error("{file}: the router was built from other routes than {routes} ({built} against {current})")]
    OtherRoutes {
        /// The router file.
        file: String,
        /// The routes file.
        routes: String,
        /// Start of the hash of the routes it was built from.
        built: String,
        /// Start of the hash of the routes now.
        current: String,
    },
}

impl Hint for RouterError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoDirection { .. } => Some("give the route examples of one kind".into()),
            Self::Dimension { .. } | Self::Artefact { .. } | Self::Version { .. } | Self::OtherRoutes { .. } => {
                Some("build it again: routecal centroids --out DIR writes DIR/router.json".into())
            }
            Self::OtherEncoder { .. } => Some(
                "leave --encoder out to use the router's own, or build it again: routecal centroids --encoder NAME"
                    .into(),
            ),
        }
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Input
    }
}
