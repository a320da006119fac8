//! OpenAI-compatible embeddings endpoints, faked on the loopback address: batches, retries and what is not retried, bad
//! answers, and a key that is seen nowhere.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::fmt::Debug;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use routecal::encode::{
    self, EncodeError, Encoder as _, HashingEncoder, Quiet, RemoteEncoder, RemoteOptions, VectorCache,
};
use routecal::error::{ErrorClass, Hint as _};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::real_model::{embedded, ends_with, prompts, stderr_of};
use crate::support::Sandbox;

/// A key whose letters occur nowhere else.
pub(crate) const KEY: &str = "sk-canary/7Qx+9ZkWvJ2mT4bR8nL6pYcD3fH5gS1aXeUo";
/// What of it may be seen nowhere either: its beginning.
pub(crate) const KEY_START: &str = "sk-cana";

/// A server that is up while this lives.
pub(crate) struct Server {
    runtime: Runtime,
    server: MockServer,
}

impl Server {
    pub(crate) fn new(respond: impl Respond + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(MockServer::start());
        let mock = Mock::given(method("POST"))
            .and(path("/v1/embeddings"))
            .and(header("authorization", format!("Bearer {KEY}").as_str()))
            .and(body_partial_json(
                json!({ "model": "test-model", "encoding_format": "float" }),
            ))
            .respond_with(respond);
        runtime.block_on(mock.mount(&server));
        Self { runtime, server }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("{}/v1", self.server.uri())
    }

    fn encoder(&self) -> RemoteEncoder {
        RemoteEncoder::new("test-model", options(&self.base_url())).unwrap()
    }

    /// The texts of each request, in the order of arrival.
    pub(crate) fn requests(&self) -> Vec<Vec<String>> {
        let requests = self.runtime.block_on(self.server.received_requests()).unwrap();
        requests.iter().map(texts_of).collect()
    }
}

fn options(base_url: &str) -> RemoteOptions {
    RemoteOptions {
        base_url: base_url.into(),
        key: KEY.into(),
        attempts: 4,
        first_pause: Duration::from_millis(1),
        timeout: Duration::from_secs(30),
    }
}

fn texts_of(request: &Request) -> Vec<String> {
    let body: Value = request.body_json().unwrap();
    serde_json::from_value(body["input"].clone()).unwrap()
}

/// The vectors of the hashing encoder, three times as long, in any order of `index`.
pub(crate) fn answer(request: &Request) -> ResponseTemplate {
    let texts = texts_of(request);
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = HashingEncoder::new(1).embed_batch(0, &borrowed).unwrap();
    let mut data: Vec<Value> = vectors
        .iter()
        .enumerate()
        .map(|(index, vector)| {
            let long: Vec<f32> = vector.iter().map(|x| x * 3.0).collect();
            json!({ "object": "embedding", "index": index, "embedding": long })
        })
        .collect();
    data.reverse();
    ResponseTemplate::new(200).set_body_json(json!({ "object": "list", "data": data, "model": "test-model" }))
}

/// `first` for the first requests, then good answers.
fn good_after(failures: usize, first: ResponseTemplate) -> impl Respond + 'static {
    let count = AtomicUsize::new(0);
    move |request: &Request| {
        if count.fetch_add(1, Ordering::SeqCst) < failures {
            first.clone()
        } else {
            answer(request)
        }
    }
}

fn one(encoder: &RemoteEncoder) -> Result<Vec<Vec<f32>>, EncodeError> {
    encoder.embed_batch(0, &["one text"])
}

/// The error, which must be of the environment and must not show the key: not in its text, hint or debug print.
#[track_caller]
fn message<T: Debug>(result: Result<T, EncodeError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Environment, "{error:?}");
    let told = format!("{error}\nhint: {}", error.hint().unwrap_or_default());
    for shown in [&told, &format!("{error:?}"), &format!("{error:#?}")] {
        assert!(!shown.contains(KEY_START), "{shown}");
    }
    told
}

