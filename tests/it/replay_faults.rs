//! Servers that fail, in every way they do.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::replay_kit::{
    COLLECT, Chat, PRICE, answer, bench, both, counts, ends, error, first, model, pasted, records, resume_command,
};
use crate::support::Sandbox;

/// One model, three prompts, one at a time: the server gives these answers first.
fn alone(answers: Vec<ResponseTemplate>) -> (Chat, Sandbox) {
    let chat = Chat::new(first(answers));
    let sandbox = bench(3);
    sandbox.write(
        "models.toml",
        model("big", &chat.base_url(), &format!("{PRICE}\nconcurrency = 1")),
    );
    (chat, sandbox)
}

fn collect_big() -> String {
    format!("{COLLECT} --model big")
}

#[test]
fn a_model_that_wants_to_be_left_alone_for_long_is_given_up_and_the_other_goes_on() {
    let chat = Chat::new(|request: &Request| {
        let body: Value = request.body_json().unwrap();
        if body["model"] == "small" {
            return error(429, &json!({ "message": "slow down" })).insert_header("retry-after", "9");
        }
        answer(request)
    });
    let sandbox = bench(6);
    both(&sandbox, &chat.base_url(), "");
    let stopped = ends(5, &sandbox, &format!("{COLLECT} --max-retry-after 8"));
    let told =
        "error: 6 of 12 answers are missing: small: status 429: asks to be left alone for 9 s: slow down; 1 failed\n";
    assert!(stopped.stderr.contains(told), "{}", stopped.stderr);
    let lines = records(&sandbox);
    assert_eq!(
        counts(&lines, "error_kind"),
        [("-".to_owned(), 6), ("asks_to_wait".to_owned(), 1)].into()
    );
    assert_eq!(chat.count(), 7);
}

/// An answer, its kind in the ledger, the requests that are made of three prompts, the exit code, and what is said.
fn final_failures() -> Vec<(ResponseTemplate, &'static str, usize, i32, &'static str)> {
    let quota = json!({ "message": "You exceeded your quota", "type": "insufficient_quota", "code": null });
    let missing = json!({ "message": "no model of that name", "code": "model_not_found" });
    vec![
        // What is about one prompt costs that prompt.
        (
            error(400, &json!({ "message": "bad" })),
            "bad_request",
            3,
            5,
            "1 of 3 answers are missing: 1 failed",
        ),
        (
            error(422, &json!({ "message": "bad" })),
            "bad_request",
            3,
            5,
            "1 of 3 answers are missing: 1 failed",
        ),
        (
            error(
                400,
                &json!({ "code": 400, "type": "exceed_context_size_error", "message": "too long" }),
            ),
            "context_overflow",
            3,
            5,
            "1 of 3 answers are missing: 1 failed",
        ),
        // What is about the model, or the account, gives the model up.
        (
            error(429, &quota),
            "out_of_quota",
            1,
            3,
            "no model answers: big: status 429: You exceeded your quota",
        ),
        (
            error(402, &json!({ "message": "pay" })),
            "out_of_quota",
            1,
            3,
            "big: status 402: pay",
        ),
        (
            error(403, &json!({ "message": "not yours" })),
            "forbidden",
            1,
            3,
            "big: status 403: not yours",
        ),
        (
            error(404, &missing),
            "model_not_found",
            1,
            3,
            "big: status 404: no model of that name",
        ),
        (
            error(400, &missing),
            "model_not_found",
            1,
            3,
            "big: status 400: no model of that name",
        ),
        (
            ResponseTemplate::new(301).insert_header("location", "/v2"),
            "wrong_address",
            1,
            3,
            "big: status 301: no message",
        ),
        // A code that is a number, and one that is no object.
        (
            error(401, &json!({ "code": 401, "message": "Invalid API Key" })),
            "unauthorized",
            1,
            3,
            "big: status 401: Invalid API Key (the key is that in TEST_KEY)",
        ),
        (
            ResponseTemplate::new(401).set_body_json("who are you?"),
            "unauthorized",
            1,
            3,
            "status 401: \"who are you?\"",
        ),
        // A success that is none, of a page for people: nobody knows whether it is billed.
        (
            ResponseTemplate::new(200).set_body_string("<html>sign in</html>"),
            "not_json",
            1,
            3,
            "the answer is not JSON",
        ),
        (ResponseTemplate::new(200), "not_json", 1, 3, "the answer is not JSON"),
        (
            ResponseTemplate::new(200).set_body_json(json!({ "error": { "message": "down" } })),
            "no_answer",
            1,
            3,
            "the answer is no chat completion: down",
        ),
    ]
}

#[test]
fn one_wrong_key_costs_one_request_however_many_models_and_prompts() {
    let chat = Chat::new(|request: &Request| {
        assert!(
            request.headers["authorization"]
                .to_str()
                .unwrap()
                .starts_with("Bearer ")
        );
        error(
            401,
            &json!({ "message": "Incorrect API key", "code": "invalid_api_key" }),
        )
        .set_delay(Duration::from_millis(50))
    });
    let sandbox = bench(20);
    both(&sandbox, &chat.base_url(), "concurrency = 8");
    let refused = ends(3, &sandbox, COLLECT);
    assert_eq!(chat.count(), 1);
    let told = "error: no model answers: big: status 401: Incorrect API key (the key is that in TEST_KEY); small: ";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("\nhint: mend that, then go on with: "),
        "{}",
        refused.stderr
    );
    let summary = ends(0, &sandbox, &format!("{COLLECT} --dry-run --format json")).json();
    assert_eq!((&summary["calls"], &summary["charged_usd"]), (&json!(40), &json!(0.0)));
}

