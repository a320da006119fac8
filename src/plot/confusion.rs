//! Where prompts went: the confusion matrix as a heat map. Rows are the truth, columns the decision, the last one fallback.
//!
//! A cell is coloured by its share of its row, so that rows of any size compare; the count stands in it while there is room.
//! The right decision of a row is outlined: the column of the same name, or fallback where there is none (out-of-domain).

mod layout;

use std::fmt::Write as _;

use plotters::style::RGBColor;

use layout::{Layout, label_type, stride};

use super::canvas::{Canvas, Page, Point, Stroke, Type, sketch};
use super::frame::{HEAD, LABEL, MARGIN, TICK, headline};
use super::number::{grouped, percent, real, share};
use super::palette::{AXIS, INK, MUTED, SHADE, blues, ink_on};
use super::{Drawing, Figure, PlotError, fonts};

const FIGURE: &str = "confusion figure";

/// Most rows or columns that a picture can show.
const LIMIT: usize = 1000;

/// A confusion matrix, from two routes to hundreds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionFigure {
    /// The true labels, one a row.
    pub labels: Vec<String>,
    /// The decisions, one a column; the last is `fallback`.
    pub columns: Vec<String>,
    /// How many prompts of each row went to each column: `labels.len()` rows of `columns.len()`.
    pub counts: Vec<Vec<u64>>,
    /// What one sees, with n and split.
    pub title: String,
    /// A smaller line beneath; may be empty.
    pub subtitle: String,
}

impl Figure for ConfusionFigure {
    fn draw(&self) -> Result<Drawing, PlotError> {
        self.check()?;
        let empty = self.counts.iter().flatten().all(|count| *count == 0);
        let layout = Layout::of(self);
        let page = Page {
            width: 960.0,
            height: layout.height,
            title: self.title.clone(),
            subtitle: self.subtitle.clone(),
            description: self.describe(),
        };
        sketch(&page, |canvas| {
            headline(canvas, &page);
            if self.labels.is_empty() || self.columns.is_empty() {
                let centre = (480.0, 0.5 * layout.height);
                let look = Type::plain(18.0).colour(MUTED).middle();
                canvas.text_on(centre, "no rows", look);
                return;
            }
            self.heads(canvas, &layout);
            self.rows(canvas, &layout);
            self.cells(canvas, &layout);
            key(canvas, &layout, empty);
        })
    }
}

impl ConfusionFigure {
    fn check(&self) -> Result<(), PlotError> {
        let shape = |what: String, expected: usize, found: usize| {
            if expected == found {
                return Ok(());
            }
            Err(PlotError::Shape {
                figure: FIGURE,
                what,
                expected: expected.to_string(),
                found: found.to_string(),
            })
        };
        shape("rows of counts".to_owned(), self.labels.len(), self.counts.len())?;
        for (i, row) in self.counts.iter().enumerate() {
            shape(format!("columns of counts[{i}]"), self.columns.len(), row.len())?;
        }
        let largest = self.labels.len().max(self.columns.len());
        if largest > LIMIT {
            return Err(PlotError::TooLarge {
                figure: FIGURE,
                what: "labels",
                found: largest,
                limit: LIMIT,
            });
        }
        Ok(())
    }

    /// The column that is right for a row.
    fn right_column(&self, row: usize) -> usize {
        let last = self.columns.len().saturating_sub(1);
        self.columns
            .iter()
            .position(|column| *column == self.labels[row])
            .unwrap_or(last)
    }

    fn heads(&self, canvas: &Canvas<'_>, layout: &Layout) {
        let many = self.labels.len().max(self.columns.len()) > 40;
        let label = label_type(many);
        let every = stride(layout.wide, label.size);
        let last = layout.columns - 1;
        for (column, lines) in layout.heads.iter().enumerate() {
            let near_last = column != last && last - column < every;
            if column != last && (!column.is_multiple_of(every) || (near_last && every > 1)) {
                continue;
            }
            let middle = f64::midpoint(layout.x(column), layout.x_end(column));
            let base = layout.top - 8.0;
            if layout.turned {
                let place = (middle + 0.35 * label.size, base);
                canvas.text(place, &lines[0], label.turned());
                continue;
            }
            for (row, line) in lines.iter().rev().enumerate() {
                canvas.text((middle, base - 16.0 * real(row)), line, label.middle());
            }
        }
        let below = if self.subtitle.is_empty() { 54.0 } else { HEAD - 4.0 };
        let middle = f64::midpoint(layout.left, layout.right());
        canvas.text((middle, below + 12.0), "decision", LABEL.bold().colour(MUTED).middle());
    }

    fn rows(&self, canvas: &Canvas<'_>, layout: &Layout) {
        let many = self.labels.len().max(self.columns.len()) > 40;
        let label = label_type(many);
        let every = stride(layout.high, label.size);
        let last = layout.rows - 1;
        let room = layout.left - MARGIN - 26.0 - 8.0;
        for (row, name) in self.labels.iter().enumerate() {
            let near_last = row != last && last - row < every;
            if row != last && (!row.is_multiple_of(every) || (near_last && every > 1)) {
                continue;
            }
            let middle = f64::midpoint(layout.y(row), layout.y(row + 1));
            let place = (layout.left - 10.0, middle);
            canvas.text_on(place, &label.elide(name, room), label.end());
            if !many {
                let total = total(&self.counts[row]);
                let place = (layout.right() + 10.0, middle);
                canvas.text_on(place, &grouped(total), TICK);
            }
        }
        if !many {
            canvas.text((layout.right() + 10.0, layout.top - 8.0), "n", TICK);
        }
        let middle = f64::midpoint(layout.top, layout.bottom());
        let look = LABEL.bold().colour(MUTED).middle().turned();
        canvas.text_on((MARGIN + 7.0, middle), "truth", look);
    }

