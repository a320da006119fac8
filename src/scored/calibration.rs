//! From counts to the document of `calibrate`.

use serde::{Deserialize, Serialize};

use super::axis::{GAPS, THRESHOLDS};
use super::counts::Counts;
use super::partial::{Partial, Request};
use super::surface::{self, GridChoice};
use super::{ScoredError, provenance};
use crate::calibrate::{CalibrateError, Goal, Prices, Tally, Totals};
use crate::evaluation::{as_deployed_of, split_counts};
use crate::report::{
    CalibrationReport, ChoiceOptimism, Estimate, GoalReport, GridReport, IntervalsReport, LeakageReport,
    OperatingPoint, OptimismReport, PlateauReport, REPORT_VERSION, Range, ScoredReport, SplitFigures, SplitReport,
    ThresholdsReport,
};
use crate::routes::{Routes, Thresholds};
use crate::stats::Interval;
use crate::store::ScoredCell;

/// Thresholds and gaps of the table, besides those of the operating points.
const TABLE_THRESHOLDS: usize = 101;
const TABLE_GAPS: usize = 41;

/// What `calibrate` is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrateRequest {
    /// The split that chooses.
    pub split: String,
    /// The split that judges.
    pub test_split: String,
    /// The goal and the numbers that were given with it; a `min-cost` without an accuracy takes it from the best there is.
    pub goal: GoalReport,
    /// Prices of one prompt by model, where there are any.
    pub prices: Option<std::collections::BTreeMap<String, f64>>,
    /// How much less of the goal's figure still counts as the plateau.
    pub tolerance: f64,
}

/// How far below the best system accuracy `min-cost` may go where none is given.
pub(crate) const ACCURACY_SLACK: f64 = 0.01;

/// What was found.
#[derive(Debug, Clone)]
pub struct Calibrated {
    /// The document.
    pub report: CalibrationReport,
    /// The chosen thresholds.
    pub at: Thresholds,
    /// The table of the sweep, for both splits.
    pub cells: Vec<ScoredCell>,
}

/// One split, counted.
struct Side<'a> {
    name: &'a str,
    counts: &'a Counts,
    totals: Totals,
}

impl<'a> Side<'a> {
    fn of(whole: &'a Partial, split: &'a str) -> Result<Self, ScoredError> {
        let counts = whole.of(split)?;
        Ok(Self {
            name: split,
            counts,
            totals: counts.totals(),
        })
    }

    fn report(&self) -> SplitReport {
        SplitReport {
            split: self.name.to_owned(),
            n: self.totals.n,
            in_domain: self.totals.n - self.totals.out_of_domain,
            out_of_domain: self.totals.out_of_domain,
        }
    }
}

