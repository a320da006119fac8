//! routes.json: what loads, what is worth a warning.

use std::fmt::Write as _;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Sandbox, number, pretty, routes};

fn with(edit: impl FnOnce(&mut Value)) -> Sandbox {
    let mut document = routes();
    edit(&mut document);
    let sandbox = Sandbox::with_data();
    sandbox.write("routes.json", pretty(&document));
    sandbox
}

fn scores(sandbox: &Sandbox) -> Value {
    let arguments = [
        "classify",
        "--encoder",
        "hashing",
        "--format",
        "json",
        "sort it",
        "poem king",
    ];
    sandbox.run(arguments).ok().json()["prompts"].take()
}

#[test]
fn a_route_with_few_examples_is_worth_a_warning() {
    let sandbox = with(|r| r["routes"]["creative"]["examples"] = json!(["a poem", "a song"]));
    let run = sandbox.run(["classify", "poem", "--no-cache"]).ok();
    assert_snapshot!(run.stderr.lines().next().unwrap_or_default(), @r#"warning: routes.json:24: route "creative" has 2 examples; its centroid is a guess below 5"#);
    assert_eq!(sandbox.run(["classify", "poem", "--quiet"]).ok().stderr, "");
}

#[test]
fn an_example_of_two_routes_or_twice_in_one_is_worth_a_warning() {
    let sandbox = with(|r| {
        let shared = r["routes"]["coding"]["examples"][1].clone();
        r["routes"]["creative"]["examples"][2] = shared;
        let repeated = r["routes"]["factual"]["examples"][0].clone();
        r["routes"]["factual"]["examples"][5] = repeated;
    });
    let run = sandbox.run(["classify", "poem", "--no-cache"]).ok();
    let warnings: Vec<&str> = run.stderr.lines().filter(|l| l.starts_with("warning: ")).collect();
    assert_snapshot!(warnings.join("\n"));
}

/// One route works, with a warning: the gap decides nothing and is null in every document.
#[test]
fn one_route() {
    let sandbox = with(|r| r["routes"] = json!({ "coding": r["routes"]["coding"] }));
    let mut text = "prompt,label,split\n".to_owned();
    for (i, word) in [
        "rust loop",
        "sort array",
        "python bug",
        "async thread",
        "hello",
        "dinner",
    ]
    .iter()
    .enumerate()
    {
        let label = if i < 4 { "coding" } else { "none" };
        for split in ["calibration", "test"] {
            let _ = writeln!(text, "{word} {split},{label},{split}");
        }
    }
    sandbox.write("prompts.csv", text);
    let warning = "warning: \"coding\" is the only route: there is no runner-up, every gap is infinite and only the \
                   threshold decides\n";

    let run = sandbox
        .run([
            "classify",
            "rust loop",
            "--gap",
            "2",
            "--threshold",
            "0.1",
            "--format",
            "json",
        ])
        .ok();
    assert!(run.stderr.starts_with(warning), "{}", run.stderr);
    let prompt = &run.json()["prompts"][0];
    assert_eq!((&prompt["gap"], &prompt["runner_up"]), (&Value::Null, &Value::Null));
    assert_eq!(prompt["decision"], "accepted");

    let run = sandbox.run_quickly(["eval", "prompts.csv", "--format", "json"]).ok();
    assert_eq!(run.stderr.matches("warning:").count(), 1, "{}", run.stderr);
    let report = run.json();
    assert_eq!(
        number(&report, "forced_choice.accuracy.point").to_bits(),
        1.0_f64.to_bits()
    );
    for mistake in report["mistakes"].as_array().unwrap() {
        assert_eq!(mistake["gap"], Value::Null);
    }
    let report = sandbox
        .run_quickly(["calibrate", "prompts.csv", "--format", "json"])
        .ok()
        .json();
    assert_eq!(
        number(&report, "chosen.calibration.system_accuracy.point").to_bits(),
        1.0_f64.to_bits()
    );
    // A gap that decides nothing must not be written: with a second route it would send everything to fallback.
    assert_eq!(report["chosen"]["gap"], 0.0);
    sandbox.run(["centroids"]).ok();
    assert!(sandbox.path("reports/plots").is_dir());
}

#[test]
fn a_bare_mapping_is_the_full_shape_with_defaults() {
    let full = with(|r| {
        r.as_object_mut().unwrap().remove("thresholds");
        r["fallback"]["model"] = json!("gpt-4o");
    });
    let bare = Sandbox::empty();
    bare.write("routes.json", pretty(&routes()["routes"]));
    assert_eq!(scores(&full), scores(&bare));
    let first = &scores(&bare)[0];
    assert_eq!(
        (first["threshold"].as_f64(), first["min_gap"].as_f64()),
        (Some(0.35), Some(0.02))
    );
}

#[test]
fn a_byte_order_mark_and_a_schema_key_are_fine() {
    let sandbox = with(|r| r["$schema"] = json!("./routes.schema.json"));
    let text = sandbox.read("routes.json").replace('\n', "\r\n");
    sandbox.write("routes.json", format!("\u{feff}{text}"));
    assert_eq!(scores(&sandbox), scores(&Sandbox::with_routes()));
}

#[test]
fn the_encoder_flag_goes_before_the_file() {
    let sandbox = with(|r| r["encoder"] = json!("no-such-encoder"));
    assert_eq!(scores(&sandbox), scores(&Sandbox::with_routes()));
    let message = sandbox.refused(["classify", "sort it"]);
    assert!(
        message.starts_with("exit 2\nerror: no encoder is called \"no-such-encoder\"\n"),
        "{message}"
    );
}
