//! `routecal eval`: the figures, the files, and that both are the same on every run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::{Sandbox, at, csv_of, number, prompts, rows_of};

fn evaluated<'a>(sandbox: &Sandbox, arguments: impl IntoIterator<Item = &'a str>) -> Value {
    let arguments = ["eval", "prompts.csv", "--no-plots", "--format", "json"]
        .into_iter()
        .chain(arguments);
    sandbox.run_quickly(arguments).ok().json()
}

/// The parts of a report that are figures of all rows together.
fn figures(report: &Value) -> Value {
    [
        "forced_choice",
        "as_deployed",
        "detection",
        "selective",
        "reliability",
        "confusion",
        "confidence",
    ]
    .into_iter()
    .map(|part| (part.to_owned(), at(report, part).clone()))
    .collect::<serde_json::Map<_, _>>()
    .into()
}

#[test]
fn json_on_standard_output_is_the_file() {
    let sandbox = Sandbox::with_data();
    let run = sandbox
        .run_quickly(["eval", "prompts.csv", "--format", "json", "--out", "here/deep"])
        .ok();
    assert_eq!(run.stdout, sandbox.read("here/deep/eval.json"));
}

#[test]
fn the_files_are_these() {
    let sandbox = Sandbox::with_data();
    let run = sandbox.run_quickly(["eval", "prompts.csv"]).ok();
    let files = sandbox.files("reports");
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    insta::assert_snapshot!(names.join("\n"));
    assert!(
        run.stderr
            .contains(&format!("wrote {} files to reports", names.len() - 1)),
        "{}",
        run.stderr
    );
    for (name, content) in &files {
        let (_, extension) = name.rsplit_once('.').unwrap_or_default();
        if extension == "png" {
            assert!(content.starts_with(b"\x89PNG\r\n\x1a\n"), "{name}");
        } else if extension == "svg" {
            assert!(
                content.starts_with(b"<svg ") && content.ends_with(b"</svg>\n"),
                "{name}"
            );
        }
    }
}

#[test]
fn the_text_shows_the_figures() {
    insta::assert_snapshot!(
        Sandbox::with_data()
            .run(["eval", "prompts.csv", "--no-plots"])
            .ok()
            .stdout
    );
}

#[test]
fn quiet_says_nothing_but_the_answer() {
    let sandbox = Sandbox::with_data();
    assert_eq!(
        sandbox
            .run_quickly(["eval", "prompts.csv", "--no-plots", "--quiet"])
            .ok()
            .stderr,
        ""
    );
}

/// Counts everything again from predictions.csv, by the definitions.
#[test]
fn the_figures_follow_from_the_predictions() {
    let sandbox = Sandbox::with_data();
    let report = evaluated(&sandbox, ["--threshold", "0.2", "--gap", "0.03"]);
    let rows = rows_of(&sandbox.read("reports/predictions.csv"));
    assert_eq!(rows.len(), 30);
    let count = |wanted: &dyn Fn(&BTreeMap<String, String>) -> bool| {
        u32::try_from(rows.iter().filter(|row| wanted(row)).count()).unwrap()
    };
    let inside = |row: &BTreeMap<String, String>| row["label"] != "none";
    let accepted = |row: &BTreeMap<String, String>| row["decision"] != "fallback";
    let right = |row: &BTreeMap<String, String>| row["decision"] == row["label"];
    for row in &rows {
        let (score, gap): (f64, f64) = (row["score"].parse().unwrap(), row["gap"].parse().unwrap());
        let reason = match (score >= 0.2, gap >= 0.03) {
            (false, _) => "low_score",
            (true, false) => "small_gap",
            (true, true) => "accepted",
        };
        assert_eq!(row["reason"], reason);
        assert_eq!(
            row["decision"],
            if reason == "accepted" { &row["best"] } else { "fallback" }
        );
    }
    let (n, n_in) = (count(&|_| true), count(&inside));
    let n_out = n - n_in;
    let n_accepted = count(&accepted);
    let false_accepts = count(&|r| !inside(r) && accepted(r));
    let expected = [
        ("as_deployed.system_accuracy", count(&right) + n_out - false_accepts, n),
        ("as_deployed.coverage", n_accepted, n),
        ("as_deployed.selective_accuracy", count(&right), n_accepted),
        (
            "as_deployed.misroute_rate",
            count(&|r| inside(r) && accepted(r) && !right(r)),
            n_in,
        ),
        ("as_deployed.false_accept_rate", false_accepts, n_out),
        (
            "as_deployed.false_fallback_rate",
            count(&|r| inside(r) && !accepted(r)),
            n_in,
        ),
        (
            "forced_choice.accuracy",
            count(&|r| inside(r) && r["best"] == r["label"]),
            n_in,
        ),
        (
            "forced_choice.top2_accuracy",
            count(&|r| inside(r) && (r["best"] == r["label"] || r["runner_up"] == r["label"])),
            n_in,
        ),
    ];
    for (path, k, of) in expected {
        // A figure of nothing or of everything would hold little.
        assert!(0 < of && k <= of, "{path}");
        let point = number(&report, &format!("{path}.point"));
        assert!(
            (point - f64::from(k) / f64::from(of)).abs() < 1e-12,
            "{path}: {point} is not {k} / {of}"
        );
        assert_eq!(at(&report, &format!("{path}.n")), &json!(of), "{path}");
    }
    assert!((n_accepted, false_accepts) > (0, 0) && n_accepted < n);

    let labels = ["coding", "creative", "factual", "none"];
    let columns = ["coding", "creative", "factual", "fallback"];
    assert_eq!(report["confusion"]["labels"], json!(labels));
    assert_eq!(report["confusion"]["columns"], json!(columns));
    let counts = labels.map(|l| columns.map(|c| count(&|r| r["label"] == l && r["decision"] == c)));
    assert_eq!(report["confusion"]["counts"], json!(counts));
    let mut csv = format!("label,{}\n", columns.join(","));
    for (label, row) in labels.iter().zip(counts) {
        let _ = writeln!(csv, "{label},{}", row.map(|c| c.to_string()).join(","));
    }
    assert_eq!(sandbox.read("reports/confusion.csv"), csv);
}

