//! What figures share around their data: the headline, axes, named vertical lines, the note that there are no rows.

use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;

use super::canvas::{Canvas, FINE, Page, Point, Stroke, Type, fine};
use super::fonts;
use super::number::{Ticks, real};
use super::palette::{AXIS, GRID, INK, MUTED, PAPER};

/// The space left of the headline, and on the right of everything.
pub(super) const MARGIN: f64 = 24.0;
/// Where data may begin below the headline.
pub(super) const HEAD: f64 = 88.0;
/// The type of tick labels.
pub(super) const TICK: Type = Type::plain(12.0).colour(MUTED);
/// The type of axis names and legends.
pub(super) const LABEL: Type = Type::plain(13.0);

/// Writes the headline and what stands beneath it.
pub(super) fn headline(canvas: &Canvas<'_>, page: &Page) {
    let room = page.width - 2.0 * MARGIN;
    let size = [21.0, 19.0, 17.0, 15.0]
        .into_iter()
        .find(|size| fonts::width(&page.title, *size, true) <= room)
        .unwrap_or(15.0);
    let look = Type::plain(size).bold();
    canvas.text((MARGIN, 38.0), &look.elide(&page.title, room), look);
    let lines = fonts::wrap(&page.subtitle, 13.0, false, room, 2);
    for (row, line) in lines.iter().enumerate() {
        let place = (MARGIN, 59.0 + 17.0 * real(row));
        canvas.text(place, line, LABEL.colour(MUTED));
    }
}

/// A plane with two linear axes (plotters' `RangedCoordf64`) on a part of the picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plane {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
    /// The values at the left and the right edge.
    pub(super) x: (f64, f64),
    /// The values at the lower and the upper edge.
    pub(super) y: (f64, f64),
}

impl Plane {
    /// The place of a value on the x axis.
    pub(super) fn px(&self, value: f64) -> f64 {
        let axis: RangedCoordf64 = (self.x.0..self.x.1).into();
        f64::from(axis.map(&value, (fine(self.left), fine(self.right)))) / FINE
    }

    /// The place of a value on the y axis.
    pub(super) fn py(&self, value: f64) -> f64 {
        let axis: RangedCoordf64 = (self.y.0..self.y.1).into();
        f64::from(axis.map(&value, (fine(self.bottom), fine(self.top)))) / FINE
    }

    /// The place of a point.
    pub(super) fn place(&self, point: Point) -> Point {
        (self.px(point.0), self.py(point.1))
    }

    /// Draws grid lines at ticks of the x axis, their labels and the name of the axis below.
    pub(super) fn x_axis(&self, canvas: &Canvas<'_>, ticks: &Ticks, label: impl Fn(f64) -> String, name: &str) {
        for value in &ticks.values {
            let x = self.px(*value);
            let grid = Stroke::solid(GRID, 1.0);
            canvas.line(&[(x, self.top), (x, self.bottom)], grid);
            canvas.text((x, self.bottom + 18.0), &label(*value), TICK.middle());
        }
        let middle = f64::midpoint(self.left, self.right);
        canvas.text((middle, self.bottom + 40.0), name, LABEL.middle());
    }

    /// Draws grid lines at ticks of the y axis, their labels and the name of the axis on the left.
    pub(super) fn y_axis(&self, canvas: &Canvas<'_>, ticks: &Ticks, label: impl Fn(f64) -> String, name: &str) {
        let mut widest: f64 = 0.0;
        for value in &ticks.values {
            let y = self.py(*value);
            let text = label(*value);
            canvas.line(&[(self.left, y), (self.right, y)], Stroke::solid(GRID, 1.0));
            canvas.text_on((self.left - 8.0, y), &text, TICK.end());
            widest = widest.max(TICK.width(&text));
        }
        let place = (self.left - 8.0 - widest - 16.0, f64::midpoint(self.top, self.bottom));
        canvas.text_on(place, name, LABEL.middle().turned());
    }

    /// Draws the two axis lines over grid and data.
    pub(super) fn edges(&self, canvas: &Canvas<'_>) {
        canvas.line(
            &[
                (self.left, self.top),
                (self.left, self.bottom),
                (self.right, self.bottom),
            ],
            Stroke::solid(AXIS, 1.25),
        );
    }

    /// Says that there is nothing to draw.
    pub(super) fn no_rows(&self, canvas: &Canvas<'_>) {
        canvas.frame(
            (self.left, self.top),
            (self.right, self.bottom),
            Stroke::solid(GRID, 1.0),
        );
        let centre = (
            f64::midpoint(self.left, self.right),
            f64::midpoint(self.top, self.bottom),
        );
        canvas.text_on(centre, "no rows", Type::plain(18.0).colour(MUTED).middle());
    }
}

