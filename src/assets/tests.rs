//! Whole installs against stand-ins: each source, each failure, several installers at once, kills and damage.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::fake_hub::{Answer, FakeHub};
use super::testkit::{Recorder, TOKENIZER, WEIGHTS, assets, installed, manifest, names};
use super::*;
use crate::error::{ErrorClass, Hint};

const MODEL: BundledModel = BundledModel::MiniLm;

#[test]
fn a_model_comes_from_the_hub_once() {
    let hub = FakeHub::good();
    let cache = tempfile::tempdir().unwrap();
    let assets = assets(cache.path(), &hub.endpoint);
    let recorder = Recorder::new();
    let files = assets.model(MODEL, &recorder).unwrap();
    assert!(installed(cache.path()));
    assert!(recorder.notes().contains("installed from the model hub"));
    assert_eq!(hub.requests(), 2);
    let bytes = files.read_verified().unwrap();
    assert_eq!((&*bytes.weights, &*bytes.tokenizer), (WEIGHTS, TOKENIZER));
    assert_eq!(bytes.weights_sha256, sha256_hex(WEIGHTS));
    assert_eq!(assets.load_model(MODEL, &NoProgress).unwrap(), bytes);
    assert_eq!(assets.model(MODEL, &NoProgress).unwrap(), files);
    assert_eq!(hub.requests(), 2, "the cache is used");
    drop(hub);
    fs::write(&files.weights, b"x").unwrap();
    assert!(matches!(files.read_verified(), Err(AssetError::Changed { .. })));
}

#[test]
fn one_changed_byte_is_noticed_and_mended() {
    let hub = FakeHub::good();
    let cache = tempfile::tempdir().unwrap();
    let assets = assets(cache.path(), &hub.endpoint);
    let files = assets.model(MODEL, &NoProgress).unwrap();
    let mut bytes = WEIGHTS.to_vec();
    bytes[2500] ^= 1;
    fs::write(&files.weights, &bytes).unwrap();
    assert_eq!(assets.status(&[MODEL])[1].state, AssetState::Present, "by size alone");
    assert!(matches!(assets.verify(&[MODEL])[1].state, AssetState::Corrupt { .. }));
    let recorder = Recorder::new();
    assert_eq!(assets.load_model(MODEL, &recorder).unwrap().weights, WEIGHTS);
    assert!(recorder.notes().contains("has sha256"), "{}", recorder.notes());
    assert_eq!(hub.requests(), 3, "only the damaged file is fetched");
    assert!(installed(cache.path()));
    assert_eq!(assets.verify(&[MODEL])[1].state, AssetState::Present);
}

#[test]
fn a_hub_that_breaks_off_is_an_error_that_lists_everything() {
    let hub = FakeHub::start(vec![("model.safetensors", Answer::CutAfter(WEIGHTS.to_vec(), 100))]);
    let cache = tempfile::tempdir().unwrap();
    let error = assets(cache.path(), &hub.endpoint)
        .model(MODEL, &Recorder::new())
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Environment);
    let text = error.to_string();
    for part in [
        "cannot get fake-model (model.safetensors, tokenizer.json); tried:\n  - cache folder ",
        "model.safetensors does not exist\n      tokenizer.json does not exist",
        "\n  - model hub http://127.0.0.1:",
        "\n  - pip: no Python with pip\n      /nowhere/python3: not found",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert!(error.hint().unwrap().contains(&sha256_hex(WEIGHTS)));
    assert!(names(&cache.path().join("assets/fake-model")).is_empty());
}

#[test]
fn offline_touches_neither_network_nor_cache() {
    let hub = FakeHub::good();
    let cache = tempfile::tempdir().unwrap();
    let mut assets = assets(&cache.path().join("none"), &hub.endpoint);
    assets.config.offline = true;
    let text = assets.model(MODEL, &NoProgress).unwrap_err().to_string();
    assert!(
        text.contains("skipped, offline (--offline or ROUTECAL_OFFLINE)"),
        "{text}"
    );
    assets.runtime(&NoProgress).unwrap_err();
    assert!(names(cache.path()).is_empty());
    assets.config.offline = false;
    assets.config.hub_offline = true;
    let text = assets.model(MODEL, &NoProgress).unwrap_err().to_string();
    assert!(text.contains("skipped, HF_HUB_OFFLINE is set"), "{text}");
    assert!(text.contains("/nowhere/python3"), "{text}");
    assert_eq!(hub.requests(), 0);
}

