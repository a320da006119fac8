//! A chat server on the loopback address that counts, and the files of a run against it.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::collections::BTreeMap;
use std::process::{Child, Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::remote::KEY;
use crate::support::{Run, Sandbox, finish};

/// Dollars for a million tokens.
pub(crate) const PRICE: &str = "price = { input = 1, output = 4 }";
/// What [`completion`] costs at that.
pub(crate) const ANSWER_USD: f64 = (20.0 + 5.0 * 4.0) / 1e6;
pub(crate) const COLLECT: &str = "replay collect p.csv --models models.toml --run run --max-usd 1";

/// A chat server that is up while this lives.
pub(crate) struct Chat {
    runtime: Runtime,
    server: MockServer,
    count: Arc<AtomicUsize>,
}

struct Counted<R>(R, Arc<AtomicUsize>);

impl<R: Respond> Respond for Counted<R> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let response = self.0.respond(request);
        self.1.fetch_add(1, Ordering::SeqCst);
        response
    }
}

impl Chat {
    pub(crate) fn new(respond: impl Respond + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let server = runtime.block_on(MockServer::start());
        let mock = Mock::given(method("POST"))
            .and(path("/v1/chat/completions"))
            .respond_with(Counted(respond, Arc::clone(&count)));
        runtime.block_on(mock.mount(&server));
        Self { runtime, server, count }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("{}/v1", self.server.uri())
    }

    /// Requests so far, those that went to a wrong path left out.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Every request's body in the order of arrival, whatever its path.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        let requests = self.runtime.block_on(self.server.received_requests()).unwrap();
        requests.iter().map(|r| r.body_json().unwrap()).collect()
    }

    /// The cell that each request asks for.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        self.bodies().iter().map(cell_of).collect()
    }
}

/// Model, and the number in the prompt.
pub(crate) type Cell = (String, usize);

pub(crate) fn prompt_of(body: &Value) -> &str {
    body["messages"].as_array().unwrap().last().unwrap()["content"]
        .as_str()
        .unwrap()
}

fn cell_of(body: &Value) -> Cell {
    let digits = |c: char| c.is_ascii_digit();
    let number = prompt_of(body)
        .split(|c: char| !digits(c))
        .find(|word| !word.is_empty());
    (body["model"].as_str().unwrap().into(), number.unwrap().parse().unwrap())
}

/// `big` is always right; `small` knows no number that three divides.
pub(crate) fn answer(request: &Request) -> ResponseTemplate {
    let (model, number) = cell_of(&request.body_json().unwrap());
    if model == "small" && number.is_multiple_of(3) {
        return completion("I do not know.");
    }
    completion(&format!("It is {number}."))
}

pub(crate) fn completion(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(completed(text, 20, 5))
}

pub(crate) fn completed(text: &str, input: u64, output: u64) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "model": "mock-2026",
        "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": text } }],
        "usage": { "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output },
    })
}

/// An error in OpenAI's shape.
pub(crate) fn error(status: u16, error: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "error": error }))
}

/// These answers first, then good ones.
pub(crate) fn first(answers: Vec<ResponseTemplate>) -> impl Respond + 'static {
    let next = AtomicUsize::new(0);
    move |request: &Request| {
        let next = next.fetch_add(1, Ordering::SeqCst);
        answers.get(next).cloned().unwrap_or_else(|| answer(request))
    }
}

/// routes.json, which names the models `big` and `small`, and p.csv with so many prompts and their answers.
pub(crate) fn bench(prompts: usize) -> Sandbox {
    let sandbox = Sandbox::with_routes();
    let words = [
        "rust compile please",
        "poem rhyme please",
        "capital country please",
        "shoes",
    ];
    let labels = ["coding", "creative", "factual", "none"];
    let mut csv = String::from("prompt,label,split,reference\n");
    for i in 0..prompts {
        let split = if i % 2 == 0 { "test" } else { "calibration" };
        csv += &format!("{} number {i},{},{split},{i}\n", words[i % 4], labels[i % 4]);
    }
    sandbox.write("p.csv", csv);
    sandbox
}

/// A model of models.toml; `more` goes below it.
pub(crate) fn model(name: &str, base_url: &str, more: &str) -> String {
    format!(
        "[[model]]\nname = \"{name}\"\nbase_url = \"{base_url}\"\napi_key_env = \"TEST_KEY\"\n\
         parameters = {{ max_completion_tokens = 16 }}\n{more}\n"
    )
}

