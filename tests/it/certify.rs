//! `routecal calibrate` with a promise: `--certify`, `--max-joint-risk`; and how much a choice flatters itself.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::calibrate::calibrated;
use crate::support::{Prompt, Sandbox, at, csv_of, number, rows_of};

const WORDS: [(&str, [&str; 6]); 3] = [
    ("coding", ["rust", "loop", "function", "compile", "bug", "python"]),
    ("creative", ["poem", "story", "rhyme", "verse", "novel", "song"]),
    (
        "factual",
        ["capital", "country", "population", "year", "president", "river"],
    ),
];

/// A calibration split of `n` prompts and a test split of as many, on which a router does well: three in four have words of
/// their route only, the others belong to none or hold a word of another route.
fn many(n: usize) -> Vec<Prompt> {
    (0..2 * n)
        .map(|i| {
            let (route, words) = WORDS[i % 3];
            let (first, second) = (words[i / 3 % 6], words[(i / 18 + i) % 6]);
            let foreign = WORDS[(i + 1) % 3].1[i / 4 % 6];
            let split = if i % 2 == 0 { "calibration" } else { "test" };
            let (prompt, label) = match i / 2 % 12 {
                0 => (format!("shoes dinner sofa weather {i}"), "none"),
                1 => (format!("hello qwrtz {foreign} {i} sofa"), "none"),
                2 => (format!("{first} {foreign} {i}"), route),
                _ => (format!("{first} {second} please {i}"), route),
            };
            [prompt, label.to_owned(), split.to_owned()]
        })
        .collect()
}

fn with_many(n: usize) -> Sandbox {
    let sandbox = Sandbox::with_routes();
    sandbox.write("prompts.csv", csv_of(&many(n)));
    sandbox
}

const CERTIFY: [&str; 4] = ["--certify", "--max-risk", "0.1", "--quiet"];

/// Runs `calibrate prompts.csv` with flags and returns exit code, document, standard error.
fn run(sandbox: &Sandbox, flags: &[&str]) -> (i32, Value, String) {
    let arguments = [
        "calibrate",
        "prompts.csv",
        "--no-plots",
        "--resamples",
        "0",
        "--format",
        "json",
    ];
    let run = sandbox.run(arguments.into_iter().chain(flags.iter().copied()));
    assert_eq!(run.stdout, sandbox.read("reports/calibration.json"));
    (run.code, run.json(), run.stderr)
}

#[test]
fn a_certificate_says_what_it_rests_on() {
    let sandbox = with_many(400);
    let (code, report, _) = run(&sandbox, &CERTIFY);
    assert_eq!(code, 0);
    let certification = &report["certification"];
    assert_eq!(certification["verdict"], "certified");
    let certificate = &certification["certificate"];
    let p = number(certificate, "p_value");
    assert!(p <= 0.05 && number(certificate, "upper_bound") <= 0.1, "{certificate}");
    for key in ["threshold", "gap"] {
        assert_eq!(report["chosen"][key], certificate[key]);
    }
    let rows = &certification["rows"];
    assert_eq!(rows["used"], 400);
    assert_eq!((&rows["ordering"], &rows["testing"]), (&json!(160), &json!(240)));
    // Only the last of the tested candidates may have failed.
    let tested = certification["tested"].as_array().unwrap();
    for (i, candidate) in tested.iter().enumerate() {
        let passed = number(candidate, "p_value") <= 1.0 - 0.95;
        assert_eq!(candidate["certified"], passed);
        assert!(passed || i + 1 == tested.len());
    }
    // The cost is the difference of the coverages that the two points have.
    for split in ["calibration", "test"] {
        let cost = &certification["cost"][split];
        let coverage = |point: &Value| number(point, &format!("{split}.coverage.point"));
        let (with, without) = (coverage(&report["chosen"]), coverage(&certification["uncertified"]));
        assert!((number(cost, "cost") - (without - with)).abs() < 1e-12);
        assert!((number(cost, "certified.point") - with).abs() < 1e-12);
    }
    assert!(
        at(certification, "guarantee")
            .as_str()
            .unwrap()
            .contains("drawn like the calibration prompts")
    );
    assert!(report["plateau"].is_null() && certification["shortfall"].is_null());
}

