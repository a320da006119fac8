//! Datasets: formats, columns, labels, splits; and the one that is shipped.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Prompt, Sandbox, at, csv_of, number, prompts, rows_of};

/// The evaluation of a dataset, without the name of its source.
#[track_caller]
fn evaluation<'a>(sandbox: &Sandbox, arguments: impl IntoIterator<Item = &'a str>) -> Value {
    let arguments = ["eval", "--no-plots", "--resamples", "0", "--format", "json"]
        .into_iter()
        .chain(arguments);
    without_source(sandbox.run(arguments).ok().json())
}

fn without_source(mut report: Value) -> Value {
    report["provenance"]["dataset"]["source"].take();
    report
}

/// The report without lines of the file.
fn without_lines(mut report: Value) -> Value {
    for mistake in report["mistakes"].as_array_mut().unwrap() {
        mistake["line"].take();
    }
    report
}

fn jsonl_of(prompts: &[Prompt]) -> String {
    // The empty line stands where the header of a CSV stands, so that every row is on the same line in both.
    let mut text = "\n".to_owned();
    for [prompt, label, split] in prompts {
        let _ = writeln!(text, "{}", json!({ "prompt": prompt, "label": label, "split": split }));
    }
    text
}

/// Split of every prompt, as `eval` used it.
fn splits(sandbox: &Sandbox, seed: &str, dataset: &str) -> BTreeMap<String, (String, String)> {
    let arguments = [
        "eval",
        dataset,
        "--no-plots",
        "--resamples",
        "0",
        "--split",
        "all",
        "--seed",
        seed,
    ];
    sandbox.run(arguments).ok();
    rows_of(&sandbox.read("reports/predictions.csv"))
        .into_iter()
        .map(|mut row| {
            let mut take = |column: &str| row.remove(column).unwrap();
            (take("prompt"), (take("label"), take("split")))
        })
        .collect()
}

fn without_split(prompts: &[Prompt]) -> String {
    let mut text = "prompt,label\n".to_owned();
    for [prompt, label, _] in prompts {
        let _ = writeln!(text, "\"{prompt}\",{label}");
    }
    text
}

#[test]
fn a_byte_order_mark_and_crlf_change_nothing() {
    let sandbox = Sandbox::with_data();
    let plain = evaluation(&sandbox, ["prompts.csv"]);
    let text = csv_of(&prompts());
    sandbox.write("windows.csv", format!("\u{feff}{}", text.replace('\n', "\r\n")));
    assert_eq!(evaluation(&sandbox, ["windows.csv"]), plain);
}

#[test]
fn json_lines_give_the_report_of_the_csv() {
    let sandbox = Sandbox::with_data();
    let plain = evaluation(&sandbox, ["prompts.csv"]);
    let text = jsonl_of(&prompts());
    sandbox.write("prompts.jsonl", &text);
    assert_eq!(evaluation(&sandbox, ["prompts.jsonl"]), plain);
    sandbox.write("prompts.txt", text);
    assert_eq!(evaluation(&sandbox, ["prompts.txt", "--input-format", "jsonl"]), plain);
    // What is written differs in the source alone as well.
    let source = sandbox.read_json("reports/eval.json")["provenance"]["dataset"]["source"].take();
    assert_eq!(source, "prompts.txt");
    assert_eq!(without_source(sandbox.read_json("reports/eval.json")), plain);
}

#[test]
fn standard_input_gives_the_report_of_the_file() {
    let sandbox = Sandbox::with_data();
    let plain = evaluation(&sandbox, ["prompts.csv"]);
    let piped = |text: String, format: &str| {
        let arguments = [
            "eval",
            "-",
            "--no-plots",
            "--resamples",
            "0",
            "--format",
            "json",
            "--input-format",
            format,
        ];
        let report = sandbox.run_on(text, arguments).ok().json();
        assert_eq!(report["provenance"]["dataset"]["source"], "standard input");
        without_source(report)
    };
    assert_eq!(piped(csv_of(&prompts()), "csv"), plain);
    assert_eq!(piped(jsonl_of(&prompts()), "jsonl"), plain);
}

