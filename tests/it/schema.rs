//! The machine interface: documents, their schemas, and the help.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up is a failed test")]

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Sandbox, at, pretty, routes};

const COMMANDS: [&str; 9] = [
    "assets",
    "embed",
    "centroids",
    "classify",
    "eval",
    "calibrate",
    "check",
    "lint",
    "schema",
];

fn validator(sandbox: &Sandbox, document: &str) -> jsonschema::Validator {
    let run = sandbox.run(["schema", document]).ok();
    assert_eq!(
        sandbox.run(["schema", document, "--format", "json"]).ok().stdout,
        run.stdout
    );
    jsonschema::draft202012::new(&run.json()).unwrap()
}

#[track_caller]
fn assert_valid(validator: &jsonschema::Validator, document: &Value) {
    let problems: Vec<String> = validator
        .iter_errors(document)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Holds that the schema refuses the document after an edit.
#[track_caller]
fn assert_refused(validator: &jsonschema::Validator, document: &Value, edit: impl FnOnce(&mut Value)) {
    let mut document = document.clone();
    edit(&mut document);
    assert!(!validator.is_valid(&document), "the schema holds too little");
}

fn remove(document: &mut Value, path: &str, key: &str) {
    let object = path
        .split('.')
        .filter(|p| !p.is_empty())
        .fold(document, |value, key| &mut value[key]);
    assert!(object.as_object_mut().unwrap().remove(key).is_some());
}

/// Every figure at these paths has the four members: a number within its interval, and rows under it.
#[track_caller]
fn assert_estimates(document: &Value, part: &str, names: &[&str]) {
    for name in names {
        let estimate = at(document, &format!("{part}.{name}"));
        let keys: Vec<&str> = estimate.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["point", "lower", "upper", "n"], "{part}.{name}");
        let [point, lower, upper] = ["point", "lower", "upper"].map(|key| estimate[key].as_f64().unwrap());
        assert!(
            lower <= point && point <= upper && lower < upper,
            "{part}.{name}: {estimate}"
        );
        assert!(estimate["n"].as_u64().unwrap() > 0, "{part}.{name}");
    }
}

const AS_DEPLOYED: [&str; 6] = [
    "system_accuracy",
    "coverage",
    "selective_accuracy",
    "misroute_rate",
    "false_accept_rate",
    "false_fallback_rate",
];

#[test]
fn eval_has_every_promised_key() {
    let sandbox = Sandbox::with_data();
    let report = sandbox
        .run_quickly(["eval", "prompts.csv", "--no-plots", "--format", "json"])
        .ok()
        .json();
    assert_eq!(
        (&report["kind"], &report["schema_version"]),
        (&json!("evaluation"), &json!(1))
    );
    assert_eq!((&report["n"], at(&report, "forced_choice.n")), (&json!(30), &json!(24)));
    let forced = [
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "micro_f1",
        "weighted_f1",
        "mcc",
        "kappa",
        "top2_accuracy",
    ];
    assert_estimates(&report, "forced_choice", &forced);
    assert_estimates(&report, "as_deployed", &AS_DEPLOYED);
    assert_estimates(
        &report,
        "detection",
        &[
            "auroc",
            "average_precision_in",
            "average_precision_out",
            "fpr_at_95_tpr",
        ],
    );
    assert_estimates(&report, "selective", &["aurc", "e_aurc", "augrc"]);
    assert_estimates(
        &report,
        "reliability",
        &["ece_equal_width", "ece_equal_mass", "brier", "log_loss"],
    );
    assert_eq!(at(&report, "reliability.method"), "platt");
    let labels = at(&report, "confusion.labels").as_array().unwrap();
    let counts = at(&report, "confusion.counts").as_array().unwrap();
    assert_eq!((labels.len(), counts.len()), (4, 4));
    let sum: u64 = counts
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|c| c.as_u64().unwrap())
        .sum();
    assert_eq!(sum, 30);
    for key in ["tool_version", "encoder", "routes_sha256", "dataset", "seed"] {
        assert!(!at(&report, &format!("provenance.{key}")).is_null(), "{key}");
    }
}