#[test]
fn the_uncertified_choice_is_that_of_the_same_goal() {
    let sandbox = with_many(400);
    let (_, report, _) = run(&sandbox, &CERTIFY);
    let uncertified = report["certification"]["uncertified"].clone();
    let other = calibrated(
        &sandbox,
        ["--goal", "max-coverage", "--risk", "0.1", "--resamples", "0"],
    );
    assert_eq!(uncertified, other["chosen"]);
    assert!(other["certification"].is_null());
}

#[test]
fn write_puts_the_certified_numbers_into_the_routes_file() {
    let sandbox = with_many(400);
    let (_, report, _) = run(&sandbox, &[&CERTIFY[..], &["--write"]].concat());
    let (written, certificate) = (
        sandbox.read_json("routes.json"),
        &report["certification"]["certificate"],
    );
    for key in ["threshold", "gap"] {
        let (written, certified) = (number(&written["thresholds"], key), number(certificate, key));
        assert_eq!(written.to_bits(), certified.to_bits(), "{key}");
    }
}

#[test]
fn too_few_rows_are_inconclusive_and_say_how_many_would_do() {
    let sandbox = with_many(60);
    let before = sandbox.read("routes.json");
    let (code, report, stderr) = run(&sandbox, &["--certify", "--max-risk", "0.05", "--write"]);
    assert_eq!(code, 4);
    assert!(report["chosen"].is_null() && report["optimism"].is_null());
    let certification = &report["certification"];
    assert_eq!(certification["verdict"], "inconclusive");
    let shortfall = &certification["shortfall"];
    let nearest = &shortfall["nearest"];
    assert!(number(nearest, "p_value") > 0.05 && nearest["certified"] == false);
    let needed = number(shortfall, "accepted_needed");
    assert!((number(shortfall, "more_accepted") - (needed - number(nearest, "accepted"))).abs() < 0.5);
    assert!(number(shortfall, "more_rows") >= number(shortfall, "more_accepted"));
    assert!(
        stderr.contains("error: no thresholds can be certified") && stderr.contains("hint: label about"),
        "{stderr}"
    );
    assert_eq!(sandbox.read("routes.json"), before);
}

#[test]
fn a_handful_of_rows_or_rows_of_one_label() {
    let sandbox = Sandbox::with_routes();
    let outcome = |prompts: &[Prompt], flags: &[&str]| {
        sandbox.write("prompts.csv", csv_of(prompts));
        let arguments = ["calibrate", "prompts.csv", "--no-plots", "--resamples", "0"];
        let run = sandbox.run(arguments.into_iter().chain(flags.iter().copied()));
        format!("exit {}\n{}", run.code, sandbox.shown(&run.stderr))
    };
    let all = many(60);
    let only = |label: &str| all.iter().filter(|p| p[1] == label).cloned().collect::<Vec<_>>();
    let selective = ["--certify", "--max-risk", "0.05"];
    let joint = ["--max-joint-risk", "0.05"];
    assert_snapshot!(
        [
            outcome(&all[..2], &selective),
            outcome(&all[..2], &joint),
            outcome(&only("none"), &selective),
            outcome(&only("none"), &joint),
            outcome(&only("coding"), &selective),
            outcome(&only("none"), &["--cross-validate", "2"]),
        ]
        .concat()
    );
}

#[test]
fn prompts_that_stand_twice_or_are_route_examples_count_for_nothing() {
    let sandbox = with_many(400);
    let (_, first, _) = run(&sandbox, &CERTIFY);
    let mut prompts = many(400);
    let calibration = |prompts: &[Prompt]| {
        prompts
            .iter()
            .filter(|p| p[2] == "calibration")
            .cloned()
            .collect::<Vec<_>>()
    };
    let copies = calibration(&prompts);
    // Once more, shouting.
    prompts.extend(
        copies
            .into_iter()
            .map(|[prompt, label, split]| [prompt.to_uppercase(), label, split]),
    );
    let example = sandbox.read_json("routes.json")["routes"]["coding"]["examples"][0].clone();
    prompts.push([
        example.as_str().unwrap().to_owned(),
        "coding".into(),
        "calibration".into(),
    ]);
    sandbox.write("prompts.csv", csv_of(&prompts));
    let (_, second, _) = run(&sandbox, &CERTIFY);
    assert_eq!(
        second["certification"]["certificate"],
        first["certification"]["certificate"]
    );
    let rows = &second["certification"]["rows"];
    assert_eq!(
        (&rows["used"], &rows["copies"], &rows["examples"]),
        (&json!(400), &json!(400), &json!(1))
    );
}

