//! `routecal classify`: where a prompt goes, and why.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Sandbox, pretty, routes};

fn classified<'a>(sandbox: &Sandbox, arguments: impl IntoIterator<Item = &'a str>) -> Value {
    let arguments = ["classify", "--format", "json"].into_iter().chain(arguments);
    sandbox.run(arguments).ok().json()["prompts"].take()
}

#[test]
fn the_text_says_where_and_why() {
    let sandbox = Sandbox::with_routes();
    let prompts = ["sort a rust array", "hello there", "poem king"];
    let run = sandbox
        .run(
            ["classify", "--threshold", "0.2", "--gap", "0.05"]
                .into_iter()
                .chain(prompts),
        )
        .ok();
    assert_snapshot!(run.stdout);
}

#[test]
fn every_reason_and_the_target_that_goes_with_it() {
    let sandbox = Sandbox::with_routes();
    let found = classified(
        &sandbox,
        [
            "capital of the country",
            "hello there",
            "poem king",
            "--threshold",
            "0.12",
        ],
    );
    let factual = &found[0];
    assert_eq!(factual["decision"], "accepted");
    assert_eq!(
        (&factual["route"], &factual["best"]),
        (&json!("factual"), &json!("factual"))
    );
    assert_eq!(
        (&factual["model"], &factual["system_prompt"]),
        (&json!("small"), &json!("You do factual work."))
    );
    let far = &found[1];
    assert_eq!((&far["decision"], &far["route"]), (&json!("low_score"), &Value::Null));
    assert_eq!(
        (&far["model"], &far["system_prompt"]),
        (&json!("big"), &json!("You are a helpful assistant."))
    );
    let torn = classified(&sandbox, ["poem king", "--threshold", "0", "--gap", "0.5"]);
    assert_eq!(
        (&torn[0]["decision"], &torn[0]["route"]),
        (&json!("small_gap"), &Value::Null)
    );

    for prompt in found.as_array().unwrap() {
        let mut scores: Vec<(&str, f64)> = prompt["scores"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, score)| (name.as_str(), score.as_f64().unwrap()))
            .collect();
        assert_eq!(scores.len(), 3);
        scores.sort_by(|a, b| b.1.total_cmp(&a.1));
        assert_eq!(
            (prompt["best"].as_str(), prompt["runner_up"].as_str()),
            (Some(scores[0].0), Some(scores[1].0))
        );
        assert_eq!(prompt["score"].as_f64(), Some(scores[0].1));
        assert_eq!(prompt["gap"].as_f64(), Some(scores[0].1 - scores[1].1));
        let accepted = scores[0].1 >= 0.12 && scores[0].1 - scores[1].1 >= 0.02;
        assert_eq!(prompt["decision"] == "accepted", accepted);
    }
}

/// A prompt exactly at the threshold and at the gap is accepted.
#[test]
fn the_rule_is_at_least() {
    let sandbox = Sandbox::with_routes();
    let found = classified(&sandbox, ["sort a rust array"]);
    let (score, gap) = (found[0]["score"].as_f64().unwrap(), found[0]["gap"].as_f64().unwrap());
    let decision = |threshold: f64, gap: f64| {
        let (threshold, gap) = (threshold.to_string(), gap.to_string());
        classified(
            &sandbox,
            ["sort a rust array", "--threshold", &threshold, "--gap", &gap],
        )[0]["decision"]
            .take()
    };
    assert_eq!(decision(score, gap), "accepted");
    assert_eq!(decision(score.next_up(), gap), "low_score");
    assert_eq!(decision(score, gap.next_up()), "small_gap");
}

#[test]
fn lines_of_standard_input_are_prompts() {
    let sandbox = Sandbox::with_routes();
    let of_arguments = sandbox
        .run(["classify", "--format", "json", "sort a rust array", "hello there"])
        .ok();
    let piped = sandbox
        .run_on(
            "\u{feff}sort a rust array\r\n\n  \nhello there",
            ["classify", "--format", "json"],
        )
        .ok();
    assert_eq!(piped.stdout, of_arguments.stdout);
}

#[test]
fn ties_go_to_the_earlier_route() {
    let sandbox = Sandbox::empty();
    let mut document = routes();
    // Each example twice, in the other order: the same centroid, and not the same examples.
    let first = document["routes"]["coding"]["examples"].clone();
    let doubled: Vec<Value> = first
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|e| [e.clone(), e.clone()])
        .collect();
    document["routes"] = json!({
        "zeta": { "model": "big", "examples": first },
        "alpha": { "model": "big", "examples": doubled },
    });
    sandbox.write("routes.json", pretty(&document));
    let found = classified(&sandbox, ["sort a rust array", "--threshold", "0"]);
    assert_eq!(found[0]["scores"]["zeta"], found[0]["scores"]["alpha"]);
    assert_eq!((&found[0]["best"], &found[0]["gap"]), (&json!("zeta"), &json!(0.0)));
    assert_eq!(found[0]["decision"], "small_gap");
}

#[test]
fn thresholds_of_a_route_go_before_the_global_ones_and_flags_before_both() {
    let sandbox = Sandbox::empty();
    let mut document = routes();
    document["routes"]["coding"]["thresholds"] = json!({ "threshold": 0.9, "gap": 0.1 });
    sandbox.write("routes.json", pretty(&document));
    let at = |flags: &[&str]| {
        let prompts = ["sort a rust array", "capital of the country"];
        let found = classified(&sandbox, prompts.into_iter().chain(flags.iter().copied()));
        [0, 1].map(|i| [found[i]["threshold"].as_f64(), found[i]["min_gap"].as_f64()])
    };
    assert_eq!(at(&[]), [[Some(0.9), Some(0.1)], [Some(0.35), Some(0.02)]]);
    assert_eq!(
        at(&["--threshold", "0.5"]),
        [[Some(0.5), Some(0.1)], [Some(0.5), Some(0.02)]]
    );
    assert_eq!(at(&["--gap", "0"]), [[Some(0.9), Some(0.0)], [Some(0.35), Some(0.0)]]);
}

/// Control characters of a prompt do not reach the terminal.
#[test]
fn a_prompt_cannot_drive_the_terminal() {
    let sandbox = Sandbox::with_routes();
    let run = sandbox.run(["classify", "sort\u{1b}[2J it\r\nnow"]).ok();
    assert!(run.stdout.starts_with("sort[2J it now\n"), "{:?}", run.stdout);
}