/// The error of an encoder whose server gives this answer to every request, and the number of requests.
#[track_caller]
fn refused(template: ResponseTemplate) -> (String, usize) {
    let server = Server::new(template);
    let told = message(one(&server.encoder()));
    (told, server.requests().len())
}

fn json_answer(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn openai_error(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "error": body }))
}

#[test]
fn texts_go_out_in_batches_and_come_back_in_order_as_unit_vectors() {
    let server = Server::new(answer);
    let texts: Vec<String> = (0..600).map(|i| format!("text {} of many", i * i)).collect();
    let mut borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    borrowed.push(&texts[3]);
    let done = encode::embed(&server.encoder(), None, &borrowed, &Quiet, &AtomicBool::new(false)).unwrap();
    let expected = HashingEncoder::new(1).embed_batch(0, &borrowed).unwrap();
    for (row, expected) in done.vectors.rows().zip(&expected) {
        let length: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
        assert!((length - 1.0).abs() < 1e-6);
        assert!(row.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-6));
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|texts| texts.len() <= 256));
    // Each distinct text once.
    let mut sent = requests.concat();
    sent.sort();
    let mut all = texts;
    all.sort();
    assert_eq!(sent, all);
}

#[test]
fn failures_that_may_pass_are_tried_again() {
    for status in [408, 409, 429, 500, 502, 503, 529] {
        let server = Server::new(good_after(3, ResponseTemplate::new(status)));
        one(&server.encoder()).unwrap();
        assert_eq!(server.requests().len(), 4, "status {status}");
    }
}

#[test]
fn attempts_come_to_an_end() {
    for (status, advice) in [(500, "the server has trouble"), (429, "quota")] {
        let (told, requests) = refused(openai_error(status, &json!({ "message": "not now" })));
        assert_eq!(requests, 4);
        assert!(told.contains(&format!("status {status}: not now")), "{told}");
        assert!(told.contains(advice), "{told}");
    }
}

#[test]
fn retry_after_goes_before_the_pauses_of_our_own() {
    for (name, value) in [("retry-after", "0"), ("retry-after-ms", "1"), ("retry-after", "0.01")] {
        let limited = ResponseTemplate::new(429).insert_header(name, value);
        let server = Server::new(good_after(3, limited));
        let encoder = RemoteEncoder::new(
            "test-model",
            RemoteOptions {
                // Three pauses of a minute and more, were they ours.
                first_pause: Duration::from_mins(1),
                ..options(&server.base_url())
            },
        )
        .unwrap();
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || send.send(one(&encoder)));
        receive
            .recv_timeout(Duration::from_mins(2))
            .expect("it waits longer than it was told")
            .unwrap();
        assert_eq!(server.requests().len(), 4);
    }
}

#[test]
fn failures_that_will_not_pass_are_not_tried_again() {
    let far = ResponseTemplate::new(429).insert_header("retry-after", "86400");
    let quota =
        json!({ "message": "You exceeded your quota", "type": "insufficient_quota", "code": "insufficient_quota" });
    let cases = [
        (
            openai_error(400, &json!({ "message": "input is too long" })),
            "status 400: input is too long",
        ),
        (openai_error(401, &json!({ "message": "wrong key" })), "OPENAI_API_KEY"),
        (openai_error(403, &json!({ "message": "not yours" })), "OPENAI_API_KEY"),
        (
            openai_error(404, &json!({ "message": "no such model" })),
            "--openai-base-url",
        ),
        (openai_error(422, &json!({ "message": "no" })), "status 422: no"),
        (openai_error(429, &quota), "You exceeded your quota"),
        (far, "status 429"),
    ];
    for (template, expected) in cases {
        let (told, requests) = refused(template);
        assert_eq!(requests, 1, "{told}");
        assert!(told.contains(expected), "{expected} in {told}");
    }
}

