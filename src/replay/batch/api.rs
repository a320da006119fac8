//! The calls of the Batch API: files up and down, batches created, looked up, found again.
//!
//! Answers are plain JSON ("bring your own types"), of which only what is needed is read: vendors that copied the API have
//! states, purposes and counts that OpenAI's types refuse.

use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::traits::RequestOptionsBuilder as _;
use async_openai::types::InputSource;
use async_openai::types::batches::ListBatchesQuery;
use async_openai::types::files::{CreateFileRequest, FileInput, FilePurpose};
use serde_json::{Value, json};

use super::LOOK;
use crate::endpoint::{ApiKey, Endpoint, Server};
use crate::replay::client::name;
use crate::replay::collect::CollectOptions;
use crate::replay::retry::{self, Failure, Next};
use crate::stats::{Purpose, stream};

/// Where the provider sends the requests of a batch.
pub(super) const URL: &str = "/v1/chat/completions";
/// Under which name a batch carries what it is called in the ledger.
const SUBMISSION: &str = "routecal_submission";
/// A file of 200 MB takes longer than an answer.
const TRANSFER: Duration = Duration::from_mins(15);
/// Batches a page of the provider's list, at the most.
const PAGE: u32 = 100;
/// The longest name that a provider gives anything.
const LONGEST_ID: usize = 200;

/// A server's Batch API.
pub(super) struct BatchApi {
    server: Server,
    transfers: Server,
    key: ApiKey,
    attempts: u32,
    longest: Duration,
    seed: u64,
    stop: fn() -> bool,
}

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ApiError {
    /// The user wants to stop.
    Stopped,
    Failed(Failure),
}

/// When a call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    /// It changes nothing that costs anything.
    Freely,
    /// It costs money: only where it surely was not done. Nor is it given up half-way.
    IfNotDone,
}

/// What the provider says of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BatchState {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) output_file_id: Option<String>,
    pub(super) error_file_id: Option<String>,
    /// Why it failed.
    pub(super) errors: Vec<String>,
    submission: Option<String>,
    input_file_id: Option<String>,
}

/// What became of an order to create a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Creation {
    Done(BatchState),
    /// There is none.
    Refused(Failure),
    /// Nobody knows.
    Unclear(Failure),
}

impl BatchApi {
    /// No request is made.
    pub(super) fn new(endpoint: &Endpoint, options: &CollectOptions) -> Result<Self, String> {
        Ok(Self {
            server: endpoint.open(options.timeout)?,
            transfers: endpoint.open(options.timeout.max(TRANSFER))?,
            key: endpoint.key().clone(),
            attempts: options.attempts,
            longest: options.max_retry_after,
            seed: options.seed,
            stop: options.stop,
        })
    }

    pub(super) fn key(&self) -> &ApiKey {
        &self.key
    }

    /// The longest pause that is granted.
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// Uploads the calls of a batch; the provider's name of the file.
    pub(super) async fn upload(&self, lines: Vec<u8>) -> Result<String, ApiError> {
        let request = CreateFileRequest {
            file: FileInput {
                source: InputSource::Bytes {
                    filename: "routecal-batch.jsonl".into(),
                    bytes: lines.into(),
                },
            },
            purpose: FilePurpose::Batch,
            expires_after: None,
        };
        let client = self.transfers.client(None);
        let files = client.files();
        let answer: Value = self
            .call(Again::Freely, async || files.create_byot(request.clone()).await)
            .await?;
        id(&answer["id"], &self.key).ok_or_else(|| ApiError::Failed(no_name("file")))
    }

    /// Creates a batch of an uploaded file.
    pub(super) async fn create(&self, file_id: &str, submission: &str) -> Creation {
        let request = json!({
            "input_file_id": file_id,
            "endpoint": URL,
            "completion_window": "24h",
            "metadata": { SUBMISSION: submission },
        });
        let client = self.server.client(None);
        let batches = client.batches();
        let answer: Result<Value, ApiError> = self
            .call(Again::IfNotDone, async || batches.create_byot(&request).await)
            .await;
        match answer {
            Ok(answer) => match BatchState::read(&answer, &self.key) {
                Some(state) => Creation::Done(state),
                None => Creation::Unclear(no_name("batch")),
            },
            Err(ApiError::Stopped) => Creation::Refused(Failure {
                kind: "stopped",
                status: None,
                message: "interrupted before it was created".into(),
                maybe_billed: false,
                next: Next::Fail,
            }),
            Err(ApiError::Failed(failure)) if surely_not_done(&failure) => Creation::Refused(failure),
            Err(ApiError::Failed(failure)) => Creation::Unclear(failure),
        }
    }

