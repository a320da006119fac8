//! A sheet to draw on: plotters' elements in units of the picture, with dashes and exact text baselines.
//!
//! plotters places everything on whole pixels. The sheet is therefore ten times finer than the picture that is shown, so a
//! curve is placed to a tenth of a unit, and its size is set back in `render`.

use std::cell::{Cell, RefCell};

use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::prelude::{DrawingArea, IntoDrawingArea, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, FontTransform, RGBColor, ShapeStyle, TextStyle};

use super::error::PlotError;
use super::{Drawing, fonts, palette, render};

/// A place on the picture, from its upper left corner.
pub(super) type Point = (f64, f64);

/// Cells of plotters' grid to a unit of the picture.
pub(super) const FINE: f64 = 10.0;

/// The size of a picture and the words around it.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) title: String,
    pub(super) subtitle: String,
    /// The content in words, for those who do not see it.
    pub(super) description: String,
}

/// How a line looks: its width in units, and the lengths of dash, space, dash, … (empty: solid).
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke {
    pub(super) colour: RGBColor,
    pub(super) width: f64,
    pub(super) dash: &'static [f64],
}

impl Stroke {
    /// A solid line.
    pub(super) const fn solid(colour: RGBColor, width: f64) -> Self {
        Self::dashed(colour, width, &[])
    }

    /// A dashed line.
    pub(super) const fn dashed(colour: RGBColor, width: f64, dash: &'static [f64]) -> Self {
        Self { colour, width, dash }
    }
}

/// Which end of a text its place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) colour: RGBColor,
    pub(super) anchor: Anchor,
    /// Read from below upwards.
    pub(super) turned: bool,
}

impl Type {
    /// Plain text that starts at its place.
    pub(super) const fn plain(size: f64) -> Self {
        Self {
            size,
            bold: false,
            colour: palette::INK,
            anchor: Anchor::Start,
            turned: false,
        }
    }

    /// The same in semibold.
    pub(super) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same in another colour.
    pub(super) const fn colour(self, colour: RGBColor) -> Self {
        Self { colour, ..self }
    }

    /// The same centred on its place.
    pub(super) const fn middle(self) -> Self {
        Self {
            anchor: Anchor::Middle,
            ..self
        }
    }

    /// The same ending at its place.
    pub(super) const fn end(self) -> Self {
        Self {
            anchor: Anchor::End,
            ..self
        }
    }

    /// The same turned to be read upwards.
    pub(super) const fn turned(self) -> Self {
        Self { turned: true, ..self }
    }

    /// The width of a text in this type.
    pub(super) fn width(&self, text: &str) -> f64 {
        fonts::width(text, self.size, self.bold)
    }

    /// A text cut to a width.
    pub(super) fn elide(&self, text: &str, room: f64) -> String {
        fonts::elide(text, self.size, self.bold, room)
    }
}

/// The sheet. A failure of plotters is kept and reported at the end, so that drawing reads like a list of shapes.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    foreign: Cell<bool>,
    failure: RefCell<Option<PlotError>>,
}

/// Draws a page.
///
/// # Errors
///
/// Those of plotters, usvg and the PNG encoder.
pub(super) fn sketch(page: &Page, draw: impl FnOnce(&Canvas<'_>)) -> Result<Drawing, PlotError> {
    fonts::register();
    let mut svg = String::new();
    let foreign = fill(&mut svg, page, draw)?;
    render::finish(&svg, page, foreign)
}

/// Lets plotters write its SVG; returns whether a text needs fonts of the system.
fn fill(svg: &mut String, page: &Page, draw: impl FnOnce(&Canvas<'_>)) -> Result<bool, PlotError> {
    let size = (fine(page.width).unsigned_abs(), fine(page.height).unsigned_abs());
    let canvas = Canvas {
        area: SVGBackend::with_string(svg, size).into_drawing_area(),
        foreign: Cell::new(false),
        failure: RefCell::new(None),
    };
    canvas.keep(canvas.area.fill(&palette::PAPER));
    draw(&canvas);
    canvas.keep(canvas.area.present());
    match canvas.failure.into_inner() {
        Some(error) => Err(error),
        None => Ok(canvas.foreign.get()),
    }
}

/// A length or place in cells of plotters' grid.
#[expect(
    clippy::cast_possible_truncation,
    reason = "places on a picture are small; a cast from f64 saturates"
)]
pub(super) fn fine(value: f64) -> i32 {
    (value * FINE).round() as i32
}

fn spot(point: Point) -> (i32, i32) {
    (fine(point.0), fine(point.1))
}

