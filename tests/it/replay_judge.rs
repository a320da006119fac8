//! Judges: what they are asked, what their words come to, how far they are trusted, and who pays them.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use crate::replay_kit::{
    ANSWER_USD, COLLECT, Chat, PRICE, answer, bench, completed, ends, keep_answers, model, pasted, prompt_of,
    resume_command,
};
use crate::support::{Sandbox, number};

const ANALYSE: &str = "replay analyse --run run --out out --no-plots --resamples 50 --format json";

/// A run of twelve prompts and two models, and a judge beside them.
pub(crate) fn judged_by(judge: &Chat) -> (Chat, Sandbox) {
    let chat = Chat::new(answer);
    let sandbox = bench(12);
    let models = ["big", "small"]
        .map(|name| model(name, &chat.base_url(), PRICE))
        .concat();
    let referee =
        model("referee", &judge.base_url(), PRICE).replace("max_completion_tokens = 16", "max_completion_tokens = 64");
    sandbox.write("models.toml", models + &referee);
    ends(0, &sandbox, COLLECT);
    (chat, sandbox)
}

fn says(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(completed(text, 20, 5))
}

/// Grades by outcome or score, for one model.
fn grades(sandbox: &Sandbox, model: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in sandbox.read("run/grades.jsonl").lines() {
        let grade: Value = serde_json::from_str(line).unwrap();
        if grade["model"] == model {
            let score = &grade["grade"]["score"];
            let key = if score.is_null() {
                grade["outcome"].as_str().unwrap().into()
            } else {
                score.to_string()
            };
            *counts.entry(key).or_default() += 1;
        }
    }
    counts
}

fn of<const N: usize>(list: [(&str, usize); N]) -> BTreeMap<String, usize> {
    list.into_iter().map(|(key, n)| (key.to_owned(), n)).collect()
}

/// Right is right, unless it is about number 5, of which the judge knows nothing, or 7, which it takes for half.
fn single(request: &Request) -> ResponseTemplate {
    let body: Value = request.body_json().unwrap();
    let asked = prompt_of(&body);
    says(match asked {
        _ if asked.contains("It is 5.") => "I would rather not say.",
        _ if asked.contains("It is 7.") => "In part.\nGRADE: P",
        _ if asked.contains("I do not know.") => "No.\nGRADE: I",
        _ => "Yes.\n**GRADE: C**",
    })
}

#[test]
fn a_judge_of_single_answers_is_asked_once_each_and_graded_itself() {
    let judge = Chat::new(single);
    let (chat, sandbox) = judged_by(&judge);
    let grade =
        "replay grade p.csv --run run --models models.toml --grader judge:single --judge referee --judge-twice 3";
    let graded = ends(0, &sandbox, &format!("{grade} --max-usd 1"));
    // "It is N." of both models is one question: 12, and 4 of "I do not know.", each with its own reference; 3 twice.
    assert_eq!((judge.count(), chat.count()), (19, 24));
    assert!(
        graded.stdout.contains("referee answered 19 of 19 questions for "),
        "{}",
        graded.stderr
    );
    assert_eq!(grades(&sandbox, "big"), of([("1.0", 10), ("0.5", 1), ("unparsed", 1)]));
    assert_eq!(
        grades(&sandbox, "small"),
        of([("1.0", 6), ("0.5", 1), ("0.0", 4), ("unparsed", 1)])
    );
    let report = ends(0, &sandbox, ANALYSE).json();
    let audit = &report["judge"];
    assert_eq!(
        (&audit["kind"], &audit["unparsed"]),
        (&json!("single"), &json!(2)),
        "{audit}"
    );
    assert_eq!(audit["disagreements"], 0);
    assert!(number(audit, "asked_twice") > 0.0);
    // The exact grader says 1 where the judge says half.
    assert_eq!(audit["compared"], 22);
    assert_eq!(audit["compared_with"], "contains:fold");
    assert_eq!(report["provenance"]["grader"], "judge:single@referee");
    // Unparsed is not wrong: the prompt is dropped, and that is said.
    assert_eq!(report["n"], 11);

    // Again, also without the network: nobody is asked, the same grades.
    let lines = sandbox.read("run/grades.jsonl");
    std::fs::remove_file(sandbox.path("run/grades.jsonl")).unwrap();
    ends(0, &sandbox, &format!("{grade} --offline"));
    assert_eq!(lines, sandbox.read("run/grades.jsonl"));
    assert_eq!(judge.count(), 19);
    // Another grader, and back.
    ends(0, &sandbox, "replay grade --run run --grader contains:fold");
    assert_eq!(grades(&sandbox, "small"), of([("1.0", 8), ("0.0", 4)]));
    ends(0, &sandbox, &format!("{grade} --max-usd 1"));
    assert_eq!((judge.count(), lines), (19, sandbox.read("run/grades.jsonl")));
}

/// The answer that knows is better, wherever it stands; of number 3 the judge takes whatever comes first; of 6 it says nothing.
fn pair(request: &Request) -> ResponseTemplate {
    let body: Value = request.body_json().unwrap();
    let asked = prompt_of(&body);
    let at = |text: &str| asked.find(text).unwrap_or(usize::MAX);
    let known_first = at("It is") < at("I do not know.");
    says(match asked {
        _ if asked.contains("number 3\n") => "VERDICT: A",
        _ if asked.contains("number 6\n") => "Hard to say.",
        _ if known_first => "The first knows.\nVERDICT: A",
        _ => "The second knows.\nVERDICT: B",
    })
}

