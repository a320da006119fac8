use super::*;
use crate::error::Hint as _;
use crate::replay::fixture::{ROUTES, record, routes, run};
use crate::routes::{Routes, Thresholds};

fn numeric() -> Grader {
    "numeric".parse().unwrap()
}

#[test]
fn a_run_becomes_a_matrix_with_every_class_of_answer() {
    let fallback = routes().fallback.model;
    let mut cut = record("3", &fallback, Some("it is 4"));
    cut.finish_reason = Some("length".into());
    let run = run(vec![
        record("2", "big", Some("it is 4")),
        record("2", &fallback, Some("it is 5")),
        record("3", "big", None),
        cut,
    ]);
    let grades = grade_run(&run, &numeric()).unwrap();
    let outcomes: Vec<Outcome> = grades.iter().map(|g| g.outcome).collect();
    assert_eq!(outcomes, [Outcome::Scored, Outcome::Scored, Outcome::Truncated]);
    let matrix = matrix_of(&run, &grades);
    assert_eq!(matrix.cells(0, 0)[0].score, Some(1.0));
    assert_eq!(matrix.cells(0, 1)[0].score, Some(0.0));
    assert_eq!(matrix.cells(0, 0)[0].cost_list_usd, Some(0.02));
    assert_eq!(matrix.cells(1, 0)[0].outcome, Outcome::Error);
    assert_eq!(
        (matrix.cells(1, 1)[0].outcome, matrix.cells(1, 1)[0].score),
        (Outcome::Truncated, None)
    );
    assert_eq!(audit(&grades), None);
}

#[test]
fn grading_again_changes_nothing_and_a_file_gives_back_what_was_written() {
    let run = run(vec![record("2", "big", Some("4")), record("3", "big", Some("none"))]);
    let grades = grade_run(&run, &numeric()).unwrap();
    assert_eq!(grade_run(&run, &numeric()).unwrap(), grades);
    let folder = tempfile::TempDir::new().unwrap();
    assert_eq!(read(folder.path()).unwrap(), []);
    write(folder.path(), &grades).unwrap();
    assert_eq!(read(folder.path()).unwrap(), grades);
    let bytes = std::fs::read(folder.path().join(FILE)).unwrap();
    write(folder.path(), &read(folder.path()).unwrap()).unwrap();
    assert_eq!(std::fs::read(folder.path().join(FILE)).unwrap(), bytes);
    std::fs::write(folder.path().join(FILE), "{\"v\": 1}\n").unwrap();
    let error = read(folder.path()).unwrap_err();
    assert!(
        error.to_string().ends_with("grades.jsonl:1: not a grade (column 8)"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("replay grade"));
}

#[test]
fn a_grade_of_another_text_or_reference_is_none() {
    let mut now = run(vec![record("2", "big", Some("4"))]);
    let grades = grade_run(&now, &numeric()).unwrap();
    assert_eq!(matrix_of(&now, &grades).cells(0, 0)[0].outcome, Outcome::Scored);
    now.prompts[0].reference = Some("5".into());
    assert_eq!(matrix_of(&now, &grades).cells(0, 0)[0].outcome, Outcome::Ungraded);
    let other = run(vec![record("2", "big", Some("44"))]);
    assert_eq!(matrix_of(&other, &grades).cells(0, 0)[0].outcome, Outcome::Ungraded);
}

#[test]
fn the_last_answer_of_a_cell_counts_and_no_later_failure() {
    let mut again = record("2", "big", Some("4"));
    again.attempt = 2;
    let mut failed = record("2", "big", None);
    failed.attempt = 3;
    let run = run(vec![record("2", "big", Some("5")), again, failed]);
    let grades = grade_run(&run, &numeric()).unwrap();
    assert_eq!(grades.len(), 1);
    assert_eq!(matrix_of(&run, &grades).cells(0, 0)[0].score, Some(1.0));
}

#[test]
fn references_that_are_missing_are_told_before_anything_is_graded() {
    let mut run = run(vec![record("2", "big", Some("4"))]);
    for prompt in &mut run.prompts {
        prompt.reference = None;
    }
    let error = grade_run(&run, &numeric()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the grader numeric needs references, and the run has none"
    );
    assert!(grade_run(&run, &"regex:4".parse().unwrap()).is_ok());
    assert!(matches!(grade_run(&run, &Grader::External), Err(GradesError::External)));
}

#[test]
fn a_run_is_routed_as_it_was_under_the_thresholds_of_now() {
    let run = run(Vec::new());
    let (matrix, routes) = (matrix_of(&run, &[]), routes());
    let at = Thresholds::new(0.5, 0.0).unwrap();
    let routing = routing_of(&run, &matrix, (&routes, "routes.json"), &[at], 0.0).unwrap();
    assert_eq!(routing.routes(), [Some("coding"), None]);
    assert_eq!(routing.fallback, 1);

    let other = Routes::parse(&ROUTES.replace("\"a\"", "\"z\""), Path::new("routes.json"))
        .unwrap()
        .0;
    let error = routing_of(&run, &matrix, (&other, "routes.json"), &[at], 0.0).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the run was made with other routes than routes.json"),
        "{error}"
    );
}
