//! Token counts to dollars.
//!
//! `cost = (input − cached)·p_in + cached·p_cached + (output − reasoning)·p_out + reasoning·p_reasoning`, where cached tokens
//! are a part of the input and reasoning tokens a part of the output, as OpenAI counts them. Counting either twice, or at the
//! wrong price, is the commonest mistake of cost reports.

use serde::{Deserialize, Serialize};

use super::ledger::{Usage, Via};
use crate::num::f64_from_u64;

const MILLION: f64 = 1e6;

/// Prices of one model, in US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// A token of the prompt.
    pub input: f64,
    /// A token of the prompt that comes from the provider's cache; as `input` where not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<f64>,
    /// A token of the answer.
    pub output: f64,
    /// A token of hidden reasoning; as `output` where not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<f64>,
    /// A token of the prompt in a batch; half of `input` where not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_input: Option<f64>,
    /// A token of the answer in a batch; half of `output` where not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_output: Option<f64>,
}

impl Price {
    /// Stated to cost nothing.
    pub const FREE: Self = Self {
        input: 0.0,
        cached_input: None,
        output: 0.0,
        reasoning: None,
        batch_input: None,
        batch_output: None,
    };

    /// What a call costs as billed.
    ///
    /// ```
    /// use routecal::replay::{Price, Usage, Via};
    ///
    /// let gpt_4o = Price { input: 2.5, cached_input: Some(1.25), output: 10.0, ..Price::FREE };
    /// let usage = Usage { input: 1000, cached: 800, output: 100, reasoning: 0 };
    /// // 200 × 2.5 + 800 × 1.25 + 100 × 10, a million of each.
    /// assert!((gpt_4o.cost(&usage, Via::Sync) - 0.0025).abs() < 1e-15);
    /// assert!((gpt_4o.list_cost(&usage, Via::Sync) - 0.0035).abs() < 1e-15);
    /// ```
    pub fn cost(&self, usage: &Usage, via: Via) -> f64 {
        let cached = usage.cached.min(usage.input);
        let reasoning = usage.reasoning.min(usage.output);
        let (input, output) = self.rates(via);
        // A batch is discounted as a whole: its tokens have no cache price of their own.
        let cached_rate = match via {
            Via::Sync => self.cached_input.unwrap_or(input),
            Via::Batch => input,
        };
        let reasoning_rate = match via {
            Via::Sync => self.reasoning.unwrap_or(output),
            Via::Batch => output,
        };
        (f64_from_u64(usage.input - cached) * input
            + f64_from_u64(cached) * cached_rate
            + f64_from_u64(usage.output - reasoning) * output
            + f64_from_u64(reasoning) * reasoning_rate)
            / MILLION
    }

    /// What the call would cost without the provider's cache.
    pub fn list_cost(&self, usage: &Usage, via: Via) -> f64 {
        self.cost(&Usage { cached: 0, ..*usage }, via)
    }

    /// The most that a call can cost which sends at most `input` tokens and may answer with `output`.
    pub fn worst_case(&self, input: u64, output: u64, via: Via) -> f64 {
        let (input_rate, output_rate) = self.rates(via);
        // A cached token that costs more than a plain one, or reasoning that costs more than an answer, is unusual and
        // possible.
        let (input_rate, output_rate) = match via {
            Via::Sync => (
                self.cached_input.map_or(input_rate, |c| c.max(input_rate)),
                self.reasoning.map_or(output_rate, |r| r.max(output_rate)),
            ),
            Via::Batch => (input_rate, output_rate),
        };
        (f64_from_u64(input) * input_rate + f64_from_u64(output) * output_rate) / MILLION
    }

    fn rates(&self, via: Via) -> (f64, f64) {
        match via {
            Via::Sync => (self.input, self.output),
            Via::Batch => (
                self.batch_input.unwrap_or(self.input / 2.0),
                self.batch_output.unwrap_or(self.output / 2.0),
            ),
        }
    }
}
