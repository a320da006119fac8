//! Accuracy against the number of examples a route, on a logarithmic axis.

use std::fmt::Write as _;

use super::canvas::{Canvas, Page, Point, Stroke, Type, sketch};
use super::error::finite;
use super::frame::{HEAD, LABEL, MARGIN, Plane, footnote, headline};
use super::number::{Ticks, grouped, nice_range, percent, ticks};
use super::palette::{BLUE, INK, VERMILLION, tint};
use super::{Drawing, Figure, PlotError};

const FIGURE: &str = "learning figure";

/// Routers of one number of examples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningPoint {
    /// Examples a route, at least 1.
    pub examples: u64,
    /// Mean accuracy over the draws.
    pub mean: f64,
    /// One draw in twenty is lower.
    pub lower: f64,
    /// One draw in twenty is higher.
    pub upper: f64,
}

/// The learning curve.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningFigure {
    /// By rising number of examples.
    pub points: Vec<LearningPoint>,
    /// Accuracy of the routes as they are.
    pub current: Option<f64>,
    /// Routers drawn for each number.
    pub draws: u32,
    /// Prompts that judge.
    pub n: u64,
    /// The split they belong to.
    pub split: String,
}

const MEAN: Stroke = Stroke::solid(BLUE, 2.75);
const NOW: Stroke = Stroke::dashed(VERMILLION, 2.0, &[8.0, 5.0]);

impl Figure for LearningFigure {
    fn draw(&self) -> Result<Drawing, PlotError> {
        self.check()?;
        let page = Page {
            width: 960.0,
            height: 560.0,
            title: format!(
                "Accuracy by examples a route · {} split, n = {}",
                self.split,
                grouped(self.n)
            ),
            subtitle: format!(
                "Forced choice over in-domain prompts. Line: mean of {} draws of examples; band: nine draws in ten. The axis is logarithmic.",
                grouped(u64::from(self.draws))
            ),
            description: self.describe(),
        };
        sketch(&page, |canvas| {
            headline(canvas, &page);
            let mut plane = Plane {
                left: 84.0,
                top: HEAD + 12.0,
                right: 790.0,
                bottom: 476.0,
                x: (0.0, 1.0),
                y: (0.0, 1.0),
            };
            let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else {
                return plane.no_rows(canvas);
            };
            let (from, to) = (steps(first.examples), steps(last.examples));
            let room = 0.03 * (to - from).max(1.0);
            plane.x = (from - room, to + room);
            let values = self.points.iter().flat_map(|p| [p.lower, p.upper]).chain(self.current);
            let (low, high) = values.fold((1.0_f64, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
            plane.y = nice_range((low - 0.02).max(0.0), (high + 0.02).min(1.0), 6);
            let up = ticks(plane.y.0, plane.y.1, 6);
            plane.y_axis(canvas, &up, |v| percent(v, up.decimals.saturating_sub(2)), "accuracy");
            self.numbers(canvas, &plane);
            self.lines(canvas, &plane);
            plane.edges(canvas);
            footnote(
                canvas,
                &page,
                "A band shows the luck of the draw alone; the prompts that judge are the same.",
            );
        })
    }
}

impl LearningFigure {
    fn check(&self) -> Result<(), PlotError> {
        for (i, point) in self.points.iter().enumerate() {
            for (name, value) in [("mean", point.mean), ("lower", point.lower), ("upper", point.upper)] {
                finite(FIGURE, value, || format!("{name} of point {i}"))?;
            }
        }
        if let Some(current) = self.current {
            finite(FIGURE, current, || "current accuracy".to_owned())?;
        }
        Ok(())
    }

    /// The numbers of examples below the axis; of numbers that would touch the larger goes.
    fn numbers(&self, canvas: &Canvas<'_>, plane: &Plane) {
        let mut shown: Vec<f64> = Vec::new();
        for point in &self.points {
            let place = plane.px(steps(point.examples));
            if shown.last().is_none_or(|last| place - last >= 30.0) {
                shown.push(place);
            }
        }
        let by_place = |value: f64| {
            let near = |p: &&LearningPoint| (steps(p.examples) - value).abs() < 1e-9;
            self.points
                .iter()
                .find(near)
                .map_or_else(String::new, |p| grouped(p.examples))
        };
        let values = self
            .points
            .iter()
            .map(|p| steps(p.examples))
            .filter(|v| shown.iter().any(|s| (s - plane.px(*v)).abs() < 0.5))
            .collect();
        plane.x_axis(
            canvas,
            &Ticks {
                values,
                step: 1.0,
                decimals: 0,
            },
            by_place,
            "examples a route",
        );
    }

    fn lines(&self, canvas: &Canvas<'_>, plane: &Plane) {
        let along = |value: fn(&LearningPoint) -> f64| -> Vec<Point> {
            self.points
                .iter()
                .map(|p| plane.place((steps(p.examples), value(p))))
                .collect()
        };
        let mut band = along(|p| p.lower);
        band.extend(along(|p| p.upper).into_iter().rev());
        canvas.polygon(&band, tint(BLUE, 0.18));
        let right = plane.right + 12.0;
        let mut names: Vec<(f64, &str, Type)> = Vec::new();
        if let Some(current) = self.current {
            let y = plane.py(current);
            canvas.line(&[(plane.left, y), (plane.right, y)], NOW);
            names.push((y, "routes as they are", LABEL.colour(INK)));
        }
        let mean = along(|p| p.mean);
        canvas.line(&mean, MEAN);
        for place in &mean {
            canvas.disc(*place, 3.5, BLUE);
        }
        if let Some(last) = mean.last() {
            names.push((last.1, "mean of the draws", LABEL.bold().colour(INK)));
        }
        names.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut free = f64::NEG_INFINITY;
        for (y, name, look) in names {
            let at = y.max(free);
            canvas.text_on((right, at), &look.elide(name, 960.0 - MARGIN - right), look);
            free = at + 18.0;
        }
    }

    fn describe(&self) -> String {
        let mut words = "Mean accuracy by examples a route:".to_owned();
        for point in &self.points {
            let _ = write!(words, " {}: {}.", point.examples, percent(point.mean, 1));
        }
        if let Some(current) = self.current {
            let _ = write!(words, " The routes as they are: {}.", percent(current, 1));
        }
        words
    }
}

/// Doublings.
fn steps(examples: u64) -> f64 {
    libm::log2(crate::num::f64_from_u64(examples))
}
