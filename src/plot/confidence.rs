//! The distribution of the score: right, wrong and out-of-domain prompts as histograms over the same bins, one above the other.
//!
//! Each histogram stands on a strip of its own with its own scale (its highest tick is written beside it), since there are
//! often fifty times as many right prompts as wrong ones; the name of the strip says how many there are.

use std::fmt::Write as _;

use super::canvas::{Canvas, Page, Point, Stroke, Type, sketch};
use super::error::finite;
use super::frame::{HEAD, LABEL, MARGIN, Plane, TICK, footnote, headline};
use super::number::{fixed, grouped, index, nice_range, percent, real, setting, ticks};
use super::palette::{AXIS, BLUE, GRID, INK, MUTED, PURPLE, SHADE, VERMILLION, tint};
use super::{Drawing, Figure, PlotError};

const FIGURE: &str = "confidence figure";

/// Most panels on one picture.
const PANELS: usize = 8;

/// The scores of one group of prompts, in any order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConfidencePanel {
    /// The group: a route, or `all prompts`.
    pub name: String,
    /// Scores of in-domain prompts whose best route is the right one.
    pub right: Vec<f64>,
    /// Scores of in-domain prompts whose best route is another.
    pub wrong: Vec<f64>,
    /// Scores of out-of-domain prompts.
    pub out_of_domain: Vec<f64>,
}

/// Histograms of the score, for all prompts or a panel a route.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfidenceFigure {
    /// One panel, or one a route; the first eight are drawn and a note counts the others.
    pub panels: Vec<ConfidencePanel>,
    /// The threshold in use, drawn as a line.
    pub threshold: Option<f64>,
    /// The split the prompts belong to, such as `test`.
    pub split: String,
    /// How many prompts there are: the n of the title (panels may show a part of them).
    pub n: u64,
}

/// The three classes: name, colour and how to get them.
type Class = (&'static str, plotters::style::RGBColor, fn(&ConfidencePanel) -> &[f64]);

const CLASSES: [Class; 3] = [
    ("right route", BLUE, |p| &p.right),
    ("wrong route", VERMILLION, |p| &p.wrong),
    ("out-of-domain", PURPLE, |p| &p.out_of_domain),
];

/// The bins that all panels share.
struct Bins {
    range: (f64, f64),
    width: f64,
    count: usize,
}

impl Bins {
    fn of(figure: &ConfidenceFigure, wanted: usize) -> Self {
        let all = || {
            let scores = figure
                .panels
                .iter()
                .take(PANELS)
                .flat_map(|panel| CLASSES.iter().flat_map(move |class| (class.2)(panel).iter().copied()));
            scores.chain(figure.threshold)
        };
        let low = all().fold(f64::INFINITY, f64::min);
        let high = all().fold(f64::NEG_INFINITY, f64::max);
        let range = if low <= high {
            nice_range(low, high, 8)
        } else {
            (0.0, 1.0)
        };
        let width = ticks(range.0, range.1, wanted).step;
        let count = index(((range.1 - range.0) / width - 1e-9).ceil(), 400).max(1);
        Self {
            range: (range.0, range.0 + width * real(count)),
            width,
            count,
        }
    }

    fn fill(&self, scores: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; self.count];
        for score in scores {
            // The tiny shift keeps a score that equals an edge above it in spite of rounding.
            let place = ((score - self.range.0) / self.width + 1e-9).floor();
            counts[index(place, self.count - 1)] += 1;
        }
        counts
    }
}

impl Figure for ConfidenceFigure {
    fn draw(&self) -> Result<Drawing, PlotError> {
        self.check()?;
        let single = self.panels.len() <= 1;
        let (columns, rows) = match self.panels.len() {
            0 | 1 => (1, 1),
            2 => (2, 1),
            3 => (3, 1),
            4 => (2, 2),
            5 | 6 => (3, 2),
            _ => (4, 2),
        };
        let by = if single { "" } else { ", by route" };
        let page = Page {
            width: 960.0,
            height: if rows == 1 { 600.0 } else { 760.0 },
            title: format!(
                "How confident the router was{by} · {} split, n = {}",
                self.split,
                grouped(self.n)
            ),
            subtitle: self.subtitle(),
            description: self.describe(),
        };
        sketch(&page, |canvas| {
            headline(canvas, &page);
            let left = self.panels.len().saturating_sub(PANELS);
            let bottom = page.height - if left > 0 { 82.0 } else { 60.0 };
            if self.n == 0 || self.panels.is_empty() {
                let plane = plane((MARGIN, HEAD), (page.width - MARGIN, bottom), (0.0, 1.0));
                plane.no_rows(canvas);
                return;
            }
            let bins = Bins::of(self, if single { 48 } else { 28 });
            let (gap, top) = (30.0, HEAD);
            let wide = (page.width - 2.0 * MARGIN - gap * real(columns - 1)) / real(columns);
            let high = (bottom - top - 46.0 * real(rows - 1)) / real(rows);
            for (i, panel) in self.panels.iter().take(PANELS).enumerate() {
                let x = MARGIN + real(i % columns) * (wide + gap);
                let y = top + real(i / columns) * (high + 46.0);
                self.panel(canvas, panel, &bins, ((x, y), (x + wide, y + high)));
            }
            let name = "score (cosine to the best route)";
            canvas.text((0.5 * page.width, bottom + 42.0), name, LABEL.middle());
            if left > 0 {
                let note = format!(
                    "{PANELS} of {} routes are drawn, in the order given; {left} are left out.",
                    self.panels.len()
                );
                footnote(canvas, &page, &note);
            }
        })
    }
}

