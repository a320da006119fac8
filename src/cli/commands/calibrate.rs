//! `routecal calibrate`: choose the thresholds on one split, judge them on another.

mod of_run;
mod request;
mod results;

pub(super) use request::{goal_as_given, price_list};
pub(super) use results::write_routes;

use request::{Request, check_conditions, check_shares, prices};
use results::Results;

use crate::Error;
use crate::calibrate::{self, Choice, Goal, Plateau, Prices, SweepRow, choose, plateau};
use crate::cli::args::CalibrateArgs;
use crate::cli::commands::certify::Promise;
use crate::cli::commands::scored;
use crate::cli::session::{Part, Session, Wanted};
use crate::dataset::CALIBRATION;
use crate::evaluation::{self, as_deployed, split_counts, with_intervals};
use crate::report::{
    CalibrationReport, CertificationReport, ChoiceOptimism, Estimate, GoalReport, IntervalsReport, LeakageReport,
    OperatingPoint, OptimismReport, PlateauReport, REPORT_VERSION, Range, SplitFigures, SplitReport, ThresholdsReport,
};
use crate::routes::{Routes, Thresholds};
use crate::stats::Interval;
use crate::stats::bootstrap::{Design, Settings};
use crate::store::OutputFolder;

pub(in crate::cli) fn run(session: &Session, args: &CalibrateArgs) -> Result<(), Error> {
    check_shares(args)?;
    check_conditions(args)?;
    if let Some((run, min_quality)) = args.of_run.run.as_deref().zip(args.of_run.min_quality) {
        return of_run::run(session, args, run, min_quality);
    }
    if let Some(file) = &args.scored.scored {
        return scored::calibrate(session, args, file);
    }
    let promise = Promise::of(&args.certificate)?;
    let split = session.common.split.as_deref().unwrap_or(CALIBRATION);
    let mut out = OutputFolder::open(&session.common.out)?;
    let data = session.score(
        &args.dataset,
        &args.data,
        args.router.as_deref(),
        Wanted {
            required: &[split, args.test_split.as_str()],
            ..Wanted::default()
        },
    )?;
    let (choosing, judging) = (data.part(split)?, data.part(&args.test_split)?);
    let in_sample = split == args.test_split || split == "all" || args.test_split == "all";
    if in_sample {
        session
            .printer
            .warn("the same rows choose and judge: the figures flatter the choice");
    }
    let routes = &data.router.routes;
    let rows = choosing_rows(&choosing, args.no_gap);
    let prices = prices(routes, args)?;
    let request = Request {
        args,
        promise,
        prices: prices.as_ref(),
        routes,
        seed: session.common.seed,
    };
    let goal = request.goal(&rows)?;
    let choice = request.choice(&rows, &goal)?;
    let global = match &choice {
        Some(choice) => Some(global_of(choice, &rows, routes.routes.len(), &goal)?),
        None => None,
    };
    let intervals = args.intervals.settings(session.common.seed);
    // Three points or four, on two splits.
    let points = if promise.is_some() { 4 } else { 3 };
    let resamples = 2 * points * u64::from(intervals.resamples);
    let points = session.bars.resampling(resamples, |done| {
        let judge = Judge {
            routes,
            goal: &goal,
            prices: prices.as_ref(),
            choosing: Side::new(&choosing),
            judging: Side::new(&judging),
            in_sample,
            intervals,
            done,
        };
        let best = choice.as_ref().zip(global);
        let best = best.map(|(choice, global)| judge.found(global, &choice.thresholds));
        judge.points(best, promise, session.common.seed)
    });
    let chosen = points.chosen;
    let plateau = chosen
        .as_ref()
        .filter(|_| !args.per_route && promise.is_none())
        .and_then(|found| plateau(&rows, routes.routes.len(), &goal, found.global, args.plateau_tolerance));
    let report = CalibrationReport {
        kind: "calibration".into(),
        schema_version: REPORT_VERSION,
        provenance: session.provenance(&data),
        intervals: IntervalsReport::new(args.intervals.resamples()),
        goal: GoalReport::of(&goal),
        per_route: args.per_route,
        points: choice.as_ref().map_or(0, |c| c.points),
        exact: choice.as_ref().is_none_or(|c| c.exact),
        calibration: split_report(split, &choosing),
        test: split_report(&args.test_split, &judging),
        current: points.current,
        none: points.none,
        optimism: points.optimism,
        chosen: chosen.as_ref().map(|found| found.point.clone()),
        plateau: plateau.map(|p| plateau_report(&p)),
        cross_validation: request.cross_validation(split, &choosing, &rows, &goal)?,
        certification: points.certification,
        leakage: leakage(&choosing, &judging, routes, in_sample),
        scored: None,
    };
    Results {
        session,
        args,
        report: &report,
        choosing: &choosing,
        judging: &judging,
        rows: &rows,
        routes,
        prices: prices.as_ref(),
        found: chosen.as_ref(),
    }
    .deliver(&mut out)
}

