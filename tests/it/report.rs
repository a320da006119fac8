//! `report.html` and `report.md`: a function of the folder, whatever lies in it, and prompts that stay text. What a browser makes
//! of the page is tested by tests/browser.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{Sandbox, csv_of, pretty, prompts, routes};

fn ran<'a>(sandbox: &Sandbox, arguments: impl IntoIterator<Item = &'a str>) -> String {
    let arguments = arguments.into_iter().chain(["--resamples", "20"]);
    sandbox.run(arguments).ok().stderr
}

fn page(sandbox: &Sandbox) -> String {
    sandbox.read("reports/report.html")
}

#[test]
fn it_answers_first_and_then_shows_why() {
    let sandbox = Sandbox::with_data();
    ran(&sandbox, ["calibrate", "prompts.csv"]);
    ran(&sandbox, ["eval", "prompts.csv"]);
    let page = page(&sandbox);
    let mut place = 0;
    for part in [
        "<h1>Threshold ",
        "Recommended thresholds against today's",
        "What to do next",
        "id=\"figure-confusion\"",
        "id=\"figure-confidence\"",
        "id=\"figure-threshold\"",
        "id=\"figure-risk-coverage-chosen\"",
        "id=\"figure-threshold-gap\"",
        "id=\"by-route-figures\"",
        "id=\"mistakes-table\"",
        "id=\"provenance-table\"",
        "id=\"def-system-accuracy\"",
        "id=\"explorer\"",
    ] {
        let found = page[place..].find(part);
        place += found.unwrap_or_else(|| panic!("no {part} after byte {place}"));
    }
    // Every link stays within the page, and nothing is fetched.
    assert!(!page.contains("src=") && !page.contains("@import") && !page.contains("url("));
    let targets = page.match_indices("href=\"").map(|(i, _)| &page[i + 6..]);
    for target in targets {
        let target = &target[..target.find('"').unwrap()];
        assert!(page.contains(&format!("id=\"{}\"", &target[1..])), "{target}");
    }
}

#[test]
fn a_prompt_stays_text() {
    let mut data = prompts();
    for (i, prompt) in data.iter_mut().enumerate() {
        let _ = write!(
            prompt[0],
            " </script><script>evil({i})</script> | a\n<img src=x> {{{{ 7 * 7 }}}} `c` @me"
        );
    }
    let sandbox = Sandbox::with_routes();
    let text = pretty(&routes()).replace("\"creative\"", "\"<i>cre|ative</i>\"");
    sandbox.write("routes.json", text);
    for prompt in &mut data {
        prompt[1] = prompt[1].replace("creative", "<i>cre|ative</i>");
    }
    sandbox.write("prompts.csv", csv_of(&data));
    ran(&sandbox, ["calibrate", "prompts.csv", "--per-route"]);
    ran(&sandbox, ["eval", "prompts.csv"]);
    let page = page(&sandbox);
    assert!(page.contains("&lt;script&gt;evil("), "the prompts are there");
    for raw in ["<script>evil", "<img", "<i>cre"] {
        assert!(!page.contains(raw), "{raw}");
    }
    assert_eq!(page.matches("<script").count(), 2, "the data and the script");
    let markdown = sandbox.read("reports/report.md");
    for raw in ["<script", "<img", "<i>", "@me", "`c`"] {
        assert!(!markdown.contains(raw), "{raw}");
    }
    // Every line of a table has as many cells as its header.
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut columns = None;
    for line in markdown.lines() {
        if line.starts_with('|') {
            assert_eq!(bars(line), *columns.get_or_insert(bars(line)), "{line}");
        } else {
            columns = None;
        }
    }
}

#[test]
fn pictures_of_an_earlier_run_are_left_out() {
    let sandbox = Sandbox::with_data();
    ran(&sandbox, ["eval", "prompts.csv"]);
    assert!(page(&sandbox).contains("id=\"figure-confusion\""));
    let warned = ran(&sandbox, ["eval", "prompts.csv", "--no-plots", "--threshold", "0.1"]);
    assert!(
        warned.contains("the report leaves out plots/*.svg: drawn for other documents"),
        "{warned}"
    );
    let page = page(&sandbox);
    assert!(!page.contains("id=\"figure-confusion\"") && page.contains("*.svg is left out"));
}

