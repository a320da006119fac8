//! `eval --scored`, `calibrate --scored` and `merge`: files of any number of scored prompts, counted in one pass, whole or in parts.

use std::collections::BTreeMap;
use std::path::Path;

use super::calibrate::{goal_as_given, price_list, write_routes};
use super::report::write_report;
use crate::Error;
use crate::cli::args::{CalibrateArgs, EvalArgs, MergeArgs, ReliabilityMethod};
use crate::cli::session::{Session, thresholds};
use crate::dataset::{CALIBRATION, DatasetError, ScoredColumns, ScoredFile, Shard, TEST};
use crate::report::{self, PartialReport, REPORT_VERSION};
use crate::routes::{Routes, WriteThresholds};
use crate::scored::{self, CalibrateRequest, EvalRequest, Partial, Request, Setting};
use crate::store::{self, OutputFolder};

/// `eval --scored FILE`.
pub(super) fn eval(session: &Session, args: &EvalArgs, file: &Path) -> Result<(), Error> {
    no_encoder(session)?;
    if args.reliability == ReliabilityMethod::Temperature {
        return Err(Error::usage(
            "--reliability temperature needs the score of every route, which a scored file does not have",
            "leave it out, or give --reliability isotonic",
        ));
    }
    let routes = session.routes()?;
    let (global, by_route) = thresholds(&routes, &args.thresholds)?;
    let named = session.common.split.as_deref();
    let opened = open(file, args.data.scored(), named)?;
    // A file without splits is one.
    let split = named.unwrap_or(if opened.has_splits() { TEST } else { "all" });
    let other = args.calibration_split.as_str();
    let request = Request::Eval(EvalRequest {
        split: split.to_owned(),
        fitted_on: (opened.has_splits() && split != other && split != "all").then(|| other.to_owned()),
        reliability: args.reliability.method(),
    });
    let setting = Setting {
        routes: &routes,
        thresholds: (global, &by_route),
        seed: session.common.seed,
    };
    run(session, &opened, &setting, request, args.scored.shard, false)
}

/// `calibrate --scored FILE`.
pub(super) fn calibrate(session: &Session, args: &CalibrateArgs, file: &Path) -> Result<(), Error> {
    no_encoder(session)?;
    let needs_rows = [
        (args.per_route, "--per-route"),
        (args.certificate.certify, "--certify"),
        (args.certificate.max_joint_risk.is_some(), "--max-joint-risk"),
        (args.cross_validate.is_some(), "--cross-validate"),
    ];
    if let Some((_, flag)) = needs_rows.into_iter().find(|(given, _)| *given) {
        return Err(Error::usage(
            format!("{flag} needs every row at hand; a scored file is counted in one pass"),
            format!("leave {flag} out, or give the prompts instead of --scored"),
        ));
    }
    if args.write && args.scored.shard.is_some() {
        return Err(Error::usage(
            "--write has nothing to write before the parts are merged",
            "leave it out here, and give it to routecal merge",
        ));
    }
    let routes = session.routes()?;
    let split = session.common.split.as_deref().unwrap_or(CALIBRATION);
    let mut columns = args.data.scored();
    columns.split_required |= split != "all" || args.test_split != "all";
    let opened = open(file, columns, Some(split))?;
    let request = Request::Calibrate(CalibrateRequest {
        split: split.to_owned(),
        test_split: args.test_split.clone(),
        goal: goal_as_given(args),
        prices: price_list(&routes, args),
        tolerance: args.plateau_tolerance,
    });
    let setting = Setting {
        routes: &routes,
        thresholds: (routes.thresholds, &routes.thresholds_by_route()),
        seed: session.common.seed,
    };
    run(session, &opened, &setting, request, args.scored.shard, args.write)
}

/// `merge PARTIAL…`.
pub(in crate::cli) fn merge(session: &Session, args: &MergeArgs) -> Result<(), Error> {
    let routes = session.routes()?;
    let mut out = OutputFolder::open(&session.common.out)?;
    let mut parts = Vec::with_capacity(args.partials.len());
    for path in &args.partials {
        let (name, part) = (path.display().to_string(), Partial::load(path)?);
        part.fits(&name, &routes, &session.common.routes)?;
        parts.push((name, part));
    }
    deliver(session, &scored::join(parts)?, &routes, args.write, &mut out)
}

