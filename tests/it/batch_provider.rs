//! A provider with a Batch API on the loopback address: files, batches, and what a test makes of them.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::support::{Run, Sandbox, finish};

/// A key whose letters occur nowhere else.
pub(crate) const KEY: &str = "sk-canary-4bR8nL6pYcD3fH5gS1aXeUo";
/// What a call costs at half of 2, 1 and 8 dollars a million: 12 tokens in, 8 cached ones, 5 out.
pub(crate) const CALL_USD: f64 = (12.0 * 1.0 + 8.0 * 0.5 + 5.0 * 4.0) / 1e6;
/// Every test asks six prompts of two models.
pub(crate) const CALLS: usize = 12;

/// A sandbox with data and two models at an address.
pub(crate) fn sandbox(base_url: &str) -> Sandbox {
    let sandbox = Sandbox::with_data();
    let model = |name: &str| {
        format!(
            "[[model]]\nname = \"{name}\"\nbase_url = \"{base_url}\"\napi_key_env = \"CANARY\"\n\
             parameters = {{ max_completion_tokens = 10 }}\nprice = {{ input = 2, cached_input = 1, output = 8 }}\n"
        )
    };
    sandbox.write("models.toml", model("big") + &model("small"));
    sandbox
}

/// Runs `replay collect` with more arguments, on line; the key must be nowhere.
#[track_caller]
pub(crate) fn collect(sandbox: &Sandbox, more: &str) -> Run {
    let mut command = sandbox.routecal("replay collect prompts.csv --limit 6 --models models.toml --run run");
    command.env_remove("ROUTECAL_OFFLINE").env("CANARY", KEY);
    let run = finish(command.args(more.split_whitespace()));
    for told in [&run.stdout, &run.stderr] {
        assert!(!told.contains("canary-4bR8"), "{told}");
    }
    for (name, content) in sandbox.files(".") {
        assert!(!String::from_utf8_lossy(&content).contains("canary-4bR8"), "{name}");
    }
    run
}

#[track_caller]
pub(crate) fn submitted(sandbox: &Sandbox) -> Value {
    collect(sandbox, "--batch submit --max-usd 1 --format json").ok().json()
}

