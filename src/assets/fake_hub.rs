//! A stand-in for the model hub on the loopback interface, which answers well or badly.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::assets::testkit::{TOKENIZER, WEIGHTS};

/// What the hub does when it is asked for a file.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// These bytes.
    Good(Vec<u8>),
    /// These bytes after a while.
    Slow(Vec<u8>, Duration),
    /// These bytes without saying how many.
    NoLength(Vec<u8>),
    /// These bytes at another address.
    Redirect(Vec<u8>),
    /// A status and nothing else.
    Status(u16),
    /// The first bytes of these, then the end of the connection.
    CutAfter(Vec<u8>, usize),
    /// The first bytes of these, then silence.
    StallAfter(Vec<u8>, usize),
    /// Silence.
    StallBeforeHeaders,
}

type Answers = Arc<Mutex<Vec<(&'static str, Answer)>>>;

/// A hub on the loopback interface; stops when dropped.
pub(super) struct FakeHub {
    /// Its address.
    pub(super) endpoint: String,
    requests: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl FakeHub {
    /// A hub with these files.
    pub(super) fn start(answers: Vec<(&'static str, Answer)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (count, stopped) = (Arc::clone(&requests), Arc::clone(&stop));
        let answers: Answers = Arc::new(Mutex::new(answers));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (count, stopped, answers) = (Arc::clone(&count), Arc::clone(&stopped), Arc::clone(&answers));
                // What the client does with the connection is its own affair.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &answers, &count, &stopped)));
            }
        });
        Self {
            endpoint,
            requests,
            stop,
        }
    }

    /// A hub with the files of the model of the tests.
    pub(super) fn good() -> Self {
        Self::start(vec![
            ("model.safetensors", Answer::Good(WEIGHTS.to_vec())),
            ("tokenizer.json", Answer::Good(TOKENIZER.to_vec())),
        ])
    }

    /// How often it was asked.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.endpoint.trim_start_matches("http://"));
    }
}

fn serve(
    mut stream: TcpStream,
    answers: &Mutex<Vec<(&'static str, Answer)>>,
    count: &AtomicUsize,
    stop: &AtomicBool,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? > 0 {
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split_whitespace().nth(1).unwrap_or_default();
    count.fetch_add(1, Ordering::SeqCst);
    let moved = path.starts_with("/moved/");
    let answer = answers
        .lock()
        .unwrap()
        .iter()
        .find(|(name, _)| {
            moved && path == format!("/moved/{name}") || path == format!("/owner/model/resolve/main/{name}")
        })
        .map_or(Answer::Status(404), |(_, answer)| answer.clone());
    let silence = || {
        while !stop.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
    };
    let mut send = |length: Option<usize>, bytes: &[u8]| {
        let length = length.map_or_else(String::new, |length| format!("content-length: {length}\r\n"));
        write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n{length}\r\n")?;
        stream.write_all(bytes)?;
        stream.flush()
    };
    match answer {
        Answer::Redirect(_) if !moved => {
            let name = path.rsplit('/').next().unwrap_or_default();
            write!(
                stream,
                "HTTP/1.1 302 Found\r\nlocation: /moved/{name}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )?;
        }
        Answer::Good(bytes) | Answer::Redirect(bytes) => send(Some(bytes.len()), &bytes)?,
        Answer::Slow(bytes, pause) => {
            thread::sleep(pause);
            send(Some(bytes.len()), &bytes)?;
        }
        Answer::NoLength(bytes) => send(None, &bytes)?,
        Answer::Status(status) => write!(
            stream,
            "HTTP/1.1 {status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )?,
        Answer::CutAfter(bytes, at) => send(Some(bytes.len()), &bytes[..at])?,
        Answer::StallAfter(bytes, at) => {
            send(Some(bytes.len()), &bytes[..at])?;
            silence();
        }
        Answer::StallBeforeHeaders => silence(),
    }
    Ok(())
}
