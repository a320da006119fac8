//! How batches end, other than well: crashes, lost answers, time that is up, results that are gone.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::batch_provider::{
    CALL_USD, CALLS, KEY, Provider, answer, close, collect, cut, lines, not_made, sandbox, submitted,
};
use crate::support::{Sandbox, number};

#[test]
fn what_had_expired_is_free_and_what_was_answered_is_charged() {
    let provider = Provider::new();
    let sandbox = sandbox(&provider.base_url());
    submitted(&sandbox);
    let requests = provider.lines_of(0);
    let done: Vec<String> = requests[..2].iter().map(answer).collect();
    // One line more is missing than is there: that call was not made.
    let errors: Vec<String> = requests[3..].iter().map(not_made).collect();
    provider.state().end(0, "expired", &done, &errors);
    provider.state().end(1, "failed", &[], &[]);
    provider.state().batches[1]["errors"] = json!({ "data": [{ "code": "token_limit_exceeded", "message": "Enqueued token limit reached for sk-canary-4bR8nL6pYcD3fH5gS1aXeUo" }] });
    let run = collect(&sandbox, "--batch poll --max-usd 1");
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(
        run.stderr.contains("batch_1 has expired with 2 of 6 answers"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("batch_2 has failed with 0 of 6 answers: Enqueued token limit reached for [key]"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("3 failed; 7 were not asked"), "{}", run.stderr);
    assert!(run.stderr.contains("--batch submit --max-usd 1\n"), "{}", run.stderr);
    let dry = collect(&sandbox, "--dry-run --format json").json();
    close(number(&dry, "charged_usd"), CALL_USD * 2.0);
    assert_eq!((&dry["calls"], &dry["in_batch"]), (&json!(10), &json!(0)));

    submitted(&sandbox);
    let again = provider.lines_of(2);
    let ids = |list: &[Value]| -> BTreeSet<String> { list.iter().map(|l| l["custom_id"].to_string()).collect() };
    assert_eq!(ids(&again), ids(&requests[2..]));
    provider.state().complete(2);
    provider.state().complete(3);
    collect(&sandbox, "--batch poll").ok();
    assert_eq!(lines(&sandbox, "responses.jsonl").len(), CALLS + 3);
}

#[test]
fn calls_that_fail_in_a_batch_are_told_and_can_be_submitted_again() {
    let provider = Provider::new();
    let sandbox = sandbox(&provider.base_url());
    submitted(&sandbox);
    let requests = provider.lines_of(0);
    let mut output: Vec<String> = requests[3..].iter().map(answer).collect();
    let refused = |status: u16, body: Value| {
        json!({ "custom_id": requests[0]["custom_id"], "error": null,
        "response": { "status_code": status, "request_id": "r", "body": body } })
    };
    let bad = refused(
        400,
        json!({ "error": { "message": format!("too long, {KEY}"), "code": "context_length_exceeded" } }),
    );
    let mut busy = refused(503, json!("<html>"));
    busy["custom_id"] = requests[1]["custom_id"].clone();
    let mut odd = refused(200, json!({ "choices": [] }));
    odd["custom_id"] = requests[2]["custom_id"].clone();
    output.push(odd.to_string());
    provider
        .state()
        .end(0, "completed", &output, &[bad.to_string(), busy.to_string()]);
    provider.state().complete(1);
    let run = collect(&sandbox, "--batch poll");
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(
        run.stderr
            .contains("2 failed; 1 got no answer and may have been billed"),
        "{}",
        run.stderr
    );
    let records = lines(&sandbox, "responses.jsonl");
    let kinds = |i: usize| {
        let record = records.iter().find(|r| r["key"] == requests[i]["custom_id"]).unwrap();
        (
            record["status"].as_str().unwrap(),
            record["error_kind"].as_str().unwrap(),
            record["error_message"].as_str().unwrap(),
        )
    };
    assert_eq!(kinds(0), ("error", "context_overflow", "too long, [key]"));
    assert_eq!((kinds(1).0, kinds(1).1), ("error", "server_error"));
    assert_eq!((kinds(2).0, kinds(2).1), ("budget_unknown", "no_answer"));
    submitted_again(&sandbox, &provider);
}

/// The two that failed, not the one that may have been billed.
#[track_caller]
fn submitted_again(sandbox: &Sandbox, provider: &Provider) {
    let run = collect(sandbox, "--batch submit --max-usd 1");
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stderr.contains("--retry-unknown\n"), "{}", run.stderr);
    assert_eq!(provider.lines_of(2).len(), 2);
    let calls = &lines(sandbox, "batches.jsonl")[6]["calls"];
    assert_eq!(calls[0]["attempt"], 2);
}

#[test]
fn a_batch_that_was_created_before_a_crash_is_found_again_and_not_paid_twice() {
    for forgetful in [false, true] {
        let provider = Provider::new();
        let sandbox = sandbox(&provider.base_url());
        provider.state().forgetful = forgetful;
        submitted(&sandbox);
        // Four others make the list three pages long.
        for i in 0..4 {
            provider
                .state()
                .create(&json!({ "input_file_id": format!("file-of-others-{i}"), "metadata": { "a": "b" } }));
        }
        // Killed before the second answer was written down.
        cut(&sandbox, "batches.jsonl", 3);
        let run = collect(&sandbox, "--batch submit --max-usd 1").ok();
        assert!(
            run.stderr.contains("batch_2 of small was created before"),
            "{}",
            run.stderr
        );
        assert_eq!((provider.count("POST /batches"), provider.count("POST /files")), (2, 2));
        assert_eq!(provider.count("GET /batches"), 3);
        provider.state().complete(0);
        provider.state().complete(1);
        collect(&sandbox, "--batch poll").ok();
        assert_eq!(lines(&sandbox, "responses.jsonl").len(), CALLS);
    }
}

#[test]
fn a_poll_that_was_killed_in_the_middle_writes_no_line_twice() {
    let provider = Provider::new();
    let sandbox = sandbox(&provider.base_url());
    submitted(&sandbox);
    let requests = provider.lines_of(0);
    // A line is missing: that call may have been billed.
    let output: Vec<String> = requests[1..].iter().map(answer).collect();
    provider.state().end(0, "completed", &output, &[]);
    provider.state().complete(1);
    assert_eq!(collect(&sandbox, "--batch poll").code, 5);
    let whole = sandbox.read("run/responses.jsonl");
    assert_eq!(whole.lines().count(), CALLS);
    for keep in [0, 3, 6, 9, CALLS] {
        cut(&sandbox, "batches.jsonl", 4);
        let mut torn: String = whole.split_inclusive('\n').take(keep).collect();
        torn.push_str("{\"v\":1,\"ke");
        sandbox.write("run/responses.jsonl", torn);
        let dry = collect(&sandbox, "--dry-run --format json").json();
        assert_eq!(dry["in_batch"], CALLS - keep);
        assert_eq!(collect(&sandbox, "--batch poll").code, 5);
        assert_eq!(sandbox.read("run/responses.jsonl"), whole);
    }
}

#[test]
fn results_that_are_gone_are_kept_open_until_they_are_given_up() {
    let provider = Provider::new();
    let sandbox = sandbox(&provider.base_url());
    let reserved = number(&submitted(&sandbox)["answers"], "charged_usd");
    provider.state().complete(0);
    provider.state().lose(0, "output_file_id");
    // The other is another project's, or so it seems.
    provider.state().batches[1]["id"] = "batch_9".into();
    let run = collect(&sandbox, "--batch poll");
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(
        run.stderr
            .contains("\"big\": batch_1 is completed and its results are not there"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("\"small\": batch_2 is not known there"),
        "{}",
        run.stderr
    );
    assert_eq!(lines(&sandbox, "batches.jsonl").len(), 4);
    let run = collect(&sandbox, "--batch poll --retry-unknown --format json");
    assert_eq!(run.code, 5, "{}", run.stderr);
    close(number(&run.json()["answers"], "charged_usd"), reserved);
    assert_eq!(run.json()["answers"]["total"]["unknown"], CALLS);
    let run = collect(&sandbox, "--batch submit --max-usd 1");
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert_eq!(provider.state().batches.len(), 2);
    collect(&sandbox, "--batch submit --max-usd 1 --retry-unknown").ok();
    assert_eq!(provider.state().batches.len(), 4);
}

/// Most of half a second and more: `cargo test --test it -- --ignored slow::`.
mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn an_answer_that_was_lost_on_its_way_is_looked_for_before_anything_is_sent_again() {
        let provider = Provider::new();
        let sandbox = sandbox(&provider.base_url());
        provider.state().lose_creation = true;
        let gone = ResponseTemplate::new(500).set_body_string("oops");
        provider.state().faults.push(("POST /batches", gone));
        let run = collect(&sandbox, "--batch submit --max-usd 1");
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert_eq!(
            provider.count("POST /batches"),
            2,
            "an order that may have been taken is not given again"
        );
        assert!(
            run.stderr.contains("\"big\": a batch may have been created or not"),
            "{}",
            run.stderr
        );
        assert!(run.stdout.contains("unresolved"), "{}", run.stdout);
        // The first is not there, the second is.
        provider.state().lose_creation = false;
        let run = collect(&sandbox, "--batch submit --max-usd 1").ok();
        assert!(
            run.stderr.contains("a batch of 6 calls of big was never created"),
            "{}",
            run.stderr
        );
        assert!(
            run.stderr.contains("batch_1 of small was created before"),
            "{}",
            run.stderr
        );
        assert_eq!(provider.count("POST /batches"), 3);
        assert_eq!(provider.lines_of(1)[0]["body"]["model"], "big");
        let lines = lines(&sandbox, "batches.jsonl");
        assert!(lines.iter().any(|l| l["end"] == "never_created"));
    }
}