#[test]
fn the_joint_risk_is_controlled_on_the_rows_that_set_the_threshold() {
    let sandbox = with_many(400);
    let (code, report, _) = run(&sandbox, &["--max-joint-risk", "0.08"]);
    assert_eq!(code, 0);
    let certification = &report["certification"];
    assert_eq!(certification["kind"], "joint-risk");
    assert!(certification["confidence"].is_null() && certification["delta"].is_null());
    let certificate = &certification["certificate"];
    let testing = number(certification, "rows.testing");
    let corrected = (number(certificate, "wrong") + 1.0) / (testing + 1.0);
    assert!((number(certificate, "corrected_risk") - corrected).abs() < 1e-12 && corrected <= 0.08);
    assert!(
        at(certification, "guarantee")
            .as_str()
            .unwrap()
            .contains("in expectation")
    );
    assert_eq!(report["goal"]["name"], "max-joint-coverage");
}

#[test]
fn the_text_of_a_certificate() {
    let sandbox = with_many(400);
    let text = |flags: &[&str]| {
        let arguments = ["calibrate", "prompts.csv", "--no-plots", "--resamples", "0", "--quiet"];
        sandbox.run(arguments.into_iter().chain(flags.iter().copied())).stdout
    };
    assert_snapshot!(text(&["--certify", "--max-risk", "0.1", "--confidence", "0.9"]));
    assert_snapshot!(text(&["--certify", "--max-risk", "0.001"]));
    assert_snapshot!(text(&["--max-joint-risk", "0.08"]));
    assert_snapshot!(text(&[
        "--goal",
        "max-coverage",
        "--risk",
        "0.05",
        "--cross-validate",
        "5"
    ]));
}

/// The optimism is the difference of what the operating point says of both splits.
#[test]
fn optimism_is_the_difference_of_the_two_splits() {
    let sandbox = Sandbox::with_data();
    let report = calibrated(&sandbox, []);
    let goal = &report["optimism"]["goal"];
    assert_eq!(goal["figure"], "system accuracy");
    for split in ["calibration", "test"] {
        assert_eq!(goal[split], report["chosen"][split]["system_accuracy"]);
    }
    let difference = number(goal, "calibration.point") - number(goal, "test.point");
    assert!((number(goal, "optimism") - difference).abs() < 1e-12);
    assert!(report["optimism"]["condition"].is_null());

    // A risk flatters by being too low.
    let report = calibrated(&sandbox, ["--goal", "max-coverage", "--risk", "0.1"]);
    let condition = &report["optimism"]["condition"];
    assert_eq!(
        (&condition["figure"], &condition["higher_is_better"]),
        (&json!("selective risk"), &json!(false))
    );
    let difference = number(condition, "test.point") - number(condition, "calibration.point");
    assert!((number(condition, "optimism") - difference).abs() < 1e-12);

    let same = calibrated(&sandbox, ["--test-split", "calibration"]);
    assert!(same["optimism"].is_null());
}

