//! `eval --scored`, `calibrate --scored`, `--shard` and `merge`: files that were scored before, whole and in parts.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up is a failed test")]

use std::fmt::Write as _;

use polars::prelude::{Column, DataFrame, ParquetWriter, PlSmallStr};
use serde_json::Value;

use crate::support::{Sandbox, number, pretty, routes};

/// With routes.json of the routes coding, creative and factual, and no dataset.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("routes.json", pretty(&routes()));
    sandbox
}

/// Label, best route, score, gap, split, runner-up.
type Row = (&'static str, &'static str, f64, f64, &'static str, &'static str);

/// Made-up rows, good ones with higher scores.
fn rows(n: u32) -> Vec<Row> {
    let names = ["coding", "creative", "factual"];
    (0..n)
        .map(|i| {
            let label = ["coding", "creative", "factual", "none", "coding"][i as usize % 5];
            let best = if i % 7 == 0 {
                names[(i / 7) as usize % 3]
            } else if label == "none" {
                names[i as usize % 3]
            } else {
                label
            };
            let second = names[(names.iter().position(|n| *n == best).unwrap() + 1) % 3];
            let lift = if best == label { 0.25 } else { 0.0 };
            let score = lift + f64::from(i * 37 % 101) / 200.0;
            let gap = lift / 4.0 + f64::from(i * 53 % 97) / 1000.0;
            (
                label,
                best,
                score,
                gap,
                if i % 2 == 0 { "calibration" } else { "test" },
                second,
            )
        })
        .collect()
}

fn csv(n: u32) -> String {
    let mut text = "label,best,score,gap,split,runner_up\n".to_owned();
    for (label, best, score, gap, split, second) in rows(n) {
        writeln!(text, "{label},{best},{score},{gap},{split},{second}").unwrap();
    }
    text
}

/// The same as Parquet, in groups of so many rows.
fn parquet(n: u32, group: usize) -> Vec<u8> {
    let rows = rows(n);
    let text = |name: &'static str, of: fn(&Row) -> &'static str| {
        Column::new(PlSmallStr::from_static(name), rows.iter().map(of).collect::<Vec<_>>())
    };
    let floats = |name: &'static str, of: fn(&Row) -> f64| {
        Column::new(PlSmallStr::from_static(name), rows.iter().map(of).collect::<Vec<_>>())
    };
    let columns = vec![
        text("label", |r| r.0),
        text("best", |r| r.1),
        floats("score", |r| r.2),
        floats("gap", |r| r.3),
        text("split", |r| r.4),
        text("runner_up", |r| r.5),
    ];
    let mut frame = DataFrame::new(rows.len(), columns).unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_row_group_size(Some(group))
        .finish(&mut frame)
        .unwrap();
    bytes
}

const QUIET: [&str; 3] = ["--quiet", "--format", "json"];

fn run(sandbox: &Sandbox, arguments: &str) -> Value {
    sandbox.run(arguments.split(' ').chain(QUIET)).ok().json()
}

/// The predictions that `eval` writes are a scored file: evaluated again they give the figures that they came from.
#[test]
fn predictions_give_the_figures_they_came_from() {
    let sandbox = Sandbox::with_data();
    let first = sandbox.run(
        ["eval", "prompts.csv", "--out", "a", "--resamples", "0", "--no-plots"]
            .into_iter()
            .chain(QUIET),
    );
    let first = first.ok().json();
    let again = run(&sandbox, "eval --scored a/predictions.csv --out b");
    for part in ["as_deployed", "confusion", "n", "in_domain", "thresholds"] {
        assert_eq!(again[part], first[part], "{part}");
    }
    for (name, value) in first["forced_choice"].as_object().unwrap() {
        assert_eq!(again["forced_choice"][name], *value, "{name}");
    }
    for path in [
        "detection.auroc.point",
        "detection.by_gap.auroc.point",
        "selective.augrc.point",
    ] {
        assert!((number(&again, path) - number(&first, path)).abs() < 1e-9, "{path}");
    }
    assert_eq!(again["mistakes"], Value::Array(Vec::new()));
    assert_eq!(again["provenance"]["encoder"]["model"], "unknown");
    assert!(
        again["scored"]["left_out"]
            .as_array()
            .unwrap()
            .contains(&"mistakes".into())
    );
}