#[test]
fn errors_of_any_shape_are_told() {
    let cases = [
        // The code is a string at OpenAI's and a number elsewhere.
        (
            openai_error(400, &json!({ "message": "bad batch", "code": 400, "type": null })),
            "status 400: bad batch",
        ),
        (
            ResponseTemplate::new(400).set_body_json(json!({ "message": "bad batch", "code": 3 })),
            "status 400: bad batch",
        ),
        (
            ResponseTemplate::new(400).set_body_string("bad\n\tbatch"),
            "status 400: bad batch",
        ),
        (ResponseTemplate::new(400), "status 400: no message"),
        (
            ResponseTemplate::new(400).set_body_string("\u{1b}[31mred"),
            "status 400: [31mred",
        ),
        (
            ResponseTemplate::new(400).set_body_bytes([0xff, 0xfe, b'x']),
            "status 400: ",
        ),
    ];
    for (template, expected) in cases {
        let (told, _) = refused(template);
        assert!(told.contains(expected), "{expected} in {told}");
    }
    let (told, _) = refused(ResponseTemplate::new(400).set_body_string("<html>".repeat(10_000)));
    assert!(told.len() < 1000, "{} characters", told.len());
}

#[test]
fn bad_answers_are_refused() {
    let item = |index: Value, embedding: Value| json!({ "index": index, "embedding": embedding });
    let data = |items: &[Value]| json_answer(&json!({ "data": items }));
    let numbers = json!([0.5, 0.5]);
    let cases = [
        (
            ResponseTemplate::new(200).set_body_string("<html>sign in</html>"),
            "not JSON",
        ),
        (ResponseTemplate::new(200), "not JSON"),
        (
            ResponseTemplate::new(200).set_body_string(r#"{"data":[{"index":0,"embedding":[NaN,1.0]}]}"#),
            "not JSON",
        ),
        (json_answer(&json!([])), "no \"data\""),
        (json_answer(&json!({ "data": "none" })), "no \"data\""),
        (data(&[]), "0 vectors for 1 texts"),
        (
            data(&[item(json!(0), numbers.clone()), item(json!(1), numbers.clone())]),
            "\"index\"",
        ),
        (data(&[item(json!(-1), numbers.clone())]), "\"index\""),
        (data(&[item(json!("0"), numbers.clone())]), "\"index\""),
        (data(&[json!({ "embedding": numbers })]), "\"index\""),
        (data(&[item(json!(0), json!(["0.5", "0.5"]))]), "no list of numbers"),
        (data(&[item(json!(0), json!([0.5, null]))]), "no list of numbers"),
        (data(&[item(json!(0), json!("AAAAPwAAAD8="))]), "no list of numbers"),
        (data(&[json!({ "index": 0 })]), "no list of numbers"),
    ];
    for (template, expected) in cases {
        let (told, requests) = refused(template);
        assert_eq!(requests, 1, "{told}");
        assert!(told.contains(expected), "{expected} in {told}");
    }
}

#[test]
fn the_same_index_twice_is_refused() {
    let vectors = json!([{ "index": 0, "embedding": [1.0] }, { "index": 0, "embedding": [1.0] }]);
    let server = Server::new(json_answer(&json!({ "data": vectors })));
    let told = message(server.encoder().embed_batch(0, &["a", "b"]));
    assert!(told.contains("\"index\""), "{told}");
}

/// Vectors without a direction, or not all of one length, are an error in the run that gets them, and are not kept: the
/// next run asks again.
#[test]
fn vectors_that_cannot_be_used_are_not_kept() {
    for bad in [json!([0.0, 0.0]), json!([]), json!([1e39, 1.0]), json!([1e300, 1.0])] {
        let template = json_answer(&json!({ "data": [{ "index": 0, "embedding": bad }] }));
        let server = Server::new(good_after(1, template));
        let folder = tempfile::tempdir().unwrap();
        let encoder = server.encoder();
        let run = || {
            let cache = VectorCache::open(folder.path(), encoder.identity());
            encode::embed(&encoder, Some(&cache), &["one text"], &Quiet, &AtomicBool::new(false))
        };
        message(run());
        assert_eq!(run().unwrap().computed, 1, "{bad} was kept");
        assert_eq!(run().unwrap().computed, 0);
    }
}

#[test]
fn vectors_of_different_lengths_are_refused_and_not_kept() {
    let vectors = json!([{ "index": 0, "embedding": [1.0, 0.0] }, { "index": 1, "embedding": [1.0] }]);
    let server = Server::new(good_after(1, json_answer(&json!({ "data": vectors }))));
    let folder = tempfile::tempdir().unwrap();
    let encoder = server.encoder();
    let run = || {
        let cache = VectorCache::open(folder.path(), encoder.identity());
        encode::embed(
            &encoder,
            Some(&cache),
            &["one text", "two texts"],
            &Quiet,
            &AtomicBool::new(false),
        )
    };
    let told = message(run());
    assert!(told.contains("numbers where the others have"), "{told}");
    assert_eq!(run().unwrap().computed, 2);
}

#[test]
fn a_silent_server_is_given_up_after_the_attempts() {
    let server = Server::new(ResponseTemplate::new(200).set_delay(Duration::from_mins(10)));
    let encoder = RemoteEncoder::new(
        "test-model",
        RemoteOptions {
            timeout: Duration::from_millis(200),
            attempts: 2,
            ..options(&server.base_url())
        },
    )
    .unwrap();
    let told = message(one(&encoder));
    assert!(told.contains("no answer in time"), "{told}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_refused_connection_says_so() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let base_url = format!("http://127.0.0.1:{port}/v1");
    let told = message(one(&RemoteEncoder::new("test-model", options(&base_url)).unwrap()));
    assert!(
        told.starts_with(&format!("{base_url}/embeddings: cannot connect")),
        "{told}"
    );
    assert!(told.contains("--openai-base-url"), "{told}");
}

/// Reads one request as far as its headers and body go, and answers with raw bytes.
fn answer_raw(mut stream: TcpStream, bytes: &[u8]) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(8).any(|w| w == b"one text") {
        let n = stream.read(&mut buffer).unwrap();
        assert!(n > 0, "the request ended early");
        request.extend_from_slice(&buffer[..n]);
    }
    stream.write_all(bytes).unwrap();
}

#[test]
fn an_answer_that_breaks_off_is_asked_for_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let body = r#"{"data":[{"index":0,"embedding":[0.6,0.8]}]}"#;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        for sent in [&head[..20], &format!("{head}{}", &body[..10]), &format!("{head}{body}")] {
            answer_raw(listener.accept().unwrap().0, sent.as_bytes());
        }
    });
    let vectors = one(&RemoteEncoder::new("test-model", options(&base_url)).unwrap()).unwrap();
    assert_eq!(vectors, [[0.6, 0.8]]);
    server.join().unwrap();
}

