//! Local encoders on ONNX Runtime, through fastembed.
//!
//! The two bundled encoders need no ONNX file with weights: a small graph compiled into the program names, for every
//! tensor, its byte range in the official `model.safetensors` (`graphs/build_graphs.py` makes it). Nothing is loaded
//! before the first text has to be embedded, so a run with a warm cache needs neither model nor library.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use fastembed::{
    EmbeddingModel, InitOptionsUserDefined, Pooling, QuantizationMode, TextEmbedding, TextInitOptions, TokenizerFiles,
    UserDefinedEmbeddingModel,
};
use ort::environment::Environment;
use tokenizers::Tokenizer;

use super::local::LocalModel;
use super::{BatchLimit, EncodeError, Encoder, EncoderIdentity, Precision};
use crate::assets::{Assets, BundledModel, Progress};
use crate::error::with_causes;

/// Sessions beyond this many add memory (each holds the weights) but little speed; further cores go to the threads of
/// each session.
const MOST_SESSIONS: usize = 4;
/// Sorted by length, batches of this size keep a core's vector units busy; larger ones only add padding.
const BATCH: BatchLimit = BatchLimit { rows: 32, tokens: 4096 };

/// Where the model comes from.
enum Source {
    Bundled(BundledModel),
    Local(LocalModel),
    Catalogue { model: EmbeddingModel, cache: PathBuf },
}

/// What all sessions of an encoder share, once loaded.
struct Loaded {
    environment: Environment,
    /// Model bytes; `None` for the catalogue, whose sessions read their own files.
    model: Option<UserDefinedEmbeddingModel>,
    tokenizer: Tokenizer,
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
    sessions: Vec<Mutex<Option<TextEmbedding>>>,
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
        let environment = environment(&library)?;
        let (model, tokenizer) = match &self.source {
            Source::Bundled(bundled) => {
                let model = bundled_model(*bundled, &self.assets, self.progress.as_ref())?;
                let tokenizer = self.tokenizer(&model)?;
                (Some(model), tokenizer)
            }
            Source::Local(local) => {
                let model = local.read()?;
                let tokenizer = self.tokenizer(&model)?;
                (Some(model), tokenizer)
            }
            Source::Catalogue { model, cache } => {
                let first = self.catalogue_session(model, cache, &environment)?;
                let tokenizer = first.tokenizer.clone();
                *lock(&self.sessions[0]) = Some(first);
                (None, tokenizer)
            }
        };
        let mut tokenizer = tokenizer;
        // Counting needs no padding, and padding a thousand texts to the longest would cost memory.
        tokenizer.with_padding(None);
        let loaded = Arc::new(Loaded {
            environment,
            model,
            tokenizer,
        });
        *guard = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// The tokenizer, cut to the encoder's length.
    fn tokenizer(&self, model: &UserDefinedEmbeddingModel) -> Result<Tokenizer, EncodeError> {
        let mut tokenizer = Tokenizer::from_bytes(&model.tokenizer_files.tokenizer_file).map_err(|e| self.fail(&e))?;
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
    fn session(&self, worker: usize) -> Result<MutexGuard<'_, Option<TextEmbedding>>, EncodeError> {
        let loaded = self.loaded()?;
        let mut guard = lock(&self.sessions[worker]);
        if guard.is_none() {
            *guard = Some(match (&self.source, &loaded.model) {
                (Source::Catalogue { model, cache }, _) => self.catalogue_session(model, cache, &loaded.environment)?,
                (_, Some(model)) => TextEmbedding::try_new_from_user_defined(
                    model.clone(),
                    InitOptionsUserDefined::new()
                        .with_environment(loaded.environment.clone())
                        .with_max_length(self.identity.max_length.unwrap_or(512))
                        .with_intra_threads(self.threads_a_session),
                )
                .map_err(|e| self.fail(&with_causes(&e)))?,
                (_, None) => return Err(self.fail(&"the model was not read")),
            });
        }
        Ok(guard)
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
        let mut guard = self.session(worker)?;
        let Some(session) = guard.as_mut() else {
            return Err(self.fail(&"the session was not made"));
        };
        session.embed(texts, Some(texts.len())).map_err(|e| EncodeError::Run {
            name: self.identity.model.clone(),
            message: with_causes(&e),
        })
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

/// Word pieces that sentence-transformers reads of a text with this model; the tokenizer files say other numbers.
fn max_length(model: BundledModel) -> usize {
    match model {
        BundledModel::MiniLm => 256,
        BundledModel::Mpnet => 384,
    }
}

fn dimension(model: BundledModel) -> usize {
    match model {
        BundledModel::MiniLm => 384,
        BundledModel::Mpnet => 768,
    }
}

/// Graph without weights, the safetensors bytes it points into, and the tokenizer.
fn bundled_model(
    model: BundledModel,
    assets: &Assets,
    progress: &dyn Progress,
) -> Result<UserDefinedEmbeddingModel, EncodeError> {
    let (graph, pad_token, pad_id): (&[u8], _, _) = match model {
        BundledModel::MiniLm => (include_bytes!("graphs/all-MiniLM-L6-v2.onnx"), "[PAD]", 0),
        BundledModel::Mpnet => (include_bytes!("graphs/all-mpnet-base-v2.onnx"), "<pad>", 1),
    };
    let files = assets.load_model(model, progress)?;
    let tokenizer_files = TokenizerFiles {
        tokenizer_file: files.tokenizer,
        config_file: serde_json::json!({ "pad_token_id": pad_id }).to_string().into(),
        // fastembed would add the special tokens of this map again, as tokens that are matched after lower-casing: a
        // user's "[sep]" would then end the sentence. The tokenizer file has them all.
        special_tokens_map_file: b"{}".to_vec(),
        tokenizer_config_file: serde_json::json!({
            "model_max_length": max_length(model),
            "pad_token": pad_token,
        })
        .to_string()
        .into(),
    };
    Ok(UserDefinedEmbeddingModel::new(graph.to_vec(), tokenizer_files)
        .with_external_initializer("model.safetensors".into(), files.weights)
        .with_pooling(Pooling::Mean))
}

/// The one ONNX Runtime environment of the process, from the library that was asked for first.
pub(super) fn environment(library: &Path) -> Result<Environment, EncodeError> {
    static ENVIRONMENT: OnceLock<Mutex<Option<Environment>>> = OnceLock::new();
    let cell = ENVIRONMENT.get_or_init(|| Mutex::new(None));
    let mut guard = lock(cell);
    if let Some(environment) = guard.as_ref() {
        return Ok(environment.clone());
    }
    let fail = |message: String| EncodeError::Runtime {
        path: library.to_owned(),
        message,
    };
    let environment = ort::init_from(library)
        .map_err(|e| fail(e.to_string()))?
        .with_telemetry(false)
        .build()
        .map_err(|e| fail(e.to_string()))?;
    *guard = Some(environment.clone());
    Ok(environment)
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
