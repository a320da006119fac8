//! What can go wrong between text and vector.

use std::path::PathBuf;

use crate::error::{ErrorClass, Hint};

/// Why text could not be embedded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// No encoder of this name.
    #[error("no encoder is called \"{name}\"")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// No such precision of that encoder.
    #[error("{}", no_precision(name, precision, there_are))]
    Precision {
        /// The encoder.
        name: String,
        /// What was asked for.
        precision: String,
        /// What it has; nothing where there is no choice.
        there_are: Vec<&'static str>,
    },
    /// Known texts do not get their vectors.
    #[error("{name} is not computed right on this machine: a known text's vector is {distance:.1e} away, by cosine")]
    SelfTest {
        /// Encoder name.
        name: String,
        /// The largest cosine distance.
        distance: f64,
    },
    /// The runtime library or the model files could not be had.
    #[error(transparent)]
    Assets(#[from] crate::assets::AssetError),
    /// The ONNX Runtime library does not load.
    #[error("cannot load the ONNX Runtime library {}: {message}", path.display())]
    Runtime {
        /// The library.
        path: PathBuf,
        /// What the loader says.
        message: String,
    },
    /// The model does not load.
    #[error("cannot load the encoder {name}: {message}")]
    Load {
        /// Encoder name.
        name: String,
        /// What the runtime says.
        message: String,
    },
    /// The files of a catalogue model cannot be had.
    #[error("cannot fetch the encoder {name} from the model hub: {message}")]
    Hub {
        /// Repository of the model.
        name: String,
        /// Why.
        message: String,
    },
    /// A folder lacks a file of a model.
    #[error("{}: {message}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Inference failed.
    #[error("the encoder {name} failed: {message}")]
    Run {
        /// Encoder name.
        name: String,
        /// What the runtime says.
        message: String,
    },
    /// The embeddings endpoint failed, after the retries.
    #[error("{endpoint}: {message}")]
    Remote {
        /// Scheme, host and path, without anything secret.
        endpoint: String,
        /// Status and what the server says, shortened.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The settings of a remote encoder cannot be.
    #[error("{message}")]
    Settings {
        /// What is wrong.
        message: String,
        /// What to set.
        hint: String,
    },
    /// A vector that cannot be used.
    #[error("the vector of text {index} cannot be used: {message}")]
    BadVector {
        /// 0-based index of the text.
        index: usize,
        /// What is wrong.
        message: String,
    },
    /// Stopped by the user between two batches.
    #[error("interrupted after {done} of {total} prompts")]
    Interrupted {
        /// Embedded so far.
        done: usize,
        /// To embed in all.
        total: usize,
    },
}

impl Hint for EncodeError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { nearest, .. } => Some(nearest.as_ref().map_or_else(
                || {
                    "use --encoder all-MiniLM-L6-v2, all-mpnet-base-v2, a model of fastembed's catalogue, \
                     a folder with model.onnx and tokenizer.json, or openai:MODEL"
                        .to_owned()
                },
                |name| format!("try --encoder {name}"),
            )),
            Self::Precision { there_are, .. } if there_are.is_empty() => {
                Some("leave --precision out: only all-MiniLM-L6-v2 and all-mpnet-base-v2 are kept in a precision here".into())
            }
            Self::Precision { name, .. } if name == "all-MiniLM-L6-v2" => Some(format!("try --encoder {name}@int8")),
            Self::Precision { .. } => Some("try --encoder all-MiniLM-L6-v2@int8, or leave --precision out".into()),
            Self::SelfTest { .. } => Some(
                "use --precision fp32; if you named a library with --onnxruntime, the installed one may do".into(),
            ),
            Self::Assets(e) => e.hint(),
            Self::Runtime { .. } => Some(
                "name a library of ONNX Runtime 1.24 or later with --onnxruntime FILE, or leave the flag out to install one"
                    .into(),
            ),
            Self::Folder { .. } => Some(
                "a local encoder is a folder with model.onnx (or onnx/model.onnx), the weights that it names, and tokenizer.json"
                    .into(),
            ),
            Self::Hub { .. } => Some(
                "set HF_ENDPOINT to a mirror, or name a folder that holds the model's files: --encoder FOLDER".into(),
            ),
            Self::Remote { hint, .. } => hint.clone(),
            Self::Settings { hint, .. } => Some(hint.clone()),
            Self::Interrupted { .. } => {
                Some("finished vectors are kept: run the same command again to go on".into())
            }
            Self::Load { .. } | Self::Run { .. } | Self::BadVector { .. } => None,
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Unknown { .. } | Self::Precision { .. } | Self::Folder { .. } | Self::Settings { .. } => {
                ErrorClass::Input
            }
            Self::Interrupted { .. } => ErrorClass::Interrupted,
            Self::Assets(e) => e.class(),
            _ => ErrorClass::Environment,
        }
    }
}

fn no_precision(name: &str, precision: &str, there_are: &[&str]) -> String {
    match there_are {
        [] => format!("there is no choice of precision for the encoder \"{name}\""),
        [only] => format!("there is no \"{precision}\" of {name}, which is kept in {only} alone"),
        [others @ .., last] => format!(
            "there is no \"{precision}\" of {name}, which is kept in {} and {last}",
            others.join(", ")
        ),
    }
}
