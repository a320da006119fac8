//! The reliability diagram: how often prompts of a stated confidence were right, and how many there are of each.
//!
//! A bin's bar is its accuracy, its point lies at its mean confidence; the distance of the point from the diagonal, weighed by
//! the size of the bin, adds up to the expected calibration error (Guo et al. 2017, arXiv 1706.04599).

use std::fmt::Write as _;

use super::canvas::{Canvas, Page, Stroke, Type, sketch};
use super::error::finite;
use super::frame::{HEAD, LABEL, MARGIN, Plane, TICK, headline};
use super::number::{fixed, grouped, percent, rows, ticks};
use super::palette::{AXIS, BLUE, GRID, INK, MUTED, PAPER, VERMILLION, tint};
use super::{Drawing, Figure, PlotError, Shown, fonts};

const FIGURE: &str = "reliability figure";

/// One bin of confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// Its lower edge, in [0, 1].
    pub lower: f64,
    /// Its upper edge, in [0, 1].
    pub upper: f64,
    /// How many prompts it holds.
    pub n: u64,
    /// The mean confidence of these; not looked at where `n` is 0.
    pub mean_confidence: f64,
    /// The share of them that was right; `None` where `n` is 0.
    pub accuracy: Option<Shown>,
}

/// A reliability diagram.
#[derive(Debug, Clone, PartialEq)]
pub struct ReliabilityFigure {
    /// The bins, of equal width or equal mass; empty ones are not drawn.
    pub bins: Vec<ReliabilityBin>,
    /// The expected calibration error over these bins, in [0, 1].
    pub ece: Shown,
    /// How a score became a probability, such as `Platt scaling`.
    pub method: String,
    /// How many prompts there are.
    pub n: u64,
    /// The split they belong to.
    pub split: String,
}

const DIAGONAL: Stroke = Stroke::dashed(MUTED, 1.5, &[6.0, 4.0]);
const OFF: Stroke = Stroke::solid(VERMILLION, 3.5);

impl Figure for ReliabilityFigure {
    fn draw(&self) -> Result<Drawing, PlotError> {
        self.check()?;
        let page = Page {
            width: 960.0,
            height: 640.0,
            title: format!(
                "Stated confidence against accuracy · {} split, n = {}",
                self.split,
                grouped(self.n)
            ),
            subtitle: format!(
                "The score mapped to a probability of being right by {}. On the diagonal the router is as often right as it says.",
                self.method
            ),
            description: self.describe(),
        };
        sketch(&page, |canvas| {
            headline(canvas, &page);
            let plane = Plane {
                left: 96.0,
                top: HEAD + 8.0,
                right: 690.0,
                bottom: 470.0,
                x: (0.0, 1.0),
                y: (0.0, 1.0),
            };
            if self.n == 0 || self.bins.iter().all(|bin| bin.n == 0) {
                plane.no_rows(canvas);
                return;
            }
            self.diagram(canvas, &plane);
            self.sizes(canvas, &plane);
            self.legend(canvas, &plane);
        })
    }
}

impl ReliabilityFigure {
    fn check(&self) -> Result<(), PlotError> {
        for (i, bin) in self.bins.iter().enumerate() {
            finite(FIGURE, bin.lower, || format!("bins[{i}].lower"))?;
            finite(FIGURE, bin.upper, || format!("bins[{i}].upper"))?;
            if bin.n > 0 {
                finite(FIGURE, bin.mean_confidence, || format!("bins[{i}].mean_confidence"))?;
            }
            if let Some(accuracy) = bin.accuracy {
                accuracy.check(FIGURE, || format!("bins[{i}].accuracy"))?;
            }
        }
        if self.n > 0 {
            self.ece.check(FIGURE, || "ece".to_owned())?;
        }
        Ok(())
    }

    /// The bins that hold something, with their accuracy.
    fn full(&self) -> impl Iterator<Item = (&ReliabilityBin, Shown)> {
        self.bins
            .iter()
            .filter(|bin| bin.n > 0)
            .filter_map(|bin| Some((bin, bin.accuracy?)))
    }

    fn diagram(&self, canvas: &Canvas<'_>, plane: &Plane) {
        let even = ticks(0.0, 1.0, 5);
        for value in &even.values {
            let x = plane.px(*value);
            let grid = Stroke::solid(GRID, 1.0);
            canvas.line(&[(x, plane.top), (x, plane.bottom)], grid);
        }
        plane.y_axis(
            canvas,
            &even,
            |v| percent(v, 0),
            "accuracy (right / prompts of the bin)",
        );
        for (bin, accuracy) in self.full() {
            let from = (plane.px(bin.lower), plane.py(accuracy.value));
            let to = (plane.px(bin.upper), plane.bottom);
            canvas.rect(from, to, tint(BLUE, 0.22));
            canvas.frame(from, to, Stroke::solid(tint(BLUE, 0.5), 1.0));
        }
        canvas.line(&[plane.place((0.0, 0.0)), plane.place((1.0, 1.0))], DIAGONAL);
        for (bin, accuracy) in self.full() {
            let upright = |y: f64| plane.place((bin.mean_confidence, y));
            accuracy.whisker(canvas, upright, Stroke::solid(PAPER, 3.5));
            accuracy.whisker(canvas, upright, Stroke::solid(BLUE, 1.5));
        }
        for (bin, accuracy) in self.full() {
            let said = bin.mean_confidence;
            canvas.line(&[plane.place((said, accuracy.value)), plane.place((said, said))], OFF);
        }
        for (bin, accuracy) in self.full() {
            let spot = plane.place((bin.mean_confidence, accuracy.value));
            canvas.disc(spot, 6.25, PAPER);
            canvas.disc(spot, 4.75, BLUE);
        }
        plane.edges(canvas);
    }

