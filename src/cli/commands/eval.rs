//! `routecal eval`: evaluate the router on labelled prompts.

use crate::Error;
use crate::cli::args::EvalArgs;
use crate::cli::commands::figures::{self, Pictures};
use crate::cli::commands::report::write_report;
use crate::cli::commands::scored;
use crate::cli::session::{ScoredData, Session, Wanted, check_thresholds, thresholds};
use crate::dataset::{CALIBRATION, TEST};
use crate::evaluation::{self, Calibrated, Evaluated, Groups, Prepared, Scored};
use crate::report::{self, EvalReport, IntervalsReport, REPORT_VERSION, ThresholdsReport};
use crate::router::{Decision, decide};
use crate::store::{self, OutputFolder};

pub(in crate::cli) fn run(session: &Session, args: &EvalArgs) -> Result<(), Error> {
    check_thresholds(&args.thresholds)?;
    if let Some(file) = &args.scored.scored {
        return scored::eval(session, args, file);
    }
    let split = session.common.split.as_deref().unwrap_or(TEST);
    let mut out = OutputFolder::open(&session.common.out)?;
    let data = session.score(
        &args.dataset,
        &args.data,
        args.router.as_deref(),
        Wanted {
            required: &[split],
            optional: &[args.calibration_split.as_str()],
            worst_of: Some(split),
        },
    )?;
    let judged = data.part(split)?;
    let routes = &data.router.routes;
    let names = routes.names();
    let (global, by_route) = thresholds(routes, &args.thresholds)?;
    let scored = judged.scored();
    let confusion = scored.deployed_confusion(&by_route);
    let calibrated = calibrated(&data, args, split, scored);
    let prepared = Prepared::new(scored, &names, &by_route, calibrated);
    let (figures, intervals) = figures_of(session, args, &prepared, scored);
    let wrong = scored.worst();
    let vectors = data.vectors_of(&judged, &wrong);
    let mut report = EvalReport {
        kind: "evaluation".into(),
        schema_version: REPORT_VERSION,
        provenance: session.provenance(&data),
        intervals,
        split: split.into(),
        n: scored.n(),
        in_domain: scored.in_domain(),
        out_of_domain: scored.n() - scored.in_domain(),
        in_sample: judged.rows.iter().any(|row| row.split == CALIBRATION),
        thresholds: ThresholdsReport::new(global, &by_route, routes),
        forced_choice: figures.forced_choice,
        as_deployed: figures.as_deployed,
        detection: figures.detection,
        selective: figures.selective,
        reliability: figures.reliability,
        confusion: evaluation::confusion_report(&confusion, &names),
        confidence: scored.confidence(&names),
        mistakes: scored.mistakes(&wrong, &vectors, routes, &data.router.centroids, &by_route),
        leakage: scored.leakage(routes),
        scored: None,
    };
    session.redact(&mut report);
    let decisions: Vec<Decision> = judged.scores.rows().iter().map(|row| decide(row, &by_route)).collect();
    let document = store::json(&report);
    out.write(
        "predictions.csv",
        report::predictions_csv(&session.shown(&judged.rows), &names, &judged.scores, &decisions),
    )?;
    out.write("confusion.csv", report::confusion_csv(&report.confusion))?;
    if !args.no_plots {
        figures::of_evaluation(&report, scored, &names, &mut Pictures::of(&document, &mut out))?;
    }
    // The document last: who finds it finds everything it stands for.
    out.write("eval.json", &document)?;
    write_report(session, &mut out)?;
    session.printer.answer(|| document, || report::eval_text(&report))?;
    session.note_written(&out);
    // The process ends with the command: to give a million prompts back one by one takes half a second.
    drop(judged);
    std::mem::forget(data);
    Ok(())
}

/// All figures with their intervals, and how these were made.
fn figures_of(
    session: &Session,
    args: &EvalArgs,
    prepared: &Prepared<'_>,
    scored: Scored<'_>,
) -> (Evaluated, IntervalsReport) {
    let seed = session.common.seed;
    if args.intervals.too_many(scored.n()) {
        let groups = Groups::new(scored, seed);
        let figures = session
            .bars
            .counting(groups.count().into(), "intervals", "groups", |done| {
                prepared.evaluate_with_groups(&groups, done)
            });
        return (figures, IntervalsReport::of_groups(groups.count()));
    }
    let settings = args.intervals.settings(seed);
    let figures = session.bars.resampling(settings.resamples.into(), |done| {
        prepared.evaluate_with_intervals(&scored.design(), &settings, done)
    });
    (figures, IntervalsReport::new(settings.resamples))
}

/// The mapping is fitted on the calibration split; without one, on the rows themselves, and the report says so.
fn calibrated(data: &ScoredData, args: &EvalArgs, split: &str, judged: Scored<'_>) -> Calibrated {
    let method = args.reliability.method();
    let other = args.calibration_split.as_str();
    match data.part(other) {
        Ok(part) if split != other && split != "all" => Calibrated::new(method, part.scored(), other, judged, false),
        _ => Calibrated::new(method, judged, split, judged, true),
    }
}
