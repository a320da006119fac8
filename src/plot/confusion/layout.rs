//! Where the parts of a confusion matrix lie, for two labels as for a thousand.

use super::super::canvas::{Canvas, Stroke, Type};
use super::super::fonts;
use super::super::frame::{HEAD, MARGIN};
use super::super::number::real;
use super::super::palette::GRID;
use super::{ConfusionFigure, LIMIT};

/// Where everything lies.
pub(super) struct Layout {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) wide: f64,
    pub(super) high: f64,
    /// Space before the last column, which is no route.
    pub(super) gutter: f64,
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) turned: bool,
    pub(super) heads: Vec<Vec<String>>,
    pub(super) height: f64,
}

impl Layout {
    /// Lays out a matrix.
    pub(super) fn of(figure: &ConfusionFigure) -> Self {
        let (rows, columns) = (figure.labels.len().max(1), figure.columns.len().max(1));
        let many = rows.max(columns) > 40;
        let label = label_type(many);
        let longest = figure.labels.iter().map(|l| label.width(l));
        let names = longest.fold(40.0, f64::max).min(if many { 110.0 } else { 190.0 });
        let left = MARGIN + 26.0 + names.ceil() + 10.0;
        let gutter = if many { 4.0 } else { 8.0 };
        let space = 960.0 - left - MARGIN - if many { 14.0 } else { 62.0 } - gutter;
        let wide = (space / real(columns)).min(if columns < 4 { 220.0 } else { 150.0 });
        let wide = if wide >= 2.0 {
            wide
        } else {
            (wide * 10.0).floor() / 10.0
        };
        let wide = if wide >= 12.0 { wide.floor() } else { wide };
        let high = (400.0 / real(rows)).max(44.0).min(wide.max(30.0)).min(88.0);
        let high = if many { wide } else { high.floor() };
        let (heads, turned) = break_heads(&figure.columns, wide, many);
        let deepest = if turned {
            let widths = heads.iter().flatten().map(|head| label.width(head));
            widths.fold(0.0, f64::max)
        } else {
            real(heads.iter().map(Vec::len).max().unwrap_or(1)) * 16.0
        };
        let below = if figure.subtitle.is_empty() { 54.0 } else { HEAD - 4.0 };
        let top = (below + 24.0 + deepest + 8.0).round();
        let body = if high >= 12.0 {
            high * real(rows)
        } else {
            (high * real(rows)).ceil()
        };
        Self {
            left,
            top,
            wide,
            high,
            gutter,
            columns,
            rows,
            turned,
            heads,
            height: (top + body + 76.0).max(360.0),
        }
    }

    pub(super) fn x(&self, column: usize) -> f64 {
        let shift = if column + 1 >= self.columns && self.columns > 1 {
            self.gutter
        } else {
            0.0
        };
        self.left + shift + self.snap(real(column) * self.wide)
    }

    pub(super) fn x_end(&self, column: usize) -> f64 {
        let start = self.x(column);
        start + self.snap(real(column + 1) * self.wide) - self.snap(real(column) * self.wide)
    }

    pub(super) fn y(&self, row: usize) -> f64 {
        self.top + self.snap(real(row) * self.high)
    }

    /// Cell edges lie on whole units while a cell has some, so that neighbours meet without a seam.
    fn snap(&self, value: f64) -> f64 {
        if self.wide.min(self.high) >= 2.0 {
            value.round()
        } else {
            (value * 10.0).round() / 10.0
        }
    }

    pub(super) fn right(&self) -> f64 {
        self.x_end(self.columns.saturating_sub(1))
    }

    pub(super) fn bottom(&self) -> f64 {
        self.y(self.rows)
    }

    /// Whether cells are large enough for gaps, outlines and texts.
    pub(super) fn roomy(&self) -> bool {
        self.wide.min(self.high) >= 12.0
    }

    /// Frames the routes and the last column.
    pub(super) fn outline(&self, canvas: &Canvas<'_>) {
        let frame = Stroke::solid(GRID, 1.0);
        let (last, bottom) = (self.columns - 1, self.bottom());
        if last > 0 {
            canvas.frame((self.left, self.top), (self.x_end(last - 1), bottom), frame);
        }
        canvas.frame((self.x(last), self.top), (self.right(), bottom), frame);
    }
}

/// The names of the columns in lines that fit: flat where they can be, else turned.
fn break_heads(columns: &[String], wide: f64, many: bool) -> (Vec<Vec<String>>, bool) {
    let label = label_type(many);
    let room = wide - 8.0;
    let flat: Vec<Vec<String>> = columns.iter().map(|name| halve(name, label, room)).collect();
    let fits = flat.iter().flatten().all(|line| label.width(line) <= room);
    if !many && (fits || wide >= 84.0) {
        let cut = |(lines, name): (Vec<String>, &String)| {
            if lines.iter().all(|line| label.width(line) <= room) {
                lines
            } else {
                fonts::wrap(name, label.size, label.bold, room, 2)
            }
        };
        return (flat.into_iter().zip(columns).map(cut).collect(), false);
    }
    let cut = |name: &String| vec![label.elide(name, if many { 110.0 } else { 150.0 })];
    (columns.iter().map(cut).collect(), true)
}

/// The type of the labels of rows and columns.
pub(super) const fn label_type(many: bool) -> Type {
    Type::plain(if many { 9.5 } else { 13.0 })
}

/// Every how many labels one can be written.
pub(super) fn stride(cell: f64, size: f64) -> usize {
    let mut every = 1;
    while cell * real(every) < size * 1.2 && every < LIMIT {
        every += 1;
    }
    every
}

/// A name in one line, or in two broken at a space, hyphen or underscore where one does not fit.
fn halve(name: &str, label: Type, room: f64) -> Vec<String> {
    if label.width(name) <= room {
        return vec![name.to_owned()];
    }
    let halves = name
        .char_indices()
        .filter(|(_, c)| matches!(c, ' ' | '-' | '_' | '/'))
        .map(|(place, c)| {
            let cut = place + c.len_utf8();
            (name[..cut].trim().to_owned(), name[cut..].trim().to_owned())
        })
        .min_by(|a, b| {
            let widest = |pair: &(String, String)| label.width(&pair.0).max(label.width(&pair.1));
            widest(a).total_cmp(&widest(b))
        });
    halves.map_or_else(|| vec![name.to_owned()], |(a, b)| vec![a, b])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_break_where_they_can() {
        let look = Type::plain(13.0);
        assert_eq!(halve("coding", look, 80.0), ["coding"]);
        assert_eq!(halve("out_of_domain", look, 60.0), ["out_of_", "domain"]);
        assert_eq!(halve("unbreakable", look, 10.0), ["unbreakable"]);
    }

    #[test]
    fn labels_are_thinned_to_what_can_be_read() {
        assert_eq!(stride(40.0, 13.0), 1);
        assert_eq!(stride(5.0, 9.5), 3);
    }
}
