//! `routecal replay grade`: from the answers of a run to scores.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::calls::{self, Asked, Calls};
use crate::Error;
use crate::cli::args::{CallArgs, CollectArgs, GradeArgs, PromptsArgs};
use crate::cli::session::Session;
use crate::dataset::Dataset;
use crate::replay::collect::{CollectError, CollectSummary};
use crate::replay::graders::judge::Judge;
use crate::replay::graders::{GRADERS, Grader};
use crate::replay::grades::{self, GradeRecord};
use crate::replay::import::{self, ImportFormat};
use crate::replay::judging::{JudgeRequest, Judging};
use crate::replay::ledger::{Cells, Run};

/// How answers are graded.
enum Grading {
    Plain(Grader),
    Scores(PathBuf),
    Judge(Judge, String),
}

/// What is named on the command line, looked at before anything is collected: no money is spent on answers that cannot be
/// graded.
pub(super) fn check(args: &GradeArgs) -> Result<(), Error> {
    grading(args).map(drop)
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
        (Grader::External, None) => Err(grades::GradesError::External.into()),
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
    gather(session, folder, args, prompts)?.map_or(Ok(()), |error| Err(error.into()))
}

/// Grades, and says why a judge has not judged everything.
pub(super) fn gather(
    session: &Session,
    folder: &Path,
    (calls, args): (&CallArgs, &GradeArgs),
    prompts: &PromptsArgs,
) -> Result<Option<CollectError>, Error> {
    let grading = grading(args)?;
    let run = Run::load(folder)?;
    let (graded, missing, error) = match grading {
        Grading::Plain(grader) => (grades::grade_run(&run, &grader)?, 0, None),
        Grading::Scores(file) => {
            let scores = import::import(ImportFormat::Outcomes, &[file])?.matrix;
            let (graded, missing) = grades::grade_external(&run, &scores);
            (graded, missing, None)
        }
        Grading::Judge(kind, model) => {
            let texts = texts(session, &run, prompts)?;
            match judged(session, folder, (calls, args), (&run, &texts), (kind, &model))? {
                Some(judged) => judged,
                None => return Ok(None),
            }
        }
    };
    grades::write(folder, &graded)?;
    session.printer.note(&summary(&graded, missing));
    Ok(error)
}

type Judged = (Vec<GradeRecord>, u64, Option<CollectError>);

/// Asks the judge what it has not been asked yet; nothing where only the cost was asked for.
fn judged(
    session: &Session,
    folder: &Path,
    (calls, args): (&CallArgs, &GradeArgs),
    (run, texts): (&Run, &HashMap<String, String>),
    (kind, model): (Judge, &str),
) -> Result<Option<Judged>, Error> {
    let known: Vec<String> = run.manifest.models.keys().cloned().collect();
    let specs = calls::specs(session, calls, &known, &[model.to_owned()])?;
    let Some(judge) = specs.into_iter().next() else {
        return Ok(None);
    };
    if run
        .manifest
        .models
        .values()
        .any(|m| m.provider == judge.provider && m.model == judge.model)
    {
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
    let own = Cells::load(&place)?.charged_usd();
    let asked = Calls {
        folder: &place,
        manifest: &manifest,
        prompts: &[],
        plan: judging.plan().clone(),
        spent_elsewhere_usd: run.cells().charged_usd() + (of_judges - own).max(0.0),
    };
    let Asked::Answers(asked, error) = calls::ask(session, calls, asked)? else {
        return Ok(None);
    };
    note_asked(session, model, &asked);
    let audit: Grader = args.audit.parse()?;
    let (graded, missing) = judging.grades(run, &Cells::load(&place)?, &audit);
    Ok(Some((graded, missing, error)))
}

fn note_asked(session: &Session, model: &str, asked: &CollectSummary) {
    session.printer.note(&format!(
        "{model} judged: {} of {} questions answered, {} spent",
        asked.total.answered,
        asked.total.cells,
        crate::report::usd(asked.charged_usd)
    ));
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

/// What came of it, by outcome.
fn summary(graded: &[GradeRecord], missing: u64) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for grade in graded {
        *counts.entry(grade.outcome.name()).or_default() += 1;
    }
    let mut counts: Vec<String> = counts.into_iter().map(|(name, n)| format!("{n} {name}")).collect();
    if missing > 0 {
        counts.push(format!("{missing} without a grade"));
    }
    let grader = graded.iter().find_map(|g| g.grade.as_ref()).map(|g| g.grader.as_str());
    format!(
        "graded {} answers with {}: {}",
        graded.len(),
        grader.unwrap_or("nothing"),
        counts.join(", ")
    )
}
