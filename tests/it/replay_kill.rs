//! Runs that are killed, interrupted or shared, and go on: nothing that was answered is asked twice, no line is lost, what
//! may have been billed is known.

#![cfg(unix)]
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use wiremock::Request;

use crate::interrupt::signal;
use crate::replay_kit::{
    ANSWER_USD, COLLECT, Cell, Chat, answer, bench, both, by_cell, cell, charged, counts, ends, killed, online, pasted,
    records, resume_command, wait_until,
};
use crate::support::Sandbox;

/// A server that answers slowly from a request on, so that requests are in flight for sure.
fn slow_from(from: &Arc<AtomicUsize>, pause: Duration) -> Chat {
    let (from, seen) = (Arc::clone(from), AtomicUsize::new(0));
    Chat::new(move |request: &Request| {
        let number = seen.fetch_add(1, Ordering::SeqCst);
        let pause = if number >= from.load(Ordering::SeqCst) {
            pause
        } else {
            Duration::ZERO
        };
        answer(request).set_delay(pause)
    })
}

fn cells_of(records: &[Value], status: &str) -> BTreeSet<Cell> {
    records.iter().filter(|r| r["status"] == status).map(cell).collect()
}

fn whole_lines(sandbox: &Sandbox) -> Vec<u8> {
    let mut bytes = sandbox.read_bytes("run/responses.jsonl");
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    bytes.truncate(whole);
    bytes
}

/// One works, the others are told who; together they ask for each answer once.
#[test]
fn eight_processes_at_once_ask_for_nothing_twice() {
    const PROMPTS: usize = 10;
    let chat = Chat::new(|request: &Request| answer(request).set_delay(Duration::from_millis(30)));
    let sandbox = bench(PROMPTS);
    both(&sandbox, &chat.base_url(), "concurrency = 2");
    let all: Vec<std::process::Child> = (0..8).map(|_| online(&sandbox, COLLECT).spawn().unwrap()).collect();
    let mut done = 0;
    for child in all {
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => done += 1,
            // "process N", or "another process" where it has not written its number down yet.
            Some(3) => assert!(stderr.contains("error: run is in use by "), "{stderr}"),
            code => panic!("{code:?}: {stderr}"),
        }
    }
    assert!(done >= 1);
    assert_eq!(by_cell(&records(&sandbox)).len(), 2 * PROMPTS);
    assert_eq!((chat.count(), records(&sandbox).len()), (2 * PROMPTS, 2 * PROMPTS));
}

