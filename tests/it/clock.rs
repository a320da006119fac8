//! A clock that jumps by years while a command runs: what is waited for is waited for as long, and what is written is the same.
//!
//! `ROUTECAL_LIBFAKETIME` is the path of libfaketime.so.1 (Debian: apt install faketime), which says another time to the program.

#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::replay_kit::{COLLECT, Chat, both, by_cell, first, online, records};
use crate::support::{Sandbox, finish};

/// The clock of a program: what is written into the file it shows from then on.
struct Clock(PathBuf);

impl Clock {
    fn given_to(command: &mut Command, sandbox: &Sandbox) -> Self {
        let library =
            std::env::var_os("ROUTECAL_LIBFAKETIME").expect("ROUTECAL_LIBFAKETIME: the path of libfaketime.so.1");
        assert!(PathBuf::from(&library).exists(), "{}", library.display());
        let clock = Self(sandbox.root().join("clock"));
        clock.show("+0");
        command
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", &clock.0)
            .env("FAKETIME_NO_CACHE", "1")
            // A clock that is set does not move this one.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        clock
    }

    fn show(&self, time: &str) {
        // In one step: the program reads it whenever it asks for the time.
        let new = self.0.with_extension("new");
        std::fs::write(&new, time).expect("written");
        std::fs::rename(new, &self.0).expect("put in place");
    }
}

#[test]
#[ignore = "needs libfaketime; .ci/run runs it"]
fn the_clock_is_another_one() {
    let sandbox = Sandbox::with_data();
    let mut date = sandbox.process_of("date");
    let clock = Clock::given_to(&mut date, &sandbox);
    clock.show("@2099-01-01 00:00:00");
    let shown = finish(assert_cmd::Command::from_std(date).arg("+%Y"));
    assert_eq!(shown.stdout, "2099\n", "{}", shown.stderr);
}

#[test]
#[ignore = "needs libfaketime; .ci/run runs it"]
fn results_are_the_same_in_another_year() {
    let sandbox = Sandbox::with_data();
    let mut trees = Vec::new();
    for time in [None, Some("@1971-01-01 00:00:00"), Some("@2099-12-31 23:59:59")] {
        let mut command = sandbox.process("calibrate prompts.csv --resamples 20 --quiet");
        if let Some(time) = time {
            Clock::given_to(&mut command, &sandbox).show(time);
        }
        let run = finish(&mut assert_cmd::Command::from_std(command));
        assert_eq!(run.code, 0, "{}", run.stderr);
        trees.push(
            sandbox
                .tree()
                .into_iter()
                .filter(|(name, _)| name.contains("reports/"))
                .collect::<Vec<_>>(),
        );
    }
    assert!(trees[0].len() > 5 && trees[1] == trees[0] && trees[2] == trees[0]);
}

#[test]
#[ignore = "needs libfaketime; .ci/run runs it"]
fn a_replay_waits_no_longer_and_asks_nothing_twice() {
    const PROMPTS: usize = 10;
    let busy = || {
        wiremock::ResponseTemplate::new(429)
            .insert_header("retry-after", "1")
            .set_body_json(serde_json::json!({ "error": { "message": "busy" } }))
    };
    let chat = Chat::new(first(vec![busy(), busy()]));
    let sandbox = crate::replay_kit::bench(PROMPTS);
    both(&sandbox, &chat.base_url(), "concurrency = 2\nrpm = 600");
    let mut command = online(&sandbox, COLLECT);
    let clock = Clock::given_to(&mut command, &sandbox);
    let mut child = command.spawn().expect("it starts");
    let begun = Instant::now();
    let mut jumps = 0;
    let status = loop {
        for time in ["+3650d", "-3650d", "+0"] {
            clock.show(time);
            jumps += 1;
            std::thread::sleep(Duration::from_millis(50));
        }
        if let Some(status) = child.try_wait().expect("it runs") {
            break status;
        }
        if begun.elapsed() > Duration::from_mins(2) {
            let _ = child.kill();
            panic!("it waits for another year");
        }
    };
    assert!(status.success() && jumps > 9, "{status}, {jumps} jumps");
    let records = records(&sandbox);
    let cells = by_cell(&records);
    assert_eq!(cells.len(), 2 * PROMPTS);
    for (cell, all) in cells {
        assert_eq!(all.iter().filter(|r| r["status"] == "ok").count(), 1, "{cell:?}");
        let latency = all.iter().filter_map(|r| r["latency_ms"].as_f64());
        assert!(latency.into_iter().all(|ms| (0.0..120_000.0).contains(&ms)), "{cell:?}");
    }
    assert_eq!(chat.count(), 2 * PROMPTS + 2);
}
