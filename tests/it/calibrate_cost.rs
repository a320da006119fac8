//! `routecal calibrate --run`: thresholds for cost and quality from the answers of a run.

use serde_json::{Value, json};

use crate::run_folder::{RUN, grade, score, write_run};
use crate::support::{Run, Sandbox, at, number, pretty, routes};

const CALIBRATE: [&str; 5] = ["calibrate", "--goal", "min-cost", "--run", RUN];

/// The dear model is always right, the cheap one from a score of 0.4 up, but for a few.
fn right(i: usize, model: &str) -> bool {
    model == "big" || (score(i) >= 0.4 && !i.is_multiple_of(11))
}

fn graded() -> Sandbox {
    let sandbox = Sandbox::with_routes();
    write_run(&sandbox, 100, right);
    grade(&sandbox);
    sandbox
}

fn calibrate(sandbox: &Sandbox, min_quality: &str, flags: &[&str]) -> Run {
    let flags = ["--min-quality", min_quality].into_iter().chain(flags.iter().copied());
    sandbox.run_quickly(CALIBRATE.into_iter().chain(flags))
}

fn document(sandbox: &Sandbox, min_quality: &str, flags: &[&str]) -> Value {
    let flags: Vec<&str> = ["--no-plots", "--format", "json"]
        .iter()
        .chain(flags)
        .copied()
        .collect();
    calibrate(sandbox, min_quality, &flags).ok().json()
}

#[test]
fn the_cheapest_thresholds_that_are_good_enough_are_chosen_and_judged() {
    let sandbox = graded();
    let report = document(&sandbox, "95%", &[]);
    assert_eq!(report, sandbox.read_json("reports/cost-calibration.json"));
    assert_eq!(
        (&report["kind"], &report["strong"]),
        (&json!("cost_calibration"), &json!("big"))
    );
    let quality = number(&report, "chosen.calibration.quality.point");
    assert!((0.95..0.97).contains(&quality), "{quality}");
    assert!((number(&report, "calibration.wanted") - 0.95).abs() < 1e-12);
    // Every model's and every threshold's cost is in the ledger: no pair on a grid is good enough and cheaper.
    let cost = number(&report, "chosen.calibration.usd_per_1k.point");
    for threshold in (0..100).map(|t| f64::from(t) / 100.0) {
        for gap in (0..10).map(|g| f64::from(g) / 50.0) {
            let (mut dollars, mut wrong) = (0.0, 0);
            for i in 0..100 {
                let own_gap = f64::from(u32::try_from(i * 13 % 10).unwrap()) / 50.0;
                let small = score(i) >= threshold && own_gap >= gap;
                let factor = 1.0 + f64::from(u32::try_from(i % 5).unwrap()) / 10.0;
                dollars += if small { 0.0005 } else { 0.01 } * factor * 10.0;
                wrong += u32::from(small && !right(i, "small"));
            }
            assert!(
                wrong > 5 || dollars > cost - 1e-9,
                "{threshold} {gap}: {dollars} < {cost}"
            );
        }
    }
    for (policy, quality) in [("always.0", 1.0), ("always.1", 0.55)] {
        let index: usize = policy[7..].parse().unwrap();
        let here = &report["always"][index];
        assert!(
            (number(here, "calibration.quality.point") - quality).abs() < 0.05,
            "{here}"
        );
    }
    let difference = |path: &str| number(&report, &format!("versus_strong.test.{path}.point"));
    let [chosen, strong] = [&report["chosen"], &report["always"][0]].map(|p| number(p, "test.usd_per_1k.point"));
    assert!((difference("usd_per_1k") - (chosen - strong)).abs() < 1e-9);
    assert!((difference("saved") - (1.0 - chosen / strong)).abs() < 1e-9);
    assert!(
        (number(&report, "optimism.goal.optimism") - (chosen - number(&report, "chosen.calibration.usd_per_1k.point")))
            .abs()
            < 1e-9
    );
}

