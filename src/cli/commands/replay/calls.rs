//! Whom the stages of replay ask, and how: from flags and files to what the library takes.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::Error;
use crate::cli::args::CallArgs;
use crate::cli::session::{Session, stop_requested};
use crate::encode::OPENAI_BASE_URL;
use crate::replay::collect::{self, CollectError, CollectOptions, CollectSummary, CommandLine};
use crate::replay::ledger::{ManifestModel, PromptRecord};
use crate::replay::models::{self, Defaults, ModelsError};
use crate::replay::plan::Plan;
use crate::replay::{ModelSpec, PriceTable, Via};
use crate::report;
use crate::store;

/// Where a run of calls is kept, and what is asked.
pub(super) struct Calls<'a, M> {
    pub(super) folder: &'a std::path::Path,
    pub(super) manifest: &'a M,
    pub(super) prompts: &'a [PromptRecord],
    pub(super) plan: Plan,
    /// Dollars that other parts of the run count as spent.
    pub(super) spent_elsewhere_usd: f64,
}

/// What became of them.
pub(super) enum Asked {
    /// It was only asked what they would cost, and that is printed.
    Dry,
    /// Answers, and why not all of them are there.
    Answers(Box<CollectSummary>, Option<CollectError>),
}

/// The models to ask: those of `wanted`, or where it is empty those of `routed`.
pub(super) fn specs(
    session: &Session,
    args: &CallArgs,
    routed: &[String],
    wanted: &[String],
) -> Result<Vec<ModelSpec>, Error> {
    let base_url = session.common.openai_base_url.as_deref();
    let defaults = Defaults {
        base_url: base_url
            .map_or(OPENAI_BASE_URL, |url| url.trim().trim_end_matches('/'))
            .to_owned(),
        max_completion_tokens: args.max_completion_tokens,
        concurrency: args.concurrency,
    };
    let file = args.models.as_deref().map(|path| models::load(path, &defaults));
    let file = file.transpose().map_err(CollectError::from)?;
    let prices = args.prices.as_deref().map(PriceTable::load).transpose();
    let prices = prices.map_err(|e| CollectError::from(ModelsError::from(e)))?;
    let specs =
        models::resolve(file.as_ref(), routed, wanted, prices.as_ref(), &defaults).map_err(CollectError::from)?;
    collect::check_addresses(&specs)?;
    Ok(specs)
}

/// The model of that name, of those that `known` names, the models file or OpenAI.
pub(super) fn spec(session: &Session, args: &CallArgs, known: &[String], name: &str) -> Result<ModelSpec, Error> {
    let mut specs = specs(session, args, known, &[name.to_owned()])?;
    // One name is wanted, and what is wanted is found or refused.
    Ok(specs.swap_remove(0))
}

/// Makes the calls that are open, or says what they would cost, or that they are all there.
pub(super) fn ask<M: Serialize>(session: &Session, args: &CallArgs, calls: Calls<'_, M>) -> Result<Asked, Error> {
    let Calls {
        folder,
        manifest,
        prompts,
        plan,
        spent_elsewhere_usd,
    } = calls;
    if args.dry_run {
        dry_run(session, args, (folder, &plan), Via::Sync)?;
        return Ok(Asked::Dry);
    }
    if session.offline() {
        return Ok(Asked::Answers(Box::new(collect::offline(folder, &plan)?), None));
    }
    let options = options(session, args, spent_elsewhere_usd);
    let progress = Arc::clone(&session.bars) as _;
    let (summary, error) = collect::collect(folder, (manifest, prompts), plan, &keys, options, progress)?;
    Ok(Asked::Answers(Box::new(summary), error))
}

/// Prints what the open calls would cost.
pub(super) fn dry_run(
    session: &Session,
    args: &CallArgs,
    (folder, plan): (&std::path::Path, &Plan),
    via: Via,
) -> Result<(), Error> {
    let dry = collect::dry_run(folder, plan, args.retry_unknown, via).map_err(CollectError::from)?;
    session
        .printer
        .answer(|| store::json(&dry), || report::dry_run_text(&dry))
}

pub(super) fn options(session: &Session, args: &CallArgs, spent_elsewhere_usd: f64) -> CollectOptions {
    CollectOptions {
        max_usd: args.max_usd,
        spent_elsewhere_usd,
        attempts: args.attempts,
        timeout: Duration::from_secs(args.timeout),
        max_retry_after: Duration::from_secs(args.max_retry_after),
        retry_unknown: args.retry_unknown,
        allow_http: args.allow_http,
        seed: session.common.seed,
        stop: stop_requested,
        resume: CommandLine(std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect()),
        ..CollectOptions::default()
    }
}

/// A key, from the environment.
pub(super) fn keys(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What a manifest says of a model.
pub(super) fn of_manifest(model: &ModelSpec) -> ManifestModel {
    ManifestModel {
        provider: model.provider.clone(),
        model: model.model.clone(),
        base_url: model.base_url.clone(),
        parameters: model.parameters.clone(),
        price: model.price.as_ref().map(|(price, _)| *price),
        price_id: model.price.as_ref().map(|(_, id)| id.clone()),
    }
}
