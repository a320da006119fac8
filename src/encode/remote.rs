//! An OpenAI-compatible embeddings endpoint, through async-openai.
//!
//! Requests go through a service of our own below async-openai's client: a failed answer keeps its status and
//! `Retry-After`, whatever its body looks like, and the retries have jitter and a cap. The key comes from the
//! environment and is in no message.

use std::fmt;
use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use backon::{ExponentialBuilder, Retryable};
use serde_json::{Value, json};

use super::{BatchLimit, EncodeError, Encoder, EncoderIdentity};

/// The provider's own address.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";
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

/// An answer that is no success, with what a retry needs to know.
#[derive(Debug)]
struct HttpFailure {
    status: u16,
    retry_after: Option<Duration>,
    message: String,
    /// Retrying cannot help, whatever the status.
    hopeless: bool,
}

impl fmt::Display for HttpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}: {}", self.status, self.message)
    }
}

impl std::error::Error for HttpFailure {}

impl RemoteEncoder {
    /// Checks the settings; no request is made.
    ///
    /// # Errors
    /// [`EncodeError::Settings`] for a base URL that is none, holds a password, or would send the key in clear; for a
    /// missing key; for a key that no header can carry.
    pub fn new(model: &str, mut options: RemoteOptions) -> Result<Self, EncodeError> {
        let settings = |message: String, hint: &str| EncodeError::Settings {
            message,
            hint: hint.to_owned(),
        };
        let key = options.key.trim().to_owned();
        options.key = key;
        let base = options.base_url.trim().trim_end_matches('/').to_owned();
        let url = reqwest::Url::parse(&base)
            .ok()
            .filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
            .ok_or_else(|| {
                settings(
                    "the base URL of the embeddings endpoint is no http(s) address".into(),
                    "set --openai-base-url to an address such as http://127.0.0.1:8080/v1",
                )
            })?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(settings(
                "the base URL of the embeddings endpoint holds a user name, a password or a query".into(),
                "take it out of the address and set the key in OPENAI_API_KEY",
            ));
        }
        let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() == "http" && !loopback && !options.key.is_empty() {
            return Err(settings(
                format!(
                    "the key would travel in clear to {}",
                    url.host_str().unwrap_or_default()
                ),
                "use an https address, or unset OPENAI_API_KEY",
            ));
        }
        if options.key.is_empty() && !loopback {
            return Err(settings(
                "no key for the embeddings endpoint".into(),
                "set the environment variable OPENAI_API_KEY",
            ));
        }
        if options.key.chars().any(|c| !c.is_ascii_graphic()) {
            return Err(settings(
                "the key holds a character that no HTTP header can carry".into(),
                "set OPENAI_API_KEY again, without spaces or line breaks",
            ));
        }
        options.base_url.clone_from(&base);
        let load = |message: String| EncodeError::Load {
            name: format!("openai:{model}"),
            message,
        };
        let client = client(&options, loopback).map_err(load)?;
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
                endpoint: (base != OPENAI_BASE_URL).then_some(base),
            },
            model: model.to_owned(),
            options,
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
            endpoint: format!("{}/embeddings", self.options.base_url),
            message: self.told(&message),
            hint,
        }
    }

    /// The start of a message, without the key: a server may echo what it was sent. Cut last, or a part of the key could
    /// be left at the end.
    fn told(&self, message: &str) -> String {
        redact(message, &self.options.key).chars().take(SHOWN).collect()
    }
}

/// `text` without `key`, also where it stands in a JSON string.
fn redact(text: &str, key: &str) -> String {
    if key.is_empty() {
        return text.to_owned();
    }
    let quoted = json!(key).to_string();
    text.replace(quoted.trim_matches('"'), "[key]").replace(key, "[key]")
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
            endpoint: format!("{}/embeddings", self.options.base_url),
            message: self.told(&message),
            hint: Some("is this an OpenAI-compatible embeddings endpoint?".into()),
        })
    }
}

fn client(options: &RemoteOptions, loopback: bool) -> Result<Client<OpenAIConfig>, String> {
    // A second installation of the same provider is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut http = reqwest::Client::builder()
        .timeout(options.timeout)
        .connect_timeout(Duration::from_secs(10));
    if loopback {
        // A proxy would look for the loopback address on its own machine, and see the key in clear.
        http = http.no_proxy();
    }
    let http = http.build().map_err(|e| e.to_string())?;
    let config = OpenAIConfig::new()
        .with_api_base(&options.base_url)
        .with_api_key(&options.key);
    let service = tower::service_fn(move |factory: HttpRequestFactory| {
        let http = http.clone();
        async move {
            let request = factory.build().await?;
            let response = http.execute(request).await?;
            if response.status().is_success() {
                return Ok(response);
            }
            let retry_after = retry_after(response.headers());
            let status = response.status().as_u16();
            let body = response.text().await.unwrap_or_default();
            Err(OpenAIError::Boxed(Box::new(HttpFailure {
                status,
                retry_after,
                hopeless: body.contains("insufficient_quota") || retry_after.is_some_and(|wait| wait > LONGEST_WAIT),
                message: server_message(&body),
            })))
        }
    });
    Ok(Client::with_config(config).with_http_service(service))
}

fn failure(error: &OpenAIError) -> Option<&HttpFailure> {
    match error {
        OpenAIError::Boxed(inner) => inner.downcast_ref::<HttpFailure>(),
        _ => None,
    }
}

fn worth_retrying(error: &OpenAIError) -> bool {
    match (failure(error), error) {
        (Some(f), _) => !f.hopeless && (matches!(f.status, 408 | 409 | 429) || f.status >= 500),
        (None, OpenAIError::Reqwest(e)) => e.is_connect() || e.is_timeout() || e.is_request() || broke_off(e),
        _ => false,
    }
}

/// Whether the answer began but did not end; nothing of it is decoded by reqwest, so its "decode" is that too.
fn broke_off(error: &reqwest::Error) -> bool {
    error.is_body() || error.is_decode()
}

/// `retry-after-ms` or `Retry-After` in seconds; a date is left to the growing pauses.
fn retry_after(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    number("retry-after-ms")
        .map(|ms| ms / 1000.0)
        .or_else(|| number("retry-after"))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

/// The `error.message` of an OpenAI-style body, or the body, on one line.
fn server_message(body: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let message = match &parsed {
        // Written anew where it has another shape, so that a key in it is escaped in a known way.
        Some(v) => v["error"]["message"]
            .as_str()
            .or_else(|| v["message"].as_str())
            .map_or_else(|| v.to_string(), str::to_owned),
        None => body.to_owned(),
    };
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "no message".into();
    }
    line.chars().filter(|c| !c.is_control()).collect()
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
