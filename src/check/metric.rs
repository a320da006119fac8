//! The figures that can be gated.

use std::fmt;

use super::comparison::Direction;
use super::pairing::Outcome;
use crate::error::nearest;

/// A figure of a router, as a share of rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Right route accepted, or out-of-domain sent to fallback, over all.
    SystemAccuracy,
    /// Best route right, over in-domain.
    ForcedChoiceAccuracy,
    /// Accepted over all.
    Coverage,
    /// Right over accepted.
    SelectiveAccuracy,
    /// Out-of-domain accepted over out-of-domain.
    FalseAcceptRate,
    /// Accepted by this route over belonging to it.
    Recall(String),
}

/// Label of a prompt that belongs to no route.
pub(super) const NONE: &str = "none";

impl Metric {
    /// The names without a route, as in `gates.json`.
    pub const NAMES: [&'static str; 6] = [
        "system_accuracy",
        "forced_choice_accuracy",
        "coverage",
        "selective_accuracy",
        "false_accept_rate",
        "recall",
    ];

    /// The metric of that name: one of [`Metric::NAMES`], or `recall.ROUTE`. `recall` alone stands for each of `routes`.
    ///
    /// ```
    /// use routecal::check::Metric;
    ///
    /// let routes = ["coding".to_owned(), "creative".to_owned()];
    /// assert_eq!(Metric::named("coverage", &routes), Ok(vec![Metric::Coverage]));
    /// assert_eq!(Metric::named("recall", &routes).map(|m| m.len()), Ok(2));
    /// assert_eq!(Metric::named("covrage", &routes), Err(Some("coverage".into())));
    /// ```
    ///
    /// # Errors
    /// Where no metric has the name: the nearest that there is, if one is near.
    pub fn named(name: &str, routes: &[String]) -> Result<Vec<Self>, Option<String>> {
        let all = || routes.iter().cloned().map(Self::Recall).collect();
        Ok(match name {
            "system_accuracy" => vec![Self::SystemAccuracy],
            "forced_choice_accuracy" => vec![Self::ForcedChoiceAccuracy],
            "coverage" => vec![Self::Coverage],
            "selective_accuracy" => vec![Self::SelectiveAccuracy],
            "false_accept_rate" => vec![Self::FalseAcceptRate],
            "recall" => all(),
            _ => {
                let route = name
                    .strip_prefix("recall.")
                    .filter(|r| routes.iter().any(|known| known == r));
                let Some(route) = route else {
                    let names: Vec<String> = (Self::NAMES.iter().map(|n| (*n).to_owned()))
                        .chain(routes.iter().map(|r| format!("recall.{r}")))
                        .collect();
                    return Err(nearest(name, names.iter().map(String::as_str)).map(str::to_owned));
                };
                vec![Self::Recall(route.to_owned())]
            }
        })
    }

    /// Which way is better.
    pub fn direction(&self) -> Direction {
        match self {
            Self::SystemAccuracy | Self::ForcedChoiceAccuracy | Self::SelectiveAccuracy | Self::Recall(_) => {
                Direction::HigherIsBetter
            }
            Self::FalseAcceptRate => Direction::LowerIsBetter,
            Self::Coverage => Direction::TwoSided,
        }
    }

    /// Whether a row with this label and outcome is a hit; `None` where it is not under the figure.
    pub fn hit(&self, label: &str, outcome: &Outcome) -> Option<bool> {
        let inside = label != NONE;
        let accepted = outcome.accepted();
        match self {
            Self::SystemAccuracy => Some(outcome.right(label)),
            Self::ForcedChoiceAccuracy => inside.then(|| outcome.best == label),
            Self::Coverage => Some(accepted),
            Self::SelectiveAccuracy => accepted.then(|| outcome.right(label)),
            Self::FalseAcceptRate => (!inside).then_some(accepted),
            Self::Recall(route) => (label == route).then(|| outcome.right(label)),
        }
    }

    /// What lies under the figure, for messages.
    pub fn under(&self) -> String {
        match self {
            Self::SystemAccuracy | Self::Coverage => "prompts".into(),
            Self::ForcedChoiceAccuracy => "in-domain prompts".into(),
            Self::SelectiveAccuracy => "accepted prompts".into(),
            Self::FalseAcceptRate => "out-of-domain prompts".into(),
            Self::Recall(route) => format!("prompts of route {route}"),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SystemAccuracy => "system_accuracy",
            Self::ForcedChoiceAccuracy => "forced_choice_accuracy",
            Self::Coverage => "coverage",
            Self::SelectiveAccuracy => "selective_accuracy",
            Self::FalseAcceptRate => "false_accept_rate",
            Self::Recall(route) => return write!(f, "recall.{route}"),
        })
    }
}
