//! What can be wrong with a router.

use std::io::ErrorKind;
use std::path::Path;

use crate::encode::EncoderIdentity;
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
    /// The scoring rule cannot be used.
    #[error("{message}")]
    Scoring {
        /// Why.
        message: String,
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
    /// A router file that cannot be read.
    #[error("cannot read {file}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A router of another encoder.
    #[error("{file}: the router was built with another encoder ({difference})")]
    OtherEncoder {
        /// The file.
        file: String,
        /// The field that differs: in the router, in this run.
        difference: String,
        /// How to get the encoder that it was built with.
        hint: String,
    },
    /// A router whose encoder, a folder, is not where it was.
    #[error("{file}: the router was built with the encoder \"{name}\", which is not here")]
    NoEncoder {
        /// The file.
        file: String,
        /// What `--encoder` was then.
        name: String,
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

impl RouterError {
    /// [`RouterError::OtherEncoder`] where the encoder that was opened is not the one that `file` was built with.
    ///
    /// `built` is the router's encoder and what `--encoder` opens it by, `typed` is the flag of this run.
    pub(crate) fn of_other_encoder(
        file: &str,
        built: (&EncoderIdentity, &str),
        opened: &EncoderIdentity,
        typed: Option<&str>,
    ) -> Option<Self> {
        let (identity, name) = built;
        let difference = identity.difference(opened)?;
        let hint = match (&identity.endpoint, typed) {
            // A router file may come from anybody: it does not decide where prompts and the key are sent, the user does.
            (Some(url), _) if identity.model == opened.model && identity.endpoint != opened.endpoint => {
                format!("if that is where prompts may be sent, add: --openai-base-url {url}")
            }
            (None, _) if identity.model == opened.model && opened.endpoint.is_some() => {
                "leave --openai-base-url and OPENAI_BASE_URL out: it was built with the provider's own address".into()
            }
            (_, Some(typed)) if typed != name => {
                let flags = if [typed, name].iter().any(|n| n.contains('@')) {
                    "--encoder and --precision"
                } else {
                    "--encoder"
                };
                format!(
                    "leave {flags} out to use the router's own, {name}, or build it again: routecal centroids --encoder {typed}"
                )
            }
            _ => format!("{name} has changed since; build the router again: routecal centroids --encoder {name}"),
        };
        Some(Self::OtherEncoder {
            file: file.to_owned(),
            difference,
            hint,
        })
    }
}

impl Hint for RouterError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoDirection { .. } => Some("give the route examples of one kind".into()),
            Self::Scoring { .. } => Some("use another rule: \"scoring\": \"centroid\" in the routes file".into()),
            Self::Dimension { .. } | Self::Artefact { .. } | Self::Version { .. } | Self::OtherRoutes { .. } => {
                Some("build it again: routecal centroids --out DIR writes DIR/router.json".into())
            }
            Self::Read { source, .. } if source.kind() == ErrorKind::NotFound => {
                Some("routecal centroids --out DIR writes DIR/router.json".into())
            }
            Self::Read { .. } => None,
            Self::OtherEncoder { hint, .. } => Some(hint.clone()),
            Self::NoEncoder { name, .. } => {
                let folder = Path::new(name).file_name().unwrap_or(name.as_ref()).display();
                Some(format!("say where that folder is now: --encoder /path/to/{folder}"))
            }
        }
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Input
    }
}
