//! The grades of a run: one line an answer in `grades.jsonl`, made from the ledger alone.
//!
//! The file is derived: it can be deleted and made again, with the same grader or another one. A grade holds for one text
//! and one reference, whose hashes it carries; a grade of another text is no grade.

mod error;
mod run;
mod summary;

pub use error::GradesError;
pub use run::{matrix_of, routing_of};
pub use summary::summary;

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::graders::judge::{Audit, Judge};
use super::graders::{Answer, Grade, Grader};
use super::judging;
use super::ledger::{Cells, LedgerError, Record, Run};
use super::matrix::{Matrix, Outcome};
use super::seal;
use crate::assets::sha256_hex;
use crate::store;

/// Name of the file in a run's folder.
pub const FILE: &str = "grades.jsonl";
/// From 2 on a line has a checksum.
const VERSION: u32 = 2;

/// One line of `grades.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradeRecord {
    /// Version of the line.
    pub v: u32,
    /// The cell, as in the ledger.
    pub key: String,
    /// The prompt.
    pub prompt_id: String,
    /// The model.
    pub model: String,
    /// Which of several answers.
    pub sample: u32,
    /// Hash of the answer's text.
    pub response_sha256: String,
    /// Hash of the reference that it was held against.
    pub reference_sha256: Option<String>,
    /// `scored`, `unparsed`, `truncated`, `refused` or `empty`.
    pub outcome: Outcome,
    /// What the grader made of it; nothing for an answer that no grader looks at.
    pub grade: Option<Grade>,
    /// What is known of the judge where one graded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeDetail>,
}

/// A judge's grade in more detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeDetail {
    /// The kind of judging.
    pub kind: Judge,
    /// Hash of the prompt that the judge was given, before anything was filled in.
    pub prompt_sha256: String,
    /// Whether both orders of a pair said the same, or both gradings of an answer that was graded twice; nothing where there
    /// are no two verdicts.
    pub consistent: Option<bool>,
    /// What an exact grader says of the same answer: of a pair, whether it prefers it, nothing where it prefers neither.
    pub exact: Option<f64>,
    /// Which exact grader.
    pub exact_grader: Option<String>,
}

/// Grades every answer of a run. Failed calls have no line. O(answers).
///
/// # Errors
/// [`GradesError::NoReferences`] where the grader needs references and the run has none, [`GradesError::External`] for the
/// grader that only stands for recorded scores.
pub fn grade_run(run: &Run, grader: &Grader) -> Result<Vec<GradeRecord>, GradesError> {
    if matches!(grader, Grader::External) {
        return Err(GradesError::External);
    }
    let references = references(run);
    if grader.needs_reference() && references.is_empty() {
        return Err(GradesError::NoReferences {
            grader: grader.to_string(),
        });
    }
    Ok(answers(run)
        .into_iter()
        .map(|record| {
            let reference = references.get(record.prompt_id.as_str()).copied();
            let graded = classed(record).map_or_else(
                || grader.grade(record.content.as_deref().unwrap_or_default(), reference),
                |class| not_graded(class, grader.to_string(), grader.version()),
            );
            line(record, reference, graded, None)
        })
        .collect())
}

/// The class of an answer that no grader should look at.
pub(super) fn classed(record: &Record) -> Option<Outcome> {
    Answer {
        content: record.content.as_deref(),
        finish_reason: record.finish_reason.as_deref(),
        refusal: record.refusal.as_deref(),
    }
    .class()
}

/// The grade of an answer that no grader looks at.
pub(super) fn not_graded(class: Outcome, grader: String, version: u32) -> Grade {
    Grade {
        score: None,
        parsed: false,
        extracted: None,
        grader,
        version,
        reason: Some(format!("the answer is {}", class.name())),
    }
}

/// A line from an answer and its grade.
pub(super) fn line(record: &Record, reference: Option<&str>, grade: Grade, judge: Option<JudgeDetail>) -> GradeRecord {
    let outcome = classed(record).unwrap_or(if grade.score.is_some() {
        Outcome::Scored
    } else {
        Outcome::Unparsed
    });
    GradeRecord {
        v: VERSION,
        key: record.key.clone(),
        prompt_id: record.prompt_id.clone(),
        model: record.model.clone(),
        sample: record.sample,
        response_sha256: response_sha256(record),
        reference_sha256: reference.map(|r| sha256_hex(r.as_bytes())),
        outcome,
        grade: Some(grade),
        judge,
    }
}

/// Hash of an answer's text; of nothing where there is none.
pub(super) fn response_sha256(record: &Record) -> String {
    sha256_hex(record.content.as_deref().unwrap_or_default().as_bytes())
}

/// The references of a run by prompt.
pub(super) fn references(run: &Run) -> HashMap<&str, &str> {
    run.prompts
        .iter()
        .filter_map(|p| Some((p.prompt_id.as_str(), p.reference.as_deref()?)))
        .collect()
}

