//! Rates against the threshold, the gap held fixed, with the choice marked.
//!
//! A prompt is accepted iff its score is at least the threshold, so every rate is a step function that changes just above a
//! distinct score: between two points it has the value of the right one. That is how it is drawn and read off at a mark.

use std::fmt::Write as _;

use super::canvas::{Canvas, Page, Point, Stroke, sketch};
use super::error::finite;
use super::frame::{Flag, Flags, HEAD, LABEL, MARGIN, Plane, flag_stroke, headline};
use super::number::{grouped, nice_range, percent, real, setting, ticks};
use super::palette::{BLUE, GREEN, MUTED, PAPER, PURPLE, VERMILLION, tint};
use super::thin::thin;
use super::{Drawing, Figure, PlotError, Shown};

const FIGURE: &str = "threshold figure";

/// How many marks the legend has room for.
const SHOWN: usize = 4;

/// The rates at one threshold, each in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdPoint {
    /// The threshold, a cosine.
    pub threshold: f64,
    /// Right route accepted, or out-of-domain sent to fallback, over all.
    pub system_accuracy: Shown,
    /// Accepted over all.
    pub coverage: Shown,
    /// Right over accepted; `None` where nothing is accepted.
    pub selective_accuracy: Option<Shown>,
    /// Accepted out-of-domain over out-of-domain; `None` where there is none.
    pub false_accept_rate: Option<Shown>,
}

/// A threshold with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdMark {
    /// A word such as `chosen` or `current`.
    pub name: String,
    /// The threshold, a cosine.
    pub threshold: f64,
}

/// Rates against the threshold: four lines, and a vertical line at each mark. Where rates have intervals, that of the system
/// accuracy is a band, and those of all four stand at the first mark.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdFigure {
    /// The rates, in any order of threshold; thinned where there are more than the picture shows.
    pub points: Vec<ThresholdPoint>,
    /// Named thresholds, the most important first: its line is solid and its values stand on the curves.
    pub marks: Vec<ThresholdMark>,
    /// The gap that is held fixed.
    pub gap: f64,
    /// How many prompts the rates are over.
    pub n: u64,
    /// The split they belong to, such as `calibration`.
    pub split: String,
}

/// One of the four lines.
struct Curve {
    name: &'static str,
    stroke: Stroke,
    value: fn(&ThresholdPoint) -> Option<Shown>,
}

const CURVES: [Curve; 4] = [
    Curve {
        name: "system accuracy",
        stroke: Stroke::solid(BLUE, 2.75),
        value: |p| Some(p.system_accuracy),
    },
    Curve {
        name: "coverage",
        stroke: Stroke::dashed(VERMILLION, 2.25, &[9.0, 4.0]),
        value: |p| Some(p.coverage),
    },
    Curve {
        name: "selective accuracy",
        stroke: Stroke::dashed(GREEN, 2.25, &[12.0, 3.0, 2.5, 3.0]),
        value: |p| p.selective_accuracy,
    },
    Curve {
        name: "false accept rate",
        stroke: Stroke::dashed(PURPLE, 2.5, &[2.5, 2.5]),
        value: |p| p.false_accept_rate,
    },
];

impl Figure for ThresholdFigure {
    fn draw(&self) -> Result<Drawing, PlotError> {
        self.check()?;
        let mut points = self.points.clone();
        points.sort_by(|a, b| a.threshold.total_cmp(&b.threshold));
        let page = Page {
            width: 960.0,
            height: 600.0,
            title: format!(
                "Accuracy and coverage against the threshold · {} split, n = {}",
                self.split,
                grouped(self.n)
            ),
            subtitle: format!(
                "Gap held at {}. A prompt is accepted if its score reaches the threshold and its gap the minimum; else it goes to fallback.",
                setting(self.gap)
            ),
            description: self.describe(&points),
        };
        let mut drawn = None;
        let drawing = sketch(&page, |canvas| {
            headline(canvas, &page);
            drawn = self.draw_body(canvas, &points);
        })?;
        Ok(drawing.on(drawn))
    }
}

impl ThresholdFigure {
    fn check(&self) -> Result<(), PlotError> {
        finite(FIGURE, self.gap, || "gap".to_owned())?;
        for (i, point) in self.points.iter().enumerate() {
            finite(FIGURE, point.threshold, || format!("points[{i}].threshold"))?;
            for curve in &CURVES {
                if let Some(value) = (curve.value)(point) {
                    value.check(FIGURE, || format!("{} of points[{i}]", curve.name))?;
                }
            }
        }
        self.marks
            .iter()
            .try_for_each(|mark| finite(FIGURE, mark.threshold, || format!("threshold of mark {:?}", mark.name)))
    }