    /// How many prompts each bin holds, on the same x axis.
    fn sizes(&self, canvas: &Canvas<'_>, above: &Plane) {
        let most = self.bins.iter().map(|bin| bin.n).max().unwrap_or(1);
        let plane = Plane {
            top: above.bottom + 16.0,
            bottom: above.bottom + 92.0,
            y: (0.0, rows(most) * 1.05),
            ..*above
        };
        let even = ticks(0.0, 1.0, 5);
        let named = "confidence (stated probability that the best route is right)";
        plane.x_axis(canvas, &even, |v| percent(v, 0), named);
        let up = ticks(0.0, rows(most), 2);
        for value in &up.values {
            let y = plane.py(*value);
            canvas.line(&[(plane.left, y), (plane.right, y)], Stroke::solid(GRID, 1.0));
            let text = count(*value);
            canvas.text_on((plane.left - 8.0, y), &text, TICK.end());
        }
        for bin in self.bins.iter().filter(|bin| bin.n > 0) {
            let from = (plane.px(bin.lower), plane.py(rows(bin.n)));
            let to = (plane.px(bin.upper), plane.bottom);
            canvas.rect(from, to, tint(MUTED, 0.35));
            canvas.frame(from, to, Stroke::solid(AXIS, 1.0));
        }
        plane.edges(canvas);
        let anchor = (plane.left - 8.0 - 42.0, f64::midpoint(plane.top, plane.bottom));
        canvas.text_on(anchor, "prompts", LABEL.middle().turned());
    }

    fn legend(&self, canvas: &Canvas<'_>, plane: &Plane) {
        let left = plane.right + 28.0;
        let text_left = left + 46.0;
        let room = 960.0 - MARGIN - text_left;
        let small = Type::plain(12.0).colour(MUTED);
        let mut y = plane.top + 6.0;
        let title = format!("ECE {}", fixed(self.ece.value, 3));
        canvas.text((left, y + 10.0), &title, Type::plain(20.0).bold().colour(INK));
        let used = self.full().count();
        let about = format!("expected calibration error, {used} of {} bins in use", self.bins.len());
        y += 30.0;
        let mut lines = fonts::wrap(&about, 12.0, false, room + 46.0, 3);
        if let Some((low, high)) = self.ece.span {
            lines.push(format!("95 % interval {}–{}", fixed(low, 3), fixed(high, 3)));
        }
        for line in lines {
            canvas.text_on((left, y), &line, small);
            y += 16.0;
        }
        y += 18.0;
        let mut entry = |draw: &dyn Fn(f64), text: &str| {
            draw(y);
            for line in fonts::wrap(text, 13.0, false, room, 3) {
                canvas.text_on((text_left, y), &line, LABEL);
                y += 17.0;
            }
            y += 12.0;
        };
        let spot = |y: f64| {
            let whisker = Stroke::solid(BLUE, 1.5);
            canvas.rect((left, y - 8.0), (left + 36.0, y + 8.0), tint(BLUE, 0.22));
            canvas.line(&[(left + 18.0, y - 12.0), (left + 18.0, y + 12.0)], whisker);
            canvas.disc((left + 18.0, y), 6.25, PAPER);
            canvas.disc((left + 18.0, y), 4.75, BLUE);
        };
        entry(
            &spot,
            "accuracy of a bin with its interval; the point is at its mean confidence",
        );
        let line = |stroke: Stroke| move |y: f64| canvas.line(&[(left, y), (left + 36.0, y)], stroke);
        entry(&line(DIAGONAL), "as right as stated");
        let off = |y: f64| canvas.line(&[(left + 18.0, y - 9.0), (left + 18.0, y + 9.0)], OFF);
        entry(&off, "over- or under-confident by this much");
    }

    fn describe(&self) -> String {
        let mut words = format!("Reliability diagram after {}.", self.method);
        if self.n > 0 {
            let _ = write!(words, " Expected calibration error {}.", self.ece.fixed(3));
        }
        for (bin, accuracy) in self.full() {
            let _ = write!(
                words,
                " Confidence {}: {} right, {} prompts.",
                percent(bin.mean_confidence, 0),
                accuracy.percent(0),
                grouped(bin.n)
            );
        }
        words
    }
}

/// A tick of a count.
fn count(value: f64) -> String {
    if value.fract().abs() < 1e-9 {
        fixed(value, 0)
    } else {
        String::new()
    }
}
