//! `routecal calibrate --write`: what it does to routes.json.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up is a failed test")]

use serde_json::{Value, json};

use crate::calibrate::calibrated;
use crate::support::{Sandbox, csv_of, number, pretty, prompts, routes};

/// Layout, order, line ends, spellings of numbers: all as they were, but for the two numbers.
#[test]
fn write_changes_the_two_numbers_and_nothing_else() {
    let sandbox = Sandbox::with_data();
    let mut text = pretty(&routes())
        .replace("0.35", "3.5e-1")
        .replace("\"threshold\":", "\"threshold\"  :");
    text = format!(
        "\u{feff}{}",
        text.replace('\n', "\r\n").replace("please", "pl\\u0065ase")
    );
    text = text
        .replacen("  \"fallback\"", "\t \"fallback\"", 1)
        .trim_end()
        .to_owned();
    sandbox.write("routes.json", &text);
    let report = calibrated(&sandbox, ["--write"]);
    let (threshold, gap) = (number(&report, "chosen.threshold"), number(&report, "chosen.gap"));
    assert!((threshold - 0.35).abs() > 1e-9 && (gap - 0.02).abs() > 1e-9);
    let expected = text
        .replace("3.5e-1", &threshold.to_string())
        .replace("0.02", &gap.to_string());
    assert_eq!(sandbox.read("routes.json"), expected);

    // They are in use from now on, and calibrating again changes nothing.
    let classified = sandbox.run(["classify", "sort it", "--format", "json"]).ok().json();
    assert_eq!(classified["prompts"][0]["threshold"].as_f64(), Some(threshold));
    assert_eq!(classified["prompts"][0]["min_gap"].as_f64(), Some(gap));
    let again = calibrated(&sandbox, ["--write"]);
    assert_eq!(again["current"]["threshold"].as_f64(), Some(threshold));
    assert_eq!(again["chosen"], report["chosen"]);
    assert_eq!(sandbox.read("routes.json"), expected);
    let names: Vec<String> = sandbox
        .files("")
        .into_keys()
        .filter(|name| !name.starts_with("reports"))
        .collect();
    assert_eq!(names, ["prompts.csv", "routes.json"]);
}

#[test]
fn without_write_the_routes_file_is_not_touched() {
    let sandbox = Sandbox::with_data();
    let before = sandbox.read("routes.json");
    calibrated(&sandbox, []);
    assert_eq!(sandbox.read("routes.json"), before);
}

#[cfg(unix)]
#[test]
fn write_keeps_the_permissions_of_the_routes_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::with_data();
    let path = sandbox.path("routes.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    calibrated(&sandbox, ["--write"]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

/// Holds that `found` are the thresholds of `wanted`, however the numbers are spelled.
#[track_caller]
fn assert_same_thresholds(found: &Value, wanted: &Value) {
    assert_eq!(found.as_object().unwrap().len(), 2, "{found}");
    for key in ["threshold", "gap"] {
        assert_eq!(number(found, key).to_bits(), number(wanted, key).to_bits(), "{key}");
    }
}

/// Holds that every figure of `eval` on the test split is that of the operating point.
#[track_caller]
fn assert_in_use(evaluation: &Value, point: &Value) {
    let figures = evaluation["as_deployed"].as_object().unwrap();
    assert!(figures.len() > 6);
    for (name, figure) in figures {
        assert_eq!(&point["test"][name], figure, "{name}");
    }
}

#[test]
fn per_route_thresholds_are_written_into_each_route_and_used() {
    let sandbox = Sandbox::with_data();
    let mut rows = prompts();
    // Out-of-domain prompts near one route, which has to ask for more than the others.
    for i in 0..12 {
        let split = if i % 2 == 0 { "calibration" } else { "test" };
        rows.push([
            format!("poem verse please hello {i}"),
            "none".to_owned(),
            split.to_owned(),
        ]);
    }
    sandbox.write("prompts.csv", csv_of(&rows));
    let best = |report: &Value| number(report, "chosen.calibration.system_accuracy.point");
    let global = calibrated(&sandbox, []);
    let report = calibrated(&sandbox, ["--per-route", "--write"]);
    assert!(best(&report) > best(&global));
    assert_eq!((&report["per_route"], &report["plateau"]), (&json!(true), &Value::Null));

    let by_route = report["chosen"]["by_route"].as_object().unwrap();
    assert!(!by_route.is_empty());
    let written = sandbox.read_json("routes.json");
    assert_same_thresholds(
        &written["thresholds"],
        &json!({ "threshold": report["chosen"]["threshold"], "gap": report["chosen"]["gap"] }),
    );
    let mut rest = written.clone();
    rest["thresholds"] = routes()["thresholds"].take();
    for (name, route) in rest["routes"].as_object_mut().unwrap() {
        let own = route.as_object_mut().unwrap().remove("thresholds").unwrap();
        assert_same_thresholds(&own, by_route.get(name).unwrap_or(&written["thresholds"]));
    }
    assert_eq!(rest, routes());

    let evaluation = sandbox
        .run_quickly(["eval", "prompts.csv", "--no-plots", "--format", "json"])
        .ok()
        .json();
    assert_eq!(evaluation["thresholds"]["by_route"], report["chosen"]["by_route"]);
    assert_in_use(&evaluation, &report["chosen"]);
    // A global choice takes them away again.
    calibrated(&sandbox, ["--write"]);
    let written = sandbox.read_json("routes.json");
    assert!(
        written["routes"]
            .as_object()
            .unwrap()
            .values()
            .all(|route| route.get("thresholds").is_none())
    );
}

#[test]
fn a_bare_mapping_takes_the_thresholds_in_each_route() {
    let sandbox = Sandbox::with_data();
    sandbox.write("routes.json", pretty(&routes()["routes"]));
    let report = calibrated(&sandbox, ["--encoder", "hashing", "--write"]);
    let mut written = sandbox.read_json("routes.json");
    let chosen = json!({ "threshold": report["chosen"]["threshold"], "gap": report["chosen"]["gap"] });
    for route in written.as_object_mut().unwrap().values_mut() {
        assert_same_thresholds(&route.as_object_mut().unwrap().remove("thresholds").unwrap(), &chosen);
    }
    assert_eq!(written, routes()["routes"]);
    let arguments = [
        "eval",
        "prompts.csv",
        "--no-plots",
        "--format",
        "json",
        "--encoder",
        "hashing",
    ];
    assert_in_use(&sandbox.run_quickly(arguments).ok().json(), &report["chosen"]);
}