pub(crate) fn lines(sandbox: &Sandbox, file: &str) -> Vec<Value> {
    let text = sandbox.read(&format!("run/{file}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Cuts a file of the run behind its first `keep` lines.
pub(crate) fn cut(sandbox: &Sandbox, file: &str, keep: usize) {
    let name = format!("run/{file}");
    let text: String = sandbox.read(&name).split_inclusive('\n').take(keep).collect();
    sandbox.write(&name, text);
}

#[track_caller]
pub(crate) fn close(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
}

/// Batches that the list shows a page, whatever is asked for.
const PAGE: usize = 2;

/// The provider; it is up while this lives.
pub(crate) struct Provider {
    _runtime: Runtime,
    server: MockServer,
    state: Arc<Mutex<State>>,
}

/// What it has, and what it has been asked.
#[derive(Default)]
pub(crate) struct State {
    files: BTreeMap<String, Vec<u8>>,
    /// The oldest first.
    pub(crate) batches: Vec<Value>,
    /// Method and path of every request.
    pub(crate) requests: Vec<String>,
    /// Answers to the next requests with this method and path, instead of what would come.
    pub(crate) faults: Vec<(&'static str, ResponseTemplate)>,
    /// A batch is created, and the answer that says so is lost.
    pub(crate) lose_creation: bool,
    /// Metadata are thrown away.
    pub(crate) forgetful: bool,
    /// How long a batch's state takes.
    pub(crate) slow: Duration,
}

impl Provider {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(MockServer::start());
        let state = Arc::new(Mutex::new(State::default()));
        let answers = Answers(Arc::clone(&state));
        runtime.block_on(Mock::given(any()).respond_with(answers).mount(&server));
        Self {
            _runtime: runtime,
            server,
            state,
        }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("{}/v1", self.server.uri())
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The requests that a batch was made of.
    pub(crate) fn lines_of(&self, batch: usize) -> Vec<Value> {
        self.state().lines_of(batch)
    }

    /// How many requests began like this.
    pub(crate) fn count(&self, start: &str) -> usize {
        self.state().requests.iter().filter(|r| r.starts_with(start)).count()
    }
}

impl State {
    pub(crate) fn lines_of(&self, batch: usize) -> Vec<Value> {
        let file = self.batches[batch]["input_file_id"].as_str().unwrap();
        let text = std::str::from_utf8(&self.files[file]).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Changes what is told of a batch.
    pub(crate) fn set(&mut self, batch: usize, status: &str, completed: usize, failed: usize) {
        let total = self.lines_of(batch).len();
        self.batches[batch]["status"] = status.into();
        self.batches[batch]["request_counts"] = json!({ "total": total, "completed": completed, "failed": failed });
    }

    /// Ends a batch with these lines in its output and error file.
    pub(crate) fn end(&mut self, batch: usize, status: &str, output: &[String], errors: &[String]) {
        self.set(batch, status, output.len(), errors.len());
        for (key, lines) in [("output_file_id", output), ("error_file_id", errors)] {
            if !lines.is_empty() {
                let id = self.keep(lines.join("\n").into_bytes());
                self.batches[batch][key] = id.into();
            }
        }
    }

    /// Ends a batch with an answer to every call.
    pub(crate) fn complete(&mut self, batch: usize) {
        let lines: Vec<String> = self.lines_of(batch).iter().map(answer).collect();
        self.end(batch, "completed", &lines, &[]);
    }

    /// Loses a file.
    pub(crate) fn lose(&mut self, batch: usize, file: &str) {
        let id = self.batches[batch][file].as_str().unwrap().to_owned();
        self.files.remove(&id);
    }

    fn keep(&mut self, content: Vec<u8>) -> String {
        let id = format!("file-{}", self.files.len() + 1);
        self.files.insert(id.clone(), content);
        id
    }

    /// A batch as it was ordered.
    pub(crate) fn create(&mut self, order: &Value) -> Value {
        let mut batch = json!({
            "id": format!("batch_{}", self.batches.len() + 1), "object": "batch", "status": "validating",
            "endpoint": order["endpoint"], "input_file_id": order["input_file_id"], "errors": null,
            "output_file_id": null, "error_file_id": null, "metadata": order["metadata"],
            "request_counts": { "total": 0, "completed": 0, "failed": 0 },
        });
        if self.forgetful {
            batch["metadata"] = Value::Null;
        }
        self.batches.push(batch.clone());
        batch
    }
}

/// A line that answers a request: 20 tokens in, 8 of them cached, 5 out.
pub(crate) fn answer(request: &Value) -> String {
    json!({
        "id": "batch_req_1", "custom_id": request["custom_id"], "error": null,
        "response": { "status_code": 200, "request_id": "req_1", "body": {
            "model": "the-model-itself",
            "choices": [{ "finish_reason": "stop", "message": { "role": "assistant", "content": "forty-two" } }],
            "usage": { "prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25,
                "prompt_tokens_details": { "cached_tokens": 8 } },
        } },
    })
    .to_string()
}

/// A line that says that a request was not made.
pub(crate) fn not_made(request: &Value) -> String {
    json!({
        "id": "batch_req_2", "custom_id": request["custom_id"], "response": null,
        "error": { "code": "batch_expired", "message": "This request could not be executed before the completion window expired." },
    })
    .to_string()
}

struct Answers(Arc<Mutex<State>>);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        let path = request.url.path().trim_start_matches("/v1");
        let asked = format!("{} {path}", request.method);
        state.requests.push(asked.clone());
        if let Some(at) = state.faults.iter().position(|(of, _)| asked.starts_with(of)) {
            return state.faults.remove(at).1;
        }
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["files"]) => {
                let content = file_of(&request.body);
                json_of(&json!({ "id": state.keep(content), "object": "file", "purpose": "batch" }))
            }
            ("GET", ["files", id, "content"]) => match state.files.get(*id) {
                Some(content) => ResponseTemplate::new(200).set_body_raw(content.clone(), "application/jsonl"),
                None => none("file"),
            },
            ("POST", ["batches"]) => {
                let batch = state.create(&request.body_json().unwrap());
                if state.lose_creation {
                    return ResponseTemplate::new(502).set_body_string("<html>bad gateway</html>");
                }
                json_of(&batch)
            }
            ("GET", ["batches"]) => {
                let after = request.url.query_pairs().find(|(name, _)| name == "after");
                let mut batches: Vec<&Value> = state.batches.iter().rev().collect();
                if let Some((_, after)) = after {
                    let at = batches.iter().position(|b| b["id"] == *after).unwrap();
                    batches.drain(..=at);
                }
                let more = batches.len() > PAGE;
                batches.truncate(PAGE);
                json_of(&json!({ "object": "list", "data": batches, "has_more": more }))
            }
            ("GET", ["batches", id]) => match state.batches.iter().find(|b| b["id"] == **id) {
                Some(batch) => json_of(batch).set_delay(state.slow),
                None => none("batch"),
            },
            ("POST", ["chat", "completions"]) => {
                let line: Value = serde_json::from_str(&answer(&json!({}))).unwrap();
                json_of(&line["response"]["body"])
            }
            _ => none("path"),
        }
    }
}

fn json_of(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn none(what: &str) -> ResponseTemplate {
    ResponseTemplate::new(404).set_body_json(json!({ "error": { "message": format!("no such {what}") } }))
}

/// The file in a form, whose purpose must be a batch.
fn file_of(body: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(body).unwrap();
    assert!(text.contains("name=\"purpose\"\r\n\r\nbatch\r\n"), "{text}");
    let (_, file) = text.split_once("name=\"file\"").unwrap();
    let (_, content) = file.split_once("\r\n\r\n").unwrap();
    let (content, _) = content.split_once("\r\n--").unwrap();
    let ids: Vec<Value> = content
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap()["custom_id"].clone())
        .collect();
    let distinct: HashSet<&str> = ids.iter().filter_map(Value::as_str).collect();
    assert_eq!(distinct.len(), ids.len(), "an id is used once");
    content.as_bytes().to_vec()
}
