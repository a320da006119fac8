//! `routecal calibrate`: choose the thresholds on one split, judge them on another.

use crate::Error;
use crate::calibrate::{
    self, CalibrateError, Choice, Goal, Plateau, Prices, SweepRow, choose, choose_per_route, plateau,
};
use crate::cli::args::{CalibrateArgs, GoalName};
use crate::cli::commands::figures;
use crate::cli::session::{Part, Session};
use crate::dataset::CALIBRATION;
use crate::evaluation::{self, as_deployed, split_counts, with_intervals};
use crate::report::{
    self, CalibrationReport, Estimate, GoalReport, IntervalsReport, LeakageReport, OperatingPoint, PlateauReport,
    REPORT_VERSION, Range, SplitFigures, SplitReport, ThresholdsReport,
};
use crate::routes::{Routes, Thresholds, WriteThresholds, with_thresholds};
use crate::stats::Interval;
use crate::stats::bootstrap::Settings;
use crate::store::{self, OutputFolder, ScoredCell};

/// Points of the sweep's table on each axis, besides those of the operating points.
const TABLE_THRESHOLDS: usize = 101;
const TABLE_GAPS: usize = 41;
/// How far below the best system accuracy `min-cost` may go where no --accuracy is given.
const ACCURACY_SLACK: f64 = 0.01;

pub(in crate::cli) fn run(session: &Session, args: &CalibrateArgs) -> Result<(), Error> {
    check_shares(args)?;
    check_conditions(args)?;
    let split = session.common.split.as_deref().unwrap_or(CALIBRATION);
    let mut out = OutputFolder::open(&session.common.out)?;
    let data = session.score(
        &args.dataset,
        &args.data,
        args.router.as_deref(),
        &[split, args.test_split.as_str()],
        &[],
    )?;
    let (choosing, judging) = (data.part(split)?, data.part(&args.test_split)?);
    let in_sample = split == args.test_split || split == "all" || args.test_split == "all";
    if in_sample {
        session
            .printer
            .warn("the same rows choose and judge: the figures flatter the choice");
    }
    let routes = &data.router.routes;
    let rows = calibrate::rows(&choosing.scores, &choosing.truths);
    let prices = prices(routes, args)?;
    let goal = goal(args, &rows, routes.routes.len(), prices.as_ref())?;
    let choice = if args.per_route {
        choose_per_route(&rows, routes.routes.len(), &goal)?
    } else {
        choose(&rows, routes.routes.len(), &goal)?
    };
    let global = global_of(&choice, &rows, routes.routes.len(), &goal)?;
    let intervals = args.intervals.settings(session.common.seed);
    // Three points on two splits.
    let resamples = 6 * u64::from(intervals.resamples);
    let (current, none, chosen) = session.bars.resampling(resamples, |done| {
        let judge = Judge {
            routes,
            goal: &goal,
            prices: prices.as_ref(),
            choosing: &choosing,
            judging: &judging,
            in_sample,
            intervals,
            done,
        };
        let all = vec![Thresholds::ACCEPT_ALL; routes.routes.len()];
        (
            judge.point(routes.thresholds, &routes.thresholds_by_route(), false),
            judge.point(Thresholds::ACCEPT_ALL, &all, false),
            judge.point(global, &choice.thresholds, true),
        )
    });
    let report = CalibrationReport {
        kind: "calibration".into(),
        schema_version: REPORT_VERSION,
        provenance: session.provenance(&data),
        intervals: IntervalsReport::new(args.intervals.resamples),
        goal: goal_report(&goal),
        per_route: args.per_route,
        points: choice.points,
        exact: choice.exact,
        calibration: split_report(split, &choosing),
        test: split_report(&args.test_split, &judging),
        current,
        none,
        chosen,
        plateau: (!args.per_route)
            .then(|| plateau(&rows, routes.routes.len(), &goal, global, args.plateau_tolerance))
            .flatten()
            .map(|p| plateau_report(&p)),
        leakage: leakage(&choosing, &judging, routes, in_sample),
    };
    let document = store::json(&report);
    let cells = sweep_cells(&report, &choosing, &judging, routes.routes.len());
    out.write("sweep.parquet", store::sweep_parquet(&cells)?)?;
    out.write("sweep.csv", report::sweep_csv(&cells))?;
    if !args.no_plots {
        figures::of_calibration(&report, &rows, &judging, &mut out)?;
    }
    out.write("calibration.json", &document)?;
    let written = args.write.then_some(session.common.routes.as_path());
    if args.write {
        // Before the answer is printed: a reader that closes the pipe early (`| head`) must not keep it from being done.
        write_routes(session, routes, global, &choice, args.per_route)?;
    }
    session
        .printer
        .answer(|| document, || report::calibration_text(&report))?;
    session.note_written(&out);
    if args.router.is_none() {
        session.printer.note(&report::next_step(&report, written));
    }
    Ok(())
}

