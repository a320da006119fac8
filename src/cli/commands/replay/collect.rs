//! `routecal replay collect`: ask every model every prompt.

use std::collections::HashSet;
use std::path::Path;

use super::calls::{self, Asked, Calls};
use crate::Error;
use crate::assets::sha256_hex;
use crate::cli::args::{CallArgs, CollectArgs};
use crate::cli::session::Session;
use crate::dataset::Dataset;
use crate::replay::Via;
use crate::replay::batch::{self, BatchStep};
use crate::replay::collect::CollectError;
use crate::replay::grades;
use crate::replay::ledger::{Manifest, PromptRecord};
use crate::replay::plan::{Plan, Question};
use crate::report;
use crate::routes::Routes;
use crate::store;

/// Column of right answers where none is named.
const REFERENCE: &str = "reference";

pub(super) fn run(session: &Session, folder: &Path, calls: &CallArgs, args: &CollectArgs) -> Result<(), Error> {
    let Asked::Answers(summary, error) = gather(session, folder, (calls, args), &|_| Ok(()))? else {
        return Ok(());
    };
    session
        .printer
        .answer(|| store::json(&summary), || report::collect_text(&summary))?;
    session.printer.note(&format!("the run is in {}", folder.display()));
    error.map_or(Ok(()), |error| Err(error.into()))
}

/// One step through the provider's Batch API.
pub(super) fn batch(
    session: &Session,
    folder: &Path,
    calls: &CallArgs,
    (args, step): (&CollectArgs, BatchStep),
) -> Result<(), Error> {
    if session.offline() && !calls.dry_run {
        return Err(CollectError::BatchOffline.into());
    }
    let (manifest, prompts, plan) = prepare(session, calls, args)?;
    if calls.dry_run {
        return calls::dry_run(session, calls, (folder, &plan), Via::Batch);
    }
    let spent_elsewhere_usd = grades::judges_charged_usd(folder).map_err(CollectError::from)?;
    let options = calls::options(session, calls, spent_elsewhere_usd);
    let (keys, progress) = (&calls::keys, &*session.bars);
    let (report, error) = batch::take(step, folder, (&manifest, &prompts), &plan, keys, &options, progress)?;
    session
        .printer
        .answer(|| store::json(&report), || report::batches_text(&report))?;
    if let Some(error) = error {
        return Err(error.into());
    }
    if report.answers.total.in_batch > 0 {
        let command = options.resume.with("--batch", "poll");
        session
            .printer
            .note(&format!("fetch the answers, within a day, with: {command}"));
    }
    Ok(())
}

/// As [`run`], without a word of what came of it. `look` sees the prompts before anybody is asked, and may refuse them.
pub(super) fn gather(
    session: &Session,
    folder: &Path,
    (calls, args): (&CallArgs, &CollectArgs),
    look: &dyn Fn(&[PromptRecord]) -> Result<(), Error>,
) -> Result<Asked, Error> {
    let (manifest, prompts, plan) = prepare(session, calls, args)?;
    look(&prompts)?;
    let calls_of = Calls {
        folder,
        manifest: &manifest,
        prompts: &prompts,
        plan,
        spent_elsewhere_usd: grades::judges_charged_usd(folder).map_err(CollectError::from)?,
    };
    calls::ask(session, calls, calls_of)
}

/// Models, prompts and their routes: what is asked, before anything is.
fn prepare(
    session: &Session,
    calls: &CallArgs,
    args: &CollectArgs,
) -> Result<(Manifest, Vec<PromptRecord>, Plan), Error> {
    let common = &session.common;
    if args.store_prompts && common.redact_prompts {
        return Err(Error::usage(
            "--store-prompts keeps what --redact-prompts leaves out",
            "leave one of them out; a judge finds the texts in the dataset",
        ));
    }
    // What is quickly wrong is found first: embedding may take minutes.
    let routes = session.plan(None)?;
    let specs = calls::specs(session, calls, &targets(routes.routes()), &args.only)?;
    let mut read = args.data.options(common.seed, true);
    read.columns.reference = Some(args.reference_column.clone().unwrap_or_else(|| REFERENCE.into()));
    read.columns.reference_required = args.reference_column.is_some();
    let dataset = Dataset::load(&args.dataset, &read)?;
    let dataset_sha256 = dataset.fingerprint();
    let split = common.split.clone().unwrap_or_else(|| "all".into());
    let mut rows = dataset.split(&split)?.rows;
    let count = rows.len();
    let mut seen = HashSet::new();
    rows.retain(|row| seen.insert(row.prompt.clone()));
    if rows.len() < count {
        session.printer.warn(&format!(
            "{} rows repeat a prompt: it is asked, and counts, once",
            count - rows.len()
        ));
    }
    if let Some(limit) = args.limit {
        rows.truncate(limit as usize);
    }
    let texts: Vec<&str> = rows.iter().map(|r| r.prompt.as_str()).collect();
    let (router, vectors) = session.build(routes, &texts)?;
    let by_route = router.routes.thresholds_by_route();
    let scores = router.score(&vectors)?;
    let (records, questions): (Vec<PromptRecord>, Vec<Question>) = crate::replay::prompts(
        &rows,
        &scores,
        (&router.routes, &by_route),
        args.samples,
        args.store_prompts,
    )
    .into_iter()
    .unzip();
    let manifest = Manifest {
        kind: Manifest::KIND.into(),
        schema_version: Manifest::VERSION,
        tool_version: env!("CARGO_PKG_VERSION").into(),
        source: dataset.source,
        dataset_sha256,
        split,
        routes_sha256: router.routes.fingerprint(),
        encoder: router.engine.encoder.identity().model.clone(),
        thresholds: router
            .routes
            .routes
            .iter()
            .zip(&by_route)
            .map(|(route, at)| (route.name.clone(), [at.threshold(), at.gap()]))
            .collect(),
        prompts: records.len() as u64,
        prompts_sha256: prompts_sha256(&records),
        samples: args.samples,
        seed: common.seed,
        models: specs.iter().map(|m| (m.name.clone(), calls::of_manifest(m))).collect(),
    };
    let plan = Plan::new(questions, specs, common.seed);
    Ok((manifest, records, plan))
}

/// The models that the routes send prompts to, each once.
pub(super) fn targets(routes: &Routes) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for target in routes.routes.iter().map(|r| &r.target).chain([&routes.fallback]) {
        if !names.contains(&target.model) {
            names.push(target.model.clone());
        }
    }
    names
}

/// Hash of what is kept of the prompts, their texts left out: whether they are stored changes no run.
fn prompts_sha256(records: &[PromptRecord]) -> String {
    let records: Vec<PromptRecord> = records
        .iter()
        .map(|record| PromptRecord {
            prompt: None,
            ..record.clone()
        })
        .collect();
    sha256_hex(store::json(&records).as_bytes())
}