/// A named vertical line.
#[derive(Debug, Clone)]
pub(super) struct Flag {
    pub(super) text: String,
    /// Where the line stands.
    pub(super) x: f64,
}

/// The look of the line of the mark with an index: the first is solid, the others are dashed differently.
pub(super) const fn flag_stroke(index: usize) -> Stroke {
    match index {
        0 => Stroke::solid(INK, 1.75),
        1 => Stroke::dashed(INK, 1.5, &[6.0, 4.0]),
        2 => Stroke::dashed(INK, 1.5, &[2.0, 3.0]),
        _ => Stroke::dashed(INK, 1.25, &[10.0, 3.0, 2.0, 3.0]),
    }
}

/// The height of a row of flag labels.
const FLAG_ROW: f64 = 18.0;

/// Labels of vertical lines in rows above a plane, so that none covers another or is cut.
#[derive(Debug, Clone)]
pub(super) struct Flags {
    /// Text, place of the line, centre of the label, row from below.
    placed: Vec<(Flag, f64, usize)>,
    rows: usize,
}

impl Flags {
    /// Finds a row for every label between two edges.
    pub(super) fn lay_out(flags: Vec<Flag>, left: f64, right: f64) -> Self {
        let look = flag_type();
        let mut ends: Vec<Vec<(f64, f64)>> = Vec::new();
        let placed: Vec<(Flag, f64, usize)> = flags
            .into_iter()
            .map(|mut flag| {
                flag.text = look.elide(&flag.text, right - left);
                let half = look.width(&flag.text) / 2.0;
                let centre = flag.x.min(right - half).max(left + half);
                let span = (centre - half - 6.0, centre + half + 6.0);
                let free = |taken: &Vec<(f64, f64)>| taken.iter().all(|t| span.1 <= t.0 || span.0 >= t.1);
                let row = ends.iter().position(free).unwrap_or(ends.len());
                if row == ends.len() {
                    ends.push(Vec::new());
                }
                ends[row].push(span);
                (flag, centre, row)
            })
            .collect();
        Self {
            rows: ends.len(),
            placed,
        }
    }

    /// The height of all rows.
    pub(super) fn height(&self) -> f64 {
        FLAG_ROW * real(self.rows)
    }

    /// Draws lines from the lower edge of a plane to their labels above it.
    pub(super) fn draw(&self, canvas: &Canvas<'_>, top: f64, bottom: f64) {
        for (index, (flag, _, row)) in self.placed.iter().enumerate() {
            let from = top - 4.0 - FLAG_ROW * real(*row);
            canvas.line(&[(flag.x, from), (flag.x, bottom)], flag_stroke(index));
        }
        for (flag, centre, row) in &self.placed {
            let base = top - 8.0 - FLAG_ROW * real(*row);
            let half = flag_type().width(&flag.text) / 2.0 + 3.0;
            // A line that goes on to a higher row must not run through a label.
            canvas.rect((centre - half, base - 12.0), (centre + half, base + 3.5), PAPER);
            canvas.text((*centre, base), &flag.text, flag_type().middle());
        }
    }
}

const fn flag_type() -> Type {
    Type::plain(13.0).bold()
}

/// The line under a figure.
pub(super) fn footnote(canvas: &Canvas<'_>, page: &Page, text: &str) {
    let look = Type::plain(11.5).colour(MUTED);
    let room = page.width - 2.0 * MARGIN;
    canvas.text((MARGIN, page.height - 14.0), &look.elide(text, room), look);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_would_touch_stand_in_rows() {
        let flag = |text: &str, x: f64| Flag {
            text: text.to_owned(),
            x,
        };
        let near = vec![flag("chosen 0.36", 100.0), flag("current 0.35", 110.0)];
        assert_eq!(Flags::lay_out(near, 0.0, 600.0).rows, 2);
        let far = vec![flag("chosen 0.36", 100.0), flag("current 0.35", 400.0)];
        assert_eq!(Flags::lay_out(far, 0.0, 600.0).rows, 1);
        let edge = Flags::lay_out(vec![flag("chosen 0.36", 0.0)], 0.0, 600.0);
        assert!(edge.placed[0].1 > 20.0);
    }

    #[test]
    fn a_plane_of_one_value_maps_it_somewhere() {
        let plane = Plane {
            left: 10.0,
            top: 10.0,
            right: 110.0,
            bottom: 60.0,
            x: (0.5, 0.5),
            y: (0.0, 1.0),
        };
        assert!((10.0..=110.0).contains(&plane.px(0.5)));
        assert!((plane.py(1.0) - 10.0).abs() < 1e-9);
    }
}
