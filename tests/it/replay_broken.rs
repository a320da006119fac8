//! Connections and answers that are not whole.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::replay_kit::{COLLECT, Chat, PRICE, bench, both, by_cell, completed, counts, ends, first, model, records};

fn collect_big() -> String {
    format!("{COLLECT} --model big")
}

/// A server that reads a request and answers with some bytes, then closes the connection.
fn cut_off(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut read = Vec::new();
            let mut buffer = [0; 4096];
            // The whole request: its body ends with the messages.
            while !read.ends_with(b"}]}") && !read.ends_with(b"16}") {
                match stream.read(&mut buffer) {
                    Ok(n) if n > 0 => read.extend_from_slice(&buffer[..n]),
                    _ => break,
                }
            }
            let _ = stream.write_all(answer);
        }
    });
    format!("http://{address}/v1")
}

#[test]
fn a_connection_that_breaks_off_may_have_been_billed() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"choices\":[{"[..],
        b"",
    ] {
        let sandbox = bench(2);
        sandbox.write("models.toml", model("big", &cut_off(answer), PRICE));
        let refused = ends(3, &sandbox, &format!("{} --attempts 2", collect_big()));
        assert!(refused.stderr.contains("broke off"), "{}", refused.stderr);
        let lines = records(&sandbox);
        assert_eq!(counts(&lines, "error_kind"), [("broken_off".to_owned(), 2)].into());
        assert_eq!(counts(&lines, "status"), [("budget_unknown".to_owned(), 2)].into());
    }
}

#[test]
fn answers_that_are_cut_short_refused_or_empty_are_answers_of_their_own_class() {
    let with = |finish: &str, message: Value| {
        let mut body = completed("", 20, 5);
        body["choices"][0]["finish_reason"] = finish.into();
        body["choices"][0]["message"] = message;
        ResponseTemplate::new(200).set_body_json(body)
    };
    let chat = Chat::new(first(vec![
        with("length", json!({ "content": "It is 1" })),
        with("stop", json!({ "content": null, "refusal": "I will not." })),
        with("content_filter", json!({ "content": "" })),
        with("stop", json!({ "content": " \n" })),
        with("stop", json!({ "content": [{ "type": "text", "text": "It is 1." }] })),
    ]));
    let sandbox = bench(6);
    sandbox.write(
        "models.toml",
        model("big", &chat.base_url(), &format!("{PRICE}\nconcurrency = 1")),
    );
    let summary = ends(0, &sandbox, &format!("{} --format json", collect_big())).json();
    let total = &summary["total"];
    let count = |class: &str| total[class].as_u64().unwrap();
    assert_eq!(["answered", "truncated", "refused", "empty"].map(count), [6, 1, 2, 1]);
    let graded = ends(0, &sandbox, "replay grade --run run --grader contains --format json").json();
    let outcomes = json!({ "empty": 1, "refused": 2, "scored": 2, "truncated": 1 });
    assert_eq!(
        (&graded["models"][0]["outcomes"], &graded["answers"]),
        (&outcomes, &json!(6))
    );
    assert_eq!(by_cell(&records(&sandbox)).len(), 6);
}

mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn nobody_at_the_address() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let sandbox = bench(5);
        both(&sandbox, &format!("http://127.0.0.1:{port}/v1"), "");
        let refused = ends(3, &sandbox, &format!("{COLLECT} --attempts 2"));
        assert!(
            refused
                .stderr
                .contains("error: no model answers: big: cannot connect; small: cannot connect\n"),
            "{}",
            refused.stderr
        );
        let lines = records(&sandbox);
        assert_eq!(counts(&lines, "error_kind"), [("unreachable".to_owned(), 4)].into());
        assert_eq!(
            counts(&lines, "status"),
            [("error".to_owned(), 4)].into(),
            "nothing was sent, so nothing was billed"
        );
    }
}
