//! Bad input: a clear message with place and hint, the right exit code, and nothing half-written
//! ([`Sandbox::refused`] holds every file before the run against every file after it).

use std::fmt::Write as _;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Sandbox, csv_of, pretty, prompts, routes};

/// Evaluates `content` as a dataset that must be refused.
#[track_caller]
fn refused_dataset(content: impl AsRef<[u8]>) -> String {
    let sandbox = Sandbox::with_routes();
    sandbox.write("data.csv", content);
    sandbox.refused(["eval", "data.csv"])
}

/// A dataset of one row.
fn one_row(row: &str) -> String {
    format!("prompt,label,split\n{row}\n")
}

#[test]
fn missing_file() {
    assert_snapshot!(Sandbox::with_routes().refused(["eval", "nowhere.csv"]));
}

#[test]
fn missing_default_dataset() {
    assert_snapshot!(Sandbox::with_routes().refused(["calibrate"]));
}

#[test]
fn a_folder_for_a_dataset() {
    assert_snapshot!(Sandbox::with_routes().refused(["eval", "."]));
}

#[test]
fn empty_file() {
    assert_snapshot!(refused_dataset(""));
}

#[test]
fn only_a_byte_order_mark() {
    assert_eq!(refused_dataset("\u{feff}\r\n"), refused_dataset(""));
}

#[test]
fn header_only() {
    assert_snapshot!(refused_dataset("prompt,label,split\n"));
}

#[test]
fn missing_column() {
    assert_snapshot!(refused_dataset("text,label,split\nsort an array,coding,test\n"));
}

#[test]
fn missing_label_column() {
    assert_snapshot!(refused_dataset("prompt,route\nsort an array,coding\n"));
}

#[test]
fn missing_split_column_that_was_asked_for() {
    let sandbox = Sandbox::with_data();
    assert_snapshot!(sandbox.refused(["eval", "prompts.csv", "--split-column", "part"]));
}

#[test]
fn unknown_split() {
    assert_snapshot!(Sandbox::with_data().refused(["eval", "prompts.csv", "--split", "tset"]));
}

#[test]
fn no_calibration_rows() {
    let sandbox = Sandbox::with_routes();
    sandbox.write("data.csv", one_row("sort an array,coding,test"));
    assert_snapshot!(sandbox.refused(["calibrate", "data.csv"]));
}

#[test]
fn unknown_label() {
    assert_snapshot!(refused_dataset(one_row("sort an array,codng,test")));
}

#[test]
fn unknown_label_like_none_there_is() {
    assert_snapshot!(refused_dataset(one_row("sort an array,weather,test")));
}

#[test]
fn label_of_another_case() {
    assert_snapshot!(refused_dataset(one_row("sort an array,Coding,test")));
}

#[test]
fn label_with_spaces() {
    assert_snapshot!(refused_dataset(one_row("sort an array, coding ,test")));
}

#[test]
fn out_of_domain_label_of_another_case() {
    assert_snapshot!(refused_dataset(one_row("hello there,None,test")));
}

#[test]
fn many_bad_rows() {
    let mut text = "prompt,label,split\n".to_owned();
    for i in 0..13 {
        text.push_str(["sort it,codng,test\n", "a b,c\n", ",coding,test\n", "hi,none,\n"][i % 4]);
    }
    assert_snapshot!(refused_dataset(text));
}

/// The line is that of the row's start, whatever the line ends, blank lines and quoted newlines before it.
#[test]
fn the_line_of_a_bad_row() {
    let text = "prompt,label,split\n\n\"write a\nfunction\",coding,test\n\n\na poem,creatve,test\n";
    for (line_end, line) in [("\n", 7), ("\r\n", 7)] {
        let message = refused_dataset(text.replace('\n', line_end));
        let place = format!("error: data.csv:{line}: label \"creatve\"");
        assert!(message.contains(&place), "{message}");
    }
}

#[test]
fn not_utf8() {
    assert_snapshot!(refused_dataset(
        b"prompt,label,split\nfine,none,test\ncaf\xe9,none,test\n"
    ));
}

#[test]
fn nul_bytes() {
    assert_snapshot!(refused_dataset(one_row("sort\0 it,coding,test")));
}

#[test]
fn a_prompt_of_five_megabytes() {
    let row = format!("{},coding,test", "word ".repeat(1 << 20));
    assert_snapshot!(refused_dataset(one_row(&row)));
}

#[test]
fn a_prompt_of_five_megabytes_to_classify() {
    let sandbox = Sandbox::with_routes();
    assert_snapshot!(sandbox.refused_on("word ".repeat(1 << 20), &["classify"]));
}

