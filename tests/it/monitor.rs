//! `routecal monitor`: logs without labels against the calibration data.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up is a failed test")]

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Run, Sandbox, at, csv_of, number};

const WORDS: [(&str, [&str; 6]); 3] = [
    ("coding", ["rust", "loop", "function", "compile", "bug", "python"]),
    ("creative", ["poem", "story", "rhyme", "verse", "novel", "song"]),
    (
        "factual",
        ["capital", "country", "population", "year", "president", "river"],
    ),
];

/// A prompt of one of the routes, or (one in six) of none.
fn prompt(i: usize) -> (String, &'static str) {
    let (route, words) = WORDS[i % 3];
    if i % 6 == 5 {
        return (format!("shoes dinner sofa weather {i}"), "none");
    }
    let foreign = if i.is_multiple_of(4) {
        WORDS[(i + 1) % 3].1[i / 4 % 6]
    } else {
        "please"
    };
    let (first, second) = (words[i / 3 % 6], words[(i / 18 + i) % 6]);
    (format!("{first} {second} {foreign} {i}"), route)
}

/// With 600 labelled prompts, half of them calibration.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_routes();
    let rows: Vec<_> = (0..600)
        .map(|i| {
            let (text, label) = prompt(i);
            let split = if i / 6 % 2 == 0 { "calibration" } else { "test" };
            [text, label.to_owned(), split.to_owned()]
        })
        .collect();
    sandbox.write("prompts.csv", csv_of(&rows));
    sandbox
}

/// A log of prompts, each with a time if `time` gives one.
fn log(rows: impl IntoIterator<Item = String>, time: impl Fn(usize) -> Option<String>) -> String {
    let rows: Vec<String> = rows.into_iter().collect();
    let mut text = if time(0).is_some() { "time,prompt\n" } else { "prompt\n" }.to_owned();
    for (i, row) in rows.iter().enumerate() {
        match time(i) {
            Some(time) => writeln!(text, "{time},{row}"),
            None => writeln!(text, "{row}"),
        }
        .unwrap();
    }
    text
}

fn calibration() -> Vec<String> {
    (0..600).filter(|i| i / 6 % 2 == 0).map(|i| prompt(i).0).collect()
}

fn foreign(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("shoes dinner sofa weather {i}")).collect()
}

const FLAGS: [&str; 7] = [
    "--reference",
    "prompts.csv",
    "--resamples",
    "200",
    "--quiet",
    "--format",
    "json",
];

fn monitor(sandbox: &Sandbox, file: &str, flags: &[&str]) -> Run {
    let run = sandbox.run(["monitor", file].into_iter().chain(FLAGS).chain(flags.iter().copied()));
    if !run.stdout.is_empty() {
        assert_eq!(run.stdout, sandbox.read("reports/monitor.json"));
        assert_eq!(run.json()["exit_code"], run.code);
    }
    run
}

fn gate<'a>(document: &'a Value, metric: &str) -> &'a Value {
    let gates = document["gates"].as_array().unwrap();
    gates.iter().find(|g| g["metric"] == metric).unwrap()
}

#[test]
fn a_log_equal_to_the_calibration_data_is_stable() {
    let sandbox = sandbox();
    sandbox.write("log.csv", log(calibration(), |_| None));
    let run = monitor(&sandbox, "log.csv", &["--min-expected-accuracy", "0.3"]).ok();
    let document = run.json();
    assert_eq!(document["verdict"], "stable");
    for part in ["score", "gap"] {
        assert!(number(&document, &format!("{part}.ks.point")).abs() < 1e-12);
        assert!(number(&document, &format!("{part}.psi.point")).abs() < 1e-12);
        assert!((number(&document, &format!("{part}.p")) - 1.0).abs() < 1e-12);
    }
    // Nothing is weighted: the expected accuracy is the calibration data's own, from as many rows.
    let own = number(&document, "expected.calibration_accuracy.point");
    assert!((number(&document, "expected.accuracy.point") - own).abs() < 1e-12);
    assert!((number(&document, "expected.effective_sample_size") - 300.0).abs() < 1e-9);
    assert_eq!(document["expected"]["in_sample"], true);
    assert_eq!(document["outside"]["below"], 0);
    assert_eq!(document["periods"], Value::Null);
    assert_eq!(at(&document, "calibration.rows"), 300);
    assert!(sandbox.path("reports/plots/monitor.png").exists());

    // The same prompts as a log of chats.
    let chats = calibration().into_iter().map(|prompt| {
        let messages = serde_json::json!([{ "role": "user", "content": "Hi" }, { "role": "user", "content": prompt }]);
        serde_json::json!({ "messages": messages }).to_string()
    });
    sandbox.write("log.jsonl", chats.collect::<Vec<_>>().join("\n"));
    let document = monitor(&sandbox, "log.jsonl", &[]).ok().json();
    assert_eq!(at(&document, "score.ks.point"), 0.0);
}

