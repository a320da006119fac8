//! The cache of vectors: a second run embeds nothing, several processes share it, and neither damage nor a kill changes
//! a result.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::process::Child;

use rusqlite::Connection;

use crate::real_model::{embedded, ends_with, prompts, stderr_of, wait_for_kept};
use crate::support::Sandbox;

const EMBED: &str = "embed prompts.csv --encoder hashing --output vectors.parquet";

/// A sandbox with `rows` prompts, and the vectors that a run without a cache gives.
fn prepared(rows: usize, words: usize) -> (Sandbox, Vec<u8>) {
    let sandbox = Sandbox::with_shipped_routes();
    sandbox.write("prompts.csv", prompts(rows, words));
    ends_with(0, sandbox.routecal(EMBED).arg("--no-cache"));
    let vectors = sandbox.read_bytes("vectors.parquet");
    std::fs::remove_file(sandbox.path("vectors.parquet")).unwrap();
    (sandbox, vectors)
}

/// Runs the command; the vectors must be those. Its standard error.
#[track_caller]
fn gives(sandbox: &Sandbox, vectors: &[u8]) -> String {
    let stderr = ends_with(0, sandbox.routecal(EMBED));
    assert!(
        sandbox.read_bytes("vectors.parquet") == vectors,
        "other vectors: {stderr}"
    );
    stderr
}

#[test]
fn a_second_run_embeds_nothing_and_a_longer_one_only_what_is_new() {
    let (sandbox, vectors) = prepared(300, 6);
    assert_eq!(embedded(&gives(&sandbox, &vectors)), Some((300, 300)));
    assert_eq!(gives(&sandbox, &vectors), "");
    // One more, one twice, and in another order.
    let text = prompts(301, 6);
    let mut lines: Vec<&str> = text.lines().skip(1).collect();
    lines.reverse();
    lines.push(lines[7]);
    sandbox.write("prompts.csv", format!("prompt\n{}\n", lines.join("\n")));
    assert_eq!(embedded(&ends_with(0, sandbox.routecal(EMBED))), Some((1, 301)));
    assert_eq!(sandbox.kept(), 301);
}

#[test]
fn without_the_cache_nothing_is_read_or_kept() {
    let (sandbox, _) = prepared(20, 3);
    assert!(sandbox.databases().is_empty());
    for _ in 0..2 {
        let stderr = ends_with(0, sandbox.routecal(EMBED).arg("--no-cache"));
        assert_eq!(embedded(&stderr), Some((20, 20)));
    }
    assert!(sandbox.databases().is_empty());
}

#[test]
fn a_damaged_entry_is_embedded_again_with_a_warning() {
    let (sandbox, vectors) = prepared(100, 5);
    gives(&sandbox, &vectors);
    let database = Connection::open(sandbox.database()).unwrap();
    let damage = [
        // A changed number, the same as text, a cut vector, an empty one, a number, and one in the place of another.
        "UPDATE vectors SET vector = CAST(x'01020304' || substr(vector, 5) AS BLOB)",
        "UPDATE vectors SET vector = CAST(vector AS TEXT)",
        "UPDATE vectors SET vector = substr(vector, 1, 100)",
        "UPDATE vectors SET vector = x''",
        "UPDATE vectors SET vector = 7",
        "UPDATE vectors SET vector = (SELECT max(vector) FROM vectors)",
    ];
    for change in damage {
        let chosen = "(SELECT id FROM vectors ORDER BY vector LIMIT 1)";
        let changed = database.execute(&format!("{change} WHERE id = {chosen}"), []).unwrap();
        assert_eq!(changed, 1);
        let stderr = gives(&sandbox, &vectors);
        assert!(
            stderr.starts_with("warning: 1 damaged entry in the vector cache "),
            "{change}: {stderr}"
        );
        assert_eq!(embedded(&stderr), Some((1, 100)), "{change}");
        assert_eq!(gives(&sandbox, &vectors), "", "{change}");
    }
}

#[test]
fn an_empty_database_file_is_a_cold_cache() {
    let (sandbox, vectors) = prepared(20, 3);
    gives(&sandbox, &vectors);
    std::fs::write(sandbox.database(), "").unwrap();
    assert_eq!(embedded(&gives(&sandbox, &vectors)), Some((20, 20)));
    assert_eq!(gives(&sandbox, &vectors), "");
}

#[test]
fn a_cache_that_cannot_be_used_is_reported_and_done_without() {
    let (sandbox, vectors) = prepared(20, 3);
    gives(&sandbox, &vectors);
    let database = sandbox.database();
    std::fs::remove_file(&database).unwrap();
    std::fs::create_dir(&database).unwrap();
    for _ in 0..2 {
        let stderr = gives(&sandbox, &vectors);
        assert!(
            stderr.starts_with("warning: the vector cache ") && stderr.contains("is not used"),
            "{stderr}"
        );
        assert_eq!(embedded(&stderr), Some((20, 20)));
    }
    // A file where the cache folder should be.
    sandbox.write("file", "");
    let stderr = ends_with(0, sandbox.routecal(EMBED).args(["--cache-dir", "file"]));
    assert!(stderr.contains("is not used"), "{stderr}");
    assert!(sandbox.read_bytes("vectors.parquet") == vectors);
}

