//! `replay collect --batch submit|poll` against a provider's Batch API that is made here, and against llmock's.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::batch_provider::{CALL_USD, CALLS, KEY, Provider, answer, close, collect, cut, lines, sandbox, submitted};
use crate::support::number;

#[test]
fn what_is_submitted_is_answered_once_at_half_the_price() {
    let provider = Provider::new();
    let sandbox = sandbox(&provider.base_url());
    let dry = |more: &str| {
        collect(&sandbox, &format!("--dry-run --format json {more}"))
            .ok()
            .json()
    };
    let (sync, batch) = (dry(""), dry("--batch submit"));
    close(number(&batch, "worst_usd"), number(&sync, "worst_usd") / 2.0);
    assert!(provider.state().requests.is_empty() && !sandbox.path("run").exists());

    // The server's wish for a pause is granted.
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "0");
    provider.state().faults.push(("POST /files", busy.clone()));
    provider.state().faults.push(("POST /batches", busy));
    let report = submitted(&sandbox);
    assert_eq!(provider.count("POST /files"), 3);
    assert_eq!(provider.count("POST /batches"), 3);
    assert_eq!(report["kind"], "replay_batches");
    assert_eq!(report["batches"][0]["state"], "validating");
    assert_eq!(report["answers"]["total"]["in_batch"], CALLS);
    let reserved = number(&report["answers"], "charged_usd");
    close(reserved, number(&batch, "worst_usd"));
    for (i, model) in ["big", "small"].iter().enumerate() {
        let state = provider.state();
        assert_eq!(state.batches[i]["endpoint"], "/v1/chat/completions");
        assert_eq!(
            state.batches[i]["metadata"]["routecal_submission"],
            report["batches"][i]["submission"]
        );
        for line in state.lines_of(i) {
            assert_eq!(
                (&line["body"]["model"], &line["url"]),
                (&json!(model), &json!("/v1/chat/completions"))
            );
            assert_eq!(line["body"]["max_completion_tokens"], 10);
        }
    }

    provider.state().set(0, "in_progress", 2, 1);
    let poll = collect(&sandbox, "--batch poll");
    assert_eq!(poll.code, 5, "{}", poll.stderr);
    assert!(poll.stdout.contains("in_progress   3/6"), "{}", poll.stdout);
    assert!(
        poll.stderr.contains("12 of 12 answers are missing: 12 are in batches"),
        "{}",
        poll.stderr
    );
    assert!(poll.stderr.contains("--run run --batch poll\n"), "{}", poll.stderr);

    // In another order, with lines that mean nothing here.
    let mut output: Vec<String> = provider.lines_of(0).iter().map(answer).collect();
    output.reverse();
    output.insert(2, "not a line".into());
    output.insert(3, answer(&json!({ "custom_id": "of somebody else" })));
    output.push(output[0].replace("forty-two", "another answer"));
    provider.state().end(0, "completed", &output, &[]);
    provider.state().complete(1);
    let poll = collect(&sandbox, "--batch poll --format json").ok();
    for oddity in [
        "1 lines of its results are no JSON",
        "1 results belong to no call",
        "1 results are a second one",
    ] {
        assert!(
            poll.stderr.contains(&format!("warning: batch_1: {oddity}")),
            "{}",
            poll.stderr
        );
    }
    let report = poll.json();
    let schema = sandbox.run(["schema", "replay-batches"]).ok().json();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&report));
    assert_eq!(report["batches"][0]["state"], "completed");
    assert_eq!(report["answers"]["total"]["answered"], CALLS);
    close(number(&report["answers"], "cost_usd"), CALL_USD * 12.0);
    close(number(&report["answers"], "charged_usd"), CALL_USD * 12.0);
    let records = lines(&sandbox, "responses.jsonl");
    assert_eq!(records.len(), CALLS);
    for record in &records {
        assert_eq!(
            (&record["via"], &record["content"]),
            (&json!("batch"), &json!("forty-two"))
        );
        assert_eq!(
            (&record["latency_ms"], &record["request_id"]),
            (&Value::Null, &json!("req_1"))
        );
        close(number(record, "cost_usd"), CALL_USD);
        close(number(record, "cost_list_usd"), (20.0 + 20.0) / 1e6);
    }

    // Everything is there: nobody is asked, nothing is written.
    let kept = || {
        // It names the last process.
        let mut files = sandbox.files("run");
        files.remove("lock");
        files
    };
    let (files, requests) = (kept(), provider.state().requests.len());
    for more in ["--batch poll", "--batch submit", ""] {
        collect(&sandbox, more).ok();
    }
    assert_eq!(provider.state().requests.len(), requests);
    assert!(files == kept());
}