/// Columns of kinds that are never asked for (`golden/make_nested_parquet.py`) are in nobody's way, and no panic where they are.
#[test]
fn parquet_with_columns_of_every_kind() {
    let sandbox = Sandbox::with_data();
    sandbox.write("nested.parquet", include_bytes!("golden/nested.parquet"));
    sandbox
        .run("import dataset nested.parquet -o nested.csv".split(' '))
        .ok();
    assert_eq!(
        sandbox.read("nested.csv"),
        "prompt,label\nprompt 0,coding\nprompt 1,creative\nprompt 2,none\n"
    );
    let split = ["--split", "all"];
    let from_csv = evaluation(&sandbox, ["nested.csv"].into_iter().chain(split));
    let from_parquet = evaluation(&sandbox, ["nested.parquet"].into_iter().chain(split));
    assert_eq!(without_lines(from_parquet), without_lines(from_csv));
    for (column, holds) in [
        ("messages", "lists"),
        ("image", "structs"),
        ("price", "values of another kind"),
        ("half", "values of another kind"),
        ("pair", "lists"),
        ("map", "lists"),
    ] {
        for command in [
            "eval nested.parquet --label-column",
            "import dataset nested.parquet -o no.csv --label-column",
        ] {
            let refused = sandbox.refused(command.split(' ').chain([column]));
            let told = format!(
                "error: nested.parquet: column \"{column}\" holds {holds}, which cannot be read as text\nhint: "
            );
            assert!(refused.starts_with("exit 2\n") && refused.contains(&told), "{refused}");
        }
    }
    for (column, label) in [
        ("when", "1970-01-01T00:00:00.000001Z"),
        ("day", "1970-01-02"),
        ("small", "1"),
    ] {
        let command = "import dataset nested.parquet -o read.csv --overwrite --label-column";
        sandbox.run(command.split(' ').chain([column])).ok();
        let labels = rows_of(&sandbox.read("read.csv"));
        assert!(
            labels.len() == 3 && labels.iter().all(|row| row["label"] == label),
            "{labels:?}"
        );
    }
}

/// Chats, times, dates and numbers of 8 bits in four groups of rows (`golden/make_chats_parquet.py`) are what they are as JSON Lines.
#[test]
fn parquet_of_chats_is_json_lines_of_chats() {
    let sandbox = Sandbox::with_routes();
    sandbox.write("chats.parquet", include_bytes!("golden/chats.parquet"));
    sandbox.write("chats.jsonl", include_bytes!("golden/chats.jsonl"));
    let of = |extension: &str, flags: &str| {
        let file = format!("chats.{extension}");
        evaluation(&sandbox, [file.as_str()].into_iter().chain(flags.split_whitespace()))
    };
    let from_jsonl = of("jsonl", "");
    assert_eq!(at(&from_jsonl, "provenance.dataset.rows"), 16);
    assert!(number(&from_jsonl, "forced_choice.accuracy.point") > 0.9);
    assert_eq!(of("parquet", ""), from_jsonl);
    // `messages` need not be what it is called.
    assert_eq!(of("parquet", "--prompt-column messages"), from_jsonl);

    // A chat without a prompt is told of by its row, without the conversation.
    let refused = sandbox.refused(["eval", "chats.parquet", "--prompt-column", "mute"]);
    let told = "chats.parquet:8: \"mute\" is a chat without a message of the role \"user\"";
    assert!(
        refused.starts_with("exit 2\n") && refused.contains(told) && !refused.contains("terse"),
        "{refused}"
    );

    // Of the log too, with the time.
    let monitored = |extension: &str| {
        let command = format!(
            "monitor chats.{extension} --reference chats.jsonl --resamples 100 --by day --no-plots --format json"
        );
        let mut document = sandbox.run(command.split(' ')).json();
        document["log"]["source"].take();
        document
    };
    let from_jsonl = monitored("jsonl");
    assert_eq!(from_jsonl["periods"].as_array().unwrap().len(), 6);
    assert_eq!(monitored("parquet"), from_jsonl);
    // And where the labels are numbers or dates, they are their texts.
    for label in ["level", "day", "time"] {
        sandbox
            .run([
                "import",
                "dataset",
                "chats.parquet",
                "-o",
                "chats.csv",
                "--overwrite",
                "--label-column",
                label,
            ])
            .ok();
        let jsonl = sandbox.read("chats.jsonl");
        let expected = jsonl.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let expected: Vec<String> = expected.map(|row| row[label].as_str().unwrap().to_owned()).collect();
        let labels: Vec<String> = rows_of(&sandbox.read("chats.csv"))
            .iter()
            .map(|row| row["label"].clone())
            .collect();
        assert_eq!(labels, expected);
    }
}