    /// What has become of a batch.
    pub(super) async fn state(&self, batch_id: &str) -> Result<BatchState, ApiError> {
        let client = self.server.client(None);
        let batches = client.batches();
        let answer: Value = self
            .call(Again::Freely, async || batches.retrieve_byot(batch_id).await)
            .await?;
        BatchState::read(&answer, &self.key).ok_or_else(|| ApiError::Failed(no_name("batch")))
    }

    /// The batch that was created for a submission, looked for in the provider's list.
    pub(super) async fn find(&self, submission: &str, file_id: &str) -> Result<Option<BatchState>, ApiError> {
        let client = self.server.client(None);
        let mut after: Option<String> = None;
        loop {
            let query = ListBatchesQuery {
                after: after.clone(),
                limit: Some(PAGE),
            };
            let list = async || client.batches().query(&query)?.list_byot().await;
            let page: Value = self.call(Again::Freely, list).await?;
            let Some(items) = page["data"].as_array() else {
                return Err(ApiError::Failed(unusable("the list of batches has no data".into())));
            };
            let states: Vec<BatchState> = items
                .iter()
                .filter_map(|item| BatchState::read(item, &self.key))
                .collect();
            let last = states.last().map(|state| state.id.clone());
            let ours = |state: &BatchState| {
                state.submission.as_deref() == Some(submission) || state.input_file_id.as_deref() == Some(file_id)
            };
            if let Some(found) = states.into_iter().find(ours) {
                return Ok(Some(found));
            }
            if page["has_more"] != true || last.is_none() || last == after {
                return Ok(None);
            }
            after = last;
        }
    }

    /// A file as it is.
    pub(super) async fn content(&self, file_id: &str) -> Result<Vec<u8>, ApiError> {
        let client = self.transfers.client(None);
        let files = client.files();
        let content = self.call(Again::Freely, async || files.content(file_id).await).await?;
        Ok(content.into())
    }

