//! What a good operating point is.

use std::collections::BTreeMap;

use super::CalibrateError;
use super::rows::{Tally, Totals};
use crate::metrics::Rate;
use crate::num::f64_from_u64;
use crate::routes::Routes;

/// Units a price is counted in, so that sums are exact: 10⁻⁹ of the currency.
const NANO: f64 = 1e9;

/// Price of one prompt by route and for the fallback, in 10⁻⁹ of the currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices {
    routes: Vec<u64>,
    fallback: u64,
}

impl Prices {
    /// Looks up the price of every model in use.
    ///
    /// # Errors
    /// [`CalibrateError::NoPrice`] for a model without one, [`CalibrateError::BadPrice`] for one that is no price.
    pub fn new(routes: &Routes, by_model: &BTreeMap<String, f64>) -> Result<Self, CalibrateError> {
        let price = |model: &str| {
            let price = *by_model.get(model).ok_or_else(|| CalibrateError::NoPrice {
                model: model.to_owned(),
            })?;
            nano(price).ok_or_else(|| CalibrateError::BadPrice {
                model: model.to_owned(),
                price,
            })
        };
        Ok(Self {
            routes: routes
                .routes
                .iter()
                .map(|r| price(&r.target.model))
                .collect::<Result<_, _>>()?,
            fallback: price(&routes.fallback.model)?,
        })
    }

    /// Mean price of a prompt at an operating point; `None` without prompts.
    pub fn mean(&self, tally: &Tally, n: u64) -> Option<f64> {
        (n > 0).then(|| f64_from_u64(self.total(tally, n)) / NANO / f64_from_u64(n))
    }

    fn total(&self, tally: &Tally, n: u64) -> u64 {
        let routed: u64 = tally
            .by_route
            .iter()
            .zip(&self.routes)
            .map(|(count, price)| count * price)
            .sum();
        routed + (n - tally.accepted()) * self.fallback
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be at least 0 and below 10^6"
)]
fn nano(price: f64) -> Option<u64> {
    (0.0..1e6).contains(&price).then(|| (price * NANO).round() as u64)
}

/// What to look for. Risk is selective risk: accepted and wrong (wrong route or out-of-domain) over accepted.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal {
    /// Most prompts handled right: right route, or fallback for out-of-domain.
    MaxSystemAccuracy,
    /// Most prompts accepted with a selective risk of at most `risk`.
    MaxCoverage {
        /// Highest selective risk, 0 to 1.
        risk: f64,
    },
    /// Most prompts accepted with a joint risk, P(accepted and wrong), of at most `risk`.
    MaxJointCoverage {
        /// Highest joint risk, 0 to 1.
        risk: f64,
    },
    /// Least selective risk with a coverage of at least `coverage`.
    MinRisk {
        /// Least coverage, 0 to 1.
        coverage: f64,
    },
    /// Highest mean F1 over the routes, and over the fallback where there are out-of-domain prompts.
    MaxMacroF1,
    /// Least mean price of a prompt with a system accuracy of at least `accuracy`.
    MinCost {
        /// Least system accuracy, 0 to 1.
        accuracy: f64,
        /// Prices.
        prices: Prices,
    },
}

/// Bits kept of an objective when two points are compared: sums in another order must not look different.
const COMPARED: f64 = 1e12;

