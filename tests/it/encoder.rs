//! The local encoders: equal to sentence-transformers on the golden texts, a text the same in every batch, and plain
//! errors for whatever can be wrong with a model, a library or a name.
//!
//! `cargo test --test it -- --ignored mpnet` does the same for all-mpnet-base-v2, which is a large download.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use routecal::assets::BundledModel;
use routecal::encode::{self, EncodeError, Encoder, Quiet};
use serde_json::Value;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::real_model::{ends_with, install, real_model};
use crate::support::Sandbox;

const MINILM: &str = "all-MiniLM-L6-v2";
const MPNET: &str = "all-mpnet-base-v2";

/// sentence-transformers' own vectors of the golden texts.
pub(crate) struct Goldens {
    texts: Vec<String>,
    pub(crate) vectors: Vec<Vec<f32>>,
    token_counts: Vec<usize>,
}

impl Goldens {
    pub(crate) fn of(model: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/encoder");
        let json =
            |name: &str| -> Value { serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap() };
        let meta = &json("meta.json")["models"][model];
        let dimension = usize::try_from(meta["dimension"].as_u64().unwrap()).unwrap();
        let goldens = Self {
            texts: serde_json::from_value(json("texts.json")).unwrap(),
            vectors: golden_vectors(&folder.join(format!("{model}.f32")), dimension),
            token_counts: serde_json::from_value(meta["token_counts"].clone()).unwrap(),
        };
        let n = goldens.texts.len();
        assert!(n >= 40 && goldens.vectors.len() == n && goldens.token_counts.len() == n);
        goldens
    }

    pub(crate) fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }

    fn position(&self, text: &str) -> usize {
        self.texts.iter().position(|t| t == text).unwrap()
    }
}

/// The rows of a file of golden vectors.
pub(crate) fn golden_vectors(file: &Path, dimension: usize) -> Vec<Vec<f32>> {
    let bytes = std::fs::read(file).unwrap();
    let numbers: Vec<f32> = bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    numbers.chunks_exact(dimension).map(<[f32]>::to_vec).collect()
}

/// The encoder that the tests in this process share: each would hold 90 MB otherwise.
fn minilm() -> &'static dyn Encoder {
    static ENCODER: OnceLock<Box<dyn Encoder>> = OnceLock::new();
    ENCODER
        .get_or_init(|| encode::open(MINILM, &real_model().options(2)).unwrap())
        .as_ref()
}

pub(crate) fn alone(encoder: &dyn Encoder, texts: &[&str]) -> Vec<Vec<f32>> {
    texts
        .iter()
        .map(|text| encoder.embed_batch(0, &[text]).unwrap().remove(0))
        .collect()
}

pub(crate) fn in_batches(encoder: &dyn Encoder, texts: &[&str], size: usize) -> Vec<Vec<f32>> {
    texts
        .chunks(size)
        .flat_map(|batch| encoder.embed_batch(0, batch).unwrap())
        .collect()
}

/// Largest difference of two components in the same place; infinite where the shapes differ or one is no number.
pub(crate) fn largest_difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    let shape = |rows: &[Vec<f32>]| rows.iter().map(Vec::len).collect::<Vec<_>>();
    if shape(a) != shape(b) {
        return f32::INFINITY;
    }
    let difference = |(x, y): (&f32, &f32)| {
        let d = (x - y).abs();
        if d.is_nan() { f32::INFINITY } else { d }
    };
    a.iter()
        .flatten()
        .zip(b.iter().flatten())
        .map(difference)
        .fold(0.0, f32::max)
}

/// Parity with sentence-transformers, and independence of the batch. The two largest differences.
fn parity(encoder: &dyn Encoder, goldens: &Goldens) -> (f32, f32) {
    let texts = goldens.texts();
    assert_eq!(encoder.token_counts(&texts).unwrap(), goldens.token_counts);
    let alone = alone(encoder, &texts);
    let from_golden = largest_difference(&alone, &goldens.vectors);
    assert!(
        from_golden <= 1e-5,
        "{from_golden:e} away from sentence-transformers in some component"
    );
    (from_golden, from_batch(encoder, &texts, &alone))
}

/// The largest difference of a component between a text alone and in batches; it must be noise.
pub(crate) fn from_batch(encoder: &dyn Encoder, texts: &[&str], alone: &[Vec<f32>]) -> f32 {
    let mut from_alone: f32 = 0.0;
    for size in [1, 7, texts.len()] {
        let difference = largest_difference(&in_batches(encoder, texts, size), alone);
        assert!(
            difference <= 1e-6,
            "{difference:e} away from the same text alone, in batches of {size}"
        );
        from_alone = from_alone.max(difference);
    }
    // The driver sorts, batches and puts back in order.
    let driven = encode::embed(encoder, None, texts, &Quiet, &AtomicBool::new(false)).unwrap();
    let driven: Vec<Vec<f32>> = driven.vectors.rows().map(<[f32]>::to_vec).collect();
    let difference = largest_difference(&driven, alone);
    assert!(
        difference <= 1e-6,
        "{difference:e} away from the same text alone, driven"
    );
    from_alone.max(difference)
}

