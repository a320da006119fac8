//! Tokens of a call, how it was made and how sure the counts, and with them the costs, are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the token counts of an answer come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The server's own count, which is what is billed.
    Api,
    /// Estimated from the text.
    Estimated,
    /// Taken over from recorded data.
    Recorded,
    /// There are none.
    None,
}

/// How a call was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// One request, one answer.
    #[default]
    Sync,
    /// A provider's batch, at the batch price.
    Batch,
}

/// Token counts of one call, as OpenAI counts: `cached` and `cache_write` are parts of `input`, `reasoning` is a part of
/// `output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Tokens of the prompt, with system prompt and framing.
    pub input: u64,
    /// Of them, those read from the provider's cache.
    #[serde(default)]
    pub cached: u64,
    /// Of them, those written to it; some providers charge more for them.
    #[serde(default)]
    pub cache_write: u64,
    /// Tokens of the answer, with hidden reasoning.
    pub output: u64,
    /// Of them, those of hidden reasoning.
    #[serde(default)]
    pub reasoning: u64,
}