/// The outcome of every cell in the order in which cells were first asked; only answers.
pub(super) fn answers(run: &Run) -> Vec<&Record> {
    outcomes(run).into_iter().filter(|r| r.is_answer()).collect()
}

/// The outcome of every cell that was asked: its last answer, else its last failure.
pub(super) fn outcomes(run: &Run) -> Vec<&Record> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut found: Vec<&Record> = Vec::new();
    for record in &run.records {
        match places.get(record.key.as_str()) {
            Some(place) if record.is_answer() || !found[*place].is_answer() => found[*place] = record,
            Some(_) => {}
            None => {
                places.insert(&record.key, found.len());
                found.push(record);
            }
        }
    }
    found
}

/// Grades of one's own: of every answer that `scores` has a score for, by prompt, model and sample. Returns how many have none.
pub fn grade_external(run: &Run, scores: &Matrix) -> (Vec<GradeRecord>, u64) {
    let places: HashMap<&str, usize> = scores
        .prompts()
        .iter()
        .enumerate()
        .map(|(i, p)| (p.id.as_str(), i))
        .collect();
    let references = references(run);
    let mut grades = Vec::new();
    let mut missing = 0;
    for record in answers(run) {
        let cell = places
            .get(record.prompt_id.as_str())
            .zip(scores.model(&record.model))
            .and_then(|(prompt, model)| scores.cells(*prompt, model).get(record.sample as usize));
        let Some(score) = cell.and_then(|c| c.score) else {
            missing += 1;
            continue;
        };
        let grade = Grade {
            score: Some(score),
            parsed: true,
            extracted: None,
            grader: Grader::External.to_string(),
            version: Grader::External.version(),
            reason: None,
        };
        let reference = references.get(record.prompt_id.as_str()).copied();
        grades.push(line(record, reference, grade, None));
    }
    (grades, missing)
}

/// Dollars that the judges of the run in `folder` count as spent.
///
/// # Errors
/// [`LedgerError`]: unreadable, a line that is none.
pub fn judges_charged_usd(folder: &Path) -> Result<f64, LedgerError> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(0.0);
    };
    let mut judges: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|e| e.file_name().to_string_lossy().starts_with(judging::FOLDER))
        .map(|e| e.path())
        .collect();
    judges.sort();
    judges
        .into_iter()
        .map(|judge| Ok(Cells::load(&judge)?.charged_usd()))
        .sum()
}

/// Writes `grades.jsonl`, readable by its owner alone: it repeats parts of the answers.
///
/// # Errors
/// [`GradesError::Store`].
///
/// # Panics
/// Never: a grade is plain data, which serialises.
pub fn write(folder: &Path, grades: &[GradeRecord]) -> Result<(), GradesError> {
    let mut text = Vec::new();
    for grade in grades {
        text.extend(seal::line(grade).expect("plain data with string keys serialises"));
    }
    Ok(store::write_privately(&folder.join(FILE), &text)?)
}

/// Reads `grades.jsonl`; nothing where there is none yet.
///
/// # Errors
/// [`GradesError`]: unreadable, or a line that is no grade. The file is made again by grading.
pub fn read(folder: &Path) -> Result<Vec<GradeRecord>, GradesError> {
    let path = folder.join(FILE);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(GradesError::Read { path, source }),
    };
    let mut grades = Vec::new();
    for (line, text) in (1..).zip(text.split_inclusive(|byte| *byte == b'\n')) {
        let bad = |message: String| GradesError::Line {
            path: path.clone(),
            line,
            message,
        };
        let text = seal::unseal(text).map_err(|message| bad(message.into()))?;
        let grade: GradeRecord =
            serde_json::from_slice(&text).map_err(|e| bad(format!("not a grade (column {})", e.column())))?;
        if grade.v > VERSION {
            return Err(GradesError::Newer {
                path,
                found: grade.v,
                known: VERSION,
            });
        }
        grades.push(grade);
    }
    Ok(grades)
}

/// How far the judge behind some grades can be trusted; `None` where none graded.
pub fn audit(grades: &[GradeRecord]) -> Option<Audit> {
    let mut audit: Option<Audit> = None;
    for grade in grades {
        let (Some(detail), Some(own)) = (&grade.judge, &grade.grade) else {
            continue;
        };
        let audit = audit.get_or_insert_with(|| Audit::new(detail.kind));
        if audit.compared_with.is_none() {
            audit.compared_with.clone_from(&detail.exact_grader);
        }
        if let Some(consistent) = detail.consistent {
            audit.add_twice(consistent);
        }
        match (own.score, detail.exact) {
            (None, _) => audit.add_unparsed(),
            (Some(score), Some(exact)) => audit.add_comparison(score, exact),
            (Some(_), None) => {}
        }
    }
    audit
}

#[cfg(test)]
mod tests;
