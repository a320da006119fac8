//! Replay end to end against servers that others wrote: llama.cpp's, which answers, and llmock, which fails as it is told and
//! judges the client. `python3 tests/servers/with_servers.py -- cargo test --locked --test it replay_servers -- --ignored`

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::replay_kit::{
    PRICE, bench, by_cell, charged, counts, killed, pasted_with, records, resume_command, wait_until,
};
use crate::support::{Run, Sandbox, finish, number};

const COLLECT: &str = "replay collect p.csv --models models.toml --run run --max-usd 1";
const KEYS: [&str; 3] = ["ROUTECAL_TEST_LLAMA_KEY_A", "ROUTECAL_TEST_LLAMA_KEY_B", "TEST_KEY"];

/// A variable that `with_servers.py` sets.
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run python3 tests/servers/with_servers.py -- \
             cargo test --locked --test it replay_servers -- --ignored"
        )
    })
}

/// The keys of the servers.
fn keys() -> Vec<(&'static str, String)> {
    let value = |name: &str| {
        if name == "TEST_KEY" {
            "any".to_owned()
        } else {
            variable(name)
        }
    };
    KEYS.into_iter().map(|name| (name, value(name))).collect()
}

fn command(sandbox: &Sandbox, arguments: &str) -> std::process::Command {
    let mut command = sandbox.process(arguments);
    command.env_remove("ROUTECAL_OFFLINE").envs(keys());
    command
}

#[track_caller]
fn ends(code: i32, sandbox: &Sandbox, arguments: &str) -> Run {
    let run = finish(&mut assert_cmd::Command::from_std(command(sandbox, arguments)));
    assert_eq!(run.code, code, "{}{}", run.stdout, run.stderr);
    run
}

/// Both llama.cpp servers as the models of routes.json. Their tokens have a price, those from the cache a lower one.
fn llamas(sandbox: &Sandbox, key_of_a: &str) {
    let model = |name: &str, letter: &str, key: &str, price: &str| {
        format!(
            "[[model]]\nname = \"{name}\"\nmodel = \"smol-{}\"\nbase_url = \"{}\"\napi_key_env = \"{key}\"\n\
             parameters = {{ temperature = 0, max_completion_tokens = 24, stop = [\".\", \"\\n\"] }}\nprice = {{ {price} }}\nconcurrency = 2\n",
            letter.to_lowercase(),
            variable(&format!("ROUTECAL_TEST_LLAMA_{letter}")),
        )
    };
    let big = model("big", "A", key_of_a, "input = 1, cached_input = 0.1, output = 4");
    let small = model("small", "B", KEYS[1], "input = 0.1, cached_input = 0.01, output = 0.4");
    sandbox.write("models.toml", big + &small);
}

#[test]
#[ignore = "needs tests/servers/with_servers.py"]
fn real_answers_from_the_first_call_to_the_report() {
    let sandbox = Sandbox::with_routes();
    let mut csv = String::from("prompt,label,split,reference\n");
    for i in 0..30 {
        let label = ["coding", "creative", "factual"][i % 3];
        csv += &format!("Say the number {i} and nothing else.,{label},test,{i}\n");
    }
    sandbox.write("p.csv", csv);
    llamas(&sandbox, KEYS[0]);
    let mut child = command(&sandbox, COLLECT).spawn().unwrap();
    wait_until(&mut child, || records(&sandbox).len() >= 16);
    killed(child);
    let before = records(&sandbox);
    let answered: BTreeSet<&str> = before.iter().map(|r| r["key"].as_str().unwrap()).collect();
    assert_eq!(answered.len(), before.len());

    // The kill may have hit at any moment; what was in flight is asked again on demand.
    let stopped = finish(&mut assert_cmd::Command::from_std(command(&sandbox, COLLECT)));
    if stopped.code == 5 {
        pasted_with(&sandbox, resume_command(&stopped.stderr), &keys()).ok();
    } else {
        stopped.ok();
    }
    let lines = records(&sandbox);
    assert_eq!(lines[..before.len()], before[..], "a line is lost");
    let by_cell = by_cell(&lines);
    assert_eq!(by_cell.len(), 60);
    assert!(
        by_cell
            .values()
            .all(|records| records.iter().filter(|r| r["status"] == "ok").count() == 1)
    );
    for key in answered {
        assert_eq!(
            lines.iter().filter(|r| r["key"] == key).count(),
            1,
            "an answer was paid for twice"
        );
    }
    let mut cached = 0;
    for record in lines.iter().filter(|r| r["status"] == "ok") {
        let expected = if record["model"] == "big" { "smol-a" } else { "smol-b" };
        assert_eq!(
            (&record["model_returned"], &record["usage_source"]),
            (&json!(expected), &json!("api"))
        );
        let from_cache = record["usage"]["cached"].as_u64().unwrap();
        let (billed, list) = (number(record, "cost_usd"), number(record, "cost_list_usd"));
        assert!(
            if from_cache > 0 {
                billed < list
            } else {
                (billed - list).abs() < 1e-15
            },
            "{record}"
        );
        cached += from_cache;
    }
    assert!(cached > 0, "system prompts repeat, so some tokens come from the cache");
    let whole = ends(0, &sandbox, &format!("{COLLECT} --format json")).json();
    assert_eq!(records(&sandbox).len(), lines.len(), "a complete run asks nobody");
    assert!((number(&whole, "charged_usd") - charged(&lines)).abs() < 1e-12);
    assert!(number(&whole, "cost_usd") < number(&whole, "cost_list_usd"));

    ends(0, &sandbox, "replay grade --run run --grader contains");
    let report = ends(
        0,
        &sandbox,
        "replay analyse --run run --no-plots --resamples 200 --format json",
    );
    assert_eq!(report.stdout, sandbox.read("reports/replay.json"));
    let report = report.json();
    let used = report["n"].as_u64().unwrap() + report["dropped"]["prompts"].as_u64().unwrap();
    assert_eq!((used, &report["prompts"]), (30, &json!(30)));
    let policies: Vec<&str> = report["policies"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|p| p["name"].as_str())
        .collect();
    for name in ["always:big", "always:small", "oracle"] {
        assert!(policies.contains(&name), "{policies:?}");
    }
}