/// The rows that choose. Without a gap as for a lone route: then none tells two points apart, and 0 is chosen.
fn choosing_rows(choosing: &Part<'_>, no_gap: bool) -> Vec<SweepRow> {
    let mut rows = calibrate::rows(&choosing.scores, &choosing.truths);
    if no_gap {
        for row in &mut rows {
            row.gap = f64::INFINITY;
        }
    }
    rows
}

/// With thresholds per route the global pair is still written, for routes added later: the best one for all.
fn global_of(choice: &Choice, rows: &[SweepRow], routes: usize, goal: &Goal) -> Result<Thresholds, Error> {
    match choice.thresholds.first() {
        Some(first) if choice.thresholds.iter().all(|t| t == first) => Ok(*first),
        _ => Ok(choose(rows, routes, goal)?.thresholds[0]),
    }
}

/// Thresholds that were chosen, and how they do.
struct Found {
    /// For routes added later.
    global: Thresholds,
    by_route: Vec<Thresholds>,
    point: OperatingPoint,
}

/// The operating points of a report.
struct Points {
    current: OperatingPoint,
    none: OperatingPoint,
    chosen: Option<Found>,
    optimism: Option<ChoiceOptimism>,
    certification: Option<CertificationReport>,
}

/// The rows of a split and how to resample them.
struct Side<'a> {
    part: &'a Part<'a>,
    design: Design,
}

impl<'a> Side<'a> {
    fn new(part: &'a Part) -> Self {
        let design = part.scored().design();
        Self { part, design }
    }
}

/// Judges operating points on both splits.
struct Judge<'a> {
    routes: &'a Routes,
    goal: &'a Goal,
    prices: Option<&'a Prices>,
    choosing: Side<'a>,
    judging: Side<'a>,
    in_sample: bool,
    intervals: Settings,
    /// Called after each resample.
    done: &'a (dyn Fn() + Sync),
}

impl Judge<'_> {
    /// `best` is what serves the goal best; where a promise is to be kept, what keeps it is chosen instead.
    fn points(&self, best: Option<Found>, promise: Option<Promise>, seed: u64) -> Points {
        let everywhere = |at| vec![at; self.routes.routes.len()];
        let (chosen, certification) = match promise {
            None => (best, None),
            Some(promise) => {
                let kept = promise.keep(seed, self.choosing.part, self.routes);
                let chosen = kept.at.map(|at| self.found(at, &everywhere(at)));
                let report = kept.report(chosen.as_ref().map(|f| &f.point), best.map(|f| f.point));
                (chosen, Some(report))
            }
        };
        let all = Thresholds::ACCEPT_ALL;
        Points {
            current: self.point(self.routes.thresholds, &self.routes.thresholds_by_route(), false),
            none: self.point(all, &everywhere(all), false),
            optimism: chosen
                .as_ref()
                .filter(|_| !self.in_sample)
                .map(|found| self.optimism(found)),
            chosen,
            certification,
        }
    }

    fn found(&self, global: Thresholds, by_route: &[Thresholds]) -> Found {
        Found {
            global,
            by_route: by_route.to_vec(),
            point: self.point(global, by_route, true),
        }
    }

    /// The goal's figure and that of its condition, on both splits.
    fn optimism(&self, found: &Found) -> ChoiceOptimism {
        let on = |part: &Part, figures: &SplitFigures| {
            let (tally, totals) = split_counts(&part.scored().deployed_confusion(&found.by_route));
            let figure = match (self.goal, self.goal.figure_rate(&tally, &totals)) {
                (_, Some(rate)) => rate.into(),
                (Goal::MinCost { .. }, None) => figures.mean_price,
                (_, None) => figures.as_deployed.macro_f1,
            };
            let condition: Estimate = self.goal.condition_rate(&tally, &totals).unwrap_or_default().into();
            (figure, condition)
        };
        let chose = on(self.choosing.part, &found.point.calibration);
        let judged = on(self.judging.part, &found.point.test);
        ChoiceOptimism {
            goal: OptimismReport::of_figure(self.goal, chose.0, judged.0),
            condition: OptimismReport::of_condition(self.goal, chose.1, judged.1),
        }
    }

    fn point(&self, global: Thresholds, by_route: &[Thresholds], chosen: bool) -> OperatingPoint {
        let shown = ThresholdsReport::new(global, by_route, self.routes);
        OperatingPoint {
            threshold: shown.threshold,
            gap: shown.gap,
            by_route: shown.by_route,
            calibration: self.figures(&self.choosing, by_route, chosen),
            test: self.figures(&self.judging, by_route, chosen && self.in_sample),
        }
    }

    fn figures(&self, side: &Side<'_>, by_route: &[Thresholds], in_sample: bool) -> SplitFigures {
        let names = self.routes.names();
        let decisions = side.part.scored().decisions(by_route);
        let figures = with_intervals(&side.design, &self.intervals, self.done, |weights| {
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
            Goal::MaxCoverage { .. } | Goal::MaxJointCoverage { .. } => deployed.coverage.interval(),
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
