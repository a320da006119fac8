//! The int8 encoder: near its reference in Python and near fp32, a text the same in every batch, its file of tensors made once
//! and again where it is damaged, and an identity of its own that nothing mixes up with fp32.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use routecal::assets::{Assets, Progress};
use routecal::encode::{self, Encoder, EncoderOptions, Processor};

use crate::encoder::{Goldens, alone, from_batch, golden_vectors, in_batches, largest_difference};
use crate::real_model::{ends_with, real_model, stderr_of};
use crate::support::Sandbox;

const INT8: &str = "all-MiniLM-L6-v2@int8";
const TENSORS: &str = "assets/all-MiniLM-L6-v2-int8/tensors.bin";

/// A cache folder in which the file of tensors lies: made once, as it takes a second without optimisation.
fn cache() -> &'static Path {
    static CACHE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = CACHE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let options = options(folder.path());
        encode::open(INT8, &options).unwrap().prepare().unwrap();
        folder
    });
    folder.path()
}

/// The real model's options with another cache.
fn options(cache: &Path) -> EncoderOptions {
    let options = real_model().options(2);
    let mut config = options.assets.config().clone();
    cache.clone_into(&mut config.cache);
    EncoderOptions {
        assets: Arc::new(Assets::new(config)),
        ..options
    }
}

/// The encoder that the tests in this process share.
fn int8() -> &'static dyn Encoder {
    static ENCODER: OnceLock<Box<dyn Encoder>> = OnceLock::new();
    ENCODER
        .get_or_init(|| encode::open(INT8, &options(cache())).unwrap())
        .as_ref()
}

/// A sandbox in whose cache the file of tensors lies.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_shipped_routes();
    let file = sandbox.cache().join(TENSORS);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::copy(cache().join(TENSORS), file).unwrap();
    sandbox
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| -> f64 { x.iter().zip(y).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
    1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn distances(a: &[Vec<f32>], b: &[Vec<f32>]) -> Vec<f64> {
    assert_eq!(a.len(), b.len());
    let mut distances: Vec<f64> = a.iter().zip(b).map(|(a, b)| distance(a, b)).collect();
    distances.sort_by(f64::total_cmp);
    distances
}

#[test]
fn a_precision_that_is_not_there_is_refused_before_anything_is_done() {
    let sandbox = Sandbox::with_shipped_routes();
    for (arguments, parts) in [
        (
            "--precision int8 --encoder all-mpnet-base-v2",
            ["fp32 alone", "hint: try --encoder all-MiniLM-L6-v2@int8"],
        ),
        (
            "--encoder all-mpnet-base-v2@int8",
            ["fp32 alone", "hint: try --encoder all-MiniLM-L6-v2@int8"],
        ),
        (
            "--encoder all-MiniLM-L6-v2@int4",
            ["fp32 and int8", "hint: try --encoder all-MiniLM-L6-v2@int8"],
        ),
        (
            "--precision int8 --encoder hashing",
            ["no choice of precision", "hint: leave --precision out"],
        ),
        (
            "--precision int8 --encoder openai:m",
            ["no choice of precision", "hint: leave --precision out"],
        ),
        (
            "--precision fp32 --encoder all-MiniLM-L6-v2@int8",
            ["two different things", "hint: leave one of them out"],
        ),
    ] {
        let stderr = ends_with(2, sandbox.routecal(&format!("classify {arguments} prompt")));
        for part in parts {
            assert!(stderr.contains(part), "{part} in {stderr}");
        }
    }
    assert!(!sandbox.cache().join("assets").exists());
}

/// Hears notes.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn begin(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, _bytes: u64) {}
    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    fn end(&self) {}
}

