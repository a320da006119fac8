//! `replay collect`, `grade`, `analyse` and all of them in one: what a run is, what may not change in it, what it comes to.

use serde_json::{Value, json};

use crate::replay_kit::{
    ANSWER_USD, COLLECT, Chat, PRICE, answer, bench, both, counts, ends, keep_answers, model, records, resume_command,
};
use crate::replay_kit::{by_cell, pasted};
use crate::support::{Sandbox, number, pretty, routes};

const ANALYSE: &str = "replay analyse --run run --out out --no-plots --resamples 50";

fn complete() -> (Chat, Sandbox) {
    let chat = Chat::new(answer);
    let sandbox = bench(12);
    both(&sandbox, &chat.base_url(), "");
    ends(0, &sandbox, COLLECT);
    assert_eq!(chat.count(), 24);
    (chat, sandbox)
}

fn forget_times(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|key, _| !key.starts_with("latency"));
            members.values_mut().for_each(forget_times);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_times),
        _ => {}
    }
}

#[test]
fn what_is_sent_is_the_prompt_with_the_system_prompt_of_its_route() {
    let (chat, sandbox) = complete();
    let bodies = chat.bodies();
    let of = |number: usize| -> Vec<&Value> {
        let end = format!("number {number}");
        let prompt = |b: &&Value| b["messages"][1]["content"].as_str().unwrap().ends_with(&end);
        bodies.iter().filter(prompt).collect()
    };
    for (number, work) in [
        (0, "You do coding work."),
        (1, "You do creative work."),
        (3, "You are a helpful assistant."),
    ] {
        let both = of(number);
        assert_eq!(both.len(), 2, "each model once");
        for body in both {
            assert_eq!(body["messages"][0], json!({ "role": "system", "content": work }));
            assert_eq!(body["max_completion_tokens"], 16);
        }
    }
    // The prompts' texts are in no file of the run.
    for (name, bytes) in sandbox.files("run") {
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("number"), "{name}");
    }
}

#[test]
fn a_complete_run_is_read_without_the_network_and_an_incomplete_one_says_what_is_missing() {
    let (chat, sandbox) = complete();
    let offline = ends(0, &sandbox, &format!("{COLLECT} --offline --format json")).json();
    assert_eq!(
        (&offline["total"]["answered"], &offline["total"]["open"]),
        (&json!(24), &json!(0))
    );
    let cost = 24.0 * ANSWER_USD;
    assert!((number(&offline, "cost_usd") - cost).abs() < 1e-12);
    keep_answers(&sandbox, 12);
    let before = sandbox.tree();
    let missing = ends(5, &sandbox, &format!("{COLLECT} --offline"));
    assert!(
        missing
            .stderr
            .contains("error: 12 of 24 answers are not there, and --offline allows no call\n"),
        "{}",
        missing.stderr
    );
    let missing = ends(
        5,
        &sandbox,
        "replay p.csv --models models.toml --run run --max-usd 1 --grader contains --offline",
    );
    assert!(missing.stderr.contains("error: 12 of 24 answers"), "{}", missing.stderr);
    assert!(before == sandbox.tree());
    assert_eq!(chat.count(), 24, "nobody was asked");
    // With it, what is missing is asked for, and only that.
    ends(0, &sandbox, COLLECT);
    assert_eq!(chat.count(), 36);
}

#[test]
fn a_run_is_gone_on_with_as_what_it_was() {
    let (chat, sandbox) = complete();
    let models = sandbox.read("models.toml");
    let prompts = sandbox.read("p.csv");
    let manifest = sandbox.read("run/manifest.json");
    let mut moved = routes();
    moved["thresholds"]["threshold"] = json!(0.5);
    let changes: [(&str, String, &str, &[&str]); 5] = [
        (
            "models.toml",
            models.replacen(
                "max_completion_tokens = 16",
                "max_completion_tokens = 17, temperature = 0",
                1,
            ),
            "",
            &[
                "  models.big.parameters.max_completion_tokens: 16 in the run, 17 now\n",
                "  models.big.parameters.temperature: not in the run, there now\n",
            ],
        ),
        (
            "models.toml",
            models.replace("output = 4", "output = 5"),
            "",
            &["  models.small.price.output: 4.0 in the run, 5.0 now\n"],
        ),
        (
            "p.csv",
            prompts.replace("number 7,", "number 77,"),
            "",
            &["  dataset_sha256: ", "  prompts_sha256: "],
        ),
        (
            "routes.json",
            pretty(&moved),
            "",
            &["  thresholds.coding: [0.35,0.02] in the run, [0.5,0.02] now\n"],
        ),
        (
            "routes.json",
            pretty(&routes()),
            "--samples 2",
            &["  samples: 1 in the run, 2 now\n"],
        ),
    ];
    for (file, text, flags, told) in changes {
        let was = sandbox.read(file);
        sandbox.write(file, text);
        let tree = || {
            let mut tree = sandbox.tree();
            // Says who looked last.
            tree.remove("work/run/lock").unwrap();
            tree
        };
        let before = tree();
        let refused = ends(2, &sandbox, &format!("{COLLECT} {flags}"));
        for part in told {
            assert!(refused.stderr.contains(part), "{part} in {}", refused.stderr);
        }
        assert!(
            refused.stderr.contains("error: run holds another run:\n"),
            "{}",
            refused.stderr
        );
        assert!(
            refused.stderr.contains("hint: start another run with --run DIR"),
            "{}",
            refused.stderr
        );
        assert!(before == tree());
        sandbox.write(file, was);
    }
    // What changes no answer and no cost: another address, seed, order and speed.
    let elsewhere = Chat::new(answer);
    sandbox.write(
        "models.toml",
        models.replace(&chat.base_url(), &elsewhere.base_url()) + "concurrency = 9\nrpm = 100000\n",
    );
    ends(0, &sandbox, &format!("{COLLECT} --seed 9"));
    assert_eq!((chat.count(), elsewhere.count()), (24, 0));
    assert_eq!(sandbox.read("run/manifest.json"), manifest);
}

