//! `replay analyse` on recorded answers that are made here.

use serde_json::{Value, json};

use crate::support::Sandbox;

/// Four prompts, two models: the dear one has three right, the cheap one two, one of which the dear one has wrong.
const OUTCOMES: &str = "\
prompt_id,category,model,score,cost_usd
p1,a,dear,1,0.02
p1,a,cheap,1,0.001
p2,a,dear,1,0.02
p2,a,cheap,0,0.001
p3,b,dear,1,0.02
p3,b,cheap,0,0.001
p4,b,dear,0,0.02
p4,b,cheap,1,0.001
";

const ANALYSE: [&str; 6] = [
    "replay",
    "analyse",
    "--import",
    "outcomes",
    "outcomes.csv",
    "--no-plots",
];

fn policy<'v>(report: &'v Value, name: &str) -> &'v Value {
    let policies = report["policies"].as_array().expect("policies are a list");
    policies
        .iter()
        .find(|p| p["name"] == name)
        .unwrap_or_else(|| panic!("no {name}"))
}

#[track_caller]
fn close(value: &Value, expected: f64) {
    let value = value.as_f64().expect("a number");
    assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
}

#[test]
fn policies_cost_and_earn_what_their_answers_do() {
    let sandbox = Sandbox::with_routes();
    sandbox.write("outcomes.csv", OUTCOMES);
    let run = sandbox.run(ANALYSE.into_iter().chain(["--format", "json"])).ok();
    let report = run.json();
    assert_eq!(report, sandbox.read_json("reports/replay.json"));
    for (name, quality) in [
        ("always:dear", 0.75),
        ("always:cheap", 0.5),
        ("random:0.5", 0.625),
        ("oracle", 1.0),
    ] {
        close(&policy(&report, name)["quality"]["point"], quality);
    }
    assert_eq!(
        sandbox
            .read("reports/frontier.csv")
            .lines()
            .next()
            .unwrap()
            .split(',')
            .next(),
        Some("policy")
    );
    // The same bytes with any number of threads.
    let first = sandbox.files("reports");
    sandbox.run(ANALYSE.into_iter().chain(["--threads", "3"])).ok();
    assert!(first == sandbox.files("reports"));
    let schema: Value = serde_json::from_str(&sandbox.run(["schema", "replay"]).ok().stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&report));
    assert!(!validator.is_valid(&json!({ "kind": "replay" })));
}

#[test]
fn a_dearer_model_that_is_no_better_is_said_to_be_dominated() {
    let sandbox = Sandbox::with_routes();
    sandbox.write(
        "outcomes.csv",
        OUTCOMES
            .replace("p3,b,dear,1", "p3,b,dear,0")
            .replace("p2,a,dear,1", "p2,a,dear,0"),
    );
    let run = sandbox.run(ANALYSE).ok();
    assert!(run.stdout.contains("the strong model is dominated"), "{}", run.stdout);
    assert!(!run.stdout.contains("NaN"), "{}", run.stdout);
}

#[test]
fn what_cannot_be_graded_is_counted_and_left_out_for_every_policy() {
    let sandbox = Sandbox::with_routes();
    let rows = "prompt_id,model,answer,reference\n\
                q1,dear,The answer is $20.00,20\n\
                q1,cheap,\"It is 1,000\",1000\n\
                q2,dear,no idea,7\n\
                q2,cheap,-7,7\n";
    sandbox.write("outcomes.csv", rows);
    let flags = ["--grader", "numeric", "--price", "dear=0.02", "--price", "cheap=0.001"];
    let run = sandbox.run(ANALYSE.into_iter().chain(flags)).ok();
    assert!(run.stdout.contains("1 of 2 prompts compared"), "{}", run.stdout);
    assert!(run.stdout.contains("unparsed"), "{}", run.stdout);
}

#[test]
fn bad_input_is_an_error_with_a_hint() {
    let sandbox = Sandbox::with_routes();
    sandbox.write("outcomes.csv", OUTCOMES);
    let with = |flags: &[&'static str]| sandbox.refused(ANALYSE.into_iter().chain(flags.iter().copied()));
    assert!(with(&["--grader", "numerik"]).contains("hint:"));
    assert!(with(&["--random", "1.5"]).contains("--random 1.5"));
    assert!(with(&["--strong", "huge"]).contains("huge"));
    sandbox.write("outcomes.csv", OUTCOMES.replace("model", "modell"));
    assert!(with(&[]).contains("model"));
    sandbox.write(
        "outcomes.csv",
        "prompt_id,model,score,cost_usd\np1,dear,1,0.1\np2,cheap,1,0.1\n",
    );
    assert!(with(&[]).contains("hint:"));
    sandbox.write("outcomes.csv", OUTCOMES.replace(",1,0.02", ",often,0.02"));
    assert!(with(&[]).contains("outcomes.csv:2"));
    assert!(!sandbox.path("reports/replay.json").exists());
}