#[test]
fn a_second_run_gives_the_same_bytes_with_any_number_of_threads() {
    let sandbox = graded();
    calibrate(&sandbox, "0.95", &[]).ok();
    let first = sandbox.files("reports");
    assert_eq!(
        first.keys().map(String::as_str).collect::<Vec<_>>(),
        [
            "cost-calibration.json",
            "plots/",
            "plots/cost-calibration.png",
            "plots/cost-calibration.svg"
        ]
    );
    calibrate(&sandbox, "0.95", &["--threads", "3"]).ok();
    assert!(first == sandbox.files("reports"));
}

#[test]
fn the_document_is_valid() {
    let sandbox = graded();
    let schema: Value = sandbox.run(["schema", "cost-calibration"]).ok().json();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for flags in [
        &[][..],
        &["--resamples", "0"],
        &["--test-split", "calibration"],
        &["--cost", "billed"],
    ] {
        let report = document(&sandbox, "95%", flags);
        let problems: Vec<String> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?}");
        let mut without = report.clone();
        without["chosen"]["test"].as_object_mut().unwrap().remove("quality");
        assert!(!validator.is_valid(&without), "the schema holds too little");
    }
}

#[test]
fn the_text_says_what_it_costs_and_whether_the_quality_holds() {
    let sandbox = graded();
    let flags = ["--min-quality", "95%", "--no-plots"];
    let run = sandbox.run(CALIBRATE.into_iter().chain(flags)).ok();
    insta::assert_snapshot!(format!(
        "{}----- stderr -----\n{}",
        run.stdout,
        sandbox.shown(&run.stderr)
    ));
}

#[test]
fn write_changes_the_thresholds_and_nothing_else() {
    let sandbox = graded();
    let before = sandbox.read_json("routes.json");
    let report = document(&sandbox, "95%", &["--write"]);
    let after = sandbox.read_json("routes.json");
    assert_ne!(before, after);
    for number in ["threshold", "gap"] {
        assert_eq!(after["thresholds"][number].as_f64(), report["chosen"][number].as_f64());
    }
    let mut same = after;
    same["thresholds"] = before["thresholds"].clone();
    assert_eq!(same, before);
    // They are in use now, the choice is the same, and `replay analyse` finds what was promised.
    let again = document(&sandbox, "95%", &[]);
    assert_eq!(again["chosen"], report["chosen"]);
    for part in ["calibration", "test"] {
        assert_eq!(again["current"][part]["quality"], again["chosen"][part]["quality"]);
        let flags = ["--run", RUN, "--split", part, "--no-plots", "--format", "json"];
        let analysis = sandbox.run(["replay", "analyse"].into_iter().chain(flags)).ok().json();
        let routed = analysis["policies"]
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["name"] == "routed");
        for figure in ["quality.point", "usd_per_1k.point", "usd_per_1k_billed.point"] {
            let (a, b) = (number(routed.unwrap(), figure), number(&report["chosen"][part], figure));
            assert!((a - b).abs() < 1e-9, "{part} {figure}: {a} {b}");
        }
    }
}

