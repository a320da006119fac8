//! What stands in a prompt or a name acts nowhere: neither in a spreadsheet nor in a terminal. Of pages `report.rs` says the same.

use crate::support::{Sandbox, csv_of, pretty, prompts, routes};

/// What a spreadsheet would run.
const FORMULAS: [&str; 6] = [
    "=HYPERLINK(\"http://127.0.0.1/\"&A1)",
    "@SUM(1+1)",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "\t=1+1",
    " =1+1",
];

/// What would move the cursor, change colours, or turn the line around.
const ACTING: [char; 7] = ['\u{1b}', '\u{7}', '\u{8}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{7f}'];

#[test]
fn no_cell_of_a_table_is_a_formula() {
    let sandbox = Sandbox::with_routes();
    let text = pretty(&routes()).replace("\"creative\"", "\"=creative\"");
    sandbox.write("routes.json", text);
    let mut data = prompts();
    for (i, prompt) in data.iter_mut().enumerate() {
        prompt[0] = format!("{} {}", FORMULAS[i % FORMULAS.len()], prompt[0]);
        prompt[1] = prompt[1].replace("creative", "=creative");
    }
    sandbox.write("prompts.csv", csv_of(&data));
    sandbox
        .run([
            "calibrate",
            "prompts.csv",
            "--per-route",
            "--resamples",
            "0",
            "--no-plots",
        ])
        .ok();
    let flags = "--resamples 0 --no-plots --quiet --format json";
    let eval = |arguments: &str| {
        let arguments = format!("eval {arguments} {flags}");
        sandbox.run(arguments.split(' ')).ok().json()
    };
    let first = eval("prompts.csv");
    let mut looked_at = 0;
    for (name, bytes) in sandbox.files("reports") {
        if std::path::Path::new(&name)
            .extension()
            .is_none_or(|extension| extension != "csv")
        {
            continue;
        }
        for record in csv::Reader::from_reader(&bytes[..]).into_records() {
            for cell in &record.unwrap() {
                let acts = cell.trim_start().starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err();
                assert!(!acts, "{name}: {cell:?}");
                looked_at += usize::from(cell.starts_with('\''));
            }
        }
    }
    // The prompts at least, and the labels of a third of them.
    assert!(looked_at > data.len() / 2, "{looked_at}");

    // What was written is read back as what it was.
    let again = eval("--scored reports/predictions.csv --out again");
    for part in ["as_deployed", "confusion", "n", "in_domain"] {
        assert_eq!(again[part], first[part], "{part}");
    }
    sandbox.write("scores.csv", sandbox.read("reports/predictions.csv"));
    let monitored = sandbox.run("monitor scores.csv --reference reports/predictions.csv --split test".split(' '));
    assert!(monitored.code != 2, "{}", monitored.stderr);
}

#[test]
fn no_prompt_drives_the_terminal() {
    let sandbox = Sandbox::with_routes();
    let acting: String = ACTING.iter().collect();
    let mut data = prompts();
    for prompt in &mut data {
        prompt[0] = format!("{} {acting}[2J", prompt[0]);
    }
    sandbox.write("prompts.csv", csv_of(&data));
    let mut mislabelled = data.clone();
    mislabelled[3][1] = format!("codng{acting}[2J");
    sandbox.write("mislabelled.csv", csv_of(&mislabelled));
    let prompt = data[0][0].clone();
    for (arguments, quoted) in [
        (vec!["classify", prompt.as_str()], true),
        (vec!["classify", &prompt, "--format", "json"], true),
        (vec!["eval", "prompts.csv", "--resamples", "0", "--no-plots"], true),
        (
            vec![
                "eval",
                "prompts.csv",
                "--resamples",
                "0",
                "--no-plots",
                "--format",
                "json",
            ],
            true,
        ),
        (vec!["lint", "prompts.csv"], false),
        (vec!["eval", "mislabelled.csv"], true),
        (vec!["classify", "x", "--router", "\u{1b}[2J\u{202e}.json"], true),
    ] {
        let run = sandbox.run(arguments.iter().copied());
        let printed = format!("{}{}", run.stdout, run.stderr);
        for c in ACTING {
            assert!(!printed.contains(c), "{arguments:?}: {c:?} in {printed:?}");
        }
        assert!(
            !quoted || printed.contains("[2J"),
            "{arguments:?} quotes nothing: {printed}"
        );
    }
    // A document that is printed says the same as ever.
    let document = sandbox.run(["classify", &prompt, "--format", "json"]).ok().json();
    assert_eq!(document["prompts"][0]["prompt"], prompt.as_str());
}