    /// Draws all but the headline; returns where the lines are, if there are any.
    fn draw_body(&self, canvas: &Canvas<'_>, points: &[ThresholdPoint]) -> Option<Plane> {
        let mut plane = Plane {
            left: 88.0,
            top: HEAD,
            right: 690.0,
            bottom: 532.0,
            x: (0.0, 1.0),
            y: (0.0, 1.0),
        };
        let (Some(first), Some(last), true) = (points.first(), points.last(), self.n > 0) else {
            plane.no_rows(canvas);
            return None;
        };
        plane.x = self.range(first.threshold, last.threshold);
        let flags = Flags::lay_out(
            self.marks.iter().map(|mark| flag(mark, &plane)).collect(),
            plane.left - 40.0,
            plane.right + 40.0,
        );
        plane.top += flags.height().max(8.0);
        let across = ticks(plane.x.0, plane.x.1, 8);
        let decimals = across.decimals.max(1);
        plane.x_axis(
            canvas,
            &across,
            |v| super::number::fixed(v, decimals),
            "threshold on the score (cosine to the best route)",
        );
        let up = ticks(0.0, 1.0, 5);
        plane.y_axis(canvas, &up, |v| percent(v, 0), "rate");
        Self::band(canvas, points, &plane);
        flags.draw(canvas, plane.top, plane.bottom);
        for curve in CURVES.iter().rev() {
            for piece in steps(points, |p| (curve.value)(p).map(|v| v.value)) {
                let places: Vec<Point> = piece.into_iter().map(|p| plane.place(p)).collect();
                canvas.line(&thin(&places, 0.5), curve.stroke);
            }
        }
        plane.edges(canvas);
        if let Some(mark) = self.marks.first() {
            let values: Vec<(&Curve, Shown)> = CURVES
                .iter()
                .filter_map(|curve| Some((curve, value_at(points, mark.threshold, curve.value)?)))
                .collect();
            // Side by side, or intervals that overlap would hide each other.
            for (i, (curve, value)) in values.iter().enumerate() {
                let x = plane.px(mark.threshold) + 9.0 * (real(i) - 1.5);
                let upright = |y: f64| (x, plane.py(y));
                value.whisker(canvas, upright, Stroke::solid(PAPER, 4.0));
                value.whisker(canvas, upright, Stroke::solid(curve.stroke.colour, 2.0));
            }
            for (curve, value) in values {
                let spot = (plane.px(mark.threshold), plane.py(value.value));
                canvas.disc(spot, 6.5, PAPER);
                canvas.disc(spot, 4.75, curve.stroke.colour);
            }
        }
        self.legend(canvas, points, &plane);
        Some(plane)
    }

    /// The area between the ends of the system accuracy's intervals.
    fn band(canvas: &Canvas<'_>, points: &[ThresholdPoint], plane: &Plane) {
        let end = |of: fn((f64, f64)) -> f64| {
            let pieces = steps(points, |p| p.system_accuracy.span.map(of));
            pieces.into_iter().map(|piece| {
                let places: Vec<Point> = piece.into_iter().map(|p| plane.place(p)).collect();
                thin(&places, 0.5)
            })
        };
        for (below, above) in end(|span| span.0).zip(end(|span| span.1)) {
            let outline: Vec<Point> = above.into_iter().chain(below.into_iter().rev()).collect();
            canvas.polygon(&outline, tint(BLUE, 0.16));
        }
    }

    /// The range of the x axis: all points, and the marks that are not far from them.
    fn range(&self, first: f64, last: f64) -> (f64, f64) {
        let reach = 0.3 * (last - first) + 0.02;
        let near = self
            .marks
            .iter()
            .map(|mark| mark.threshold)
            .filter(|t| *t >= first - reach && *t <= last + reach);
        let (low, high) = near.fold((first, last), |(low, high), t| (low.min(t), high.max(t)));
        nice_range(low, high, 12)
    }

    /// The names of the lines with their values at the first four marks, and the dash patterns of the marks.
    fn legend(&self, canvas: &Canvas<'_>, points: &[ThresholdPoint], plane: &Plane) {
        let left = plane.right + 28.0;
        let text_left = left + 46.0;
        let room = 960.0 - MARGIN - text_left;
        let (row, space) = if self.marks.len() > 2 {
            (15.5, 25.0)
        } else {
            (17.0, 34.0)
        };
        let mut y = plane.top + 8.0;
        for curve in &CURVES {
            canvas.line(&[(left, y), (left + 36.0, y)], curve.stroke);
            canvas.text_on((text_left, y), curve.name, LABEL.bold());
            if points.iter().all(|p| (curve.value)(p).is_none()) {
                y += row;
                canvas.text_on((text_left, y), "n/a", LABEL.colour(MUTED));
            }
            for mark in self.marks.iter().take(SHOWN) {
                let Some(value) = value_at(points, mark.threshold, curve.value) else {
                    continue;
                };
                y += row + 1.0;
                let name = LABEL.elide(&mark.name, room - 58.0);
                canvas.text_on((text_left + 50.0, y), &percent(value.value, 1), LABEL.end());
                canvas.text_on((text_left + 58.0, y), &name, LABEL.colour(MUTED));
            }
            y += space;
        }
        if points.iter().any(|p| p.system_accuracy.span.is_some()) {
            canvas.rect((left, y - 8.0), (left + 36.0, y + 8.0), tint(BLUE, 0.16));
            let middle = Shown {
                value: 0.5,
                span: Some((0.0, 1.0)),
            };
            let upright = |at: f64| (left + 18.0, y - 8.0 + 16.0 * at);
            middle.whisker(canvas, upright, Stroke::solid(BLUE, 2.0));
            canvas.text_on((text_left, y), "95 % intervals", LABEL.colour(MUTED));
            y += row + 8.0;
        }
        for (i, mark) in self.marks.iter().enumerate().take(SHOWN) {
            canvas.line(&[(left, y), (left + 36.0, y)], flag_stroke(i));
            let at = format!(" at {}", setting(mark.threshold));
            let look = LABEL.colour(MUTED);
            let name = look.elide(&mark.name, room - look.width(&at));
            canvas.text_on((text_left, y), &format!("{name}{at}"), look);
            y += row + 1.5;
        }
    }

