//! Token counts to dollars.
//!
//! `cost = (input − cached − written)·p_in + cached·p_cached + written·p_write + (output − reasoning)·p_out +
//! reasoning·p_reasoning`, where the tokens read from and written to the cache are a part of the input and the reasoning
//! tokens a part of the output, as OpenAI counts them. Counting one of them twice, or at the wrong price, is the commonest
//! mistake of cost reports. A batch costs half as much, as a rule.

mod table;

pub use table::{PriceError, PriceTable};

use serde::{Deserialize, Serialize};

use super::{Usage, Via};
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
    /// A token of the prompt that is written to the cache; as `input` where not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
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
        cache_write: None,
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
    /// let usage = Usage { input: 1000, cached: 800, output: 100, ..Usage::default() };
    /// // 200 × 2.5 + 800 × 1.25 + 100 × 10, a million of each.
    /// assert!((gpt_4o.cost(&usage, Via::Sync) - 0.0025).abs() < 1e-15);
    /// assert!((gpt_4o.list_cost(&usage, Via::Sync) - 0.0035).abs() < 1e-15);
    /// ```
    pub fn cost(&self, usage: &Usage, via: Via) -> f64 {
        let rates = self.rates(via);
        let cached = usage.cached.min(usage.input);
        let written = usage.cache_write.min(usage.input - cached);
        let reasoning = usage.reasoning.min(usage.output);
        [
            (usage.input - cached - written, rates.input),
            (cached, rates.cached),
            (written, rates.written),
            (usage.output - reasoning, rates.output),
            (reasoning, rates.reasoning),
        ]
        .into_iter()
        .map(|(tokens, rate)| f64_from_u64(tokens) * rate)
        .sum::<f64>()
            / MILLION
    }

    /// What the call would cost if the provider had no cache.
    pub fn list_cost(&self, usage: &Usage, via: Via) -> f64 {
        let uncached = Usage {
            cached: 0,
            cache_write: 0,
            ..*usage
        };
        self.cost(&uncached, via)
    }

    /// The most that a call can cost which sends at most `input` tokens and may answer with `output`.
    ///
    /// ```
    /// use routecal::replay::{Price, Via};
    ///
    /// let price = Price { input: 2.0, cache_write: Some(2.5), output: 10.0, ..Price::FREE };
    /// assert!((price.worst_case(1000, 500, Via::Sync) - 0.0075).abs() < 1e-15);
    /// assert!((price.worst_case(1000, 500, Via::Batch) - 0.00375).abs() < 1e-15);
    /// ```
    pub fn worst_case(&self, input: u64, output: u64, via: Via) -> f64 {
        let rates = self.rates(via);
        let input_rate = rates.input.max(rates.cached).max(rates.written);
        let output_rate = rates.output.max(rates.reasoning);
        (f64_from_u64(input) * input_rate + f64_from_u64(output) * output_rate) / MILLION
    }

    /// Whether it is stated that nothing is paid for anything.
    pub fn is_free(&self) -> bool {
        self.worst_case(1, 1, Via::Sync) == 0.0 && self.worst_case(1, 1, Via::Batch) == 0.0
    }

    /// What is wrong with the numbers, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        let numbers = [
            ("input", Some(self.input)),
            ("cached_input", self.cached_input),
            ("cache_write", self.cache_write),
            ("output", Some(self.output)),
            ("reasoning", self.reasoning),
            ("batch_input", self.batch_input),
            ("batch_output", self.batch_output),
        ];
        numbers
            .into_iter()
            .filter_map(|(name, number)| Some((name, number?)))
            .find(|(_, number)| !(number.is_finite() && *number >= 0.0))
            .map(|(name, number)| format!("a price is a number of at least 0, and {name} is {number}"))
    }

    fn rates(&self, via: Via) -> Rates {
        let full = Rates {
            input: self.input,
            cached: self.cached_input.unwrap_or(self.input),
            written: self.cache_write.unwrap_or(self.input),
            output: self.output,
            reasoning: self.reasoning.unwrap_or(self.output),
        };
        match via {
            Via::Sync => full,
            Via::Batch => Rates {
                input: self.batch_input.unwrap_or(full.input / 2.0),
                cached: full.cached / 2.0,
                written: full.written / 2.0,
                output: self.batch_output.unwrap_or(full.output / 2.0),
                reasoning: full.reasoning / 2.0,
            },
        }
    }
}

/// Dollars per million tokens of each kind.
struct Rates {
    input: f64,
    cached: f64,
    written: f64,
    output: f64,
    reasoning: f64,
}

/// Dollars with as many digits as small amounts need.
pub(crate) fn usd(amount: f64) -> String {
    if amount >= 1.0 || amount == 0.0 {
        format!("${amount:.2}")
    } else {
        format!("${amount:.6}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price = Price {
        input: 2.0,
        cached_input: Some(0.2),
        cache_write: Some(2.5),
        output: 10.0,
        reasoning: Some(12.0),
        batch_input: None,
        batch_output: Some(4.0),
    };

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-15
    }

    #[test]
    fn every_token_is_counted_once_at_its_own_price() {
        let usage = Usage {
            input: 1000,
            cached: 600,
            cache_write: 100,
            output: 200,
            reasoning: 150,
        };
        // 300·2 + 600·0.2 + 100·2.5 + 50·10 + 150·12 = 3270
        assert!(near(PRICE.cost(&usage, Via::Sync), 3270e-6));
        // 1000·2 + 50·10 + 150·12 = 4300
        assert!(near(PRICE.list_cost(&usage, Via::Sync), 4300e-6));
        // 300·1 + 600·0.1 + 100·1.25 + 50·4 + 150·6 = 1585
        assert!(near(PRICE.cost(&usage, Via::Batch), 1585e-6));
    }

    #[test]
    fn a_server_whose_parts_exceed_the_whole_costs_no_more_than_the_worst_case() {
        let usage = Usage {
            input: 10,
            cached: 50,
            cache_write: 50,
            output: 5,
            reasoning: 99,
        };
        assert!(PRICE.cost(&usage, Via::Sync) <= PRICE.worst_case(10, 5, Via::Sync));
    }

    #[test]
    fn free_is_what_says_so() {
        assert!(Price::FREE.is_free());
        let only_writing = Price {
            cache_write: Some(1.0),
            ..Price::FREE
        };
        assert!(!only_writing.is_free());
        assert!(only_writing.problem().is_none());
        let negative = Price {
            output: -1.0,
            ..Price::FREE
        };
        assert!(negative.problem().unwrap().contains("output is -1"));
    }
}
