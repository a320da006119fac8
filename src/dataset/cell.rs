//! Cells of a CSV file that a spreadsheet would take for a formula.
//!
//! Whoever opens `predictions.csv` in a spreadsheet must not run what stands in a prompt. A text that begins with one of the
//! characters that start a formula gets an apostrophe before it, which spreadsheets take for "what follows is text"
//! (OWASP, CSV Injection). Readers of this crate take it off again where they look a name up.

use std::borrow::Cow;

/// The text as a cell: with an apostrophe before it where a spreadsheet would run it.
pub(crate) fn guarded(text: &str) -> Cow<'_, str> {
    if is_formula(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text of a cell that [`guarded`] made.
pub(crate) fn bare(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text) => text,
        _ => cell,
    }
}

/// Spreadsheets pass over blanks before the first character, and know full-width forms of it.
fn is_formula(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n'])
        || text
            .trim_start()
            .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for text in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "  =cmd|' /C calc'!A0",
            "＝1",
        ] {
            assert_eq!(guarded(text), format!("'{text}"));
            assert_eq!(bare(&guarded(text)), text);
        }
        for text in ["", "1 = 1", "'quoted'", "a-b", "e@mail"] {
            assert_eq!(guarded(text), text);
            assert_eq!(bare(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_cell_begins_with_a_formula(text in "[ \t='@+a-]{0,6}") {
            let cell = guarded(&text);
            prop_assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{cell:?}");
            prop_assert!(cell == text.as_str() || bare(&cell) == text);
        }
    }
}