/// Parts, merged in any order, write the files of one run, byte for byte.
#[test]
fn merged_parts_are_one_run() {
    let sandbox = sandbox();
    sandbox.write("s.csv", csv(301));
    sandbox.write("s.parquet", parquet(301, 40));
    for (command, file) in [
        ("eval", "s.csv"),
        ("eval", "s.parquet"),
        ("calibrate --goal max-macro-f1", "s.parquet"),
    ] {
        run(&sandbox, &format!("{command} --scored {file} --out whole"));
        for part in 1..=3 {
            let report = run(
                &sandbox,
                &format!("{command} --scored {file} --shard {part}/3 --out parts"),
            );
            assert_eq!(
                (report["kind"].as_str(), report["of"].as_u64()),
                (Some("partial"), Some(3))
            );
        }
        let parts = "parts/partial-3-of-3.counts parts/partial-1-of-3.counts parts/partial-2-of-3.counts";
        run(&sandbox, &format!("merge {parts} --out merged"));
        assert_eq!(sandbox.files("merged"), sandbox.files("whole"), "{command} {file}");
        std::fs::remove_dir_all(sandbox.path("merged")).unwrap();
        std::fs::remove_dir_all(sandbox.path("whole")).unwrap();
    }
}

#[test]
fn thresholds_are_chosen_on_the_grid_and_written() {
    let sandbox = sandbox();
    sandbox.write("s.csv", csv(400));
    let found = run(&sandbox, "calibrate --scored s.csv --write");
    assert_eq!(found["exact"], false);
    assert_eq!(found["points"], 1001 * 1001);
    let (threshold, gap) = (number(&found, "chosen.threshold"), number(&found, "chosen.gap"));
    let written = sandbox.read_json("routes.json");
    assert_eq!(number(&written, "thresholds.threshold").to_bits(), threshold.to_bits());
    assert_eq!(number(&written, "thresholds.gap").to_bits(), gap.to_bits());
    // What was written is judged as it was promised.
    let judged = run(&sandbox, "eval --scored s.csv");
    assert_eq!(
        judged["as_deployed"]["system_accuracy"],
        found["chosen"]["test"]["system_accuracy"]
    );
    let from_parts = {
        run(&sandbox, "calibrate --scored s.csv --shard 1/1 --out p");
        run(&sandbox, "merge p/partial-1-of-1.counts --write")
    };
    assert_eq!(from_parts["chosen"]["threshold"], found["chosen"]["threshold"]);
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let sandbox = sandbox();
    sandbox.write("s.csv", csv(20));
    let with = |name: &str, line: &str| {
        sandbox.write(
            name,
            format!("label,best,score,gap,split\ncoding,coding,0.5,0.1,test\n{line}\n"),
        );
    };
    with("nan.csv", "coding,coding,NaN,0.1,test");
    with("inf.csv", "coding,coding,inf,0.1,test");
    with("gap.csv", "coding,coding,0.5,-0.1,test");
    with("empty.csv", "coding,coding,0.5,,test");
    with("word.csv", "coding,coding,high,0.1,test");
    with("label.csv", "codng,coding,0.5,0.1,test");
    with("best.csv", "coding,poetry,0.5,0.1,test");
    with("short.csv", "coding,coding,0.5");
    sandbox.write("columns.csv", "label,best,score\ncoding,coding,0.5\n");
    sandbox.write("unsplit.csv", "label,best,score,gap\ncoding,coding,0.5,0.1\n");
    sandbox.write("nothing.csv", "label,best,score,gap,split\n");
    sandbox.write("broken.parquet", b"PAR1 not really PAR1".as_slice());
    let refused = |arguments: &str| sandbox.refused(arguments.split(' '));
    let messages: Vec<String> = [
        "eval --scored nan.csv",
        "eval --scored inf.csv",
        "eval --scored gap.csv",
        "eval --scored empty.csv",
        "eval --scored word.csv",
        "eval --scored label.csv",
        "eval --scored best.csv",
        "eval --scored short.csv",
        "eval --scored columns.csv",
        "eval --scored nothing.csv",
        "eval --scored broken.parquet",
        "eval --scored missing.parquet",
        "eval --scored s.csv --split dev",
        "eval --scored unsplit.csv --split test",
        "calibrate --scored unsplit.csv",
        "calibrate --scored s.csv --per-route",
        "calibrate --scored s.csv --shard 1/2 --write",
        "eval --scored s.csv --shard 3/2",
        "eval --scored s.csv --encoder hashing",
        "eval --scored s.csv --reliability temperature",
        "merge s.csv",
    ]
    .iter()
    .map(|arguments| format!("$ routecal {arguments}\n{}", refused(arguments)))
    .collect();
    insta::assert_snapshot!(messages.join("\n"));
}

