//! The one place that decides what goes to standard output and what to standard error.

use std::io::Write as _;

use super::args::OutputFormat;
use crate::Error;
use crate::report::drives_a_terminal;

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
            OutputFormat::Json => harmless_json(&document()),
            OutputFormat::Text => harmless(&text()),
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

/// Messages quote what stands in files; a character there that would drive the terminal is spelt out.
fn harmless(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut harmless, c| {
        if drives_a_terminal(c) && !matches!(c, '\n' | '\t') {
            harmless.extend(c.escape_default());
        } else {
            harmless.push(c);
        }
        harmless
    })
}

/// The same document with such characters as escapes. What stands outside of JSON's strings is ASCII, and has line breaks alone of
/// them.
fn harmless_json(document: &str) -> String {
    document
        .chars()
        .fold(String::with_capacity(document.len()), |mut harmless, c| {
            if drives_a_terminal(c) && c != '\n' {
                harmless.push_str(&format!("\\u{:04x}", u32::from(c)));
            } else {
                harmless.push(c);
            }
            harmless
        })
}

#[cfg(test)]
mod tests {
    use super::{harmless, harmless_json};

    #[test]
    fn a_document_stays_the_same_document() {
        let value = serde_json::json!({"prompt": "a\u{9b}31m\u{202e}b\u{7f}\t\n é"});
        let document = serde_json::to_string_pretty(&value).expect("plain values");
        let printed = harmless_json(&document);
        assert!(printed.contains(r"a\u009b31m\u202eb\u007f"), "{printed}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&printed).expect("JSON"),
            value
        );
    }

    #[test]
    fn control_characters_are_spelt_out() {
        assert_eq!(harmless("a\u{1b}[31m red\r\u{9b}"), "a\\u{1b}[31m red\\r\\u{9b}");
        assert_eq!(harmless("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(harmless("two\n  lines\tétoile 日本"), "two\n  lines\tétoile 日本");
    }
}
