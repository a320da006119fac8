//! What examples and scoring rules are worth: `compare-encoders`, `learn-curve`, `improve`, and the rule of routes.json.

use serde_json::{Value, json};

use crate::support::{Prompt, Sandbox, csv_of, number, routes};

/// Prompts of three routes whose examples know the first half of each route's words alone.
const WORDS: [(&str, [&str; 6]); 3] = [
    ("coding", ["rust", "loop", "function", "compile", "bug", "python"]),
    ("creative", ["poem", "story", "rhyme", "verse", "novel", "song"]),
    (
        "factual",
        ["capital", "country", "population", "year", "president", "river"],
    ),
];

/// What `eval` says, without intervals and plots.
fn evaluated(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let plain = ["--resamples", "0", "--no-plots", "--quiet", "--format", "json"];
    let command = ["eval"].iter().chain(arguments).chain(&plain);
    sandbox.run(command.copied()).ok().json()
}

fn many(n: usize) -> Vec<Prompt> {
    (0..2 * n)
        .map(|i| {
            let (route, words) = WORDS[i % 3];
            let split = if i % 2 == 0 { "calibration" } else { "test" };
            let (prompt, label) = if i / 2 % 6 == 0 {
                (format!("shoes dinner sofa weather {i}"), "none")
            } else {
                (
                    format!("{} {} please {i}", words[i / 3 % 6], words[(i / 18 + i) % 6]),
                    route,
                )
            };
            [prompt, label.to_owned(), split.to_owned()]
        })
        .collect()
}

fn sandbox(examples: usize) -> Sandbox {
    let sandbox = Sandbox::with_routes();
    let mut routes = routes();
    for (name, words) in WORDS {
        let texts: Vec<String> = (0..examples).map(|i| format!("{} please {i}", words[i % 2])).collect();
        routes["routes"][name] = json!({ "model": "m", "examples": texts });
    }
    sandbox.write("routes.json", serde_json::to_string_pretty(&routes).unwrap_or_default());
    sandbox.write("prompts.csv", csv_of(&many(150)));
    sandbox
}

fn document(sandbox: &Sandbox, arguments: &[&str], file: &str) -> Value {
    let run = sandbox
        .run(arguments.iter().copied().chain(["--format", "json", "--quiet"]))
        .ok();
    assert_eq!(run.stdout, sandbox.read(file));
    run.json()
}

fn assert_valid(sandbox: &Sandbox, schema: &str, document: &Value) {
    let schema = sandbox.run(["schema", schema]).ok().json();
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    if let Err(error) = validator.validate(document) {
        panic!("{error} at {}", error.instance_path());
    }
}

#[test]
fn rules_are_compared_on_the_same_prompts_with_the_first() {
    let sandbox = sandbox(6);
    let command = ["compare-encoders", "prompts.csv", "--resamples", "200"];
    let report = document(&sandbox, &command, "reports/comparison.json");
    assert_valid(&sandbox, "compare-encoders", &report);
    let contenders = report["contenders"].as_array().expect("a list");
    let rules: Vec<&str> = contenders.iter().filter_map(|c| c["scoring"].as_str()).collect();
    assert_eq!(
        rules,
        [
            "centroid",
            "max-example",
            "mean-top:3",
            "mean-nearest:5",
            "medoids:3",
            "logistic:10",
            "logistic+ood:10"
        ]
    );
    assert!(contenders[0]["versus_first"].is_null());
    let n = number(&contenders[0]["forced_choice_accuracy"], "n");
    for contender in &contenders[1..] {
        let versus = &contender["versus_first"];
        let (own, first) = (
            number(&contender["forced_choice_accuracy"], "point"),
            number(&contenders[0]["forced_choice_accuracy"], "point"),
        );
        let difference = (number(versus, "won") - number(versus, "lost")) / n;
        assert!((own - first - difference).abs() < 1e-9, "{contender}");
        assert!(number(versus, "adjusted_p") >= number(versus, "mcnemar_p"));
        assert!(
            contender["prompts_per_second"].is_null(),
            "a clock is read only where that is asked for"
        );
    }
    // Once more, with another number of threads: the same bytes.
    let again = sandbox.run(
        command
            .into_iter()
            .chain(["--format", "json", "--quiet", "--threads", "1"]),
    );
    assert_eq!(again.stdout, sandbox.read("reports/comparison.json"));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let sandbox = sandbox(6);
    let error = sandbox.refused(["compare-encoders", "prompts.csv", "--scoring", "centroid,mean-of-3"]);
    assert!(error.contains("\"mean-of-3\" is no scoring rule"), "{error}");
    let error = sandbox.refused(["compare-encoders", "prompts.csv", "--risk", "1.5"]);
    assert!(error.contains("--risk"), "{error}");
    let in_domain: Vec<Prompt> = many(60).into_iter().filter(|p| p[1] != "none").collect();
    sandbox.write("inside.csv", csv_of(&in_domain));
    // Of the usual rules the one that needs them is left out; who names it is told.
    let run = sandbox
        .run(["compare-encoders", "inside.csv", "--resamples", "0", "--quiet"])
        .ok();
    assert!(
        run.stdout.contains("logistic:10") && !run.stdout.contains("logistic+ood"),
        "{}",
        run.stdout
    );
    let error = sandbox.refused(["compare-encoders", "inside.csv", "--scoring", "logistic+ood"]);
    assert!(error.contains("learns from out-of-domain prompts"), "{error}");
}

