//! Whom to ask: the models of a run, with address, key variable, parameters, price and limits.

use serde_json::{Map, Value};

use super::pricing::Price;

/// One model of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// As routes.json names it.
    pub name: String,
    /// Label of the provider; part of what names a cell.
    pub provider: String,
    /// Model name that is sent.
    pub model: String,
    /// Address up to and without `/chat/completions`.
    pub base_url: String,
    /// Environment variable with the key; nothing for a server that wants none.
    pub api_key_env: Option<String>,
    /// What is sent beside model and messages, `max_completion_tokens` among it.
    pub parameters: Map<String, Value>,
    /// Price and where it comes from; a model without one can only be asked where nobody is paid.
    pub price: Option<(Price, String)>,
    /// Requests a minute.
    pub rpm: Option<u32>,
    /// Tokens a minute, counted as providers do: input and the most that may come out.
    pub tpm: Option<u32>,
    /// Requests in flight at once, at the most.
    pub concurrency: u16,
}