/// Both models, at one price, on one server.
pub(crate) fn both(sandbox: &Sandbox, base_url: &str, more: &str) {
    let more = format!("{PRICE}\n{more}");
    sandbox.write(
        "models.toml",
        model("big", base_url, &more) + &model("small", base_url, &more),
    );
}

/// The program with the network and with the key.
pub(crate) fn online(sandbox: &Sandbox, arguments: &str) -> Command {
    let mut command = sandbox.process(arguments);
    command.env_remove("ROUTECAL_OFFLINE").env("TEST_KEY", KEY);
    command
}

/// [`online`], to its end.
pub(crate) fn run(sandbox: &Sandbox, arguments: &str) -> Run {
    finish(&mut assert_cmd::Command::from_std(online(sandbox, arguments)))
}

/// Runs to the end, which must have this code.
#[track_caller]
pub(crate) fn ends(code: i32, sandbox: &Sandbox, arguments: &str) -> Run {
    let run = run(sandbox, arguments);
    assert_eq!(run.code, code, "{}{}", run.stdout, run.stderr);
    run
}

/// The command that a message says to go on with.
pub(crate) fn resume_command(stderr: &str) -> &str {
    stderr
        .rsplit_once("go on with: ")
        .unwrap_or_else(|| panic!("{stderr}"))
        .1
        .trim()
}

/// Runs it in a shell, as a user would.
pub(crate) fn pasted(sandbox: &Sandbox, command: &str) -> Run {
    pasted_with(sandbox, command, &[("TEST_KEY", KEY.to_owned())])
}

/// As [`pasted`], with other keys.
pub(crate) fn pasted_with(sandbox: &Sandbox, command: &str, keys: &[(&str, String)]) -> Run {
    let mut shell = sandbox.process_of("sh");
    shell.args(["-c", command]).env_remove("ROUTECAL_OFFLINE");
    shell.envs(keys.iter().map(|(name, key)| (name, key)));
    finish(&mut assert_cmd::Command::from_std(shell))
}

/// The whole lines of run/responses.jsonl.
pub(crate) fn records(sandbox: &Sandbox) -> Vec<Value> {
    let bytes = std::fs::read(sandbox.path("run/responses.jsonl")).unwrap_or_default();
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let lines = bytes[..whole].split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// Leaves the first so many answers of a run, as if no more had been asked for.
pub(crate) fn keep_answers(sandbox: &Sandbox, n: usize) {
    let lines = sandbox.read("run/responses.jsonl");
    let kept: String = lines.split_inclusive('\n').take(n).collect();
    sandbox.write("run/responses.jsonl", kept);
    sandbox.write("run/sent.jsonl", "");
}

/// The cell of a record: rows are numbered from line 2 of p.csv.
pub(crate) fn cell(record: &Value) -> Cell {
    let line: usize = record["prompt_id"].as_str().unwrap().parse().unwrap();
    (record["model"].as_str().unwrap().into(), line - 2)
}

/// The records of each cell.
pub(crate) fn by_cell(records: &[Value]) -> BTreeMap<Cell, Vec<&Value>> {
    let mut cells: BTreeMap<Cell, Vec<&Value>> = BTreeMap::new();
    for record in records {
        cells.entry(cell(record)).or_default().push(record);
    }
    cells
}

/// How often each word occurs under `key`.
pub(crate) fn counts(records: &[Value], key: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        let word = record[key].as_str().unwrap_or("-");
        *counts.entry(word.to_owned()).or_default() += 1;
    }
    counts
}

/// Dollars that the records count as spent.
pub(crate) fn charged(records: &[Value]) -> f64 {
    let of = |r: &Value| r["cost_usd"].as_f64().or_else(|| r["reserved_usd"].as_f64());
    records.iter().filter_map(of).sum()
}

/// Waits until something is so, while the program runs.
pub(crate) fn wait_until(child: &mut Child, so: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_mins(2);
    while !so() {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        assert!(Instant::now() < patience, "nothing happens");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Kills with no chance to tidy up.
pub(crate) fn killed(mut child: Child) -> Output {
    child.kill().unwrap();
    child.wait_with_output().unwrap()
}