#[test]
fn calibrate_has_every_promised_key() {
    let sandbox = Sandbox::with_data();
    let report = sandbox
        .run_quickly(["calibrate", "prompts.csv", "--no-plots", "--format", "json"])
        .ok()
        .json();
    assert_eq!(
        (&report["kind"], &report["schema_version"]),
        (&json!("calibration"), &json!(1))
    );
    for point in ["current", "none", "chosen"] {
        assert!(
            report[point]["threshold"].is_f64() && report[point]["gap"].is_f64(),
            "{point}"
        );
        for split in ["calibration", "test"] {
            assert_estimates(&report, &format!("{point}.{split}"), &AS_DEPLOYED);
        }
    }
}

#[test]
fn eval_documents_are_valid() {
    let sandbox = Sandbox::with_data();
    let validator = validator(&sandbox, "eval");
    sandbox.run_quickly(["eval", "prompts.csv", "--no-plots"]).ok();
    let report = sandbox.read_json("reports/eval.json");
    assert_valid(&validator, &report);
    assert_refused(&validator, &report, |r| remove(r, "", "forced_choice"));
    assert_refused(&validator, &report, |r| remove(r, "detection", "auroc"));
    assert_refused(&validator, &report, |r| remove(r, "as_deployed.coverage", "point"));
    assert_refused(&validator, &report, |r| r["as_deployed"]["coverage"]["n"] = json!("30"));
    assert_refused(&validator, &report, |r| r["confusion"]["counts"][0][0] = json!(-1));

    // Where figures have nothing under them, and where there is one route.
    sandbox.write("prompts.csv", "prompt,label,split\nhello,none,test\n");
    let mut one = routes();
    one["routes"] = json!({ "coding": one["routes"]["coding"] });
    sandbox.write("routes.json", pretty(&one));
    sandbox.run_quickly(["eval", "prompts.csv", "--no-plots"]).ok();
    assert_valid(&validator, &sandbox.read_json("reports/eval.json"));
}

#[test]
fn calibration_documents_are_valid() {
    let sandbox = Sandbox::with_data();
    let validator = validator(&sandbox, "calibration");
    for flags in [&[][..], &["--per-route"], &["--goal", "max-coverage", "--risk", "0.2"]] {
        let arguments = ["calibrate", "prompts.csv", "--no-plots"]
            .into_iter()
            .chain(flags.iter().copied());
        sandbox.run_quickly(arguments).ok();
        let report = sandbox.read_json("reports/calibration.json");
        assert_valid(&validator, &report);
        assert_refused(&validator, &report, |r| remove(r, "", "none"));
        assert_refused(&validator, &report, |r| remove(r, "chosen.test", "coverage"));
    }
}

#[test]
fn the_documents_of_check_are_valid() {
    let sandbox = Sandbox::with_data();
    sandbox.run(["check", "prompts.csv", "--update-baseline"]).ok();
    let baselines = validator(&sandbox, "baseline");
    let baseline = sandbox.read_json("reports/baseline.json");
    assert_valid(&baselines, &baseline);
    assert_refused(&baselines, &baseline, |b| {
        b["prompts"][0]["decision"] = json!("perhaps");
    });
    assert_refused(&baselines, &baseline, |b| remove(b, "", "content_sha256"));
    let checks = validator(&sandbox, "check");
    for flags in [
        &[][..],
        &["--threshold", "0.1"],
        &["--gate", "recall", "--gate", "coverage:min=0.9"],
    ] {
        sandbox.run(["check", "prompts.csv"].into_iter().chain(flags.iter().copied()));
        let report = sandbox.read_json("reports/check.json");
        assert_valid(&checks, &report);
        assert_refused(&checks, &report, |r| remove(r, "", "verdict"));
        assert_refused(&checks, &report, |r| r["gates"][0]["verdict"] = json!("perhaps"));
    }
    let gates = validator(&sandbox, "gates");
    let good = json!({ "$schema": "x", "coverage": {}, "recall.a route": { "min": 0.5 }, "recall": { "margin": 0.1 } });
    assert_valid(&gates, &good);
    assert_refused(&gates, &good, |g| g["covrage"] = json!({}));
    assert_refused(&gates, &good, |g| g["coverage"]["mn"] = json!(0.1));
    assert_refused(&gates, &good, |g| g["coverage"]["max"] = json!(70));
}