#[test]
fn calls_in_a_batch_are_nobody_elses_and_count_against_the_budget() {
    let provider = Provider::new();
    let sandbox = sandbox(&provider.base_url());
    let worst = number(
        &collect(&sandbox, "--dry-run --batch submit --format json").json(),
        "worst_usd",
    );
    let half = format!("--batch submit --max-usd {:.6}", worst * 0.55);
    let run = collect(&sandbox, &half);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(
        run.stderr.contains("calls do not fit into the budget"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("--batch submit --max-usd 0.01\n"), "{}", run.stderr);
    let sent = provider.lines_of(0).len() + provider.lines_of(1).len();
    assert!((5..=7).contains(&sent), "{sent}");

    // Nothing more fits: no batch without calls is made.
    assert_eq!(collect(&sandbox, &half).code, 5);
    assert_eq!(provider.state().batches.len(), 2);
    // What is set aside leaves no room for calls at the full price either.
    let run = collect(&sandbox, &format!("--max-usd {:.6}", worst * 0.55));
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(
        run.stderr.contains(&format!("{sent} are in batches (--batch poll")),
        "{}",
        run.stderr
    );
    assert_eq!(provider.count("POST /chat"), 0);
    let dry = collect(&sandbox, "--dry-run --format json").json();
    assert_eq!((&dry["in_batch"], &dry["calls"]), (&json!(sent), &json!(CALLS - sent)));

    // The rest, without the batch: only what is in none is asked.
    let run = collect(&sandbox, "--max-usd 1");
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stderr.contains("--max-usd 1 --batch poll\n"), "{}", run.stderr);
    assert_eq!(provider.count("POST /chat"), CALLS - sent);
    provider.state().complete(0);
    provider.state().complete(1);
    collect(&sandbox, "--batch poll").ok();
    let records = lines(&sandbox, "responses.jsonl");
    let keys: BTreeSet<&str> = records.iter().map(|r| r["key"].as_str().unwrap()).collect();
    assert_eq!((keys.len(), records.len()), (CALLS, CALLS));
}

#[test]
fn what_cannot_be_is_refused_and_costs_one_request() {
    let provider = Provider::new();
    let sandbox = sandbox(&provider.base_url());
    for (more, code, told) in [
        ("--batch submit", 2, "has no budget"),
        (
            "--batch submit --max-usd 1 --offline",
            2,
            "--offline allows no connection",
        ),
        ("--batch poll --offline", 2, "--offline allows no connection"),
        ("--batch poll", 2, "there is no run in run"),
        ("--batch wait", 2, "invalid value 'wait'"),
    ] {
        let run = collect(&sandbox, more);
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(run.stderr.contains(told), "{}", run.stderr);
    }
    assert!(provider.state().requests.is_empty() && !sandbox.path("run").exists());

    let wrong = ResponseTemplate::new(401)
        .set_body_json(json!({ "error": { "message": format!("Bearer {KEY}"), "code": 401 } }));
    provider.state().faults.push(("POST /files", wrong));
    let run = collect(&sandbox, "--batch submit --max-usd 1");
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(
        run.stderr.contains("cannot upload the calls: status 401: Bearer [key]"),
        "{}",
        run.stderr
    );
    assert_eq!(provider.state().requests.len(), 1);
    for (path, status, told) in [
        ("POST /files", 404, "the server has no Batch API"),
        ("POST /batches", 400, "cannot create a batch: status 400"),
    ] {
        provider.state().faults.extend([
            (path, ResponseTemplate::new(status)),
            (path, ResponseTemplate::new(status)),
        ]);
        let run = collect(&sandbox, "--batch submit --max-usd 1");
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(run.stderr.contains(told), "{}", run.stderr);
        let dry = collect(&sandbox, "--dry-run --format json").json();
        assert_eq!((&dry["calls"], &dry["charged_usd"]), (&json!(CALLS), &json!(0.0)));
    }
    // A name that leads elsewhere is none.
    provider.state().faults.push((
        "POST /files",
        ResponseTemplate::new(200).set_body_json(json!({ "id": "../x" })),
    ));
    let run = collect(&sandbox, "--batch submit --max-usd 1");
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("the answer names no file"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_a_provider_takes_its_time_ends_in_order() {
    let provider = Provider::new();
    let sandbox = sandbox(&provider.base_url());
    submitted(&sandbox);
    provider.state().slow = Duration::from_mins(1);
    let mut command =
        sandbox.process("replay collect prompts.csv --limit 6 --models models.toml --run run --batch poll");
    let child = command
        .env_remove("ROUTECAL_OFFLINE")
        .env("CANARY", KEY)
        .spawn()
        .unwrap();
    while provider.count("GET /batches/") == 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let kill = format!("kill -INT {}", child.id());
    assert!(
        std::process::Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(told.contains("interrupted with 0 of 12 answers"), "{told}");
    assert_eq!(lines(&sandbox, "batches.jsonl").len(), 4);
}

/// With the server that `tests/servers/with_servers.py` starts.
#[test]
#[ignore = "needs llmock: python3 tests/servers/with_servers.py -- cargo test --test it replay_batch:: -- --ignored"]
fn llmock_answers_a_batch() {
    let Some(url) = std::env::var("ROUTECAL_TEST_LLMOCK").ok() else {
        panic!("ROUTECAL_TEST_LLMOCK is not set: run this through tests/servers/with_servers.py");
    };
    let sandbox = sandbox(&format!("{url}/v1"));
    submitted(&sandbox);
    // Killed before the second batch was written down.
    cut(&sandbox, "batches.jsonl", 3);
    let waiting = collect(&sandbox, "--batch poll");
    assert_eq!(waiting.code, 5, "{}", waiting.stderr);
    assert!(waiting.stdout.contains("validating"), "{}", waiting.stdout);
    let mut last = waiting;
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(200));
        last = collect(&sandbox, "--batch poll --format json");
        if last.code != 5 {
            break;
        }
    }
    let report = last.ok().json();
    assert_eq!(report["answers"]["total"]["answered"], CALLS);
    assert_eq!(lines(&sandbox, "batches.jsonl").len(), 6);
    let records = lines(&sandbox, "responses.jsonl");
    assert_eq!(records.len(), CALLS);
    for record in &records {
        let tokens = |of: &str| number(&record["usage"], of);
        close(
            number(record, "cost_usd"),
            (tokens("input") + 4.0 * tokens("output")) / 1e6,
        );
        assert!(
            record["content"].as_str().unwrap().starts_with("Hello! You said:"),
            "{record}"
        );
    }
}
