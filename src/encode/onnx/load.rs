//! Loading: what all sessions of an encoder share, and a session of one worker.

use std::path::Path;
use std::sync::Arc;

use fastembed::{InitOptionsUserDefined, TextEmbedding, UserDefinedEmbeddingModel};
use ort::environment::Environment;
use tokenizers::Tokenizer;

use super::catalogue::Catalogue;
use super::load_error;
use crate::assets::{Assets, BundledModel, Progress};
use crate::encode::bundled::{graph, padding};
use crate::encode::direct::{Direct, DirectSession};
use crate::encode::int8::{self, Int8Session};
use crate::encode::local::LocalModel;
use crate::encode::runtime::environment;
use crate::encode::{EncodeError, EncoderIdentity, weights};
use crate::error::with_causes;

/// Where the model comes from.
pub(super) enum Source {
    Bundled(BundledModel),
    Int8,
    Local(LocalModel),
    Catalogue(Catalogue),
}

/// What all sessions of an encoder share, once loaded.
pub(super) struct Loaded {
    environment: Environment,
    model: Model,
    pub(super) tokenizer: Tokenizer,
}

/// What sessions are made of.
enum Model {
    Direct(Direct),
    Int8(Arc<[u8]>),
    Local(UserDefinedEmbeddingModel),
    /// Sessions of the catalogue read their own files.
    Catalogue,
}

/// A session of one worker.
pub(super) enum Session {
    Direct(DirectSession),
    Int8(Int8Session),
    Fastembed(Box<TextEmbedding>),
}

/// Loads and makes sessions for one encoder.
pub(super) struct Loader<'a> {
    pub(super) identity: &'a EncoderIdentity,
    pub(super) source: &'a Source,
    pub(super) assets: &'a Assets,
    pub(super) progress: &'a (dyn Progress + Send + Sync),
    /// Threads of a session.
    pub(super) threads: usize,
}

impl Loader<'_> {
    fn fail(&self, message: &dyn ToString) -> EncodeError {
        load_error(&self.identity.label(), message)
    }

    /// What all sessions share, and the first of them.
    pub(super) fn load(&self) -> Result<(Loaded, Session), EncodeError> {
        let library = self.assets.runtime(self.progress)?;
        match self.source {
            Source::Bundled(model) => self.bundled(*model, &library),
            Source::Int8 => self.int8(&library),
            Source::Local(local) => {
                let model = local.read()?;
                let loaded = Loaded {
                    environment: environment(&library)?,
                    tokenizer: self.tokenizer(&model.tokenizer_files.tokenizer_file)?,
                    model: Model::Local(model),
                };
                let session = self.session(&loaded)?;
                Ok((loaded, session))
            }
            Source::Catalogue(catalogue) => {
                let environment = environment(&library)?;
                let first = catalogue.session(self.assets.config(), &environment, self.threads)?;
                // Counting needs no padding, and padding a thousand texts to the longest would cost memory.
                let mut tokenizer = first.tokenizer.clone();
                tokenizer.with_padding(None);
                let loaded = Loaded {
                    environment,
                    model: Model::Catalogue,
                    tokenizer,
                };
                Ok((loaded, Session::Fastembed(Box::new(first))))
            }
        }
    }

    /// What takes long is done side by side: the library is opened while the weights are read and verified, the tokenizer is read
    /// while the session is made. Nothing is computed with weights that were not verified.
    fn bundled(&self, model: BundledModel, library: &Path) -> Result<(Loaded, Session), EncodeError> {
        let (environment, files) = beside(
            || environment(library),
            || self.assets.load_weights(model, weights::read, self.progress),
        );
        let (environment, (weights, tokenizer)) = (environment?, files?);
        let fail = |error: ort::Error| self.fail(&error);
        let direct = Direct::new(environment.clone(), graph(model), padding(model), weights).map_err(fail)?;
        let (session, tokenizer) = beside(|| direct.session(self.threads), || self.tokenizer(&tokenizer));
        let session = Session::Direct(session.map_err(fail)?);
        let loaded = Loaded {
            environment,
            model: Model::Direct(direct),
            tokenizer: tokenizer?,
        };
        Ok((loaded, session))
    }

    /// Likewise; the first session is held against known vectors.
    fn int8(&self, library: &Path) -> Result<(Loaded, Session), EncodeError> {
        let (environment, tensors) = beside(|| environment(library), || int8::tensors(self.assets, self.progress));
        let (environment, tensors) = (environment?, tensors?);
        let (session, tokenizer) = beside(
            || {
                let mut session = self.int8_session(&environment, &tensors)?;
                int8::self_test::pass(&mut session, &self.identity.label())?;
                Ok::<_, EncodeError>(session)
            },
            || {
                let json = self.assets.load_tokenizer(int8::MODEL, self.progress)?;
                self.tokenizer(&json)
            },
        );
        let session = Session::Int8(session?);
        let loaded = Loaded {
            environment,
            model: Model::Int8(tensors),
            tokenizer: tokenizer?,
        };
        Ok((loaded, session))
    }

    fn int8_session(&self, environment: &Environment, tensors: &Arc<[u8]>) -> Result<Int8Session, EncodeError> {
        Int8Session::new(environment, Arc::clone(tensors), self.threads).map_err(|e| self.fail(&with_causes(&e)))
    }

    /// A further session.
    pub(super) fn session(&self, loaded: &Loaded) -> Result<Session, EncodeError> {
        Ok(match (&loaded.model, self.source) {
            (Model::Direct(direct), _) => Session::Direct(direct.session(self.threads).map_err(|e| self.fail(&e))?),
            (Model::Int8(tensors), _) => Session::Int8(self.int8_session(&loaded.environment, tensors)?),
            (Model::Local(model), _) => {
                let options = InitOptionsUserDefined::new()
                    .with_environment(loaded.environment.clone())
                    .with_max_length(self.identity.max_length.unwrap_or(512))
                    .with_intra_threads(self.threads);
                let session = TextEmbedding::try_new_from_user_defined(model.clone(), options)
                    .map_err(|e| self.fail(&with_causes(&e)))?;
                Session::Fastembed(Box::new(session))
            }
            (Model::Catalogue, Source::Catalogue(catalogue)) => {
                let session = catalogue.session(self.assets.config(), &loaded.environment, self.threads)?;
                Session::Fastembed(Box::new(session))
            }
            (Model::Catalogue, _) => return Err(self.fail(&"the model was not read")),
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
}

/// What both come to, one of them on a thread of its own, whose panic goes on here.
fn beside<A: Send, B>(other: impl FnOnce() -> A + Send, here: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let other = scope.spawn(other);
        let here = here();
        (
            other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            here,
        )
    })
}