/// Every fold's figures are what `eval` finds with the fold's thresholds on the fold's rows.
#[test]
fn every_row_is_left_out_once() {
    let sandbox = Sandbox::with_data();
    let report = calibrated(&sandbox, ["--cross-validate", "3"]);
    let found = &report["cross_validation"];
    let each = found["each"].as_array().unwrap();
    assert_eq!(
        (each.len(), &found["folds"], &found["unmet"]),
        (3, &json!(3), &json!(0))
    );
    let rows = number(&report, "calibration.n");
    let held: f64 = each.iter().map(|fold| number(fold, "held_out")).sum();
    assert!((held - rows).abs() < 0.5);
    let pooled: f64 = each
        .iter()
        .map(|fold| number(fold, "held_out") * number(fold, "test"))
        .sum();
    assert!((number(found, "goal.test.point") - pooled / rows).abs() < 1e-12);
    let mean: f64 = each.iter().map(|fold| number(fold, "calibration")).sum::<f64>() / 3.0;
    assert!((number(found, "goal.calibration.point") - mean).abs() < 1e-12);
    let spread = &found["spread"][0];
    let numbers: Vec<f64> = each
        .iter()
        .map(|fold| number(&fold["thresholds"][0], "threshold"))
        .collect();
    let (low, high) = (
        number(spread, "threshold.range.low"),
        number(spread, "threshold.range.high"),
    );
    assert!(numbers.iter().all(|t| (low..=high).contains(t)));
    assert!(
        numbers
            .iter()
            .any(|t| t.to_bits() == number(spread, "threshold.median").to_bits())
    );

    let by_route = calibrated(&sandbox, ["--cross-validate", "3", "--per-route"]);
    let spread = by_route["cross_validation"]["spread"].as_array().unwrap();
    let routes: Vec<&str> = spread.iter().map(|s| s["route"].as_str().unwrap()).collect();
    assert_eq!(routes, ["coding", "creative", "factual"]);
    // The sweep's table holds the certified and the uncertified point too: nothing of this run is missing there.
    assert!(!rows_of(&sandbox.read("reports/sweep.csv")).is_empty());
}

#[test]
fn flags_that_do_not_fit_together() {
    let sandbox = Sandbox::with_data();
    let refused = |flags: &[&str]| {
        let arguments = ["calibrate", "prompts.csv"].into_iter().chain(flags.iter().copied());
        sandbox.refused(arguments)
    };
    let mut messages = String::new();
    for flags in [
        &["--certify"][..],
        &["--max-risk", "0.05"],
        &["--confidence", "0.9"],
        &[
            "--certify",
            "--max-risk",
            "0.05",
            "--goal",
            "min-risk",
            "--coverage",
            "0.5",
        ],
        &["--certify", "--max-risk", "0.05", "--per-route"],
        &["--certify", "--max-risk", "0.05", "--max-joint-risk", "0.05"],
        &["--certify", "--max-risk", "0.05", "--cross-validate", "5"],
        &["--max-joint-risk", "0.05", "--per-route"],
    ] {
        messages.push_str(&refused(flags));
    }
    assert_snapshot!(messages);
}

#[test]
fn numbers_out_of_range() {
    let sandbox = Sandbox::with_data();
    let refused = |flags: &[&str]| {
        let arguments = ["calibrate", "prompts.csv"].into_iter().chain(flags.iter().copied());
        sandbox.refused(arguments)
    };
    let mut messages = String::new();
    for bad in ["0", "1", "nan", "-0.1", "inf"] {
        messages.push_str(&refused(&["--certify", "--max-risk", bad]));
    }
    for bad in ["0", "1", "95", "NaN"] {
        messages.push_str(&refused(&["--certify", "--max-risk", "0.05", "--confidence", bad]));
    }
    for bad in ["0", "1", "five"] {
        messages.push_str(&refused(&["--max-joint-risk", bad]));
    }
    for bad in ["0", "1", "-3", "31", "x"] {
        messages.push_str(&refused(&["--cross-validate", bad]));
    }
    assert_snapshot!(messages);
}

mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn neither_threads_nor_the_order_of_the_rows_change_a_certificate() {
        let sandbox = with_many(200);
        let report = |flags: &[&str]| {
            let (_, mut report, _) = run(&sandbox, flags);
            report["provenance"].take();
            report
        };
        let flags = ["--certify", "--max-risk", "0.15", "--threads", "1"];
        let first = report(&flags);
        assert_eq!(report(&["--certify", "--max-risk", "0.15", "--threads", "7"]), first);
        let folds = report(&["--cross-validate", "4", "--threads", "1"]);
        assert_eq!(report(&["--cross-validate", "4", "--threads", "3"]), folds);
        let mut rows = many(200);
        rows.reverse();
        rows.rotate_left(71);
        sandbox.write("prompts.csv", csv_of(&rows));
        assert_eq!(report(&flags), first);
        assert_eq!(report(&["--cross-validate", "4"]), folds);
        // Another seed deals the rows anew.
        let other = report(&["--cross-validate", "4", "--seed", "1"]);
        assert_ne!(other["cross_validation"], folds["cross_validation"]);
    }
}
