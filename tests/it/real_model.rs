//! The real encoder, installed once for all tests, and what tests of whole processes share: waiting for one, its cache of
//! vectors, its exit.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::borrow::BorrowMut;
use std::path::{Path, PathBuf};
use std::process::{Child, Output};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use assert_cmd::Command;
use routecal::assets::{AssetConfig, Assets, BundledModel, Explicit, NoProgress};
use routecal::encode::{EncoderOptions, Processor, RemoteOptions};
use routecal::error::Hint as _;

use crate::support::Sandbox;

/// Where the runtime library and the files of one model lie.
pub(crate) struct RealModel {
    pub(crate) runtime: PathBuf,
    pub(crate) folder: PathBuf,
}

/// all-MiniLM-L6-v2 with ONNX Runtime, from the user's own cache: downloaded on a fresh machine, found on the next run.
///
/// # Panics
/// With the installer's own words if it cannot be had: a test of the real encoder that could not run has failed.
pub(crate) fn real_model() -> &'static RealModel {
    static INSTALLED: OnceLock<Result<RealModel, String>> = OnceLock::new();
    match INSTALLED.get_or_init(|| install(BundledModel::MiniLm)) {
        Ok(model) => model,
        Err(message) => panic!("{message}"),
    }
}

/// Installs `model` as the environment says, through the library.
pub(crate) fn install(model: BundledModel) -> Result<RealModel, String> {
    let told = |error: routecal::assets::AssetError| {
        let hint = error.hint().unwrap_or_default();
        format!("cannot install the real encoder: {error}\nhint: {hint}")
    };
    let config = AssetConfig::from_env(|name| std::env::var_os(name)).map_err(told)?;
    let (runtime, files) = Assets::new(config).install(model, &NoProgress).map_err(told)?;
    let folder = files.weights.parent().unwrap().to_owned();
    Ok(RealModel { runtime, folder })
}

impl RealModel {
    /// What `encode::open` needs to use these files and no others.
    pub(crate) fn options(&self, threads: usize) -> EncoderOptions {
        let nowhere = PathBuf::from("/nonexistent/routecal-tests");
        let config = AssetConfig {
            runtime: Some(Explicit::new(&self.runtime, "the test")),
            model_dir: Some(Explicit::new(&self.folder, "the test")),
            cache: nowhere.clone(),
            hub: "http://127.0.0.1:1".into(),
            offline: true,
            hub_offline: true,
            python: Vec::new(),
        };
        EncoderOptions {
            assets: Arc::new(Assets::new(config)),
            progress: Arc::new(NoProgress),
            threads,
            hub_cache: nowhere,
            remote: RemoteOptions::default(),
            processor: Processor::detect(),
        }
    }
}

impl Sandbox {
    /// [`Sandbox::process`] with the real encoder at hand.
    pub(crate) fn process_with_model(&self, arguments: &str) -> std::process::Command {
        let mut command = self.process(arguments);
        let model = real_model();
        command
            .env("ROUTECAL_ONNXRUNTIME", &model.runtime)
            .env("ROUTECAL_MODEL_DIR", &model.folder);
        command
    }

    /// [`Sandbox::routecal`] with the real encoder at hand.
    pub(crate) fn with_model(&self, arguments: &str) -> Command {
        Command::from_std(self.process_with_model(arguments))
    }

    /// The one vector database in the cache.
    pub(crate) fn database(&self) -> PathBuf {
        let mut found = self.databases();
        assert_eq!(found.len(), 1, "one database in the cache: {found:?}");
        found.remove(0)
    }

    /// All vector databases in the cache.
    pub(crate) fn databases(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.cache().join("vectors")) else {
            return Vec::new();
        };
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "sqlite"))
            .collect()
    }

    /// How many vectors are kept.
    pub(crate) fn kept(&self) -> usize {
        count(&self.database()).unwrap()
    }

    /// How many vectors a running program has kept so far; none while the database is being made.
    pub(crate) fn kept_so_far(&self) -> usize {
        self.databases().first().and_then(|path| count(path).ok()).unwrap_or(0)
    }
}

fn count(database: &Path) -> rusqlite::Result<usize> {
    let database = rusqlite::Connection::open_with_flags(database, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let rows: u32 = database.query_row("SELECT count(*) FROM vectors", [], |row| row.get(0))?;
    Ok(usize::try_from(rows).unwrap())
}

/// Waits until `child` has kept `rows` vectors; it must not end before.
#[track_caller]
pub(crate) fn wait_for_kept(sandbox: &Sandbox, child: &mut Child, rows: usize) {
    while sandbox.kept_so_far() < rows {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before {rows} vectors were kept"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A CSV file of `rows` distinct prompts of `words` words each.
pub(crate) fn prompts(rows: usize, words: usize) -> String {
    let line = |row: usize| {
        let words = (1..words).map(|word| format!(" word{}", (row * 7919 + word * word * 104_729) % 4999));
        format!("number {row}{}\n", words.collect::<String>())
    };
    std::iter::once("prompt\n".to_owned())
        .chain((0..rows).map(line))
        .collect()
}

/// What a program that ended wrote to standard error; its exit code must be `code`, and it must not have panicked.
#[track_caller]
pub(crate) fn stderr_of(output: &Output, code: i32) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

/// Runs `command`; it must end with `code`. Its standard error.
#[track_caller]
pub(crate) fn ends_with(code: i32, mut command: impl BorrowMut<Command>) -> String {
    stderr_of(&command.borrow_mut().output().unwrap(), code)
}

/// The numbers of the note "embedded N of M distinct texts"; `None` where nothing was embedded.
pub(crate) fn embedded(stderr: &str) -> Option<(usize, usize)> {
    let line = stderr.lines().find(|line| line.starts_with("embedded "))?;
    let numbers: Vec<usize> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    Some((numbers[0], numbers[1]))
}
