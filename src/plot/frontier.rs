//! Cost against quality: single models, what mixing them reaches, the router at every threshold, and named policies.
//!
//! What lies above the line of the single models is what the router knows. The hull and the line are computed by
//! `replay::frontier`; here they are only drawn.

use std::fmt::Write as _;

use super::canvas::{Canvas, Page, Point, Stroke, Type, sketch};
use super::error::finite;
use super::frame::{HEAD, LABEL, MARGIN, Plane, footnote, headline};
use super::number::{fixed, grouped, nice_range, real, ticks};
use super::palette::{BLUE, INK, MUTED, PAPER, VERMILLION, tint};
use super::symbol::Symbol;
use super::thin::thin;
use super::{Drawing, Figure, PlotError};

const FIGURE: &str = "frontier figure";
/// Models that get a label of their own; with more of them only those named first do.
const LABELLED: usize = 8;
const MARKS: usize = 5;

/// A named point of the plane.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontierMark {
    /// A model, or a word such as `routed`.
    pub name: String,
    /// Dollars for a thousand prompts.
    pub cost: f64,
    /// Mean quality.
    pub quality: f64,
}

/// The cost–quality plane. Points are dollars for a thousand prompts and mean quality.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontierFigure {
    /// The single models, the most important first; the first eight are labelled.
    pub models: Vec<FrontierMark>,
    /// Corners of the hull of the single models, by rising cost.
    pub zero_router: Vec<(f64, f64)>,
    /// Both ends of the random mix of weak and strong model; `None` where it is the hull itself.
    pub mix: Option<[(f64, f64); 2]>,
    /// The router at every threshold, from the strictest down.
    pub curve: Vec<(f64, f64)>,
    /// Corners of the router's hull, by rising cost.
    pub hull: Vec<(f64, f64)>,
    /// Policies, the most important first; the first five are drawn.
    pub marks: Vec<FrontierMark>,
    /// A quality that is wanted: a line across.
    pub wanted: Option<f64>,
    /// The split that the prompts are of, where it is one of several.
    pub split: Option<String>,
    /// How many prompts every point is a mean over.
    pub n: u64,
    /// What stands below the picture, such as how costs were come by.
    pub footnote: String,
}

impl Figure for FrontierFigure {
    fn draw(&self) -> Result<Drawing, PlotError> {
        self.check()?;
        let page = Page {
            width: 960.0,
            height: 620.0,
            title: match &self.split {
                Some(split) => format!("Cost against quality · {split} split, n = {}", grouped(self.n)),
                None => format!("Cost against quality · n = {}", grouped(self.n)),
            },
            subtitle: "Every point is a policy on the same prompts. Further left is cheaper, higher up is better; above the dashed line lies what no mix of single models reaches.".to_owned(),
            description: self.describe(),
        };
        sketch(&page, |canvas| {
            headline(canvas, &page);
            let mut plane = Plane {
                left: 96.0,
                top: HEAD + 12.0,
                right: 690.0,
                bottom: 540.0,
                x: (0.0, 1.0),
                y: (0.0, 1.0),
            };
            if self.n == 0 || self.models.is_empty() {
                plane.no_rows(canvas);
                return;
            }
            let all = self.points();
            let (low, high) = range(all.iter().map(|p| p.1).chain(self.wanted));
            // Free models are at 0, which is a place like any other.
            let (_, dearest) = range(all.iter().map(|p| p.0));
            plane.x = (0.0, nice_range(0.0, dearest.max(1e-9) * 1.04, 6).1);
            plane.y = nice_range(
                (low - 0.06 * (high - low)).max(0.0),
                (high + 0.06 * (high - low)).min(1.0),
                6,
            );
            let across = ticks(plane.x.0, plane.x.1, 6);
            let up = ticks(plane.y.0, plane.y.1, 6);
            plane.x_axis(
                canvas,
                &across,
                |v| format!("$\u{2009}{}", fixed(v, across.decimals)),
                "cost of a thousand prompts",
            );
            plane.y_axis(canvas, &up, |v| fixed(v, up.decimals.max(1)), "quality (mean score)");
            self.draw_lines(canvas, &plane);
            plane.edges(canvas);
            self.draw_points(canvas, &plane);
            self.legend(canvas, &plane);
            footnote(canvas, &page, &self.footnote);
        })
    }
}

/// Places that are looked at along a line, for names to keep off it.
const STEPS: u32 = 100;

const CURVE: Stroke = Stroke::solid(BLUE, 1.5);
const HULL: Stroke = Stroke::solid(BLUE, 3.0);
const ZERO: Stroke = Stroke::dashed(VERMILLION, 2.0, &[8.0, 5.0]);
const WANTED: Stroke = Stroke::dashed(INK, 1.5, &[10.0, 3.0, 2.0, 3.0]);
const MIX: Stroke = Stroke::dashed(MUTED, 1.75, &[2.0, 4.0]);