#[test]
fn explicit_paths_are_used_or_refused() {
    let hub = FakeHub::good();
    let cache = tempfile::tempdir().unwrap();
    let own = tempfile::tempdir().unwrap();
    let mut assets = assets(cache.path(), &hub.endpoint);
    assets.config.runtime = Some(Explicit::new(own.path().join("none.so"), "ROUTECAL_ONNXRUNTIME"));
    assets.config.model_dir = Some(Explicit::new(own.path(), "--model-dir"));
    let error = assets.runtime(&NoProgress).unwrap_err();
    assert!(
        error.to_string().contains("(from ROUTECAL_ONNXRUNTIME) does not exist"),
        "{error}"
    );
    assert_eq!(assets.status(&[])[0].state, AssetState::Missing);
    let error = assets.model(MODEL, &NoProgress).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("model.safetensors (from --model-dir) does not exist"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("tokenizer.json     sha256 "));

    fs::write(own.path().join("model.safetensors"), WEIGHTS).unwrap();
    fs::write(own.path().join("tokenizer.json"), b"{\"model\": \"tokenizeR\"}").unwrap();
    let error = assets.load_model(MODEL, &NoProgress).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("tokenizer.json (from --model-dir) has sha256"),
        "{error}"
    );
    fs::write(own.path().join("tokenizer.json"), TOKENIZER).unwrap();
    assert_eq!(assets.load_model(MODEL, &NoProgress).unwrap().tokenizer, TOKENIZER);

    // A sub-folder of the model's name goes before the folder itself.
    fs::create_dir(own.path().join("fake-model")).unwrap();
    assets.model(MODEL, &NoProgress).unwrap_err();
    fs::write(own.path().join("fake-model/model.safetensors"), WEIGHTS).unwrap();
    fs::write(own.path().join("fake-model/tokenizer.json"), TOKENIZER).unwrap();
    let files = assets.model(MODEL, &NoProgress).unwrap();
    assert_eq!(files.weights, own.path().join("fake-model/model.safetensors"));

    // The user's own library may be any file.
    fs::write(own.path().join("own.so"), b"own build").unwrap();
    assets.config.runtime = Some(Explicit::new(own.path().join("own.so"), "ORT_DYLIB_PATH"));
    assert_eq!(assets.runtime(&NoProgress).unwrap(), own.path().join("own.so"));
    let status = assets.verify(&[MODEL]);
    assert_eq!(status[0].state, AssetState::Unpinned);
    assert!(status.iter().all(|status| status.state.is_usable()));
    assert_eq!(hub.requests(), 0);
    assert!(names(cache.path()).is_empty());
}

#[test]
fn a_platform_without_a_pinned_library_is_told_so() {
    let cache = tempfile::tempdir().unwrap();
    let mut assets = assets(cache.path(), "http://127.0.0.1:1");
    assets.manifest = Manifest {
        runtime: None,
        ..manifest()
    };
    let error = assets.runtime(&NoProgress).unwrap_err();
    assert!(matches!(error, AssetError::UnsupportedPlatform { .. }));
    assert!(error.hint().unwrap().contains("set --onnxruntime to a library"));
    assert_eq!(assets.status(&[])[0].state, AssetState::Unsupported);
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let hub = FakeHub::good();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"x").unwrap();
    let error = assets(&file.join("cache"), &hub.endpoint)
        .model(MODEL, &NoProgress)
        .unwrap_err();
    assert!(matches!(error, AssetError::Cache { .. }), "{error}");
    assert!(error.to_string().contains("file/cache/assets/fake-model"), "{error}");
    assert!(error.hint().unwrap().contains("ROUTECAL_CACHE"));
    assert_eq!(hub.requests(), 0);
}

