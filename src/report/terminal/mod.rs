//! Documents as text for a terminal.

mod calibration;
mod certification;
mod check;
mod collect;
mod compare;
mod cost_calibration;
mod evaluation;
mod grades;
mod improve;
mod learn_curve;
mod lint;
mod monitor;
mod replay;
mod routing;
mod scored;

pub use calibration::{calibration_text, next_step};
pub use check::{baseline_text, check_text};
pub use collect::{batches_text, collect_text, dry_run_text};
pub use compare::compare_text;
pub use cost_calibration::{cost_calibration_text, cost_next_step};
pub use evaluation::eval_text;
pub use grades::grades_text;
pub use improve::improve_text;
pub use learn_curve::learn_curve_text;
pub use lint::lint_text;
pub use monitor::monitor_text;
pub use replay::replay_text;
pub use routing::{centroids_text, classify_text};
pub use scored::partial_text;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::Estimate;

/// Routes up to which a matrix is printed.
pub(super) const MATRIX_ROUTES: usize = 12;
/// Characters of a prompt that are shown.
pub(in crate::report) const PROMPT_SHOWN: usize = 72;

/// A table with a header, the first column left and the others right.
pub(in crate::report) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    render(header, rows, CellAlignment::Right)
}

fn render(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>, others: CellAlignment) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if i == 0 { 0 } else { 2 }, 0));
        if i > 0 {
            column.set_cell_alignment(others);
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A table with every column left.
pub fn left_table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    render(header, rows, CellAlignment::Left)
}

/// A user's text on one line, without what could drive the terminal or turn the line around, cut to a width.
pub(in crate::report) fn shown(text: &str, width: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut clean: String = line
        .chars()
        .filter(|c| !drives_a_terminal(*c))
        .take(width + 1)
        .collect();
    if clean.chars().count() > width {
        clean = clean.chars().take(width - 1).collect();
        clean.push('…');
    }
    clean
}

/// Whether a character is one that acts instead of being shown: a control character, or one of those that change the direction of
/// writing, which make a line read as another (Unicode Technical Report 36).
pub(crate) fn drives_a_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1 prompt`, `2 prompts`.
pub(in crate::report) fn prompts(n: u64) -> String {
    if n == 1 {
        "1 prompt".into()
    } else {
        format!("{n} prompts")
    }
}

pub(super) fn percent(estimate: &Estimate) -> String {
    super::share(estimate.point)
}

/// `57.6–65.3 %`, or nothing where there is no interval.
pub(super) fn percent_interval(estimate: &Estimate) -> String {
    estimate.interval().map_or_else(String::new, |i| {
        format!("{:.1}–{:.1} %", 100.0 * i.lower, 100.0 * i.upper)
    })
}

/// `61.5 % (57.6–65.3)`.
pub(super) fn percent_with_interval(estimate: &Estimate) -> String {
    match estimate.interval() {
        Some(i) => format!("{} ({:.1}–{:.1})", percent(estimate), 100.0 * i.lower, 100.0 * i.upper),
        None => percent(estimate),
    }
}

pub(super) fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "n/a".into(), |v| format!("{v:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_prompt_cannot_drive_the_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\r\nc\u{7}", 40), "a[2Jb c");
        assert_eq!(shown("a \u{202e}b\u{2066}c\u{9b}d", 40), "a bcd");
        assert_eq!(shown("abcdef", 4), "abc…");
        assert_eq!(shown("abcd", 4), "abcd");
    }
}
