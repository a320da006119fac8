//! `routecal check`: the verdicts, the exit codes, the files, and what a CI runner reads.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up is a failed test")]

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Prompt, Run, Sandbox, at, csv_of, finish, number, pretty, prompts, routes};

const CHECK: [&str; 2] = ["check", "prompts.csv"];

/// A sandbox with a baseline of its router at threshold 0.2, gap 0.
fn with_baseline() -> Sandbox {
    let sandbox = Sandbox::with_data();
    set_threshold(&sandbox, 0.2);
    sandbox.run(CHECK.into_iter().chain(["--update-baseline"])).ok();
    sandbox
}

fn set_threshold(sandbox: &Sandbox, threshold: f64) {
    let mut routes = routes();
    routes["thresholds"] = json!({ "threshold": threshold, "gap": 0.0 });
    sandbox.write("routes.json", pretty(&routes));
}

fn check<'a>(sandbox: &Sandbox, arguments: impl IntoIterator<Item = &'a str>) -> Run {
    sandbox.run(CHECK.into_iter().chain(arguments))
}

fn document<'a>(sandbox: &Sandbox, arguments: impl IntoIterator<Item = &'a str>) -> Value {
    check(sandbox, arguments.into_iter().chain(["--format", "json"])).json()
}

fn gate<'v>(report: &'v Value, metric: &str) -> &'v Value {
    let gates = report["gates"].as_array().unwrap();
    gates.iter().find(|g| g["metric"] == metric).unwrap()
}

/// Edits the baseline and puts a checksum that fits into it, as another encoder or program would have.
fn rewrite_baseline(sandbox: &Sandbox, edit: impl FnOnce(&mut Value)) {
    let mut baseline = sandbox.read_json("reports/baseline.json");
    edit(&mut baseline);
    baseline["content_sha256"] = json!("");
    let sum = Sha256::digest(serde_json::to_vec(&baseline).unwrap());
    let hex = sum.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    baseline["content_sha256"] = json!(hex);
    sandbox.write("reports/baseline.json", pretty(&baseline));
}

/// `copies` of every prompt with a different ending each, all in the test split.
fn many(copies: usize) -> Vec<Prompt> {
    let of = |i: usize| {
        prompts().into_iter().map(move |[prompt, label, _]| {
            [
                format!(
                    "{prompt} {}",
                    "abcdefghijklmnopqrstuvwxyz".repeat(2).get(i..=i).unwrap()
                ),
                label,
                "test".into(),
            ]
        })
    };
    (0..copies).flat_map(of).collect()
}

#[test]
fn the_same_router_passes_without_inference() {
    let sandbox = with_baseline();
    let run = check(&sandbox, []).ok();
    insta::assert_snapshot!(run.stdout);
    let report = sandbox.read_json("reports/check.json");
    assert_eq!((&report["verdict"], &report["exit_code"]), (&json!("pass"), &json!(0)));
    assert_eq!(at(&report, "candidate.unchanged"), true);
    assert!(at(gate(&report, "system_accuracy"), "comparison.lower").is_null());
    let names: Vec<String> = sandbox.files("reports").into_keys().collect();
    let made = [
        "baseline.json",
        "check.json",
        "check.junit.xml",
        "check.md",
        "report.html",
        "report.md",
    ];
    assert_eq!(names, made);
}

#[test]
fn a_second_run_gives_the_same_bytes_whatever_the_threads() {
    let sandbox = with_baseline();
    let baseline = sandbox.read("reports/baseline.json");
    sandbox
        .run(CHECK.into_iter().chain(["--update-baseline", "--threads", "1"]))
        .ok();
    assert_eq!(sandbox.read("reports/baseline.json"), baseline);
    let run = |threads| {
        let arguments = [
            "--threshold",
            "0.3",
            "--gate",
            "recall",
            "--gate",
            "selective_accuracy",
            "--threads",
            threads,
        ];
        let run = check(&sandbox, arguments.into_iter().chain(["--format", "json"]));
        assert_eq!(run.stdout, sandbox.read("reports/check.json"));
        sandbox.files("reports")
    };
    assert_eq!(run("1"), run("3"));
}

#[test]
fn a_baseline_holds_no_prompt() {
    let sandbox = with_baseline();
    let text = sandbox.read("reports/baseline.json");
    for [prompt, ..] in prompts() {
        assert!(!text.contains(&prompt), "{prompt}");
    }
    assert_eq!(text.lines().filter(|l| l.starts_with("    {\"prompt\":")).count(), 30);
}