    fn cells(&self, canvas: &Canvas<'_>, layout: &Layout) {
        let roomy = layout.roomy();
        if !roomy {
            layout.outline(canvas);
        }
        let gap = if roomy { 1.0 } else { 0.0 };
        let mut tiles = Vec::new();
        let mut cells = Vec::new();
        for (row, counts) in self.counts.iter().enumerate() {
            let total = total(counts);
            for (column, count) in counts.iter().enumerate() {
                let from = (layout.x(column), layout.y(row));
                let to = (layout.x_end(column) - gap, layout.y(row + 1) - gap);
                let part = share(*count, total);
                let colour = match part {
                    Some(part) if *count > 0 => blues(part),
                    _ => SHADE,
                };
                // Where cells are tiny the paper stands for nothing: thousands of grey cells would say no more.
                if *count > 0 || roomy {
                    tiles.push((from, to, colour));
                }
                cells.push((row, column, from, to, part, colour));
            }
        }
        canvas.tiles(tiles);
        if !roomy {
            return;
        }
        for (row, column, from, to, part, colour) in cells {
            if column == self.right_column(row) {
                let inner = ((from.0 + 1.0, from.1 + 1.0), (to.0 - 1.0, to.1 - 1.0));
                canvas.frame(inner.0, inner.1, Stroke::solid(INK, 2.0));
            }
            if layout.wide >= 30.0 && layout.high >= 20.0 {
                let middle = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
                let count = self.counts[row][column];
                write_cell(canvas, layout, middle, (count, part), colour);
            }
        }
    }

    fn describe(&self) -> String {
        let mut words = String::from("Confusion matrix, rows the truth, columns the decision.");
        for (row, name) in self.labels.iter().enumerate().take(24) {
            let total = total(&self.counts[row]);
            let right = self.right_column(row);
            let part = self.counts[row]
                .get(right)
                .and_then(|count| share(*count, total))
                .map_or_else(|| "n/a".to_owned(), |s| percent(s, 1));
            let total = grouped(total);
            let _ = write!(words, " {name}: {total} prompts, {part} decided right.");
        }
        if self.labels.len() > 24 {
            let _ = write!(words, " And {} labels more.", self.labels.len() - 24);
        }
        words
    }
}

/// Writes the count, and the share beneath while there is room.
fn write_cell(
    canvas: &Canvas<'_>,
    layout: &Layout,
    middle: Point,
    (count, part): (u64, Option<f64>),
    colour: RGBColor,
) {
    let plain = Type::plain(if layout.wide >= 44.0 { 14.0 } else { 11.0 }).middle();
    let Some(part) = part else {
        canvas.text_on(middle, "–", plain.colour(MUTED));
        return;
    };
    if count == 0 {
        canvas.text_on(middle, "0", plain.colour(MUTED));
        return;
    }
    let room = layout.wide - 8.0;
    let text = grouped(count);
    let size = [plain.size, 11.0, 9.0]
        .into_iter()
        .find(|size| fonts::width(&text, *size, true) <= room)
        .unwrap_or(8.0);
    let ink = ink_on(colour);
    let bold = Type::plain(size).bold().colour(ink).middle();
    let small = Type::plain(11.5).colour(ink).middle();
    let shown = percent(part, usize::from(part < 0.0995));
    if layout.high >= 36.0 && small.width(&shown) <= room {
        canvas.text_on((middle.0, middle.1 - 8.0), &text, bold);
        canvas.text_on((middle.0, middle.1 + 9.0), &shown, small);
    } else {
        canvas.text_on(middle, &text, bold);
    }
}

/// The colour scale and the meaning of the outline, under the matrix.
fn key(canvas: &Canvas<'_>, layout: &Layout, empty: bool) {
    let y = layout.bottom() + 26.0;
    let (left, width, steps) = (layout.left, 160.0, 40usize);
    for step in 0..steps {
        let from = left + width * real(step) / real(steps);
        canvas.rect(
            (from, y),
            (left + width, y + 10.0),
            blues((real(step) + 0.5) / real(steps)),
        );
    }
    canvas.frame((left, y), (left + width, y + 10.0), Stroke::solid(AXIS, 0.5));
    for (value, name) in [(0.0, "0"), (0.5, "50"), (1.0, "100\u{a0}%")] {
        canvas.text((left + width * value, y + 25.0), name, TICK.middle());
    }
    let mut next = left + width + 22.0;
    let mut say = |text: &str| {
        canvas.text((next, y + 10.0), text, TICK);
        next += TICK.width(text) + 26.0;
    };
    say("share of the row");
    if layout.roomy() {
        canvas.frame((next, y), (next + 14.0, y + 11.0), Stroke::solid(INK, 2.0));
        canvas.text((next + 22.0, y + 10.0), "right decision", TICK);
        next += 22.0 + TICK.width("right decision") + 26.0;
    }
    if empty {
        canvas.text((next, y + 10.0), "no rows", TICK.bold().colour(INK));
    }
}

/// All prompts of a row.
fn total(counts: &[u64]) -> u64 {
    counts.iter().copied().fold(0, u64::saturating_add)
}