#[test]
fn parquet_gives_the_report_of_the_csv() {
    let sandbox = Sandbox::with_routes();
    sandbox.write("data.csv", without_split(&prompts()));
    sandbox.run(["embed", "data.csv", "--output", "data.parquet"]).ok();
    let from_csv = without_lines(evaluation(&sandbox, ["data.csv"]));
    assert!(!from_csv["mistakes"].as_array().unwrap().is_empty());
    assert_eq!(without_lines(evaluation(&sandbox, ["data.parquet"])), from_csv);
}

#[test]
fn columns_by_flags() {
    let sandbox = Sandbox::with_data();
    let plain = evaluation(&sandbox, ["prompts.csv"]);
    let flags = [
        "--prompt-column",
        "text",
        "--label-column",
        "intent",
        "--split-column",
        "part",
    ];
    let renamed = csv_of(&prompts()).replacen("prompt,label,split", " text ,intent,part", 1);
    sandbox.write("other.csv", renamed);
    assert_eq!(evaluation(&sandbox, ["other.csv"].into_iter().chain(flags)), plain);
    let renamed = ["prompt", "label", "split"]
        .iter()
        .zip(["text", "intent", "part"])
        .fold(jsonl_of(&prompts()), |text, (old, new)| {
            text.replace(&format!("\"{old}\":"), &format!("\"{new}\":"))
        });
    sandbox.write("other.jsonl", renamed);
    assert_eq!(evaluation(&sandbox, ["other.jsonl"].into_iter().chain(flags)), plain);
}

