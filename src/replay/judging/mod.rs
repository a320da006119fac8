//! A judge's questions about the answers of a run, and what its replies come to.
//!
//! The questions are a run of their own, in a folder inside the run's, with the same ledger, budget and retries; so a grade
//! can be made again at any time without a call, and a judge that is stopped goes on where it was. A question of the same
//! text is asked once, whoever answered so.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Serialize;

use super::ModelSpec;
use super::graders::judge::{Judge, grade_pair, pair_prompt, read_single, single_prompt};
use super::graders::{Grade, Grader};
use super::grades::{GradeRecord, GradesError, JudgeDetail, answers, classed, line, not_graded, references};
use super::ledger::{Cells, Manifest, ManifestModel, Record, Run};
use super::models::canonical;
use super::plan::{Plan, Question};
use crate::assets::sha256_hex;

/// What a judge's folder is named after.
pub(crate) const FOLDER: &str = "judge-";

/// What is asked of whom.
#[derive(Debug, Clone)]
pub struct JudgeRequest<'a> {
    /// One answer against a reference, or two answers against each other.
    pub kind: Judge,
    /// The model that judges.
    pub judge: ModelSpec,
    /// For pairs: the model whose answers the others are compared with.
    pub baseline: Option<&'a str>,
    /// For single answers: how many of them are graded twice.
    pub twice: usize,
    /// Seed of the order of the questions.
    pub seed: u64,
}

/// What the run of a judge is; see [`Manifest`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JudgeManifest {
    /// `replay_judge`.
    pub kind: &'static str,
    /// Version of this document.
    pub schema_version: u32,
    /// Version of the program that started it.
    pub tool_version: &'static str,
    /// `judge:single` or `judge:pair`.
    pub grader: &'static str,
    /// Hash of the prompt that the judge is given, before anything is filled in.
    pub prompt_sha256: String,
    /// The model that judges.
    pub judge: ManifestModel,
}

/// The questions about a run, and which answer each belongs to.
#[derive(Debug, Clone)]
pub struct Judging {
    kind: Judge,
    model: String,
    baseline: Option<String>,
    plan: Plan,
    matters: Vec<Matter>,
    /// Key of a call in the judge's ledger by question and sample.
    keys: HashMap<(usize, u32), String>,
}

/// One answer that is to be graded.
#[derive(Debug, Clone)]
struct Matter {
    /// Its cell.
    key: String,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    /// Not to be asked: this is its grade.
    Known(Option<f64>, &'static str),
    /// The question; of a pair, those of both orders.
    Single(usize),
    Pair(usize, usize),
}

impl Judging {
    /// The questions about every gradable answer of a run. `texts` holds the prompts' texts by id.
    ///
    /// # Errors
    /// [`GradesError`]: no references for single grades, no such baseline, a prompt without a text.
    pub fn new(run: &Run, texts: &HashMap<&str, &str>, request: JudgeRequest<'_>) -> Result<Self, GradesError> {
        let references = references(run);
        if request.kind == Judge::Single && references.is_empty() {
            return Err(GradesError::NoReferences {
                grader: request.kind.name().into(),
            });
        }
        let answers = answers(run);
        let baseline = request.baseline.unwrap_or_default();
        let others = others(&answers, request.kind, baseline)?;
        let mut questions = Questions::default();
        let mut matters = Vec::with_capacity(answers.len());
        for record in &answers {
            let id = record.prompt_id.as_str();
            let text = || {
                let text = texts.get(id).copied();
                text.ok_or_else(|| GradesError::NoText { prompt_id: id.into() })
            };
            let answer = record.content.as_deref().unwrap_or_default();
            let state = if classed(record).is_some() {
                State::Known(None, "")
            } else if request.kind == Judge::Single {
                match references.get(id) {
                    None => State::Known(None, "there is no reference"),
                    Some(reference) => State::Single(questions.add(single_prompt(text()?, reference, answer))),
                }
            } else if record.model == baseline {
                State::Known(Some(0.5), "this is the baseline itself")
            } else {
                match others.get(&(id, record.sample)) {
                    None => State::Known(None, "the baseline has no answer to compare with"),
                    Some(other) if *other == answer => State::Known(Some(0.5), "the baseline says the same"),
                    Some(other) => State::Pair(
                        questions.add(pair_prompt(text()?, answer, other)),
                        questions.add(pair_prompt(text()?, other, answer)),
                    ),
                }
            };
            matters.push(Matter {
                key: record.key.clone(),
                state,
            });
        }
        if request.kind == Judge::Single {
            questions.ask_twice(request.twice);
        }
        let model = request.judge.name.clone();
        let plan = Plan::new(questions.list, vec![request.judge], request.seed);
        let keys = plan
            .calls
            .iter()
            .map(|call| ((call.question, call.sample), call.key.clone()))
            .collect();
        Ok(Self {
            kind: request.kind,
            model,
            baseline: request.baseline.map(str::to_owned),
            plan,
            matters,
            keys,
        })
    }

    /// The calls to the judge.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the judge's run is, and the name of its folder within the run's.
    pub fn manifest(&self, judge: ManifestModel) -> (JudgeManifest, String) {
        let manifest = JudgeManifest {
            kind: "replay_judge",
            schema_version: Manifest::VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            grader: self.kind.name(),
            prompt_sha256: self.kind.prompt_sha256(),
            judge,
        };
        let what = serde_json::json!([
            manifest.grader,
            manifest.prompt_sha256,
            self.model,
            manifest.judge.provider,
            manifest.judge.model,
            manifest.judge.parameters
        ]);
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let name = format!(
            "{FOLDER}{}-{}-{}",
            self.kind.name().trim_start_matches("judge:"),
            self.model.chars().map(safe).collect::<String>(),
            &sha256_hex(canonical(&what).as_bytes())[..8]
        );
        (manifest, name)
    }