/// Chooses on the grid and judges the choice, from counts of the whole file.
///
/// # Errors
/// [`ScoredError::Dataset`] where a split has no rows; [`CalibrateError`] where no point of the grid meets the goal's condition, or a
/// model has no price.
///
/// # Panics
/// If the counts were made for another command.
pub fn calibrate(whole: &Partial, routes: &Routes) -> Result<Calibrated, crate::Error> {
    let Request::Calibrate(request) = &whole.header.request else {
        panic!("these counts are not for calibrate")
    };
    let prices = match &request.prices {
        Some(by_model) => Some(Prices::new(routes, by_model)?),
        None => None,
    };
    let choosing = Side::of(whole, &request.split)?;
    let judging = Side::of(whole, &request.test_split)?;
    let goal = goal(request, &choosing, prices.as_ref())?;
    let chosen =
        surface::choose(choosing.counts, &goal, &choosing.totals).ok_or_else(|| unreachable(&goal, &choosing))?;
    let same = request.split == request.test_split || request.split == "all" || request.test_split == "all";
    let judge = Judge {
        routes,
        goal: &goal,
        prices: prices.as_ref(),
        choosing: &choosing,
        judging: &judging,
        same,
    };
    let (global, by_route) = &whole.header.thresholds;
    let current = judge.point(*global, by_route, |counts| split_counts(&counts.deployed()).0, false);
    let everywhere = |at: Thresholds| vec![at; by_route.len()];
    let all = Thresholds::ACCEPT_ALL;
    let none = judge.point(all, &everywhere(all), Counts::all_accepted, false);
    let (t, g) = (THRESHOLDS.bin(chosen.at.threshold()), GAPS.bin(chosen.at.gap()));
    let found = judge.point(
        chosen.at,
        &everywhere(chosen.at),
        |counts| surface::at(counts, t, g),
        true,
    );
    let optimism = (!same).then(|| judge.optimism(&chosen, &found, t, g));
    let plateau = surface::plateau(choosing.counts, &goal, &choosing.totals, &chosen, request.tolerance);
    let report = CalibrationReport {
        kind: "calibration".into(),
        schema_version: REPORT_VERSION,
        provenance: provenance(whole),
        intervals: IntervalsReport::new(0),
        goal: GoalReport::of(&goal),
        per_route: false,
        points: chosen.points,
        exact: false,
        calibration: choosing.report(),
        test: judging.report(),
        current,
        none,
        optimism,
        chosen: Some(found),
        plateau: plateau.map(|p| PlateauReport {
            tolerance: p.tolerance,
            threshold: Range {
                low: p.threshold.0,
                high: p.threshold.1,
            },
            gap: Range {
                low: p.gap.0,
                high: p.gap.1,
            },
        }),
        cross_validation: None,
        certification: None,
        leakage: LeakageReport {
            n: 0,
            lines: Vec::new(),
        },
        scored: Some(ScoredReport {
            resolution: GAPS.value(1),
            auroc_within: None,
            auroc_by_gap_within: None,
            grid: Some(GridReport {
                thresholds: THRESHOLDS.len() as u64,
                gaps: GAPS.len() as u64,
            }),
            left_out: vec!["encoder".into(), "bootstrap intervals".into(), "leakage".into()],
        }),
    };
    let cells = cells(&report, &[&choosing, &judging], prices.as_ref());
    Ok(Calibrated {
        report,
        at: chosen.at,
        cells,
    })
}

fn goal(request: &CalibrateRequest, choosing: &Side<'_>, prices: Option<&Prices>) -> Result<Goal, CalibrateError> {
    let given = &request.goal;
    let goal = match given.name.as_str() {
        "max-coverage" => Goal::MaxCoverage {
            risk: given.risk.unwrap_or_default(),
        },
        "max-joint-coverage" => Goal::MaxJointCoverage {
            risk: given.risk.unwrap_or_default(),
        },
        "min-risk" => Goal::MinRisk {
            coverage: given.coverage.unwrap_or_default(),
        },
        "max-macro-f1" => Goal::MaxMacroF1,
        "min-cost" => Goal::MinCost {
            accuracy: given.accuracy.unwrap_or_else(|| {
                let best = surface::choose(choosing.counts, &Goal::MaxSystemAccuracy, &choosing.totals);
                let best = best.and_then(|b| Goal::MaxSystemAccuracy.objective(&b.tally, &choosing.totals));
                (best.unwrap_or_default() - ACCURACY_SLACK).max(0.0)
            }),
            prices: prices.cloned().ok_or_else(|| CalibrateError::NoPrice {
                model: "any".to_owned(),
            })?,
        },
        _ => Goal::MaxSystemAccuracy,
    };
    goal.check()
}

fn unreachable(goal: &Goal, choosing: &Side<'_>) -> CalibrateError {
    let best = |goal: &Goal| {
        let choice = surface::choose(choosing.counts, goal, &choosing.totals);
        choice
            .and_then(|c| goal.objective(&c.tally, &choosing.totals))
            .unwrap_or_default()
    };
    crate::calibrate::unreachable(goal, usize::try_from(choosing.totals.n).unwrap_or(usize::MAX), best)
}

/// Judges points on both splits.
struct Judge<'a> {
    routes: &'a Routes,
    goal: &'a Goal,
    prices: Option<&'a Prices>,
    choosing: &'a Side<'a>,
    judging: &'a Side<'a>,
    /// Whether the same rows choose and judge.
    same: bool,
}

