//! The score of two sets of prompts as shares of the same bins: the calibration data filled, the log as an outline.

use super::canvas::{Canvas, Page, Point, Stroke, Type, sketch};
use super::error::finite;
use super::frame::{HEAD, LABEL, MARGIN, Plane, footnote, headline};
use super::number::{fixed, grouped, index, nice_range, percent, real, setting, ticks};
use super::palette::{BLUE, INK, VERMILLION, tint};
use super::{Drawing, Figure, PlotError};
use crate::metrics::histogram::Histogram;

const FIGURE: &str = "shift figure";
const BINS: usize = 40;
const LOG: Stroke = Stroke::dashed(VERMILLION, 2.5, &[9.0, 4.0]);
const THEN: Stroke = Stroke::solid(BLUE, 1.5);

/// The distribution of the score in the calibration data and in a log.
#[derive(Debug, Clone, PartialEq)]
pub struct ShiftFigure {
    /// Scores of the calibration data, in any order.
    pub calibration: Vec<f64>,
    /// Scores of the log.
    pub log: Vec<f64>,
    /// The threshold in use, drawn as a line.
    pub threshold: Option<f64>,
    /// Population stability index, for the subtitle.
    pub psi: Option<f64>,
    /// Distance of Kolmogorov and Smirnov, for the subtitle.
    pub ks: Option<f64>,
}

impl Figure for ShiftFigure {
    fn draw(&self) -> Result<Drawing, PlotError> {
        for (name, scores) in [("calibration", &self.calibration), ("log", &self.log)] {
            for (i, score) in scores.iter().enumerate() {
                finite(FIGURE, *score, || format!("{name} score {i}"))?;
            }
        }
        if let Some(threshold) = self.threshold {
            finite(FIGURE, threshold, || "threshold".to_owned())?;
        }
        let page = Page {
            width: 960.0,
            height: 560.0,
            title: format!(
                "Score of the log against the calibration data · n = {}",
                grouped(count(&self.log))
            ),
            subtitle: self.subtitle(),
            description: self.describe(),
        };
        sketch(&page, |canvas| {
            headline(canvas, &page);
            let mut plane = Plane {
                left: 84.0,
                top: HEAD + 44.0,
                right: page.width - MARGIN,
                bottom: 476.0,
                x: (0.0, 1.0),
                y: (0.0, 1.0),
            };
            if self.calibration.is_empty() || self.log.is_empty() {
                return plane.no_rows(canvas);
            }
            let all = || self.calibration.iter().chain(&self.log).copied().chain(self.threshold);
            let low = all().fold(f64::INFINITY, f64::min);
            let high = all().fold(f64::NEG_INFINITY, f64::max);
            plane.x = nice_range(low, high, 8);
            let step = ticks(plane.x.0, plane.x.1, BINS).step;
            let bins = index(((plane.x.1 - plane.x.0) / step - 1e-9).ceil(), 400).max(1);
            let shares = |scores: &[f64]| -> Vec<f64> {
                let histogram = Histogram::new(plane.x.0, plane.x.1, bins, scores.iter().copied());
                let n = super::number::rows(histogram.n());
                histogram.counts().iter().map(|c| super::number::rows(*c) / n).collect()
            };
            let (then, now) = (shares(&self.calibration), shares(&self.log));
            let most = then.iter().chain(&now).copied().fold(0.0, f64::max);
            plane.y = (0.0, nice_range(0.0, most, 5).1);
            let up = ticks(plane.y.0, plane.y.1, 5);
            plane.y_axis(
                canvas,
                &up,
                |v| percent(v, up.decimals.saturating_sub(2)),
                "share of its prompts",
            );
            let across = ticks(plane.x.0, plane.x.1, 10);
            plane.x_axis(
                canvas,
                &across,
                |v| fixed(v, across.decimals.max(1)),
                "score (cosine to the best route)",
            );
            let filled = outline(&plane, &then);
            canvas.polygon(&filled, tint(BLUE, 0.3));
            canvas.line(&filled, THEN);
            canvas.line(&outline(&plane, &now), LOG);
            self.threshold_line(canvas, &plane);
            plane.edges(canvas);
            self.key(canvas, &plane);
            let note = "Shares, not counts: both sides fill the same area. What lies right of the threshold is accepted, unless the gap is \
                        too small or the route has a threshold of its own.";
            footnote(canvas, &page, note);
        })
    }
}

