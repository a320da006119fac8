//! Programs that are killed at any moment, and files that were damaged: everything is the old or the new, a rerun completes and
//! loses nothing, and what is damaged is refused by name or makes no difference.
//!
//! Moments and places are drawn by `ROUTECAL_FAULT_SEED` (printed; 0 unless set), so that a failure can be repeated.

#![cfg(unix)]
#![expect(
    clippy::print_stdout,
    reason = "how many kills there were, and with which seed, is what a reader of CI looks for"
)]

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Numbers that follow from a seed.
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(stream: u64) -> Self {
        let seed = std::env::var("ROUTECAL_FAULT_SEED").map_or(0, |seed| seed.parse().expect("a number"));
        println!("ROUTECAL_FAULT_SEED={seed}");
        Self(seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// `SplitMix64` (Steele, Lea & Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    /// Some moment of so long a time.
    fn moment(&mut self, of: Duration) -> Duration {
        of.mul_f64(f64::from(u32::try_from(self.next() >> 32).expect("32 bits")) / f64::from(u32::MAX))
    }
}

/// Starts a program and kills it after so long, unless it has ended: whether it was killed.
fn killed_after(mut command: Command, moment: Duration) -> bool {
    // Nobody reads while it runs; a pipe that is full would hold it up.
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    std::thread::sleep(moment);
    // One that has ended already cannot be killed.
    let _ = child.kill();
    child.wait().expect("it ends").signal() == Some(9)
}

/// How long a program takes that nobody kills.
fn undisturbed(mut command: Command) -> Duration {
    let started = Instant::now();
    let status = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("it starts");
    assert!(status.success(), "{status}");
    started.elapsed()
}

/// Files by name, without what a killed program could not take away: its temporary files.
fn kept(tree: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let temporary = |name: &str| {
        name.rsplit('/')
            .next()
            .is_some_and(|name| name.starts_with(".routecal-"))
    };
    tree.into_iter()
        .filter(|(name, _)| !temporary(name) && !name.ends_with('/'))
        .collect()
}

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
    sandbox.write("precious.txt", "a letter to my aunt\n".repeat(200));
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
        assert_eq!(sandbox.read("precious.txt").len(), 20 * 200);
    }
}

mod slow {
    use super::*;
    use crate::disk::with_small_disk;
    use crate::replay_kit::{COLLECT, Chat, answer, bench, both, by_cell, online, records, run};
    use crate::support::{Run, Sandbox, csv_of, prompts};

    /// Kills of each command.
    const KILLS: usize = 60;

    /// From the old files to the new ones by `command`, killed again and again: each file is always one of both, and in the end
    /// the command makes the new ones. Returns how often a file was the old one and how often the new one.
    fn old_or_new(sandbox: &Sandbox, command: &str, prepare: &dyn Fn(), stream: u64) -> (usize, usize) {
        let mut draws = Draws::new(stream);
        prepare();
        let old = kept(sandbox.tree());
        let took = undisturbed(sandbox.process(command));
        let new = kept(sandbox.tree());
        assert_ne!(old, new, "{command} changes nothing");
        let changed: Vec<&String> = new.keys().filter(|name| old.get(*name) != new.get(*name)).collect();
        let (mut kills, mut tries, mut was) = (0, 0, (0, 0));
        while kills < KILLS {
            tries += 1;
            assert!(tries < 20 * KILLS, "{command} ends before it can be killed");
            prepare();
            assert!(kept(sandbox.tree()) == old, "{command}: not what it was");
            kills += usize::from(killed_after(sandbox.process(command), draws.moment(took)));
            let now = kept(sandbox.tree());
            for name in now.keys() {
                let one = [&old, &new].into_iter().any(|state| state.get(name) == now.get(name));
                assert!(one, "{command}: {name} is neither the old nor the new one");
            }
            for name in old.keys() {
                assert!(now.contains_key(name), "{command}: {name} is lost");
            }
            for name in &changed {
                if now.get(*name) == new.get(*name) {
                    was.1 += 1;
                } else {
                    was.0 += 1;
                }
            }
            // What the killed program left beside them does not bother the next one.
            if tries % 10 == 0 {
                prepare();
                undisturbed(sandbox.process(command));
                assert!(kept(sandbox.tree()) == new, "{command}: other files from the same ones");
            }
        }
        println!(
            "{command}: {kills} kills in {tries} runs of {took:?}; files found old {}, new {}",
            was.0, was.1
        );
        was
    }

