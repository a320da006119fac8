//! A value over threshold and gap as a heat map, with named operating points.
//!
//! Lightness rises with the value (cividis), so the map reads in grey too; a place without a value is left grey.

mod grid;

use std::fmt::Write as _;

use grid::{Grid, edges, shade};

use super::canvas::{Canvas, Page, Point, Stroke, Type, sketch};
use super::error::finite;
use super::frame::{HEAD, LABEL, MARGIN, Plane, TICK, headline};
use super::number::{fixed, grouped, percent, real, setting, ticks};
use super::palette::{AXIS, MUTED, SHADE, cividis};
use super::symbol::{Symbol, Towards, arrow};
use super::{Drawing, Figure, PlotError, Shown, fonts};

const FIGURE: &str = "threshold × gap figure";

/// A named operating point.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatmapMark {
    /// A word such as `chosen` or `current`.
    pub name: String,
    /// Its threshold.
    pub threshold: f64,
    /// Its gap.
    pub gap: f64,
    /// The ends of the interval of its value, if there is one.
    pub span: Option<(f64, f64)>,
}

/// A value in [0, 1] over threshold and gap.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatmapFigure {
    /// The thresholds of the columns, rising: grid points, or one more than there are columns: edges of the cells.
    pub thresholds: Vec<f64>,
    /// The gaps of the rows, rising: grid points or edges in the same way.
    pub gaps: Vec<f64>,
    /// One row a gap, one value a threshold; `None` where the value is not defined.
    pub values: Vec<Vec<Option<f64>>>,
    /// What the value is, such as `system accuracy`.
    pub value_name: String,
    /// The operating points, the most important first; the first five are drawn.
    pub marks: Vec<HeatmapMark>,
    /// How many prompts the values are over.
    pub n: u64,
    /// The split they belong to.
    pub split: String,
}

impl Figure for HeatmapFigure {
    fn draw(&self) -> Result<Drawing, PlotError> {
        self.check()?;
        let mut name = self.value_name.chars();
        let capital: String = name
            .next()
            .map(|c| c.to_uppercase().chain(name).collect())
            .unwrap_or_default();
        let page = Page {
            width: 960.0,
            height: 600.0,
            title: format!(
                "{capital} by threshold and gap · {} split, n = {}",
                self.split,
                grouped(self.n)
            ),
            subtitle: "Each place is an operating point: the least score and the least gap that a prompt must have to be accepted.".to_owned(),
            description: self.describe(),
        };
        let mut drawn = None;
        let drawing = sketch(&page, |canvas| {
            headline(canvas, &page);
            let mut plane = Plane {
                left: 96.0,
                top: HEAD,
                right: 672.0,
                bottom: 532.0,
                x: (0.0, 1.0),
                y: (0.0, 1.0),
            };
            let grid = Grid::of(self);
            if self.n == 0 || grid.values.is_empty() || grid.x.len() < 2 {
                plane.no_rows(canvas);
                return;
            }
            plane.x = (grid.x[0], grid.x[grid.x.len() - 1]);
            plane.y = (grid.y[0], grid.y[grid.y.len() - 1]);
            grid.draw(canvas, &plane);
            axes(canvas, &plane);
            self.marks(canvas, &plane);
            let below = self.scale(canvas, &plane, &grid);
            self.legend(canvas, &plane, &grid, below);
            drawn = Some(plane);
        })?;
        Ok(drawing.on(drawn))
    }
}