/// Starts `processes` at once, each with an output of its own; all must give the same vectors. What they wrote to
/// standard error.
fn at_once(sandbox: &Sandbox, processes: usize, vectors: &[u8]) -> Vec<String> {
    let output = |i: usize| format!("vectors-{i}.parquet");
    let children: Vec<Child> = (0..processes)
        .map(|i| {
            let arguments = format!("embed prompts.csv --encoder hashing --output {}", output(i));
            sandbox.process(&arguments).spawn().unwrap()
        })
        .collect();
    let ended: Vec<String> = children
        .into_iter()
        .map(|child| stderr_of(&child.wait_with_output().unwrap(), 0))
        .collect();
    for (i, stderr) in ended.iter().enumerate() {
        assert!(sandbox.read_bytes(&output(i)) == vectors, "other vectors: {stderr}");
    }
    ended
}

/// Most of half a second and more: `cargo test --test it -- --ignored slow::`.
mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_damaged_database_is_moved_aside_with_a_warning() {
        let (sandbox, vectors) = prepared(200, 5);
        gives(&sandbox, &vectors);
        let whole = std::fs::read(sandbox.database()).unwrap();
        assert!(whole.len() > 100_000);
        let mut holed = whole.clone();
        holed[8192..whole.len() - 8192].fill(0x5a);
        let damaged = [
            ("garbage", vec![7; 50_000]),
            ("cut in half", whole[..whole.len() / 2].to_vec()),
            ("cut within a page", whole[..whole.len() - 1000].to_vec()),
            ("cut after its header", whole[..100].to_vec()),
            ("overwritten in the middle", holed),
            ("text", b"not a database, but a text file of some length\n".to_vec()),
        ];
        for (how, bytes) in damaged {
            std::fs::write(sandbox.database(), bytes).unwrap();
            let stderr = gives(&sandbox, &vectors);
            // A file cut within its last page is a sound database, but for the vector at the end of that page.
            let one = how == "cut within a page" && stderr.starts_with("warning: 1 damaged entry ");
            let all = stderr.starts_with("warning: the vector cache ") && stderr.contains("a new one was begun");
            assert!(one || all, "{how}: {stderr}");
            // The next run finds a sound database, which at once or by then holds everything.
            gives(&sandbox, &vectors);
            assert_eq!(gives(&sandbox, &vectors), "", "{how}");
            assert_eq!(sandbox.kept(), 200, "{how}");
        }
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_warm_run_needs_neither_model_nor_library() {
        let sandbox = Sandbox::with_shipped_routes();
        let prompt = "Write a binary search in Rust";
        let first = sandbox
            .with_model("classify --format json")
            .arg(prompt)
            .output()
            .unwrap();
        assert!(embedded(&stderr_of(&first, 0)).is_some());
        let elsewhere = "classify --format json --model-dir /nonexistent/model --onnxruntime /nonexistent/library.so";
        for arguments in ["classify --format json", elsewhere] {
            let warm = sandbox.routecal(arguments).arg(prompt).output().unwrap();
            assert_eq!(stderr_of(&warm, 0), "");
            assert!(warm.stdout == first.stdout);
            // What is not kept does need them.
            ends_with(3, sandbox.routecal(arguments).arg("Write a heap sort in Rust"));
        }
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_killed_run_is_completed_by_the_next() {
        let (sandbox, vectors) = prepared(4000, 150);
        let mut before = 0;
        for _ in 0..3 {
            let mut child = sandbox.process(EMBED).arg("--threads=1").spawn().unwrap();
            wait_for_kept(&sandbox, &mut child, before + 1);
            // SIGKILL on Unix: no handler runs, nothing is flushed.
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            assert!(!output.status.success(), "it should not have been done yet");
            assert!(!sandbox.path("vectors.parquet").exists());
            before = sandbox.kept();
            assert!(before < 4000);
        }
        let stderr = gives(&sandbox, &vectors);
        assert!(!stderr.contains("warning"), "{stderr}");
        assert_eq!(embedded(&stderr), Some((4000 - before, 4000)));
        assert_eq!(sandbox.kept(), 4000);
        assert_eq!(gives(&sandbox, &vectors), "");
        // No temporary file is left beside the results.
        let names: Vec<_> = std::fs::read_dir(sandbox.path("."))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 3, "{names:?}");
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn processes_at_once_share_one_cache() {
        for (processes, rows, words) in [(2, 2000, 20), (4, 2000, 20), (4, 3, 3), (4, 3, 3), (4, 3, 3), (8, 3, 3)] {
            let (sandbox, vectors) = prepared(rows, words);
            for stderr in at_once(&sandbox, processes, &vectors) {
                assert!(!stderr.contains("warning"), "{processes} processes: {stderr}");
            }
            assert_eq!(sandbox.kept(), rows);
            assert_eq!(gives(&sandbox, &vectors), "");
        }
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn processes_at_once_on_a_damaged_cache_all_succeed() {
        for _ in 0..3 {
            let (sandbox, vectors) = prepared(500, 10);
            gives(&sandbox, &vectors);
            std::fs::write(sandbox.database(), vec![7; 50_000]).unwrap();
            let ended = at_once(&sandbox, 4, &vectors);
            // One moves it aside; the others find the new one.
            let warnings: Vec<&str> = ended
                .iter()
                .flat_map(|stderr| stderr.lines())
                .filter(|line| line.starts_with("warning"))
                .collect();
            assert!(
                matches!(warnings[..], [one] if one.contains("a new one was begun")),
                "{ended:?}"
            );
            assert_eq!(gives(&sandbox, &vectors), "");
            assert_eq!(sandbox.kept(), 500);
        }
    }
}