#[test]
#[ignore = "needs tests/servers/with_servers.py"]
fn a_real_server_refuses_a_wrong_key_and_a_prompt_that_is_too_long() {
    let sandbox = bench(4);
    llamas(&sandbox, "TEST_KEY");
    let refused = ends(3, &sandbox, &format!("{COLLECT} --model big"));
    assert!(refused.stderr.contains("big: status 401: "), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("(the key is that in TEST_KEY)"),
        "{}",
        refused.stderr
    );
    let lines = records(&sandbox);
    // The code of its errors is a number.
    assert_eq!(
        (lines.len(), &lines[0]["error_kind"], &lines[0]["http_status"]),
        (1, &json!("unauthorized"), &json!(401))
    );

    let sandbox = Sandbox::with_routes();
    let long = "rust compile ".repeat(600);
    sandbox.write("p.csv", format!("prompt,label\n{long},coding\nSay yes.,coding\n"));
    llamas(&sandbox, KEYS[0]);
    let stopped = ends(5, &sandbox, COLLECT);
    assert!(
        stopped.stderr.contains("error: 2 of 4 answers are missing: 2 failed\n"),
        "{}",
        stopped.stderr
    );
    let lines = records(&sandbox);
    assert_eq!(
        counts(&lines, "error_kind"),
        [("-".to_owned(), 2), ("context_overflow".to_owned(), 2)].into()
    );
    let failed: Vec<&Value> = lines.iter().filter(|r| r["status"] == "error").collect();
    assert!(
        failed
            .iter()
            .all(|r| r["http_status"] == 400 && r["reserved_usd"].is_null()),
        "{failed:?}"
    );
}

/// llmock's own interface.
struct Llmock(String);

