//! The grades of a run, counted by model.

use std::collections::BTreeMap;

use super::{GradeRecord, audit};
use crate::num::f64_from_u64;
use crate::replay::collect::CollectSummary;
use crate::replay::ledger::Run;
use crate::replay::matrix::Outcome;
use crate::report::{BoundsReport, GradedModel, GradesReport, JudgeReport, REPORT_VERSION};

/// Counts the grades of a run; `missing` answers have none. `judge` is the model that graded, with what it was asked.
pub fn summary(
    run: &Run,
    grades: &[GradeRecord],
    missing: u64,
    judge: Option<(&str, &CollectSummary)>,
) -> GradesReport {
    let grader = grades.iter().find_map(|g| g.grade.as_ref()).map(|g| g.grader.clone());
    GradesReport {
        kind: "replay_grades".into(),
        schema_version: REPORT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").into(),
        grader: grader.unwrap_or_else(|| "none".into()),
        answers: grades.len() as u64,
        without_grade: missing,
        models: run.manifest.models.keys().map(|name| model(name, grades)).collect(),
        judge: judge.zip(audit(grades)).map(|((model, asked), audit)| JudgeReport {
            model: model.to_owned(),
            questions: asked.total.cells,
            answered: asked.total.answered,
            charged_usd: asked.charged_usd,
            audit,
        }),
    }
}

fn model(name: &str, grades: &[GradeRecord]) -> GradedModel {
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    let (mut n, mut scored, mut sum) = (0, 0, 0.0);
    for grade in grades.iter().filter(|g| g.model == name) {
        *outcomes.entry(grade.outcome.name().to_owned()).or_default() += 1;
        n += 1;
        let score = grade.grade.as_ref().and_then(|g| g.score);
        if let Some(score) = score.filter(|_| grade.outcome == Outcome::Scored) {
            scored += 1;
            sum += score;
        }
    }
    let mean = |sum: f64, n: u64| (n > 0).then(|| sum / f64_from_u64(n));
    GradedModel {
        model: name.to_owned(),
        outcomes,
        quality: mean(sum, scored),
        bounds: mean(sum, n)
            .zip(mean(sum + f64_from_u64(n - scored), n))
            .map(|(lower, upper)| BoundsReport { lower, upper, n }),
    }
}
