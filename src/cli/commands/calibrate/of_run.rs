//! `routecal calibrate --run`: thresholds for cost and quality, from the graded answers of a replay. Asks nobody and needs no
//! encoder: scores and gaps are in the run.

use std::path::Path;

use super::results::write_routes;
use crate::Error;
use crate::assets::sha256_hex;
use crate::cli::args::{CalibrateArgs, GoalName, ThresholdArgs};
use crate::cli::commands::replay::collected::{Collected, bytes_of};
use crate::cli::commands::replay::not_negative;
use crate::cli::session::Session;
use crate::dataset::CALIBRATION;
use crate::plot::{Figure as _, FrontierFigure, FrontierMark};
use crate::replay::analysis::{CostBasis, Ungraded};
use crate::replay::grades;
use crate::replay::operating_point::{Calibrated, Input, MinQuality, OperatingPointError, Options, calibrate};
use crate::report::{self, CornerReport, CostCalibrationReport, CostFigures, CostProvenance};
use crate::routes::WriteThresholds;
use crate::store::{self, OutputFolder};

/// Files and answer of this kind of calibration.
const DOCUMENT: &str = "cost-calibration.json";
const PLOT: &str = "cost-calibration";

pub(super) fn run(
    session: &Session,
    args: &CalibrateArgs,
    folder: &Path,
    min_quality: MinQuality,
) -> Result<(), Error> {
    check(session, args)?;
    let mut out = OutputFolder::open(&session.common.out)?;
    let of = Collected::load(session, folder, &ThresholdArgs::default())?;
    for note in &of.notes {
        session.printer.warn(note);
    }
    let provenance = provenance(&of, folder, session, args);
    let mut routing = of.routing?;
    routing.usd_per_prompt = args.of_run.router_usd / 1000.0;
    if of.graded.is_empty() {
        return Err(OperatingPointError::NotGraded {
            folder: folder.to_owned(),
        }
        .into());
    }
    let options = Options {
        min_quality,
        cost: args.of_run.cost.into(),
        ungraded: args.of_run.ungraded.into(),
        tolerance: args.plateau_tolerance,
        bootstrap: args.intervals.settings(session.common.seed),
    };
    let asked: Vec<bool> = of.run.prompts.iter().map(|p| p.accepted).collect();
    let input = Input {
        matrix: &of.matrix,
        routing: &routing,
        asked: &asked,
        routes: &of.routes,
        calibration: session.common.split.as_deref().unwrap_or(CALIBRATION),
        test: &args.test_split,
    };
    let found = calibrate(&input, &options, provenance)?;
    let report = &found.report;
    if report.verdict.in_sample {
        session
            .printer
            .warn("the same prompts choose and judge: the figures flatter the choice");
    }
    let document = store::json(report);
    if !args.no_plots {
        let drawing = figure(&found).draw()?;
        out.write_plot(PLOT, &drawing.svg, &drawing.png)?;
    }
    out.write(DOCUMENT, &document)?;
    let mut written = None;
    if args.write {
        // Before the answer is printed, as in the other goals.
        let write = WriteThresholds {
            global: found.at,
            by_route: Vec::new(),
        };
        write_routes(session, &of.routes, &write)?;
        written = Some(session.common.routes.as_path());
    }
    session
        .printer
        .answer(|| document, || report::cost_calibration_text(report))?;
    session.note_written(&out);
    session.printer.note(&report::cost_next_step(report, written));
    Ok(())
}

fn check(session: &Session, args: &CalibrateArgs) -> Result<(), Error> {
    if args.goal != GoalName::MinCost {
        return Err(Error::usage(
            "--min-quality is a condition of --goal min-cost, not of the goal that is looked for",
            "add --goal min-cost",
        ));
    }
    if session.common.encoder.is_some() {
        return Err(Error::usage(
            "--encoder has no part in a run: its prompts were scored when they were collected",
            "leave --encoder out",
        ));
    }
    not_negative("--router-usd", args.of_run.router_usd)
}

fn provenance(of: &Collected, folder: &Path, session: &Session, args: &CalibrateArgs) -> CostProvenance {
    CostProvenance {
        tool_version: env!("CARGO_PKG_VERSION").into(),
        run_sha256: of.sha256.clone(),
        grades_sha256: sha256_hex(&bytes_of(folder, grades::FILE)),
        grader: of.grader(),
        routes_sha256: of.run.manifest.routes_sha256.clone(),
        encoder: of.run.manifest.encoder.clone(),
        cost: CostBasis::from(args.of_run.cost).name().into(),
        ungraded: Ungraded::from(args.of_run.ungraded).name().into(),
        seed: session.common.seed,
        resamples: args.intervals.resamples(),
    }
}

/// The calibration split, where the choice was made; what it is worth on the other stands beside it.
fn figure(found: &Calibrated) -> FrontierFigure {
    let report = &found.report;
    let cost = |figures: &CostFigures| dollars(report, figures);
    let mark = |name: &str, figures: &CostFigures| {
        Some(FrontierMark {
            name: name.to_owned(),
            cost: cost(figures)?,
            quality: figures.quality.point?,
        })
    };
    let corner = |c: &CornerReport| (c.usd_per_1k, c.quality);
    let mut models: Vec<_> = report.always.iter().collect();
    // The anchors first: they keep their names where there are too many models to name.
    models.sort_by_key(|a| a.model != report.strong && a.model != report.weak);
    let hull = crate::replay::frontier::hull(&found.sweep.iter().map(|row| row.point).collect::<Vec<_>>());
    let thousand = |p: &crate::replay::frontier::Point| (p.cost * 1000.0, p.quality);
    let mut marks = vec![mark("chosen", &report.chosen.calibration)];
    if report.test.split != report.calibration.split {
        let name = format!("chosen, on {}", report.test.split);
        marks.push(mark(&name, &report.chosen.test));
    }
    marks.push(mark("current", &report.current.calibration));
    FrontierFigure {
        models: models.iter().filter_map(|a| mark(&a.model, &a.calibration)).collect(),
        zero_router: found.zero_router.iter().map(corner).collect(),
        mix: None,
        curve: found.sweep.iter().map(|row| thousand(&row.point)).collect(),
        hull: hull.iter().map(thousand).collect(),
        marks: marks.into_iter().flatten().collect(),
        wanted: Some(report.calibration.wanted),
        split: Some(report.calibration.split.clone()),
        n: report.calibration.n,
        footnote: format!(
            "The router at every threshold with the chosen gap of {}.{}",
            report.chosen.thresholds.gap,
            if report.provenance.cost == "list" {
                " Costs at list price, no token from a cache."
            } else {
                ""
            }
        ),
    }
}

/// The cost that decides.
fn dollars(report: &CostCalibrationReport, figures: &CostFigures) -> Option<f64> {
    if report.provenance.cost == "billed" {
        figures.usd_per_1k_billed.point
    } else {
        figures.usd_per_1k.point
    }
}
