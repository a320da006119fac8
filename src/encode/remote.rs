//! An OpenAI-compatible embeddings endpoint, through async-openai.
//!
//! What it shares with replay (checked address and key, failures that keep what the server said) is in `endpoint`; the
//! retries are its own, with jitter and a cap.

use std::fmt;
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use backon::{ExponentialBuilder, Retryable};
use serde_json::{Value, json};

use super::{BatchLimit, EncodeError, Encoder, EncoderIdentity};
pub use crate::endpoint::OPENAI_BASE_URL;
use crate::endpoint::{Endpoint, EndpointProblem, broke_off, failure};

/// Requests in flight at once.
const WORKERS: usize = 4;
/// Longest wait that a server's `Retry-After` is believed.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// Characters of a server's error message that are shown.
const SHOWN: usize = 300;

/// Settings of a remote encoder.
#[derive(Clone)]
pub struct RemoteOptions {
    /// Address up to and without `/embeddings`.
    pub base_url: String,
    /// API key; may be empty for a server on this machine.
    pub key: String,
    /// Attempts a request gets in all.
    pub attempts: usize,
    /// First pause between attempts; doubles each time.
    pub first_pause: Duration,
    /// Longest time for one request.
    pub timeout: Duration,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            base_url: OPENAI_BASE_URL.into(),
            key: String::new(),
            attempts: 6,
            first_pause: Duration::from_millis(500),
            timeout: Duration::from_mins(1),
        }
    }
}

impl fmt::Debug for RemoteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteOptions")
            .field("base_url", &self.base_url)
            .field("key", &"…")
            .finish_non_exhaustive()
    }
}

/// See the module.
pub struct RemoteEncoder {
    identity: EncoderIdentity,
    model: String,
    options: RemoteOptions,
    endpoint: Endpoint,
    client: Client<OpenAIConfig>,
    runtime: tokio::runtime::Runtime,
}

impl fmt::Debug for RemoteEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteEncoder")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl RemoteEncoder {
    /// Checks the settings; no request is made.
    ///
    /// # Errors
    /// [`EncodeError::Settings`] for a base URL that is none, holds a password, or would send the key in clear; for a
    /// missing key; for a key that no header can carry.
    pub fn new(model: &str, options: RemoteOptions) -> Result<Self, EncodeError> {
        let endpoint = Endpoint::new(&options.base_url, &options.key, false).map_err(settings)?;
        let load = |message: String| EncodeError::Load {
            name: format!("openai:{model}"),
            message,
        };
        let client = endpoint.open(options.timeout).map_err(load)?.client(None);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|e| load(e.to_string()))?;
        Ok(Self {
            identity: EncoderIdentity {
                model: format!("openai:{model}"),
                precision: "remote".into(),
                weights_sha256: None,
                tokenizer_sha256: None,
                max_length: None,
                pooling: "remote".into(),
                dimension: None,
                endpoint: Some(endpoint.base_url())
                    .filter(|base| *base != OPENAI_BASE_URL)
                    .map(str::to_owned),
            },
            model: model.to_owned(),
            options,
            endpoint,
            client,
            runtime,
        })
    }

    async fn request(&self, texts: &[&str]) -> Result<Value, OpenAIError> {
        let body = json!({ "model": self.model, "input": texts, "encoding_format": "float" });
        let policy = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(self.options.first_pause)
            .with_max_delay(Duration::from_mins(1))
            .with_max_times(self.options.attempts.saturating_sub(1));
        (|| async { self.client.embeddings().create_byot(body.clone()).await })
            .retry(policy)
            .sleep(tokio::time::sleep)
            .when(worth_retrying)
            .adjust(|error, pause| pause.map(|p| failure(error).and_then(|f| f.retry_after).unwrap_or(p)))
            .await
    }

    fn error(&self, error: &OpenAIError) -> EncodeError {
        let (message, hint) = match (failure(error), error) {
            (Some(f), _) => (f.to_string(), advice(f.status)),
            (None, OpenAIError::JSONDeserialize(e, _)) => (format!("the answer is not JSON: {e}"), None),
            (None, other) => (
                without_url(other),
                Some("check the address (--openai-base-url) and the network".to_owned()),
            ),
        };
        EncodeError::Remote {
            endpoint: format!("{}/embeddings", self.endpoint.base_url()),
            message: self.told(&message),
            hint,
        }
    }

    /// The start of a message, without the key: a server may echo what it was sent. Cut last, or a part of the key could
    /// be left at the end.
    fn told(&self, message: &str) -> String {
        self.endpoint.key().scrub(message).chars().take(SHOWN).collect()
    }
}

impl Encoder for RemoteEncoder {
    fn identity(&self) -> &EncoderIdentity {
        &self.identity
    }

    fn workers(&self) -> usize {
        WORKERS
    }