impl Judge<'_> {
    fn point(
        &self,
        global: Thresholds,
        by_route: &[Thresholds],
        accepted: impl Fn(&Counts) -> Tally,
        chosen: bool,
    ) -> OperatingPoint {
        let shown = ThresholdsReport::new(global, by_route, self.routes);
        let figures = |side: &Side<'_>, in_sample| self.figures(side, &accepted(side.counts), in_sample);
        OperatingPoint {
            threshold: shown.threshold,
            gap: shown.gap,
            by_route: shown.by_route,
            calibration: figures(self.choosing, chosen),
            test: figures(self.judging, chosen && self.same),
        }
    }

    fn figures(&self, side: &Side<'_>, tally: &Tally, in_sample: bool) -> SplitFigures {
        let totals = &side.totals;
        let deployed = as_deployed_of(tally, totals, &self.routes.names());
        let interval: Option<Interval> = match self.goal {
            Goal::MaxSystemAccuracy => deployed.system_accuracy.interval(),
            Goal::MaxCoverage { .. } | Goal::MaxJointCoverage { .. } => deployed.coverage.interval(),
            Goal::MinRisk { .. } => deployed.selective_accuracy.interval(),
            Goal::MaxMacroF1 | Goal::MinCost { .. } => None,
        };
        SplitFigures {
            in_sample,
            objective: Estimate::new(self.goal.objective(tally, totals), totals.n).within(interval),
            mean_price: Estimate::new(self.prices.and_then(|p| p.mean(tally, totals.n)), totals.n),
            as_deployed: deployed,
        }
    }

    fn optimism(&self, chosen: &GridChoice, point: &OperatingPoint, t: usize, g: usize) -> ChoiceOptimism {
        let on = |side: &Side<'_>, tally: &Tally, figures: &SplitFigures| {
            let figure = match (self.goal, self.goal.figure_rate(tally, &side.totals)) {
                (_, Some(rate)) => rate.into(),
                (Goal::MinCost { .. }, None) => figures.mean_price,
                (_, None) => figures.as_deployed.macro_f1,
            };
            let condition = self.goal.condition_rate(tally, &side.totals).unwrap_or_default();
            (figure, Estimate::from(condition))
        };
        let chose = on(self.choosing, &chosen.tally, &point.calibration);
        let judged = on(self.judging, &surface::at(self.judging.counts, t, g), &point.test);
        ChoiceOptimism {
            goal: OptimismReport::of_figure(self.goal, chose.0, judged.0),
            condition: OptimismReport::of_condition(self.goal, chose.1, judged.1),
        }
    }
}

/// The table of the sweep: evenly spaced lines of the grid between which rows lie, and those of the points found.
fn cells(report: &CalibrationReport, sides: &[&Side<'_>], prices: Option<&Prices>) -> Vec<ScoredCell> {
    let counts: Vec<&Counts> = sides.iter().map(|side| side.counts).collect();
    let ((low, high), widest) = surface::occupied(&counts);
    let points = report.found_and_current();
    let thresholds = lines(
        low,
        high,
        TABLE_THRESHOLDS,
        points.iter().map(|p| THRESHOLDS.bin(p.1.threshold)),
    );
    let gaps = lines(0, widest, TABLE_GAPS, points.iter().map(|p| GAPS.bin(p.1.gap)));
    let of = |side: &&Side<'_>| {
        let table = surface::table(side.counts, &side.totals, &thresholds, &gaps);
        let cells = table.cells.into_iter().map(|cell| ScoredCell {
            split: side.name.to_owned(),
            mean_price: prices.and_then(|p| p.mean(&cell.tally, side.totals.n)),
            cell,
        });
        cells.collect::<Vec<_>>()
    };
    sides.iter().flat_map(of).collect()
}

/// So many numbers from `low` to `high`, evenly spaced, and the `marks`; rising and distinct.
fn lines(low: usize, high: usize, count: usize, marks: impl Iterator<Item = usize>) -> Vec<usize> {
    let even = (0..count).map(|i| low + (high - low) * i / (count - 1));
    let mut lines: Vec<usize> = even.chain(marks).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}
