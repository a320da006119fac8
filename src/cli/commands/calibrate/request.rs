//! What `calibrate` is asked for: the flags as a goal.

use std::collections::BTreeMap;

use crate::Error;
use crate::calibrate::{
    CalibrateError, Choice, Goal, Prices, SweepRow, choose, choose_per_route, cross_validate, distinct, folds,
};
use crate::cli::args::{CalibrateArgs, GoalName};
use crate::cli::commands::certify::Promise;
use crate::cli::session::Part;
use crate::report::{CrossValidationReport, GoalReport};
use crate::routes::Routes;
use crate::scored::ACCURACY_SLACK;

/// What is asked for, with all that it needs.
pub(super) struct Request<'a> {
    pub(super) args: &'a CalibrateArgs,
    pub(super) promise: Option<Promise>,
    pub(super) prices: Option<&'a Prices>,
    pub(super) routes: &'a Routes,
    pub(super) seed: u64,
}

impl Request<'_> {
    /// The goal on some rows: a number that was not given comes from them.
    pub(super) fn goal(&self, rows: &[SweepRow]) -> Result<Goal, CalibrateError> {
        match self.promise {
            Some(promise) => Ok(promise.goal()),
            None => goal(self.args, rows, self.routes.routes.len(), self.prices),
        }
    }

    /// The thresholds that serve the goal best. Beside a certificate they are only there to compare with, so it is no
    /// failure if there are none.
    pub(super) fn choice(&self, rows: &[SweepRow], goal: &Goal) -> Result<Option<Choice>, CalibrateError> {
        match self.choose(rows, goal) {
            Err(CalibrateError::Unreachable { .. }) if self.promise.is_some() => Ok(None),
            choice => choice.map(Some),
        }
    }

    fn choose(&self, rows: &[SweepRow], goal: &Goal) -> Result<Choice, CalibrateError> {
        if self.args.per_route {
            choose_per_route(rows, self.routes.routes.len(), goal)
        } else {
            choose(rows, self.routes.routes.len(), goal)
        }
    }

    /// The cross-validation, if asked for.
    pub(super) fn cross_validation(
        &self,
        split: &str,
        choosing: &Part,
        rows: &[SweepRow],
        goal: &Goal,
    ) -> Result<Option<CrossValidationReport>, CalibrateError> {
        let Some(k) = self.args.cross_validate.map(usize::from) else {
            return Ok(None);
        };
        let prompts: Vec<&str> = choosing.rows.iter().map(|row| row.prompt.as_str()).collect();
        let Some(fold) = folds(self.seed, &prompts, rows, k) else {
            return Err(CalibrateError::TooFewForFolds {
                split: split.to_owned(),
                distinct: distinct(self.seed, &prompts, rows).rows.len() as u64,
                folds: k,
            });
        };
        let found = cross_validate(rows, self.routes.routes.len(), &fold, |rows| {
            let goal = self.goal(rows)?;
            Ok((self.choose(rows, &goal)?.thresholds, goal))
        })?;
        let names = self.routes.names();
        let by_route = self.args.per_route.then_some(names.as_slice());
        Ok(Some(CrossValidationReport::new(&found, goal, by_route)))
    }
}

/// Refuses shares out of range before anything is embedded.
pub(super) fn check_shares(args: &CalibrateArgs) -> Result<(), CalibrateError> {
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
pub(super) fn check_conditions(args: &CalibrateArgs) -> Result<(), Error> {
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
pub(super) fn prices(routes: &Routes, args: &CalibrateArgs) -> Result<Option<Prices>, Error> {
    let by_model = price_list(routes, args);
    Ok(by_model.map(|by_model| Prices::new(routes, &by_model)).transpose()?)
}

/// The same by model, as they are given.
pub(in crate::cli::commands) fn price_list(routes: &Routes, args: &CalibrateArgs) -> Option<BTreeMap<String, f64>> {
    let mut by_model = routes.prices.clone();
    by_model.extend(args.price.iter().cloned());
    (!by_model.is_empty() || args.goal == GoalName::MinCost).then_some(by_model)
}

/// The goal by name, with the numbers that were given.
pub(in crate::cli::commands) fn goal_as_given(args: &CalibrateArgs) -> GoalReport {
    let name = match args.goal {
        GoalName::MaxSystemAccuracy => "max-system-accuracy",
        GoalName::MaxCoverage => "max-coverage",
        GoalName::MinRisk => "min-risk",
        GoalName::MaxMacroF1 => "max-macro-f1",
        GoalName::MinCost => "min-cost",
    };
    GoalReport {
        name: name.into(),
        risk: args.risk,
        coverage: args.coverage,
        accuracy: args.accuracy,
    }
}

fn goal(
    args: &CalibrateArgs,
    rows: &[SweepRow],
    routes: usize,
    prices: Option<&Prices>,
) -> Result<Goal, CalibrateError> {
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
    goal.check()
}
