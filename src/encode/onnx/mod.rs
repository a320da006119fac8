//! Local encoders on ONNX Runtime: the bundled ones directly, folders and fastembed's catalogue through fastembed.
//!
//! The two bundled encoders need no ONNX file with weights: a small graph compiled into the program names the tensors of the
//! official `model.safetensors` (`graphs/build_graphs.py` makes it). Nothing is loaded before the first text has to be
//! embedded, so a run with a warm cache needs neither model nor library.

mod catalogue;
mod load;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastembed::EmbeddingModel;
use tokenizers::Encoding;

use super::bundled::{dimension, max_length};
use super::local::LocalModel;
use super::{BatchLimit, EncodeError, Encoder, EncoderIdentity, Precision, int8};
use crate::assets::{Assets, BundledModel, Progress};
use crate::error::with_causes;
use catalogue::Catalogue;
use load::{Loaded, Loader, Session, Source};

/// Sessions beyond this many add memory (each holds the weights) but little speed; further cores go to the threads of
/// each session.
const MOST_SESSIONS: usize = 4;
/// Sorted by length, batches of this size keep a core's vector units busy, and what texts take between two layers stays in its cache:
/// of 175 tokens each, batches of up to 768 tokens take 8 % longer. Fewer than 384 are no faster.
const BATCH: BatchLimit = BatchLimit { rows: 32, tokens: 384 };

/// See the module.
pub struct OnnxEncoder {
    identity: EncoderIdentity,
    source: Source,
    assets: Arc<Assets>,
    progress: Arc<dyn Progress + Send + Sync>,
    threads_a_session: usize,
    batch: BatchLimit,
    loaded: Mutex<Option<Arc<Loaded>>>,
    sessions: Vec<Mutex<Option<Session>>>,
}

impl fmt::Debug for OnnxEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxEncoder")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Threads and helpers that every local encoder needs.
#[derive(Clone)]
pub struct OnnxSettings {
    /// Finds and installs the runtime library and the bundled models.
    pub assets: Arc<Assets>,
    /// Hears downloads.
    pub progress: Arc<dyn Progress + Send + Sync>,
    /// Threads to use in all.
    pub threads: usize,
}

impl OnnxEncoder {
    /// One of the two models whose files are known by checksum, with its weights as published.
    pub fn bundled(model: BundledModel, settings: OnnxSettings) -> Self {
        let identity = identity(model, &settings.assets);
        Self::new(identity, Source::Bundled(model), BATCH, settings)
    }

    /// all-MiniLM-L6-v2 with 8-bit weights.
    pub(super) fn int8(settings: OnnxSettings) -> Self {
        let identity = int8::identity(identity(int8::MODEL, &settings.assets));
        Self::new(identity, Source::Int8, int8::BATCH, settings)
    }

    /// A folder with an ONNX model and its tokenizer.
    ///
    /// # Errors
    /// [`EncodeError::Folder`] where a file is missing or unreadable.
    pub fn local(folder: &Path, settings: OnnxSettings) -> Result<Self, EncodeError> {
        let (model, identity) = LocalModel::open(folder)?;
        Ok(Self::new(identity, Source::Local(model), BATCH, settings))
    }

    /// A model of fastembed's catalogue, fetched from the model hub into `cache` if it is not there yet.
    ///
    /// # Errors
    /// [`EncodeError::Load`] where the files cannot be had or do not load.
    pub fn catalogue(model: EmbeddingModel, cache: PathBuf, settings: OnnxSettings) -> Result<Self, EncodeError> {
        let catalogue = Catalogue { model, cache };
        let identity = catalogue.identity()?;
        let rows = if catalogue.is_dynamic() { 1 } else { BATCH.rows };
        let batch = BatchLimit { rows, ..BATCH };
        let mut encoder = Self::new(identity, Source::Catalogue(catalogue), batch, settings);
        // The files must be there before the identity can name their checksum.
        encoder.prepare()?;
        if let Source::Catalogue(catalogue) = &encoder.source {
            catalogue.complete(&mut encoder.identity)?;
        }
        Ok(encoder)
    }

