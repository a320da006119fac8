//! all-MiniLM-L6-v2 with 8-bit weights: an encoder of its own identity, two to three times as fast as fp32.
//!
//! The inputs of the large products become uint8 in ranges that are fixed once (`graphs/calibrate_int8.py`), not measured on
//! each batch, so that a vector depends on its text alone. The int8 weights are made here from the published file on
//! first use (`quantise`), kept in the cache, and held against a pinned checksum whenever they are read; nothing more is
//! downloaded. A small graph compiled into the program names each tensor by its place in that file
//! (`graphs/build_int8.py`).
//!
//! Rounding to whole numbers multiplies the last-digit differences of floating-point sums: on one machine a text has one
//! vector, but another kind of processor may round one number the other way, and then a few texts in ten get vectors that
//! are as far apart as either is from fp32 (cosine distance up to 1e-3). Wrong products would be further away: the
//! first session is held against known vectors before it is used (`self_test`).

mod quantise;
pub(super) mod self_test;
mod session;
mod table;

use std::sync::Arc;

use super::{BatchLimit, EncoderIdentity, Precision};
use crate::assets::{AssetError, Assets, BundledModel, Derived, FileSpec, ModelBytes, Progress};
pub(super) use session::Int8Session;

/// The model of the weights.
pub(super) const MODEL: BundledModel = BundledModel::MiniLm;

/// The file of tensors that is made of the weights.
pub(crate) const TENSORS: Derived = Derived {
    model: MODEL,
    asset: "all-MiniLM-L6-v2-int8",
    file: FileSpec {
        name: "tensors.bin",
        sha256: "33a218e77c30d90968d00fedf103a50c2e4519fe4566217391d8c08f072d39fb",
        size: 23_154_048,
        member: "",
    },
};

/// What the processor can do, as far as encoders depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processor {
    /// Whether the products of 8-bit numbers are exact on it.
    pub int8: bool,
}

impl Processor {
    /// The one that this runs on. Of x86-64 processors those with AVX2 (2013 and later) are known to compute the products
    /// exactly. Other kinds are untried and left to the test that every encoder makes of itself when it is loaded.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        let int8 = std::arch::is_x86_feature_detected!("avx2");
        #[cfg(not(target_arch = "x86_64"))]
        let int8 = true;
        Self { int8 }
    }
}

/// How many texts go together. Only on x86-64 was it seen that the numbers of one text do not depend on the others in its
/// batch; elsewhere a text is embedded alone. So many tokens stay in a core's cache: of 175 each, batches of up to 768 take 13 % longer,
/// of up to 4,096 three quarters longer.
pub(super) const BATCH: BatchLimit = BatchLimit {
    rows: if cfg!(target_arch = "x86_64") { 32 } else { 1 },
    tokens: 384,
};

/// The identity of `fp32`, the encoder of the published weights, with these instead.
pub(super) fn identity(fp32: EncoderIdentity) -> EncoderIdentity {
    EncoderIdentity {
        precision: Precision::Int8.name().into(),
        weights_sha256: Some(TENSORS.file.sha256.into()),
        ..fp32
    }
}

/// The file of tensors, from the cache or made of the weights.
///
/// # Errors
/// Those of [`Assets::derived`].
pub(super) fn tensors(assets: &Assets, progress: &dyn Progress) -> Result<Arc<[u8]>, AssetError> {
    Ok(assets.derived(&TENSORS, make, progress)?.into())
}

/// The file of tensors out of the published weights.
fn make(files: &ModelBytes) -> Result<Vec<u8>, String> {
    let table = table::shipped().map_err(|e| e.to_string())?;
    if table.weights_sha256 != files.weights_sha256 {
        return Err("its constants are of other weights".into());
    }
    quantise::tensors(&files.weights, &table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_of_the_pinned_weights() {
        let assets = crate::assets::Manifest::current();
        let pinned = assets.model(MODEL).files[0].sha256;
        assert_eq!(table::shipped().unwrap().weights_sha256, pinned);
    }
}
