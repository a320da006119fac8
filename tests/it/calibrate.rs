//! `routecal calibrate`: the choice, and what it is judged by.

use serde_json::{Value, json};

use crate::support::{Sandbox, at, csv_of, number, pretty, prompts, routes, rows_of};

/// Calibrates prompts.csv and returns the document.
pub(crate) fn calibrated<'a>(sandbox: &Sandbox, arguments: impl IntoIterator<Item = &'a str>) -> Value {
    let arguments = ["calibrate", "prompts.csv", "--no-plots", "--format", "json"]
        .into_iter()
        .chain(arguments);
    sandbox.run_quickly(arguments).ok().json()
}

/// The cells of the sweep's table for one split.
fn sweep(sandbox: &Sandbox, split: &str) -> Vec<[f64; 4]> {
    let cells: Vec<[f64; 4]> = rows_of(&sandbox.read("reports/sweep.csv"))
        .iter()
        .filter(|row| row["split"] == split)
        .map(|row| {
            ["system_accuracy", "coverage", "selective_accuracy", "accepted"].map(|c| row[c].parse().unwrap_or(0.0))
        })
        .collect();
    assert!(cells.len() > 1000);
    cells
}

#[test]
fn json_on_standard_output_is_the_file() {
    let sandbox = Sandbox::with_data();
    let run = sandbox
        .run_quickly(["calibrate", "prompts.csv", "--format", "json"])
        .ok();
    assert_eq!(run.stdout, sandbox.read("reports/calibration.json"));
}

