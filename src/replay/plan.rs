//! Which calls a run is made of, in which order, and the most that each can cost.
//!
//! A call's input is bounded by the bytes of its messages: tokenizers of the byte-pair kind give no token to less than a byte
//! of text, so there are never more tokens than bytes, and some for the framing. That is three to four times what English
//! comes to, but a bound; what the call did cost takes its place as soon as it is known.

use serde_json::{Value, json};

use super::Via;
use super::client::{body, messages};
use super::models::{ModelSpec, canonical};
use crate::assets::sha256_hex;
use crate::stats::{Purpose, stream};

/// Tokens for the framing of a call: roles, separators, a chat template's own words.
const FRAMING: u64 = 64;
/// Bytes from which on providers may charge more for a token ("above 200k"), which the prices here do not know.
pub const LONG_CONTEXT: u64 = 200_000;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Names it in the ledger.
    pub id: String,
    /// Hash of the text.
    pub sha256: String,
    /// The text.
    pub text: String,
    /// The system prompt that goes with it; empty for none.
    pub system_prompt: String,
    /// Answers that are wanted from each model.
    pub samples: u32,
}

/// One call of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Names its cell.
    pub key: String,
    /// Index of the question.
    pub question: usize,
    /// Index of the model.
    pub model: usize,
    /// Which of several answers.
    pub sample: u32,
    /// Most tokens that are sent.
    pub input_bound: u64,
    /// Tokens that are sent, as far as can be told without a tokenizer: four bytes each.
    pub input_guess: u64,
}

/// Every call of a run, in the order in which they are made.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The questions.
    pub questions: Vec<Question>,
    /// The models.
    pub models: Vec<ModelSpec>,
    /// The calls.
    pub calls: Vec<Call>,
}

impl Plan {
    /// Every question × model × sample. Questions come in a random order of `seed`; all models of a question come together,
    /// each model first as often as the others, so that a run which is stopped early still compares models on the same
    /// questions.
    pub fn new(questions: Vec<Question>, models: Vec<ModelSpec>, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..questions.len()).collect();
        stream(seed, Purpose::Order, 0).shuffle(&mut order);
        let samples = questions.iter().map(|q| q.samples).max().unwrap_or_default();
        let mut calls = Vec::new();
        for sample in 0..samples {
            for (turn, &question) in order.iter().filter(|q| questions[**q].samples > sample).enumerate() {
                let messages = messages(&questions[question].system_prompt, &questions[question].text);
                let bytes = bytes_of(&messages);
                for i in 0..models.len() {
                    let model = (turn + i) % models.len();
                    calls.push(Call {
                        key: key(&models[model], &messages, sample),
                        question,
                        model,
                        sample,
                        input_bound: bytes + FRAMING,
                        input_guess: bytes / 4 + 8,
                    });
                }
            }
        }
        Self {
            questions,
            models,
            calls,
        }
    }

    /// The most that a call can cost; `None` where its model has no price.
    pub fn worst_usd(&self, call: &Call, via: Via) -> Option<f64> {
        let model = &self.models[call.model];
        let (price, _) = model.price.as_ref()?;
        Some(price.worst_case(call.input_bound, model.max_output, via))
    }

    /// The body of a call.
    pub(super) fn body(&self, call: &Call) -> Value {
        let question = &self.questions[call.question];
        body(
            &self.models[call.model],
            &messages(&question.system_prompt, &question.text),
        )
    }
}

fn bytes_of(messages: &Value) -> u64 {
    let list = messages.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|m| m["content"].as_str().map_or(0, |text| text.len() as u64 + 16))
        .sum()
}

/// Names a cell by everything that its answer depends on.
fn key(model: &ModelSpec, messages: &Value, sample: u32) -> String {
    let content = json!({
        "v": 1,
        "provider": model.provider,
        "name": model.name,
        "model": model.model,
        "messages": messages,
        "parameters": model.parameters,
        "sample": sample,
    });
    sha256_hex(canonical(&content).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::models::{Defaults, resolve};

    fn question(text: &str, samples: u32) -> Question {
        Question {
            id: "2".into(),
            sha256: sha256_hex(text.as_bytes()),
            text: text.into(),
            system_prompt: "s".into(),
            samples,
        }
    }

    fn plan(n: usize, samples: u32, seed: u64) -> Plan {
        let questions = (0..n).map(|i| question(&format!("prompt {i}"), samples)).collect();
        let names = ["gpt-4o".to_owned(), "gpt-4o-mini".to_owned(), "gpt-4.1".to_owned()];
        Plan::new(
            questions,
            resolve(None, &names, &[], None, &Defaults::default()).unwrap(),
            seed,
        )
    }

    #[test]
    fn wherever_a_run_is_stopped_its_prompts_are_paired() {
        let plan = plan(20, 2, 5);
        assert_eq!(plan.calls.len(), 120);
        for three in plan.calls.chunks(3) {
            let mut models: Vec<usize> = three.iter().map(|c| c.model).collect();
            models.sort_unstable();
            assert_eq!(models, [0, 1, 2]);
            assert!(
                three
                    .iter()
                    .all(|c| c.question == three[0].question && c.sample == three[0].sample)
            );
        }
        let first: Vec<usize> = plan.calls.chunks(3).map(|c| c[0].model).collect();
        assert_eq!(first[..6], [0, 1, 2, 0, 1, 2]);
        let mut keys: Vec<&str> = plan.calls.iter().map(|c| c.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 120);
    }

    #[test]
    fn the_order_comes_from_the_seed_and_names_no_cell() {
        let order = |seed| -> Vec<usize> { plan(50, 1, seed).calls.iter().map(|c| c.question).collect() };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        let keys = |seed| -> Vec<String> {
            let mut keys: Vec<String> = plan(50, 1, seed).calls.into_iter().map(|c| c.key).collect();
            keys.sort_unstable();
            keys
        };
        assert_eq!(keys(1), keys(2));
    }

    #[test]
    fn address_price_and_limits_name_no_cell_but_parameters_do() {
        let plan = plan(1, 1, 0);
        let messages = messages("s", "p");
        let mut model = plan.models[0].clone();
        let before = key(&model, &messages, 0);
        model.base_url = "http://localhost/v1".into();
        model.api_key_env = None;
        model.price = None;
        model.rpm = Some(1);
        assert_eq!(key(&model, &messages, 0), before);
        model.parameters.insert("temperature".into(), 0.into());
        assert_ne!(key(&model, &messages, 0), before);
    }

    #[test]
    fn a_bound_is_in_bytes_and_costs_what_it_says() {
        let plan = plan(1, 1, 0);
        let call = plan.calls.iter().find(|c| c.model == 0).unwrap();
        // "s" and "prompt 0", 16 a message, and the framing.
        assert_eq!(call.input_bound, 1 + 8 + 32 + FRAMING);
        let worst = plan.worst_usd(call, Via::Sync).unwrap();
        assert!((worst - (105.0 * 2.5 + 1024.0 * 10.0) / 1e6).abs() < 1e-15);
    }
}