#[test]
#[ignore = "downloads 470 MB; run with --ignored"]
fn mpnet_equals_sentence_transformers_alone_and_in_every_batch() {
    let model = install(BundledModel::Mpnet).unwrap();
    let encoder = encode::open(MPNET, &model.options(1)).unwrap();
    let goldens = Goldens::of(MPNET);
    let (from_golden, from_alone) = parity(encoder.as_ref(), &goldens);
    cut_at(encoder.as_ref(), &goldens, 384);
    println!("{MPNET}: largest difference from sentence-transformers {from_golden:e}, between batches {from_alone:e}");
}

#[test]
fn special_tokens_are_special_in_upper_case_only() {
    let encoder = minilm();
    // As upper-case text they are the tokens themselves, so the sentence has four with the two around it.
    assert_eq!(encoder.token_counts(&["[SEP] [CLS]"]).unwrap(), [4]);
    // In lower case they are the pieces [ sep ] [ cl ##s ].
    assert_eq!(encoder.token_counts(&["[sep] [cls]"]).unwrap(), [9]);
    let [upper, lower] = ["[SEP] [CLS]", "[sep] [cls]"].map(|text| alone(encoder, &[text]));
    assert!(largest_difference(&upper, &lower) > 0.01);
    let goldens = Goldens::of(MINILM);
    let at = goldens.position("[sep] [cls] [mask] [pad] [unk]");
    let ours = alone(encoder, &[&goldens.texts[at]]);
    assert!(largest_difference(&ours, &goldens.vectors[at..=at]) <= 1e-5);
}

/// Texts that share their first `limit` tokens have one vector; a text one token shorter has another.
fn cut_at(encoder: &dyn Encoder, goldens: &Goldens, limit: usize) {
    // Each word is one token, and two more go around the text.
    let words: Vec<&str> = goldens.texts[45].split(' ').collect();
    assert!(words.len() > limit - 2);
    let exact = words[..limit - 2].join(" ");
    let longer = [
        words[..limit - 1].join(" "),
        words.join(" "),
        format!("{exact} {}", "and something else entirely ".repeat(500)),
    ];
    let shorter = words[..limit - 3].join(" ");
    let row = alone(encoder, &[&exact]);
    assert_eq!(encoder.token_counts(&[&exact, &shorter]).unwrap(), [limit, limit - 1]);
    for text in &longer {
        assert_eq!(encoder.token_counts(&[text]).unwrap(), [limit]);
        assert!(alone(encoder, &[text]) == row, "text after token {limit} is read");
    }
    assert!(
        largest_difference(&alone(encoder, &[&shorter]), &row) > 1e-4,
        "token {limit} is not read"
    );
}

#[test]
fn text_beyond_256_tokens_is_cut_off() {
    cut_at(minilm(), &Goldens::of(MINILM), 256);
}

/// A folder as somebody would make it who exports the model himself: graph, external weights, tokenizer.
pub(crate) fn local_folder(target: &Path) {
    let graph = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/encode/graphs/{MINILM}.onnx"));
    std::fs::copy(graph, target.join("model.onnx")).unwrap();
    for file in ["model.safetensors", "tokenizer.json"] {
        link_or_copy(&real_model().folder.join(file), &target.join(file));
    }
    std::fs::write(target.join("sentence_bert_config.json"), r#"{"max_seq_length": 256}"#).unwrap();
}

/// 90 MB need not be copied where the two lie on one file system.
fn link_or_copy(from: &Path, to: &Path) {
    if std::fs::hard_link(from, to).is_err() {
        std::fs::copy(from, to).unwrap();
    }
}

#[test]
fn a_local_folder_that_lacks_a_file_says_which() {
    let folder = tempfile::tempdir().unwrap();
    local_folder(folder.path());
    let open = || encode::open(folder.path().to_str().unwrap(), &real_model().options(1));
    let message = |error: EncodeError| {
        assert!(matches!(error, EncodeError::Folder { .. }), "{error:?}");
        error.to_string()
    };
    for file in ["model.safetensors", "tokenizer.json", "model.onnx"] {
        let [here, away] = [file, "away"].map(|name| folder.path().join(name));
        std::fs::rename(&here, &away).unwrap();
        let text = message(open().err().unwrap());
        assert!(text.contains(file), "{text}");
        std::fs::rename(&away, &here).unwrap();
    }
}

#[test]
fn weights_in_the_working_folder_are_not_those_of_the_model() {
    let sandbox = Sandbox::with_shipped_routes();
    std::fs::create_dir(sandbox.path("model")).unwrap();
    local_folder(&sandbox.path("model"));
    std::fs::rename(
        sandbox.path("model/model.safetensors"),
        sandbox.path("model.safetensors"),
    )
    .unwrap();
    let stderr = ends_with(2, sandbox.with_model("classify --encoder ./model prompt"));
    assert!(stderr.contains("model.safetensors: the graph names"), "{stderr}");
}

#[test]
fn weights_outside_the_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    local_folder(folder.path());
    let graph = std::fs::read(folder.path().join("model.onnx")).unwrap();
    let name = b"model.safetensors";
    let mut moved = graph.clone();
    for at in 0..graph.len() - name.len() {
        if graph[at..].starts_with(name) {
            moved[at..at + name.len()].copy_from_slice(b"../el.safetensors");
        }
    }
    assert!(moved != graph);
    std::fs::write(folder.path().join("model.onnx"), moved).unwrap();
    let opened = encode::open(folder.path().to_str().unwrap(), &real_model().options(1));
    let error = opened.err().unwrap();
    assert!(error.to_string().contains("outside its folder"), "{error}");
}

