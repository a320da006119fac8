//! `routecal replay grade`: from the answers of a run to scores.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::calls::{self, Asked, Calls};
use crate::Error;
use crate::cli::args::{CallArgs, CollectArgs, GradeArgs, PromptsArgs};
use crate::cli::session::Session;
use crate::dataset::Dataset;
use crate::replay::collect::{CollectError, CollectSummary};
use crate::replay::graders::judge::Judge;
use crate::replay::graders::{GRADERS, Grader};
use crate::replay::grades::{self, GradeRecord, GradesError};
use crate::replay::import::{self, ImportFormat};
use crate::replay::judging::{JudgeRequest, Judging};
use crate::replay::ledger::{Cells, ManifestModel, PromptRecord, Run};
use crate::report::{self, GradesReport};
use crate::store;

/// How answers are graded.
enum Grading {
    Plain(Grader),
    Scores(PathBuf),
    Judge(Judge, String),
}

/// What is named on the command line, looked at before anything is collected: no money is spent on answers that cannot be
/// graded.
pub(super) fn check_judge(session: &Session, calls: &CallArgs, args: &GradeArgs) -> Result<(), Error> {
    if let Grading::Judge(_, model) = grading(args)? {
        let routes = session.routes()?;
        let judge = calls::spec(session, calls, &super::collect::targets(&routes), &model)?;
        if judge.price.is_none() {
            return Err(CollectError::NoPrice { models: vec![model] }.into());
        }
    }
    Ok(())
}

/// As [`check_judge`], of the right answers.
pub(super) fn check_references(args: &GradeArgs, prompts: &[PromptRecord]) -> Result<(), Error> {
    let grader = match grading(args)? {
        Grading::Plain(grader) if grader.needs_reference() => grader.to_string(),
        Grading::Judge(Judge::Single, _) => Judge::Single.name().to_owned(),
        _ => return Ok(()),
    };
    if prompts.iter().all(|p| p.reference.is_none()) {
        return Err(GradesError::NoReferences { grader }.into());
    }
    Ok(())
}

fn grading(args: &GradeArgs) -> Result<Grading, Error> {
    let Some(name) = &args.grader else {
        return Err(Error::usage(
            "no grader is named",
            format!("add --grader NAME, one of {GRADERS}, judge:single, judge:pair"),
        ));
    };
    let kind = match name.as_str() {
        "judge:single" => Some(Judge::Single),
        "judge:pair" => Some(Judge::Pair),
        _ => None,
    };
    let only_for = |flag: &str, given: bool, fits: bool, grader: &str| {
        if given && !fits {
            let message = format!("{flag} means nothing to the grader {name}");
            return Err(Error::usage(
                message,
                format!("leave it out, or take --grader {grader}"),
            ));
        }
        Ok(())
    };
    only_for("--judge", args.judge.is_some(), kind.is_some(), "judge:single")?;
    only_for(
        "--baseline",
        args.baseline.is_some(),
        kind == Some(Judge::Pair),
        "judge:pair",
    )?;
    only_for("--scores", args.scores.is_some(), name == "external", "external")?;
    if let Some(kind) = kind {
        args.audit.parse::<Grader>()?;
        let Some(judge) = &args.judge else {
            return Err(Error::usage(
                format!("{name} needs a model that judges"),
                "name it: --judge MODEL, one of the models file or of OpenAI",
            ));
        };
        if kind == Judge::Pair && args.baseline.is_none() {
            return Err(Error::usage(
                "judge:pair needs a model whose answers the others are compared with",
                "name it: --baseline MODEL",
            ));
        }
        return Ok(Grading::Judge(kind, judge.clone()));
    }
    match (name.parse::<Grader>()?, &args.scores) {
        (Grader::External, Some(file)) => Ok(Grading::Scores(file.clone())),
        (Grader::External, None) => Err(GradesError::External.into()),
        (grader, _) => Ok(Grading::Plain(grader)),
    }
}

/// The dataset of `collect`, for the stages in one.
pub(super) fn prompts_of(collect: &CollectArgs) -> PromptsArgs {
    PromptsArgs {
        dataset: Some(collect.dataset.clone()),
        data: collect.data.clone(),
    }
}

pub(super) fn run(
    session: &Session,
    folder: &Path,
    args: (&CallArgs, &GradeArgs),
    prompts: &PromptsArgs,
) -> Result<(), Error> {
    let Some((report, error)) = gather(session, folder, args, prompts)? else {
        return Ok(());
    };
    session
        .printer
        .answer(|| store::json(&report), || report::grades_text(&report))?;
    error.map_or(Ok(()), |error| Err(error.into()))
}