impl FrontierFigure {
    fn points(&self) -> Vec<(f64, f64)> {
        let marks = self.models.iter().chain(self.marks.iter().take(MARKS));
        let named = marks.map(|m| (m.cost, m.quality));
        let lines = [&self.zero_router, &self.curve, &self.hull];
        named
            .chain(lines.into_iter().flatten().copied())
            .chain(self.mix.into_iter().flatten())
            .collect()
    }

    fn check(&self) -> Result<(), PlotError> {
        for (what, mark) in self
            .models
            .iter()
            .map(|m| ("model", m))
            .chain(self.marks.iter().map(|m| ("mark", m)))
        {
            finite(FIGURE, mark.cost, || format!("cost of {what} {:?}", mark.name))?;
            finite(FIGURE, mark.quality, || format!("quality of {what} {:?}", mark.name))?;
        }
        if let Some(wanted) = self.wanted {
            finite(FIGURE, wanted, || "wanted".to_owned())?;
        }
        let mix: Vec<(f64, f64)> = self.mix.into_iter().flatten().collect();
        for (what, line) in [
            ("zero_router", &self.zero_router),
            ("curve", &self.curve),
            ("hull", &self.hull),
            ("mix", &mix),
        ] {
            for (i, point) in line.iter().enumerate() {
                finite(FIGURE, point.0, || format!("cost of {what}[{i}]"))?;
                finite(FIGURE, point.1, || format!("quality of {what}[{i}]"))?;
            }
        }
        Ok(())
    }

    /// The hull of the single models. Beyond its last corner a hull goes on level: more money is not worse.
    fn zero_line(&self, plane: &Plane) -> Vec<Point> {
        let mut places: Vec<Point> = self.zero_router.iter().map(|p| plane.place(*p)).collect();
        if let Some(last) = places.last().copied() {
            places.push((plane.right, last.1));
        }
        places
    }

    /// Places on every line, near each other, so that names can keep off them.
    fn along_lines(&self, plane: &Plane) -> Vec<Point> {
        let placed = |line: &[(f64, f64)]| -> Vec<Point> { line.iter().map(|p| plane.place(*p)).collect() };
        let mix = self.mix.map(|m| placed(&m)).unwrap_or_default();
        let lines = [self.zero_line(plane), mix, placed(&self.hull)];
        let mut points = placed(&self.curve);
        for pair in lines.iter().flat_map(|line| line.windows(2)) {
            let (from, to) = (pair[0], pair[1]);
            for step in 0..=STEPS {
                let share = f64::from(step) / f64::from(STEPS);
                points.push((from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1)));
            }
        }
        points
    }

    fn draw_lines(&self, canvas: &Canvas<'_>, plane: &Plane) {
        let zero = self.zero_line(plane);
        canvas.line(&zero, ZERO);
        if let Some(mix) = self.mix {
            canvas.line(&mix.map(|p| plane.place(p)), MIX);
        }
        if let Some(wanted) = self.wanted {
            let y = plane.place((0.0, wanted)).1;
            canvas.line(&[(plane.left, y), (plane.right, y)], WANTED);
        }
        let mut curve: Vec<Point> = self.curve.iter().map(|p| plane.place(*p)).collect();
        curve.sort_by(|a, b| a.0.total_cmp(&b.0));
        canvas.line(
            &thin(&curve, 0.5),
            Stroke {
                colour: tint(BLUE, 0.55),
                ..CURVE
            },
        );
        let corners: Vec<Point> = self.hull.iter().map(|p| plane.place(*p)).collect();
        match corners.as_slice() {
            [only] => canvas.disc(*only, 3.0, BLUE),
            corners => canvas.line(corners, HULL),
        }
    }

    fn draw_points(&self, canvas: &Canvas<'_>, plane: &Plane) {
        let mut taken: Vec<(Point, Point)> = Vec::new();
        for mark in self.marks.iter().take(MARKS).chain(&self.models) {
            let (x, y) = plane.place((mark.cost, mark.quality));
            taken.push(((x - 10.0, y - 10.0), (x + 10.0, y + 10.0)));
        }
        for model in &self.models {
            let place = plane.place((model.cost, model.quality));
            canvas.disc(place, 7.5, PAPER);
            canvas.disc(place, 5.5, VERMILLION);
        }
        // The first ones matter most: they come on top.
        for (i, mark) in self.marks.iter().enumerate().take(MARKS).rev() {
            Symbol::of(i).draw(canvas, plane.place((mark.cost, mark.quality)));
        }
        let lines = self.along_lines(plane);
        for model in self.models.iter().take(LABELLED) {
            let place = plane.place((model.cost, model.quality));
            label(canvas, plane, place, &model.name, (&lines, &mut taken));
        }
    }

    fn legend(&self, canvas: &Canvas<'_>, plane: &Plane) {
        let left = plane.right + 28.0;
        let room = 960.0 - MARGIN - left - 46.0;
        let small = Type::plain(12.0).colour(MUTED);
        let mut y = plane.top + 6.0;
        let entry = |y: &mut f64, name: &str, lines: &[&str]| {
            let bold = LABEL.bold();
            canvas.text_on((left + 46.0, *y), &bold.elide(name, room), bold);
            for (row, line) in lines.iter().enumerate() {
                canvas.text_on(
                    (left + 46.0, *y + 18.0 + 16.0 * real(row)),
                    &small.elide(line, room),
                    small,
                );
            }
            *y += 30.0 + 16.0 * real(lines.len());
        };
        let sample = |y: f64, stroke: Stroke| canvas.line(&[(left, y), (left + 36.0, y)], stroke);
        if !self.curve.is_empty() {
            sample(y - 2.5, HULL);
            sample(
                y + 3.5,
                Stroke {
                    colour: tint(BLUE, 0.55),
                    ..CURVE
                },
            );
            entry(&mut y, "router", &["hull; every threshold"]);
        }
        sample(y, ZERO);
        entry(&mut y, "single models", &["mixed at random"]);
        if self.mix.is_some() {
            sample(y, MIX);
            entry(&mut y, "random mix", &["of weak and strong"]);
        }
        if let Some(wanted) = self.wanted {
            sample(y, WANTED);
            entry(
                &mut y,
                "wanted",
                &[&format!("quality of at least {}", fixed(wanted, 3))],
            );
        }
        canvas.disc((left + 18.0, y), 5.5, VERMILLION);
        let more = self.models.len().saturating_sub(LABELLED);
        let unnamed = format!("{more} without a name here");
        entry(
            &mut y,
            "a model for all",
            if more > 0 { std::slice::from_ref(&unnamed) } else { &[] }
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .as_slice(),
        );
        for (i, mark) in self.marks.iter().enumerate().take(MARKS) {
            Symbol::of(i).draw(canvas, (left + 18.0, y));
            let line = format!("{} at $\u{2009}{}", fixed(mark.quality, 3), fixed(mark.cost, 3));
            entry(&mut y, &mark.name, &[&line]);
        }
    }

    fn describe(&self) -> String {
        if self.n == 0 {
            return "Cost against quality; there are no prompts.".to_owned();
        }
        let mut words = "Mean quality against dollars for a thousand prompts.".to_owned();
        if let Some(wanted) = self.wanted {
            let _ = write!(words, " A quality of {} is wanted.", fixed(wanted, 3));
        }
        for mark in self.models.iter().take(LABELLED).chain(self.marks.iter().take(MARKS)) {
            let _ = write!(
                words,
                " {}: quality {} at $ {}.",
                mark.name,
                fixed(mark.quality, 3),
                fixed(mark.cost, 3)
            );
        }
        words
    }
}

