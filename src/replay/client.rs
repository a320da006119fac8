//! One chat completion: what is sent, and what of the answer is kept.
//!
//! Request and answer are plain JSON (async-openai's "bring your own types"): its own types refuse what other vendors send,
//! such as a service tier or a finish reason that OpenAI does not have.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Usage;
use super::models::ModelSpec;
use super::retry::{self, Failure, Next};
use crate::endpoint::{ApiKey, Endpoint, Server};

/// Characters of a name that the server sends.
const NAME: usize = 200;

/// A model that can be asked.
pub(super) struct Asker {
    server: Server,
    key: ApiKey,
}

/// What a model said.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Answer {
    pub(super) content: Option<String>,
    pub(super) refusal: Option<String>,
    pub(super) finish_reason: Option<String>,
    pub(super) model: Option<String>,
    pub(super) usage: Option<Usage>,
}

/// An attempt that has ended.
pub(super) struct Attempt {
    pub(super) result: Result<Answer, Failure>,
    pub(super) latency: Duration,
    pub(super) request_id: Option<String>,
}

/// The messages of a call.
pub(super) fn messages(system_prompt: &str, prompt: &str) -> Value {
    let user = json!({ "role": "user", "content": prompt });
    if system_prompt.trim().is_empty() {
        return json!([user]);
    }
    json!([{ "role": "system", "content": system_prompt }, user])
}

/// The body of a call.
pub(super) fn body(model: &ModelSpec, messages: &Value) -> Value {
    let mut body = model.parameters.clone();
    body.insert("model".into(), model.model.clone().into());
    body.insert("messages".into(), messages.clone());
    Value::Object(body)
}

impl Asker {
    /// No request is made.
    pub(super) fn new(endpoint: &Endpoint, timeout: Duration) -> Result<Self, String> {
        Ok(Self {
            server: endpoint.open(timeout)?,
            key: endpoint.key().clone(),
        })
    }

    /// Asks once. `longest` is the longest pause that a server may ask for.
    pub(super) async fn ask(&self, body: &Value, longest: Duration) -> Attempt {
        let heard = Arc::new(OnceLock::new());
        let client = self.server.client(Some(Arc::clone(&heard)));
        let started = Instant::now();
        let outcome: Result<Value, _> = client.chat().create_byot(body).await;
        let latency = started.elapsed();
        Attempt {
            result: match outcome {
                Ok(value) => read(&value, &self.key),
                Err(error) => Err(retry::read(&error, &self.key, longest)),
            },
            latency,
            request_id: heard.get().map(|id| self.name(id)),
        }
    }

    fn name(&self, text: &str) -> String {
        name(text, &self.key)
    }
}

/// A short text of the server's, fit to be kept.
pub(super) fn name(text: &str, key: &ApiKey) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    key.scrub(&clean).chars().take(NAME).collect()
}

/// The parts of an answer that are kept.
pub(super) fn read(value: &Value, key: &ApiKey) -> Result<Answer, Failure> {
    let choice = &value["choices"][0];
    let message = &choice["message"];
    if !message.is_object() {
        // Some gateways send their errors with status 200.
        let said = value["error"]["message"]
            .as_str()
            .unwrap_or("it has no choices[0].message");
        return Err(Failure {
            kind: "no_answer",
            status: Some(200),
            message: format!("the answer is no chat completion: {}", name(said, key)),
            maybe_billed: true,
            next: Next::Fail,
        });
    }
    let text = |v: &Value| v.as_str().map(|s| key.out_of(s));
    Ok(Answer {
        content: content(&message["content"]).map(|c| key.out_of(&c)),
        refusal: text(&message["refusal"]).filter(|r| !r.is_empty()),
        finish_reason: choice["finish_reason"].as_str().map(|r| name(r, key)),
        model: value["model"].as_str().map(|m| name(m, key)),
        usage: usage(&value["usage"]),
    })
}

/// A string, or the texts of a list of parts.
fn content(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(|p| p["text"].as_str()).collect()),
        _ => None,
    }
}