impl ConfidenceFigure {
    fn check(&self) -> Result<(), PlotError> {
        if let Some(threshold) = self.threshold {
            finite(FIGURE, threshold, || "threshold".to_owned())?;
        }
        for panel in &self.panels {
            for class in &CLASSES {
                for (i, score) in (class.2)(panel).iter().enumerate() {
                    finite(FIGURE, *score, || {
                        format!("{} score {i} of panel {:?}", class.0, panel.name)
                    })?;
                }
            }
        }
        Ok(())
    }

    fn subtitle(&self) -> String {
        let line = match self.threshold {
            Some(t) if self.panels.len() > 1 => {
                format!(" The vertical line is the threshold t = {}.", setting(t))
            }
            _ => String::new(),
        };
        format!("Prompts by their score; the scale on the left counts prompts and is each strip's own.{line}")
    }

    /// Draws a panel: its name, three strips, the axis, the threshold through all of them.
    fn panel(&self, canvas: &Canvas<'_>, panel: &ConfidencePanel, bins: &Bins, at: (Point, Point)) {
        let ((left, top), (right, bottom)) = at;
        let inner = left + 34.0;
        let narrow = right - left < 400.0;
        let named = self.panels.len() > 1;
        let mut y = top;
        if named {
            let look = Type::plain(15.0).bold();
            canvas.text((inner, y + 14.0), &look.elide(&panel.name, right - inner), look);
            y += 22.0;
        }
        if let (Some(t), false) = (self.threshold, named) {
            let x = plane((inner, y), (right, bottom), bins.range).px(t);
            let look = LABEL.bold();
            let text = format!("threshold {}", setting(t));
            let half = look.width(&text) / 2.0;
            let centre = x.min(right - half).max(inner + half);
            canvas.text((centre, y + 12.0), &text, look.middle());
            y += 20.0;
        }
        let line_top = y - 2.0;
        let strip = (bottom - y) / 3.0;
        let mut base = y;
        for class in &CLASSES {
            let scores = (class.2)(panel);
            let from = (inner, base + 22.0);
            base += strip;
            let plane = plane(from, (right, base), bins.range);
            self.strip(canvas, &plane, bins, class, scores);
            self.strip_name(canvas, &plane, class, scores, narrow);
        }
        let whole = plane((inner, line_top), (right, bottom), bins.range);
        let across = ticks(bins.range.0, bins.range.1, if narrow { 4 } else { 10 });
        for value in &across.values {
            let x = whole.px(*value);
            canvas.line(&[(x, bottom), (x, bottom + 4.0)], Stroke::solid(AXIS, 1.0));
            let text = fixed(*value, across.decimals.max(1));
            canvas.text((x, bottom + 18.0), &text, TICK.middle());
        }
    }

    fn strip(&self, canvas: &Canvas<'_>, at: &Plane, bins: &Bins, class: &Class, scores: &[f64]) {
        let counts = bins.fill(scores);
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let plane = Plane {
            y: (0.0, super::number::rows(most) * 1.02),
            ..*at
        };
        if let Some(threshold) = self.threshold {
            let end = plane.px(threshold.clamp(bins.range.0, bins.range.1));
            canvas.rect((plane.left, plane.top), (end, plane.bottom), SHADE);
        }
        let peak = top_tick(most);
        let y = plane.py(super::number::rows(peak));
        if !scores.is_empty() {
            canvas.line(&[(plane.left, y), (plane.right, y)], Stroke::solid(GRID, 1.0));
            canvas.text_on((plane.left - 6.0, y), &grouped(peak), TICK.end());
            canvas.text_on((plane.left - 6.0, plane.bottom - 3.0), "0", TICK.end());
        }
        for run in runs(&counts) {
            let mut outline: Vec<Point> = Vec::with_capacity(2 * run.len() + 2);
            let edge = |i: usize| plane.px(bins.range.0 + bins.width * real(i));
            outline.push((edge(run.start), plane.bottom));
            for i in run.clone() {
                let y = plane.py(super::number::rows(counts[i]));
                outline.push((edge(i), y));
                outline.push((edge(i + 1), y));
            }
            outline.push((edge(run.end), plane.bottom));
            canvas.polygon(&outline, tint(class.1, 0.42));
            canvas.line(&outline, Stroke::solid(class.1, 1.5));
        }
        let axis = [(plane.left, plane.bottom), (plane.right, plane.bottom)];
        canvas.line(&axis, Stroke::solid(AXIS, 1.0));
        if let Some(threshold) = self.threshold {
            let x = plane.px(threshold);
            let top = plane.top - if self.panels.len() > 1 { 2.0 } else { 4.0 };
            canvas.line(&[(x, top), (x, plane.bottom)], Stroke::solid(INK, 1.5));
        }
    }

