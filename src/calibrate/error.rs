//! Why no operating point can be chosen.

use crate::error::{ErrorClass, Hint};

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrateError {
    /// A number of a goal is out of range.
    #[error("{name} {value} is not within 0 and 1")]
    Range {
        /// The flag.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// A risk or a confidence at which nothing can be certified, or anything.
    #[error("{name} {value} is not between 0 and 1")]
    OpenRange {
        /// The flag.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// The calibration rows are too few, or too often wrong, for a certificate.
    #[error("no thresholds can be certified: {why}")]
    NotCertified {
        /// What was found.
        why: String,
        /// What would do.
        advice: String,
    },
    /// Too few prompts for a cross-validation.
    #[error("{distinct} distinct prompts in split {split} cannot make {folds} folds")]
    TooFewForFolds {
        /// The split.
        split: String,
        /// Distinct prompts in it.
        distinct: u64,
        /// What was asked for.
        folds: usize,
    },
    /// No operating point meets the goal's condition on the calibration rows.
    #[error("no thresholds reach {wanted} on the {n} calibration prompts; the best is {best}")]
    Unreachable {
        /// The condition.
        wanted: String,
        /// What can be had.
        best: String,
        /// Number of calibration prompts.
        n: usize,
    },
    /// A model in use has no price.
    #[error("no price for the model \"{model}\"")]
    NoPrice {
        /// The model.
        model: String,
    },
    /// A price is negative, infinite or not a number.
    #[error("the price of \"{model}\" is {price}; a price is a number of at least 0")]
    BadPrice {
        /// The model.
        model: String,
        /// What was given.
        price: f64,
    },
}

impl Hint for CalibrateError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Range { name, .. } => Some(format!("{name} is a share: five in a hundred is 0.05")),
            Self::OpenRange { name, .. } => Some(format!(
                "a share such as 0.05 or 0.95: {name} 0 or 1 can never be shown"
            )),
            Self::NotCertified { advice, .. } => Some(advice.clone()),
            Self::TooFewForFolds { distinct, .. } => Some(if *distinct < 2 {
                "leave out --cross-validate, or label more prompts".into()
            } else {
                format!("give --cross-validate {distinct} at most")
            }),
            Self::BadPrice { model, .. } => Some(format!("write --price {model}=0.004, say")),
            Self::Unreachable { .. } => Some(
                "ask for less, or give the routes more and better examples: thresholds alone cannot mend them".into(),
            ),
            Self::NoPrice { model } => Some(format!(
                "add --price {model}=PRICE (price of one prompt), or \"prices\" in routes.json"
            )),
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Unreachable { .. } => ErrorClass::Unmet,
            Self::NotCertified { .. } => ErrorClass::Inconclusive,
            _ => ErrorClass::Input,
        }
    }
}
