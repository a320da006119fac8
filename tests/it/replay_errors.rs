//! What is refused before anything is asked, in words that help; and a key that is seen nowhere.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::remote::{KEY, KEY_START, no_key_below};
use crate::replay_judge::judged_by;
use crate::replay_kit::{COLLECT, Chat, PRICE, answer, bench, both, completion, ends, error, model, online, run};
use crate::support::{Run, Sandbox, finish};

fn with_key(sandbox: &Sandbox, key: &str) -> Run {
    let mut command = online(sandbox, COLLECT);
    command.env("TEST_KEY", key);
    finish(&mut assert_cmd::Command::from_std(command))
}

/// Holds that a run was refused with this code, message and hint, and that nothing was asked or written.
#[track_caller]
fn refused(sandbox: &Sandbox, run: impl FnOnce() -> Run, code: i32, told: &[&str]) {
    let before = sandbox.tree();
    let run = run();
    assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{}", run.stderr);
    for part in told {
        assert!(run.stderr.contains(part), "{part} in {}", run.stderr);
    }
    assert!(!run.stderr.contains("passw0rd"), "{}", run.stderr);
    assert!(before == sandbox.tree(), "something was written");
}

#[test]
fn a_key_that_is_missing_or_broken_is_found_before_anything_is_asked() {
    let chat = Chat::new(answer);
    let sandbox = bench(4);
    both(&sandbox, &chat.base_url(), "");
    for broken in ["two words", "line\nbreak", "bell\u{7}", "clé"] {
        let told = [
            "error: model \"big\": the key in TEST_KEY holds a character that no HTTP header can carry\n",
            "hint: set TEST_KEY again",
        ];
        refused(&sandbox, || with_key(&sandbox, broken), 2, &told);
    }
    // What a file or a shell leaves at the end is no part of a key.
    let run = with_key(&sandbox, " key-with-an-end\r\n");
    assert_eq!(run.code, 0, "{}", run.stderr);
    // Elsewhere than on this machine nothing is asked without one.
    let sandbox = bench(4);
    both(&sandbox, "https://models.invalid/v1", "");
    let told =
        ["error: model \"big\": no key for https://models.invalid/v1\nhint: set the environment variable TEST_KEY\n"];
    refused(&sandbox, || with_key(&sandbox, ""), 2, &told);
    refused(&sandbox, || with_key(&sandbox, " \n"), 2, &told);
    assert_eq!(chat.count(), 8);
}

#[test]
fn addresses_that_would_give_something_away_are_not_asked() {
    let sandbox = bench(4);
    let told = [
        "error: models.toml:1: model \"big\": the base_url holds a user name, a password or a query\nhint: take it out",
    ];
    both(&sandbox, "https://user:passw0rd@models.invalid/v1", "");
    refused(&sandbox, || run(&sandbox, COLLECT), 2, &told);
    // TEST-NET-1: were it asked, the connection would time out and the program end with 3.
    both(&sandbox, "http://192.0.2.1/v1", "");
    let told = [
        "error: model \"big\": the key would travel in clear to 192.0.2.1\n",
        "use an https address; --allow-http",
    ];
    refused(&sandbox, || run(&sandbox, COLLECT), 2, &told);
    // The address of models that no file describes comes from a flag, or from the environment.
    let flag = "replay collect p.csv --run run --max-usd 1 --openai-base-url https://user:passw0rd@models.invalid/v1";
    let told = ["error: model \"big\": the base URL holds a user name, a password or a query\nhint: take it out"];
    for more in ["", "--dry-run --format json", "--offline"] {
        refused(&sandbox, || run(&sandbox, &format!("{flag} {more}")), 2, &told);
    }
    let told = ["error: model \"big\": the base URL is no http(s) address\nhint: set base_url (or --openai-base-url)"];
    let flag = flag.replace("https://user:passw0rd@models.invalid/v1", "models.invalid");
    refused(&sandbox, || run(&sandbox, &flag), 2, &told);
}