impl Goal {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`CalibrateError::Range`].
    pub fn check(self) -> Result<Self, CalibrateError> {
        let (name, value) = match &self {
            Self::MaxSystemAccuracy | Self::MaxMacroF1 => return Ok(self),
            Self::MaxCoverage { risk } => ("--risk", *risk),
            Self::MaxJointCoverage { risk } => ("--max-joint-risk", *risk),
            Self::MinRisk { coverage } => ("--coverage", *coverage),
            Self::MinCost { accuracy, .. } => ("--accuracy", *accuracy),
        };
        if (0.0..=1.0).contains(&value) {
            Ok(self)
        } else {
            Err(CalibrateError::Range { name, value })
        }
    }

    /// Name on the command line; `max-joint-coverage` is what `--max-joint-risk` looks for.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MaxSystemAccuracy => "max-system-accuracy",
            Self::MaxCoverage { .. } => "max-coverage",
            Self::MaxJointCoverage { .. } => "max-joint-coverage",
            Self::MinRisk { .. } => "min-risk",
            Self::MaxMacroF1 => "max-macro-f1",
            Self::MinCost { .. } => "min-cost",
        }
    }

    /// The figure the goal is about, larger is better; `None` where the point does not meet the goal's condition.
    ///
    /// Shares lie in [0, 1]; the objective of `min-risk` is 1 − risk, that of `min-cost` minus the mean price.
    pub fn objective(&self, tally: &Tally, totals: &Totals) -> Option<f64> {
        let n = f64_from_u64(totals.n);
        let accepted = tally.accepted();
        let share = f64_from_u64(accepted) / n;
        let handled = f64_from_u64(handled(tally, totals));
        let wrong = f64_from_u64(accepted - tally.right);
        match self {
            Self::MaxSystemAccuracy => Some(handled / n),
            Self::MaxCoverage { risk } => (accepted > 0 && wrong <= risk * f64_from_u64(accepted)).then_some(share),
            Self::MaxJointCoverage { risk } => (wrong <= risk * n).then_some(share),
            Self::MinRisk { coverage } => {
                (accepted > 0 && f64_from_u64(accepted) >= coverage * n).then(|| 1.0 - wrong / f64_from_u64(accepted))
            }
            Self::MaxMacroF1 => macro_f1(tally, totals),
            Self::MinCost { accuracy, prices } => (handled >= accuracy * n)
                .then(|| prices.mean(tally, totals.n).map(|p| -p))
                .flatten(),
        }
    }

    /// The figure the goal is about in its own terms, whether or not the goal's condition is met; `None` where nothing lies
    /// under it.
    pub fn figure(&self, tally: &Tally, totals: &Totals) -> Option<f64> {
        match self {
            Self::MaxMacroF1 => macro_f1(tally, totals),
            Self::MinCost { prices, .. } => prices.mean(tally, totals.n),
            _ => self.figure_rate(tally, totals)?.value(),
        }
    }

    /// The same with its counts, where it is a rate.
    pub fn figure_rate(&self, tally: &Tally, totals: &Totals) -> Option<Rate> {
        match self {
            Self::MaxSystemAccuracy => Some(Rate::new(handled(tally, totals), totals.n)),
            Self::MaxCoverage { .. } | Self::MaxJointCoverage { .. } => Some(Rate::new(tally.accepted(), totals.n)),
            Self::MinRisk { .. } => Some(Rate::new(tally.accepted() - tally.right, tally.accepted())),
            Self::MaxMacroF1 | Self::MinCost { .. } => None,
        }
    }

    /// What [`figure`](Self::figure) is, and whether more of it is better.
    pub fn figure_name(&self) -> (&'static str, bool) {
        match self {
            Self::MaxSystemAccuracy => ("system accuracy", true),
            Self::MaxCoverage { .. } | Self::MaxJointCoverage { .. } => ("coverage", true),
            Self::MinRisk { .. } => ("selective risk", false),
            Self::MaxMacroF1 => ("macro F1", true),
            Self::MinCost { .. } => ("mean price", false),
        }
    }

    /// What the goal's condition is about, where it has one: a choice flatters this figure as much as the goal's own.
    pub fn condition(&self) -> Option<Condition> {
        let (name, limit, more_is_better) = match self {
            Self::MaxSystemAccuracy | Self::MaxMacroF1 => return None,
            Self::MaxCoverage { risk } => ("selective risk", *risk, false),
            Self::MaxJointCoverage { risk } => ("joint risk", *risk, false),
            Self::MinRisk { coverage } => ("coverage", *coverage, true),
            Self::MinCost { accuracy, .. } => ("system accuracy", *accuracy, true),
        };
        Some(Condition {
            name,
            limit,
            more_is_better,
        })
    }

    /// The figure that [`condition`](Self::condition) is about; `None` without one.
    pub fn condition_rate(&self, tally: &Tally, totals: &Totals) -> Option<Rate> {
        let wrong = tally.accepted() - tally.right;
        match self {
            Self::MaxSystemAccuracy | Self::MaxMacroF1 => None,
            Self::MaxCoverage { .. } => Some(Rate::new(wrong, tally.accepted())),
            Self::MaxJointCoverage { .. } => Some(Rate::new(wrong, totals.n)),
            Self::MinRisk { .. } => Some(Rate::new(tally.accepted(), totals.n)),
            Self::MinCost { .. } => Some(Rate::new(handled(tally, totals), totals.n)),
        }
    }

    /// The objective as an integer that orders points: equal figures computed in another order compare equal.
    pub(crate) fn key(&self, tally: &Tally, totals: &Totals) -> Option<i64> {
        self.objective(tally, totals).map(rounded)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "an objective is below 10^6 in size")]
fn rounded(objective: f64) -> i64 {
    (objective * COMPARED).round() as i64
}

/// A goal's condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Condition {
    /// What is limited.
    pub name: &'static str,
    /// The limit.
    pub limit: f64,
    /// Whether the limit is the least that will do; otherwise it is the most.
    pub more_is_better: bool,
}

/// Prompts handled right.
fn handled(tally: &Tally, totals: &Totals) -> u64 {
    tally.right + (totals.out_of_domain - tally.out_of_domain)
}

/// Mean of F1 = 2·tp / (support + predicted) over the classes with anything in either; routes, and fallback where
/// there are out-of-domain prompts.
pub(crate) fn macro_f1(tally: &Tally, totals: &Totals) -> Option<f64> {
    let f1 = |tp: u64, support: u64, predicted: u64| {
        (support + predicted > 0).then(|| 2.0 * f64_from_u64(tp) / f64_from_u64(support + predicted))
    };
    let routes = totals
        .support
        .iter()
        .zip(&tally.by_route)
        .zip(&tally.right_by_route)
        .filter_map(|((support, predicted), tp)| f1(*tp, *support, *predicted));
    let fallback = (totals.out_of_domain > 0)
        .then(|| {
            f1(
                totals.out_of_domain - tally.out_of_domain,
                totals.out_of_domain,
                totals.n - tally.accepted(),
            )
        })
        .flatten();
    // A sweep comes here a million times: nothing is collected.
    let (sum, classes) = routes
        .chain(fallback)
        .fold((0.0, 0.0), |(sum, classes), f1| (sum + f1, classes + 1.0));
    (classes > 0.0).then(|| sum / classes)
}
