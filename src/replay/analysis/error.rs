//! Why policies cannot be compared.

use crate::error::{ErrorClass, Hint, nearest};

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// No prompt has a scored answer and a cost from every model.
    #[error("no prompt is complete: of {prompts} prompts {causes}")]
    NothingComplete {
        /// Prompts there are.
        prompts: u64,
        /// Causes and counts, in words.
        causes: String,
        /// Whether all that is missing is grades.
        ungraded: bool,
        /// Whether all that is missing is costs.
        no_cost: bool,
    },
    /// There are no prompts.
    #[error("there are no prompts to compare policies on")]
    NoPrompts,
    /// A model was named that no answer is from.
    #[error("no answers of the model \"{model}\"")]
    UnknownModel {
        /// The model.
        model: String,
        /// What it was named for.
        wanted_for: &'static str,
        /// The models there are.
        present: Vec<String>,
    },
    /// A router names no decision for some prompts.
    #[error("{source_name} has no row for {missing} of {prompts} prompts, {first} the first")]
    NotRouted {
        /// The file.
        source_name: String,
        /// How many.
        missing: usize,
        /// Of how many.
        prompts: usize,
        /// Id of the first.
        first: String,
    },
}

impl Hint for AnalysisError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NothingComplete { ungraded: true, .. } => {
                Some("grade the answers first: routecal replay grade --grader exact, say".into())
            }
            Self::NothingComplete { no_cost: true, .. } => Some(
                "policies are compared by cost: record one for every answer, or give --price MODEL=USD, dollars for one prompt"
                    .into(),
            ),
            Self::NothingComplete { .. } => {
                Some("see which model fails, and collect its answers again; --model NAME leaves the others out".into())
            }
            Self::NoPrompts => Some("try --split all".into()),
            Self::UnknownModel {
                model,
                wanted_for,
                present,
            } => {
                let near = nearest(model, present.iter().map(String::as_str))
                    .map_or_else(String::new, |near| format!("the nearest is \"{near}\"; "));
                let map = if *wanted_for == "the router" {
                    format!("; --map \"{model}=NAME\" says which of them stands for it")
                } else {
                    String::new()
                };
                Some(format!("{near}the models are {}{map}", present.join(", ")))
            }
            Self::NotRouted { .. } => Some("the router has to be asked about the same prompts".into()),
        }
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Input
    }
}