fn no_encoder(session: &Session) -> Result<(), Error> {
    if session.common.encoder.is_some() {
        return Err(Error::usage(
            "--encoder has no part in a scored file: its prompts were scored before",
            "leave --encoder out",
        ));
    }
    Ok(())
}

fn open(file: &Path, columns: ScoredColumns, split: Option<&str>) -> Result<ScoredFile, Error> {
    let named = columns.split_required;
    let wanted = ScoredColumns {
        split_required: named || split.is_some_and(|split| split != "all"),
        ..columns
    };
    ScoredFile::open(file, &wanted).map_err(|error| match error {
        // Nobody named the column: what is wanted is a split.
        DatasetError::MissingScored {
            source_name,
            column,
            present,
            ..
        } if column == wanted.split && present.iter().all(|name| *name != "split") => DatasetError::MissingScored {
            source_name,
            column,
            present,
            hint: "name the column with --split-column COLUMN; for all rows give --split all (calibrate: --test-split all too)",
        }
        .into(),
        error => error.into(),
    })
}

fn run(
    session: &Session,
    file: &ScoredFile,
    setting: &Setting<'_>,
    request: Request,
    shard: Option<Shard>,
    write: bool,
) -> Result<(), Error> {
    let mut out = OutputFolder::open(&session.common.out)?;
    let counted = session
        .bars
        .reading(|progress| Partial::count(file, setting, request, shard.unwrap_or(Shard::WHOLE), progress))?;
    match shard {
        Some(shard) => write_part(session, &counted, shard, &mut out),
        None => deliver(session, &counted, setting.routes, write, &mut out),
    }
}

fn write_part(session: &Session, counted: &Partial, shard: Shard, out: &mut OutputFolder) -> Result<(), Error> {
    let bytes = counted.to_bytes();
    let file = format!("partial-{}-of-{}.counts", shard.index(), shard.of());
    out.write(&file, &bytes)?;
    let rows: BTreeMap<String, u64> = counted
        .splits
        .iter()
        .map(|part| (part.split.clone(), part.counts.n()))
        .collect();
    let report = PartialReport {
        kind: "partial".into(),
        schema_version: REPORT_VERSION,
        tool_version: counted.header.tool_version.clone(),
        part: shard.index(),
        of: shard.of(),
        rows,
        file,
        sha256: crate::assets::sha256_hex(&bytes),
    };
    session
        .printer
        .answer(|| store::json(&report), || report::partial_text(&report))?;
    session.note_written(out);
    Ok(())
}

/// The documents of the whole.
fn deliver(
    session: &Session,
    whole: &Partial,
    routes: &Routes,
    write: bool,
    out: &mut OutputFolder,
) -> Result<(), Error> {
    match &whole.header.request {
        Request::Eval(_) if write => Err(Error::usage(
            "--write: these parts are of eval, which chooses no thresholds",
            "leave --write out",
        )),
        Request::Eval(_) => {
            let report = scored::evaluate(whole, routes)?;
            let document = store::json(&report);
            out.write("confusion.csv", report::confusion_csv(&report.confusion))?;
            out.write("eval.json", &document)?;
            write_report(session, out)?;
            session.printer.answer(|| document, || report::eval_text(&report))?;
            session.note_written(out);
            Ok(())
        }
        Request::Calibrate(_) => {
            let found = scored::calibrate(whole, routes)?;
            if found.report.chosen.as_ref().is_some_and(|chosen| chosen.test.in_sample) {
                session
                    .printer
                    .warn("the same rows choose and judge: the figures flatter the choice");
            }
            let document = store::json(&found.report);
            out.write("sweep.parquet", store::sweep_parquet(&found.cells)?)?;
            out.write("sweep.csv", report::sweep_csv(&found.cells))?;
            out.write("calibration.json", &document)?;
            write_report(session, out)?;
            let mut written = None;
            if write {
                let thresholds = WriteThresholds {
                    global: found.at,
                    by_route: Vec::new(),
                };
                write_routes(session, routes, &thresholds)?;
                written = Some(session.common.routes.as_path());
            }
            session
                .printer
                .answer(|| document, || report::calibration_text(&found.report))?;
            session.note_written(out);
            if let Some(step) = report::next_step(&found.report, written) {
                session.printer.note(&step);
            }
            Ok(())
        }
    }
}