impl HeatmapFigure {
    fn check(&self) -> Result<(), PlotError> {
        let rows = self.values.len();
        let columns = self.values.first().map_or(0, Vec::len);
        let fits = |found: usize, cells: usize, what: &str| {
            if found == cells || (cells > 0 && found == cells + 1) {
                return Ok(());
            }
            Err(PlotError::Shape {
                figure: FIGURE,
                what: what.to_owned(),
                expected: format!("{cells} or {}", cells + 1),
                found: found.to_string(),
            })
        };
        if rows > 0 {
            fits(self.gaps.len(), rows, "gaps")?;
            fits(self.thresholds.len(), columns, "thresholds")?;
        }
        for (axis, name) in [(&self.thresholds, "thresholds"), (&self.gaps, "gaps")] {
            for (i, value) in axis.iter().enumerate() {
                finite(FIGURE, *value, || format!("{name}[{i}]"))?;
            }
            if let Some(i) = axis.windows(2).position(|pair| pair[0] >= pair[1]) {
                return Err(PlotError::Shape {
                    figure: FIGURE,
                    what: format!("{name}[{}]", i + 1),
                    expected: format!("more than {}", axis[i]),
                    found: axis[i + 1].to_string(),
                });
            }
        }
        for (g, row) in self.values.iter().enumerate() {
            if row.len() != columns {
                return Err(PlotError::Shape {
                    figure: FIGURE,
                    what: format!("values[{g}]"),
                    expected: columns.to_string(),
                    found: row.len().to_string(),
                });
            }
            for (t, value) in row.iter().enumerate() {
                if let Some(value) = value {
                    finite(FIGURE, *value, || format!("values[{g}][{t}]"))?;
                }
            }
        }
        self.marks.iter().try_for_each(|mark| {
            let what = |axis: &str| format!("{axis} of mark {:?}", mark.name);
            finite(FIGURE, mark.threshold, || what("threshold"))?;
            finite(FIGURE, mark.gap, || what("gap"))
        })
    }

    fn marks(&self, canvas: &Canvas<'_>, plane: &Plane) {
        for (i, mark) in self.marks.iter().enumerate().take(5) {
            let anchor = (
                plane.px(mark.threshold).clamp(plane.left, plane.right),
                plane.py(mark.gap).clamp(plane.top, plane.bottom),
            );
            let Some(towards) = outside(mark, plane) else {
                Symbol::of(i).draw(canvas, anchor);
                continue;
            };
            let inwards = match towards {
                Towards::Left => (anchor.0 + 20.0, anchor.1),
                Towards::Right => (anchor.0 - 20.0, anchor.1),
                Towards::Up => (anchor.0, anchor.1 + 20.0),
                Towards::Down => (anchor.0, anchor.1 - 20.0),
            };
            arrow(canvas, anchor, towards);
            Symbol::of(i).draw(canvas, inwards);
        }
    }

    /// The colour bar right of the map; returns where the legend may begin.
    fn scale(&self, canvas: &Canvas<'_>, plane: &Plane, grid: &Grid) -> f64 {
        let left = plane.right + 32.0;
        let right = left + 18.0;
        let room = 960.0 - MARGIN - left;
        let mut top = plane.top + 10.0;
        for line in fonts::wrap(&self.value_name, 13.0, true, room, 2) {
            canvas.text((left, top), &line, LABEL.bold());
            top += 17.0;
        }
        top -= 4.0;
        let bottom = top + if self.marks.len() > 3 { 110.0 } else { 190.0 };
        let (low, high) = grid.range;
        if high - low < 1e-9 {
            canvas.rect((left, top), (right, top + 18.0), shade(low, grid.range));
            let text = format!("{} everywhere", percent(low, 1));
            canvas.text_on((right + 10.0, top + 9.0), &text, TICK);
            return Self::undefined(canvas, left, top + 36.0, grid);
        }
        let steps = 95usize;
        for step in (0..steps).rev() {
            // Each step goes on under the next: no seams at any zoom.
            let part = |i: usize| (bottom - (bottom - top) * real(i) / real(steps)).round();
            let colour = cividis((real(step) + 0.5) / real(steps));
            canvas.rect((left, part(step + 1)), (right, bottom), colour);
        }
        let marks = ticks(low, high, 5);
        let decimals = marks.decimals.saturating_sub(2);
        for value in &marks.values {
            let y = bottom - (bottom - top) * (value - low) / (high - low);
            canvas.line(&[(right, y), (right + 4.0, y)], Stroke::solid(AXIS, 1.0));
            canvas.text_on((right + 9.0, y), &percent(*value, decimals), TICK);
        }
        Self::undefined(canvas, left, bottom + 14.0, grid)
    }

    /// Says what grey is, where there is any; returns the next free place.
    fn undefined(canvas: &Canvas<'_>, left: f64, y: f64, grid: &Grid) -> f64 {
        if grid.values.iter().flatten().all(Option::is_some) {
            return y;
        }
        canvas.rect((left, y), (left + 18.0, y + 12.0), SHADE);
        canvas.frame((left, y), (left + 18.0, y + 12.0), Stroke::solid(AXIS, 0.75));
        canvas.text((left + 27.0, y + 10.5), "n/a: nothing accepted", TICK);
        y + 24.0
    }