#[test]
fn of_a_chat_the_last_message_of_the_user_is_the_prompt() {
    let sandbox = Sandbox::with_data();
    let plain = evaluation(&sandbox, ["prompts.csv"]);
    let said = |role: &str, content: &str| json!({ "role": role, "content": content });
    let mut chats = "\n".to_owned();
    for (i, [prompt, label, split]) in prompts().iter().enumerate() {
        let mut messages = vec![said("system", "You are terse."), said("user", prompt)];
        if i % 2 == 0 {
            messages.splice(
                1..1,
                [said("user", "Hello"), said("assistant", "Hello! What shall it be?")],
            );
        }
        let _ = writeln!(
            chats,
            "{}",
            json!({ "messages": messages, "label": label, "split": split })
        );
    }
    sandbox.write("chats.jsonl", &chats);
    assert_eq!(evaluation(&sandbox, ["chats.jsonl"]), plain);
    let named = chats.replace("\"messages\":", "\"dialogue\":");
    sandbox.write("named.jsonl", named);
    assert_eq!(
        evaluation(&sandbox, ["named.jsonl", "--prompt-column", "dialogue"]),
        plain
    );

    // What cannot be used is told of without the conversation.
    let bad = json!({ "messages": [said("system", "secret")], "label": "coding", "split": "test" });
    sandbox.write("chats.jsonl", format!("{chats}{bad}\n"));
    let run = sandbox.run(["eval", "chats.jsonl"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    let told = run.stderr.contains("without a message of the role \"user\"");
    assert!(told && !run.stderr.contains("secret"), "{}", run.stderr);
}

#[test]
fn further_columns_are_ignored() {
    let sandbox = Sandbox::with_data();
    let plain = evaluation(&sandbox, ["prompts.csv"]);
    let mut wide = String::new();
    for line in csv_of(&prompts()).lines() {
        let _ = writeln!(wide, "id,{line},note");
    }
    sandbox.write("wide.csv", wide);
    assert_eq!(evaluation(&sandbox, ["wide.csv"]), plain);
}

#[test]
fn a_quoted_prompt_keeps_its_line_breaks_and_spaces() {
    let sandbox = Sandbox::with_routes();
    let text = "  write a \"loop\",\nplease\r\n\tin rust ";
    let cell = text.replace('"', "\"\"");
    sandbox.write("data.csv", format!("prompt,label,split\n\"{cell}\",coding,test\n"));
    sandbox.run(["eval", "data.csv", "--no-plots", "--resamples", "0"]).ok();
    let rows = rows_of(&sandbox.read("reports/predictions.csv"));
    assert_eq!(rows[0]["prompt"], text);
    assert_eq!((rows.len(), rows[0]["line"].as_str()), (1, "2"));
}

#[test]
fn every_spelling_of_out_of_domain() {
    let sandbox = Sandbox::with_routes();
    sandbox.write(
        "data.csv",
        "prompt,label,split\na,,test\nb,none,test\nc,oos,test\nd,out_of_domain,test\ne,coding,test\n",
    );
    let report = evaluation(&sandbox, ["data.csv"]);
    assert_eq!((&report["in_domain"], &report["out_of_domain"]), (&json!(1), &json!(4)));
    sandbox.write(
        "data.jsonl",
        "{\"prompt\":\"a\",\"label\":null,\"split\":\"test\"}\n{\"prompt\":\"e\",\"label\":\"coding\",\"split\":\"test\"}\n",
    );
    assert_eq!(evaluation(&sandbox, ["data.jsonl"])["out_of_domain"], 1);
}

#[test]
fn without_a_split_column_each_label_is_halved_by_content() {
    let sandbox = Sandbox::with_routes();
    let mut data = prompts();
    sandbox.write("data.csv", without_split(&data));
    let made = splits(&sandbox, "0", "data.csv");
    assert_eq!(made.len(), data.len());
    let mut sizes: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (label, split) in made.values() {
        sizes.entry(label).or_default()[usize::from(split == "test")] += 1;
    }
    let halves = BTreeMap::from([
        ("coding", [8, 8]),
        ("creative", [8, 8]),
        ("factual", [8, 8]),
        ("none", [6, 6]),
    ]);
    assert_eq!(sizes, halves);

    // The order of the rows does not matter, the seed does.
    data.reverse();
    sandbox.write("reversed.csv", without_split(&data));
    assert_eq!(splits(&sandbox, "0", "reversed.csv"), made);
    let other = splits(&sandbox, "1", "data.csv");
    assert_ne!(other, made);
    assert_eq!(splits(&sandbox, "1", "reversed.csv"), other);
    assert_eq!(
        sandbox.read_json("reports/eval.json")["provenance"]["dataset"]["split_column"],
        false
    );
}

#[test]
fn equal_prompts_are_embedded_once_and_share_a_split() {
    let sandbox = Sandbox::with_routes();
    sandbox.write(
        "data.csv",
        format!("prompt,label\n{}", "sort the array,coding\nhello,none\n".repeat(30)),
    );
    let run = sandbox
        .run(["eval", "data.csv", "--split", "all", "--no-plots", "--resamples", "0"])
        .ok();
    // Two prompts and the eighteen examples.
    assert!(
        run.stderr.contains("embedded 20 of 20 distinct texts"),
        "{}",
        run.stderr
    );
    let found: BTreeSet<(String, String)> = rows_of(&sandbox.read("reports/predictions.csv"))
        .into_iter()
        .map(|mut row| (row.remove("prompt").unwrap(), row.remove("split").unwrap()))
        .collect();
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_prompt_that_is_a_route_example_is_reported() {
    let sandbox = Sandbox::with_routes();
    let mut data = prompts();
    data.push([
        " RUST compile please LOOP".to_owned(),
        "coding".to_owned(),
        "test".to_owned(),
    ]);
    sandbox.write("data.csv", csv_of(&data));
    let report = evaluation(&sandbox, ["data.csv"]);
    assert_eq!(report["leakage"], json!({ "n": 1, "lines": [data.len() + 1] }));
}

/// The dataset and the routes file of this repository, with the encoder that needs no model: every label is a route,
/// every route is well covered, the halves are even, no prompt is an example.
#[test]
fn the_shipped_data_is_whole() {
    let sandbox = Sandbox::empty();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (routes, dataset) = (root.join("routes.json"), root.join("datasets/prompts.csv"));
    let (routes, dataset) = (routes.to_str().unwrap(), dataset.to_str().unwrap());
    let arguments = [
        "eval",
        dataset,
        "--routes",
        routes,
        "--encoder",
        "hashing",
        "--no-plots",
        "--resamples",
        "0",
        "--split",
        "all",
    ];
    let run = sandbox.run(arguments.into_iter().chain(["--format", "json"])).ok();
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    let report = run.json();
    assert_eq!(report["leakage"]["n"], 0);
    assert!(number(&report, "forced_choice.accuracy.point") > 0.25);
    let mut sizes: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for mut row in rows_of(&sandbox.read("reports/predictions.csv")) {
        let split = row.remove("split").unwrap();
        assert!(["calibration", "test"].contains(&split.as_str()), "{split}");
        sizes.entry(row.remove("label").unwrap()).or_default()[usize::from(split == "test")] += 1;
    }
    let names: Vec<&str> = sizes.keys().map(String::as_str).collect();
    assert_eq!(names, ["coding", "creative", "factual", "none", "reasoning"]);
    for (label, [calibration, test]) in &sizes {
        let wanted = if label == "none" { 300 } else { 200 };
        assert!(calibration + test >= wanted, "{label}: {calibration} + {test}");
        assert!(calibration.abs_diff(*test) <= 2, "{label}: {calibration} and {test}");
    }
}