impl Llmock {
    fn get(&self, path: &str) -> Value {
        let mut answer = ureq::get(format!("{}/_llmock/{path}", self.0)).call().unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    fn post(&self, path: &str, body: &Value) {
        let request = ureq::post(format!("{}{path}", self.0)).header("content-type", "application/json");
        request
            .header("authorization", "Bearer any")
            .send(body.to_string())
            .unwrap();
    }

    /// Forgets everything; the next requests meet these faults.
    fn expect(&self, behaviors: &[Value]) {
        self.post("/_llmock/reset", &json!({}));
        if !behaviors.is_empty() {
            self.post("/_llmock/scenario", &json!({ "behaviors": behaviors }));
        }
    }

    /// The statuses of all requests, and the verdict, which must hold no mistake of the client.
    #[track_caller]
    fn judged(&self) -> Vec<u64> {
        let verdict = self.get("verdict");
        assert_eq!(
            (&verdict["passed"], &verdict["errors"]),
            (&json!(true), &json!(0)),
            "{verdict:#}"
        );
        let requests = self.get("requests");
        let of = |r: &Value| r["status"].as_u64().unwrap();
        let chat = |r: &&Value| r["path"].as_str().unwrap().ends_with("/chat/completions");
        requests["requests"]
            .as_array()
            .unwrap()
            .iter()
            .filter(chat)
            .map(of)
            .collect()
    }

    fn models(&self, sandbox: &Sandbox, more: &str) {
        let model = |name: &str| crate::replay_kit::model(name, &format!("{}/v1", self.0), &format!("{PRICE}\n{more}"));
        sandbox.write("models.toml", model("big") + &model("small"));
    }
}

fn times(statuses: &[u64], status: u64) -> usize {
    statuses.iter().filter(|s| **s == status).count()
}

/// One after the other: queue, journal and verdict of the server are one for all clients.
#[test]
#[ignore = "needs tests/servers/with_servers.py"]
fn a_server_that_fails_as_it_is_told_finds_no_fault_with_the_client() {
    let server = Llmock(variable("ROUTECAL_TEST_LLMOCK"));
    let big = json!({ "model": "big" });
    let fail = |status: u16, times: u32| json!({ "type": "fail", "status": status, "times": times, "match": big });
    let collect = |behaviors: &[Value], code: i32, flags: &str| {
        server.expect(behaviors);
        let sandbox = bench(5);
        server.models(&sandbox, "");
        ends(code, &sandbox, &format!("{COLLECT} {flags}"));
        (records(&sandbox), server.judged(), sandbox)
    };
    // 429 with a pause, twice; every call is answered and paid for once.
    let limited = json!({ "type": "fail", "status": 429, "retry_after": 0.5, "times": 2, "match": big });
    let (lines, statuses, _) = collect(&[limited], 0, "");
    assert_eq!(
        (times(&statuses, 200), times(&statuses, 429), statuses.len()),
        (10, 2, 12)
    );
    assert_eq!(
        counts(&lines, "status"),
        [("error".to_owned(), 2), ("ok".to_owned(), 10)].into()
    );
    // What may pass is tried again.
    let (lines, statuses, _) = collect(&[fail(500, 1), fail(408, 1), fail(503, 1)], 0, "");
    assert_eq!((times(&statuses, 200), statuses.len()), (10, 13), "{statuses:?}");
    assert_eq!(counts(&lines, "error_kind")["request_timeout"], 1);
    // What will not is not.
    for (status, kind) in [(400, "bad_request"), (422, "bad_request")] {
        let (lines, statuses, _) = collect(&[fail(status, 1)], 5, "");
        assert_eq!((times(&statuses, 200), statuses.len()), (9, 10));
        assert_eq!(counts(&lines, "error_kind")[kind], 1);
    }
    let (_, statuses, _) = collect(&[fail(401, 9)], 3, "");
    assert_eq!(statuses, [401], "one request for all models of the address");
    let (lines, statuses, _) = collect(&[fail(404, 9)], 5, "");
    assert_eq!((times(&statuses, 200), times(&statuses, 404)), (5, 1));
    assert_eq!(counts(&lines, "error_kind")["model_not_found"], 1);
    // A slow answer may have been billed; the repetition is answered.
    let slow = json!({ "type": "delay", "seconds": 20, "times": 1, "match": big });
    let (lines, _, _) = collect(&[slow], 0, "--timeout 1");
    assert_eq!(
        counts(&lines, "error_kind"),
        [("-".to_owned(), 10), ("timeout".to_owned(), 1)].into()
    );
    assert_eq!(counts(&lines, "status")["budget_unknown"], 1);
    // An answer that was cut off is no wrong answer.
    let cut = json!({ "type": "reply", "text": "It is", "finish_reason": "length", "times": 1, "match": big });
    let (_, _, sandbox) = collect(&[cut], 0, "");
    let graded = ends(0, &sandbox, "replay grade --run run --grader contains --format json").json();
    let outcomes = |model: usize| graded["models"][model]["outcomes"].clone();
    assert_eq!(outcomes(0), json!({ "scored": 4, "truncated": 1 }));
    assert_eq!(outcomes(1), json!({ "scored": 5 }));
}

/// The quota of requests is used up but for two, and comes back at one a second.
#[test]
#[ignore = "needs tests/servers/with_servers.py"]
fn a_quota_is_kept_by_limits_and_survived_without_them() {
    let server = Llmock(variable("ROUTECAL_TEST_LLMOCK_QUOTA"));
    let collect = |limits: &str| {
        server.expect(&[]);
        let sandbox = bench(6);
        server.models(&sandbox, limits);
        for i in 0..58 {
            let body =
                json!({ "model": "m", "max_tokens": 1, "messages": [{ "role": "user", "content": format!("{i}") }] });
            server.post("/v1/chat/completions", &body);
        }
        ends(0, &sandbox, &format!("{COLLECT} --model big"));
        let statuses = server.judged().split_off(58);
        assert_eq!(times(&statuses, 200), 6);
        times(&statuses, 429)
    };
    assert_eq!(
        collect("rpm = 60"),
        0,
        "with the limit that the server has it never has to say no"
    );
    assert!(
        collect("concurrency = 1") >= 1,
        "without one it does, and every call is answered all the same"
    );
}
