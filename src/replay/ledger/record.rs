//! One line of `responses.jsonl`: the outcome of one attempt to fill one cell of the matrix.
//!
//! The prompt itself is not in it, only its id and hash; the answer is, since it is what gets graded.

use serde::{Deserialize, Serialize};

use crate::replay::{Usage, UsageSource, Via};

/// Version of [`Record`]; a line of a later one is refused. From 2 on a line has a checksum.
pub const RECORD_VERSION: u32 = 2;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// An answer came back; it may still be empty, cut short or a refusal.
    Ok,
    /// It failed, and nothing was billed.
    Error,
    /// Nobody knows: it was sent and no answer came back, so it may have been billed. The worst case counts as spent.
    BudgetUnknown,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`RECORD_VERSION`].
    pub v: u32,
    /// Names the cell: a hash of provider, model, messages, parameters and sample. Retries, limits, key and address are
    /// not in it.
    pub key: String,
    /// The prompt's id in `prompts.jsonl`.
    pub prompt_id: String,
    /// Hash of the prompt's text.
    pub prompt_sha256: String,
    /// Label of the provider.
    pub provider: String,
    /// Model, as routes.json names it.
    pub model: String,
    /// Model that the server says has answered.
    pub model_returned: Option<String>,
    /// Hash of the parameters that were sent.
    pub params_sha256: String,
    /// Which of several answers to one prompt, from 0.
    pub sample: u32,
    /// Which attempt at the cell, from 1; it counts on when a run is resumed.
    pub attempt: u32,
    /// How it ended.
    pub status: Status,
    /// HTTP status, where there was an answer at all.
    pub http_status: Option<u16>,
    /// Kind of error, such as `rate_limited`; `None` where `status` is ok.
    pub error_kind: Option<String>,
    /// What the server says, shortened, without the key.
    #[serde(default)]
    pub error_message: Option<String>,
    /// The provider's id of the request, for its support.
    #[serde(default)]
    pub request_id: Option<String>,
    /// From sending to the last byte of the answer.
    pub latency_ms: Option<f64>,
    /// Why the model stopped, as the server spells it: `stop`, `length`, `content_filter`.
    pub finish_reason: Option<String>,
    /// The answer.
    pub content: Option<String>,
    /// The model's refusal, where it sends one apart from the answer.
    pub refusal: Option<String>,
    /// Token counts.
    pub usage: Option<Usage>,
    /// Where they come from.
    pub usage_source: UsageSource,
    /// What the call costs as billed, in dollars.
    pub cost_usd: Option<f64>,
    /// What it would cost if no token came from the provider's cache: comparable between policies, which the billed
    /// cost is not, since the cache favours whoever asks last.
    pub cost_list_usd: Option<f64>,
    /// Worst case of an attempt whose cost is not known; counted as spent.
    #[serde(default)]
    pub reserved_usd: Option<f64>,
    /// Which price was used.
    pub price_id: Option<String>,
    /// How it was asked.
    #[serde(default)]
    pub via: Via,
}

impl Record {
    /// Whether it fills its cell.
    pub fn is_answer(&self) -> bool {
        self.status == Status::Ok
    }

    /// Dollars that count against a budget: the billed cost, or the worst case where that is not known.
    pub fn charged_usd(&self) -> f64 {
        self.cost_usd.or(self.reserved_usd).unwrap_or(0.0)
    }
}