#[test]
fn the_files_are_these() {
    let sandbox = Sandbox::with_data();
    sandbox.run_quickly(["calibrate", "prompts.csv"]).ok();
    let files = sandbox.files("reports");
    insta::assert_snapshot!(files.keys().map(String::as_str).collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_text_shows_the_choice() {
    let sandbox = Sandbox::with_data();
    let run = sandbox
        .run_quickly(["calibrate", "prompts.csv", "--no-plots", "--no-cache"])
        .ok();
    insta::assert_snapshot!(format!(
        "{}----- stderr -----\n{}",
        run.stdout,
        sandbox.shown(&run.stderr)
    ));
}

#[test]
fn the_same_rows_choose_and_judge_only_with_a_warning() {
    let sandbox = Sandbox::with_data();
    for flags in [["--test-split", "calibration"], ["--split", "all"]] {
        let arguments = ["calibrate", "prompts.csv", "--no-plots", "--format", "json"]
            .into_iter()
            .chain(flags);
        let run = sandbox.run_quickly(arguments).ok();
        assert!(
            run.stderr.contains("warning: the same rows choose and judge"),
            "{}",
            run.stderr
        );
        assert_eq!(at(&run.json(), "chosen.test.in_sample"), true);
    }
}

/// The mean price is that of the models the predictions go to.
#[test]
fn min_cost_counts_the_price_of_every_prompt() {
    let sandbox = Sandbox::with_data();
    let mut document = routes();
    document["prices"] = json!({ "big": 7.0, "small": 1.0 });
    sandbox.write("routes.json", pretty(&document));
    // The flag goes before the file.
    let report = calibrated(
        &sandbox,
        ["--goal", "min-cost", "--accuracy", "0.6", "--price", "big=4"],
    );
    assert!(number(&report, "chosen.calibration.system_accuracy.point") >= 0.6);
    let (threshold, gap) = (
        report["chosen"]["threshold"].to_string(),
        report["chosen"]["gap"].to_string(),
    );
    sandbox
        .run_quickly([
            "eval",
            "prompts.csv",
            "--no-plots",
            "--threshold",
            &threshold,
            "--gap",
            &gap,
        ])
        .ok();
    let rows = rows_of(&sandbox.read("reports/predictions.csv"));
    let cheap = rows.iter().filter(|row| row["decision"] == "factual").count();
    assert!(cheap > 0);
    let (cheap, all) = (
        f64::from(u32::try_from(cheap).unwrap()),
        f64::from(u32::try_from(rows.len()).unwrap()),
    );
    let mean = (cheap + 4.0 * (all - cheap)) / all;
    assert!((number(&report, "chosen.test.mean_price.point") - mean).abs() < 1e-12);
    assert!(
        number(&report, "chosen.calibration.mean_price.point") <= number(&report, "none.calibration.mean_price.point")
    );
}

#[test]
fn a_goal_out_of_reach_is_an_answer_not_a_failure() {
    let sandbox = Sandbox::with_data();
    let all_foreign: Vec<_> = prompts().into_iter().filter(|p| p[1] == "none").collect();
    let message = [
        sandbox.refused([
            "calibrate",
            "prompts.csv",
            "--goal",
            "min-cost",
            "--accuracy",
            "1",
            "--price",
            "big=2",
            "--price",
            "small=1",
        ]),
        {
            sandbox.write("prompts.csv", csv_of(&all_foreign));
            sandbox.refused(["calibrate", "prompts.csv", "--goal", "max-coverage", "--risk", "0.5"])
        },
    ];
    insta::assert_snapshot!(message.concat());
}

#[test]
fn prices_that_are_missing_or_none() {
    let sandbox = Sandbox::with_data();
    let goal = ["calibrate", "prompts.csv", "--goal", "min-cost"];
    let with = |prices: &[&'static str]| sandbox.refused(goal.into_iter().chain(prices.iter().copied()));
    let message = [
        with(&[]),
        with(&["--price", "big=0.004"]),
        with(&["--price", "big=0.004", "--price", "small=-1"]),
        with(&["--price", "big=0.004", "--price", "small=nan"]),
        with(&["--price", "big"]),
        with(&["--price", "big=cheap"]),
    ];
    insta::assert_snapshot!(message.concat());
}

#[test]
fn the_order_of_the_rows_changes_no_figure() {
    let sandbox = Sandbox::with_data();
    let without_provenance = |mut report: Value| {
        report["provenance"].take();
        report
    };
    let first = without_provenance(calibrated(&sandbox, ["--per-route"]));
    let sweep = sandbox.read("reports/sweep.csv");
    let mut rows = prompts();
    rows.reverse();
    rows.rotate_left(17);
    sandbox.write("prompts.csv", csv_of(&rows));
    assert_eq!(without_provenance(calibrated(&sandbox, ["--per-route"])), first);
    assert_eq!(sandbox.read("reports/sweep.csv"), sweep);
}

/// A run on the plateau's edges serves the goal as well as the choice, within the tolerance.
#[test]
fn the_plateau_holds_what_it_says() {
    let sandbox = Sandbox::with_data();
    let report = calibrated(&sandbox, ["--plateau-tolerance", "0.05"]);
    let least = number(&report, "chosen.calibration.system_accuracy.point") - 0.05 - 1e-12;
    let point = |which: &str| at(&report, which).to_string();
    for (flag, other, path) in [
        ("--threshold", ["--gap", &point("chosen.gap")], "plateau.threshold"),
        ("--gap", ["--threshold", &point("chosen.threshold")], "plateau.gap"),
    ] {
        for edge in ["low", "high"] {
            let value = point(&format!("{path}.{edge}"));
            let arguments = [
                "eval",
                "prompts.csv",
                "--no-plots",
                "--format",
                "json",
                "--split",
                "calibration",
            ];
            let run = sandbox
                .run(arguments.into_iter().chain([flag, &value]).chain(other))
                .ok();
            let found = number(&run.json(), "as_deployed.system_accuracy.point");
            assert!(found >= least, "{path}.{edge}: {found}");
        }
    }
}

mod slow {
    use super::*;

    /// No point of the sweep's table serves the goal better on the calibration split, and the choice is no worse than the
    /// current thresholds or none.
    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn the_choice_is_the_best_there_is() {
        let sandbox = Sandbox::with_data();
        let report = calibrated(&sandbox, []);
        let chosen = number(&report, "chosen.calibration.system_accuracy.point");
        for cell in sweep(&sandbox, "calibration") {
            assert!(cell[0] <= chosen + 1e-6, "{cell:?}");
        }
        assert!(chosen > number(&report, "current.calibration.system_accuracy.point"));
        assert!(chosen > number(&report, "none.calibration.system_accuracy.point"));
        assert_eq!(
            at(&report, "chosen.calibration.objective"),
            at(&report, "chosen.calibration.system_accuracy")
        );

        let report = calibrated(&sandbox, ["--goal", "max-coverage", "--risk", "0.1"]);
        let (coverage, accuracy) = (
            number(&report, "chosen.calibration.coverage.point"),
            number(&report, "chosen.calibration.selective_accuracy.point"),
        );
        assert!(accuracy >= 0.9);
        for cell in sweep(&sandbox, "calibration") {
            assert!(cell[2] < 0.9 || cell[1] <= coverage + 1e-6, "{cell:?}");
        }

        let report = calibrated(&sandbox, ["--goal", "min-risk", "--coverage", "0.5"]);
        let (coverage, accuracy) = (
            number(&report, "chosen.calibration.coverage.point"),
            number(&report, "chosen.calibration.selective_accuracy.point"),
        );
        assert!(coverage >= 0.5);
        for cell in sweep(&sandbox, "calibration") {
            assert!(cell[1] < 0.5 || cell[2] <= accuracy + 1e-6, "{cell:?}");
        }

        let report = calibrated(&sandbox, ["--goal", "max-macro-f1"]);
        for other in ["current", "none"] {
            assert!(
                number(&report, "chosen.calibration.macro_f1.point")
                    >= number(&report, &format!("{other}.calibration.macro_f1.point"))
            );
        }
    }

    /// `eval` at an operating point finds what `calibrate` says of it, on both splits.
    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn eval_agrees_on_every_operating_point() {
        let sandbox = Sandbox::with_data();
        let report = calibrated(&sandbox, []);
        assert_eq!(
            (at(&report, "none.threshold"), at(&report, "none.gap")),
            (&json!(-1.0), &json!(0.0))
        );
        for point in ["current", "none", "chosen"] {
            let (threshold, gap) = (report[point]["threshold"].to_string(), report[point]["gap"].to_string());
            for split in ["calibration", "test"] {
                let arguments = [
                    "eval",
                    "prompts.csv",
                    "--no-plots",
                    "--format",
                    "json",
                    "--split",
                    split,
                ];
                let flags = ["--threshold", &threshold, "--gap", &gap];
                let evaluation = sandbox.run_quickly(arguments.into_iter().chain(flags)).ok().json();
                for (name, figure) in evaluation["as_deployed"].as_object().unwrap() {
                    assert_eq!(&report[point][split][name], figure, "{point} on {split}: {name}");
                }
            }
        }
        assert_eq!(at(&report, "chosen.calibration.in_sample"), true);
        for other in ["chosen.test", "current.calibration", "current.test", "none.calibration"] {
            assert_eq!(at(&report, &format!("{other}.in_sample")), false, "{other}");
        }
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn every_run_gives_the_same_bytes() {
        let sandbox = Sandbox::with_data();
        let files = |flags: &[&str]| {
            let arguments = ["calibrate", "prompts.csv"].into_iter().chain(flags.iter().copied());
            let run = sandbox.run(arguments).ok();
            let files = sandbox.files("reports");
            std::fs::remove_dir_all(sandbox.path("reports")).unwrap();
            (run.stdout, files)
        };
        let first = files(&["--threads", "1"]);
        assert!(first.1.contains_key("sweep.parquet"));
        assert!(first == files(&["--threads", "1"]), "a second run differs");
        assert!(first == files(&["--threads", "2", "--no-cache"]), "two threads differ");
        assert!(
            first == files(&["--threads", "7", "--no-cache"]),
            "seven threads differ"
        );
        let by_route = files(&["--threads", "1", "--per-route", "--no-plots"]);
        let other = files(&["--threads", "7", "--per-route", "--no-plots", "--no-cache"]);
        assert!(by_route == other, "seven threads differ");
    }
}
