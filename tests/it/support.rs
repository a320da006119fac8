//! A private home, cache and working folder for each test, and a small router with labelled prompts to run on.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up is a failed test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_routecal");

/// A machine of its own: nothing of the user's environment is seen, nothing outside the folder is written.
pub(crate) struct Sandbox {
    root: TempDir,
}

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Holds that the run passed.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// The document on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

impl Sandbox {
    /// An empty working folder.
    pub(crate) fn empty() -> Self {
        let root = TempDir::new().unwrap();
        for folder in ["work", "home", "xdg", "cache", "tmp"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self { root }
    }

    /// With a routes.json of three routes for the hashing encoder.
    pub(crate) fn with_routes() -> Self {
        let sandbox = Self::empty();
        sandbox.write("routes.json", pretty(&routes()));
        sandbox
    }

    /// With routes.json and prompts.csv.
    pub(crate) fn with_data() -> Self {
        let sandbox = Self::with_routes();
        sandbox.write("prompts.csv", csv_of(&prompts()));
        sandbox
    }

    /// With the shipped routes.json.
    pub(crate) fn with_shipped_routes() -> Self {
        let sandbox = Self::empty();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("routes.json");
        std::fs::copy(shipped, sandbox.path("routes.json")).unwrap();
        sandbox
    }

    /// The working folder.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// The folder with everything.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// A file of the working folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.work().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8(self.read_bytes(name)).unwrap()
    }

    pub(crate) fn read_bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub(crate) fn read_json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// The program's cache folder.
    pub(crate) fn cache(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    /// The program (or another one) in this machine, to be run beside the test.
    pub(crate) fn process_of(&self, program: &str) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root.path().join("home"))
            .env("XDG_CACHE_HOME", self.root.path().join("xdg"))
            .env("TMPDIR", self.root.path().join("tmp"))
            .env("ROUTECAL_CACHE", self.cache())
            .env("ROUTECAL_OFFLINE", "1")
            .current_dir(self.work())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The program with these arguments, separated by spaces, to be run beside the test.
    pub(crate) fn process(&self, arguments: &str) -> std::process::Command {
        let mut command = self.process_of(PROGRAM);
        command.args(arguments.split_whitespace());
        command
    }

    /// The program (or another one) in this machine, to be run to its end.
    pub(crate) fn command_of(&self, program: &str) -> Command {
        Command::from_std(self.process_of(program))
    }

    pub(crate) fn command(&self) -> Command {
        self.command_of(PROGRAM)
    }

    /// [`Sandbox::process`], to be run to its end.
    pub(crate) fn routecal(&self, arguments: &str) -> Command {
        Command::from_std(self.process(arguments))
    }

    /// Runs the program.
    pub(crate) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Run {
        finish(self.command().args(arguments))
    }

    /// Runs `calibrate` or `eval` with fewer resamples than it takes by itself, where the arguments do not say how many: most of its
    /// time, for intervals that are not what is tested.
    pub(crate) fn run_quickly<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Run {
        let mut arguments: Vec<&str> = arguments.into_iter().collect();
        if !arguments.contains(&"--resamples") {
            arguments.extend(["--resamples", "50"]);
        }
        self.run(arguments)
    }

    /// Runs the program with something on standard input.
    pub(crate) fn run_on<'a>(&self, input: impl Into<Vec<u8>>, arguments: impl IntoIterator<Item = &'a str>) -> Run {
        finish(self.command().args(arguments).write_stdin(input))
    }

    /// Every file outside the cache with its content, and every folder.
    pub(crate) fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let mut tree = BTreeMap::new();
        for folder in ["work", "home", "xdg", "tmp"] {
            walk(&self.root.path().join(folder), self.root.path(), &mut tree);
        }
        tree
    }

    /// The files below a folder of the working folder, with their content.
    pub(crate) fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut tree = BTreeMap::new();
        walk(&self.path(folder), &self.path(folder), &mut tree);
        tree
    }

    /// Runs what must be refused: nothing on standard output, and every file as it was. Returns the exit code and the
    /// message, for a snapshot.
    #[track_caller]
    pub(crate) fn refused<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> String {
        let arguments: Vec<&str> = arguments.into_iter().collect();
        self.refused_on("", &arguments)
    }

    /// As [`Sandbox::refused`], with something on standard input.
    #[track_caller]
    pub(crate) fn refused_on(&self, input: impl Into<Vec<u8>>, arguments: &[&str]) -> String {
        let before = self.tree();
        let run = self.run_on(input, arguments.iter().copied());
        assert_ne!(run.code, 0, "{}", run.stdout);
        assert_eq!(run.stdout, "", "an answer all the same");
        let after = self.tree();
        assert!(
            before == after,
            "files before: {:?}\nafter: {:?}",
            before.keys().collect::<Vec<_>>(),
            after.keys().collect::<Vec<_>>()
        );
        format!("exit {}\n{}", run.code, self.shown(&run.stderr))
    }

    /// Text without what differs from run to run: the folder's name, and the line that says how long embedding took.
    pub(crate) fn shown(&self, text: &str) -> String {
        text.replace(&self.root.path().display().to_string(), "[TEMP]")
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("embedded "))
            .collect()
    }
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().expect("ended by a signal"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn walk(folder: &Path, root: &Path, tree: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if path.is_dir() {
            tree.insert(format!("{name}/"), Vec::new());
            walk(&path, root, tree);
        } else {
            tree.insert(name, std::fs::read(&path).unwrap());
        }
    }
}

