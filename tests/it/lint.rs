//! `routecal lint`: findings, places, exit codes, documents.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up is a failed test")]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Prompt, Run, Sandbox, csv_of, finish, prompts};

fn prompt(text: &str, label: &str, split: &str) -> Prompt {
    [text.into(), label.into(), split.into()]
}

/// The small dataset with one of each kind of copy behind it.
fn spoilt() -> Vec<Prompt> {
    let mut all = prompts();
    all.extend([
        prompt("RUST compile, please loop!", "coding", "test"),
        prompt("the same words twice over", "creative", "calibration"),
        prompt("The same words twice over.", "factual", "calibration"),
        prompt("once for choosing and once for judging", "creative", "calibration"),
        prompt("once for choosing and once for judging", "creative", "test"),
        prompt("counted twice in one split", "none", "test"),
        prompt("Counted twice in one split", "none", "test"),
    ]);
    all
}

fn with(prompts: &[Prompt]) -> Sandbox {
    let sandbox = Sandbox::with_routes();
    sandbox.write("prompts.csv", csv_of(prompts));
    sandbox
}

fn lint<'a>(sandbox: &Sandbox, flags: impl IntoIterator<Item = &'a str>) -> Run {
    sandbox.run(["lint", "prompts.csv"].into_iter().chain(flags))
}

fn findings<'a>(report: &'a Value, code: &str) -> Vec<&'a Value> {
    let all = report["findings"].as_array().unwrap();
    all.iter().filter(|f| f["code"] == code).collect()
}

#[test]
fn every_copy_is_found_where_it_stands() {
    let sandbox = with(&spoilt());
    let run = lint(&sandbox, []);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let message = "error: not passed: 3 errors\nhint: each finding says what to do, docs/lint.md why; to leave some be: \
                   --allow conflicting-labels --allow leak --allow split-overlap\n";
    assert!(run.stderr.ends_with(message), "{}", run.stderr);
    let report = sandbox.read_json("reports/lint.json");
    assert_eq!(
        (&report["counts"]["errors"], &report["exit_code"]),
        (&json!(3), &json!(1))
    );
    // A header, then a line a prompt.
    let first = prompts().len() + 2;
    for (code, lines, act) in [
        ("conflicting-labels", [first + 1, first + 2], "relabel"),
        ("split-overlap", [first + 3, first + 4], "move"),
        ("duplicate", [first + 5, first + 6], "delete"),
    ] {
        let found = findings(&report, code);
        assert_eq!(found.len(), 1, "{code}: {found:?}");
        let at: Vec<&Value> = found[0]["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| &i["line"])
            .collect();
        assert_eq!(at, [&json!(lines[0]), &json!(lines[1])], "{code}");
        assert_eq!(
            (&found[0]["line"], &found[0]["act"]),
            (&json!(lines[0]), &json!(act)),
            "{code}"
        );
    }
    let leak = findings(&report, "leak");
    assert_eq!(leak.len(), 1);
    assert_eq!(
        (&leak[0]["file"], &leak[0]["line"]),
        (&json!("prompts.csv"), &json!(first))
    );
    let example = &leak[0]["items"][0];
    assert_eq!(
        (&example["what"], &example["label"], &example["split"]),
        (&json!("example"), &json!("coding"), &json!(null))
    );
    let line = usize::try_from(example["line"].as_u64().unwrap()).unwrap();
    let routes = sandbox.read("routes.json");
    assert_eq!(
        routes.lines().nth(line - 1).unwrap().trim().trim_end_matches(','),
        format!("{}", example["text"])
    );
    // Errors first.
    let order: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["severity"].as_str().unwrap())
        .collect();
    assert!(
        order.is_sorted_by_key(|s| ["error", "warning", "note"].iter().position(|x| x == s)),
        "{order:?}"
    );
}