#[test]
fn a_model_that_refuses_every_prompt_is_given_up_and_one_that_refuses_some_is_not() {
    let chat = Chat::new(|request: &Request| {
        let body: Value = request.body_json().unwrap();
        let rare = body["messages"][1]["content"].as_str().unwrap().ends_with('7');
        if body["model"] == "small" || rare {
            return error(400, &json!({ "message": "no such parameter" }));
        }
        answer(request)
    });
    let sandbox = bench(40);
    both(&sandbox, &chat.base_url(), "");
    let stopped = ends(5, &sandbox, COLLECT);
    assert!(
        stopped
            .stderr
            .contains("small: status 400: no such parameter; 24 failed"),
        "{}",
        stopped.stderr
    );
    assert_eq!(
        counts(&records(&sandbox), "model"),
        [("big".to_owned(), 40), ("small".to_owned(), 20)].into()
    );
}

mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn failures_that_may_pass_are_tried_again_and_cost_nothing() {
        std::thread::scope(|scope| {
            for (status, kind) in [
                (408, "request_timeout"),
                (409, "conflict"),
                (429, "rate_limited"),
                (500, "server_error"),
                (529, "server_error"),
            ] {
                scope.spawn(move || {
                    let (chat, sandbox) = alone(vec![
                        ResponseTemplate::new(status).set_body_string("<html>busy</html>");
                        2
                    ]);
                    let summary = ends(0, &sandbox, &format!("{} --format json", collect_big())).json();
                    assert_eq!(chat.count(), 5, "status {status}");
                    let records = records(&sandbox);
                    assert_eq!(
                        counts(&records, "error_kind"),
                        [("-".to_owned(), 3), (kind.to_owned(), 2)].into()
                    );
                    let attempts: Vec<_> = records[..3].iter().map(|r| r["attempt"].as_u64().unwrap()).collect();
                    assert_eq!(attempts, [1, 2, 3]);
                    assert_eq!(records[0]["http_status"], status);
                    assert_eq!(summary["charged_usd"], summary["cost_usd"]);
                });
            }
        });
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_pause_that_a_server_asks_for_is_kept_in_every_form() {
        std::thread::scope(|scope| {
            for (name, value, least) in [
                ("retry-after", "1".to_owned(), 1000),
                ("retry-after", "0.8".to_owned(), 800),
                (
                    "retry-after",
                    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(1)),
                    1000,
                ),
                ("retry-after-ms", "900".to_owned(), 900),
                ("llm_provider-retry-after", "1".to_owned(), 1000),
            ] {
                scope.spawn(move || {
                    let times = std::sync::Arc::new(Mutex::new(Vec::new()));
                    // A date counts from the server's own.
                    let date = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH);
                    let limited = ResponseTemplate::new(429).insert_header("date", date.as_str());
                    let (seen, limited) = (times.clone(), limited.insert_header(name, value.as_str()));
                    let chat = Chat::new(move |request: &Request| {
                        let mut seen = seen.lock().unwrap();
                        seen.push(Instant::now());
                        if seen.len() == 1 {
                            limited.clone()
                        } else {
                            answer(request)
                        }
                    });
                    let sandbox = bench(2);
                    sandbox.write("models.toml", model("big", &chat.base_url(), PRICE));
                    ends(0, &sandbox, &collect_big());
                    let times = times.lock().unwrap();
                    let waited = times[1] - times[0];
                    assert!(waited >= Duration::from_millis(least), "{name}: {value}: {waited:?}");
                });
            }
        });
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn failures_that_will_not_pass_are_not_tried_again() {
        std::thread::scope(|scope| {
            for (template, kind, requests, code, told) in final_failures() {
                scope.spawn(move || {
                    let (chat, sandbox) = alone(vec![template]);
                    let stopped = ends(code, &sandbox, &collect_big());
                    assert!(stopped.stderr.contains(told), "{told} in {}", stopped.stderr);
                    assert_eq!(records(&sandbox)[0]["error_kind"], kind);
                    assert_eq!(chat.count(), requests, "{kind}");
                    let resume = resume_command(&stopped.stderr);
                    assert!(resume.contains("replay collect p.csv"), "{resume}");
                    // What failed is asked again when the run goes on, and only that; what may have been billed, on demand.
                    let rest = pasted(&sandbox, resume);
                    if code == 3 && matches!(kind, "not_json" | "no_answer") {
                        assert_eq!(rest.code, 5, "{}", rest.stderr);
                        pasted(&sandbox, resume_command(&rest.stderr)).ok();
                    } else {
                        rest.ok();
                    }
                    assert_eq!(chat.count(), 4, "{kind}");
                });
            }
        });
    }
}
