//! The corpora of the fuzz targets, replayed without a fuzzer: what once crashed stays mended. Then each file damaged in many ways: a
//! fuzzer without a sense of direction, but in every run of CI.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[path = "../fuzz/bodies.rs"]
mod bodies;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.clone(), std::fs::read(path).expect("a file")))
        .collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.sort();
    files
}

#[test]
fn every_corpus_is_replayed() {
    for (name, body) in bodies::TARGETS {
        for (path, bytes) in corpus(name) {
            let done = catch_unwind(AssertUnwindSafe(|| body(&bytes)));
            assert!(done.is_ok(), "{name} panics on {}", path.display());
        }
    }
}

#[cfg(unix)]
mod slow {
    use super::*;
    use crate::fault_kit::Draws;

    /// Damaged files a target.
    const FILES: usize = 4000;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn no_damaged_file_of_a_corpus_makes_a_target_panic() {
        let mut draws = Draws::new(7);
        for (name, body) in bodies::TARGETS {
            let files = corpus(name);
            for _ in 0..FILES {
                let mut bytes = files[draws.below(files.len())].1.clone();
                for _ in 0..=draws.below(4) {
                    damage(&mut bytes, &files, &mut draws);
                }
                let done = catch_unwind(AssertUnwindSafe(|| body(&bytes)));
                assert!(done.is_ok(), "{name} panics on {:?}", String::from_utf8_lossy(&bytes));
            }
        }
    }

    fn damage(bytes: &mut Vec<u8>, files: &[(PathBuf, Vec<u8>)], draws: &mut Draws) {
        let at = draws.below(bytes.len() + 1);
        let end = (at + draws.below(24)).min(bytes.len());
        match draws.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 if at < bytes.len() => bytes[at] ^= 1 << draws.below(8),
            // What a parser is about to trip over.
            3 => {
                let words = [
                    "{",
                    "[",
                    "\"",
                    "\n",
                    "\0",
                    ",",
                    "-",
                    "1e999",
                    "null",
                    "\u{202e}",
                    "&a ",
                    "*a",
                    "\\ud800",
                    "9223372036854775808",
                ];
                bytes.splice(at..at, words[draws.below(words.len())].bytes());
            }
            4 => {
                let copied = bytes[at..end].repeat(1 + draws.below(8));
                bytes.splice(at..at, copied);
            }
            // A piece of another file.
            _ => {
                let other = &files[draws.below(files.len())].1;
                let from = draws.below(other.len() + 1);
                let to = (from + draws.below(64)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
}
