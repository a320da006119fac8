//! What is there and what is not, without changing anything.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::assets::locate::{self, Fault};
use crate::assets::manifest::{AssetSpec, BundledModel, FileSpec, RUNTIME_VERSION};
use crate::assets::{Assets, Derived, Explicit};

/// Whether a file can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum AssetState {
    /// There, and right as far as was looked: by size in [`Assets::status`], by checksum in [`Assets::verify`].
    Present,
    /// There and the user's own: not held against any checksum.
    Unpinned,
    /// Not there; it is installed on first use unless the user named the place.
    Missing,
    /// There and wrong.
    Corrupt {
        /// What is wrong with it, a clause.
        problem: String,
    },
    /// No library is pinned for this platform.
    Unsupported,
}

impl AssetState {
    /// Whether the file can be used.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Present | Self::Unpinned)
    }
}

/// Who says where the file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "found_in")]
pub enum FoundIn {
    /// The user.
    Explicit {
        /// The flag or variable.
        origin: String,
    },
    /// The cache folder.
    Cache,
}

/// One file, where it is looked for, and what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssetStatus {
    /// `onnxruntime-1.28.0` or the model's name.
    pub asset: String,
    /// File name; empty where no library is pinned for this platform.
    pub file: String,
    /// Where it is looked for; none where no library is pinned for this platform.
    pub path: Option<PathBuf>,
    /// What is there.
    #[serde(flatten)]
    pub state: AssetState,
    /// Size in bytes: the pinned one, or that of the user's own library.
    pub size: Option<u64>,
    /// The pinned SHA-256; none for the user's own library.
    pub sha256: Option<String>,
    /// Who says where the file is.
    #[serde(flatten)]
    pub source: FoundIn,
}

type Look = fn(&Path, &FileSpec) -> Result<(), Fault>;

impl Assets {
    /// The runtime library and the files of `models`, by existence and size: instant. Installs and changes nothing.
    pub fn status(&self, models: &[BundledModel]) -> Vec<AssetStatus> {
        self.inspect(models, locate::glance)
    }

    /// The same by the checksum of every byte. Installs and changes nothing.
    pub fn verify(&self, models: &[BundledModel]) -> Vec<AssetStatus> {
        self.inspect(models, locate::check)
    }

    /// The file that is made of a model, by existence and size.
    pub(crate) fn status_of(&self, derived: &Derived) -> AssetStatus {
        self.inspect_derived(derived, locate::glance)
    }

    /// The same by its checksum.
    pub(crate) fn verify_of(&self, derived: &Derived) -> AssetStatus {
        self.inspect_derived(derived, locate::check)
    }

    fn inspect_derived(&self, derived: &Derived, look: Look) -> AssetStatus {
        let folder = self.config.cache.join("assets").join(derived.asset);
        one(derived.asset, &derived.file, &folder, &FoundIn::Cache, look)
    }

    fn inspect(&self, models: &[BundledModel], look: Look) -> Vec<AssetStatus> {
        let mut list = match (&self.config.runtime, &self.manifest.runtime) {
            (Some(explicit), _) => vec![own_runtime(explicit)],
            (None, Some(spec)) => pinned(spec, &self.folder_of(spec), &FoundIn::Cache, look),
            (None, None) => vec![AssetStatus {
                asset: format!("onnxruntime-{RUNTIME_VERSION}"),
                file: String::new(),
                path: None,
                state: AssetState::Unsupported,
                size: None,
                sha256: None,
                source: FoundIn::Cache,
            }],
        };
        for model in models {
            let spec = self.manifest.model(*model);
            let (folder, source) = match &self.config.model_dir {
                Some(Explicit { path, origin }) => (
                    locate::model_folder(path, spec),
                    FoundIn::Explicit { origin: origin.clone() },
                ),
                None => (self.folder_of(spec), FoundIn::Cache),
            };
            list.extend(pinned(spec, &folder, &source, look));
        }
        list
    }
}

fn own_runtime(explicit: &Explicit) -> AssetStatus {
    let Explicit { path, origin } = explicit;
    let state = match locate::explicit_runtime(path, origin) {
        Ok(_) => AssetState::Unpinned,
        Err(_) if path.exists() => AssetState::Corrupt {
            problem: Fault::NotAFile.to_string(),
        },
        Err(_) => AssetState::Missing,
    };
    AssetStatus {
        asset: "onnxruntime".to_owned(),
        file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        path: Some(path.clone()),
        state,
        size: path
            .metadata()
            .ok()
            .filter(std::fs::Metadata::is_file)
            .map(|meta| meta.len()),
        sha256: None,
        source: FoundIn::Explicit { origin: origin.clone() },
    }
}

fn pinned(spec: &AssetSpec, folder: &Path, source: &FoundIn, look: Look) -> Vec<AssetStatus> {
    let files = spec.files.iter();
    files.map(|file| one(spec.name, file, folder, source, look)).collect()
}

fn one(asset: &str, file: &FileSpec, folder: &Path, source: &FoundIn, look: Look) -> AssetStatus {
    let path = folder.join(file.name);
    let state = match look(&path, file) {
        Ok(()) => AssetState::Present,
        Err(Fault::Missing) => AssetState::Missing,
        Err(fault) => AssetState::Corrupt {
            problem: fault.to_string(),
        },
    };
    AssetStatus {
        asset: asset.to_owned(),
        file: file.name.to_owned(),
        path: Some(path),
        state,
        size: Some(file.size),
        sha256: Some(file.sha256.to_owned()),
        source: source.clone(),
    }
}