#[test]
fn names_that_are_not_there_come_with_the_nearest_that_is() {
    let chat = Chat::new(answer);
    let sandbox = bench(4);
    both(&sandbox, &chat.base_url(), "");
    let told = [
        "error: no model is called \"smal\" in models.toml, and it is none of OpenAI's\nhint: did you mean \"small\"?\n",
    ];
    refused(&sandbox, || run(&sandbox, &format!("{COLLECT} --model smal")), 2, &told);
    let models = sandbox.read("models.toml");
    sandbox.write("models.toml", model("bog", &chat.base_url(), PRICE));
    let told = [
        "error: no model is called \"big\" in models.toml",
        "hint: did you mean \"bog\"?\n",
    ];
    refused(&sandbox, || run(&sandbox, COLLECT), 2, &told);
    sandbox.write("models.toml", models);
    let all = "replay p.csv --models models.toml --run run --max-usd 1";
    refused(
        &sandbox,
        || run(&sandbox, all),
        2,
        &["error: no grader is named\nhint: add --grader NAME"],
    );
    refused(
        &sandbox,
        || run(&sandbox, &format!("{all} --grader contain")),
        2,
        &["contain"],
    );
    refused(
        &sandbox,
        || run(&sandbox, &COLLECT.replace("p.csv", "q.csv")),
        2,
        &["q.csv"],
    );
    refused(
        &sandbox,
        || run(&sandbox, &COLLECT.replace("models.toml", "m.toml")),
        2,
        &["error: cannot read the models file m.toml"],
    );
    assert_eq!(chat.count(), 0);
}

#[test]
fn folders_that_are_no_run_or_cannot_be_one() {
    let chat = Chat::new(answer);
    let sandbox = bench(4);
    both(&sandbox, &chat.base_url(), "");
    for stage in ["grade --grader contains", "analyse"] {
        let told = ["error: there is no run in nowhere\nhint: make one: routecal replay collect --run DIR"];
        refused(
            &sandbox,
            || run(&sandbox, &format!("replay {stage} --run nowhere")),
            2,
            &told,
        );
    }
    // Somebody's own files, of the names that a run has.
    sandbox.write("data/prompts.jsonl", "{\"prompt\":\"mine\"}\n");
    let told = [
        "error: data/prompts.jsonl belongs to no run, and a run would write over it\nhint: give the run a folder of its own: --run DIR\n",
    ];
    refused(
        &sandbox,
        || run(&sandbox, &COLLECT.replace("--run run", "--run data")),
        2,
        &told,
    );
    sandbox.write("answers/responses.jsonl", "{}\n");
    refused(
        &sandbox,
        || run(&sandbox, &COLLECT.replace("--run run", "--run answers")),
        2,
        &["answers/responses.jsonl belongs to no run"],
    );
    sandbox.write("file", "");
    for folder in ["file", "/proc/self"] {
        let run_in = COLLECT.replace("--run run", &format!("--run {folder}"));
        refused(
            &sandbox,
            || run(&sandbox, &run_in),
            3,
            &[
                "error: cannot write ",
                "hint: choose a folder that can be written: --run DIR\n",
            ],
        );
    }
    assert_eq!(chat.count(), 0);

    ends(0, &sandbox, COLLECT);
    let lines = sandbox.read("run/responses.jsonl");
    for (broken, told) in [
        ("{}\n", "error: run/responses.jsonl:9: missing field"),
        (
            "{\"v\":3}\n",
            "error: run/responses.jsonl:9: written by a later version of routecal (version 3, this one reads 2)",
        ),
        ("{\"v\":2}\n", "error: run/responses.jsonl:9: its checksum is missing"),
        ("not json\n", "error: run/responses.jsonl:9: expected"),
    ] {
        sandbox.write("run/responses.jsonl", format!("{lines}{broken}"));
        for stage in [
            COLLECT,
            "replay grade --run run --grader contains",
            "replay analyse --run run",
        ] {
            refused(&sandbox, || run(&sandbox, stage), 2, &[told, "\nhint: "]);
        }
    }
    sandbox.write("run/responses.jsonl", &lines);
    ends(0, &sandbox, "replay grade --run run --grader contains");
    // The routes are not those of the run.
    sandbox.write(
        "routes.json",
        sandbox
            .read("routes.json")
            .replace("rust compile please", "rust borrow please"),
    );
    refused(
        &sandbox,
        || run(&sandbox, "replay analyse --run run"),
        2,
        &["error: ", "routes.json"],
    );
    assert_eq!(chat.count(), 8);
}

