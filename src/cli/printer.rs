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
    let _ = writeln!(std::io::stderr().lock(), "{}", harmless(text));
}

/// Messages quote what stands in files; a control character there would drive the terminal, so it is spelt out.
fn harmless(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut harmless, c| {
        if c.is_control() && !matches!(c, '\n' | '\t') {
            harmless.extend(c.escape_default());
        } else {
            harmless.push(c);
        }
        harmless
    })
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn control_characters_are_spelt_out() {
        assert_eq!(harmless("a\u{1b}[31m red\r\u{9b}"), "a\\u{1b}[31m red\\r\\u{9b}");
        assert_eq!(harmless("two\n  lines\tétoile 日本"), "two\n  lines\tétoile 日本");
    }
}
