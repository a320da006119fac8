//! What a document of counts says of itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The figures come from counts of a scored file, in bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoredReport {
    /// Width of a bin: rows in one bin count as equal where their order matters. Counts under the thresholds are those of the rows.
    pub resolution: f64,
    /// How far the AUROC of the rows may be from the one that is given, on either side; null for `calibrate`.
    pub auroc_within: Option<f64>,
    /// The same for the AUROC by gap.
    pub auroc_by_gap_within: Option<f64>,
    /// The points that were judged; null for `eval`.
    pub grid: Option<GridReport>,
    /// What cannot be known from counts, and is empty or unknown in this document.
    pub left_out: Vec<String>,
}

/// A grid over thresholds from -1 to 1 and gaps from 0 to 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GridReport {
    /// Thresholds.
    pub thresholds: u64,
    /// Gaps.
    pub gaps: u64,
}

/// What counting a part of a file leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "routecal partial counts")]
pub struct PartialReport {
    /// Always `partial`.
    pub kind: String,
    /// Schema version.
    pub schema_version: u64,
    /// Version of the program.
    pub tool_version: String,
    /// Which part, from 1.
    pub part: u64,
    /// Of how many.
    pub of: u64,
    /// Rows that were counted, by split.
    pub rows: std::collections::BTreeMap<String, u64>,
    /// The file that was written, below the folder of results.
    pub file: String,
    /// Its sha256.
    pub sha256: String,
}