#[test]
fn mistakes_come_by_falling_score_with_the_nearest_examples() {
    let sandbox = Sandbox::with_data();
    let report = evaluated(&sandbox, []);
    let mistakes = report["mistakes"].as_array().unwrap();
    let wrong = rows_of(&sandbox.read("reports/predictions.csv"))
        .iter()
        .filter(|row| row["best"] != row["label"])
        .count();
    assert_eq!(mistakes.len(), wrong.min(20));
    let lines: Vec<String> = csv_of(&prompts()).lines().map(str::to_owned).collect();
    let routes = sandbox.read_json("routes.json");
    for mistake in mistakes {
        let line = usize::try_from(mistake["line"].as_u64().unwrap()).unwrap();
        assert!(lines[line - 1].contains(mistake["prompt"].as_str().unwrap()));
        let examples = |route: &Value| {
            routes["routes"][route.as_str().unwrap()]["examples"]
                .as_array()
                .unwrap()
                .clone()
        };
        assert!(examples(&mistake["chosen"]).contains(&mistake["nearest_chosen"]["example"]));
        if mistake["label"] == "none" {
            assert_eq!(mistake["nearest_right"], Value::Null);
        } else {
            assert!(examples(&mistake["label"]).contains(&mistake["nearest_right"]["example"]));
        }
    }
    let scores: Vec<f64> = mistakes.iter().map(|m| m["score"].as_f64().unwrap()).collect();
    assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]), "{scores:?}");
}

/// Takes the ends of the intervals out of a document.
fn without_ends(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.contains_key("point") {
                members.remove("lower");
                members.remove("upper");
            }
            members.values_mut().for_each(without_ends);
        }
        Value::Array(items) => items.iter_mut().for_each(without_ends),
        _ => {}
    }
}

/// `--resamples` sets how many there are; with none only rates have intervals.
#[test]
fn without_resamples_only_rates_have_intervals() {
    let sandbox = Sandbox::with_data();
    let report = evaluated(&sandbox, ["--resamples", "0"]);
    assert_eq!(
        report["intervals"],
        json!({ "level": 0.95, "rates": "wilson", "others": "none", "resamples": 0 })
    );
    assert!(report["as_deployed"]["coverage"]["lower"].is_number());
    assert!(report["detection"]["auroc"]["lower"].is_null());
    assert!(report["detection"]["auroc"]["point"].is_number());
}

#[test]
fn a_second_run_embeds_nothing() {
    let sandbox = Sandbox::with_data();
    let run = |flag: &[&str]| {
        let arguments = ["eval", "prompts.csv", "--no-plots"]
            .into_iter()
            .chain(flag.iter().copied());
        sandbox.run_quickly(arguments).ok().stderr.contains("embedded")
    };
    assert!(run(&[]));
    assert!(!run(&[]));
    assert!(run(&["--no-cache"]));
}