/// Most of half a second and more: `cargo test --test it -- --ignored slow::`.
mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn vectors_are_near_the_reference_and_near_fp32() {
        let goldens = Goldens::of("all-MiniLM-L6-v2");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/encoder/all-MiniLM-L6-v2.int8.f32");
        let reference = golden_vectors(&file, 384);
        let found = alone(int8(), &goldens.texts());
        let from_reference = distances(&found, &reference);
        let from_fp32 = distances(&found, &goldens.vectors);
        println!(
            "from the reference {:.1e} (median {:.1e}), from fp32 {:.1e} (median {:.1e})",
            from_reference[47], from_reference[24], from_fp32[47], from_fp32[24]
        );
        // Where no number was rounded the other way, the vector is the reference's; most texts are such.
        assert!(from_reference[12] <= 1e-10, "{from_reference:?}");
        assert!(from_reference[47] <= 2e-3, "{from_reference:?}");
        assert!(from_fp32[47] <= 0.01, "{from_fp32:?}");
        // They are other vectors all the same.
        assert!(from_fp32[0] >= 1e-5, "{from_fp32:?}");
        for row in &found {
            let length: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
            assert!((length - 1.0).abs() < 1e-5, "{length}");
        }
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn assets_tell_of_the_tensors_where_they_are_meant_or_there() {
        let sandbox = sandbox();
        let file = sandbox.cache().join(TENSORS);
        let run = |arguments: &str, code| {
            let output = sandbox.with_model(arguments).output().unwrap();
            let stderr = stderr_of(&output, code);
            (String::from_utf8(output.stdout).unwrap(), stderr)
        };
        for arguments in [
            "assets status",
            "assets verify",
            "assets verify --precision int8",
            "assets install --precision int8",
        ] {
            let (stdout, _) = run(arguments, 0);
            let row = stdout.lines().find(|line| line.contains("tensors.bin"));
            assert!(
                row.is_some_and(|row| row.contains("  present  ")),
                "{arguments}: {stdout}"
            );
        }
        assert!(!run("assets status --precision fp32", 0).0.contains("tensors.bin"));

        let mut damaged = std::fs::read(&file).unwrap();
        damaged[12_345_678] ^= 4;
        std::fs::write(&file, damaged).unwrap();
        let (stdout, stderr) = run("assets verify", 3);
        assert!(
            stdout.contains("damaged") && stderr.contains("tensors.bin"),
            "{stdout}{stderr}"
        );

        std::fs::remove_file(&file).unwrap();
        assert!(!run("assets verify", 0).0.contains("tensors.bin"));
        assert!(
            run("assets verify --precision int8", 3)
                .1
                .contains("tensors.bin (missing)")
        );
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_processor_that_would_compute_it_wrongly_gets_fp32_and_is_told() {
        let notes = Arc::new(Notes::default());
        let options = EncoderOptions {
            processor: Processor { int8: false },
            progress: Arc::clone(&notes) as _,
            ..options(cache())
        };
        let encoder = encode::open(INT8, &options).unwrap();
        let fp32 = encode::open("all-MiniLM-L6-v2", &options).unwrap();
        assert_eq!(encoder.identity(), fp32.identity());
        assert_eq!(encoder.identity().precision, "fp32");
        let notes = notes.0.lock().unwrap().join("\n");
        assert!(notes.contains("AVX2") && notes.contains("fp32"), "{notes}");
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn precisions_are_two_encoders_to_cache_router_and_baseline() {
        let sandbox = sandbox();
        ends_with(0, sandbox.with_model("centroids --out ."));
        ends_with(0, sandbox.with_model("centroids --precision int8 --out int8"));
        // One database each, and what is in one is not taken for the other's.
        assert_eq!(sandbox.databases().len(), 2);
        assert_eq!(sandbox.read_json("int8/router.json")["encoder_name"], INT8);
        let identity = &sandbox.read_json("int8/router.json")["encoder"];
        assert_eq!(
            (&identity["model"], &identity["precision"]),
            (&"all-MiniLM-L6-v2".into(), &"int8".into())
        );
        assert_ne!(
            identity["weights_sha256"],
            sandbox.read_json("router.json")["encoder"]["weights_sha256"]
        );

        // A router opens its own encoder, and refuses the other.
        ends_with(0, sandbox.with_model("classify --router int8/router.json prompt"));
        ends_with(
            0,
            sandbox.with_model("classify --router int8/router.json --precision int8 prompt"),
        );
        let stderr = ends_with(
            2,
            sandbox.with_model("classify --router int8/router.json --precision fp32 prompt"),
        );
        assert!(stderr.contains("precision: \"int8\", \"fp32\""), "{stderr}");
        assert!(stderr.contains(&format!("the router's own, {INT8}")), "{stderr}");
        let stderr = ends_with(
            2,
            sandbox.with_model("classify --router router.json --precision int8 prompt"),
        );
        assert!(
            stderr.contains(&format!("routecal centroids --encoder {INT8}")),
            "{stderr}"
        );

        // The routes file may name it.
        let mut routes = sandbox.read_json("routes.json");
        routes["encoder"] = INT8.into();
        sandbox.write("routes.json", serde_json::to_string_pretty(&routes).unwrap());
        let named = sandbox.with_model("classify prompt --format json").output().unwrap();
        stderr_of(&named, 0);
        let named: serde_json::Value = serde_json::from_slice(&named.stdout).unwrap();
        assert_eq!(named["encoder"]["precision"], "int8");
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn compare_encoders_shows_both_side_by_side() {
        let sandbox = sandbox();
        let rows = [
            "Write a haiku about rain,creative,calibration",
            "Fix this Rust loop,coding,calibration",
            "How tall is that mountain?,factual,calibration",
            "Write a sonnet about bees,creative,test",
            "Why does my code panic?,coding,test",
            "When was the printing press invented?,factual,test",
        ];
        sandbox.write("prompts.csv", format!("prompt,label,split\n{}\n", rows.join("\n")));
        let compare = format!(
            "compare-encoders prompts.csv --encoders all-MiniLM-L6-v2,{INT8} --scoring centroid --resamples 0 --throughput 6"
        );
        let output = sandbox.with_model(&compare).output().unwrap();
        stderr_of(&output, 0);
        let text = String::from_utf8(output.stdout).unwrap();
        let row = |name: &str| text.lines().any(|line| line.split_whitespace().next() == Some(name));
        assert!(
            row("all-MiniLM-L6-v2") && row(INT8) && text.contains("prompts/s"),
            "{text}"
        );
        let stderr = ends_with(2, sandbox.with_model(&format!("{compare} --precision int8")));
        assert!(stderr.contains("hint: write it after the name"), "{stderr}");
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_text_has_one_vector_alone_and_in_every_batch() {
        let goldens = Goldens::of("all-MiniLM-L6-v2");
        let mut texts: Vec<String> = goldens.texts().iter().map(ToString::to_string).collect();
        // Every length up to 60 tokens, and companions of very different ones.
        let words: Vec<&str> = goldens.texts()[46].split(' ').collect();
        texts.extend((1..60).map(|n| words[n..2 * n].join(" ")));
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let alone = alone(int8(), &texts);
        let mut largest = from_batch(int8(), &texts, &alone);
        // Short beside long, so that most of a batch is padding.
        let mixed: Vec<usize> = (0..texts.len()).map(|i| i * 37 % texts.len()).collect();
        let order: Vec<&str> = mixed.iter().map(|i| texts[*i]).collect();
        let expected: Vec<Vec<f32>> = mixed.iter().map(|i| alone[*i].clone()).collect();
        largest = largest.max(largest_difference(&in_batches(int8(), &order, 24), &expected));
        assert!(largest <= 1e-6, "{largest:e}");
        println!("largest difference between batches {largest:e}");
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_damaged_file_of_tensors_is_made_again() {
        let sandbox = sandbox();
        let file = sandbox.cache().join(TENSORS);
        let good = std::fs::read(&file).unwrap();
        let classify = || {
            sandbox
                .with_model("classify --no-cache --precision int8 prompt")
                .output()
                .unwrap()
        };
        let before = classify();
        assert!(!stderr_of(&before, 0).contains("made again"));
        let mut damaged = good.clone();
        damaged[12_345_678] ^= 4;
        for bytes in [&damaged[..], b""] {
            std::fs::write(&file, bytes).unwrap();
            let after = classify();
            let stderr = stderr_of(&after, 0);
            assert!(
                stderr.contains("tensors.bin") && stderr.contains("made again"),
                "{stderr}"
            );
            assert_eq!(after.stdout, before.stdout);
            assert!(std::fs::read(&file).unwrap() == good);
        }
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn processes_that_make_the_tensors_at_once_all_succeed() {
        let sandbox = Sandbox::with_shipped_routes();
        let runs: Vec<_> = (0..2)
            .map(|_| {
                let mut command = sandbox.process_with_model("classify --no-cache --threads 1 --precision int8 prompt");
                command.spawn().unwrap()
            })
            .collect();
        let outputs: Vec<_> = runs.into_iter().map(|run| run.wait_with_output().unwrap()).collect();
        for output in &outputs {
            stderr_of(output, 0);
            assert_eq!(output.stdout, outputs[0].stdout);
        }
        let left: Vec<PathBuf> = std::fs::read_dir(sandbox.cache().join("assets/all-MiniLM-L6-v2-int8"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(left, [sandbox.cache().join(TENSORS)]);
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn threads_do_not_change_a_vector() {
        let texts = Goldens::of("all-MiniLM-L6-v2");
        let texts = texts.texts();
        // Eight threads are four sessions of two.
        let many = EncoderOptions {
            threads: 8,
            ..options(cache())
        };
        let many = encode::open(INT8, &many).unwrap();
        assert!(largest_difference(&in_batches(many.as_ref(), &texts, 8), &in_batches(int8(), &texts, 8)) <= 1e-6);
    }
}