    /// The grades that the judge's replies come to, those of `run`'s answers that it has not judged left out, and how many
    /// those are. `audit` is the grader that the judge is held against.
    pub fn grades(&self, run: &Run, replies: &Cells, audit: &Grader) -> (Vec<GradeRecord>, u64) {
        let references = references(run);
        let answers = answers(run);
        let others: HashMap<(&str, u32), Vec<&Record>> = answers.iter().fold(HashMap::new(), |mut map, record| {
            map.entry((record.prompt_id.as_str(), record.sample))
                .or_insert_with(Vec::new)
                .push(record);
            map
        });
        let mut grades = Vec::with_capacity(answers.len());
        let mut missing = 0;
        for (record, matter) in answers.iter().zip(&self.matters) {
            debug_assert_eq!(record.key, matter.key);
            let reference = references.get(record.prompt_id.as_str()).copied();
            let exact = |record: &Record| {
                audit
                    .grade(record.content.as_deref().unwrap_or_default(), reference)
                    .score
            };
            let (grade, detail) = match &matter.state {
                State::Known(score, reason) => (self.known(record, *score, reason), None),
                State::Single(question) => {
                    let Some(reply) = self.reply(replies, *question, 0) else {
                        missing += 1;
                        continue;
                    };
                    let grade = read_single(&reply, &self.model);
                    let again = self.reply(replies, *question, 1);
                    let again = again.and_then(|reply| read_single(&reply, &self.model).score);
                    let consistent = grade.score.zip(again).map(|(a, b)| (a - b).abs() < f64::EPSILON);
                    (grade, Some(self.detail(consistent, exact(record), audit, &references)))
                }
                State::Pair(first, second) => {
                    let replies = self.reply(replies, *first, 0).zip(self.reply(replies, *second, 0));
                    let Some((first, second)) = replies else {
                        missing += 1;
                        continue;
                    };
                    let (grade, result) = grade_pair(&first, &second, &self.model);
                    let same_prompt = &others[&(record.prompt_id.as_str(), record.sample)];
                    let other = same_prompt.iter().find(|r| self.baseline.as_ref() == Some(&r.model));
                    let preferred = exact(record)
                        .zip(other.and_then(|other| exact(other)))
                        .filter(|(own, other)| (own - other).abs() > f64::EPSILON)
                        .map(|(own, other)| f64::from(u8::from(own > other)));
                    let detail = self.detail(result.map(|r| r.consistent), preferred, audit, &references);
                    (grade, Some(detail))
                }
            };
            grades.push(line(record, reference, grade, detail));
        }
        (grades, missing)
    }

    fn known(&self, record: &Record, score: Option<f64>, reason: &str) -> Grade {
        let grader = format!("{}@{}", self.kind.name(), self.model);
        if let Some(class) = classed(record) {
            return not_graded(class, grader, self.kind.version());
        }
        Grade {
            score,
            parsed: score.is_some(),
            extracted: None,
            grader,
            version: self.kind.version(),
            reason: Some(reason.to_owned()),
        }
    }

    fn detail(
        &self,
        consistent: Option<bool>,
        exact: Option<f64>,
        audit: &Grader,
        references: &HashMap<&str, &str>,
    ) -> JudgeDetail {
        JudgeDetail {
            kind: self.kind,
            prompt_sha256: self.kind.prompt_sha256(),
            consistent,
            exact,
            exact_grader: (!references.is_empty()).then(|| audit.to_string()),
        }
    }

    fn reply(&self, replies: &Cells, question: usize, sample: u32) -> Option<String> {
        let record = replies.answer(self.keys.get(&(question, sample))?)?;
        Some(record.content.clone().unwrap_or_default())
    }
}

/// Questions, each once.
#[derive(Default)]
struct Questions {
    list: Vec<Question>,
    places: HashMap<String, usize>,
}

impl Questions {
    fn add(&mut self, text: String) -> usize {
        if let Some(place) = self.places.get(&text) {
            return *place;
        }
        let sha256 = sha256_hex(text.as_bytes());
        self.list.push(Question {
            id: sha256[..16].to_owned(),
            sha256,
            text: text.clone(),
            system_prompt: String::new(),
            samples: 1,
        });
        self.places.insert(text, self.list.len() - 1);
        self.list.len() - 1
    }

    /// Has `n` of them asked twice: those with the least hashes, which says nothing about them.
    fn ask_twice(&mut self, n: usize) {
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        order.sort_unstable_by(|a, b| self.list[*a].sha256.cmp(&self.list[*b].sha256));
        for place in order.into_iter().take(n) {
            self.list[place].samples = 2;
        }
    }
}

/// The baseline's gradable answers by prompt and sample; none for single grades.
fn others<'r>(
    answers: &[&'r Record],
    kind: Judge,
    baseline: &str,
) -> Result<HashMap<(&'r str, u32), &'r str>, GradesError> {
    if kind == Judge::Single {
        return Ok(HashMap::new());
    }
    let own: Vec<_> = answers.iter().filter(|r| r.model == baseline).collect();
    if own.is_empty() {
        let mut models: Vec<&str> = answers.iter().map(|r| r.model.as_str()).collect();
        models.sort_unstable();
        models.dedup();
        return Err(GradesError::NoBaseline {
            baseline: baseline.to_owned(),
            models: models.into_iter().map(str::to_owned).collect(),
        });
    }
    Ok(own
        .into_iter()
        .filter(|r| classed(r).is_none())
        .map(|r| {
            let answer = r.content.as_deref().unwrap_or_default();
            ((r.prompt_id.as_str(), r.sample), answer)
        })
        .collect())
}