#[test]
fn malformed_json_lines() {
    let sandbox = Sandbox::with_routes();
    let good = json!({ "prompt": "sort it", "label": "coding", "split": "test" });
    sandbox.write(
        "data.jsonl",
        format!("{good}\n{{\"prompt\": \n[1]\n{{\"prompt\": 7}}\n"),
    );
    assert_snapshot!(sandbox.refused(["eval", "data.jsonl"]));
}

#[test]
fn a_csv_called_parquet() {
    let sandbox = Sandbox::with_routes();
    sandbox.write("data.parquet", csv_of(&prompts()));
    let message = sandbox.refused(["eval", "data.parquet"]);
    let start = "exit 2\nerror: data.parquet: not a readable Parquet file: ";
    assert!(message.starts_with(start), "{message}");
}

#[test]
fn thresholds_that_are_no_thresholds() {
    let sandbox = Sandbox::with_data();
    let mut shown = String::new();
    for (flag, value) in [
        ("--threshold", "nan"),
        ("--threshold", "inf"),
        ("--threshold", "1.5"),
        ("--threshold", "-1.1"),
        ("--gap", "NaN"),
        ("--gap", "-0.1"),
        ("--gap", "2.5"),
    ] {
        let message = sandbox.refused(["eval", "prompts.csv", flag, value]);
        assert_eq!(message, sandbox.refused(["classify", "sort it", flag, value]));
        let _ = write!(shown, "$ {flag} {value}\n{message}");
    }
    assert_snapshot!(shown);
    // Refused before anything is embedded.
    assert!(
        std::fs::read_dir(sandbox.root().join("cache"))
            .unwrap()
            .next()
            .is_none()
    );
}

#[test]
fn shares_that_are_no_shares() {
    let sandbox = Sandbox::with_data();
    let mut shown = String::new();
    for arguments in [
        ["--goal", "max-coverage", "--risk", "nan"],
        ["--goal", "min-risk", "--coverage", "1.01"],
        ["--goal", "min-cost", "--accuracy", "inf"],
        ["--goal", "max-macro-f1", "--plateau-tolerance", "NaN"],
        ["--goal", "max-coverage", "--risk", "5%"],
    ] {
        let message = sandbox.refused(["calibrate", "prompts.csv"].into_iter().chain(arguments));
        let _ = write!(shown, "$ {}\n{message}", arguments.join(" "));
    }
    assert_snapshot!(shown);
}

/// Writes a routes file after `edit` and asks it something it must refuse to answer.
#[track_caller]
fn refused_routes(edit: impl FnOnce(&mut Value)) -> String {
    let mut document = routes();
    edit(&mut document);
    refused_text(&pretty(&document))
}

#[track_caller]
fn refused_text(routes: &str) -> String {
    let sandbox = Sandbox::empty();
    sandbox.write("routes.json", routes);
    sandbox.refused(["classify", "sort it"])
}

#[test]
fn no_routes_file() {
    assert_snapshot!(Sandbox::empty().refused(["classify", "sort it"]));
}

#[test]
fn routes_with_an_unknown_key() {
    let message = [
        refused_routes(|r| r["rotues"] = json!({})),
        refused_routes(|r| r["colour"] = json!("red")),
        refused_routes(|r| r["fallback"]["modle"] = json!("big")),
        refused_routes(|r| r["thresholds"]["treshold"] = json!(0.3)),
        refused_routes(|r| r["routes"]["coding"]["example"] = json!([])),
    ];
    assert_snapshot!(message.concat());
}

#[test]
fn routes_with_a_syntax_error() {
    let text = pretty(&routes());
    let message = [
        refused_text(&text.replace("\"routes\": {", "\"routes\" {")),
        refused_text(&text.replace("0.35", "NaN")),
        refused_text(&text[..text.len() / 2]),
        refused_text(""),
        refused_text("[]"),
        refused_text("{}"),
    ];
    assert_snapshot!(message.concat());
}

#[test]
fn routes_with_a_duplicate_key() {
    let text = pretty(&routes()).replace("\"creative\": {", "\"coding\": {");
    assert_snapshot!(refused_text(&text));
}

#[test]
fn routes_that_are_not_utf8() {
    let sandbox = Sandbox::empty();
    sandbox.write("routes.json", b"{\"encoder\": \"caf\xe9\"}");
    assert_snapshot!(sandbox.refused(["classify", "sort it"]));
}

#[test]
fn routes_with_values_that_cannot_be() {
    let message = [
        refused_routes(|r| r["thresholds"]["threshold"] = json!(1.5)),
        refused_routes(|r| r["routes"]["factual"]["thresholds"] = json!({ "threshold": 0.1, "gap": -1 })),
        refused_routes(|r| r["prices"] = json!({ "big": -0.5 })),
        refused_routes(|r| r["routes"]["coding"]["examples"] = json!("sort it")),
        refused_routes(|r| r["routes"]["coding"]["examples"][2] = json!(" ")),
        refused_routes(|r| r["routes"]["coding"]["examples"] = json!([])),
        refused_routes(|r| r["routes"] = json!({})),
        refused_routes(|r| {
            let route = r["routes"]["coding"].clone();
            r["routes"]["None"] = route;
        }),
    ];
    assert_snapshot!(message.concat());
}