/// Nulls and numbers that are none, which a CSV cannot hold or holds otherwise; rows of a Parquet file are counted from 1.
#[test]
fn hostile_values_of_a_parquet_file_are_refused_by_row_and_column() {
    let sandbox = sandbox();
    let name = PlSmallStr::from_static;
    let text = |column, values: [Option<&str>; 3]| Column::new(name(column), values);
    let numbers = |column, values: [Option<f64>; 3]| Column::new(name(column), values);
    let good = |column: &'static str| match column {
        "label" | "best" => text(column, [Some("coding"); 3]),
        "split" => text(column, [Some("test"); 3]),
        _ => numbers(column, [Some(0.5); 3]),
    };
    let cases = [
        (
            text("label", [Some("none"), None, Some("coding")]),
            "2: column \"label\" is empty",
        ),
        (
            text("best", [None, Some("coding"), Some("coding")]),
            "1: column \"best\" is empty",
        ),
        (
            text("best", [Some("coding"), Some("coding"), Some("none")]),
            "3: column \"best\": \"none\" is no route",
        ),
        (
            numbers("score", [Some(0.1), Some(f64::NAN), Some(0.1)]),
            "2: column \"score\": NaN is not within -1 and 1",
        ),
        (
            numbers("score", [Some(0.1), None, Some(0.1)]),
            "2: column \"score\" is empty",
        ),
        (
            numbers("gap", [Some(0.1), Some(0.1), Some(f64::INFINITY)]),
            "3: column \"gap\": inf is not within 0 and 2",
        ),
        (
            text("split", [Some("test"), Some("test"), None]),
            "3: column \"split\" is empty",
        ),
        (
            text("score", [Some("0.1"), Some("0.2"), Some("0.3")]),
            "column \"score\" holds str, not numbers",
        ),
    ];
    for (bad, expected) in cases {
        let columns = ["label", "best", "score", "gap", "split"].map(|column| {
            if bad.name().as_str() == column {
                bad.clone()
            } else {
                good(column)
            }
        });
        let mut frame = DataFrame::new(3, columns.to_vec()).unwrap();
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
        sandbox.write("bad.parquet", bytes);
        let message = sandbox.refused(["eval", "--scored", "bad.parquet"]);
        assert!(message.contains(expected), "{message}\nnot: {expected}");
    }
}

#[test]
fn a_file_without_splits_is_one() {
    let sandbox = sandbox();
    let text: Vec<String> = csv(60)
        .lines()
        .map(|line| line.split(',').take(4).collect::<Vec<_>>().join(","))
        .collect();
    sandbox.write("s.csv", text.join("\n") + "\n");
    let report = run(&sandbox, "eval --scored s.csv");
    assert_eq!(
        (report["split"].as_str(), report["n"].as_u64()),
        (Some("all"), Some(60))
    );
    let chosen = run(&sandbox, "calibrate --scored s.csv --split all --test-split all");
    assert_eq!(chosen["chosen"]["test"]["in_sample"], true);
}

/// The routes file must be the one that was counted with.
#[test]
fn parts_of_other_routes_are_refused() {
    let sandbox = sandbox();
    sandbox.write("s.csv", csv(60));
    run(&sandbox, "calibrate --scored s.csv --shard 1/1 --out p");
    let edited = sandbox.read("routes.json").replace("creative", "poetry");
    sandbox.write("other.json", edited);
    let message = sandbox.refused(["merge", "p/partial-1-of-1.counts", "--routes", "other.json"]);
    assert!(message.contains("the routes differ"), "{message}");
    let mut moved = sandbox.read_json("routes.json");
    moved["thresholds"] = serde_json::json!({"threshold": 0.1234, "gap": 0.0});
    sandbox.write("moved.json", pretty(&moved));
    let message = sandbox.refused(["merge", "p/partial-1-of-1.counts", "--routes", "moved.json"]);
    assert!(message.contains("the thresholds differ"), "{message}");
}

mod slow {
    use super::*;

    /// CSV and Parquet, in groups of rows of any size, are one thing.
    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn the_format_of_the_file_makes_no_difference() {
        let sandbox = sandbox();
        sandbox.write("s.csv", csv(400));
        sandbox.write("one.parquet", parquet(400, 1000));
        sandbox.write("many.parquet", parquet(400, 33));
        for command in ["eval", "calibrate"] {
            let of = |file: &str| {
                let mut document = run(&sandbox, &format!("{command} --scored {file} --out o"));
                document.as_object_mut().unwrap().remove("provenance");
                document
            };
            assert_eq!(of("s.csv"), of("one.parquet"));
            assert_eq!(of("s.csv"), of("many.parquet"));
        }
    }
}