#[test]
fn what_fails_is_chosen_by_flags() {
    let sandbox = with(&spoilt());
    let allowed = [
        "--allow",
        "conflicting-labels",
        "--allow",
        "leak",
        "--allow",
        "split-overlap",
    ];
    let run = lint(&sandbox, allowed);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains(", 3 left out by --allow\n"), "{}", run.stdout);
    let report = sandbox.read_json("reports/lint.json");
    assert_eq!(
        report["settings"]["allowed"],
        json!(["conflicting-labels", "leak", "split-overlap"])
    );
    let run = lint(&sandbox, allowed.into_iter().chain(["--deny", "warnings"]));
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("not passed: ") && run.stderr.contains(" warning"),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.read_json("reports/lint.json")["exit_code"], 1);
    // The split that is asked for is all there is.
    assert_eq!(
        lint(&sandbox, ["--split", "calibration", "--allow", "conflicting-labels"]).code,
        0
    );
}

#[test]
fn json_is_the_document_that_is_written_and_sarif_names_rule_and_place() {
    let sandbox = with(&spoilt());
    let run = lint(&sandbox, ["--format", "json", "--quiet", "--sarif", "out/lint.sarif"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.stdout, sandbox.read("reports/lint.json"));
    let sarif = sandbox.read_json("out/lint.sarif");
    assert_eq!(sarif["version"], "2.1.0");
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let report = run.json();
    let found = report["findings"].as_array().unwrap();
    assert_eq!(results.len(), found.len());
    let mut fingerprints = BTreeMap::new();
    for (result, finding) in results.iter().zip(found) {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!((&result["ruleId"], &rule["id"]), (&finding["code"], &finding["code"]));
        assert_eq!(result["level"], finding["severity"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], finding["file"]);
        assert_eq!(
            place["region"]["startLine"].as_u64(),
            finding["line"].as_u64().or(Some(1))
        );
        *fingerprints
            .entry(result["partialFingerprints"]["routecalLint/v1"].to_string())
            .or_insert(0) += 1;
    }
    assert!(fingerprints.values().all(|n| *n == 1), "{fingerprints:?}");
    // A row more at the top moves every line and no fingerprint of a copy.
    let mut moved = vec![prompt("a row of no consequence", "none", "test")];
    moved.extend(spoilt());
    sandbox.write("prompts.csv", csv_of(&moved));
    lint(&sandbox, ["--sarif", "moved.sarif"]);
    let after = sandbox.read_json("moved.sarif");
    let of = |sarif: &Value, rule: &str| {
        let all = sarif["runs"][0]["results"].as_array().unwrap();
        let result = all.iter().find(|r| r["ruleId"] == rule).unwrap();
        (
            result["partialFingerprints"].clone(),
            result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64(),
        )
    };
    let (before, after) = (of(&sarif, "leak"), of(&after, "leak"));
    assert_eq!(before.0, after.0);
    assert_eq!(before.1.unwrap() + 1, after.1.unwrap());
}

#[test]
fn neither_threads_nor_a_second_run_change_a_byte() {
    let sandbox = with(&spoilt());
    sandbox.write(
        "log.csv",
        "prompt\nfix my loop\nsing of the sea\nwho is king\nqwrtz\nfix my loop!\n",
    );
    let of = |threads: &str, out: &str| {
        let flags = [
            "--threads",
            threads,
            "--out",
            out,
            "--sarif",
            "x.sarif",
            "--unlabelled",
            "log.csv",
            "--next",
            "3",
        ];
        let run = lint(&sandbox, flags);
        (
            run.stdout,
            sandbox.read(&format!("{out}/lint.json")),
            sandbox.read("x.sarif"),
        )
    };
    let one = of("1", "a");
    assert_eq!(of("3", "b"), one);
    assert_eq!(of("3", "b"), one);
}

#[test]
fn unlabelled_prompts_are_chosen_from_what_is_not_labelled_yet() {
    let sandbox = with(&prompts());
    let known = &prompts()[0][0];
    let log = format!("prompt\n\"{known}\"\nwhat on earth\nWhat on earth?\nrust poem capital\nrust loop function\n");
    sandbox.write("log.csv", &log);
    let report = lint(&sandbox, ["--unlabelled", "log.csv", "--next", "2", "--format", "json"])
        .ok()
        .json();
    let next = &report["next"];
    assert_eq!(
        (&next["prompts"], &next["distinct"], &next["known"]),
        (&json!(5), &json!(3), &json!(1))
    );
    let chosen = next["chosen"].as_array().unwrap();
    assert_eq!(chosen.len(), 2);
    let first = chosen
        .iter()
        .find(|c| c["prompt"] == "what on earth")
        .expect("the strange one is among them");
    assert_eq!((&first["times"], &first["line"]), (&json!(2), &json!(3)));
    // The same from standard input, and from JSON Lines.
    let piped = sandbox
        .run_on(
            log,
            [
                "lint",
                "prompts.csv",
                "--unlabelled",
                "-",
                "--next",
                "2",
                "--format",
                "json",
            ],
        )
        .ok();
    assert_eq!(piped.json()["next"]["chosen"], next["chosen"]);
    sandbox.write("log.jsonl", "{\"prompt\": \"what on earth\"}\n");
    let text = lint(&sandbox, ["--unlabelled", "log.jsonl"]).ok().stdout;
    assert!(text.contains("to label next: 1 of 1 distinct"), "{text}");
    assert!(report["next"].is_object() && lint(&sandbox, ["--format", "json"]).json()["next"].is_null());
}

#[test]
fn a_ci_runner_gets_its_annotations_and_a_reader_no_endless_list() {
    let mut many = spoilt();
    for i in 0..8 {
        for label in ["coding", "factual"] {
            many.push(prompt(&format!("claimed by both, {i}"), label, "test"));
        }
    }
    let sandbox = with(&many);
    let run = finish(
        sandbox
            .command()
            .args(["lint", "prompts.csv", "--quiet"])
            .env("GITHUB_ACTIONS", "true"),
    );
    assert_eq!(run.code, 1);
    let errors: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 10, "{}", run.stderr);
    let start = format!(
        "::error file=prompts.csv,line={},title=routecal%3A conflicting-labels::the same prompt under 2 labels",
        prompts().len() + 3
    );
    assert!(errors.iter().any(|line| line.starts_with(&start)), "{errors:?}");
    assert!(run.stdout.contains("error conflicting-labels (9): "), "{}", run.stdout);
    assert!(
        run.stdout.contains("  … and 4 more conflicting-labels\n"),
        "{}",
        run.stdout
    );
    assert!(!lint(&sandbox, []).stderr.contains("::error"));
}