#[test]
fn a_shifted_log_ends_with_1_and_says_what_drives_it() {
    let sandbox = sandbox();
    sandbox.write(
        "log.csv",
        log(
            foreign(150).into_iter().chain(calibration().into_iter().take(50)),
            |_| None,
        ),
    );
    let run = monitor(
        &sandbox,
        "log.csv",
        &["--max-fallback-share", "0.4", "--min-expected-accuracy", "0.99"],
    );
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stderr.contains("psi.score shifted"), "{}", run.stderr);
    assert!(run.stderr.contains("routecal calibrate"), "{}", run.stderr);
    let document = run.json();
    assert_eq!(document["verdict"], "shifted");
    assert_eq!(gate(&document, "psi.score")["verdict"], "shifted");
    assert_eq!(gate(&document, "fallback_share")["verdict"], "shifted");
    let summary = document["summary"].as_str().unwrap();
    assert!(
        summary.contains("median score") && summary.contains("fallback takes"),
        "{summary}"
    );
    assert!(number(&document, "expected.effective_sample_size") < 300.0);
    // For people: the caveat stands beside the accuracy.
    let text = sandbox.run([
        "monitor",
        "log.csv",
        "--reference",
        "prompts.csv",
        "--resamples",
        "200",
        "--no-plots",
    ]);
    assert_eq!(text.code, 1);
    assert!(text.stdout.contains("P(right | score) unchanged"), "{}", text.stdout);
    assert!(text.stdout.ends_with("verdict: shifted\n"), "{}", text.stdout);
}

#[test]
fn a_tiny_log_ends_with_4_unless_told_otherwise() {
    let sandbox = sandbox();
    sandbox.write("log.csv", log(calibration().into_iter().take(8), |_| None));
    let run = monitor(&sandbox, "log.csv", &["--no-plots"]);
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(run.stderr.contains("inconclusive: psi.score"), "{}", run.stderr);
    assert_eq!(run.json()["verdict"], "too_few");
    assert_eq!(
        monitor(&sandbox, "log.csv", &["--no-plots", "--inconclusive", "pass"]).code,
        0
    );
    assert_eq!(
        monitor(&sandbox, "log.csv", &["--no-plots", "--inconclusive", "fail"]).code,
        1
    );
}

#[test]
fn by_day_and_by_week_in_utc() {
    let sandbox = sandbox();
    // Half an hour before midnight two hours west of Greenwich is the next day.
    let day = |i: usize| {
        Some(match i % 3 {
            0 => "2026-11-22T23:30:00-02:00".to_owned(),
            1 => "2026-11-22".to_owned(),
            _ => "2026-11-24 08:00:00".to_owned(),
        })
    };
    sandbox.write("log.csv", log(calibration(), day));
    let document = monitor(&sandbox, "log.csv", &["--no-plots"]).ok().json();
    let days = |document: &Value| -> Vec<(String, u64)> {
        let periods = document["periods"].as_array().unwrap().iter();
        periods
            .map(|p| (p["from"].as_str().unwrap().to_owned(), p["n"].as_u64().unwrap()))
            .collect()
    };
    let of = |from: &str, n| (from.to_owned(), n);
    assert_eq!(
        days(&document),
        [of("2026-11-22", 100), of("2026-11-23", 100), of("2026-11-24", 100)]
    );
    let weeks = monitor(&sandbox, "log.csv", &["--no-plots", "--by", "week"])
        .ok()
        .json();
    assert_eq!(days(&weeks), [of("2026-11-16", 100), of("2026-11-23", 200)]);
    let none = monitor(&sandbox, "log.csv", &["--no-plots", "--by", "none"])
        .ok()
        .json();
    assert_eq!(none["periods"], Value::Null);
}

