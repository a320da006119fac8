//! The document of `replay grade`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::BoundsReport;
use crate::replay::graders::judge::Audit;

/// What the grader made of a run's answers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "routecal replay grade")]
pub struct GradesReport {
    /// Always `replay_grades`.
    pub kind: String,
    /// Schema version.
    pub schema_version: u64,
    /// Version of the program.
    pub tool_version: String,
    /// How the answers were graded; a judge with its model.
    pub grader: String,
    /// Answers with a line in grades.jsonl.
    pub answers: u64,
    /// Answers without one: a judge has not got to them, or a file of scores does not have them.
    pub without_grade: u64,
    /// Each model.
    pub models: Vec<GradedModel>,
    /// How far the judge can be trusted; null where none graded.
    pub judge: Option<JudgeReport>,
}

/// One model's answers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GradedModel {
    /// The model.
    pub model: String,
    /// Its answers by what became of them: `scored`, `unparsed`, `truncated`, `refused`, `empty`.
    pub outcomes: BTreeMap<String, u64>,
    /// Mean of its scores; null without one.
    pub quality: Option<f64>,
    /// The same if every answer without a score were worth 0, and if it were worth 1; null without answers.
    pub bounds: Option<BoundsReport>,
}

/// The judge.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JudgeReport {
    /// The model that judged.
    pub model: String,
    /// Questions it was asked.
    pub questions: u64,
    /// Of them, those it answered.
    pub answered: u64,
    /// Dollars that count as spent on it.
    pub charged_usd: f64,
    /// How far it can be trusted.
    pub audit: Audit,
}
