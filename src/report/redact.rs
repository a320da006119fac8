//! Results without the text of prompts and examples: in its place stands the start of its SHA-256, so that equal texts can still be
//! told to be equal and a text that is at hand can be found (`printf %s "the prompt" | sha256sum`).
//!
//! A pseudonym, no encryption: who guesses a text can see that it is the one.

use std::borrow::Cow;

use super::{CheckReport, EvalReport, ImproveReport, LintReport};
use crate::assets::sha256_hex;
use crate::dataset::Row;

/// Digits of the hash that are shown: among a million texts two with the same are one chance in 36 million.
const DIGITS: usize = 16;

/// What stands in the place of a text; for such a name, itself.
///
/// ```
/// let name = routecal::report::redacted("Write a binary search in Rust");
/// assert_eq!(name, "[redacted accee0185bd251a0]");
/// assert_eq!(routecal::report::redacted(&name), name);
/// ```
pub fn redacted(text: &str) -> String {
    let digits = text.strip_prefix("[redacted ").and_then(|rest| rest.strip_suffix(']'));
    if digits.is_some_and(|d| d.len() == DIGITS && d.bytes().all(|b| b.is_ascii_hexdigit())) {
        return text.to_owned();
    }
    format!("[redacted {}]", &sha256_hex(text.as_bytes())[..DIGITS])
}

/// The rows with such names for prompts, where `redact` asks for it.
pub fn redacted_rows(rows: &[Row], redact: bool) -> Cow<'_, [Row]> {
    if !redact {
        return Cow::Borrowed(rows);
    }
    let row = |row: &Row| Row {
        prompt: redacted(&row.prompt),
        reference: row.reference.as_deref().map(redacted),
        ..row.clone()
    };
    rows.iter().map(row).collect()
}

/// A result that shows prompts or examples.
pub trait Redact {
    /// Replaces each of their texts.
    fn redact_prompts(&mut self);
}

fn redact(text: &mut String) {
    *text = redacted(text);
}

#[cfg(feature = "cli")]
impl Redact for super::Contents {
    fn redact_prompts(&mut self) {
        self.check.iter_mut().for_each(Redact::redact_prompts);
        self.evaluation.iter_mut().for_each(Redact::redact_prompts);
    }
}

impl Redact for EvalReport {
    fn redact_prompts(&mut self) {
        for mistake in &mut self.mistakes {
            redact(&mut mistake.prompt);
            redact(&mut mistake.nearest_chosen.example);
            if let Some(right) = &mut mistake.nearest_right {
                redact(&mut right.example);
            }
        }
    }
}

impl Redact for CheckReport {
    fn redact_prompts(&mut self) {
        let lists = self
            .candidate
            .iter_mut()
            .flat_map(|c| [&mut c.added, &mut c.removed, &mut c.relabelled]);
        for list in lists {
            list.first
                .iter_mut()
                .filter_map(|listed| listed.prompt.as_mut())
                .for_each(redact);
        }
        for flip in &mut self.flips.listed {
            redact(&mut flip.prompt);
        }
    }
}

impl Redact for ImproveReport {
    fn redact_prompts(&mut self) {
        for change in &mut self.changes {
            redact(&mut change.example);
        }
    }
}

impl Redact for LintReport {
    fn redact_prompts(&mut self) {
        for item in self.findings.iter_mut().flat_map(|finding| &mut finding.items) {
            redact(&mut item.text);
        }
        for prompt in self.next.iter_mut().flat_map(|next| &mut next.chosen) {
            redact(&mut prompt.prompt);
        }
    }
}
