use super::*;
use crate::replay::UsageSource;
use crate::replay::fixture::{record, run};
use crate::replay::ledger::Status;
use crate::replay::models::{Defaults, resolve};

const TEXTS: [(&str, &str); 2] = [("2", "What is 2 + 2?"), ("3", "What is 1 + 3?")];

fn judge() -> ModelSpec {
    let name = ["gpt-4.1".to_owned()];
    resolve(None, &name, &[], None, &Defaults::default())
        .unwrap()
        .swap_remove(0)
}

fn judging(run: &Run, kind: Judge, baseline: Option<&str>, twice: usize) -> Result<Judging, GradesError> {
    let request = JudgeRequest {
        kind,
        judge: judge(),
        baseline,
        twice,
        seed: 0,
    };
    Judging::new(run, &HashMap::from(TEXTS), request)
}

/// Answers every call of a judge as `reply` says to question text and sample.
fn replies(judging: &Judging, reply: impl Fn(&str, u32) -> Option<String>) -> Cells {
    let plan = judging.plan();
    let records: Vec<Record> = plan
        .calls
        .iter()
        .filter_map(|call| {
            let content = reply(&plan.questions[call.question].text, call.sample)?;
            Some(Record {
                key: call.key.clone(),
                status: Status::Ok,
                usage_source: UsageSource::None,
                ..record("q", "gpt-4.1", Some(&content))
            })
        })
        .collect();
    Cells::of(&records)
}

fn contains() -> Grader {
    "contains".parse().unwrap()
}

fn scores(grades: &[GradeRecord]) -> Vec<Option<f64>> {
    grades.iter().map(|g| g.grade.as_ref().and_then(|g| g.score)).collect()
}

#[test]
fn one_answer_is_graded_against_its_reference_and_some_of_them_twice() {
    let mut cut = record("3", "gpt-4o", Some("It is"));
    cut.finish_reason = Some("length".into());
    let run = run(vec![
        record("2", "big", Some("It is 4.")),
        record("3", "big", Some("It is 5.")),
        record("2", "gpt-4o", Some("It is 4.")),
        cut,
    ]);
    let judging = judging(&run, Judge::Single, None, 1).unwrap();
    // Two models that answer the same prompt alike are one question, and one of the two is asked twice.
    assert_eq!((judging.plan().questions.len(), judging.plan().calls.len()), (2, 3));
    let replies = replies(&judging, |question, sample| {
        let right = question.contains("It is 4.");
        Some(if right == (sample == 0) { "GRADE: C" } else { "GRADE: I" }.into())
    });
    let (grades, missing) = judging.grades(&run, &replies, &contains());
    assert_eq!(missing, 0);
    assert_eq!(scores(&grades), [Some(1.0), Some(0.0), Some(1.0), None]);
    assert_eq!(grades[3].outcome, crate::replay::matrix::Outcome::Truncated);
    let audit = crate::replay::grades::audit(&grades).unwrap();
    assert!(
        audit.disagreements == audit.asked_twice && audit.asked_twice > 0,
        "{audit:?}"
    );
    assert_eq!((audit.compared, audit.agreed, audit.unparsed), (3, 3, 0));
    assert_eq!(audit.compared_with.as_deref(), Some("contains"));
}

#[test]
fn a_pair_is_judged_in_both_orders_and_a_judge_that_likes_a_place_gets_ties() {
    let run = run(vec![
        record("2", "big", Some("It is 4.")),
        record("3", "big", Some("It is 4!")),
        record("2", "gpt-4o", Some("It is 5.")),
        record("3", "gpt-4o", Some("It is 4!")),
    ]);
    let judging = judging(&run, Judge::Pair, Some("gpt-4o"), 50).unwrap();
    // Only one pair differs.
    assert_eq!(judging.plan().calls.len(), 2);
    let first = |question: &str| question.find("It is 4.") < question.find("It is 5.");
    let fair = replies(&judging, |q, _| {
        Some(format!("VERDICT: {}", if first(q) { "A" } else { "B" }))
    });
    let (grades, _) = judging.grades(&run, &fair, &contains());
    assert_eq!(scores(&grades), [Some(1.0), Some(0.5), Some(0.5), Some(0.5)]);
    let audit = crate::replay::grades::audit(&grades).unwrap();
    assert_eq!(
        (audit.asked_twice, audit.disagreements, audit.compared, audit.agreed),
        (1, 0, 1, 1)
    );

    let placed = replies(&judging, |_, _| Some("VERDICT: A".into()));
    let (grades, _) = judging.grades(&run, &placed, &contains());
    assert_eq!(scores(&grades)[0], Some(0.5));
    let audit = crate::replay::grades::audit(&grades).unwrap();
    // A tie agrees with nothing.
    assert_eq!((audit.disagreements, audit.compared, audit.agreed), (1, 1, 0));
}

#[test]
fn what_the_judge_has_not_said_is_missing_and_what_cannot_be_read_is_unparsed() {
    let run = run(vec![record("2", "big", Some("four")), record("3", "big", Some("five"))]);
    let judging = judging(&run, Judge::Single, None, 0).unwrap();
    let half = replies(&judging, |q, _| {
        q.contains("four").then(|| "I would rather not say.".into())
    });
    let (grades, missing) = judging.grades(&run, &half, &contains());
    assert_eq!((grades.len(), missing), (1, 1));
    assert_eq!(grades[0].outcome, crate::replay::matrix::Outcome::Unparsed);
    assert_eq!(crate::replay::grades::audit(&grades).unwrap().unparsed, 1);
}

#[test]
fn what_cannot_be_judged_is_refused_before_anything_is_asked() {
    let mut run = run(vec![record("2", "big", Some("four"))]);
    let error = judging(&run, Judge::Pair, Some("large"), 0).unwrap_err();
    assert!(
        matches!(error, GradesError::NoBaseline { ref models, .. } if models == &["big"]),
        "{error}"
    );
    for prompt in &mut run.prompts {
        prompt.reference = None;
    }
    let error = judging(&run, Judge::Single, None, 0).unwrap_err();
    assert!(matches!(error, GradesError::NoReferences { .. }), "{error}");
    run.records.push(record("9", "big", Some("nine")));
    run.records.push(record("9", "gpt-4o", Some("ten")));
    let error = judging(&run, Judge::Pair, Some("big"), 0).unwrap_err();
    assert!(
        matches!(error, GradesError::NoText { ref prompt_id } if prompt_id == "9"),
        "{error}"
    );
}

#[test]
fn the_folder_is_named_after_what_decides_the_replies() {
    let run = run(vec![record("2", "big", Some("four"))]);
    let name = |judge: ModelSpec| {
        let of_manifest = ManifestModel {
            provider: judge.provider.clone(),
            model: judge.model.clone(),
            base_url: judge.base_url.clone(),
            parameters: judge.parameters.clone(),
            price: None,
            price_id: None,
        };
        let request = JudgeRequest {
            kind: Judge::Single,
            judge,
            baseline: None,
            twice: 0,
            seed: 0,
        };
        let judging = Judging::new(&run, &HashMap::from(TEXTS), request).unwrap();
        judging.manifest(of_manifest).1
    };
    let plain = name(judge());
    assert!(plain.starts_with("judge-single-gpt-4.1-"), "{plain}");
    let mut cooler = judge();
    cooler.parameters.insert("temperature".into(), 0.into());
    assert_ne!(name(cooler), plain);
    let mut odd = judge();
    odd.name = "../x/y z".into();
    assert!(name(odd).starts_with("judge-single-..-x-y-z-"));
}
