//! Commands that write where nothing can be written: a disk that is full at any write, a file system that is read-only. A clear error, and
//! every file the old or the new.

#![cfg(unix)]

use crate::fault_kit::{kept, put, sandbox, with_small_disk};
use crate::replay_kit::{COLLECT, Chat, bench, both, by_cell, completion, ends, online, records};
use crate::support::Sandbox;

/// Commands that write.
const COMMANDS: [&str; 14] = [
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
];

/// What they read.
fn with_files() -> Sandbox {
    let sandbox = sandbox();
    let router = "routes:\n- {name: coding, utterances: [a, b], score_threshold: 0.1}\n";
    sandbox.write("router.yaml", router);
    sandbox.write(
        "intents.csv",
        format!("text,intent\n{}", "a prompt of some length,coding\n".repeat(100)),
    );
    sandbox
}

#[cfg(target_os = "linux")]
mod read_only {
    use super::*;
    use crate::fault_kit::{after, run_ok};
    use crate::support::{Run, finish};

    /// Runs a command to its end in a world of its own, in which everything of the sandbox is read-only; `None` where this machine lets nobody
    /// make such a world.
    fn mounted(sandbox: &Sandbox, command: &std::process::Command) -> Option<Run> {
        let root = sandbox.root().display();
        let mount = format!("mount --bind {root} {root} && mount -o remount,bind,ro {root} && cd \"$PWD\"");
        let inner = after(&mount, command);
        let mut outer = std::process::Command::new("unshare");
        outer
            .args(["--user", "--map-root-user", "--mount"])
            .arg(inner.get_program())
            .args(inner.get_args())
            .env_clear();
        outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = inner.get_current_dir() {
            outer.current_dir(folder);
        }
        let run = finish(&mut assert_cmd::Command::from_std(outer));
        let cannot = ["unshare: ", "mount: "].iter().any(|by| run.stderr.starts_with(by));
        (!cannot).then_some(run)
    }

    #[test]
    #[ignore = "needs unshare and leave to mount; .ci/run runs it"]
    fn every_command_says_what_it_cannot_write() {
        let sandbox = with_files();
        // What an earlier run left.
        run_ok(&sandbox, "eval prompts.csv --quiet --resamples 20");
        run_ok(&sandbox, "check prompts.csv --update-baseline --quiet");
        let before = sandbox.tree();
        for command in COMMANDS {
            let run = mounted(&sandbox, &sandbox.process(command)).expect("a read-only world can be made");
            assert_eq!(run.code, 3, "{command}: {}", run.stderr);
            assert!(
                run.stderr.contains("error: cannot write") || run.stderr.contains("error: cannot create"),
                "{command}: {}",
                run.stderr
            );
            assert!(run.stderr.contains("hint: "), "{command}: {}", run.stderr);
            assert!(sandbox.tree() == before, "{command}");
        }
        // A command that writes nothing needs no place for it; the cache is told of and done without.
        let answer = run_ok(&sandbox, "classify rust --no-cache").stdout;
        let run = mounted(&sandbox, &sandbox.process("classify rust")).expect("a read-only world can be made");
        assert_eq!((run.code, run.stdout), (0, answer), "{}", run.stderr);
        let models = Chat::new(answer_never);
        let sandbox = bench(4);
        both(&sandbox, &models.base_url(), "");
        let run = mounted(&sandbox, &online(&sandbox, COLLECT)).expect("a read-only world can be made");
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(run.stderr.contains("error: cannot write run"), "{}", run.stderr);
        assert_eq!(models.count(), 0, "asked, and no place for the answer");
    }

    fn answer_never(_: &wiremock::Request) -> wiremock::ResponseTemplate {
        panic!("nothing is asked")
    }
}

mod slow {
    use super::*;

    /// What was answered and could not be kept is known to have been asked; nothing that was kept is lost, and a run with room completes.
    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_replay_on_a_full_disk_goes_on_when_there_is_room() {
        const PROMPTS: usize = 12;
        let (mut stopped, mut places) = (0, std::collections::BTreeSet::new());
        for kib in [0, 1, 2, 4, 8, 16] {
            // Longer than what is written down before a call: here it is the answer that finds no room.
            let chat = Chat::new(|_: &wiremock::Request| completion(&"word ".repeat(200)));
            let sandbox = bench(PROMPTS);
            both(&sandbox, &chat.base_url(), "concurrency = 2");
            let run = with_small_disk(kib, &online(&sandbox, COLLECT));
            if run.code != 0 {
                assert_eq!(run.code, 3, "{kib} KiB: {}", run.stderr);
                let place = run.stderr.split("error: cannot write ").nth(1).expect("a place");
                places.insert(place.split(':').next().expect("a path").to_owned());
                assert!(run.stderr.contains("hint: "), "{}", run.stderr);
                stopped += 1;
            }
            let kept = std::fs::read(sandbox.path("run/responses.jsonl")).unwrap_or_default();
            assert!(kept.is_empty() || kept.ends_with(b"\n"), "{kib} KiB: a torn line");
            ends(0, &sandbox, &format!("{COLLECT} --retry-unknown"));
            let bytes = std::fs::read(sandbox.path("run/responses.jsonl")).expect("a ledger");
            assert!(bytes.starts_with(&kept), "{kib} KiB: what was kept is lost");
            let records = records(&sandbox);
            assert_eq!(by_cell(&records).len(), 2 * PROMPTS);
            // Whatever was asked is written down, answered or not.
            assert!(records.len() >= chat.count(), "{kib} KiB");
        }
        println!("{stopped} of 6 replays stopped at {places:?}");
        assert!(
            stopped >= 4 && places.contains("run/responses.jsonl"),
            "{stopped}: {places:?}"
        );
    }

    /// Sizes in KiB above which no file may grow, so that one write after another is the one that fails.
    const LIMITS: [u32; 10] = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256];

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_disk_that_is_full_at_any_write_leaves_each_file_old_or_new() {
        let sandbox = with_files();
        let mut failed = 0;
        for command in COMMANDS {
            let command = format!("{command} --quiet");
            let arguments = format!("{command} --no-cache");
            let old = kept(sandbox.tree());
            let whole = sandbox.run(arguments.split(' '));
            assert!(matches!(whole.code, 0 | 1 | 4), "{command}: {}", whole.stderr);
            let new = kept(sandbox.tree());
            for kib in LIMITS {
                for name in new.keys().filter(|name| !old.contains_key(*name)) {
                    let _ = std::fs::remove_file(sandbox.path(name.trim_start_matches("work/")));
                }
                put(&sandbox, &old);
                let run = with_small_disk(kib, &sandbox.process(&arguments));
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
}