    /// The name of a strip over it, with its size and the share at or above the threshold.
    fn strip_name(&self, canvas: &Canvas<'_>, plane: &Plane, class: &Class, scores: &[f64], narrow: bool) {
        let look = if narrow { Type::plain(12.0) } else { LABEL };
        let base = plane.top - 6.0;
        canvas.text((plane.left, base), class.0, look.bold());
        let after = plane.left + look.bold().width(class.0) + 8.0;
        let count = grouped(scores.len().try_into().unwrap_or(u64::MAX));
        let part = self.above(scores).map(|part| percent(part, 0));
        let text = match (scores.len(), part, self.threshold) {
            (0, ..) => "none".to_owned(),
            (_, Some(part), _) if narrow => format!("{count} · {part} ≥ t"),
            (_, Some(part), Some(t)) => {
                format!("{count} prompts, {part} of them at or above {}", setting(t))
            }
            _ => format!("{count} prompts"),
        };
        canvas.text((after, base), &text, look.colour(MUTED));
    }

    /// The share of scores at or above the threshold.
    fn above(&self, scores: &[f64]) -> Option<f64> {
        let threshold = self.threshold?;
        let above = scores.iter().filter(|score| **score >= threshold).count();
        (!scores.is_empty()).then(|| real(above) / real(scores.len()))
    }

    fn describe(&self) -> String {
        let mut words = "Histograms of the score of right, wrong and out-of-domain prompts.".to_owned();
        if let Some(threshold) = self.threshold {
            let _ = write!(words, " The threshold is {}.", setting(threshold));
        }
        for panel in self.panels.iter().take(PANELS) {
            let _ = write!(words, " {}:", panel.name);
            for class in &CLASSES {
                let scores = (class.2)(panel);
                let _ = write!(words, " {} {}", scores.len(), class.0);
                if let Some(part) = self.above(scores) {
                    let _ = write!(words, " ({} at or above the threshold)", percent(part, 0));
                }
                words.push(';');
            }
        }
        words
    }
}

fn plane(from: Point, to: Point, x: (f64, f64)) -> Plane {
    Plane {
        left: from.0,
        top: from.1,
        right: to.0,
        bottom: to.1,
        x,
        y: (0.0, 1.0),
    }
}

/// The highest round count that is not above the tallest bar.
fn top_tick(most: u64) -> u64 {
    let mut unit = 1;
    while most / unit >= 10 {
        unit *= 10;
    }
    [5, 2, 1]
        .into_iter()
        .map(|factor| factor * unit)
        .find(|tick| *tick <= most)
        .unwrap_or(1)
}

/// Ranges of neighbouring bins that hold something.
fn runs(counts: &[u64]) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (i, _) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        match found.last_mut() {
            Some(run) if run.end == i => run.end = i + 1,
            _ => found.push(i..i + 1),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_every_score_once() {
        let right: Vec<f64> = (0..1000).map(|i| f64::from(i) / 999.0).collect();
        let figure = ConfidenceFigure {
            panels: vec![ConfidencePanel {
                right: right.clone(),
                ..ConfidencePanel::default()
            }],
            threshold: Some(0.35),
            split: "test".to_owned(),
            n: 1000,
        };
        let bins = Bins::of(&figure, 40);
        assert_eq!(bins.fill(&right).iter().sum::<u64>(), 1000);
        let edge = bins.range.0 + bins.width * 3.0;
        assert_eq!(bins.fill(&[edge])[3], 1);
        assert_eq!(figure.above(&[0.35, 0.2]), Some(0.5));
        assert_eq!(figure.above(&[]), None);
    }

    #[test]
    fn ticks_and_runs() {
        assert_eq!([1, 9, 10, 47, 199].map(top_tick), [1, 5, 10, 20, 100]);
        assert_eq!(runs(&[0, 2, 3, 0, 1]), [1..3, 4..5]);
        assert!(runs(&[0, 0]).is_empty());
    }
}