#[test]
fn a_key_that_the_server_repeats_is_shown_nowhere() {
    let echo = |status: u16, before: usize| {
        move |request: &Request| {
            let sent = request.headers["authorization"].to_str().unwrap();
            let told = format!("{} {sent} is not valid", "x".repeat(before));
            openai_error(status, &json!({ "message": told }))
        }
    };
    // Also where the message is cut in the middle of the key.
    for before in [0, 200, 260, 280, 285, 288, 290, 300] {
        let server = Server::new(echo(401, before));
        let told = message(one(&server.encoder()));
        assert!(told.contains("status 401: "), "{told}");
    }
    // In a body that is not in OpenAI's shape, slashes may be escaped.
    let escaped = json!({ "detail": [format!("bad key {KEY}")] })
        .to_string()
        .replace('/', "\\/");
    for body in [escaped, format!("bad key {KEY}"), format!("{}{KEY}", "y".repeat(295))] {
        message(one(
            &Server::new(ResponseTemplate::new(400).set_body_string(body)).encoder()
        ));
    }
    let answer = format!("{{\"data\": 1, \"{KEY}\": }}");
    message(one(
        &Server::new(ResponseTemplate::new(200).set_body_string(answer)).encoder()
    ));
}

#[test]
fn the_key_is_in_no_debug_print() {
    let options = options("http://127.0.0.1:1/v1");
    let encoder = RemoteEncoder::new("test-model", options.clone()).unwrap();
    for shown in [
        format!("{options:?}"),
        format!("{options:#?}"),
        format!("{encoder:?}"),
        format!("{encoder:#?}"),
        format!("{:?}", encoder.identity()),
        serde_json::to_string(encoder.identity()).unwrap(),
    ] {
        assert!(!shown.contains(KEY_START), "{shown}");
    }
}