    fn new(identity: EncoderIdentity, source: Source, batch: BatchLimit, settings: OnnxSettings) -> Self {
        let (sessions, threads_a_session) = share(settings.threads);
        Self {
            identity,
            source,
            assets: settings.assets,
            progress: settings.progress,
            threads_a_session,
            batch,
            loaded: Mutex::new(None),
            sessions: (0..sessions).map(|_| Mutex::new(None)).collect(),
        }
    }

    fn loader(&self) -> Loader<'_> {
        Loader {
            identity: &self.identity,
            source: &self.source,
            assets: &self.assets,
            progress: self.progress.as_ref(),
            threads: self.threads_a_session,
        }
    }

    /// Loads what all sessions share, once, and makes the first session.
    fn loaded(&self) -> Result<Arc<Loaded>, EncodeError> {
        let mut guard = lock(&self.loaded);
        if let Some(loaded) = guard.as_ref() {
            return Ok(Arc::clone(loaded));
        }
        let (loaded, first) = self.loader().load()?;
        *lock(&self.sessions[0]) = Some(first);
        let loaded = Arc::new(loaded);
        *guard = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    fn failed(&self, message: &dyn ToString) -> EncodeError {
        EncodeError::Run {
            name: self.identity.label(),
            message: message.to_string(),
        }
    }

    /// The tokens of a few texts, one after the other: the workers keep the cores busy already.
    fn encode(&self, loaded: &Loaded, texts: &[&str]) -> Result<Vec<Encoding>, EncodeError> {
        texts
            .iter()
            .map(|text| loaded.tokenizer.encode_fast(*text, true).map_err(|e| self.failed(&e)))
            .collect()
    }
}

impl Encoder for OnnxEncoder {
    fn identity(&self) -> &EncoderIdentity {
        &self.identity
    }

    fn workers(&self) -> usize {
        self.sessions.len()
    }

    fn batch_limit(&self) -> BatchLimit {
        self.batch
    }

    fn prepare(&self) -> Result<(), EncodeError> {
        self.loaded().map(drop)
    }

    fn token_counts(&self, texts: &[&str]) -> Result<Vec<usize>, EncodeError> {
        let loaded = self.loaded()?;
        let encodings = loaded
            .tokenizer
            .encode_batch_fast(texts.to_vec(), true)
            .map_err(|e| self.failed(&e))?;
        Ok(encodings.iter().map(Encoding::len).collect())
    }

    fn embed_batch(&self, worker: usize, texts: &[&str]) -> Result<Vec<Vec<f32>>, EncodeError> {
        let loaded = self.loaded()?;
        let mut guard = lock(&self.sessions[worker]);
        let session = match &mut *guard {
            Some(session) => session,
            none => none.insert(self.loader().session(&loaded)?),
        };
        let vectors = match session {
            Session::Direct(session) => session.embed(&token_ids(&self.encode(&loaded, texts)?)),
            Session::Int8(session) => session.embed(&token_ids(&self.encode(&loaded, texts)?)),
            Session::Fastembed(session) => {
                return session
                    .embed(texts, Some(texts.len()))
                    .map_err(|e| self.failed(&with_causes(&e)));
            }
        };
        vectors.map_err(|e| self.failed(&with_causes(&e)))
    }
}

fn token_ids(texts: &[Encoding]) -> Vec<&[u32]> {
    texts.iter().map(Encoding::get_ids).collect()
}

/// The identity of a bundled model with its weights as published.
fn identity(model: BundledModel, assets: &Assets) -> EncoderIdentity {
    let [weights, tokenizer] = [0, 1].map(|i| assets.spec(model).files[i].sha256);
    EncoderIdentity {
        model: model.name().into(),
        precision: Precision::Fp32.name().into(),
        weights_sha256: Some(weights.into()),
        tokenizer_sha256: Some(tokenizer.into()),
        max_length: Some(max_length(model)),
        pooling: "mean".into(),
        dimension: Some(dimension(model)),
        endpoint: None,
    }
}

/// How many sessions to open for so many threads, and how many threads each gets.
fn share(threads: usize) -> (usize, usize) {
    let threads = threads.max(1);
    let sessions = threads.min(MOST_SESSIONS);
    (sessions, threads / sessions)
}

fn load_error(name: &str, message: &dyn ToString) -> EncodeError {
    EncodeError::Load {
        name: name.to_owned(),
        message: message.to_string(),
    }
}

/// A panic elsewhere leaves a loaded session or nothing: both can be used.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