    fn batch_limit(&self) -> BatchLimit {
        BatchLimit {
            rows: 256,
            tokens: 200_000,
        }
    }

    fn token_counts(&self, texts: &[&str]) -> Result<Vec<usize>, EncodeError> {
        // The provider's tokenizer is not here; three bytes a token errs on the safe side for its request limit.
        Ok(texts.iter().map(|t| t.len() / 3 + 1).collect())
    }

    fn embed_batch(&self, _worker: usize, texts: &[&str]) -> Result<Vec<Vec<f32>>, EncodeError> {
        let answer = self.runtime.block_on(self.request(texts)).map_err(|e| self.error(&e))?;
        vectors(&answer, texts.len()).map_err(|message| EncodeError::Remote {
            endpoint: format!("{}/embeddings", self.endpoint.base_url()),
            message: self.told(&message),
            hint: Some("is this an OpenAI-compatible embeddings endpoint?".into()),
        })
    }
}

/// A problem with address or key, in the words of this encoder's flags.
fn settings(problem: EndpointProblem) -> EncodeError {
    let (message, hint) = match problem {
        EndpointProblem::NoAddress => (
            "the base URL of the embeddings endpoint is no http(s) address".into(),
            "set --openai-base-url to an address such as http://127.0.0.1:8080/v1",
        ),
        EndpointProblem::Credentials => (
            "the base URL of the embeddings endpoint holds a user name, a password or a query".into(),
            "take it out of the address and set the key in OPENAI_API_KEY",
        ),
        EndpointProblem::Clear(host) => (
            format!("the key would travel in clear to {host}"),
            "use an https address, or unset OPENAI_API_KEY",
        ),
        EndpointProblem::NoKey => (
            "no key for the embeddings endpoint".into(),
            "set the environment variable OPENAI_API_KEY",
        ),
        EndpointProblem::BadKey => (
            "the key holds a character that no HTTP header can carry".into(),
            "set OPENAI_API_KEY again, without spaces or line breaks",
        ),
    };
    EncodeError::Settings {
        message,
        hint: hint.into(),
    }
}

fn worth_retrying(error: &OpenAIError) -> bool {
    match (failure(error), error) {
        (Some(f), _) => f.may_pass() && f.retry_after.is_none_or(|wait| wait <= LONGEST_WAIT),
        (None, OpenAIError::Reqwest(e)) => e.is_connect() || e.is_timeout() || e.is_request() || broke_off(e),
        _ => false,
    }
}

/// reqwest's messages end with the address, which the error states already.
fn without_url(error: &OpenAIError) -> String {
    match error {
        OpenAIError::Reqwest(e) if e.is_timeout() => "no answer in time".into(),
        OpenAIError::Reqwest(e) if e.is_connect() => "cannot connect".into(),
        OpenAIError::Reqwest(e) if broke_off(e) => "the answer broke off".into(),
        OpenAIError::Reqwest(_) => "the request failed".into(),
        other => other.to_string(),
    }
}

fn advice(status: u16) -> Option<String> {
    let text = match status {
        401 | 403 => "check the key in OPENAI_API_KEY",
        404 => "check the model's name and --openai-base-url",
        429 => "wait a while, or check the account's quota; finished vectors are kept",
        500.. => "the server has trouble; finished vectors are kept, run the command again later",
        _ => return None,
    };
    Some(text.into())
}

/// The vectors of an answer in input order, by the `index` of each.
fn vectors(answer: &Value, expected: usize) -> Result<Vec<Vec<f32>>, String> {
    let data = answer["data"].as_array().ok_or("the answer holds no \"data\"")?;
    let mut rows: Vec<Option<Vec<f32>>> = vec![None; expected];
    for item in data {
        let index = item["index"].as_u64().and_then(|i| usize::try_from(i).ok());
        let numbers = item["embedding"]
            .as_array()
            .and_then(|values| {
                values
                    .iter()
                    .map(|v| v.as_f64().map(narrow))
                    .collect::<Option<Vec<f32>>>()
            })
            .ok_or("an \"embedding\" in the answer is no list of numbers")?;
        let slot = index
            .and_then(|i| rows.get_mut(i))
            .filter(|slot| slot.is_none())
            .ok_or("an \"index\" in the answer is wrong")?;
        *slot = Some(unit(numbers));
    }
    rows.into_iter()
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| format!("the answer has {} vectors for {expected} texts", data.len()))
}

#[expect(clippy::cast_possible_truncation, reason = "vectors are f32 everywhere")]
fn narrow(x: f64) -> f32 {
    x as f32
}

/// Scaled to length 1, as local encoders do; a zero vector stays and is refused later.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = super::vectors::dot(&vector, &vector).sqrt();
    if norm > 0.0 {
        for x in &mut vector {
            *x = narrow(f64::from(*x) / norm);
        }
    }
    vector
}