#[test]
fn every_stage_gives_what_the_three_in_one_give() {
    let (chat, sandbox) = complete();
    ends(0, &sandbox, "replay grade --run run --grader contains:fold");
    let apart = ends(0, &sandbox, &format!("{ANALYSE} --format json"));
    let report = apart.json();
    assert_eq!(apart.stdout, sandbox.read("out/replay.json"));
    let policies = report["policies"].as_array().unwrap();
    let quality = |name: &str| {
        let policy = policies
            .iter()
            .find(|p| p["name"] == name)
            .unwrap_or_else(|| panic!("no {name}"));
        number(policy, "quality.point")
    };
    assert!((quality("always:big") - 1.0).abs() < 1e-12);
    assert!((quality("always:small") - 8.0 / 12.0).abs() < 1e-12);
    assert!((quality("oracle") - 1.0).abs() < 1e-12);

    let all =
        "replay p.csv --models models.toml --max-usd 1 --grader contains:fold --out all --no-plots --resamples 50";
    let together = ends(0, &sandbox, &format!("{all} --run run2 --format json"));
    assert_eq!(together.stdout, sandbox.read("all/replay.json"));
    assert_eq!(chat.count(), 48);
    let mut same = together.json();
    // Answers come in an order, and take a time, of their own.
    let mut report = report;
    for document in [&mut same, &mut report] {
        document["provenance"]["sha256"] = Value::Null;
        forget_times(document);
    }
    assert_eq!(same, report);
    // Again: nobody is asked, the same bytes.
    let again = ends(0, &sandbox, &format!("{all} --run run2 --format json"));
    assert_eq!((chat.count(), &again.stdout), (48, &together.stdout));
    let text = ends(0, &sandbox, &format!("{all} --run run2"));
    assert!(text.stdout.contains("always:big") && text.stderr.contains("24 of 24 answers are in run2"));
}

#[test]
fn what_a_budget_lets_through_is_analysed_and_the_rest_can_follow() {
    let chat = Chat::new(answer);
    let sandbox = bench(12);
    both(&sandbox, &chat.base_url(), "");
    let all = "replay p.csv --models models.toml --run run --grader contains:fold --no-plots --resamples 50";
    // Nobody is asked, nothing is written.
    let before = sandbox.tree();
    let dry = ends(0, &sandbox, &format!("{all} --dry-run --format json")).json();
    assert!(before == sandbox.tree() && chat.count() == 0);
    assert_eq!((&dry["kind"], &dry["calls"]), (&json!("replay_dry_run"), &json!(24)));

    let stopped = ends(5, &sandbox, &format!("{all} --max-usd 0.0008 --format json"));
    assert_eq!(stopped.stdout, sandbox.read("reports/replay.json"));
    let asked = chat.count();
    assert!((4..24).contains(&asked), "{asked}");
    assert!(
        stopped.stderr.contains("the budget of $0.0008 is used up"),
        "{}",
        stopped.stderr
    );
    // All models of a prompt come together: at most the last has one answer alone.
    let records = records(&sandbox);
    let pairs = by_cell(&records)
        .into_keys()
        .fold(std::collections::BTreeMap::new(), |mut pairs, (_, number)| {
            *pairs.entry(number).or_insert(0) += 1;
            pairs
        });
    assert!(pairs.values().filter(|models| **models < 2).count() <= 1, "{pairs:?}");
    assert_eq!(
        stopped.json()["n"],
        pairs.values().filter(|m| **m == 2).count(),
        "{}",
        stopped.stdout
    );

    let rest = pasted(&sandbox, resume_command(&stopped.stderr)).ok();
    assert_eq!(rest.stdout, sandbox.read("reports/replay.json"));
    assert_eq!((chat.count(), rest.json()["n"].as_u64()), (24, Some(12)));
}

#[test]
fn samples_models_and_limits_are_those_that_were_asked_for() {
    let chat = Chat::new(answer);
    let sandbox = bench(12);
    sandbox.write(
        "models.toml",
        model("small", &chat.base_url(), PRICE) + &model("third", &chat.base_url(), PRICE),
    );
    let third = "replay collect p.csv --models models.toml --run run --max-usd 1 --model third --limit 5 --samples 3 --split test";
    let summary = ends(0, &sandbox, &format!("{third} --format json")).json();
    assert_eq!(
        (&summary["prompts"], &summary["total"]["cells"]),
        (&json!(5), &json!(15))
    );
    assert_eq!(counts(&records(&sandbox), "model"), [("third".to_owned(), 15)].into());
    assert!(
        chat.cells()
            .iter()
            .all(|(model, number)| model == "third" && number % 2 == 0)
    );
}