#[test]
fn classify_with_the_real_model() {
    let sandbox = Sandbox::with_shipped_routes();
    let output = sandbox
        .with_model("classify --format json --threshold 0.2 --gap 0")
        .arg("Write a binary search in Rust")
        .arg("How tall is Mount Kilimanjaro?")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["encoder"]["model"], MINILM);
    assert_eq!(
        document["encoder"]["weights_sha256"],
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    );
    let [code, fact] = [0, 1].map(|i| &document["prompts"][i]);
    assert_eq!(code["decision"], "accepted");
    assert_eq!((&code["route"], &code["model"]), (&"coding".into(), &"gpt-4o".into()));
    assert_eq!(
        (&fact["route"], &fact["model"]),
        (&"factual".into(), &"gpt-4o-mini".into())
    );
    let scores = code["scores"].as_object().unwrap();
    assert_eq!(scores.len(), 4);
    assert!(
        scores
            .values()
            .all(|s| s.as_f64().unwrap() <= code["score"].as_f64().unwrap())
    );
}

/// A copy of the model's folder in which one byte of one file is another.
fn changed_copy(target: &Path, changed: &str) -> PathBuf {
    std::fs::create_dir_all(target).unwrap();
    for file in ["model.safetensors", "tokenizer.json"] {
        let from = real_model().folder.join(file);
        if file == changed {
            let mut bytes = std::fs::read(from).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(target.join(file), bytes).unwrap();
        } else {
            link_or_copy(&from, &target.join(file));
        }
    }
    target.join(changed)
}