#[test]
fn scores_need_no_encoder() {
    let sandbox = sandbox();
    sandbox
        .run([
            "eval",
            "prompts.csv",
            "--split",
            "all",
            "--no-plots",
            "--resamples",
            "0",
            "--quiet",
        ])
        .ok();
    sandbox.write("scores.csv", sandbox.read("reports/predictions.csv"));
    // An encoder that cannot be opened: nothing may ask for it.
    let flags = [
        "--encoder",
        "/no/such/folder",
        "--no-plots",
        "--resamples",
        "200",
        "--quiet",
        "--format",
        "json",
    ];
    let run = sandbox.run(
        ["monitor", "scores.csv", "--reference", "scores.csv"]
            .into_iter()
            .chain(flags),
    );
    let document = run.ok().json();
    assert_eq!(document["encoder"], Value::Null);
    assert_eq!(at(&document, "log.scores"), "file");
    assert_eq!(at(&document, "log.rows"), 600);
    // Figures of the file are those of the prompts, but for the six decimals of the file.
    sandbox.write("log.csv", log((0..600).map(|i| prompt(i).0), |_| None));
    let computed = monitor(&sandbox, "log.csv", &["--no-plots"]).ok().json();
    for figure in [
        "score.psi.point",
        "score.ks.point",
        "gap.psi.point",
        "expected.accuracy.point",
    ] {
        let (a, b) = (number(&document, figure), number(&computed, figure));
        assert!((a - b).abs() < 0.02, "{figure}: {a} of the file, {b} computed");
    }
    let anew = sandbox.run(
        ["monitor", "scores.csv", "--reference", "scores.csv", "--rescore"]
            .into_iter()
            .chain(flags),
    );
    assert_eq!(anew.code, 2, "{}", anew.stderr);
}

#[test]
fn logs_that_cannot_be_read_are_refused() {
    let sandbox = sandbox();
    let refused = |content: &str, flags: &[&str]| {
        sandbox.write("log.csv", content);
        let arguments = ["monitor", "log.csv", "--reference", "prompts.csv"];
        let message = sandbox.refused(arguments.into_iter().chain(flags.iter().copied()));
        assert!(message.starts_with("exit 2\n"), "{message}");
        message
    };
    assert!(refused("text\nhello\n", &[]).contains("--log-prompt-column COLUMN"));
    assert!(refused("score,best\n0.5,coding\n", &[]).contains("no column \"gap\""));
    let bad = refused("score,gap,best\n0.5,0.1,codng\n7,0.1,coding\n", &[]);
    assert!(
        bad.contains("log.csv:2: \"codng\" is no route (nearest: coding)"),
        "{bad}"
    );
    assert!(bad.contains("log.csv:3: score 7 is not within -1 and 1"), "{bad}");
    let time = refused("time,prompt\nnoon,rust loop\n", &[]);
    assert!(
        time.contains("\"noon\" is no time") && time.contains("--by none"),
        "{time}"
    );
    assert!(refused("prompt\nrust\n", &["--time-column", "at"]).contains("no column \"at\""));
    assert!(refused("prompt\n", &[]).contains("no rows"));
    assert!(refused("prompt\nrust\n", &["--max-psi", "0"]).contains("--max-psi 0"));
    assert!(refused("prompt\nrust\n", &["--alpha", "0.7"]).contains("--alpha 0.7"));
    assert!(refused("prompt\nrust\n", &["--split", "nope"]).contains("no row of split"));
}

#[test]
fn a_second_run_and_other_threads_change_nothing_and_the_schema_holds() {
    let sandbox = sandbox();
    let day = |i: usize| Some(format!("2026-11-2{}", i % 2));
    sandbox.write("log.csv", log(foreign(40).into_iter().chain(calibration()), day));
    let first = monitor(&sandbox, "log.csv", &["--threads", "1"]);
    let files = sandbox.files("reports");
    let second = monitor(&sandbox, "log.csv", &["--threads", "3"]);
    assert_eq!(first.stdout, second.stdout);
    assert!(files == sandbox.files("reports"));
    let schema = sandbox.run(["schema", "monitor"]).ok().json();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let document = second.json();
    let problems: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}");
    let mut broken = document;
    broken["score"].as_object_mut().unwrap().remove("psi");
    assert!(!validator.is_valid(&broken));
}
