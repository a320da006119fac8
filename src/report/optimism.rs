//! How much a choice flatters itself, in the document of `calibrate`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Estimate, Range};
use crate::calibrate::{CrossValidation, Goal, Spread};
use crate::routes::Thresholds;

/// A figure on the rows that chose the thresholds and on rows that did not.
///
/// `optimism` is by how much it looked better where it was chosen, in its own units; negative where it was worse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OptimismReport {
    /// What it is: `system accuracy`, `coverage`, `selective risk`, `joint risk`, `macro F1`, `mean price`.
    pub figure: String,
    /// Whether more of it is better.
    pub higher_is_better: bool,
    /// The goal's limit on it, where it is the figure of the goal's condition.
    pub limit: Option<f64>,
    /// On the rows that chose; of a cross-validation the mean over the folds.
    pub calibration: Estimate,
    /// On the rows that did not; of a cross-validation all rows left out, counted together.
    pub test: Estimate,
    /// `calibration` − `test`, or the reverse where less is better.
    pub optimism: Option<f64>,
}

impl OptimismReport {
    /// The goal's own figure.
    pub fn of_figure(goal: &Goal, calibration: Estimate, test: Estimate) -> Self {
        let (name, higher_is_better) = goal.figure_name();
        Self::new(name, higher_is_better, None, calibration, test)
    }

    /// The figure of the goal's condition, where it has one.
    pub fn of_condition(goal: &Goal, calibration: Estimate, test: Estimate) -> Option<Self> {
        let condition = goal.condition()?;
        let (name, limit) = (condition.name, Some(condition.limit));
        Some(Self::new(name, condition.more_is_better, limit, calibration, test))
    }

    pub(crate) fn new(
        name: &str,
        higher_is_better: bool,
        limit: Option<f64>,
        calibration: Estimate,
        test: Estimate,
    ) -> Self {
        let sign = if higher_is_better { 1.0 } else { -1.0 };
        Self {
            figure: name.into(),
            higher_is_better,
            limit,
            optimism: calibration.point.zip(test.point).map(|(c, t)| sign * (c - t)),
            calibration,
            test,
        }
    }
}

/// The goal's figure of the chosen thresholds, and that of the goal's condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChoiceOptimism {
    /// The goal's figure.
    pub goal: OptimismReport,
    /// The figure of its condition; null where it has none.
    pub condition: Option<OptimismReport>,
}

/// What `--cross-validate` found: every fold judged with thresholds that the others chose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CrossValidationReport {
    /// Folds, stratified by label, copies of a prompt in one fold.
    pub folds: u64,
    /// Folds whose rows could not meet the goal's condition; they are left out of the figures.
    pub unmet: u64,
    /// The goal's figure.
    pub goal: OptimismReport,
    /// The figure of its condition; null where it has none.
    pub condition: Option<OptimismReport>,
    /// How far the chosen thresholds lie apart: one entry for all routes, or one a route.
    pub spread: Vec<ThresholdSpread>,
    /// Each fold.
    pub each: Vec<FoldReport>,
}

/// How far the chosen thresholds lie apart from fold to fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdSpread {
    /// The route; null where one pair holds for all.
    pub route: Option<String>,
    /// Thresholds.
    pub threshold: SpreadReport,
    /// Gaps.
    pub gap: SpreadReport,
}

/// How far some numbers lie apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpreadReport {
    /// Least and greatest.
    pub range: Range,
    /// Median.
    pub median: f64,
    /// Standard deviation; null of a single number.
    pub sd: Option<f64>,
}

impl From<Spread> for SpreadReport {
    fn from(spread: Spread) -> Self {
        Self {
            range: Range {
                low: spread.min,
                high: spread.max,
            },
            median: spread.median,
            sd: spread.sd,
        }
    }
}

/// One fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoldReport {
    /// Rows that chose.
    pub chose: u64,
    /// Rows left out.
    pub held_out: u64,
    /// The chosen thresholds: one pair for all routes, or one a route in their order; empty where the goal's condition could not
    /// be met.
    pub thresholds: Vec<Thresholds>,
    /// The goal's figure on the rows that chose.
    pub calibration: Option<f64>,
    /// The goal's figure on the rows left out.
    pub test: Option<f64>,
}

impl CrossValidationReport {
    /// Of a cross-validation for `goal`; `routes` names the routes where each has a pair of its own.
    pub fn new(found: &CrossValidation, goal: &Goal, routes: Option<&[String]>) -> Self {
        let chose: u64 = found.folds.iter().map(|f| f.chose).sum();
        let mean = |point| Estimate::new(point, chose / (found.folds.len() as u64).max(1));
        // Every row is left out once, so the figure of all of them is close to one of independent rows.
        let held: Estimate = match goal.figure_rate(&found.tally, &found.totals) {
            Some(rate) => rate.into(),
            None => Estimate::new(goal.figure(&found.tally, &found.totals), found.totals.n),
        };
        let held_condition = goal.condition_rate(&found.tally, &found.totals).unwrap_or_default();
        let spread = |route: Option<&String>, index: usize| {
            Some(ThresholdSpread {
                route: route.cloned(),
                threshold: found.spread(|all| all[index].threshold())?.into(),
                gap: found.spread(|all| all[index].gap())?.into(),
            })
        };
        let pairs = routes.map_or(1, <[String]>::len);
        Self {
            folds: found.folds.len() as u64,
            unmet: found.folds.iter().filter(|f| f.thresholds.is_none()).count() as u64,
            goal: OptimismReport::of_figure(goal, mean(found.in_sample()), held),
            condition: OptimismReport::of_condition(goal, mean(found.in_sample_condition()), held_condition.into()),
            spread: (0..pairs)
                .filter_map(|i| spread(routes.map(|names| &names[i]), i))
                .collect(),
            each: found
                .folds
                .iter()
                .map(|fold| FoldReport {
                    chose: fold.chose,
                    held_out: fold.held_out,
                    thresholds: fold
                        .thresholds
                        .iter()
                        .flat_map(|all| all.iter().take(pairs).copied())
                        .collect(),
                    calibration: fold.in_sample,
                    test: fold.held,
                })
                .collect(),
        }
    }
}
