//! Programs that are killed at any moment: everything is the old or the new, and a rerun completes and loses nothing.
//!
//! Moments are drawn by `ROUTECAL_FAULT_SEED` (printed; 0 unless set), so that a failure can be repeated.

#![cfg(unix)]
#![expect(
    clippy::print_stdout,
    reason = "how many kills there were, and with which seed, is what a reader of CI looks for"
)]

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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

mod slow {
    use super::*;
    use crate::fault_kit::{Draws, kept, put, run_ok, sandbox};
    use crate::replay_kit::{COLLECT, Cell, Chat, answer, bench, both, by_cell, online, records, run};
    use crate::support::Sandbox;

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
        let chat = || Chat::new(|request: &wiremock::Request| answer(request).set_delay(Duration::from_millis(20)));
        let at = |chat: &Chat| {
            let sandbox = bench(PROMPTS);
            both(&sandbox, &chat.base_url(), "concurrency = 4");
            sandbox
        };
        let first = chat();
        let took = undisturbed(online(&at(&first), COLLECT));
        let mut draws = Draws::new(4);
        let (mut kills, mut rounds, mut in_flight) = (0, 0, 0);
        while kills < KILLS {
            rounds += 1;
            assert!(rounds < 2 * KILLS, "it ends before it can be killed");
            let chat = chat();
            let sandbox = at(&chat);
            let mut known: Vec<u8> = Vec::new();
            for _ in 0..6 {
                kills += usize::from(killed_after(online(&sandbox, COLLECT), draws.moment(took / 2)));
                let bytes = std::fs::read(sandbox.path("run/responses.jsonl")).unwrap_or_default();
                assert!(bytes.starts_with(&known), "an answer that was kept is lost");
                let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                known = bytes[..whole].to_vec();
            }
            // What was in flight may have been billed: it is not asked again.
            let done = run(&sandbox, COLLECT);
            assert!(matches!(done.code, 0 | 5), "{}", done.stderr);
            let asked = counted(chat.cells());
            for (cell, times) in &asked {
                assert_eq!(*times, 1, "{cell:?}: asked again, and billed again");
            }
            let written = records(&sandbox);
            let written = by_cell(&written);
            assert_eq!(written.len(), 2 * PROMPTS);
            assert!(
                asked.keys().all(|cell| written.contains_key(cell)),
                "asked, and not known of"
            );
            in_flight += written.len() - written.values().flatten().filter(|r| r["status"] == "ok").count();
            // Unless that is wanted.
            let done = run(&sandbox, &format!("{COLLECT} --retry-unknown"));
            assert_eq!(done.code, 0, "{}", done.stderr);
            let (asked, written) = (counted(chat.cells()), records(&sandbox));
            for (cell, all) in by_cell(&written) {
                let answers = all.iter().filter(|record| record["status"] == "ok").count();
                assert_eq!(answers, 1, "{cell:?}: {all:?}");
                assert!(
                    asked[&cell] <= all.len(),
                    "{cell:?}: asked more often than is written down"
                );
            }
        }
        println!(
            "replay collect: {kills} kills in {rounds} runs of {took:?} that were completed afterwards; {in_flight} calls were in flight"
        );
    }

    /// How often each occurs.
    fn counted(cells: Vec<Cell>) -> BTreeMap<Cell, usize> {
        let mut counts = BTreeMap::new();
        for cell in cells {
            *counts.entry(cell).or_default() += 1;
        }
        counts
    }
}
