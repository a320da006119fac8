//! Local encoders on ONNX Runtime: the bundled ones directly, folders and fastembed's catalogue through fastembed.
//!
//! The two bundled encoders need no ONNX file with weights: a small graph compiled into the program names the tensors of the
//! official `model.safetensors` (`graphs/build_graphs.py` makes it). Nothing is loaded before the first text has to be
//! embedded, so a run with a warm cache needs neither model nor library.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastembed::{
    EmbeddingModel, InitOptionsUserDefined, Pooling, QuantizationMode, TextEmbedding, TextInitOptions,
    UserDefinedEmbeddingModel,
};
use ort::environment::Environment;
use tokenizers::{Encoding, Tokenizer};

use super::bundled::{dimension, graph, max_length, padding};
use super::direct::{Direct, DirectSession};
use super::local::LocalModel;
use super::runtime::environment;
use super::weights;
use super::{BatchLimit, EncodeError, Encoder, EncoderIdentity, Precision};
use crate::assets::{Assets, BundledModel, Progress};
use crate::error::with_causes;

/// Sessions beyond this many add memory (each holds the weights) but little speed; further cores go to the threads of
/// each session.
const MOST_SESSIONS: usize = 4;
/// Sorted by length, batches of this size keep a core's vector units busy, and what long texts take between two layers stays in
/// its cache: of 175 tokens each, batches of 24 texts take a fifth longer than batches of four.
const BATCH: BatchLimit = BatchLimit { rows: 32, tokens: 768 };

/// Where the model comes from.
enum Source {
    Bundled(BundledModel),
    Local(LocalModel),
    Catalogue { model: EmbeddingModel, cache: PathBuf },
}

/// What all sessions of an encoder share, once loaded.
struct Loaded {
    environment: Environment,
    model: Model,
    tokenizer: Tokenizer,
}

/// What sessions are made of.
enum Model {
    Direct(Direct),
    Local(UserDefinedEmbeddingModel),
    /// Sessions of the catalogue read their own files.
    Catalogue,
}