/// Refuses shares out of range before anything is embedded.
fn check_shares(args: &CalibrateArgs) -> Result<(), CalibrateError> {
    let shares = [
        ("--risk", args.risk),
        ("--coverage", args.coverage),
        ("--accuracy", args.accuracy),
        ("--plateau-tolerance", Some(args.plateau_tolerance)),
    ];
    for (name, share) in shares {
        if let Some(value) = share
            && !(0.0..=1.0).contains(&value)
        {
            return Err(CalibrateError::Range { name, value });
        }
    }
    Ok(())
}

/// Refuses a condition of another goal: ignored, it would pass for one that holds.
fn check_conditions(args: &CalibrateArgs) -> Result<(), Error> {
    let conditions = [
        ("--risk", args.risk, GoalName::MaxCoverage, "max-coverage"),
        ("--coverage", args.coverage, GoalName::MinRisk, "min-risk"),
        ("--accuracy", args.accuracy, GoalName::MinCost, "min-cost"),
    ];
    for (flag, value, goal, name) in conditions {
        if let Some(value) = value
            && args.goal != goal
        {
            return Err(Error::usage(
                format!("{flag} is a condition of --goal {name}, not of the goal that is looked for"),
                format!("add --goal {name}, or leave {flag} {value} out"),
            ));
        }
    }
    Ok(())
}

/// Prices from the routes file and the flags; flags go first. `None` where there are none at all.
fn prices(routes: &Routes, args: &CalibrateArgs) -> Result<Option<Prices>, Error> {
    let mut by_model = routes.prices.clone();
    by_model.extend(args.price.iter().cloned());
    if by_model.is_empty() && args.goal != GoalName::MinCost {
        return Ok(None);
    }
    Ok(Some(Prices::new(routes, &by_model)?))
}

fn goal(args: &CalibrateArgs, rows: &[SweepRow], routes: usize, prices: Option<&Prices>) -> Result<Goal, Error> {
    let goal = match (args.goal, prices) {
        (GoalName::MaxMacroF1, _) => Goal::MaxMacroF1,
        (GoalName::MaxCoverage, _) => Goal::MaxCoverage {
            risk: args.risk.unwrap_or_default(),
        },
        (GoalName::MinRisk, _) => Goal::MinRisk {
            coverage: args.coverage.unwrap_or_default(),
        },
        (GoalName::MinCost, Some(prices)) => Goal::MinCost {
            accuracy: if let Some(accuracy) = args.accuracy {
                accuracy
            } else {
                let best = choose(rows, routes, &Goal::MaxSystemAccuracy)?;
                (best.objective - ACCURACY_SLACK).max(0.0)
            },
            prices: prices.clone(),
        },
        (GoalName::MaxSystemAccuracy | GoalName::MinCost, _) => Goal::MaxSystemAccuracy,
    };
    Ok(goal.check()?)
}

/// With thresholds per route the global pair is still written, for routes added later: the best one for all.
fn global_of(choice: &Choice, rows: &[SweepRow], routes: usize, goal: &Goal) -> Result<Thresholds, Error> {
    match choice.thresholds.first() {
        Some(first) if choice.thresholds.iter().all(|t| t == first) => Ok(*first),
        _ => Ok(choose(rows, routes, goal)?.thresholds[0]),
    }
}

/// Judges operating points on both splits.
struct Judge<'a> {
    routes: &'a Routes,
    goal: &'a Goal,
    prices: Option<&'a Prices>,
    choosing: &'a Part,
    judging: &'a Part,
    in_sample: bool,
    intervals: Settings,
    /// Called after each resample.
    done: &'a (dyn Fn() + Sync),
}

