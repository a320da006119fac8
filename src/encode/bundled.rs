//! What is known of the two bundled models beside their files.

use crate::assets::BundledModel;

/// Word pieces that sentence-transformers reads of a text with this model; the tokenizer files say other numbers.
pub(super) fn max_length(model: BundledModel) -> usize {
    match model {
        BundledModel::MiniLm => 256,
        BundledModel::Mpnet => 384,
    }
}

pub(super) fn dimension(model: BundledModel) -> usize {
    match model {
        BundledModel::MiniLm => 384,
        BundledModel::Mpnet => 768,
    }
}

/// The token that fills up the shorter texts of a batch.
pub(super) fn padding(model: BundledModel) -> u32 {
    match model {
        BundledModel::MiniLm => 0,
        BundledModel::Mpnet => 1,
    }
}

/// The graph without weights.
pub(super) fn graph(model: BundledModel) -> &'static [u8] {
    match model {
        BundledModel::MiniLm => include_bytes!("graphs/all-MiniLM-L6-v2.onnx"),
        BundledModel::Mpnet => include_bytes!("graphs/all-mpnet-base-v2.onnx"),
    }
}
