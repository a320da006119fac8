//! Prompts that were scored elsewhere, in any number: counted in one pass, so that what is kept of them does not grow with them.
//!
//! What is kept are [`Counts`]: whole numbers in bins that are fixed beforehand, and nothing else. Two sets of counts add up to the
//! counts of both files, exactly, in any order; so a file may be counted in parts ([`Partial`]), and the sum of the parts is, bit
//! for bit, what one run over the file gives.
//!
//! Thresholds are judged on a grid of 1001 × 1001 points ([`THRESHOLDS`], [`GAPS`]). A row lies in the bin of the greatest grid value
//! that is at most its own, so "score at least the grid value" is a question of bins, and every count at a grid point is the
//! count of the rows. What is not exact are figures of the order of the rows (AUROC, AURC and their like): two rows in one bin of
//! 0.000001 count as equal. The documents say how much that can be.

mod axis;
mod calibration;
mod codec;
mod counts;
mod error;
mod evaluation;
mod line;
mod partial;
mod surface;
#[cfg(test)]
mod tests;

pub use axis::{Axis, FINE_GAPS, FINE_SCORES, GAPS, THRESHOLDS};
pub(crate) use calibration::ACCURACY_SLACK;
pub use calibration::{CalibrateRequest, Calibrated, calibrate};
pub use counts::{Counts, Keep};
pub use error::ScoredError;
pub use evaluation::{EvalRequest, evaluate};
pub(crate) use partial::Setting;
pub use partial::{Header, Partial, Request, SplitCounts, join};
pub use surface::{GridChoice, GridTable};

use crate::encode::EncoderIdentity;
use crate::report::{DatasetProvenance, Provenance};

/// What a document of counts says of its making. Which encoder gave the scores is not in the file.
fn provenance(whole: &Partial) -> Provenance {
    let (header, source) = (&whole.header, &whole.header.source);
    let unknown = || "unknown".to_owned();
    Provenance {
        tool_version: header.tool_version.clone(),
        encoder: EncoderIdentity {
            model: unknown(),
            precision: unknown(),
            weights_sha256: None,
            tokenizer_sha256: None,
            max_length: None,
            pooling: unknown(),
            dimension: None,
            endpoint: None,
        },
        routes_sha256: header.routes_sha256.clone(),
        dataset: DatasetProvenance {
            source: source.source.clone(),
            sha256: source.sha256.clone(),
            rows: source.rows,
            split_column: source.split_column,
        },
        seed: header.seed,
    }
}