/// The error of settings, which must be the user's to mend and must show neither key nor password.
#[track_caller]
fn settings(base_url: &str, key: &str) -> String {
    let changed = RemoteOptions {
        key: key.into(),
        ..options(base_url)
    };
    let error = RemoteEncoder::new("test-model", changed).unwrap_err();
    assert!(matches!(error, EncodeError::Settings { .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Input);
    let told = format!("{error}\nhint: {}\n{error:?}", error.hint().unwrap());
    assert!(!told.contains(KEY_START) && !told.contains("passw0rd"), "{told}");
    told
}

#[test]
fn settings_that_would_give_the_key_away_are_refused() {
    assert!(settings("http://models.example/v1", KEY).contains("in clear to models.example"));
    assert!(settings("http://127.0.0.1.example/v1", KEY).contains("in clear"));
    assert!(settings("http://192.168.0.7:8080/v1", KEY).contains("in clear"));
    for base_url in [
        "https://user:passw0rd@models.example/v1",
        "https://passw0rd@models.example/v1",
        "https://models.example/v1?key=passw0rd",
        "http://user:passw0rd@127.0.0.1/v1",
    ] {
        assert!(settings(base_url, KEY).contains("OPENAI_API_KEY"), "{base_url}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    for base_url in ["", "models.example/v1", "ftp://models.example", "file:///v1", "http://"] {
        assert!(settings(base_url, KEY).contains("--openai-base-url"), "{base_url}");
    }
    for key in ["", "  ", "\n"] {
        assert!(settings("https://models.example/v1", key).contains("OPENAI_API_KEY"));
    }
    for key in ["two words", "line\nbreak", "schlüssel"] {
        assert!(settings("https://models.example/v1", key).contains("OPENAI_API_KEY"));
    }
    // None of these is asked for anything by being opened.
    for (base_url, key) in [
        ("https://models.example/v1/", KEY),
        ("http://localhost:1/v1", ""),
        ("http://[::1]:1/v1", KEY),
        // Without a key there is nothing to give away, but without one nobody but this machine is asked.
        ("http://127.0.0.1:1", " "),
    ] {
        let changed = RemoteOptions {
            key: key.into(),
            ..options(base_url)
        };
        RemoteEncoder::new("test-model", changed).unwrap();
    }
}

#[test]
fn a_line_break_at_the_end_of_the_key_does_no_harm() {
    let server = Server::new(answer);
    let changed = RemoteOptions {
        key: format!("{KEY}\n"),
        ..options(&server.base_url())
    };
    one(&RemoteEncoder::new("test-model", changed).unwrap()).unwrap();
}

/// Fails if any file below `folder` holds the key.
/// Holds that no file below a folder has the beginning of the key in it.
#[track_caller]
pub(crate) fn no_key_below(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_key_below(&path);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(KEY_START.len()).any(|w| w == KEY_START.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn the_program_uses_the_endpoint_and_shows_no_key() {
    let server = Server::new(answer);
    let sandbox = Sandbox::with_shipped_routes();
    let arguments = format!("--encoder openai:test-model --openai-base-url {}", server.base_url());
    let eval = |arguments: &str| {
        let mut command = sandbox.routecal(&format!(
            "{arguments} eval prompts.csv --no-plots --out out --format json"
        ));
        // A proxy of the environment knows nothing of this machine's loopback address.
        command
            .env("OPENAI_API_KEY", KEY)
            .env("HTTP_PROXY", "http://127.0.0.1:1");
        command
            .env("http_proxy", "http://127.0.0.1:1")
            .env("ALL_PROXY", "http://127.0.0.1:1");
        command.output().unwrap()
    };
    let labelled: String = prompts(40, 5)
        .lines()
        .enumerate()
        .map(|(i, line)| match i {
            0 => "prompt,label,split\n".to_owned(),
            _ if i % 2 == 0 => format!("{line},coding,test\n"),
            _ => format!("{line},none,calibration\n"),
        })
        .collect();
    sandbox.write("prompts.csv", &labelled);

    let first = eval(&arguments);
    let (computed, distinct) = embedded(&stderr_of(&first, 0)).unwrap();
    assert_eq!(computed, distinct);
    let document: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(document["provenance"]["encoder"]["model"], "openai:test-model");
    assert_eq!(document["provenance"]["encoder"]["endpoint"], server.base_url());
    let requests = server.requests();
    assert_eq!(requests.concat().len(), distinct);

    let second = eval(&arguments);
    assert_eq!(embedded(&stderr_of(&second, 0)), None);
    assert!(second.stdout == first.stdout);
    assert_eq!(server.requests().len(), requests.len(), "a warm run asks nobody");

    let echo = Server::new(|request: &Request| {
        let sent = request.headers["authorization"].to_str().unwrap();
        openai_error(401, &json!({ "message": format!("{sent} is not valid") }))
    });
    let arguments = format!("--encoder openai:test-model --openai-base-url {}", echo.base_url());
    let failed = eval(&arguments);
    let stderr = stderr_of(&failed, 3);
    assert!(stderr.contains("status 401: Bearer [key] is not valid"), "{stderr}");
    assert!(stderr.contains("hint: check the key in OPENAI_API_KEY"), "{stderr}");

    for output in [&first, &second, &failed] {
        for stream in [&output.stdout, &output.stderr] {
            assert!(!String::from_utf8_lossy(stream).contains(KEY_START));
        }
    }
    no_key_below(&sandbox.path(".."));
}

#[test]
fn the_program_without_a_key_says_which_variable_to_set() {
    let sandbox = Sandbox::with_shipped_routes();
    let stderr = ends_with(
        2,
        sandbox.routecal("classify --encoder openai:text-embedding-3-small prompt"),
    );
    assert!(
        stderr.contains("hint: set the environment variable OPENAI_API_KEY"),
        "{stderr}"
    );
    let help = sandbox
        .routecal("classify --help")
        .env("OPENAI_API_KEY", KEY)
        .env("OPENAI_BASE_URL", "https://user:passw0rd@models.example")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&help.stdout);
    assert!(shown.contains("OPENAI_BASE_URL") && !shown.contains("passw0rd") && !shown.contains(KEY_START));
}

/// Several threads share one encoder, as the driver uses it.
#[test]
fn workers_may_ask_at_once() {
    let server = Server::new(answer);
    let encoder = Arc::new(server.encoder());
    let threads: Vec<_> = (0..encoder.workers())
        .map(|worker| {
            let encoder = Arc::clone(&encoder);
            std::thread::spawn(move || encoder.embed_batch(worker, &["one text"]).unwrap())
        })
        .collect();
    let vectors: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    assert!(vectors.iter().all(|v| *v == vectors[0]));
}

mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn long_texts_are_spread_over_requests() {
        let server = Server::new(answer);
        let texts: Vec<String> = ["a", "b", "c"]
            .map(|letter| format!("{letter} ").repeat(140_000))
            .into();
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        encode::embed(&server.encoder(), None, &borrowed, &Quiet, &AtomicBool::new(false)).unwrap();
        let mut sizes: Vec<usize> = server.requests().iter().map(Vec::len).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 2]);
    }
}