const WORDS: [(&str, [&str; 10]); 3] = [
    (
        "coding",
        [
            "rust", "loop", "function", "compile", "bug", "python", "array", "sort", "async", "thread",
        ],
    ),
    (
        "creative",
        [
            "poem", "story", "rhyme", "verse", "novel", "song", "lyric", "tale", "dragon", "sea",
        ],
    ),
    (
        "factual",
        [
            "capital",
            "country",
            "population",
            "year",
            "president",
            "river",
            "mountain",
            "planet",
            "distance",
            "king",
        ],
    ),
];

/// A routes file of three routes for the hashing encoder.
pub(crate) fn routes() -> Value {
    let of_route = |(name, words): &(&str, [&str; 10])| {
        let examples: Vec<String> = (0..6)
            .map(|i| format!("{} {} please {}", words[i], words[(i + 3) % 10], words[(i + 1) % 10]))
            .collect();
        let model = if *name == "factual" { "small" } else { "big" };
        let route = json!({ "model": model, "system_prompt": format!("You do {name} work."), "examples": examples });
        ((*name).to_owned(), route)
    };
    json!({
        "encoder": "hashing",
        "fallback": { "model": "big", "system_prompt": "You are a helpful assistant." },
        "thresholds": { "threshold": 0.35, "gap": 0.02 },
        "routes": WORDS.iter().map(of_route).collect::<serde_json::Map<_, _>>(),
    })
}

/// A labelled prompt: prompt, label, split.
pub(crate) type Prompt = [String; 3];

/// Sixteen prompts a route and twelve that belong to none, half calibration and half test; some are hard.
pub(crate) fn prompts() -> Vec<Prompt> {
    let split = |i: usize| if i % 4 < 2 { "calibration" } else { "test" }.to_owned();
    let mut prompts = Vec::new();
    for (r, (route, words)) in WORDS.iter().enumerate() {
        for i in 0..16 {
            let foreign = WORDS[(r + 1 + i % 2) % 3].1[(5 * i + r) % 10];
            let mut prompt = format!("{} {}", words[(3 * i + r) % 10], words[(7 * i + 1) % 10]);
            if i % 3 != 0 {
                let _ = write!(prompt, " {foreign}");
            }
            if i % 5 == 4 {
                prompt = format!("{foreign} {}", words[i % 10]);
            }
            prompts.push([format!("{prompt}, {i}"), (*route).to_owned(), split(i)]);
        }
    }
    for i in 0..12 {
        let word = ["shoes", "weather", "dinner", "sofa", "hello", "qwrtz"][i % 6];
        let near = WORDS[i % 3].1[i % 10];
        prompts.push([format!("{word} {near} {i}"), "none".to_owned(), split(i)]);
    }
    prompts
}

/// Prompts as CSV.
pub(crate) fn csv_of(prompts: &[Prompt]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["prompt", "label", "split"]).unwrap();
    for prompt in prompts {
        writer.write_record(prompt).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// The rows of a CSV, by column name.
pub(crate) fn rows_of(csv: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(csv.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// A document as text.
pub(crate) fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}

/// The member at `path`, such as `as_deployed.coverage.point`.
#[track_caller]
pub(crate) fn at<'v>(document: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(document, |value, key| {
        value.get(key).unwrap_or_else(|| panic!("no {path}"))
    })
}

/// The number at `path`.
#[track_caller]
pub(crate) fn number(document: &Value, path: &str) -> f64 {
    at(document, path)
        .as_f64()
        .unwrap_or_else(|| panic!("{path} is no number"))
}