/// A session of one worker.
enum Session {
    Direct(DirectSession),
    Fastembed(Box<TextEmbedding>),
}

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
    /// One of the two models whose files are known by checksum.
    pub fn bundled(model: BundledModel, settings: OnnxSettings) -> Self {
        let identity = identity(model, &settings.assets);
        Self::new(identity, Source::Bundled(model), BATCH, settings)
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
        let info = TextEmbedding::get_model_info(&model)
            .map_err(|e| load_error(&format!("{model:?}"), &e))?
            .clone();
        // A dynamically quantised model scales its activations by the whole batch, so a text must be alone in it.
        let batch = match TextEmbedding::get_quantization_mode(&model) {
            QuantizationMode::Dynamic => BatchLimit { rows: 1, ..BATCH },
            _ => BATCH,
        };
        let identity = EncoderIdentity {
            model: info.model_code.clone(),
            precision: info.model_file.clone(),
            weights_sha256: None,
            tokenizer_sha256: None,
            max_length: Some(512),
            pooling: match TextEmbedding::get_default_pooling_method(&model) {
                Some(Pooling::Mean) => "mean",
                _ => "cls",
            }
            .into(),
            dimension: Some(info.dim),
            endpoint: None,
        };
        let source = Source::Catalogue {
            model,
            cache: cache.clone(),
        };
        let mut encoder = Self::new(identity, source, batch, settings);
        // The files must be there before the identity can name their checksum.
        let first = encoder.session(0)?;
        drop(first);
        let repo = hf_hub::Cache::new(cache).model(info.model_code.clone());
        let sum = |file: &str| {
            let path = repo
                .get(file)
                .ok_or_else(|| load_error(&info.model_code, &format!("{file} is not in the cache")))?;
            let (sum, _) = crate::assets::sha256_file(&path).map_err(|e| load_error(&info.model_code, &e))?;
            Ok::<_, EncodeError>(sum)
        };
        encoder.identity.weights_sha256 = Some(sum(&info.model_file)?);
        encoder.identity.tokenizer_sha256 = Some(sum("tokenizer.json")?);
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

    fn fail(&self, message: &dyn ToString) -> EncodeError {
        load_error(&self.identity.model, message)
    }

    /// Loads what all sessions share, once.
    fn loaded(&self) -> Result<Arc<Loaded>, EncodeError> {
        let mut guard = lock(&self.loaded);
        if let Some(loaded) = guard.as_ref() {
            return Ok(Arc::clone(loaded));
        }
        let library = self.assets.runtime(self.progress.as_ref())?;
        let loaded = Arc::new(match &self.source {
            Source::Bundled(bundled) => self.load_bundled(*bundled, &library)?,
            Source::Local(local) => {
                let model = local.read()?;
                Loaded {
                    environment: environment(&library)?,
                    tokenizer: self.tokenizer(&model.tokenizer_files.tokenizer_file)?,
                    model: Model::Local(model),
                }
            }
            Source::Catalogue { model, cache } => {
                let environment = environment(&library)?;
                let first = self.catalogue_session(model, cache, &environment)?;
                // Counting needs no padding, and padding a thousand texts to the longest would cost memory.
                let mut tokenizer = first.tokenizer.clone();
                tokenizer.with_padding(None);
                *lock(&self.sessions[0]) = Some(Session::Fastembed(Box::new(first)));
                Loaded {
                    environment,
                    model: Model::Catalogue,
                    tokenizer,
                }
            }
        });
        *guard = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// Loads a bundled model and makes the first session. What takes long is done side by side: the library is opened while the
    /// weights are read and verified, the tokenizer is read while the session is made. Nothing is computed with weights
    /// that were not verified.
    fn load_bundled(&self, model: BundledModel, library: &Path) -> Result<Loaded, EncodeError> {
        let (environment, files) = std::thread::scope(|scope| {
            let environment = scope.spawn(|| environment(library));
            let files = self.assets.load_weights(model, weights::read, self.progress.as_ref());
            (joined(environment), files)
        });
        let (environment, (weights, tokenizer)) = (environment?, files?);
        let fail = |error: ort::Error| self.fail(&error);
        let direct = Direct::new(environment.clone(), graph(model), padding(model), weights).map_err(fail)?;
        let (session, tokenizer) = std::thread::scope(|scope| {
            let session = scope.spawn(|| direct.session(self.threads_a_session));
            let tokenizer = self.tokenizer(&tokenizer);
            (joined(session), tokenizer)
        });
        *lock(&self.sessions[0]) = Some(Session::Direct(session.map_err(fail)?));
        Ok(Loaded {
            environment,
            model: Model::Direct(direct),
            tokenizer: tokenizer?,
        })
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

    fn catalogue_session(
        &self,
        model: &EmbeddingModel,
        cache: &Path,
        environment: &Environment,
    ) -> Result<TextEmbedding, EncodeError> {
        let config = self.assets.config();
        let info = TextEmbedding::get_model_info(model).map_err(|e| self.fail(&e))?;
        let repo = hf_hub::Cache::new(cache.to_owned()).model(info.model_code.clone());
        let missing = repo.get(&info.model_file).is_none();
        let hub = |message: String| EncodeError::Hub {
            name: info.model_code.clone(),
            message,
        };
        if missing && (config.offline || config.hub_offline) {
            return Err(hub(format!(
                "it is not in {} and downloads are switched off",
                cache.display()
            )));
        }
        let options = TextInitOptions::new(model.clone())
            .with_cache_dir(cache.to_owned())
            .with_environment(environment.clone())
            .with_intra_threads(self.threads_a_session)
            .with_show_download_progress(false);
        TextEmbedding::try_new(options).map_err(|error| {
            let message = with_causes(&error);
            if missing { hub(message) } else { self.fail(&message) }
        })
    }

    /// The session of one worker, made on first use.
    fn session(&self, worker: usize) -> Result<MutexGuard<'_, Option<Session>>, EncodeError> {
        let loaded = self.loaded()?;
        let mut guard = lock(&self.sessions[worker]);
        if guard.is_none() {
            *guard = Some(match (&loaded.model, &self.source) {
                (Model::Direct(direct), _) => {
                    Session::Direct(direct.session(self.threads_a_session).map_err(|e| self.fail(&e))?)
                }
                (Model::Local(model), _) => Session::Fastembed(Box::new(
                    TextEmbedding::try_new_from_user_defined(
                        model.clone(),
                        InitOptionsUserDefined::new()
                            .with_environment(loaded.environment.clone())
                            .with_max_length(self.identity.max_length.unwrap_or(512))
                            .with_intra_threads(self.threads_a_session),
                    )
                    .map_err(|e| self.fail(&with_causes(&e)))?,
                )),
                (Model::Catalogue, Source::Catalogue { model, cache }) => {
                    Session::Fastembed(Box::new(self.catalogue_session(model, cache, &loaded.environment)?))
                }
                (Model::Catalogue, _) => return Err(self.fail(&"the model was not read")),
            });
        }
        Ok(guard)
    }

    /// The tokens of a few texts, one after the other: the workers keep the cores busy already.
    fn encode(&self, texts: &[&str]) -> Result<Vec<Encoding>, EncodeError> {
        let loaded = self.loaded()?;
        texts
            .iter()
            .map(|text| loaded.tokenizer.encode_fast(*text, true).map_err(|e| self.fail(&e)))
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
            .map_err(|e| self.fail(&e))?;
        Ok(encodings.iter().map(tokenizers::Encoding::len).collect())
    }

    fn embed_batch(&self, worker: usize, texts: &[&str]) -> Result<Vec<Vec<f32>>, EncodeError> {
        let failed = |message: String| EncodeError::Run {
            name: self.identity.model.clone(),
            message,
        };
        let mut guard = self.session(worker)?;
        match guard.as_mut() {
            Some(Session::Direct(session)) => {
                let encodings = self.encode(texts)?;
                session.embed(&encodings).map_err(|e| failed(with_causes(&e)))
            }
            Some(Session::Fastembed(session)) => session
                .embed(texts, Some(texts.len()))
                .map_err(|e| failed(with_causes(&e))),
            None => Err(self.fail(&"the session was not made")),
        }
    }
}

/// The identity of a bundled model with its weights as published.
pub(super) fn identity(model: BundledModel, assets: &Assets) -> EncoderIdentity {
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
pub(super) fn share(threads: usize) -> (usize, usize) {
    let threads = threads.max(1);
    let sessions = threads.min(MOST_SESSIONS);
    (sessions, threads / sessions)
}

/// What a thread of a scope came to; its panic goes on here.
fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
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