#[test]
fn a_router_that_accepts_everything_regresses() {
    let sandbox = Sandbox::with_routes();
    sandbox.write("prompts.csv", csv_of(&many(12)));
    set_threshold(&sandbox, 0.2);
    check(&sandbox, ["--update-baseline"]).ok();
    set_threshold(&sandbox, -1.0);
    let run = check(&sandbox, []);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(
        run.stderr.contains("error: not passed: ") && run.stderr.contains("hint: "),
        "{}",
        run.stderr
    );
    let report = sandbox.read_json("reports/check.json");
    let gate = gate(&report, "false_accept_rate");
    assert_eq!(gate["verdict"], "regressed");
    let comparison = &gate["comparison"];
    assert!(number(comparison, "difference") > 0.0 && number(comparison, "lower") > 0.0);
    assert!(number(comparison, "p_adjusted") >= number(comparison, "p"));
    let flips = report["flips"]["listed"].as_array().unwrap();
    assert_eq!(flips[0]["kind"], "lost");
    let ranks: Vec<usize> = flips
        .iter()
        .map(|f| ["lost", "neutral", "won"].iter().position(|k| f["kind"] == *k).unwrap())
        .collect();
    assert!(ranks.is_sorted(), "lost ones first");
    let lost = flips.iter().filter(|f| f["kind"] == "lost");
    let scores: Vec<f64> = lost.map(|f| number(f, "after.score")).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "the more confident first");
    for flip in flips {
        assert_ne!(flip["before"]["decision"], flip["after"]["decision"]);
    }
}

#[test]
fn too_few_prompts_are_inconclusive_and_the_flag_says_what_that_means() {
    let sandbox = with_baseline();
    for (flag, code) in [("exit-4", 4), ("pass", 0), ("fail", 1)] {
        let run = check(&sandbox, ["--threshold", "0.201", "--inconclusive", flag]);
        assert_eq!(run.code, code, "{flag}: {}", run.stderr);
        let report = sandbox.read_json("reports/check.json");
        assert_eq!(
            (&report["verdict"], &report["exit_code"]),
            (&json!("inconclusive"), &json!(code))
        );
        assert!(number(gate(&report, "system_accuracy"), "comparison.detectable") > 0.1);
    }
    insta::assert_snapshot!(check(&sandbox, ["--threshold", "0.25"]).stdout);
}

#[test]
fn limits_hold_whatever_the_baseline() {
    let sandbox = with_baseline();
    sandbox.write(
        "reports/gates.json",
        r#"{ "system_accuracy": { "min": 0.99 }, "coverage": { "max": 1 } }"#,
    );
    let run = check(&sandbox, []);
    assert_eq!(run.code, 1);
    let report = sandbox.read_json("reports/check.json");
    assert_eq!(gate(&report, "system_accuracy")["verdict"], "missed");
    assert!(
        gate(&report, "system_accuracy")["comparison"].is_null(),
        "only a limit was asked for"
    );
    assert_eq!(gate(&report, "coverage")["verdict"], "pass");
    assert_eq!(
        report["gates"].as_array().unwrap().len(),
        2,
        "the file replaces the default gates"
    );
    // A flag goes before the file.
    let report = document(&sandbox, ["--gate", "system_accuracy:min=0.1"]);
    assert_eq!(report["verdict"], "pass");
}