impl ShiftFigure {
    fn subtitle(&self) -> String {
        let figure = |name: &str, value: Option<f64>| value.map(|v| format!("{name} {}", fixed(v, 3)));
        let figures: Vec<String> = [
            figure("population stability index", self.psi),
            figure("Kolmogorov–Smirnov distance", self.ks),
        ]
        .into_iter()
        .flatten()
        .collect();
        format!("Share of prompts in each bin of the score; {}.", figures.join(", "))
    }

    fn threshold_line(&self, canvas: &Canvas<'_>, plane: &Plane) {
        let Some(threshold) = self.threshold else { return };
        let x = plane.px(threshold);
        let (text, look) = (format!("threshold {}", setting(threshold)), LABEL.bold());
        let half = look.width(&text) / 2.0;
        let centre = x.min(plane.right - half).max(plane.left + half);
        canvas.text((centre, plane.top - 6.0), &text, look.middle());
        canvas.line(&[(x, plane.top), (x, plane.bottom)], Stroke::solid(INK, 1.5));
    }

    /// Names both sides above the plane, each with a piece of its line.
    fn key(&self, canvas: &Canvas<'_>, plane: &Plane) {
        let mut x = plane.left;
        let y = HEAD + 8.0;
        for (name, n, stroke) in [
            ("calibration data", count(&self.calibration), THEN),
            ("log", count(&self.log), LOG),
        ] {
            if name != "log" {
                canvas.rect((x, y - 6.0), (x + 30.0, y + 6.0), tint(BLUE, 0.3));
            }
            canvas.line(&[(x, y), (x + 30.0, y)], stroke);
            let (text, look) = (format!("{name}, {} prompts", grouped(n)), Type::plain(13.0));
            canvas.text((x + 38.0, y + 4.5), &text, look);
            x += 38.0 + look.width(&text) + 32.0;
        }
    }

    fn describe(&self) -> String {
        let above = |scores: &[f64]| {
            let threshold = self.threshold?;
            let above = scores.iter().filter(|s| **s >= threshold).count();
            (!scores.is_empty()).then(|| percent(real(above) / real(scores.len()), 1))
        };
        let side = |name: &str, scores: &[f64]| {
            let part = above(scores).map_or_else(String::new, |p| format!(", {p} of them at or above the threshold"));
            format!(" {name}: {} prompts{part}.", scores.len())
        };
        format!(
            "Histograms of the score.{}{}",
            side("Calibration data", &self.calibration),
            side("Log", &self.log)
        )
    }
}

fn count(scores: &[f64]) -> u64 {
    scores.len().try_into().unwrap_or(u64::MAX)
}

/// The steps of a histogram, from the axis and back to it.
fn outline(plane: &Plane, shares: &[f64]) -> Vec<Point> {
    let width = (plane.x.1 - plane.x.0) / real(shares.len());
    let edge = |i: usize| plane.px(plane.x.0 + width * real(i));
    let mut outline = vec![(edge(0), plane.bottom)];
    for (i, share) in shares.iter().enumerate() {
        let y = plane.py(*share);
        outline.push((edge(i), y));
        outline.push((edge(i + 1), y));
    }
    outline.push((edge(shares.len()), plane.bottom));
    outline
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure() -> ShiftFigure {
        ShiftFigure {
            calibration: (0..100).map(|i| f64::from(i) / 100.0).collect(),
            log: vec![0.2, 0.25, 0.9],
            threshold: Some(0.35),
            psi: Some(0.5),
            ks: Some(0.42),
        }
    }

    #[test]
    fn draws_both_sides_and_says_what_it_shows() {
        let drawing = figure().draw().unwrap();
        assert!(drawing.svg.contains("Calibration data: 100 prompts, 65.0"));
        assert!(drawing.title.contains("n = 3"));
        assert_eq!(drawing.svg, figure().draw().unwrap().svg);
    }

    #[test]
    fn one_value_no_rows_and_no_number() {
        let one = ShiftFigure {
            calibration: vec![0.4; 3],
            log: vec![0.4],
            threshold: None,
            ..figure()
        };
        assert!(one.draw().is_ok());
        let empty = ShiftFigure {
            log: Vec::new(),
            ..figure()
        };
        assert!(empty.draw().is_ok());
        let bad = ShiftFigure {
            log: vec![f64::NAN],
            ..figure()
        };
        assert!(matches!(bad.draw(), Err(PlotError::NotFinite { .. })));
    }
}