impl Judge<'_> {
    fn point(&self, global: Thresholds, by_route: &[Thresholds], chosen: bool) -> OperatingPoint {
        let shown = ThresholdsReport::new(global, by_route, self.routes);
        OperatingPoint {
            threshold: shown.threshold,
            gap: shown.gap,
            by_route: shown.by_route,
            calibration: self.figures(self.choosing, by_route, chosen),
            test: self.figures(self.judging, by_route, chosen && self.in_sample),
        }
    }

    fn figures(&self, part: &Part, by_route: &[Thresholds], in_sample: bool) -> SplitFigures {
        let scored = part.scored();
        let names = self.routes.names();
        let decisions = scored.decisions(by_route);
        let figures = with_intervals(&scored.design(), &self.intervals, self.done, |weights| {
            let confusion = evaluation::count(&decisions, names.len() + 1, weights);
            let (tally, totals) = split_counts(&confusion);
            SplitFigures {
                in_sample,
                objective: Estimate::new(self.goal.objective(&tally, &totals), totals.n),
                mean_price: Estimate::new(self.prices.and_then(|p| p.mean(&tally, totals.n)), totals.n),
                as_deployed: as_deployed(&confusion, &names),
            }
        });
        SplitFigures {
            objective: figures.objective.within(self.objective_interval(&figures)),
            ..figures
        }
    }

    /// The goal's figure is one of the others, so its interval is theirs.
    fn objective_interval(&self, figures: &SplitFigures) -> Option<Interval> {
        let deployed = &figures.as_deployed;
        match self.goal {
            Goal::MaxSystemAccuracy => deployed.system_accuracy.interval(),
            Goal::MaxCoverage { .. } => deployed.coverage.interval(),
            Goal::MinRisk { .. } => deployed.selective_accuracy.interval(),
            Goal::MaxMacroF1 => deployed.macro_f1.interval(),
            // Its figure is minus the price.
            Goal::MinCost { .. } => {
                let price = figures.mean_price.interval();
                price.map(|price| Interval::new(-price.upper, -price.lower))
            }
        }
    }
}

fn split_report(name: &str, part: &Part) -> SplitReport {
    let scored = part.scored();
    SplitReport {
        split: name.into(),
        n: scored.n(),
        in_domain: scored.in_domain(),
        out_of_domain: scored.n() - scored.in_domain(),
    }
}

fn goal_report(goal: &Goal) -> GoalReport {
    let mut report = GoalReport {
        name: goal.name().into(),
        risk: None,
        coverage: None,
        accuracy: None,
    };
    match goal {
        Goal::MaxSystemAccuracy | Goal::MaxMacroF1 => {}
        Goal::MaxCoverage { risk } => report.risk = Some(*risk),
        Goal::MinRisk { coverage } => report.coverage = Some(*coverage),
        Goal::MinCost { accuracy, .. } => report.accuracy = Some(*accuracy),
    }
    report
}

fn plateau_report(p: &Plateau) -> PlateauReport {
    let range = |(low, high)| Range { low, high };
    PlateauReport {
        tolerance: p.tolerance,
        threshold: range(p.threshold),
        gap: range(p.gap),
    }
}

fn leakage(choosing: &Part, judging: &Part, routes: &Routes, same: bool) -> LeakageReport {
    let mut all = choosing.scored().leakage(routes);
    if !same {
        let other = judging.scored().leakage(routes);
        all.n += other.n;
        all.lines.extend(other.lines);
        all.lines.sort_unstable();
        all.lines.truncate(10);
    }
    all
}

/// The sweep on an even grid over the scores there are, with the operating points in it, for both splits.
fn sweep_cells(report: &CalibrationReport, choosing: &Part, judging: &Part, routes: usize) -> Vec<ScoredCell> {
    let rows = |part: &Part| calibrate::rows(&part.scores, &part.truths);
    let (chosen, current) = (&report.chosen, &report.current);
    let both: Vec<SweepRow> = rows(choosing).into_iter().chain(rows(judging)).collect();
    let (low, high) = calibrate::range(both.iter().map(|r| r.score));
    let (_, widest) = calibrate::range(both.iter().map(|r| r.gap).filter(|g| g.is_finite()));
    let thresholds = calibrate::axis(low, high, TABLE_THRESHOLDS, &[chosen.threshold, current.threshold]);
    let gaps = calibrate::axis(0.0, widest.max(0.0), TABLE_GAPS, &[chosen.gap, current.gap]);
    [(&report.calibration.split, choosing), (&report.test.split, judging)]
        .into_iter()
        .flat_map(|(split, part)| {
            calibrate::surface(&rows(part), routes, &thresholds, &gaps)
                .cells
                .into_iter()
                .map(|cell| ScoredCell {
                    split: split.clone(),
                    cell,
                })
        })
        .collect()
}

/// Reads the routes file again, so that only the numbers change whatever was edited meanwhile, and replaces it at once.
fn write_routes(
    session: &Session,
    before: &Routes,
    global: Thresholds,
    choice: &Choice,
    per_route: bool,
) -> Result<(), Error> {
    let path = &session.common.routes;
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.clone(),
        source,
    })?;
    let (now, _) = Routes::parse(&text, path)?;
    if now.fingerprint() != before.fingerprint() {
        return Err(Error::usage(
            format!(
                "{} was edited while calibrate ran; nothing was written to it",
                path.display()
            ),
            "run the command again",
        ));
    }
    let by_route = if per_route {
        before
            .names()
            .into_iter()
            .zip(choice.thresholds.iter().copied())
            .collect()
    } else {
        Vec::new()
    };
    let text = with_thresholds(&text, path, &WriteThresholds { global, by_route })?;
    Ok(store::write_atomically(path, text.as_bytes())?)
}
