//! `--redact-prompts`: no text of a prompt or an example in anything that is written or printed.

use routecal::dataset::{Dataset, ReadOptions};
use routecal::report::redacted;

use crate::replay_kit::{COLLECT, Chat, answer, bench, both, run};
use crate::support::{Run, Sandbox, csv_of, pretty, prompts, routes};

/// A word of every example and every prompt, and of nothing else.
const CANARY: &str = "zqcanary";

/// What holds texts because that is what it is for: what the tests write themselves, and the routes that `improve` proposes.
const HOLDERS: [&str; 7] = [
    "routes.json",
    "routes.improved.json",
    "prompts.csv",
    "more.csv",
    "part.csv",
    "bad.csv",
    "log.csv",
];

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_routes();
    let mut routes = routes();
    for route in routes["routes"].as_object_mut().expect("routes").values_mut() {
        for example in route["examples"].as_array_mut().expect("examples") {
            *example = format!("{} {CANARY}", example.as_str().expect("a text")).into();
        }
    }
    sandbox.write("routes.json", pretty(&routes));
    let mut data = prompts();
    for prompt in &mut data {
        prompt[0] = format!("{CANARY} {}", prompt[0]);
    }
    // A copy under another label and a copy of an example: what `lint` and `eval` tell of, with their texts.
    let copied = data[40][0].clone();
    data[1][0] = copied;
    data[2][0] = format!("{CANARY} rust rust please");
    sandbox.write("prompts.csv", csv_of(&data));
    for prompt in &mut data {
        prompt[0] = format!("{} anew", prompt[0]);
    }
    sandbox.write("more.csv", csv_of(&data));
    sandbox.write("log.csv", csv_of(&data[..40]));
    data.extend(prompts().into_iter().take(30).map(|mut prompt| {
        prompt[0] = format!("{CANARY} {}", prompt[0]);
        prompt
    }));
    sandbox.write("part.csv", csv_of(&data));
    sandbox
}

/// Everything that a person or a program gets to see of a run.
fn seen(sandbox: &Sandbox, run: &Run) -> Vec<(String, Vec<u8>)> {
    let written = sandbox.tree().into_iter();
    written
        .filter(|(name, _)| !HOLDERS.contains(&name.trim_start_matches("work/")))
        .chain([
            ("standard output".to_owned(), run.stdout.clone().into_bytes()),
            ("standard error".to_owned(), run.stderr.clone().into_bytes()),
        ])
        .filter(|(_, bytes)| bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()))
        .collect()
}

#[track_caller]
fn shows_nothing(sandbox: &Sandbox, arguments: &str, code: i32) -> Run {
    let run = run(sandbox, &format!("{arguments} --redact-prompts"));
    assert_eq!(run.code, code, "{arguments}: {}\n{}", run.stdout, run.stderr);
    let shown = seen(sandbox, &run);
    let shown: Vec<_> = shown
        .iter()
        .map(|(name, bytes)| format!("{name}: {}", String::from_utf8_lossy(bytes)))
        .collect();
    assert!(shown.is_empty(), "{arguments} shows prompts:\n{}", shown.join("\n"));
    run
}

#[test]
fn results_that_hold_texts_are_rendered_without() {
    let sandbox = sandbox();
    let plain = run(&sandbox, "eval prompts.csv --resamples 0 --no-plots");
    assert!(!seen(&sandbox, &plain).is_empty(), "without the flag texts are shown");
    run(&sandbox, "check prompts.csv --update-baseline").ok();
    run(&sandbox, "check prompts.csv --threshold 0.9");
    run(&sandbox, "report --redact-prompts").ok();
    for page in ["reports/report.html", "reports/report.md"] {
        assert!(!sandbox.read(page).contains(CANARY), "{page}");
    }
}

#[test]
fn neither_is_it_in_an_error() {
    let sandbox = sandbox();
    sandbox.write(
        "bad.csv",
        format!("prompt,label\n{CANARY} one,codng\n\"{CANARY}\" two\",coding\n"),
    );
    shows_nothing(&sandbox, "eval bad.csv", 2);
    sandbox.write("bad.csv", format!("prompt,label\n{CANARY} one,coding,{CANARY}\n"));
    shows_nothing(&sandbox, "eval bad.csv", 2);
    sandbox.write("bad.csv", format!("prompt,label\n{CANARY}\0one,coding\n"));
    shows_nothing(&sandbox, "eval bad.csv", 2);
    shows_nothing(&sandbox, "eval bad.csv --input-format jsonl", 2);
}

#[test]
fn a_replay_keeps_hashes() {
    let chat = Chat::new(answer);
    let sandbox = bench(4);
    both(&sandbox, &chat.base_url(), "");
    let text = sandbox.read("p.csv");
    sandbox.write("p.csv", text.replace(" please", " please zqcanary"));
    let refused = run(&sandbox, &format!("{COLLECT} --store-prompts --redact-prompts"));
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("hint: leave one of them out"),
        "{}",
        refused.stderr
    );
    assert_eq!(chat.count(), 0);
    for command in [
        COLLECT,
        "replay grade --run run --grader contains",
        "replay analyse --run run --no-plots --resamples 10",
    ] {
        let run = run(&sandbox, &format!("{command} --redact-prompts")).ok();
        let shown: Vec<_> = seen(&sandbox, &run)
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| name != "work/p.csv")
            .collect();
        assert!(shown.is_empty(), "{command}: {shown:?}");
    }
    assert!(chat.bodies().iter().any(|body| body.to_string().contains(CANARY)));
}

mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn no_text_is_in_what_a_command_writes_or_prints() {
        let sandbox = sandbox();
        for format in ["text", "json"] {
            for (arguments, code) in [
                ("embed prompts.csv -o vectors.parquet", 0),
                ("classify zqcanary-once zqcanary-twice", 0),
                ("centroids", 2),
                ("eval prompts.csv --resamples 20", 0),
                ("calibrate prompts.csv --resamples 20 --per-route --write", 0),
                ("compare-encoders prompts.csv --resamples 20", 0),
                ("learn-curve prompts.csv", 0),
                ("improve prompts.csv", 4),
                ("check prompts.csv --update-baseline", 0),
                ("check prompts.csv --threshold 0.9 --annotations", 1),
                ("check more.csv", 2),
                ("check part.csv --threshold 0.9 --annotations --inconclusive fail", 1),
                (
                    "lint prompts.csv --unlabelled more.csv --sarif lint.sarif --annotations",
                    1,
                ),
                ("monitor log.csv --reference prompts.csv", 4),
                ("report", 0),
            ] {
                shows_nothing(&sandbox, &format!("{arguments} --format {format}"), code);
            }
        }
        // Compressed, so that a search of its bytes would find nothing whatever it held.
        let columns = ReadOptions::default();
        let vectors = Dataset::load(&sandbox.path("vectors.parquet"), &columns).expect("a dataset");
        assert_eq!(vectors.rows.len(), prompts().len());
        for row in &vectors.rows {
            assert!(row.prompt.starts_with("[redacted "), "{}", row.prompt);
        }
        // What holds a text still tells which: the name is made of the text alone.
        let mistakes = sandbox.read("reports/predictions.csv");
        let first = &Dataset::load(&sandbox.path("prompts.csv"), &columns)
            .expect("a dataset")
            .rows;
        assert!(first.iter().any(|row| mistakes.contains(&redacted(&row.prompt))));
    }
}