/// Grades, and says why a judge has not judged everything; nothing where only the cost of a judge was asked for.
pub(super) fn gather(
    session: &Session,
    folder: &Path,
    args: (&CallArgs, &GradeArgs),
    prompts: &PromptsArgs,
) -> Result<Option<(GradesReport, Option<CollectError>)>, Error> {
    let grading = grading(args.1)?;
    let run = Run::load(folder)?;
    let (graded, missing, judge) = match grading {
        Grading::Plain(grader) => (grades::grade_run(&run, &grader)?, 0, None),
        Grading::Scores(file) => {
            let scores = import::import(ImportFormat::Outcomes, &[file])?.matrix;
            let (graded, missing) = grades::grade_external(&run, &scores);
            (graded, missing, None)
        }
        Grading::Judge(kind, model) => {
            let texts = texts(session, &run, prompts)?;
            let Some((graded, missing, asked)) = judged(session, folder, args, (&run, &texts), (kind, &model))? else {
                return Ok(None);
            };
            (graded, missing, Some((model, asked)))
        }
    };
    grades::write(folder, &graded)?;
    let (judge, error) = judge.map_or((None, None), |(model, (asked, error))| (Some((model, asked)), error));
    let judge = judge.as_ref().map(|(model, asked)| (model.as_str(), asked.as_ref()));
    Ok(Some((grades::summary(&run, &graded, missing, judge), error)))
}

type Judged = (Vec<GradeRecord>, u64, (Box<CollectSummary>, Option<CollectError>));

/// Asks the judge what it has not been asked yet; nothing where only the cost was asked for.
fn judged(
    session: &Session,
    folder: &Path,
    (calls, args): (&CallArgs, &GradeArgs),
    (run, texts): (&Run, &HashMap<String, String>),
    (kind, model): (Judge, &str),
) -> Result<Option<Judged>, Error> {
    let known: Vec<String> = run.manifest.models.keys().cloned().collect();
    let judge = calls::spec(session, calls, &known, model)?;
    let own = |m: &ManifestModel| m.provider == judge.provider && m.model == judge.model;
    if run.manifest.models.values().any(own) {
        session.printer.warn(&format!(
            "{model} judges its own answers too: models favour themselves, so take another judge where you can"
        ));
    }
    let of_manifest = calls::of_manifest(&judge);
    let texts: HashMap<&str, &str> = texts.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    let request = JudgeRequest {
        kind,
        judge,
        baseline: args.baseline.as_deref(),
        twice: args.judge_twice as usize,
        seed: session.common.seed,
    };
    let judging = Judging::new(run, &texts, request)?;
    let (manifest, name) = judging.manifest(of_manifest);
    let place = folder.join(name);
    let of_judges = grades::judges_charged_usd(folder)?;
    let before = Cells::load(&place)?.charged_usd();
    let asked = Calls {
        folder: &place,
        manifest: &manifest,
        prompts: &[],
        plan: judging.plan().clone(),
        spent_elsewhere_usd: Cells::load(folder)?.charged_usd() + (of_judges - before).max(0.0),
    };
    let Asked::Answers(asked, error) = calls::ask(session, calls, asked)? else {
        return Ok(None);
    };
    let audit: Grader = args.audit.parse()?;
    let (graded, missing) = judging.grades(run, &Cells::load(&place)?, &audit);
    Ok(Some((graded, missing, (asked, error))))
}

/// The texts of a run's prompts by id: as the run keeps them, else from the dataset, held against the run's hashes.
fn texts(session: &Session, run: &Run, args: &PromptsArgs) -> Result<HashMap<String, String>, Error> {
    let kept: HashMap<String, String> = run
        .prompts
        .iter()
        .filter_map(|p| Some((p.prompt_id.clone(), p.prompt.clone()?)))
        .collect();
    if kept.len() == run.prompts.len() {
        return Ok(kept);
    }
    let file = args
        .dataset
        .clone()
        .unwrap_or_else(|| PathBuf::from(&run.manifest.source));
    let dataset = Dataset::load(&file, &args.data.options(session.common.seed, true))?;
    let by_hash: HashMap<String, &str> = dataset
        .rows
        .iter()
        .map(|row| (crate::assets::sha256_hex(row.prompt.as_bytes()), row.prompt.as_str()))
        .collect();
    Ok(run
        .prompts
        .iter()
        .filter_map(|p| {
            let text = by_hash.get(&p.prompt_sha256)?;
            Some((p.prompt_id.clone(), (*text).to_owned()))
        })
        .collect())
}