#[test]
fn two_processes_do_not_work_on_one_run_and_a_kill_frees_it() {
    let chat = slow_from(&Arc::new(AtomicUsize::new(0)), Duration::from_mins(5));
    let sandbox = bench(2);
    both(&sandbox, &chat.base_url(), "");
    let mut first = online(&sandbox, COLLECT).spawn().unwrap();
    wait_until(&mut first, || chat.count() == 1);
    let holder = format!("error: run is in use by process {}\n", first.id());
    let second = ends(3, &sandbox, COLLECT);
    assert!(second.stderr.contains(&holder), "{}", second.stderr);
    assert!(
        second.stderr.contains("hint: wait until it has ended"),
        "{}",
        second.stderr
    );
    assert_eq!((second.stdout.as_str(), chat.count()), ("", 1));
    // Reading is free.
    ends(5, &sandbox, &format!("{COLLECT} --offline"));
    let dry = ends(0, &sandbox, &format!("{COLLECT} --dry-run --format json")).json();
    assert_eq!(
        dry["calls"], 3,
        "one is on its way and is not asked again without a word"
    );
    killed(first);
    let mut third = online(&sandbox, COLLECT).spawn().unwrap();
    wait_until(&mut third, || chat.count() == 2);
    killed(third);
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_what_was_in_flight_is_known_afterwards() {
    let slow = Arc::new(AtomicUsize::new(4));
    let chat = slow_from(&slow, Duration::from_mins(5));
    let sandbox = bench(10);
    both(&sandbox, &chat.base_url(), "concurrency = 2");
    let mut child = online(&sandbox, COLLECT).spawn().unwrap();
    wait_until(&mut child, || chat.count() >= 5);
    signal(&child, "INT");
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains("Ctrl-C again ends at once") {
        assert!(stderr.read_line(&mut told).unwrap() > 0, "{told}");
    }
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    stderr.read_to_string(&mut told).unwrap();
    // Otherwise it would have waited for half a minute, and said how many answers there are.
    assert!(!told.contains("error: interrupted"), "{told}");
    slow.store(usize::MAX, Ordering::SeqCst);
    let rest = ends(5, &sandbox, COLLECT);
    assert!(
        rest.stderr.contains("on their way when the run was killed"),
        "{}",
        rest.stderr
    );
    pasted(&sandbox, resume_command(&rest.stderr)).ok();
}

mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_run_that_is_killed_again_and_again_pays_for_no_answer_twice_and_loses_none() {
        let slow = Arc::new(AtomicUsize::new(0));
        let chat = slow_from(&slow, Duration::from_mins(5));
        let sandbox = bench(100);
        both(&sandbox, &chat.base_url(), "concurrency = 8");
        let mut known = BTreeSet::new();
        let mut lines = Vec::new();
        for (kill, at) in [0, 30, 80, 120].into_iter().enumerate() {
            let before = chat.count();
            let at = at.max(before);
            slow.store(at, Ordering::SeqCst);
            let mut child = online(&sandbox, COLLECT).spawn().unwrap();
            // The first request to a model goes alone.
            let held = if kill == 0 { 1 } else { 3 };
            wait_until(&mut child, || chat.count() >= at + held);
            let output = killed(child);
            slow.store(usize::MAX, Ordering::SeqCst);
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(
                told.contains("on their way when the run was killed: "),
                kill > 0,
                "{told}"
            );
            assert_eq!(told.contains("the last line was torn (11 bytes"), kill == 3, "{told}");
            let records = records(&sandbox);
            // Those that the kill before has cut off.
            known.extend(cells_of(&records, "budget_unknown"));
            for cell in &chat.cells()[before..] {
                assert!(!known.contains(cell), "{cell:?} was answered, or may have been billed");
            }
            known.extend(cells_of(&records, "ok"));
            assert!(whole_lines(&sandbox).starts_with(&lines), "a line is lost");
            lines = whole_lines(&sandbox);
            // What the server has not held back was answered; at most what was in flight of it is not written down.
            assert!(known.len() + 16 >= at, "{} of {at}", known.len());
            if kill == 2 {
                let file = sandbox.path("run/responses.jsonl");
                std::fs::write(file, [&lines[..], b"{\"v\":1,\"key"].concat()).unwrap();
            }
        }
        let before = chat.count();
        let stopped = ends(5, &sandbox, COLLECT);
        let so_far = records(&sandbox);
        let unknown = cells_of(&so_far, "budget_unknown");
        for cell in &chat.cells()[before..] {
            assert!(!known.contains(cell) && !unknown.contains(cell), "{cell:?}");
        }
        assert!(
            unknown.len() >= 10,
            "1 + 3 × 3 requests at least were held back: {unknown:?}"
        );
        assert_eq!(cells_of(&so_far, "ok").len() + unknown.len(), 200);
        let told = format!(
            "error: {0} of 200 answers are missing: {0} got no answer and may have been billed (--retry-unknown asks again)",
            unknown.len()
        );
        assert!(stopped.stderr.contains(&told), "{}", stopped.stderr);

        // The command that is printed asks for them, and for nothing else.
        let before = chat.count();
        let resume = resume_command(&stopped.stderr);
        assert!(resume.ends_with("--retry-unknown"), "{resume}");
        pasted(&sandbox, resume).ok();
        assert_eq!(chat.cells()[before..].iter().cloned().collect::<BTreeSet<_>>(), unknown);
        assert_eq!(chat.count() - before, unknown.len());

        let all = records(&sandbox);
        assert!(whole_lines(&sandbox).starts_with(&lines));
        assert_eq!(whole_lines(&sandbox), sandbox.read_bytes("run/responses.jsonl"));
        let asked = chat.cells();
        let by_cell = by_cell(&all);
        assert_eq!(by_cell.len(), 200);
        for (cell, records) in &by_cell {
            let requests = asked.iter().filter(|asked| *asked == cell).count();
            assert_eq!(records.iter().filter(|r| r["status"] == "ok").count(), 1, "{cell:?}");
            assert!((1..=records.len()).contains(&requests), "{cell:?}: {requests} requests");
            let attempts: Vec<u64> = records.iter().map(|r| r["attempt"].as_u64().unwrap()).collect();
            assert!(attempts.is_sorted_by(|a, b| a < b), "{attempts:?}");
        }
        // Whatever the server would bill is counted.
        let charged = charged(&all);
        let billed = ANSWER_USD * f64::from(u32::try_from(asked.len()).unwrap());
        assert!(charged + 1e-12 >= billed && charged <= 1.0, "{charged} of {billed}");
        let whole = ends(0, &sandbox, &format!("{COLLECT} --format json")).json();
        assert_eq!(chat.count(), asked.len(), "a complete run asks nobody");
        assert!((whole["charged_usd"].as_f64().unwrap() - charged).abs() < 1e-12);
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn ctrl_c_waits_for_what_is_in_flight_and_the_run_goes_on_later() {
        let slow = Arc::new(AtomicUsize::new(20));
        let chat = slow_from(&slow, Duration::from_secs(1));
        let sandbox = bench(30);
        both(&sandbox, &chat.base_url(), "concurrency = 3");
        let mut child = online(&sandbox, COLLECT).spawn().unwrap();
        wait_until(&mut child, || chat.count() >= 22);
        signal(&child, "INT");
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{told}");
        slow.store(usize::MAX, Ordering::SeqCst);
        let answered = chat.count();
        assert!(answered < 60);
        assert!(
            told.contains(&format!("error: interrupted with {answered} of 60 answers\n")),
            "{told}"
        );
        assert_eq!(
            counts(&records(&sandbox), "status"),
            [("ok".to_owned(), answered)].into()
        );
        let resume = resume_command(&told);
        pasted(&sandbox, resume).ok();
        assert_eq!(chat.count(), 60);
    }
}
