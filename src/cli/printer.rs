//! The one place that decides what goes to standard output and what to standard error.

use std::io::Write as _;

use super::args::OutputFormat;
use crate::Error;

/// Prints answers to standard output; notes, warnings and errors to standard error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printer {
    quiet: bool,
    format: OutputFormat,
}

impl Printer {
    pub(super) fn new(quiet: bool, format: OutputFormat) -> Self {
        Self { quiet, format }
    }

    /// Prints the answer: `text` for people, or the document.
    pub(super) fn answer(self, document: impl FnOnce() -> String, text: impl FnOnce() -> String) -> Result<(), Error> {
        let answer = match self.format {
            OutputFormat::Json => document(),
            OutputFormat::Text => text(),
        };
        let mut out = std::io::stdout().lock();
        out.write_all(answer.as_bytes())
            .and_then(|()| out.flush())
            .map_err(Error::Output)
    }

    /// A line that only a person needs.
    pub(super) fn note(self, text: &str) {
        if !self.quiet {
            stderr(text);
        }
    }

    /// A workflow command, for the CI runner that reads standard error: never left out, since it was asked for.
    pub(super) fn annotation(self, line: &str) {
        stderr(line);
    }

    /// Something that may be wrong.
    pub(super) fn warn(self, text: &str) {
        if !self.quiet {
            stderr(&format!("warning: {text}"));
        }
    }
}

/// A line on standard error, whatever was asked for: errors.
pub(super) fn stderr(text: &str) {
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
