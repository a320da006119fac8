//! Files that were damaged: refused by name, or without any effect on the answer, and never a panic or unbounded memory.
//!
//! Places are drawn by `ROUTECAL_FAULT_SEED` (printed; 0 unless set), so that a failure can be repeated.

#![cfg(unix)]
#![expect(
    clippy::print_stdout,
    reason = "how many files were damaged and refused is what a reader of CI looks for"
)]

/// Links where the cache keeps its files: followed where they lead to such files, and what they lead to otherwise is left alone.
#[test]
fn links_in_the_cache() {
    use std::os::unix::fs::symlink;

    let sandbox = crate::support::Sandbox::with_data();
    let embed = || {
        sandbox
            .run("embed prompts.csv --encoder hashing -o vectors.parquet".split(' '))
            .ok()
            .stderr
    };
    embed();
    let right = sandbox.read_bytes("vectors.parquet");
    let moved = sandbox.root().join("elsewhere");
    std::fs::rename(sandbox.cache(), &moved).expect("moved");
    symlink(&moved, sandbox.cache()).expect("a link");
    assert!(!embed().contains("warning"), "a cache behind a link is a cache");
    let mut entries = std::fs::read_dir(moved.join("vectors"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let database = entries
        .find(|path| path.extension().is_some_and(|e| e == "sqlite"))
        .expect("a database");
    let letter = "a letter to my aunt\n".repeat(200);
    sandbox.write("precious.txt", &letter);
    for target in [
        sandbox.path("precious.txt"),
        sandbox.path("nowhere"),
        database.clone(),
        sandbox.work(),
    ] {
        for suffix in ["sqlite", "sqlite-wal", "sqlite-shm"] {
            let _ = std::fs::remove_file(database.with_extension(suffix));
        }
        symlink(&target, &database).expect("a link");
        embed();
        assert!(sandbox.read_bytes("vectors.parquet") == right, "{}", target.display());
        assert!(sandbox.read("precious.txt") == letter, "{}", target.display());
    }
}

mod slow {
    use std::process::Command;

    use crate::fault_kit::{Draws, after, run_ok};
    use crate::replay_kit::{COLLECT, Chat, answer, bench, both, ends};
    use crate::support::{Run, Sandbox, finish};

    /// Damaged files of each kind.
    const ROUNDS: usize = 100;

    /// A file that was cut.
    fn cut(whole: &[u8], draws: &mut Draws) -> Vec<u8> {
        whole[..draws.below(whole.len())].to_vec()
    }

    /// A file of which a bit was turned.
    fn turned(whole: &[u8], draws: &mut Draws) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        bytes[draws.below(whole.len())] ^= 1 << draws.below(8);
        bytes
    }

    /// Every third time cut, else with a bit turned.
    fn either(round: usize, whole: &[u8], draws: &mut Draws) -> Vec<u8> {
        if round.is_multiple_of(3) {
            cut(whole, draws)
        } else {
            turned(whole, draws)
        }
    }

    /// Runs a command in 4 GiB of addresses: a file that asks for more is refused, or the test fails.
    fn run(command: &Command) -> Run {
        let run = finish(&mut assert_cmd::Command::from_std(after("ulimit -v 4194304", command)));
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        run
    }

    /// Damages `file` in many ways, runs `command` each time, and holds that it is refused by its name, or that it gives the answer that
    /// it gives of the whole file. Returns how often it was refused.
    fn damaged(
        sandbox: &Sandbox,
        file: &str,
        command: &str,
        stream: u64,
        damage: impl Fn(usize, &[u8], &mut Draws) -> Vec<u8>,
    ) -> usize {
        let mut draws = Draws::new(stream);
        let whole = sandbox.read_bytes(file);
        let process = sandbox.process(command);
        let right = run(&process);
        assert!(matches!(right.code, 0 | 1 | 4), "{command}: {}", right.stderr);
        let mut refused = 0;
        for round in 0..ROUNDS {
            let bytes = damage(round, &whole, &mut draws);
            sandbox.write(file, &bytes);
            let run = run(&process);
            if run.code == 2 || run.code == 3 {
                let name = file.rsplit('/').next().expect("a name");
                assert!(run.stderr.contains(name), "{file}, round {round}: {}", run.stderr);
                refused += 1;
            } else {
                assert_eq!(run.code, right.code, "{file}, round {round}: {}", run.stderr);
                assert_eq!(run.stdout, right.stdout, "{file}, round {round}: another answer");
            }
        }
        sandbox.write(file, &whole);
        assert_eq!(run(&process).stdout, right.stdout);
        println!("{file}: of {ROUNDS} damaged files {refused} are refused by name, the others make no difference");
        refused
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_damaged_router_file_is_refused_or_makes_no_difference() {
        let sandbox = Sandbox::with_data();
        run_ok(&sandbox, "centroids");
        let command = "classify --router reports/router.json --format json --no-cache --quiet rust-loop poem";
        assert!(damaged(&sandbox, "reports/router.json", command, 5, either) > ROUNDS / 2);
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_damaged_baseline_is_refused_or_makes_no_difference() {
        let sandbox = Sandbox::with_data();
        run_ok(&sandbox, "check prompts.csv --update-baseline --quiet --no-cache");
        let baseline = sandbox
            .tree()
            .into_keys()
            .find(|name| name.ends_with("baseline.json"))
            .expect("a baseline");
        let command = "check prompts.csv --format json --no-cache --quiet";
        let file = baseline.trim_start_matches("work/");
        assert!(damaged(&sandbox, file, command, 7, either) > ROUNDS / 2);
    }

    /// Without a checksum another letter of a prompt is another prompt; what is no routes file any more is refused by name.
    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_damaged_routes_file_is_refused_or_another_one() {
        let sandbox = Sandbox::with_data();
        let mut draws = Draws::new(8);
        let whole = sandbox.read_bytes("routes.json");
        let mut refused = 0;
        for round in 0..ROUNDS {
            sandbox.write("routes.json", either(round, &whole, &mut draws));
            let run = run(&sandbox.process("classify --format json --no-cache --quiet rust-loop poem"));
            assert!(matches!(run.code, 0 | 2), "round {round}: {}: {}", run.code, run.stderr);
            assert!(run.code == 0 || run.stderr.contains("routes.json"), "{}", run.stderr);
            refused += usize::from(run.code == 2);
        }
        println!("routes.json: of {ROUNDS} damaged files {refused} are refused by name");
        assert!(refused > ROUNDS / 3, "{refused}");
    }

    /// A vector that was damaged is made anew: the answer is the same, whatever was damaged.
    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_damaged_cache_changes_no_answer() {
        let sandbox = Sandbox::with_data();
        let command = "eval prompts.csv --encoder hashing --resamples 0 --no-plots --format json";
        let right = run_ok(&sandbox, command).stdout;
        // One that ends with all of it in the database, none in the log beside it.
        run_ok(&sandbox, "embed prompts.csv --encoder hashing -o vectors.parquet");
        let vectors = sandbox.cache().join("vectors");
        let database = std::fs::read_dir(&vectors)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .find(|path| path.extension().is_some_and(|e| e == "sqlite"))
            .expect("a database");
        let whole = std::fs::read(&database).expect("a database");
        assert!(whole.len() > 78 * 256 * 4);
        let (mut draws, mut told) = (Draws::new(9), 0);
        for round in 0..ROUNDS {
            for suffix in ["sqlite-wal", "sqlite-shm"] {
                let _ = std::fs::remove_file(database.with_extension(suffix));
            }
            std::fs::write(&database, either(round, &whole, &mut draws)).expect("written");
            let run = run(&sandbox.process(command));
            assert_eq!(run.code, 0, "round {round}: {}", run.stderr);
            assert!(
                run.stdout == right,
                "round {round}: another answer from a damaged cache"
            );
            told += usize::from(run.stderr.contains("warning"));
        }
        println!("cache: of {ROUNDS} damaged ones {told} are told of, none makes a difference");
        assert!(told > ROUNDS / 3, "{told}");
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_damaged_run_is_refused_or_makes_no_difference() {
        let chat = Chat::new(answer);
        let sandbox = bench(20);
        both(&sandbox, &chat.base_url(), "");
        ends(0, &sandbox, COLLECT);
        ends(0, &sandbox, "replay grade --run run --grader contains");
        let analyse = "replay analyse --run run --format json --quiet --resamples 0";
        for (file, stream) in [
            ("responses.jsonl", 10),
            ("prompts.jsonl", 11),
            ("manifest.json", 12),
            ("grades.jsonl", 13),
        ] {
            let file = format!("run/{file}");
            let refused = damaged(&sandbox, &file, analyse, stream, |_, whole, draws| {
                // The end of the last line: without it the line counts as torn, as after a kill.
                loop {
                    let bytes = turned(whole, draws);
                    if bytes.last() == whole.last() {
                        return bytes;
                    }
                }
            });
            assert!(refused > ROUNDS / 2, "{file}: {refused}");
        }
        // Cut lines of files that are written at once.
        for (file, stream) in [("prompts.jsonl", 14), ("manifest.json", 15)] {
            let refused = damaged(&sandbox, &format!("run/{file}"), analyse, stream, |_, whole, draws| {
                cut(whole, draws)
            });
            assert!(refused == ROUNDS, "{file}: {refused}");
        }
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn damaged_parquet_is_refused_or_other_text() {
        let sandbox = Sandbox::with_data();
        run_ok(&sandbox, "embed prompts.csv -o data.parquet --no-cache");
        damage_parquet(&sandbox, &sandbox.read_bytes("data.parquet"), 6);
    }

    /// Columns that are read as Arrow arrays: chats.
    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn damaged_parquet_of_chats_is_refused_or_other_text() {
        damage_parquet(&Sandbox::with_data(), include_bytes!("golden/chats.parquet"), 16);
    }

    fn damage_parquet(sandbox: &Sandbox, whole: &[u8], seed: u64) {
        sandbox.write("data.parquet", whole);
        let command = sandbox.process("eval data.parquet --split all --resamples 0 --no-plots --no-cache --quiet");
        assert_eq!(run(&command).code, 0);
        let mut draws = Draws::new(seed);
        // The last four bytes before the mark at the end are the length of the metadata.
        let (_, end) = whole[..whole.len() - 4]
            .split_last_chunk::<4>()
            .map(|(a, b)| (a, u32::from_le_bytes(*b) as usize))
            .expect("a length");
        let metadata = whole.len() - 8 - end;
        let mut refused = 0;
        for round in 0..3 * ROUNDS {
            let bytes = match round % 3 {
                0 => cut(whole, &mut draws),
                1 => turned(whole, &mut draws),
                // Absurd numbers of rows, pages and bytes: nine bytes of the metadata are the longest number that there is.
                _ => {
                    let mut bytes = whole.to_vec();
                    let at = metadata + draws.below(end - 9);
                    bytes[at..at + 8].fill(0xff);
                    bytes[at + 8] = 0x7f;
                    bytes
                }
            };
            sandbox.write("data.parquet", &bytes);
            // Parquet has no checksum that all writers keep: a changed byte of a text is another text.
            let run = run(&command);
            assert!(matches!(run.code, 0 | 2), "round {round}: {}: {}", run.code, run.stderr);
            assert!(
                run.code == 0 || run.stderr.contains("data.parquet"),
                "round {round}: {}",
                run.stderr
            );
            refused += usize::from(run.code == 2);
        }
        println!(
            "data.parquet: of {} damaged files {refused} are refused by name",
            3 * ROUNDS
        );
        assert!(refused > ROUNDS, "{refused}");
    }
}