#[test]
fn the_rule_of_routes_json_is_followed_and_changes_the_router() {
    let sandbox = sandbox(6);
    let scores = |sandbox: &Sandbox| {
        let run = sandbox
            .run(["classify", "--format", "json", "--quiet", "rust poem please"])
            .ok();
        run.json()["prompts"][0]["score"].clone()
    };
    let by_centroid = scores(&sandbox);
    let mut routes: Value = serde_json::from_str(&sandbox.read("routes.json")).expect("JSON");
    routes["scoring"] = json!("max-example");
    sandbox.write("routes.json", routes.to_string());
    assert_ne!(scores(&sandbox), by_centroid);
    // A router file keeps the rule, and does not fit the routes file once that has another one.
    sandbox.run(["centroids", "--quiet", "--out", "built"]).ok();
    let run = sandbox.run(["classify", "--router", "built/router.json", "--quiet", "rust"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    routes["scoring"] = json!("logistic");
    sandbox.write("routes.json", routes.to_string());
    let error = sandbox.refused(["classify", "--router", "built/router.json", "rust"]);
    assert!(error.contains("router.json"), "{error}");
    routes["scoring"] = json!("nearest");
    sandbox.write("routes.json", routes.to_string());
    let error = sandbox.refused(["classify", "rust"]);
    assert!(
        error.contains("routes.json:1: scoring: \"nearest\" is no scoring rule"),
        "{error}"
    );
}

#[test]
fn a_learning_curve_rises_and_says_what_it_drew_from() {
    let sandbox = sandbox(2);
    let command = ["learn-curve", "prompts.csv", "--draws", "30"];
    let report = document(&sandbox, &command, "reports/learn-curve.json");
    assert_valid(&sandbox, "learn-curve", &report);
    let points = report["points"].as_array().expect("a list");
    let mean = |point: &Value| number(&point["accuracy"], "mean");
    assert_eq!(points[0]["examples"], 1);
    let (first, last) = (mean(&points[0]), mean(&points[points.len() - 1]));
    assert!(last > first + 0.1, "{first} {last}");
    let candidates = number(&report["pools"][0], "candidates");
    assert!(number(&points[points.len() - 1], "examples") <= candidates);
    assert!(sandbox.read("reports/plots/learn-curve.svg").starts_with("<svg"));
    let error = sandbox.refused(["learn-curve", "prompts.csv", "--examples", "0,5"]);
    assert!(error.contains("a route needs an example"), "{error}");
}

#[test]
fn better_examples_are_proposed_with_their_evidence_and_only_then_written() {
    let sandbox = sandbox(2);
    let before = sandbox.read("routes.json");
    let report = document(
        &sandbox,
        &["improve", "prompts.csv", "--draws", "20", "--keep", "1"],
        "reports/improve.json",
    );
    assert_valid(&sandbox, "improve", &report);
    assert_eq!(report["proposed"], true);
    let gain = &report["validation"]["gain"];
    assert!(number(gain, "lower") > 0.0, "{gain}");
    assert!(number(&report["test"]["after"], "point") > number(&report["test"]["before"], "point"));
    assert_eq!(
        sandbox.read("routes.json"),
        before,
        "the routes file itself stays as it is"
    );
    let improved: Value = serde_json::from_str(&sandbox.read("routes.improved.json")).expect("JSON");
    for change in report["changes"].as_array().expect("a list") {
        let route = change["route"].as_str().unwrap_or_default();
        let examples = improved["routes"][route]["examples"].as_array().expect("a list");
        assert_eq!(
            examples.contains(&change["example"]),
            change["act"] == "add",
            "{change}"
        );
    }
    // What was judged is what the new file gives.
    let eval = evaluated(&sandbox, &["prompts.csv", "--routes", "routes.improved.json"]);
    let accuracy = number(&eval["forced_choice"]["accuracy"], "point");
    assert!((accuracy - number(&report["test"]["after"], "point")).abs() < 1e-12);
}

#[test]
fn a_gain_that_may_be_chance_is_not_proposed() {
    let sandbox = sandbox(6);
    let run = sandbox.run(["improve", "prompts.csv", "--add", "0", "--drop", "0", "--draws", "5"]);
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(
        run.stderr.contains("no change of the examples is proposed"),
        "{}",
        run.stderr
    );
    assert!(run.stdout.contains("no change of the examples helps"), "{}", run.stdout);
    assert!(!sandbox.path("routes.improved.json").exists());
    assert_eq!(sandbox.read_json("reports/improve.json")["proposed"], false);
}

mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_router_that_knows_out_of_domain_prompts_is_followed_everywhere() {
        let sandbox = sandbox(6);
        let mut routes: Value = serde_json::from_str(&sandbox.read("routes.json")).expect("JSON");
        let outside: Vec<String> = (0..12)
            .map(|i| format!("shoes dinner sofa weather {}", 900 + i))
            .collect();
        routes["scoring"] = json!("logistic:10");
        sandbox.write("routes.json", routes.to_string());
        let blind = evaluated(&sandbox, &["prompts.csv"]);
        routes["scoring"] = json!("logistic+ood:10");
        sandbox.write("routes.json", routes.to_string());
        let error = sandbox.refused(["classify", "rust"]);
        assert!(
            error.contains("routes.json:1: scoring: logistic+ood:10 learns from prompts that no route should take"),
            "{error}"
        );
        routes["out_of_domain"] = json!(outside);
        sandbox.write("routes.json", routes.to_string());
        let knowing = evaluated(&sandbox, &["prompts.csv"]);
        let auroc = |report: &Value| number(report, "detection.auroc.point");
        assert!(
            auroc(&knowing) > auroc(&blind).max(0.99),
            "{} {}",
            auroc(&knowing),
            auroc(&blind)
        );
        // A router file holds what the rule has learnt from, and gives the same.
        sandbox.run(["centroids", "--quiet", "--out", "built"]).ok();
        let of_file = evaluated(&sandbox, &["prompts.csv", "--router", "built/router.json"]);
        assert_eq!(of_file["detection"], knowing["detection"]);
        for command in [
            "calibrate prompts.csv --resamples 20 --no-plots",
            "learn-curve prompts.csv --draws 3 --examples 3 --no-plots",
            "compare-encoders prompts.csv --resamples 20",
        ] {
            sandbox.run(command.split(' ').chain(["--quiet"])).ok();
        }
        // The comparison learns from the same examples, so every prompt of the split chooses.
        let compared = sandbox.read_json("reports/comparison.json");
        let last = compared["contenders"]
            .as_array()
            .and_then(|all| all.last())
            .expect("contenders");
        assert_eq!(last["scoring"], "logistic+ood:10");
        assert_eq!(last["auroc"]["point"], knowing["detection"]["auroc"]["point"]);
        // A prompt that the router has learnt from is leakage like any other example.
        let mut prompts = many(150);
        prompts.push([outside[0].clone(), "none".into(), "test".into()]);
        sandbox.write("leaking.csv", csv_of(&prompts));
        assert_eq!(evaluated(&sandbox, &["leaking.csv"])["leakage"]["n"], 1);
        // Other examples are another router.
        routes["out_of_domain"][0] = json!("curtains please");
        sandbox.write("routes.json", routes.to_string());
        let error = sandbox.refused(["classify", "--router", "built/router.json", "rust"]);
        assert!(error.contains("router.json"), "{error}");
        // Another rule does not look at them, and says so.
        routes["scoring"] = json!("centroid");
        sandbox.write("routes.json", routes.to_string());
        let run = sandbox.run(["classify", "rust"]).ok();
        assert!(
            run.stderr.contains("the out-of-domain examples are not used"),
            "{}",
            run.stderr
        );
        routes["out_of_domain"][1] = json!("rust please 0");
        sandbox.write("routes.json", routes.to_string());
        let error = sandbox.refused(["classify", "rust"]);
        assert!(
            error.contains("out_of_domain[1]: it is an example of route \"coding\" as well"),
            "{error}"
        );
    }
}
