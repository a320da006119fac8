//! `routecal replay analyse`: policies on the answers of a run or on recorded ones; asks nobody.

mod figure;
mod source;

use std::path::Path;

use self::source::Source;
use crate::Error;
use crate::cli::args::{AnalyseArgs, ImportArgs};
use crate::cli::commands::figures::Pictures;
use crate::cli::commands::report::write_report;
use crate::cli::session::Session;
use crate::dataset::CALIBRATION;
use crate::replay::analysis::{self, Input, Options};
use crate::report::{self, ReplayProvenance};
use crate::stats::Purpose;
use crate::stats::bootstrap::Settings;
use crate::store::{self, OutputFolder};

pub(super) fn run(
    session: &Session,
    run: &Path,
    args: &AnalyseArgs,
    imports: Option<&ImportArgs>,
) -> Result<(), Error> {
    check(args)?;
    let options = options(session, args);
    let mut out = OutputFolder::open(&session.common.out)?;
    let mut source = match imports.and_then(|imports| Some((imports, imports.import?))) {
        Some((imports, format)) => source::imported(session, args, (imports, format), &options)?,
        None => source::of_run(session, run, args)?,
    };
    for note in &source.notes {
        session.printer.warn(note);
    }
    let split = session.common.split.clone().unwrap_or_else(|| "all".into());
    source.keep_split(&split)?;
    if let Some(routing) = &mut source.routing {
        routing.usd_per_prompt = args.router_usd / 1000.0;
    }
    let provenance = provenance(session, &source, &options, split);
    let input = Input {
        matrix: &source.matrix,
        routing: source.routing.as_ref(),
        in_sample: source.in_sample(CALIBRATION),
        judge: source.judge.as_ref(),
    };
    let report = analysis::analyse(&input, &options, provenance)?;
    let complete = analysis::complete_of(&source.matrix, options.ungraded)?;
    let sweep = source.routing.as_ref().map_or_else(Vec::new, |routing| {
        analysis::sweep_rows(&complete, &routing.select(&complete.prompts), options.cost)
    });
    let document = store::json(&report);
    out.write("frontier.csv", report::frontier_csv(&report.policies, &sweep))?;
    if !args.no_plots {
        figure::draw(&report, &sweep, &mut Pictures::of(&document, &mut out))?;
    }
    out.write("replay.json", &document)?;
    write_report(session, &mut out)?;
    session.printer.answer(|| document, || report::replay_text(&report))?;
    session.note_written(&out);
    Ok(())
}

pub(super) fn check(args: &AnalyseArgs) -> Result<(), Error> {
    crate::cli::session::check_thresholds(&args.thresholds)?;
    if !(0.0..=1.0).contains(&args.random) {
        return Err(Error::usage(
            format!("--random {} is not within 0 and 1", args.random),
            "it is the share of prompts that go to the strong model: half of them is 0.5",
        ));
    }
    super::not_negative("--router-usd", args.router_usd)?;
    super::not_negative("--router-ms", args.router_ms)
}

fn options(session: &Session, args: &AnalyseArgs) -> Options {
    Options {
        cost: args.cost.into(),
        ungraded: args.ungraded.into(),
        weak: args.weak.clone(),
        strong: args.strong.clone(),
        random: args.random,
        router_ms: args.router_ms,
        bootstrap: Settings {
            resamples: args.resamples,
            seed: session.common.seed,
            purpose: Purpose::Bootstrap,
            ..Settings::default()
        },
    }
}

fn provenance(session: &Session, source: &Source, options: &Options, split: String) -> ReplayProvenance {
    ReplayProvenance {
        tool_version: env!("CARGO_PKG_VERSION").into(),
        source: source.name.clone(),
        sha256: source.sha256.clone(),
        grader: source.grader.clone(),
        router: source.router.clone(),
        router_sha256: source.router_sha256.clone(),
        split,
        cost: options.cost.name().into(),
        ungraded: options.ungraded.name().into(),
        seed: session.common.seed,
        resamples: options.bootstrap.resamples,
    }
}