#[test]
fn lint_documents_are_valid() {
    let sandbox = Sandbox::with_data();
    let validator = validator(&sandbox, "lint");
    sandbox.write("log.csv", "prompt\nfix my loop\n");
    sandbox.run(["lint", "prompts.csv", "--unlabelled", "log.csv"]).ok();
    let report = sandbox.read_json("reports/lint.json");
    assert_valid(&validator, &report);
    assert!(!report["findings"].as_array().unwrap().is_empty());
    assert_refused(&validator, &report, |r| remove(r, "", "counts"));
    assert_refused(&validator, &report, |r| r["findings"][0]["code"] = json!("leek"));
    assert_refused(&validator, &report, |r| r["findings"][0]["act"] = json!("panic"));
    assert_refused(&validator, &report, |r| r["next"]["chosen"][0]["score"] = json!("high"));
}

#[test]
fn router_files_are_valid() {
    let sandbox = Sandbox::with_routes();
    let validator = validator(&sandbox, "router");
    sandbox.run(["centroids"]).ok();
    let router = sandbox.read_json("reports/router.json");
    assert_valid(&validator, &router);
    assert_refused(&validator, &router, |r| r["colour"] = json!("red"));
}

#[test]
fn routes_files_are_valid() {
    let sandbox = Sandbox::with_data();
    let validator = validator(&sandbox, "routes");
    assert_valid(&validator, &routes());
    sandbox
        .run_quickly(["calibrate", "prompts.csv", "--no-plots", "--per-route", "--write"])
        .ok();
    assert_valid(&validator, &sandbox.read_json("routes.json"));
    let shipped = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("routes.json")).unwrap();
    assert_valid(&validator, &serde_json::from_str(&shipped).unwrap());
    assert_refused(&validator, &routes(), |r| r["rotues"] = json!({}));
    assert_refused(&validator, &routes(), |r| r["thresholds"]["threshold"] = json!(1.5));
    assert_refused(&validator, &routes(), |r| r["routes"]["coding"]["examples"] = json!([]));
    assert_refused(&validator, &routes(), |r| remove(r, "routes.coding", "model"));
    assert_refused(&validator, &routes(), |r| r["routes"] = json!({}));
    assert_refused(&validator, &routes(), |r| r["prices"] = json!({ "big": -1 }));
}

#[test]
fn every_command_has_help() {
    let sandbox = Sandbox::empty();
    let whole = sandbox.run(["--help"]).ok();
    assert!(whole.stdout.contains("Exit codes: 0 done"), "{}", whole.stdout);
    for command in COMMANDS {
        assert!(whole.stdout.contains(&format!("\n  {command} ")), "{command}");
        for arguments in [[command, "--help"], ["help", command]] {
            let help = sandbox.run(arguments).ok();
            assert!(
                help.stdout.contains(&format!("Usage: routecal {command}")),
                "{}",
                help.stdout
            );
            assert_eq!(help.stderr, "");
            let common = [
                "--routes",
                "--encoder",
                "--split",
                "--out",
                "--format",
                "--seed",
                "--threads",
                "--quiet",
            ];
            for flag in common {
                assert!(
                    help.stdout.contains(&format!("{flag} ")) || help.stdout.contains(&format!("{flag}\n")),
                    "{flag}"
                );
            }
        }
    }
    assert_eq!(
        sandbox.run(["--version"]).ok().stdout,
        format!("routecal {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn no_command_is_bad_usage() {
    let run = Sandbox::empty().run([]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("Usage: routecal"), "{}", run.stderr);
}