#[test]
fn a_figure_with_nothing_under_it_fails() {
    let sandbox = Sandbox::with_routes();
    let inside: Vec<Prompt> = prompts().into_iter().filter(|[_, label, _]| label != "none").collect();
    sandbox.write("prompts.csv", csv_of(&inside));
    check(&sandbox, ["--update-baseline"]).ok();
    let run = check(&sandbox, []);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(
        run.stdout
            .contains("false_accept_rate missed: no out-of-domain prompts"),
        "{}",
        run.stdout
    );
    assert_eq!(check(&sandbox, ["--gate", "false_accept_rate:max=0.1"]).code, 1);
    sandbox.write("reports/gates.json", r#"{ "system_accuracy": {} }"#);
    assert_eq!(check(&sandbox, []).code, 0);
}

#[test]
fn a_route_that_is_gone_misses_its_gate() {
    let sandbox = with_baseline();
    let mut fewer = routes();
    fewer["thresholds"] = json!({ "threshold": 0.2, "gap": 0.0 });
    fewer["routes"].as_object_mut().unwrap().shift_remove("factual");
    sandbox.write("routes.json", pretty(&fewer));
    let rest: Vec<Prompt> = prompts()
        .into_iter()
        .filter(|[_, label, _]| label != "factual")
        .collect();
    sandbox.write("prompts.csv", csv_of(&rest));
    let report = document(&sandbox, ["--gate", "recall.factual"]);
    assert_eq!(gate(&report, "recall.factual")["verdict"], "missed");
    assert_eq!(at(&report, "candidate.removed.n"), 8);
}

#[test]
fn prompts_that_came_or_went_or_changed_their_label_are_listed_and_left_out() {
    let sandbox = with_baseline();
    let mut changed = prompts();
    let test = |p: &Prompt| p[2] == "test";
    let first = changed.iter().position(test).unwrap();
    changed.remove(first);
    let next = changed.iter().position(test).unwrap();
    changed[next][1] = "none".into();
    // A copy says nothing new.
    let copy = changed[next + 1].clone();
    changed.extend((0..12).map(|i| [format!("a new prompt {i}"), "coding".into(), "test".into()]));
    changed.push(copy);
    sandbox.write("prompts.csv", csv_of(&changed));
    let run = check(&sandbox, []);
    let report = sandbox.read_json("reports/check.json");
    let of = |key: &str| at(&report, &format!("candidate.{key}")).clone();
    assert_eq!(
        (of("added")["n"].clone(), of("added")["first"].as_array().unwrap().len()),
        (json!(12), 10)
    );
    assert_eq!(
        (of("removed")["n"].clone(), of("relabelled")["n"].clone()),
        (json!(1), json!(1))
    );
    assert_eq!(of("relabelled")["first"][0]["label"], "none");
    assert_eq!(of("relabelled")["first"][0]["former_label"], "coding");
    assert!(of("removed")["first"][0]["prompt"].is_null());
    assert_eq!(of("paired"), 28);
    assert_eq!(
        of("rows").as_u64().unwrap(),
        of("prompts").as_u64().unwrap() + u64::from(changed.last().unwrap()[2] == "test")
    );
    for text in [
        "12 prompts added since the baseline, not compared",
        "… and 2 more",
        "coding to none",
    ] {
        assert!(run.stdout.contains(text), "{text}: {}", run.stdout);
    }
}

#[test]
fn another_encoder_comes_before_any_figure() {
    let sandbox = with_baseline();
    rewrite_baseline(&sandbox, |b| b["provenance"]["encoder"]["precision"] = json!("int8"));
    let run = check(&sandbox, []);
    assert_eq!(run.code, 1);
    insta::assert_snapshot!(format!("{}---\n{}", run.stdout, run.stderr));
    let report = sandbox.read_json("reports/check.json");
    assert_eq!(report["verdict"], "encoder_changed");
    assert!(report["candidate"].is_null() && report["gates"].as_array().unwrap().is_empty());
    let xml = quick_junit::Report::deserialize_from_str(&sandbox.read("reports/check.junit.xml")).unwrap();
    assert_eq!((xml.tests, xml.failures), (1, 1));
}

#[test]
fn golden_vectors_see_what_a_checksum_does_not() {
    let sandbox = with_baseline();
    rewrite_baseline(&sandbox, |b| {
        let other = b["golden"][1]["vector"].clone();
        b["golden"][0]["vector"] = other;
    });
    let run = check(&sandbox, ["--quiet"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr
            .contains("encoder changed, thresholds are not valid: its files are the same"),
        "{}",
        run.stderr
    );
    assert!(number(&sandbox.read_json("reports/check.json"), "encoder.golden_distance") > 0.1);
}

#[test]
fn junit_is_read_by_a_junit_parser() {
    let sandbox = with_baseline();
    check(
        &sandbox,
        [
            "--gate",
            "system_accuracy:min=1",
            "--gate",
            "coverage",
            "--threshold",
            "0.21",
        ],
    );
    let xml = sandbox.read("reports/check.junit.xml");
    let report = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (4, 3, 0), "{xml}");
    assert!(!xml.contains(" time=") && !xml.contains("timestamp"), "{xml}");
    check(&sandbox, ["--threshold", "0.21", "--inconclusive", "pass"]);
    let xml = sandbox.read("reports/check.junit.xml");
    let report = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!(report.failures, 0);
    assert!(xml.contains("<skipped message=\"inconclusive: "), "{xml}");
}

#[test]
fn a_ci_runner_gets_its_summary_and_its_annotations() {
    let sandbox = with_baseline();
    sandbox.write("summary.md", "before\n");
    let run = finish(
        sandbox
            .command()
            .args(CHECK)
            .args(["--gate", "system_accuracy:min=1", "--quiet"])
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", sandbox.path("summary.md")),
    );
    assert_eq!(run.code, 1);
    let line = "::error file=routes.json,title=routecal%3A system_accuracy missed::";
    assert!(run.stderr.lines().any(|l| l.starts_with(line)), "{}", run.stderr);
    assert!(!run.stdout.contains("::error"), "standard output is the answer");
    let summary = sandbox.read("summary.md");
    assert_eq!(summary, format!("before\n{}\n", sandbox.read("reports/check.md")));
    // Elsewhere only where asked.
    let plain = check(&sandbox, ["--gate", "system_accuracy:min=1"]);
    assert!(!plain.stderr.contains("::error"));
    let asked = check(&sandbox, ["--gate", "system_accuracy:min=1", "--annotations"]);
    assert!(asked.stderr.contains(line));
}

#[test]
fn a_summary_that_cannot_be_written_costs_nothing() {
    let sandbox = with_baseline();
    let run = finish(
        sandbox
            .command()
            .args(CHECK)
            .env("GITHUB_STEP_SUMMARY", sandbox.path("no/such/folder.md")),
    );
    assert_eq!(run.code, 0);
    assert!(
        run.stderr.contains("warning: cannot append to the job summary"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_markdown_is_this() {
    let sandbox = with_baseline();
    let mut changed = prompts();
    changed.push(["a | <b> @you `x`".into(), "none".into(), "test".into()]);
    sandbox.write("prompts.csv", csv_of(&changed));
    check(&sandbox, ["--threshold", "0.3"]);
    insta::assert_snapshot!(sandbox.read("reports/check.md"));
}

#[test]
fn a_baseline_of_all_rows_is_compared_with_all_rows() {
    let sandbox = Sandbox::with_data();
    check(
        &sandbox,
        ["--update-baseline", "--split", "all", "--baseline", "here/b.json"],
    )
    .ok();
    let report = document(&sandbox, ["--baseline", "here/b.json"]);
    assert_eq!(at(&report, "candidate.paired"), 60);
    let other = check(&sandbox, ["--baseline", "here/b.json", "--split", "test"]);
    assert_eq!(other.code, 0);
    assert_eq!(at(&sandbox.read_json("reports/check.json"), "candidate.paired"), 30);
}

#[test]
fn a_router_file_can_be_checked() {
    let sandbox = with_baseline();
    sandbox.run(["centroids"]).ok();
    check(&sandbox, ["--router", "reports/router.json"]).ok();
}

#[test]
fn bad_input_is_refused_and_says_what_to_do() {
    let sandbox = with_baseline();
    let good = sandbox.read("reports/baseline.json");
    let with = |text: &str| {
        sandbox.write("b.json", text);
        sandbox.refused(["check", "prompts.csv", "--baseline", "b.json"])
    };
    let mut all = vec![
        sandbox.refused(["check", "prompts.csv", "--baseline", "none.json"]),
        with(&good[..good.len() / 2]),
        with(&good.replacen("\"accepted\"", "\"low_score\"", 1)),
        with(&good.replacen("\"schema_version\": 1", "\"schema_version\": 9", 1)),
        with(&good.replacen("\"kind\": \"baseline\"", "\"kind\": \"router\"", 1)),
        with(&good.replacen("\"split\"", "\"spilt\"", 1)),
        with("{}"),
        with("prompt,label\n"),
    ];
    for (gates, name) in [
        (r#"{ "system_acuracy": {} }"#, "typo.json"),
        (r#"{ "recall.codin": {} }"#, "route.json"),
        (r#"{ "weather": {} }"#, "stranger.json"),
        (r#"{ "coverage": { "mim": 0.1 } }"#, "key.json"),
        (r#"{ "coverage": { "min": 70 } }"#, "range.json"),
        (r#"{ "coverage": { "min": 0.1 }"#, "cut.json"),
    ] {
        sandbox.write(name, gates);
        all.push(sandbox.refused(["check", "prompts.csv", "--gates", name]));
    }
    all.push(sandbox.refused(["check", "prompts.csv", "--gates", "none.json"]));
    all.push(sandbox.refused(["check", "prompts.csv", "--gate", "coverage:least=1"]));
    all.push(sandbox.refused(["check", "prompts.csv", "--margin", "2"]));
    all.push(sandbox.refused(["check", "prompts.csv", "--alpha", "0.5"]));
    all.push(sandbox.refused(["check", "prompts.csv", "--split", "calibration"]));
    sandbox.write("other.csv", "prompt,label,split\nhello there,none,test\n");
    all.push(sandbox.refused(["check", "other.csv"]));
    insta::assert_snapshot!(all.join("\n"));
}