#[test]
fn a_judge_of_pairs_sees_both_orders_and_its_disagreement_is_a_tie() {
    let judge = Chat::new(pair);
    let (_chat, sandbox) = judged_by(&judge);
    let grade = "replay grade p.csv --run run --models models.toml --grader judge:pair --judge referee";
    let refused = ends(2, &sandbox, &format!("{grade} --max-usd 1 --baseline bigg"));
    assert!(refused.stderr.contains("bigg"), "{}", refused.stderr);
    let refused = ends(2, &sandbox, &format!("{grade} --max-usd 1"));
    assert!(
        refused.stderr.contains("hint: name it: --baseline MODEL"),
        "{}",
        refused.stderr
    );
    assert_eq!(judge.count(), 0);
    ends(0, &sandbox, &format!("{grade} --max-usd 1 --baseline big"));
    // Where both say the same nobody is asked: four differ, in two orders.
    assert_eq!(judge.count(), 8);
    assert_eq!(grades(&sandbox, "big"), of([("0.5", 12)]));
    assert_eq!(grades(&sandbox, "small"), of([("0.5", 9), ("0.0", 2), ("unparsed", 1)]));
    let audit = &ends(0, &sandbox, ANALYSE).json()["judge"];
    assert_eq!(
        (&audit["asked_twice"], &audit["disagreements"], &audit["unparsed"]),
        (&json!(3), &json!(1), &json!(1))
    );
}

#[test]
fn a_judge_is_paid_from_the_budget_of_the_run_and_goes_on_where_it_stopped() {
    let judge = Chat::new(single);
    let (chat, sandbox) = judged_by(&judge);
    let grade =
        "replay grade p.csv --run run --models models.toml --grader judge:single --judge referee --judge-twice 0";
    // What the answers cost leaves nothing: not one question.
    let none = ends(5, &sandbox, &format!("{grade} --max-usd 0.00097"));
    assert!(
        none.stderr
            .contains("the budget of $0.00097 is used up ($0.000960 spent"),
        "{}",
        none.stderr
    );
    assert_eq!(judge.count(), 0);
    let dry = ends(0, &sandbox, &format!("{grade} --dry-run --format json")).json();
    let worst = number(&dry, "worst_usd") / 16.0;
    let room = (24.0 + 6.0) * ANSWER_USD + worst;
    let some = ends(5, &sandbox, &format!("{grade} --max-usd {room}"));
    let asked = judge.count();
    assert!((1..16).contains(&asked), "{asked}");
    assert!(some.stdout.contains(" without a grade"), "{}", some.stderr);
    // What is judged can be looked at, and counts against what is collected later.
    ends(0, &sandbox, ANALYSE);
    let complete = ends(0, &sandbox, &format!("{COLLECT} --dry-run --format json")).json();
    assert_eq!(complete["calls"], 0);
    let rest = pasted(&sandbox, resume_command(&some.stderr)).ok();
    assert!(
        rest.stdout.contains("referee answered 16 of 16 questions for "),
        "{}",
        rest.stderr
    );
    assert_eq!((judge.count(), chat.count()), (16, 24));
    assert_eq!(grades(&sandbox, "big"), of([("1.0", 10), ("0.5", 1), ("unparsed", 1)]));
    // A budget for answers knows what the judge has had: it leaves nothing for the two that are taken away here.
    keep_answers(&sandbox, 22);
    let spent = (22.0 + 16.0) * ANSWER_USD;
    let short = ends(
        5,
        &sandbox,
        &COLLECT.replace("--max-usd 1", &format!("--max-usd {spent}")),
    );
    assert!(short.stderr.contains("($0.001520 spent"), "{}", short.stderr);
    assert_eq!(chat.count(), 24);
}

#[test]
fn a_judge_that_is_not_there_is_an_error_of_its_own() {
    let judge = Chat::new(|_: &Request| ResponseTemplate::new(503).insert_header("retry-after", "0"));
    let (_chat, sandbox) = judged_by(&judge);
    let grade = "replay grade p.csv --run run --models models.toml --grader judge:single --attempts 2 --max-usd 1";
    let refused = ends(3, &sandbox, &format!("{grade} --judge referee"));
    assert!(
        refused.stderr.contains("error: no model answers: referee: status 503"),
        "{}",
        refused.stderr
    );
    assert_eq!(judge.count(), 2);
    let refused = ends(2, &sandbox, &format!("{grade} --judge refere"));
    assert!(
        refused.stderr.contains("hint: did you mean \"referee\"?"),
        "{}",
        refused.stderr
    );
    let refused = ends(2, &sandbox, grade);
    assert!(
        refused.stderr.contains("hint: name it: --judge MODEL"),
        "{}",
        refused.stderr
    );
    // Another grader of another kind needs no judge, and does not mind.
    ends(0, &sandbox, "replay grade --run run --grader contains");
}