const PINS: [(&str, &str); 2] = [
    (
        "model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    (
        "tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
];

#[test]
fn a_library_that_is_none_is_an_error_with_a_hint() {
    let sandbox = Sandbox::with_shipped_routes();
    sandbox.write("libonnxruntime.so", "this is text\n");
    sandbox.write("empty.so", "");
    for library in ["libonnxruntime.so", "empty.so", "no-such-file.so", "."] {
        let stderr = ends_with(
            3,
            sandbox
                .with_model(&format!("classify --onnxruntime {library}"))
                .arg("Write a binary search in Rust"),
        );
        for part in [library, "hint:", "--onnxruntime"] {
            assert!(stderr.contains(part), "{part} in {stderr}");
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_library_of_something_else_is_an_error_with_a_hint() {
    // The C library is loaded into this process, so it is surely there.
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let other = maps
        .split_whitespace()
        .find(|word| word.starts_with('/') && word.contains("libc") && word.contains(".so"))
        .unwrap();
    let sandbox = Sandbox::with_shipped_routes();
    let stderr = ends_with(
        3,
        sandbox
            .with_model(&format!("classify --onnxruntime {other}"))
            .arg("Write a binary search in Rust"),
    );
    assert!(stderr.contains(other) && stderr.contains("hint:"), "{stderr}");
}

#[test]
fn a_model_of_the_catalogue_that_is_not_there_is_an_error_offline() {
    let sandbox = Sandbox::with_shipped_routes();
    for name in ["Xenova/bge-small-en-v1.5", "bge-small-en-v1.5", "BGESmallENV15"] {
        let stderr = ends_with(
            3,
            sandbox
                .with_model(&format!("classify --offline --encoder {name}"))
                .arg("Write a binary search in Rust"),
        );
        for part in ["bge-small-en-v1.5", "switched off"] {
            assert!(stderr.contains(part), "{part} in {stderr}");
        }
    }
}

#[test]
fn an_unknown_encoder_names_the_nearest() {
    let sandbox = Sandbox::with_shipped_routes();
    for (typed, nearest) in [
        ("all-MiniLM-L6-v3", MINILM),
        ("all-mpnet-base", MPNET),
        ("BAAI/bge-small-en-v1.5", "Xenova/bge-small-en-v1.5"),
    ] {
        let stderr = ends_with(
            2,
            sandbox
                .routecal(&format!("classify --encoder {typed}"))
                .arg("Write a binary search in Rust"),
        );
        assert!(stderr.contains(&format!("\"{typed}\"")), "{stderr}");
        assert!(stderr.contains(&format!("hint: try --encoder {nearest}\n")), "{stderr}");
    }
    let stderr = ends_with(2, sandbox.routecal("classify --encoder zzz prompt"));
    assert!(stderr.contains("folder with model.onnx"), "{stderr}");
}

/// Most of half a second and more: `cargo test --test it -- --ignored slow::`.
mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_changed_file_in_a_named_folder_is_refused_by_name_and_checksum() {
        for (file, pinned) in PINS {
            let sandbox = Sandbox::with_shipped_routes();
            let changed = changed_copy(&sandbox.path("model"), file);
            let before = std::fs::read(&changed).unwrap();
            let stderr = ends_with(
                3,
                sandbox
                    .with_model("classify --model-dir model")
                    .arg("Write a binary search in Rust"),
            );
            for part in [file, "--model-dir", "sha256", pinned, "hint:"] {
                assert!(stderr.contains(part), "{part} in {stderr}");
            }
            // The folder is the user's: it is refused, not repaired.
            assert!(std::fs::read(&changed).unwrap() == before);
            assert!(sandbox.databases().is_empty() || sandbox.kept() == 0);
        }
    }

    /// ONNX Runtime of 1.29 and later keeps a device number and a queue of events below the home folder, to be sent over the
    /// network. A library that does may not be installed.
    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn the_runtime_reports_nothing() {
        let sandbox = Sandbox::with_shipped_routes();
        ends_with(0, sandbox.with_model("classify prompt"));
        let left: Vec<PathBuf> = std::fs::read_dir(sandbox.path("../home"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_changed_file_in_the_cache_is_an_error_offline() {
        let sandbox = Sandbox::with_shipped_routes();
        changed_copy(&sandbox.cache().join("assets").join(MINILM), "model.safetensors");
        let stderr = ends_with(
            3,
            sandbox
                .routecal("classify --offline")
                .env("ROUTECAL_ONNXRUNTIME", &real_model().runtime)
                .arg("Write a binary search in Rust"),
        );
        for part in ["model.safetensors", PINS[0].1, "hint:", "--model-dir"] {
            assert!(stderr.contains(part), "{part} in {stderr}");
        }
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn minilm_equals_sentence_transformers_alone_and_in_every_batch() {
        let (from_golden, from_alone) = parity(minilm(), &Goldens::of(MINILM));
        println!(
            "{MINILM}: largest difference from sentence-transformers {from_golden:e}, between batches {from_alone:e}"
        );
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_local_folder_with_external_weights_gives_the_same_vectors() {
        let folder = tempfile::tempdir().unwrap();
        local_folder(folder.path());
        let encoder = encode::open(folder.path().to_str().unwrap(), &real_model().options(1)).unwrap();
        let identity = encoder.identity();
        assert_eq!((identity.max_length, identity.pooling.as_str()), (Some(256), "mean"));
        assert!(identity.weights_sha256.is_some() && identity.tokenizer_sha256.is_some());
        parity(encoder.as_ref(), &Goldens::of(MINILM));
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_changed_file_in_the_cache_is_installed_again() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let hub = runtime.block_on(MockServer::start());
        let weights = std::fs::read(real_model().folder.join("model.safetensors")).unwrap();
        runtime.block_on(
            Mock::given(method("GET"))
                .and(path(format!(
                    "/sentence-transformers/{MINILM}/resolve/main/model.safetensors"
                )))
                .respond_with(ResponseTemplate::new(200).set_body_bytes(weights))
                .expect(1)
                .mount(&hub),
        );
        let sandbox = Sandbox::with_shipped_routes();
        let changed = changed_copy(&sandbox.cache().join("assets").join(MINILM), "model.safetensors");
        for _ in 0..2 {
            ends_with(
                0,
                sandbox
                    .routecal("classify --no-cache")
                    .env_remove("ROUTECAL_OFFLINE")
                    .env("HF_ENDPOINT", hub.uri())
                    .env("ROUTECAL_PYTHON", "/nonexistent/python")
                    .env("ROUTECAL_ONNXRUNTIME", &real_model().runtime)
                    .arg("Write a binary search in Rust"),
            );
            assert_eq!(routecal::assets::sha256_file(&changed).unwrap().0, PINS[0].1);
        }
        runtime.block_on(hub.verify());
    }
}