#[test]
fn bad_usage_is_refused_before_any_work() {
    let sandbox = with(&prompts());
    let all = [
        sandbox.refused(["lint", "prompts.csv", "--near-duplicate", "0.2"]),
        sandbox.refused(["lint", "prompts.csv", "--half-width", "0"]),
        sandbox.refused(["lint", "prompts.csv", "--allow", "leek"]),
        sandbox.refused(["lint", "-", "--unlabelled", "-"]),
        sandbox.refused(["lint", "prompts.csv", "--unlabelled", "none.csv"]),
        sandbox.refused(["lint", "prompts.csv", "--next", "3"]),
        sandbox.refused(["lint", "prompts.csv", "--split", "none"]),
        sandbox.refused(["lint", "none.csv"]),
    ];
    for (text, part) in all.iter().zip([
        "--near-duplicate 0.2 is not within 0.5 and 1",
        "--half-width 0 is not between 0 and 0.5",
        "did you mean leak?",
        "cannot be the dataset and the unlabelled prompts at once",
        "cannot read none.csv",
        "--unlabelled",
        "no row of split",
        "cannot read none.csv",
    ]) {
        assert!(text.starts_with("exit 2\n") && text.contains(part), "{text}");
    }
}

#[test]
fn prompts_cannot_drive_the_terminal() {
    let mut bad = prompts();
    bad.push(prompt("a\u{1b}[2Jb", "coding", "test"));
    bad.push(prompt("a\u{1b}[2Jb", "factual", "test"));
    let sandbox = with(&bad);
    let run = lint(&sandbox, ["--annotations"]);
    assert_eq!(run.code, 1);
    assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'));
}