/// Writes a name beside a point where nothing else stands: right of it, left of it, above or below; where there is no such
/// place, over a line rather than over another name.
fn label(
    canvas: &Canvas<'_>,
    plane: &Plane,
    place: Point,
    name: &str,
    (lines, taken): (&[Point], &mut Vec<(Point, Point)>),
) {
    let look = Type::plain(12.0).colour(INK);
    let text = look.elide(name, 240.0);
    let width = look.width(&text);
    let (x, y) = place;
    let boxed = |left: f64, middle: f64| ((left - 2.0, middle - 8.0), (left + width + 2.0, middle + 8.0));
    let inside = |b: &(Point, Point)| {
        b.0.0 >= plane.left && b.1.0 <= plane.right && b.0.1 >= plane.top - 6.0 && b.1.1 <= plane.bottom
    };
    let names_under = |b: &(Point, Point)| {
        let apart = |t: &&(Point, Point)| b.1.0 <= t.0.0 || b.0.0 >= t.1.0 || b.1.1 <= t.0.1 || b.0.1 >= t.1.1;
        taken.iter().filter(|t| !apart(t)).count()
    };
    let lines_under = |b: &(Point, Point)| {
        let within = |p: &&Point| p.0 > b.0.0 && p.0 < b.1.0 && p.1 > b.0.1 && p.1 < b.1.1;
        lines.iter().filter(within).count()
    };
    let centred = (x - width / 2.0).max(plane.left + 3.0).min(plane.right - width - 3.0);
    let found = [0.0, 20.0, -20.0, 38.0, -38.0]
        .into_iter()
        .flat_map(|down| {
            [
                boxed(x + 12.0, y + down),
                boxed(x - 12.0 - width, y + down),
                boxed(centred, y + down),
            ]
        })
        .filter(inside)
        // The first of the best.
        .min_by_key(|b| (names_under(b), lines_under(b)));
    if let Some(found) = found {
        let middle = f64::midpoint(found.0.1, found.1.1);
        canvas.text_on((found.0.0 + 2.0, middle), &text, look);
        taken.push(found);
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    })
}
