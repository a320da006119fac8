//! Text to vectors.
//!
//! An [`Encoder`] turns a batch of texts into unit vectors; [`embed`] drives it: duplicates once, cached ones not at all,
//! the rest sorted by length into batches that keep every core busy, the output in input order. A vector depends on its
//! text alone, so it may be kept under the encoder's [`EncoderIdentity`] and the text's hash ([`VectorCache`]).

mod bundled;
mod cache;
mod direct;
mod distinct;
mod drive;
mod error;
mod hashing;
mod identity;
mod int8;
mod local;
mod onnx;
mod open;
mod padded;
mod precision;
mod remote;
mod runtime;
mod vectors;
mod weights;

pub use cache::{CacheNote, VectorCache};
pub use distinct::Distinct;
pub use drive::{EmbedProgress, Embedded, Quiet, embed, embed_each};
pub use error::EncodeError;
pub use hashing::HashingEncoder;
pub use identity::EncoderIdentity;
pub use int8::Processor;
pub(crate) use int8::TENSORS as INT8_TENSORS;
pub use onnx::{OnnxEncoder, OnnxSettings};
pub use open::{EncoderOptions, open};
pub use precision::{Precision, bundled_model, in_precision};
pub use remote::{OPENAI_BASE_URL, RemoteEncoder, RemoteOptions};
pub use vectors::Vectors;
pub(crate) use vectors::{cosine, dot};

/// How large a batch an encoder likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimit {
    /// Most texts in a batch.
    pub rows: usize,
    /// Most tokens in a batch, padding included.
    pub tokens: usize,
}

/// Turns texts into vectors.
///
/// # Contract
/// The vector of a text is the same alone and in any batch (to 1e-6), on any worker. An implementation that cannot
/// promise that must embed one text a batch.
pub trait Encoder: Send + Sync {
    /// What the vectors depend on besides the text.
    fn identity(&self) -> &EncoderIdentity;

    /// How many batches may be in flight at once; `worker` in [`Encoder::embed_batch`] is below it.
    fn workers(&self) -> usize;

    /// The batch size that is fastest.
    fn batch_limit(&self) -> BatchLimit;

    /// Loads, and if need be installs, what embedding takes: called once before the first batch, so that a download's
    /// progress does not get in the way of that of the embedding.
    ///
    /// # Errors
    /// [`EncodeError`] where the encoder cannot be loaded.
    fn prepare(&self) -> Result<(), EncodeError> {
        Ok(())
    }

    /// Length of each text in tokens, as far as the encoder reads it.
    ///
    /// # Errors
    /// [`EncodeError`] where the encoder cannot be loaded.
    fn token_counts(&self, texts: &[&str]) -> Result<Vec<usize>, EncodeError>;

    /// One vector a text, all of one dimension, of length 1.
    ///
    /// # Errors
    /// [`EncodeError`] where the encoder cannot be loaded or fails.
    fn embed_batch(&self, worker: usize, texts: &[&str]) -> Result<Vec<Vec<f32>>, EncodeError>;
}