    /// Sizes in KiB above which no file may grow, so that one write after another is the one that fails.
    const LIMITS: [u32; 10] = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256];

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_disk_that_is_full_at_any_write_leaves_each_file_old_or_new() {
        let sandbox = sandbox();
        let router = "routes:\n- {name: coding, utterances: [a, b], score_threshold: 0.1}\n";
        sandbox.write("router.yaml", router);
        sandbox.write(
            "intents.csv",
            format!("text,intent\n{}", "a prompt of some length,coding\n".repeat(100)),
        );
        let mut failed = 0;
        for command in [
            "eval prompts.csv --resamples 20",
            "calibrate prompts.csv --resamples 20 --write",
            "centroids",
            "embed prompts.csv -o vectors.parquet",
            "check prompts.csv --update-baseline",
            "check prompts.csv --threshold 0.9",
            "lint prompts.csv --sarif lint.sarif",
            "compare-encoders prompts.csv --resamples 20",
            "learn-curve prompts.csv",
            "improve prompts.csv",
            "import routes router.yaml -o imported.json --overwrite",
            "import dataset intents.csv -o imported.csv --overwrite",
            "export new.yaml --to redisvl",
            "man --all man",
        ] {
            let command = format!("{command} --quiet");
            let arguments: Vec<&str> = command.split(' ').chain(["--no-cache"]).collect();
            let old = kept(sandbox.tree());
            let whole = sandbox.run(arguments.iter().copied());
            assert!(matches!(whole.code, 0 | 1 | 4), "{command}: {}", whole.stderr);
            let new = kept(sandbox.tree());
            for kib in LIMITS {
                for name in new.keys().filter(|name| !old.contains_key(*name)) {
                    let _ = std::fs::remove_file(sandbox.path(name.trim_start_matches("work/")));
                }
                put(&sandbox, &old);
                let run = with_small_disk(&sandbox, kib, &arguments);
                let now = sandbox.tree();
                if run.code != whole.code {
                    assert_eq!(run.code, 3, "{command}, {kib} KiB: {}", run.stderr);
                    assert!(
                        run.stderr.contains("cannot write") || run.stderr.contains("cannot create"),
                        "{}",
                        run.stderr
                    );
                    failed += 1;
                }
                for (name, bytes) in now.iter().filter(|(name, _)| !name.ends_with('/')) {
                    let one = [&old, &new].into_iter().any(|state| state.get(name) == Some(bytes));
                    assert!(one, "{command}, {kib} KiB: {name} is neither the old nor the new one");
                }
                assert!(
                    old.keys().all(|name| now.contains_key(name)),
                    "{command}, {kib} KiB: a file is lost"
                );
            }
            put(&sandbox, &old);
        }
        println!("{failed} runs ended at a write that the disk had no room for");
        assert!(failed > 40, "{failed}");
    }

    fn sandbox() -> Sandbox {
        let sandbox = Sandbox::with_data();
        let mut data = prompts();
        for copy in 0..6 {
            data.extend(prompts().into_iter().map(|mut prompt| {
                prompt[0] = format!("{} {copy}", prompt[0]);
                prompt
            }));
        }
        sandbox.write("prompts.csv", csv_of(&data));
        sandbox
    }

    fn put(sandbox: &Sandbox, files: &BTreeMap<String, Vec<u8>>) {
        for (name, bytes) in files {
            sandbox.write(name.trim_start_matches("work/"), bytes);
        }
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_killed_calibration_leaves_each_file_old_or_new() {
        let sandbox = sandbox();
        let command = "calibrate prompts.csv --resamples 200 --no-plots --quiet --no-cache";
        run_ok(&sandbox, &format!("{command} --goal max-coverage --risk 0.2 --write"));
        let before: BTreeMap<_, _> = kept(sandbox.tree());
        let was = old_or_new(&sandbox, &format!("{command} --write"), &|| put(&sandbox, &before), 1);
        assert!(was.0 > 0, "{was:?}");
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_killed_update_leaves_the_old_or_the_new_baseline() {
        let sandbox = sandbox();
        let command = "check prompts.csv --update-baseline --quiet --no-cache";
        run_ok(&sandbox, &format!("{command} --threshold 0.1"));
        let before = kept(sandbox.tree());
        let was = old_or_new(&sandbox, command, &|| put(&sandbox, &before), 2);
        assert!(was.0 > 0, "{was:?}");
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn killed_embedding_leaves_the_old_or_the_new_vectors_and_a_clean_cache() {
        let sandbox = sandbox();
        let mut draws = Draws::new(3);
        let command = "embed prompts.csv --encoder hashing -o vectors.parquet";
        let took = undisturbed(sandbox.process(command));
        let new = sandbox.read_bytes("vectors.parquet");
        let (mut kills, mut tries, mut found) = (0, 0, [0, 0]);
        while kills < KILLS {
            tries += 1;
            assert!(tries < 20 * KILLS, "it ends before it can be killed");
            // A cache that is made, one that is half full, one that is full.
            if tries % 3 == 0 {
                std::fs::remove_dir_all(sandbox.cache()).expect("a cache");
            }
            sandbox.write("vectors.parquet", "old");
            kills += usize::from(killed_after(sandbox.process(command), draws.moment(took)));
            let now = sandbox.read_bytes("vectors.parquet");
            assert!(now == b"old" || now == new, "neither the old nor the new vectors");
            found[usize::from(now == new)] += 1;
            let again = run_ok(&sandbox, command);
            // A damaged cache would be told of.
            assert!(!again.stderr.contains("warning"), "{}", again.stderr);
            assert!(
                sandbox.read_bytes("vectors.parquet") == new,
                "other vectors from that cache"
            );
        }
        println!(
            "{command}: {kills} kills in {tries} runs of {took:?}; old {}, new {}",
            found[0], found[1]
        );
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_killed_replay_loses_no_answer_and_asks_for_none_twice() {
        const PROMPTS: usize = 40;
        let mut draws = Draws::new(4);
        let (mut kills, mut rounds) = (0, 0);
        while kills < KILLS {
            rounds += 1;
            assert!(rounds < 2 * KILLS, "it ends before it can be killed");
            let chat = Chat::new(|request: &wiremock::Request| answer(request).set_delay(Duration::from_millis(20)));
            let sandbox = bench(PROMPTS);
            both(&sandbox, &chat.base_url(), "concurrency = 4");
            let mut known: Vec<u8> = Vec::new();
            for _ in 0..6 {
                let moment = draws.moment(Duration::from_millis(400));
                kills += usize::from(killed_after(online(&sandbox, COLLECT), moment));
                let bytes = std::fs::read(sandbox.path("run/responses.jsonl")).unwrap_or_default();
                assert!(bytes.starts_with(&known), "an answer that was kept is lost");
                let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                known = bytes[..whole].to_vec();
            }
            // What was in flight may have been billed, and is asked again only where that is wanted.
            let done = run(&sandbox, &format!("{COLLECT} --retry-unknown"));
            assert_eq!(done.code, 0, "{}", done.stderr);
            let records = records(&sandbox);
            for (cell, all) in by_cell(&records) {
                let answers = all.iter().filter(|record| record["status"] == "ok").count();
                assert_eq!(answers, 1, "{cell:?}: {all:?}");
            }
            assert_eq!(by_cell(&records).len(), 2 * PROMPTS);
        }
        println!("replay collect: {kills} kills in {rounds} runs that were completed afterwards");
    }

    fn run_ok(sandbox: &Sandbox, command: &str) -> Run {
        sandbox.run(command.split(' ')).ok()
    }

    /// Every third time cut, else with a bit turned.
    fn damage(whole: &[u8], round: usize, draws: &mut Draws) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        let place = draws.below(whole.len());
        if round.is_multiple_of(3) {
            bytes.truncate(place);
        } else {
            bytes[place] ^= 1 << draws.below(8);
        }
        bytes
    }

    /// Damages `file` in many ways, runs `command` each time, and holds that it is refused by its name, or gives the answer that it
    /// gives of the whole file.
    fn damaged(sandbox: &Sandbox, file: &str, command: &str, stream: u64) -> usize {
        let mut draws = Draws::new(stream);
        let whole = sandbox.read_bytes(file);
        let right = run_ok(sandbox, command).stdout;
        let mut refused = 0;
        for round in 0..60 {
            let bytes = damage(&whole, round, &mut draws);
            sandbox.write(file, &bytes);
            let run = sandbox.run(command.split(' '));
            assert!(
                !run.stderr.contains("panicked"),
                "{file}, round {round}: {}",
                run.stderr
            );
            match run.code {
                0 | 1 | 4 => assert_eq!(
                    run.stdout, right,
                    "{file}, round {round}: another answer from a damaged file"
                ),
                2 | 3 => {
                    let name = file.rsplit('/').next().expect("a name");
                    assert!(run.stderr.contains(name), "{file}, round {round}: {}", run.stderr);
                    refused += 1;
                }
                code => panic!("{file}, round {round}: exit code {code}: {}", run.stderr),
            }
        }
        sandbox.write(file, &whole);
        assert_eq!(run_ok(sandbox, command).stdout, right);
        println!("{file}: of 60 damaged files {refused} are refused by name, the others make no difference");
        refused
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_damaged_router_file_is_refused_or_makes_no_difference() {
        let sandbox = Sandbox::with_data();
        run_ok(&sandbox, "centroids");
        let command = "classify --router reports/router.json --format json --no-cache --quiet rust-loop poem";
        assert!(damaged(&sandbox, "reports/router.json", command, 5) > 0);
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn damaged_parquet_is_refused_or_makes_no_difference() {
        let sandbox = Sandbox::with_data();
        run_ok(&sandbox, "embed prompts.csv -o data.parquet --no-cache");
        sandbox
            .run("eval data.parquet --split all --resamples 0 --no-plots --no-cache --quiet".split(' '))
            .ok();
        let mut draws = Draws::new(6);
        let whole = sandbox.read_bytes("data.parquet");
        let mut refused = 0;
        for round in 0..90 {
            let bytes = damage(&whole, round, &mut draws);
            sandbox.write("data.parquet", &bytes);
            let run =
                sandbox.run("eval data.parquet --split all --resamples 0 --no-plots --no-cache --quiet".split(' '));
            // Parquet has no checksum that all writers keep: a changed byte of a text is another text.
            assert!(matches!(run.code, 0 | 2), "round {round}: {}: {}", run.code, run.stderr);
            assert!(!run.stderr.contains("panicked"), "round {round}: {}", run.stderr);
            refused += usize::from(run.code == 2);
        }
        println!("data.parquet: of 90 damaged files {refused} are refused");
        assert!(refused > 30, "{refused}");
    }
}