impl Canvas<'_> {
    /// Draws a line through points.
    pub(super) fn line(&self, points: &[Point], stroke: Stroke) {
        let style = ShapeStyle {
            color: stroke.colour.to_rgba(),
            filled: false,
            stroke_width: fine(stroke.width).unsigned_abs(),
        };
        for piece in dashes(points, stroke.dash) {
            let spots: Vec<(i32, i32)> = piece.into_iter().map(spot).collect();
            if spots.len() > 1 {
                self.keep(self.area.draw(&PathElement::new(spots, style)));
            }
        }
    }

    /// Fills a rectangle from its upper left to its lower right corner.
    pub(super) fn rect(&self, from: Point, to: Point, colour: RGBColor) {
        let corners = [spot(from), spot(to)];
        self.keep(self.area.draw(&Rectangle::new(corners, colour.filled())));
    }

    /// Fills rectangles whose order does not matter, those of one colour together: the SVG can join them then.
    pub(super) fn tiles(&self, mut tiles: Vec<(Point, Point, RGBColor)>) {
        tiles.sort_by_key(|(_, _, colour)| (colour.0, colour.1, colour.2));
        for (from, to, colour) in tiles {
            self.rect(from, to, colour);
        }
    }

    /// Draws the outline of a rectangle, on its edge.
    pub(super) fn frame(&self, from: Point, to: Point, stroke: Stroke) {
        // One side is drawn twice, so that the corner where the line begins is closed.
        let corners = [from, (to.0, from.1), to, (from.0, to.1), from, (to.0, from.1)];
        self.line(&corners, stroke);
    }

    /// Fills a polygon.
    pub(super) fn polygon(&self, points: &[Point], colour: RGBColor) {
        let spots: Vec<(i32, i32)> = points.iter().copied().map(spot).collect();
        self.keep(self.area.draw(&Polygon::new(spots, colour.filled())));
    }

    /// Fills a circle.
    pub(super) fn disc(&self, centre: Point, radius: f64, colour: RGBColor) {
        let disc = Circle::new(spot(centre), fine(radius), colour.filled());
        self.keep(self.area.draw(&disc));
    }

    /// Writes a text with its baseline on a place.
    pub(super) fn text(&self, place: Point, text: &str, look: Type) {
        let text = printable(text);
        if text.is_empty() {
            return;
        }
        if !fonts::covers(&text) {
            self.foreign.set(true);
        }
        // plotters writes a vertically centred text half an "ex" below its place, and usvg takes an ex for half an em.
        let sink = 0.25 * look.size;
        let place = if look.turned {
            (place.0 - sink, place.1)
        } else {
            (place.0, place.1 - sink)
        };
        let anchor = match look.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let weight = if look.bold { FontStyle::Bold } else { FontStyle::Normal };
        // plotters takes the height of a line for the size of a font and divides by 1.24.
        let font =
            FontDesc::new(FontFamily::Name(fonts::FAMILY), look.size * 1.24 * FINE, weight).transform(if look.turned {
                FontTransform::Rotate270
            } else {
                FontTransform::None
            });
        let style = TextStyle::from(font)
            .color(&look.colour)
            .pos(Pos::new(anchor, VPos::Center));
        self.keep(self.area.draw_text(&text, &style, spot(place)));
    }

    /// Writes a text centred on a place in both directions, by the height of its capitals and digits.
    pub(super) fn text_on(&self, centre: Point, text: &str, look: Type) {
        let drop = 0.35 * look.size;
        let place = if look.turned {
            (centre.0 + drop, centre.1)
        } else {
            (centre.0, centre.1 + drop)
        };
        self.text(place, text, look);
    }

    fn keep<E>(&self, result: Result<(), E>)
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        if let Err(error) = result {
            self.failure
                .borrow_mut()
                .get_or_insert(PlotError::Draw(Box::new(error)));
        }
    }
}

/// A text without what XML forbids or what would break a line: control characters and non-characters.
pub(super) fn printable(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| match c {
            c if c.is_control() => ' ',
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            c => c,
        })
        .collect();
    clean.trim().to_owned()
}

/// Cuts a line into its dashes; a solid line stays whole.
fn dashes(points: &[Point], pattern: &[f64]) -> Vec<Vec<Point>> {
    if pattern.is_empty() || points.len() < 2 {
        return vec![points.to_vec()];
    }
    let mut pieces = Vec::new();
    let mut piece = vec![points[0]];
    let mut turn = 0;
    let mut left = pattern[0];
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let mut gone = 0.0;
        while length - gone > left {
            gone += left;
            let part = gone / length;
            let place = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            if turn % 2 == 0 {
                piece.push(place);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![place];
            }
            turn += 1;
            left = pattern[turn % pattern.len()];
        }
        left -= length - gone;
        if turn % 2 == 0 {
            piece.push(to);
        }
    }
    if turn % 2 == 0 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_cover_their_share_of_the_line() {
        let line = [(0.0, 0.0), (50.0, 0.0), (50.0, 50.0)];
        let pieces = dashes(&line, &[6.0, 4.0]);
        let drawn: f64 = pieces
            .iter()
            .flat_map(|piece| piece.windows(2))
            .map(|w| (w[1].0 - w[0].0).hypot(w[1].1 - w[0].1))
            .sum();
        assert!((drawn - 60.0).abs() < 1e-9, "{drawn}");
        assert_eq!(dashes(&line, &[]), vec![line.to_vec()]);
        assert!(dashes(&[(1.0, 1.0)], &[2.0, 2.0])[0].len() == 1);
    }

    #[test]
    fn text_holds_nothing_that_xml_forbids() {
        assert_eq!(printable("a\u{0}b\nc\u{ffff} "), "a b c\u{fffd}");
        assert_eq!(printable("\t"), "");
    }
}