#[test]
fn two_identical_routes() {
    assert_snapshot!(refused_routes(|r| {
        let mut examples = r["routes"]["creative"]["examples"].clone();
        examples.as_array_mut().unwrap().reverse();
        r["routes"]["coding"]["examples"] = examples;
    }));
}

#[test]
fn an_unknown_encoder() {
    assert_snapshot!(Sandbox::with_routes().refused(["classify", "sort it", "--encoder", "all-MiniLM-L6-v3"]));
}

#[test]
fn no_prompt_to_classify() {
    let sandbox = Sandbox::with_routes();
    let message = [
        sandbox.refused_on(" \n\n", &["classify"]),
        sandbox.refused(["classify", "fine", " "]),
        sandbox.refused_on(*b"caf\xe9", &["classify"]),
    ];
    assert_snapshot!(message.concat());
}

#[test]
fn flags_that_do_not_exist() {
    let sandbox = Sandbox::with_data();
    let message = [
        sandbox.refused(["eval", "prompts.csv", "--treshold", "0.3"]),
        sandbox.refused(["evaluate"]),
        sandbox.refused(["eval", "prompts.csv", "--threads", "0"]),
        sandbox.refused(["calibrate", "prompts.csv", "--goal", "max-coverage"]),
        sandbox.refused(["calibrate", "--router", "router.json", "--write"]),
    ];
    assert_snapshot!(message.concat());
}

/// What a file says is shown, not obeyed.
#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let sandbox = Sandbox::with_routes();
    sandbox.write("prompts.csv", "prompt,label\nfix it,cod\x1b[2Jng\n");
    let message = sandbox.refused(["eval", "prompts.csv", "--split", "all"]);
    assert!(message.contains("cod\\u{1b}[2Jng"), "{message}");
    assert!(!message.contains('\x1b'), "{message}");
}

#[test]
fn a_condition_of_another_goal() {
    let sandbox = Sandbox::with_data();
    let refused = |flags: &[&str]| sandbox.refused(["calibrate", "prompts.csv"].iter().chain(flags).copied());
    let message = [
        refused(&["--risk", "0.1"]),
        refused(&["--goal", "max-coverage", "--risk", "0.1", "--accuracy", "0.5"]),
        refused(&["--goal", "max-macro-f1", "--coverage", "0.5"]),
    ];
    assert_snapshot!(message.concat());
}

#[test]
fn damaged_files_of_an_encoder_are_named_by_assets_verify() {
    let sandbox = Sandbox::empty();
    sandbox.write("../cache/assets/all-MiniLM-L6-v2/model.safetensors", "half of it");
    let run = sandbox.run(["assets", "verify"]);
    assert_eq!(run.code, 3);
    let line = run
        .stdout
        .lines()
        .find(|l| l.contains("model.safetensors"))
        .expect("a line for the file");
    assert!(line.contains("  damaged  "), "{line}");
    for part in [
        "error: not verified: ",
        "all-MiniLM-L6-v2 model.safetensors (",
        "tokenizer.json (missing)",
    ] {
        assert!(run.stderr.contains(part), "{part} in {}", run.stderr);
    }
    assert!(
        run.stderr
            .ends_with("hint: install them again: routecal assets install\n"),
        "{}",
        run.stderr
    );
}

/// Most of half a second and more: `cargo test --test it -- --ignored slow::`.
mod slow {
    use super::*;

    /// 100,000 rows are no mistake.
    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_hundred_thousand_rows() {
        let sandbox = Sandbox::with_routes();
        let mut text = String::from("prompt,label,split\n");
        for i in 0..100_000 {
            let (word, label) = [
                ("hello", "none"),
                ("rust", "coding"),
                ("poem", "creative"),
                ("king", "factual"),
            ][i % 4];
            let split = if i % 8 < 4 { "test" } else { "calibration" };
            let _ = writeln!(text, "{word} {i},{label},{split}");
        }
        sandbox.write("big.csv", text);
        // Fewer resamples than by default: 2,000 of so many rows are a matter of minutes without optimisation.
        let arguments = [
            "eval",
            "big.csv",
            "--no-plots",
            "--no-cache",
            "--resamples",
            "20",
            "--format",
            "json",
        ];
        let report = sandbox.run(arguments).ok().json();
        assert_eq!(report["n"], 50_000);
        assert_eq!(report["in_domain"], 37_500);
        assert_eq!(report["provenance"]["dataset"]["rows"], 100_000);
        assert_eq!(sandbox.read("reports/predictions.csv").lines().count(), 50_001);
    }
}
