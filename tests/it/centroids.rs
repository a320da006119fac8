//! `routecal centroids`, and the router file in the hands of the other commands.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Sandbox, number, pretty, routes};

/// With router.json, built from its routes.json.
fn built() -> Sandbox {
    let sandbox = Sandbox::with_data();
    sandbox.run(["centroids", "--out", "."]).ok();
    sandbox
}

/// What is said to a router file after `edit`.
#[track_caller]
fn refused(edit: impl FnOnce(&mut Value)) -> String {
    let sandbox = built();
    let mut router = sandbox.read_json("router.json");
    edit(&mut router);
    sandbox.write("router.json", pretty(&router));
    sandbox.refused(["classify", "sort it", "--router", "router.json"])
}

#[test]
fn the_text_shows_how_well_routes_can_be_told_apart() {
    let sandbox = Sandbox::with_routes();
    let run = sandbox.run(["centroids"]).ok();
    assert_snapshot!(format!(
        "{}----- stderr -----\n{}",
        run.stdout,
        sandbox.shown(&run.stderr)
    ));
    assert_eq!(sandbox.files("reports").keys().collect::<Vec<_>>(), ["router.json"]);
}

#[test]
fn the_matrix_is_symmetric_and_the_spread_is_that_of_the_examples() {
    let sandbox = Sandbox::with_routes();
    let report = sandbox.run(["centroids", "--format", "json"]).ok().json();
    let names = ["coding", "creative", "factual"];
    assert_eq!(report["similarity"]["labels"], json!(names));
    let cosine = |i: usize, j: usize| report["similarity"]["cosines"][i][j].as_f64().unwrap();
    for i in 0..3 {
        assert!((cosine(i, i) - 1.0).abs() < 1e-12);
        for j in 0..i {
            assert!((cosine(i, j) - cosine(j, i)).abs() < 1e-15 && cosine(i, j) < 0.6);
        }
    }
    for (i, name) in names.iter().enumerate() {
        let route = &report["routes"][i];
        assert_eq!((&route["route"], &route["examples"]), (&json!(name), &json!(6)));
        let (mean, min) = (number(route, "mean_cosine"), number(route, "min_cosine"));
        assert!(0.0 < min && min <= mean && mean < 1.0 && number(route, "standard_deviation") > 0.0);
    }
}

/// An example of another route's words is found: without it, its own route is not the nearest.
#[test]
fn an_example_that_strays_is_named() {
    let sandbox = Sandbox::empty();
    let mut document = routes();
    let stray = "poem verse please rhyme";
    document["routes"]["coding"]["examples"][3] = json!(stray);
    sandbox.write("routes.json", pretty(&document));
    let report = sandbox.run(["centroids", "--format", "json"]).ok().json();
    let strays = report["strays"].as_array().unwrap();
    let found = strays
        .iter()
        .find(|s| s["example"] == stray)
        .expect("the stray is not among them");
    assert_eq!(
        (&found["route"], &found["nearest_other"]),
        (&json!("coding"), &json!("creative"))
    );
    assert!(number(found, "other_cosine") > number(found, "own_cosine"));
}

#[test]
fn two_builds_give_the_same_bytes() {
    let sandbox = built();
    let first = sandbox.read("router.json");
    sandbox
        .run(["centroids", "--out", ".", "--no-cache", "--threads", "3"])
        .ok();
    assert_eq!(sandbox.read("router.json"), first);
}

/// Every command gives with the router file what it gives with the routes file.
#[test]
fn a_router_file_stands_for_its_routes() {
    let sandbox = built();
    for command in [
        &["classify", "sort a rust array", "hello"][..],
        &["eval", "prompts.csv", "--no-plots", "--resamples", "0"],
        &["calibrate", "prompts.csv", "--no-plots", "--resamples", "0"],
    ] {
        let command = || command.iter().copied().chain(["--format", "json"]);
        let plain = sandbox.run(command()).ok().stdout;
        assert_eq!(
            sandbox.run(command().chain(["--router", "router.json"])).ok().stdout,
            plain
        );
        // By itself, too: no routes file, nothing kept.
        let alone = Sandbox::with_data();
        alone.write("router.json", sandbox.read("router.json"));
        std::fs::remove_file(alone.path("routes.json")).unwrap();
        assert_eq!(
            alone.run(command().chain(["--router", "router.json"])).ok().stdout,
            plain
        );
    }
}

/// Thresholds are not part of what the router was built from: those of the routes file hold.
#[test]
fn a_calibration_does_not_make_a_router_file_stale() {
    let sandbox = built();
    sandbox
        .run(["calibrate", "prompts.csv", "--no-plots", "--resamples", "0", "--write"])
        .ok();
    let routes = sandbox.read_json("routes.json");
    let arguments = ["classify", "sort it", "--router", "router.json", "--format", "json"];
    let prompt = sandbox.run(arguments).ok().json()["prompts"][0].take();
    let threshold = number(&routes, "thresholds.threshold");
    assert!((threshold - 0.35).abs() > 1e-9);
    assert_eq!(prompt["threshold"].as_f64(), Some(threshold));
}

#[test]
fn a_router_of_other_routes() {
    let sandbox = built();
    let mut document = routes();
    document["routes"]["coding"]["examples"][0] = json!("another example");
    sandbox.write("routes.json", pretty(&document));
    let message = sandbox.refused(["eval", "prompts.csv", "--router", "router.json"]);
    insta::with_settings!({ filters => [(r"[0-9a-f]{12} against [0-9a-f]{12}", "[HASH] against [HASH]")] }, {
        assert_snapshot!(message);
    });
}

#[test]
fn a_router_of_another_encoder() {
    let sandbox = built();
    let flags = ["--router", "router.json", "--encoder", "all-MiniLM-L6-v2"];
    assert_snapshot!(sandbox.refused(["classify", "sort it"].into_iter().chain(flags)));
}

#[test]
fn a_router_edited_by_hand() {
    let message = [
        refused(|r| r["routes"]["coding"]["examples"][0] = json!("another example")),
        refused(|r| r["routes"]["coding"]["model"] = json!("huge")),
        refused(|r| {
            let other = r["routes"]["creative"]["vectors"][0].clone();
            r["routes"]["coding"]["vectors"][0] = other;
        }),
        refused(|r| r["routes"]["coding"]["vectors"][0] = json!("not base64")),
        refused(|r| r["routes"]["coding"]["vectors"] = json!([])),
        refused(|r| r["routes"] = json!({})),
        refused(|r| r["colour"] = json!("red")),
        refused(|r| r["thresholds"]["threshold"] = json!(2)),
        refused(|r| r["encoder"]["pooling"] = json!("mean")),
    ];
    assert_snapshot!(message.concat());
}

#[test]
fn a_router_of_another_schema_version() {
    assert_snapshot!(refused(|r| r["schema_version"] = json!(2)));
}

#[test]
fn a_file_that_is_no_router() {
    let sandbox = built();
    let text = sandbox.read("router.json");
    sandbox.write("cut.json", &text[..text.len() / 2]);
    sandbox.write("binary.json", b"\xff\xfe");
    let message = [
        sandbox.refused(["classify", "sort it", "--router", "nowhere.json"]),
        sandbox.refused(["classify", "sort it", "--router", "routes.json"]),
        sandbox.refused(["classify", "sort it", "--router", "cut.json"]),
        sandbox.refused(["classify", "sort it", "--router", "binary.json"]),
    ];
    assert_snapshot!(message.concat());
}