#[test]
fn documents_that_do_not_belong_together_are_told_apart() {
    let sandbox = Sandbox::with_data();
    ran(&sandbox, ["calibrate", "prompts.csv", "--no-plots"]);
    let mut other = routes();
    other["routes"]["coding"]["examples"][0] = "another example".into();
    sandbox.write("routes.json", pretty(&other));
    ran(&sandbox, ["eval", "prompts.csv", "--no-plots"]);
    let warning = "calibration.json and eval.json do not belong together: they were made with another routes";
    assert!(page(&sandbox).contains(warning));
    assert!(sandbox.read("reports/report.md").contains("do not belong together"));
}

#[test]
fn what_cannot_be_used_is_left_out_and_named() {
    let sandbox = Sandbox::with_data();
    sandbox.write("reports/eval.json", "{}");
    sandbox.write("reports/replay.json", r#"{"kind": "replay", "schema_version": 99}"#);
    let warned = ran(&sandbox, ["calibrate", "prompts.csv", "--no-plots"]);
    for file in ["eval.json", "replay.json: its schema version is 99"] {
        assert!(warned.contains(&format!("the report leaves out {file}")), "{warned}");
    }
    // A table of another run would give the marker wrong numbers.
    let sweep = sandbox
        .read("reports/sweep.csv")
        .replacen(",0.000000,", ",0.000000,1", 1);
    sandbox.write("reports/sweep.csv", sweep);
    sandbox.run(["report"]).ok();
    let page = page(&sandbox);
    assert!(page.contains("sweep.csv is not of this calibration.json"));
    assert!(!page.contains("id=\"explorer\""));
}

#[test]
fn a_folder_without_results_is_refused() {
    let sandbox = Sandbox::with_data();
    let missing = sandbox.refused(["report", "nowhere"]);
    assert!(missing.starts_with("exit 2\nerror: cannot read nowhere"), "{missing}");
    sandbox.write("empty/eval.json", "[]");
    let empty = sandbox.refused(["report", "empty"]);
    assert!(
        empty.contains("no results in empty; eval.json: no document of routecal"),
        "{empty}"
    );
    assert!(empty.contains("hint: "), "{empty}");
}

#[test]
fn a_check_says_its_verdict_first() {
    let sandbox = Sandbox::with_data();
    sandbox.run(["check", "prompts.csv", "--update-baseline"]).ok();
    let run = sandbox.run(["check", "prompts.csv", "--threshold", "-1", "--gap", "0"]);
    let document: Value = sandbox.read_json("reports/check.json");
    assert_eq!(run.code, 1, "{document:#}");
    let page = page(&sandbox);
    assert!(page.contains("<h1>The router got worse in "), "the verdict");
    assert!(page.contains("id=\"flips-table\"") && page.contains("routecal check --update-baseline"));
    assert!(
        sandbox
            .read("reports/report.md")
            .starts_with("## routecal report\n\n**check: regressed.**")
    );
}

/// Most of half a second and more: `cargo test --test it -- --ignored slow::`.
mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn it_is_rendered_again_byte_for_byte() {
        let sandbox = Sandbox::with_data();
        ran(&sandbox, ["calibrate", "prompts.csv"]);
        ran(&sandbox, ["eval", "prompts.csv"]);
        let before = sandbox.files("reports");
        for file in ["report.html", "report.md"] {
            std::fs::remove_file(sandbox.path("reports").join(file)).unwrap();
        }
        let run = sandbox.run(["report"]).ok();
        assert_eq!(run.stdout, sandbox.read("reports/report.md"));
        assert!(before == sandbox.files("reports"));
        let named = sandbox.run(["report", "reports", "--format", "json"]).ok().json();
        assert_eq!(named["files"][0], "report.html");
        assert!(before == sandbox.files("reports"));
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn ten_thousand_long_prompts_make_a_page_under_three_megabytes() {
        let all: Vec<_> = (0..10_000)
            .map(|i| {
                let mut prompt = prompts()[i % 60].clone();
                let _ = write!(prompt[0], " number {i} {}", "and so on it goes ".repeat(60));
                prompt[2] = if i % 2 == 0 { "calibration" } else { "test" }.into();
                prompt
            })
            .collect();
        let sandbox = Sandbox::with_routes();
        sandbox.write("prompts.csv", csv_of(&all));
        for command in ["calibrate", "eval"] {
            sandbox.run([command, "prompts.csv", "--resamples", "0"]).ok();
        }
        let (html, markdown) = (page(&sandbox).len(), sandbox.read("reports/report.md").len());
        assert!(html < 3_000_000, "{html}");
        // What a comment on a pull request may hold.
        assert!(markdown < 65_536, "{markdown}");
    }
}
