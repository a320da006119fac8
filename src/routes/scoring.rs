//! How a prompt is scored against a route's examples: a choice in routes.json.

use std::fmt;
use std::str::FromStr;

/// The scoring rules, for messages and help.
pub const SCORING_RULES: &str =
    "centroid, max-example, mean-top:K, mean-nearest:K, medoids:K, logistic, logistic:C, logistic+ood, logistic+ood:C";

/// Highest K of a rule.
const MOST: usize = 1000;

/// What a prompt's score for a route is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Scoring {
    /// Cosine to the mean of the route's examples.
    #[default]
    Centroid,
    /// Highest cosine to any of its examples.
    MaxExample,
    /// Mean of the `K` highest cosines to its examples, or of all where it has fewer.
    MeanTop(usize),
    /// Mean of the cosines to those of its examples that are among the `K` nearest of all routes' examples (of equally near ones the
    /// earlier), 0 where none is: `IndexedRouter` of semantic-router, which calls it the mean of the `top_k` utterances.
    MeanNearest(usize),
    /// Highest cosine to any of the `K` examples that stand for the others best (the medoids).
    Medoids(usize),
    /// Probability of the route by a multinomial logistic regression fitted on all routes' examples, with the inverse of the
    /// penalty's weight (`C` of scikit-learn).
    Logistic(f64),
    /// As [`Scoring::Logistic`], with the out-of-domain examples as a class of their own: a score is a route's share of all
    /// classes, so it is low for a prompt of none.
    LogisticOod(f64),
}

impl Scoring {
    /// Whether a score is a cosine; else it is a probability.
    pub fn is_cosine(self) -> bool {
        !matches!(self, Self::Logistic(_) | Self::LogisticOod(_))
    }

    /// Whether it learns from examples of no route.
    pub fn needs_out_of_domain(self) -> bool {
        matches!(self, Self::LogisticOod(_))
    }
}

impl fmt::Display for Scoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Centroid => f.write_str("centroid"),
            Self::MaxExample => f.write_str("max-example"),
            Self::MeanTop(k) => write!(f, "mean-top:{k}"),
            Self::MeanNearest(k) => write!(f, "mean-nearest:{k}"),
            Self::Medoids(k) => write!(f, "medoids:{k}"),
            Self::Logistic(1.0) => f.write_str("logistic"),
            Self::Logistic(c) => write!(f, "logistic:{c}"),
            Self::LogisticOod(1.0) => f.write_str("logistic+ood"),
            Self::LogisticOod(c) => write!(f, "logistic+ood:{c}"),
        }
    }
}

impl FromStr for Scoring {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, argument) = text.split_once(':').map_or((text, None), |(n, a)| (n, Some(a)));
        let count = || {
            let count = argument.and_then(|a| a.parse().ok());
            let valid = count.filter(|k| (1..=MOST).contains(k));
            valid.ok_or_else(|| format!("{name} takes a number from 1 to {MOST}, such as {name}:3"))
        };
        let penalty = || {
            let c = argument.map_or(Some(1.0), |a| a.parse::<f64>().ok());
            let valid = c.filter(|c| c.is_finite() && *c > 0.0);
            valid.ok_or_else(|| format!("{name} takes a number above 0, such as {name}:10"))
        };
        match (name, argument) {
            ("centroid", None) => Ok(Self::Centroid),
            ("max-example", None) => Ok(Self::MaxExample),
            ("mean-top", _) => count().map(Self::MeanTop),
            ("mean-nearest", _) => count().map(Self::MeanNearest),
            ("medoids", _) => count().map(Self::Medoids),
            ("logistic", _) => penalty().map(Self::Logistic),
            ("logistic+ood", _) => penalty().map(Self::LogisticOod),
            _ => Err(format!("\"{text}\" is no scoring rule; there are {SCORING_RULES}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_named_as_it_is_asked_for() {
        for text in [
            "centroid",
            "max-example",
            "mean-top:3",
            "mean-nearest:5",
            "medoids:2",
            "logistic",
            "logistic:10",
            "logistic+ood",
            "logistic+ood:0.5",
        ] {
            assert_eq!(text.parse::<Scoring>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "mean",
            "mean-top",
            "mean-top:0",
            "mean-nearest",
            "mean-nearest:1001",
            "medoids:x",
            "logistic:0",
            "logistic:-1",
            "centroid:1",
            "logistic:NaN",
            "logistic+ood:0",
            "logistic+out",
        ] {
            assert!(text.parse::<Scoring>().is_err(), "{text}");
        }
    }
}