/// Token counts; details are optional everywhere.
fn usage(value: &Value) -> Option<Usage> {
    let count = |v: &Value| v.as_u64();
    let input = count(&value["prompt_tokens"])?;
    let mut output = count(&value["completion_tokens"])?;
    let details = &value["completion_tokens_details"];
    let reasoning = count(&details["reasoning_tokens"]).unwrap_or(0);
    // Some vendors count reasoning beside the answer; the total gives them away.
    if reasoning > 0 && count(&value["total_tokens"]) == Some(input + output + reasoning) {
        output += reasoning;
    }
    let details = &value["prompt_tokens_details"];
    Some(Usage {
        input,
        cached: count(&details["cached_tokens"]).unwrap_or(0),
        cache_write: count(&details["cache_write_tokens"]).unwrap_or(0),
        output,
        reasoning,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &Value) -> Result<Answer, Failure> {
        read(value, &ApiKey::new("canary").unwrap())
    }

    #[test]
    fn an_openai_answer_is_read_with_its_token_details() {
        let answer = of(&json!({
            "model": "gpt-4o-2024-08-06", "service_tier": "on_demand",
            "choices": [{ "finish_reason": "length", "message": { "content": "forty", "refusal": null } }],
            "usage": { "prompt_tokens": 50, "completion_tokens": 30, "total_tokens": 80,
                "prompt_tokens_details": { "cached_tokens": 40, "cache_write_tokens": 5 },
                "completion_tokens_details": { "reasoning_tokens": 20 } },
        }))
        .unwrap();
        assert_eq!((answer.content.as_deref(), answer.refusal), (Some("forty"), None));
        assert_eq!(answer.finish_reason.as_deref(), Some("length"));
        let expected = Usage {
            input: 50,
            cached: 40,
            cache_write: 5,
            output: 30,
            reasoning: 20,
        };
        assert_eq!(answer.usage, Some(expected));
    }

    #[test]
    fn reasoning_that_is_counted_beside_the_answer_is_put_into_it() {
        let usage = usage(
            &json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 35,
            "completion_tokens_details": { "reasoning_tokens": 20 } }),
        );
        assert_eq!(
            usage,
            Some(Usage {
                input: 10,
                output: 25,
                reasoning: 20,
                ..Usage::default()
            })
        );
    }

    #[test]
    fn what_vendors_leave_out_is_not_made_up() {
        let message = |m: Value| of(&json!({ "choices": [{ "message": m }] })).unwrap();
        assert_eq!(message(json!({})), Answer::default());
        assert_eq!(message(json!({ "content": null })).content, None);
        assert_eq!(message(json!({ "content": "" })).content.as_deref(), Some(""));
        let parts = json!({ "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] });
        assert_eq!(message(parts).content.as_deref(), Some("ab"));
        for value in [
            json!({}),
            json!({ "choices": [] }),
            json!([]),
            json!({ "error": { "message": "down, canary" } }),
        ] {
            let failure = of(&value).unwrap_err();
            assert!(failure.kind == "no_answer" && failure.maybe_billed && !failure.message.contains("canary"));
        }
    }

    #[test]
    fn a_key_that_the_server_repeats_is_kept_nowhere() {
        let answer = of(&json!({ "model": "canary", "choices": [{ "finish_reason": "canary",
            "message": { "content": "canary!", "refusal": "canary" } }] }))
        .unwrap();
        assert!(!format!("{answer:?}").contains("canary"));
    }

    #[test]
    fn a_call_is_the_parameters_with_model_and_messages() {
        let mut model = crate::replay::models::resolve(
            None,
            &["gpt-4o".into()],
            &[],
            None,
            &crate::replay::models::Defaults::default(),
        )
        .unwrap();
        let model = model.remove(0);
        let body = body(&model, &messages("Be brief.", "Hi"));
        assert_eq!(
            body,
            json!({ "model": "gpt-4o", "max_completion_tokens": 1024, "messages": [
                { "role": "system", "content": "Be brief." }, { "role": "user", "content": "Hi" }] })
        );
        assert_eq!(messages(" ", "Hi").as_array().unwrap().len(), 1);
    }
}