    fn legend(&self, canvas: &Canvas<'_>, plane: &Plane, grid: &Grid, from: f64) {
        let left = plane.right + 32.0;
        let room = 960.0 - MARGIN - left - 28.0;
        let mut y = from + 22.0;
        for (i, mark) in self.marks.iter().enumerate().take(5) {
            Symbol::of(i).draw(canvas, (left + 9.0, y));
            let bold = LABEL.bold();
            canvas.text_on((left + 28.0, y), &bold.elide(&mark.name, room), bold);
            let value = self.value_at(mark).map_or_else(String::new, |value| {
                let level = grid.range.1 - grid.range.0 < 1e-9;
                let tie = if !level && value >= grid.range.1 - 1e-12 {
                    " (best)"
                } else {
                    ""
                };
                let span = mark.span;
                format!("{}{tie}", Shown { value, span }.percent(1))
            });
            let value = if outside(mark, plane).is_some() {
                "outside the drawn range".to_owned()
            } else {
                value
            };
            let at = format!("threshold {}, gap {}", setting(mark.threshold), setting(mark.gap));
            for (row, text) in [at, value].iter().enumerate() {
                let look = Type::plain(12.0).colour(MUTED);
                canvas.text_on((left + 28.0, y + 17.0 + 16.0 * real(row)), text, look);
            }
            y += 54.0;
        }
    }

    /// The value of the cell that a mark lies in.
    fn value_at(&self, mark: &HeatmapMark) -> Option<f64> {
        let columns = self.values.first().map_or(0, Vec::len);
        let cell = |axis: &[f64], count: usize, value: f64| -> Option<usize> {
            let edges = edges(axis, count);
            let (first, last) = (edges.first()?, edges.last()?);
            let inside = value >= *first && value <= *last;
            let anchor = edges.partition_point(|edge| *edge <= value);
            (inside && count > 0).then(|| (anchor.max(1) - 1).min(count - 1))
        };
        let row = cell(&self.gaps, self.values.len(), mark.gap)?;
        let column = cell(&self.thresholds, columns, mark.threshold)?;
        self.values[row][column]
    }

    fn describe(&self) -> String {
        let mut words = format!("Heat map of {} over threshold and gap.", self.value_name);
        for mark in &self.marks {
            let value = self.value_at(mark).map_or_else(|| "n/a".to_owned(), |v| percent(v, 1));
            let _ = write!(
                words,
                " {}: threshold {}, gap {}, {value}.",
                mark.name,
                setting(mark.threshold),
                setting(mark.gap)
            );
        }
        words
    }
}

/// Where a mark lies, if it is not on the map.
fn outside(mark: &HeatmapMark, plane: &Plane) -> Option<Towards> {
    if mark.threshold < plane.x.0 {
        Some(Towards::Left)
    } else if mark.threshold > plane.x.1 {
        Some(Towards::Right)
    } else if mark.gap > plane.y.1 {
        Some(Towards::Up)
    } else if mark.gap < plane.y.0 {
        Some(Towards::Down)
    } else {
        None
    }
}

fn axes(canvas: &Canvas<'_>, plane: &Plane) {
    let across = ticks(plane.x.0, plane.x.1, 8);
    for value in &across.values {
        let x = plane.px(*value);
        canvas.line(&[(x, plane.bottom), (x, plane.bottom + 5.0)], Stroke::solid(AXIS, 1.0));
        let text = fixed(*value, across.decimals.max(1));
        canvas.text((x, plane.bottom + 19.0), &text, TICK.middle());
    }
    let middle = f64::midpoint(plane.left, plane.right);
    let name = "threshold on the score (cosine to the best route)";
    canvas.text((middle, plane.bottom + 41.0), name, LABEL.middle());
    let up = ticks(plane.y.0, plane.y.1, 6);
    for value in &up.values {
        let y = plane.py(*value);
        canvas.line(&[(plane.left - 5.0, y), (plane.left, y)], Stroke::solid(AXIS, 1.0));
        let text = fixed(*value, up.decimals.max(2));
        canvas.text_on((plane.left - 9.0, y), &text, TICK.end());
    }
    let anchor = (MARGIN + 7.0, f64::midpoint(plane.top, plane.bottom));
    canvas.text_on(anchor, "minimum gap (best score − runner-up)", LABEL.middle().turned());
    let from: Point = (plane.left, plane.top);
    canvas.frame(from, (plane.right, plane.bottom), Stroke::solid(AXIS, 1.0));
}