/// A server that sends the key back wherever it can.
fn echo(kind: &'static str) -> Chat {
    Chat::new(move |request: &Request| {
        let sent = request.headers["authorization"].to_str().unwrap().to_owned();
        let key = sent.trim_start_matches("Bearer ").to_owned();
        let said = format!("{sent} is not valid: {key}, {}", json!(key));
        let template = match kind {
            "answer" => {
                let mut body: Value = serde_json::from_str(&format!("{{\"model\":{}}}", json!(key))).unwrap();
                body["choices"] = json!([{ "finish_reason": key, "message": { "content": said, "refusal": null } }]);
                body["usage"] = json!({ "prompt_tokens": 20, "completion_tokens": 5 });
                ResponseTemplate::new(200).set_body_json(body)
            }
            "refusal" => ResponseTemplate::new(200)
                .set_body_json(json!({ "choices": [{ "finish_reason": "stop", "message": { "refusal": said } }] })),
            "unauthorized" => error(401, &json!({ "message": said, "code": key, "type": key })),
            "plain" => ResponseTemplate::new(400).set_body_string(format!("<b>{said}</b>{}", key.replace('/', "\\/"))),
            "other shape" => ResponseTemplate::new(500).set_body_json(json!({ "detail": [said, { "sent": sent }] })),
            "no answer" => ResponseTemplate::new(200).set_body_json(json!({ "error": { "message": said } })),
            "not json" => ResponseTemplate::new(200).set_body_string(said),
            _ => completion("It is late.").set_delay(Duration::from_mins(5)),
        };
        template
            .insert_header("x-request-id", key.as_str())
            .insert_header("retry-after", "0")
    })
}

#[test]
fn a_key_in_the_place_of_a_name_is_not_shown() {
    let sandbox = bench(2);
    let text = model("big", "http://127.0.0.1:1/v1", PRICE).replace("TEST_KEY", KEY);
    sandbox.write("models.toml", text);
    let refused = run(&sandbox, COLLECT);
    assert_eq!(refused.code, 2);
    assert!(
        refused
            .stderr
            .contains("api_key_env is no name of an environment variable"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains(KEY_START), "{}", refused.stderr);
}

mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn the_key_is_in_no_file_and_on_no_screen() {
        std::thread::scope(|scope| {
            for (kind, code) in [
                ("answer", 0),
                ("refusal", 0),
                ("unauthorized", 3),
                ("plain", 5),
                ("other shape", 3),
                ("no answer", 3),
                ("not json", 3),
                ("late", 3),
            ] {
                scope.spawn(move || {
                    let chat = echo(kind);
                    let sandbox = bench(3);
                    both(&sandbox, &chat.base_url(), "");
                    for flags in [
                        "",
                        "--format json --retry-unknown",
                        "--quiet --retry-unknown",
                        "--dry-run",
                    ] {
                        let attempts = if kind == "late" { 1 } else { 2 };
                        let arguments = format!("{COLLECT} --model big --attempts {attempts} --timeout 1 {flags}");
                        let mut command = online(&sandbox, &arguments);
                        command
                            .env("RUST_LOG", "trace")
                            .env("RUST_BACKTRACE", "full")
                            .env("OPENAI_ADMIN_KEY", KEY);
                        let run = finish(&mut assert_cmd::Command::from_std(command));
                        let expected = if flags == "--dry-run" { 0 } else { code };
                        assert_eq!(run.code, expected, "{kind} {flags}: {}", run.stderr);
                        for shown in [&run.stdout, &run.stderr] {
                            assert!(!shown.contains(KEY_START), "{kind} {flags}: {shown}");
                        }
                        no_key_below(sandbox.root());
                    }
                    assert!(chat.count() > 0);
                    if code == 0 {
                        for stage in ["grade --grader contains", "analyse --no-plots --resamples 10"] {
                            let run = run(&sandbox, &format!("replay {stage} --run run"));
                            assert!(!(run.stdout + &run.stderr).contains(KEY_START));
                        }
                        no_key_below(sandbox.root());
                    }
                });
            }
        });
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_judge_that_repeats_the_key_shows_it_to_nobody() {
        for kind in [
            "answer",
            "refusal",
            "unauthorized",
            "plain",
            "other shape",
            "no answer",
            "not json",
        ] {
            let judge = echo(kind);
            let (_chat, sandbox) = judged_by(&judge);
            for flags in ["", "--format json", "--quiet"] {
                let grade = "replay grade p.csv --run run --models models.toml --grader judge:single --judge referee";
                let mut command = online(
                    &sandbox,
                    &format!("{grade} --judge-twice 0 --attempts 1 --max-usd 1 {flags}"),
                );
                command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
                let run = finish(&mut assert_cmd::Command::from_std(command));
                for shown in [&run.stdout, &run.stderr] {
                    assert!(!shown.contains(KEY_START), "{kind} {flags}: {shown}");
                }
            }
            no_key_below(sandbox.root());
            assert!(judge.count() > 0, "{kind}");
        }
    }
}
