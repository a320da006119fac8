//! Why answers could not be collected, or not all of them.

use crate::endpoint::EndpointProblem;
use crate::error::{ErrorClass, Hint};
use crate::replay::ledger::LedgerError;
use crate::replay::models::{ModelSpec, ModelsError};

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    /// The models cannot be asked as they are described.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The run's files cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Address or key of a model cannot be.
    #[error("model \"{model}\": {message}")]
    Endpoint {
        /// Name of the model.
        model: String,
        /// What is wrong.
        message: String,
        /// What to set.
        hint: String,
    },
    /// Models without a price, in a run that is paid for.
    #[error("no price is known of {}, so no budget can hold", models.join(", "))]
    NoPrice {
        /// Their names.
        models: Vec<String>,
    },
    /// A run that costs money needs a cap.
    #[error("this run may cost up to {} and has no budget", crate::replay::pricing::usd(*worst_usd))]
    NoBudget {
        /// The most that its open calls can cost.
        worst_usd: f64,
    },
    /// The cap is no amount.
    #[error("a budget is an amount in dollars of at least 0, not {usd}")]
    BadBudget {
        /// What was given.
        usd: f64,
    },
    /// A prompt so long that providers may charge other prices.
    #[error(
        "prompt {prompt_id} has {bytes} bytes: from about 200,000 tokens on providers charge prices that are not known here"
    )]
    TooLong {
        /// Id of the prompt.
        prompt_id: String,
        /// Its length with the system prompt.
        bytes: u64,
    },
    /// Nothing may be asked, and something is missing.
    #[error("{missing} of {total} answers are not there, and --offline allows no call")]
    Missing {
        /// Cells without an answer.
        missing: u64,
        /// All cells.
        total: u64,
    },
    /// The network cannot be used at all.
    #[error("cannot make a client: {message}")]
    Client {
        /// What the library says.
        message: String,
    },
    /// Calls of OpenAI's Batch API failed.
    #[error("the Batch API: {}", failures.join("; "))]
    Batch {
        /// Model and failure of each.
        failures: Vec<String>,
    },
    /// Batches are only there on the provider's side.
    #[error("--batch asks the provider, and --offline allows no connection")]
    BatchOffline,
    /// Every model was given up before it answered anything.
    #[error("no model answers: {}", reasons.join("; "))]
    NoAnswers {
        /// Model and reason of each.
        reasons: Vec<String>,
        /// The command that goes on.
        resume: String,
    },
    /// Ended with cells that have no answer.
    #[error("{missing} of {total} answers are missing: {reason}")]
    Incomplete {
        /// Cells without an answer.
        missing: u64,
        /// All cells.
        total: u64,
        /// Why it ended.
        reason: String,
        /// The command that goes on.
        resume: String,
    },
    /// Stopped by Ctrl-C.
    #[error("interrupted with {answered} of {total} answers")]
    Interrupted {
        /// Cells with an answer.
        answered: u64,
        /// All cells.
        total: u64,
        /// The command that goes on.
        resume: String,
    },
}

impl CollectError {
    /// A problem with address or key, in the words of models.toml.
    pub(super) fn endpoint(model: &ModelSpec, problem: EndpointProblem) -> Self {
        let variable = model.api_key_env.as_deref().unwrap_or("OPENAI_API_KEY");
        let (message, hint) = match problem {
            EndpointProblem::NoAddress => (
                "the base URL is no http(s) address".into(),
                "set base_url (or --openai-base-url) to an address such as http://127.0.0.1:8080/v1".into(),
            ),
            EndpointProblem::Credentials => (
                "the base URL holds a user name, a password or a query".into(),
                "take it out of the address and name the variable with the key in models.toml: api_key_env = \"…\""
                    .into(),
            ),
            EndpointProblem::Clear(host) => (
                format!("the key would travel in clear to {host}"),
                "use an https address; --allow-http sends it all the same".into(),
            ),
            EndpointProblem::NoKey => (
                format!("no key for {}", model.base_url),
                format!("set the environment variable {variable}"),
            ),
            EndpointProblem::BadKey => (
                format!("the key in {variable} holds a character that no HTTP header can carry"),
                format!("set {variable} again, without spaces or line breaks"),
            ),
        };
        Self::Endpoint {
            model: model.name.clone(),
            message,
            hint,
        }
    }
}

impl Hint for CollectError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Models(e) => e.hint(),
            Self::Ledger(e) => e.hint(),
            Self::Endpoint { hint, .. } => Some(hint.clone()),
            Self::NoPrice { models } => Some(format!(
                "state it in models.toml: price = {{ input = 0.15, output = 0.60 }} for \"{}\" (dollars per million tokens; 0 \
                 is free), or name a file: --prices FILE",
                models.first().map_or("", String::as_str)
            )),
            Self::NoBudget { worst_usd } => Some(format!(
                "allow what you are ready to pay: --max-usd {:.2}; --dry-run shows what it is made of",
                (worst_usd * 100.0).ceil() / 100.0
            )),
            Self::BadBudget { .. } => Some("--max-usd 5".into()),
            Self::TooLong { .. } => Some("take the prompt out of the dataset".into()),
            Self::Missing { .. } => {
                Some("run it without --offline (and without ROUTECAL_OFFLINE) to ask for them".into())
            }
            Self::Client { .. } => None,
            Self::Batch { .. } => Some("what is recorded is kept: mend that, then run the same command again".into()),
            Self::BatchOffline => Some("run it without --offline (and without ROUTECAL_OFFLINE)".into()),
            Self::NoAnswers { resume, .. } => Some(format!("mend that, then go on with: {resume}")),
            Self::Incomplete { resume, .. } | Self::Interrupted { resume, .. } => {
                Some(format!("what is answered is kept; go on with: {resume}"))
            }
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Models(e) => e.class(),
            Self::Ledger(e) => e.class(),
            Self::Endpoint { .. }
            | Self::NoPrice { .. }
            | Self::NoBudget { .. }
            | Self::BadBudget { .. }
            | Self::TooLong { .. }
            | Self::BatchOffline => ErrorClass::Input,
            Self::Client { .. } | Self::Batch { .. } | Self::NoAnswers { .. } => ErrorClass::Environment,
            Self::Missing { .. } | Self::Incomplete { .. } => ErrorClass::Partial,
            Self::Interrupted { .. } => ErrorClass::Interrupted,
        }
    }
}
