//! What made a document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::encode::EncoderIdentity;

/// What a document depends on; two runs with equal provenance give equal documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// Version of the program.
    pub tool_version: String,
    /// The encoder.
    pub encoder: EncoderIdentity,
    /// Hash of the routes (without thresholds).
    pub routes_sha256: String,
    /// The dataset.
    pub dataset: DatasetProvenance,
    /// Seed of whatever is random.
    pub seed: u64,
}

/// Which data a document was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DatasetProvenance {
    /// The file.
    pub source: String,
    /// Hash of prompts, labels and splits.
    pub sha256: String,
    /// Rows in the file.
    pub rows: u64,
    /// Whether the file names the splits; otherwise they come from a content hash.
    pub split_column: bool,
}

impl From<&Dataset> for DatasetProvenance {
    fn from(dataset: &Dataset) -> Self {
        Self {
            source: dataset.source.clone(),
            sha256: dataset.fingerprint(),
            rows: dataset.rows.len() as u64,
            split_column: dataset.split_column,
        }
    }
}