#[test]
fn a_user_who_wants_to_stop_leaves_nothing_half_done() {
    let hub = FakeHub::good();
    let cache = tempfile::tempdir().unwrap();
    let error = assets(cache.path(), &hub.endpoint)
        .model(MODEL, &Recorder::stopping_after(1))
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Interrupted);
    assert!(names(&cache.path().join("assets/fake-model")).is_empty());
}

#[test]
fn threads_that_install_at_once_all_succeed_and_fetch_once() {
    let hub = slow_hub();
    let cache = tempfile::tempdir().unwrap();
    let assets = assets(cache.path(), &hub.endpoint);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| assets.load_model(MODEL, &NoProgress)))
            .collect();
        for run in runs {
            assert_eq!(run.join().unwrap().unwrap().weights, WEIGHTS);
        }
    });
    assert!(installed(cache.path()));
    assert_eq!(hub.requests(), 2);
}

fn slow_hub() -> FakeHub {
    FakeHub::start(vec![
        (
            "model.safetensors",
            Answer::Slow(WEIGHTS.to_vec(), Duration::from_millis(200)),
        ),
        ("tokenizer.json", Answer::Good(TOKENIZER.to_vec())),
    ])
}

/// Not a test of its own: what the processes of the next two tests run.
#[test]
#[ignore = "run by other tests in a process of its own"]
fn install_in_this_process() {
    let (Some(cache), Ok(hub)) = (std::env::var_os("TEST_CACHE"), std::env::var("TEST_HUB")) else {
        return;
    };
    let mut assets = assets(Path::new(&cache), &hub);
    assets.limits.stall = Duration::from_mins(1);
    assets.model(MODEL, &NoProgress).unwrap();
}

fn install_in_a_process(cache: &Path, hub: &FakeHub) -> Child {
    let module = module_path!().split_once("::").unwrap().1;
    Command::new(std::env::current_exe().unwrap())
        .args([&format!("{module}::install_in_this_process"), "--exact", "--ignored"])
        .env("TEST_CACHE", cache)
        .env("TEST_HUB", &hub.endpoint)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn processes_that_install_at_once_all_succeed_and_fetch_once() {
    let hub = slow_hub();
    let cache = tempfile::tempdir().unwrap();
    let runs: Vec<_> = (0..3).map(|_| install_in_a_process(cache.path(), &hub)).collect();
    for mut run in runs {
        assert!(run.wait().unwrap().success());
    }
    assert!(installed(cache.path()));
    assert_eq!(hub.requests(), 2);
}

#[test]
fn a_run_killed_in_the_middle_leaves_nothing_that_counts() {
    let stuck = FakeHub::start(vec![("model.safetensors", Answer::StallAfter(WEIGHTS.to_vec(), 2000))]);
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join("assets/fake-model");
    let mut run = install_in_a_process(cache.path(), &stuck);
    let begun = Instant::now();
    let partial_size = || {
        let name = names(&folder).into_iter().next()?;
        fs::metadata(folder.join(name)).ok().map(|meta| meta.len())
    };
    while partial_size() != Some(2000) {
        assert!(begun.elapsed() < Duration::from_secs(20), "the download does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    let left = names(&folder);
    assert!(left.len() == 1 && left[0].starts_with(".partial-"), "{left:?}");
    let hub = FakeHub::good();
    let assets = assets(cache.path(), &hub.endpoint);
    assert_eq!(assets.verify(&[MODEL])[1].state, AssetState::Missing);
    assets.model(MODEL, &NoProgress).unwrap();
    assert!(installed(cache.path()), "{:?}", names(&folder));
}

/// The real thing, over the network, into the cache that the environment names.
#[test]
#[ignore = "downloads a hundred megabytes"]
fn the_real_files_install() {
    let assets = Assets::new(AssetConfig::from_env(|name| std::env::var_os(name)).unwrap());
    let (library, files) = assets.install(MODEL, &NoProgress).unwrap();
    assert!(library.is_file());
    assert_eq!(files.read_verified().unwrap().weights.len(), 90_868_376);
}
