//! What a report is put together from: figures and tables, each with a sentence that explains it and words that are defined.

use std::collections::BTreeMap;

use serde::Serialize;

pub(super) use crate::plot::grouped;
use crate::report::{Estimate, points, share};

/// How a value is to be taken. Never said by colour alone: the words say it too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::report) enum Tone {
    Good,
    Bad,
    Unsure,
    #[default]
    Plain,
}

/// A figure or a table.
#[derive(Debug, Serialize)]
#[serde(tag = "block", rename_all = "lowercase")]
pub(in crate::report) enum Block {
    Picture(Picture),
    Table(Table),
}

impl Block {
    /// The words it refers to.
    pub(super) fn terms(&self) -> Vec<&'static str> {
        match self {
            Self::Picture(picture) => picture.terms.clone(),
            Self::Table(table) => table.terms.clone(),
        }
    }
}

impl From<Table> for Block {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

/// A picture that routecal drew.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Picture {
    pub(in crate::report) id: String,
    pub(in crate::report) svg: String,
    /// What it shows, in a sentence or two.
    pub(in crate::report) explain: String,
    pub(in crate::report) terms: Vec<&'static str>,
    /// What a marker on it moves: `map` (threshold and gap), `curve` (threshold), or nothing.
    pub(in crate::report) marker: Option<&'static str>,
}

/// The picture of that name, where it was drawn.
pub(super) fn picture(
    pictures: &BTreeMap<String, String>,
    name: &str,
    explain: impl Into<String>,
    terms: &[&'static str],
) -> Option<Picture> {
    Some(Picture {
        id: name.to_owned(),
        svg: pictures.get(name)?.clone(),
        explain: explain.into(),
        terms: terms.to_vec(),
        marker: None,
    })
}

/// A table. The first cell of a row names it.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Table {
    pub(in crate::report) id: &'static str,
    pub(in crate::report) title: String,
    /// What it shows, in a sentence or two.
    pub(in crate::report) explain: String,
    pub(in crate::report) terms: Vec<&'static str>,
    pub(in crate::report) columns: Vec<Column>,
    pub(in crate::report) rows: Vec<Vec<Cell>>,
    /// Whether readers sort and filter it.
    pub(in crate::report) sorts: bool,
    /// Rows that Markdown shows; 0 for none of the table.
    #[serde(skip)]
    pub(in crate::report) brief: usize,
}

impl Table {
    pub(super) fn new(id: &'static str, title: impl Into<String>, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Self {
        Self {
            id,
            title: title.into(),
            explain: String::new(),
            terms: Vec::new(),
            columns,
            rows,
            sorts: false,
            brief: 0,
        }
    }

    pub(super) fn explained(self, explain: impl Into<String>, terms: &[&'static str]) -> Self {
        Self {
            explain: explain.into(),
            terms: terms.to_vec(),
            ..self
        }
    }

    pub(super) fn sorted(self) -> Self {
        Self { sorts: true, ..self }
    }

    /// Shown in Markdown too, the first `rows` of it.
    pub(super) fn brief(self, rows: usize) -> Self {
        Self { brief: rows, ..self }
    }
}

/// A column.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Column {
    pub(in crate::report) name: String,
    /// Numbers stand on the right.
    pub(in crate::report) number: bool,
    /// Whether a reader picks rows by its values.
    pub(in crate::report) pick: bool,
}

/// A column of words.
pub(super) fn words(name: impl Into<String>) -> Column {
    Column {
        name: name.into(),
        number: false,
        pick: false,
    }
}

/// A column of few words, to pick rows by.
pub(super) fn picks(name: impl Into<String>) -> Column {
    Column {
        pick: true,
        ..words(name)
    }
}

/// A column of numbers.
pub(super) fn numbers(name: impl Into<String>) -> Column {
    Column {
        number: true,
        ..words(name)
    }
}

/// A cell.
#[derive(Debug, Clone, Default, Serialize)]
pub(in crate::report) struct Cell {
    pub(in crate::report) text: String,
    /// Beneath it, smaller: an interval.
    pub(in crate::report) note: String,
    pub(in crate::report) tone: Tone,
    /// What it is sorted by, where that is not its text.
    pub(in crate::report) order: Option<f64>,
}

impl Cell {
    pub(super) fn noted(self, note: impl Into<String>) -> Self {
        Self {
            note: note.into(),
            ..self
        }
    }

    pub(super) fn toned(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

/// A text.
pub(super) fn cell(text: impl Into<String>) -> Cell {
    Cell {
        text: text.into(),
        ..Cell::default()
    }
}

/// A whole number.
pub(super) fn count(n: u64) -> Cell {
    Cell {
        order: Some(crate::num::f64_from_u64(n)),
        ..cell(grouped(n))
    }
}

/// A place in a file: a name, not a quantity.
pub(super) fn line(number: u64) -> Cell {
    Cell {
        order: Some(crate::num::f64_from_u64(number)),
        ..cell(number.to_string())
    }
}

/// A number with so many decimals.
pub(super) fn decimal(value: Option<f64>, decimals: usize) -> Cell {
    Cell {
        order: value,
        ..cell(value.map_or_else(|| "n/a".into(), |v| format!("{v:.decimals$}")))
    }
}

/// A setting, with all its digits.
pub(super) fn setting(value: f64) -> Cell {
    Cell {
        order: Some(value),
        ..cell(value.to_string())
    }
}

/// A share in percent with its interval.
pub(super) fn rate(estimate: &Estimate) -> Cell {
    Cell {
        order: estimate.point,
        ..cell(share(estimate.point)).noted(percent_interval(estimate))
    }
}

/// A figure that is no share, with its interval.
pub(super) fn figure(estimate: &Estimate, decimals: usize) -> Cell {
    let note = estimate.interval().map_or_else(String::new, |i| {
        format!("{:.decimals$}–{:.decimals$}", i.lower, i.upper)
    });
    decimal(estimate.point, decimals).noted(note)
}

/// A difference of two shares in points.
pub(super) fn difference(now: Option<f64>, before: Option<f64>) -> Cell {
    match now.zip(before).map(|(a, b)| a - b) {
        None => cell("n/a"),
        Some(d) => Cell {
            order: Some(d),
            ..cell(points(d))
        },
    }
}

/// `57.6–65.3`, or nothing.
pub(super) fn percent_interval(estimate: &Estimate) -> String {
    estimate.interval().map_or_else(String::new, |i| {
        format!("{:.1}–{:.1}", 100.0 * i.lower, 100.0 * i.upper)
    })
}

/// `61.5 % (95 % interval 57.6–65.3, n = 608)`.
pub(super) fn in_words(estimate: &Estimate) -> String {
    let n = grouped(estimate.n);
    match estimate.interval() {
        Some(_) => format!(
            "{} (95 % interval {}, n = {n})",
            share(estimate.point),
            percent_interval(estimate)
        ),
        None => format!("{} (n = {n})", share(estimate.point)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_n_a() {
        assert_eq!(in_words(&Estimate::new(None, 0)), "n/a (n = 0)");
        assert_eq!(difference(Some(0.615), Some(0.444)).text, "+17.1");
        assert_eq!(difference(None, Some(0.4)).text, "n/a");
    }
}