    fn describe(&self, points: &[ThresholdPoint]) -> String {
        let mut words = format!(
            "Lines against the threshold for {} prompts of the {} split, the gap held at {}.",
            grouped(self.n),
            self.split,
            setting(self.gap)
        );
        for mark in &self.marks {
            let threshold = setting(mark.threshold);
            let _ = write!(words, " At {} ({threshold}):", mark.name);
            for curve in &CURVES {
                let value =
                    value_at(points, mark.threshold, curve.value).map_or_else(|| "n/a".to_owned(), |v| v.percent(1));
                let _ = write!(words, " {} {value};", curve.name);
            }
        }
        words
    }
}

/// The line and label of a mark; one outside the range stands at the edge and says so with an arrow.
fn flag(mark: &ThresholdMark, plane: &Plane) -> Flag {
    let label = format!("{} {}", mark.name, setting(mark.threshold));
    let (low, high) = plane.x;
    let (text, x) = if mark.threshold < low {
        (format!("← {label}"), plane.left)
    } else if mark.threshold > high {
        (format!("{label} →"), plane.right)
    } else {
        (label, plane.px(mark.threshold))
    };
    Flag { text, x }
}

/// The value that a rate has at a threshold: that of the first point not below it.
fn value_at(points: &[ThresholdPoint], threshold: f64, value: fn(&ThresholdPoint) -> Option<Shown>) -> Option<Shown> {
    let place = points.partition_point(|p| p.threshold < threshold);
    points.get(place).and_then(value)
}

/// A rate as the corners of its steps; it is broken where it is not defined.
fn steps(points: &[ThresholdPoint], value: impl Fn(&ThresholdPoint) -> Option<f64>) -> Vec<Vec<Point>> {
    let mut pieces: Vec<Vec<Point>> = vec![Vec::new()];
    let mut before: Option<f64> = None;
    for point in points {
        let Some(y) = value(point) else {
            pieces.push(Vec::new());
            before = Some(point.threshold);
            continue;
        };
        if let (Some(x), Some(piece)) = (before, pieces.last_mut()) {
            piece.push((x, y));
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push((point.threshold, y));
        }
        before = Some(point.threshold);
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(threshold: f64, coverage: f64, right: Option<f64>) -> ThresholdPoint {
        ThresholdPoint {
            threshold,
            system_accuracy: 0.5.into(),
            coverage: coverage.into(),
            selective_accuracy: right.map(Shown::from),
            false_accept_rate: None,
        }
    }

    #[test]
    fn between_two_points_the_right_one_holds() {
        let points = [point(0.2, 1.0, Some(0.5)), point(0.4, 0.6, None)];
        let coverage = CURVES[1].value;
        assert_eq!(value_at(&points, 0.1, coverage), Some(1.0.into()));
        assert_eq!(value_at(&points, 0.2, coverage), Some(1.0.into()));
        assert_eq!(value_at(&points, 0.3, coverage), Some(0.6.into()));
        assert_eq!(value_at(&points, 0.5, coverage), None);
        let drawn = steps(&points, |p| coverage(p).map(|v| v.value));
        assert_eq!(drawn, [[(0.2, 1.0), (0.2, 0.6), (0.4, 0.6)]]);
        let of = |curve: &Curve| steps(&points, |p| (curve.value)(p).map(|v| v.value));
        assert_eq!(of(&CURVES[2]), [[(0.2, 0.5)]]);
        assert!(of(&CURVES[3]).is_empty());
    }

    #[test]
    fn marks_far_outside_do_not_stretch_the_axis() {
        let mark = |threshold| ThresholdMark {
            name: "none".to_owned(),
            threshold,
        };
        let figure = ThresholdFigure {
            points: Vec::new(),
            marks: vec![mark(-1.0), mark(0.45)],
            gap: 0.0,
            n: 2,
            split: "test".to_owned(),
        };
        let (low, high) = figure.range(0.2, 0.4);
        assert!(low > 0.1 && (0.45..0.6).contains(&high));
    }
}