    /// Makes a call, again where that may help.
    async fn call<T>(&self, again: Again, ask: impl AsyncFn() -> Result<T, OpenAIError>) -> Result<T, ApiError> {
        let mut random = stream(self.seed, Purpose::Jitter, 0);
        let mut number = 1;
        loop {
            if (self.stop)() {
                return Err(ApiError::Stopped);
            }
            let outcome = if again == Again::IfNotDone {
                ask().await
            } else {
                tokio::select! {
                    outcome = ask() => outcome,
                    () = self.stopped() => return Err(ApiError::Stopped),
                }
            };
            let failure = match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) => retry::read(&error, &self.key, self.longest),
            };
            let after = match failure.next {
                Next::Retry { after, .. } if again == Again::Freely || surely_not_done(&failure) => after,
                _ => return Err(ApiError::Failed(failure)),
            };
            if number >= self.attempts {
                return Err(ApiError::Failed(failure));
            }
            number += 1;
            tokio::select! {
                () = tokio::time::sleep(retry::pause(number, after, &mut random)) => {}
                () = self.stopped() => return Err(ApiError::Stopped),
            }
        }
    }

    async fn stopped(&self) {
        while !(self.stop)() {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Whether a failure says that the server did nothing: it was not reached, or it has refused.
fn surely_not_done(failure: &Failure) -> bool {
    failure.kind == "unreachable"
        || failure
            .status
            .is_some_and(|s| (300..500).contains(&s) && s != 408 && s != 409)
}

impl BatchState {
    fn read(value: &Value, key: &ApiKey) -> Option<Self> {
        let text = |v: &Value| v.as_str().map(|s| name(s, key));
        let count = |v: &Value| v.as_u64().unwrap_or_default();
        let errors = value["errors"]["data"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let told = |error: &Value| {
            let said = text(&error["message"]).or_else(|| text(&error["code"]))?;
            Some(match error["line"].as_u64() {
                Some(line) => format!("line {line}: {said}"),
                None => said,
            })
        };
        Some(Self {
            id: id(&value["id"], key)?,
            status: text(&value["status"]).unwrap_or_else(|| "unknown".into()),
            completed: count(&value["request_counts"]["completed"]),
            failed: count(&value["request_counts"]["failed"]),
            output_file_id: id(&value["output_file_id"], key),
            error_file_id: id(&value["error_file_id"], key),
            errors: errors.iter().filter_map(told).collect(),
            submission: text(&value["metadata"][SUBMISSION]),
            input_file_id: id(&value["input_file_id"], key),
        })
    }
}

/// A name that goes into an address and into the ledger: nothing else, and not the key.
fn id(value: &Value, key: &ApiKey) -> Option<String> {
    let id = value.as_str()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    let usable = !id.is_empty() && id.len() <= LONGEST_ID && id.chars().all(plain) && !id.starts_with('.');
    (usable && key.out_of(id) == id).then(|| id.to_owned())
}

fn no_name(of: &str) -> Failure {
    unusable(format!("the answer names no {of}"))
}

fn unusable(message: String) -> Failure {
    Failure {
        kind: "no_answer",
        status: Some(200),
        message,
        maybe_billed: true,
        next: Next::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &Value) -> Option<BatchState> {
        BatchState::read(value, &ApiKey::new("canary-7").unwrap())
    }

    #[test]
    fn a_batch_is_read_whatever_its_vendor_adds_or_leaves_out() {
        let least = read(&json!({ "id": "batch_1" })).unwrap();
        assert_eq!(
            (least.status.as_str(), least.completed, least.failed),
            ("unknown", 0, 0)
        );
        let state = read(&json!({
            "id": "batch_1", "status": "in_progress", "endpoint": "/v1/other", "input_file_id": "file-9",
            "request_counts": { "total": 9, "completed": 4, "failed": 1 },
            "errors": { "object": "list", "data": [{ "code": "c", "message": "too many", "line": 3 }, { "code": "c" }, 1] },
            "output_file_id": null, "metadata": { "routecal_submission": "s" },
        }))
        .unwrap();
        assert_eq!((state.completed, state.failed), (4, 1));
        assert_eq!(state.errors, ["line 3: too many", "c"]);
        assert_eq!(state.submission.as_deref(), Some("s"));
        assert_eq!(state.input_file_id.as_deref(), Some("file-9"));
        assert_eq!(state.output_file_id, None);
    }

    #[test]
    fn a_name_leads_nowhere_else_and_is_not_the_key() {
        for bad in [
            "",
            "../models",
            "a/b",
            "a?b",
            "a b",
            "..",
            "canary-7",
            "x-canary-7",
            &"a".repeat(201),
        ] {
            assert!(read(&json!({ "id": bad })).is_none(), "{bad}");
        }
        let state = read(
            &json!({ "id": "batch_a-1.b:c", "status": "canary-7", "errors": { "data": [
            { "message": "key canary-7\u{1b}[2J" }] } }),
        )
        .unwrap();
        assert!(!format!("{state:?}").contains("canary"));
        assert!(!format!("{state:?}").contains('\u{1b}'));
    }

    #[test]
    fn only_what_was_surely_not_done_counts_as_refused() {
        let of = |kind: &'static str, status: Option<u16>| Failure {
            kind,
            status,
            ..no_name("batch")
        };
        for (kind, status, refused) in [
            ("unreachable", None, true),
            ("unauthorized", Some(401), true),
            ("rate_limited", Some(429), true),
            ("bad_request", Some(307), true),
            ("timeout", None, false),
            ("broken_off", None, false),
            ("request_timeout", Some(408), false),
            ("conflict", Some(409), false),
            ("server_error", Some(500), false),
            ("not_json", Some(200), false),
        ] {
            assert_eq!(surely_not_done(&of(kind, status)), refused, "{kind}");
        }
    }
}
