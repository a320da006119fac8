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
mod self_test;
mod session;
mod table;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ort::environment::Environment;
use tokenizers::Tokenizer;

use super::onnx::{self, OnnxSettings};
use super::runtime::environment;
use super::{BatchLimit, EncodeError, Encoder, EncoderIdentity, Precision};
use crate::assets::{Assets, BundledModel, Derived, FileSpec, ModelBytes, Progress};
use crate::error::with_causes;
use session::Int8Session;

const MODEL: BundledModel = BundledModel::MiniLm;
const PADDING: i64 = 0;

/// The file of tensors that is made of the weights.
const TENSORS: Derived = Derived {
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
/// batch; elsewhere a text is embedded alone.
const BATCH: BatchLimit = BatchLimit {
    rows: if cfg!(target_arch = "x86_64") { 32 } else { 1 },
    tokens: 4096,
};

/// What all sessions share, once loaded.
struct Loaded {
    environment: Environment,
    tensors: Arc<[u8]>,
    tokenizer: Tokenizer,
}

/// See the module.
pub(super) struct Int8Encoder {
    identity: EncoderIdentity,
    assets: Arc<Assets>,
    progress: Arc<dyn Progress + Send + Sync>,
    threads_a_session: usize,
    loaded: Mutex<Option<Arc<Loaded>>>,
    sessions: Vec<Mutex<Option<Int8Session>>>,
}

impl fmt::Debug for Int8Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Int8Encoder")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl Int8Encoder {
    pub(super) fn new(settings: OnnxSettings) -> Self {
        let identity = EncoderIdentity {
            precision: Precision::Int8.name().into(),
            weights_sha256: Some(TENSORS.file.sha256.into()),
            ..onnx::identity(MODEL, &settings.assets)
        };
        let (sessions, threads_a_session) = onnx::share(settings.threads);
        Self {
            identity,
            assets: settings.assets,
            progress: settings.progress,
            threads_a_session,
            loaded: Mutex::new(None),
            sessions: (0..sessions).map(|_| Mutex::new(None)).collect(),
        }
    }

    fn fail(&self, message: &dyn ToString) -> EncodeError {
        EncodeError::Load {
            name: self.identity.label(),
            message: message.to_string(),
        }
    }

    /// Loads what all sessions share, once.
    fn loaded(&self) -> Result<Arc<Loaded>, EncodeError> {
        let mut guard = lock(&self.loaded);
        if let Some(loaded) = guard.as_ref() {
            return Ok(Arc::clone(loaded));
        }
        let progress = self.progress.as_ref();
        let library = self.assets.runtime(progress)?;
        let tensors = self.assets.derived(&TENSORS, make, progress)?;
        let tokenizer = self.assets.load_tokenizer(MODEL, progress)?;
        let loaded = Arc::new(Loaded {
            environment: environment(&library)?,
            tensors: tensors.into(),
            tokenizer: self.tokenizer(&tokenizer)?,
        });
        *guard = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// The tokenizer, cut to the encoder's length, without padding.
    fn tokenizer(&self, json: &[u8]) -> Result<Tokenizer, EncodeError> {
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(|e| self.fail(&e))?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(self.identity.max_length.map(|max_length| tokenizers::TruncationParams {
                max_length,
                ..Default::default()
            }))
            .map_err(|e| self.fail(&e))?;
        Ok(tokenizer)
    }

    /// The session of one worker, made and tested on first use.
    fn session(&self, loaded: &Loaded, worker: usize) -> Result<MutexGuard<'_, Option<Int8Session>>, EncodeError> {
        let mut guard = lock(&self.sessions[worker]);
        if guard.is_none() {
            let tensors = Arc::clone(&loaded.tensors);
            let mut session = Int8Session::new(&loaded.environment, tensors, self.threads_a_session)
                .map_err(|e| self.fail(&with_causes(&e)))?;
            self_test::pass(&mut session, &self.identity.label())?;
            *guard = Some(session);
        }
        Ok(guard)
    }

    fn token_ids(&self, loaded: &Loaded, texts: &[&str]) -> Result<Vec<Vec<i64>>, EncodeError> {
        let encodings = loaded
            .tokenizer
            .encode_batch_fast(texts.to_vec(), true)
            .map_err(|e| self.fail(&e))?;
        let ids = |e: &tokenizers::Encoding| e.get_ids().iter().map(|id| i64::from(*id)).collect();
        Ok(encodings.iter().map(ids).collect())
    }
}

impl Encoder for Int8Encoder {
    fn identity(&self) -> &EncoderIdentity {
        &self.identity
    }

    fn workers(&self) -> usize {
        self.sessions.len()
    }

    fn batch_limit(&self) -> BatchLimit {
        BATCH
    }

    fn prepare(&self) -> Result<(), EncodeError> {
        self.loaded().map(drop)
    }

    fn token_counts(&self, texts: &[&str]) -> Result<Vec<usize>, EncodeError> {
        let loaded = self.loaded()?;
        Ok(self.token_ids(&loaded, texts)?.iter().map(Vec::len).collect())
    }

    fn embed_batch(&self, worker: usize, texts: &[&str]) -> Result<Vec<Vec<f32>>, EncodeError> {
        let loaded = self.loaded()?;
        let ids = self.token_ids(&loaded, texts)?;
        let mut guard = self.session(&loaded, worker)?;
        let Some(session) = guard.as_mut() else {
            return Err(self.fail(&"the session was not made"));
        };
        session.embed(&ids).map_err(|e| EncodeError::Run {
            name: self.identity.label(),
            message: with_causes(&e),
        })
    }
}

/// The file of tensors out of the published weights.
fn make(files: &ModelBytes) -> Result<Vec<u8>, String> {
    let table = table::shipped().map_err(|e| e.to_string())?;
    if table.weights_sha256 != files.weights_sha256 {
        return Err("its constants are of other weights".into());
    }
    quantise::tensors(&files.weights, &table)
}

/// A panic elsewhere leaves a loaded session or nothing: both can be used.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