#[test]
fn a_quality_that_nothing_reaches_is_a_measured_no() {
    let sandbox = Sandbox::with_routes();
    write_run(&sandbox, 100, |i, model| model == "big" && i % 10 != 0);
    grade(&sandbox);
    let before = sandbox.tree();
    let run = calibrate(&sandbox, "0.95", &["--write"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("the best is 0.9000, at $ 1"), "{}", run.stderr);
    assert!(
        run.stderr.contains("hint: ask for no more than --min-quality 0.9000"),
        "{}",
        run.stderr
    );
    assert!(before == sandbox.tree());
    calibrate(&sandbox, "0.9000", &[]).ok();
}

#[test]
fn the_routers_own_cost_and_unscored_answers_count_as_asked() {
    let sandbox = graded();
    let (free, paid) = (
        document(&sandbox, "95%", &[]),
        document(&sandbox, "95%", &["--router-usd", "0.25"]),
    );
    let usd = |report: &Value, policy: &str| number(report, &format!("{policy}.test.usd_per_1k.point"));
    for policy in ["chosen", "current"] {
        assert!((usd(&paid, policy) - usd(&free, policy) - 0.25).abs() < 1e-9);
    }
    assert_eq!(paid["always"], free["always"]);
    assert_eq!(paid["chosen"]["threshold"], free["chosen"]["threshold"]);
    // As billed every third call costs half.
    let billed = document(&sandbox, "95%", &["--cost", "billed"]);
    assert!(
        number(&billed, "chosen.calibration.usd_per_1k_billed.point")
            <= number(&free, "chosen.calibration.usd_per_1k_billed.point") + 1e-9
    );

    // An answer that is cut off has no score. The line is one of the first version, which has no checksum.
    let lines = sandbox.read("run/responses.jsonl");
    let (line, rest) = lines.split_once('\n').unwrap();
    let mut line: Value = serde_json::from_str(line).unwrap();
    let members = line.as_object_mut().unwrap();
    members.shift_remove("sum").unwrap();
    members.insert("v".into(), 1.into());
    members.insert("finish_reason".into(), "length".into());
    sandbox.write("run/responses.jsonl", format!("{line}\n{rest}"));
    grade(&sandbox);
    let n = |report: &Value| at(report, "calibration.n").as_u64();
    let dropped = document(&sandbox, "90%", &[]);
    assert_eq!(
        (n(&dropped), at(&dropped, "calibration.dropped.prompts")),
        (Some(99), &json!(1))
    );
    assert_eq!(n(&document(&sandbox, "90%", &["--ungraded", "wrong"])), Some(100));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let sandbox = Sandbox::with_routes();
    let refused = |flags: &[&'static str]| {
        let message = sandbox.refused(["calibrate"].into_iter().chain(flags.iter().copied()));
        assert!(message.starts_with("exit 2\n"), "{message}");
        message
    };
    // Nothing is read before the flags are.
    let run = ["--goal", "min-cost", "--run", RUN];
    assert!(refused(&run).contains("--min-quality <Q>"));
    let with = |flags: &[&'static str]| refused(&[&run[..], &["--min-quality", "95%"], flags].concat());
    for flags in [
        &["prompts.csv"][..],
        &["--router", "router.json"],
        &["--certify", "--max-risk", "0.1"],
        &["--max-joint-risk", "0.1"],
        &["--per-route"],
        &["--accuracy", "0.9"],
        &["--price", "big=1"],
        &["--cross-validate", "5"],
        &["--label-column", "l"],
        &["--encoder", "hashing"],
    ] {
        let message = with(flags);
        assert!(message.contains(flags[0]) || message.contains("DATASET"), "{message}");
    }
    assert!(with(&["--router-usd", "-1"]).contains("--router-usd -1 is below 0"));
    assert!(refused(&["--min-quality", "0.9", "--goal", "min-cost"]).contains("--run <DIR>"));
    assert!(refused(&["--run", RUN, "--min-quality", "0.9"]).contains("hint: add --goal min-cost"));
    assert!(refused(&["--cost", "billed"]).contains("--run <DIR>"));
    let bad = refused(&["--goal", "min-cost", "--run", RUN, "--min-quality", "85"]);
    assert!(bad.contains("write 0.85 for one, or 85% for a share"), "{bad}");
    // There is no run.
    assert!(with(&[]).contains("replay collect"));
}

#[test]
fn a_run_that_cannot_be_used_says_what_is_missing() {
    let sandbox = Sandbox::with_routes();
    write_run(&sandbox, 5, right);
    let refused = |flags: &[&'static str]| {
        sandbox.refused(
            CALIBRATE
                .into_iter()
                .chain(["--min-quality", "95%"])
                .chain(flags.iter().copied()),
        )
    };
    let message = refused(&[]);
    assert!(
        message.starts_with("exit 2\nerror: the answers of run are not graded"),
        "{message}"
    );
    assert!(
        message.contains("hint: grade them first: routecal replay grade --run run --grader"),
        "{message}"
    );
    grade(&sandbox);
    let message = refused(&["--test-split", "tset"]);
    assert!(
        message.contains("no prompts of split \"tset\": there are 5 of \"calibration\", 5 of \"test\""),
        "{message}"
    );
    // Other routes than those of the run: its scores are of no use.
    let mut other = routes();
    other["routes"]["factual"]["examples"][0] = json!("something else");
    sandbox.write("routes.json", pretty(&other));
    assert!(refused(&[]).contains("the run was made with other routes"));
}