#[test]
fn the_order_of_the_rows_changes_no_figure() {
    let sandbox = Sandbox::with_data();
    let first = figures(&evaluated(&sandbox, []));
    let mut rows = prompts();
    rows.reverse();
    rows.rotate_left(17);
    sandbox.write("prompts.csv", csv_of(&rows));
    let other = evaluated(&sandbox, []);
    assert_eq!(figures(&other), first);
}

#[test]
fn reliability_is_fitted_on_the_other_split_or_says_that_it_is_not() {
    let sandbox = Sandbox::with_data();
    for method in ["platt", "isotonic", "temperature"] {
        let report = evaluated(&sandbox, ["--reliability", method]);
        let reliability = &report["reliability"];
        assert_eq!(reliability["method"], method);
        assert_eq!(
            (&reliability["fitted_on"], &reliability["in_sample"]),
            (&json!("calibration"), &json!(false))
        );
        assert_eq!(reliability["fitted_n"], 24);
        let of_bins: u64 = reliability["bins"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| b["n"].as_u64().unwrap())
            .sum();
        assert_eq!((of_bins, &reliability["brier"]["n"]), (24, &json!(24)));
    }
    for split in ["calibration", "all"] {
        let report = evaluated(&sandbox, ["--split", split]);
        assert_eq!(report["reliability"]["in_sample"], true);
        assert_eq!(
            report["in_sample"], true,
            "{split} holds the rows that chose the thresholds"
        );
    }
    assert_eq!(evaluated(&sandbox, [])["in_sample"], false);
}

/// A rate with nothing under it is null, never 0 and never NaN.
#[test]
fn figures_with_nothing_under_them_are_null() {
    let sandbox = Sandbox::with_routes();
    sandbox.write("prompts.csv", "prompt,label,split\nhello,none,test\ndinner,none,test\n");
    let report = sandbox
        .run_quickly(["eval", "prompts.csv", "--format", "json"])
        .ok()
        .json();
    let nothing = json!({ "point": null, "lower": null, "upper": null, "n": 0 });
    for path in [
        "forced_choice.accuracy",
        "as_deployed.misroute_rate",
        "reliability.brier",
    ] {
        assert_eq!(at(&report, path), &nothing, "{path}");
    }
    assert_eq!(at(&report, "detection.auroc.point"), &Value::Null);
    assert!(report["reliability"]["note"].is_string());
    sandbox.write(
        "prompts.csv",
        "prompt,label,split\nrust loop,coding,test\nsort array,coding,test\n",
    );
    let report = sandbox
        .run_quickly(["eval", "prompts.csv", "--format", "json"])
        .ok()
        .json();
    assert_eq!(report["as_deployed"]["false_accept_rate"]["point"], Value::Null);
    assert_eq!(
        report["confusion"]["row_shares"][3],
        json!([nothing, nothing, nothing, nothing])
    );
    let text = sandbox.run_quickly(["eval", "prompts.csv", "--no-plots"]).ok().stdout;
    assert!(text.contains("n/a") && !text.contains("NaN"), "{text}");
}

mod slow {
    use super::*;

    /// Two runs, one of them with nothing kept, and any number of threads: the same bytes, plots and all.
    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn every_run_gives_the_same_bytes() {
        let sandbox = Sandbox::with_data();
        let files = |flags: &[&str]| {
            let arguments = ["eval", "prompts.csv", "--format", "json"]
                .into_iter()
                .chain(flags.iter().copied());
            let run = sandbox.run(arguments).ok();
            let files = sandbox.files("reports");
            std::fs::remove_dir_all(sandbox.path("reports")).unwrap();
            (run.stdout, files)
        };
        let first = files(&["--threads", "1"]);
        assert!(first.1.len() > 10);
        assert!(first == files(&["--threads", "1"]), "a second run differs");
        assert!(first == files(&["--threads", "2", "--no-cache"]), "two threads differ");
        assert!(
            first == files(&["--threads", "7", "--no-cache"]),
            "seven threads differ"
        );
        // Where the file names the splits the seed moves the ends of resampled intervals, is stated, and does nothing else.
        let mut first: Value = serde_json::from_str(&first.0).unwrap();
        let mut seeded: Value = serde_json::from_str(&files(&["--seed", "3"]).0).unwrap();
        assert_eq!(seeded["provenance"]["seed"], 3);
        seeded["provenance"]["seed"] = json!(0);
        assert_ne!(seeded, first);
        assert_eq!(
            seeded["as_deployed"]["system_accuracy"],
            first["as_deployed"]["system_accuracy"]
        );
        without_ends(&mut first);
        without_ends(&mut seeded);
        assert_eq!(seeded, first);
    }
}
