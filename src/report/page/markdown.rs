//! A report as Markdown, for a pull request: answers, thresholds, what to do, the tables that matter.

use std::fmt::Write as _;

use super::block::{Cell, Column, Tone};
use super::{Block, Page, Table};
use crate::report::folder::Contents;
use crate::report::markdown::text;

/// Characters of a cell: longer texts are cut.
const CELL: usize = 160;
/// Characters of a sentence, which are ours but for the names in it.
const SENTENCE: usize = 1200;

/// The results of a folder for a pull request. A user's text has nothing in it that Markdown or HTML would act on.
pub fn report_markdown(contents: &Contents) -> String {
    let page = Page::of(contents);
    let mut out = String::from("## routecal report\n\n");
    for answer in &page.answers {
        let _ = writeln!(
            out,
            "**{}: {}.** {} {}\n",
            answer.of,
            text(&answer.word, SENTENCE),
            text(&answer.sentence, SENTENCE),
            text(&answer.detail, SENTENCE)
        );
    }
    for warning in &page.warnings {
        let _ = writeln!(out, "> warning: {}\n", text(warning, SENTENCE));
    }
    if let Some(choice) = &page.choice {
        table(choice, &mut out);
    }
    if !page.next.is_empty() {
        out.push_str("**What to do next**\n\n");
        for step in &page.next {
            let command = match step.command.as_str() {
                "" => String::new(),
                command => format!(" `{command}`"),
            };
            let _ = writeln!(out, "1. {}{command}", text(&step.text, SENTENCE));
        }
        out.push('\n');
    }
    for section in &page.sections {
        let tables: Vec<&Table> = section.blocks.iter().filter_map(brief).collect();
        if tables.is_empty() {
            continue;
        }
        let _ = writeln!(out, "<details><summary>{}</summary>\n", text(section.title, SENTENCE));
        for one in tables {
            table(one, &mut out);
        }
        out.push_str("</details>\n\n");
    }
    out.push_str("Pictures, definitions and all tables are in report.html.\n");
    out
}

fn brief(block: &Block) -> Option<&Table> {
    match block {
        Block::Table(table) if table.brief > 0 => Some(table),
        _ => None,
    }
}

fn table(table: &Table, out: &mut String) {
    let _ = writeln!(out, "{}\n", text(&table.explain, SENTENCE));
    let header: Vec<String> = table.columns.iter().map(|column| text(&column.name, CELL)).collect();
    let rule: Vec<&str> = table
        .columns
        .iter()
        .map(|Column { number, .. }| if *number { "--:" } else { "---" })
        .collect();
    let _ = writeln!(out, "| {} |\n|{}|", header.join(" | "), rule.join("|"));
    for row in table.rows.iter().take(table.brief) {
        let cells: Vec<String> = row.iter().map(one).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    if table.rows.len() > table.brief {
        let _ = writeln!(
            out,
            "\n{} more rows are in report.html.",
            table.rows.len() - table.brief
        );
    }
    out.push('\n');
}

fn one(cell: &Cell) -> String {
    let mut shown = text(&cell.text, CELL);
    if cell.tone == Tone::Bad && !shown.is_empty() {
        shown = format!("**{shown}**");
    }
    if !cell.note.is_empty() {
        let _ = write!(shown, " ({})", text(&cell.note, CELL));
    }
    shown
}
