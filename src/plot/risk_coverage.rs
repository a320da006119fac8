//! Selective risk against coverage: how often an accepted prompt is wrong, as more prompts are accepted.
//!
//! The area under the curve is about the AURC (Geifman, Uziel and El-Yaniv 2019, arXiv 1805.08206); the AUGRC (Traub et al.
//! 2024, arXiv 2407.01032) weighs every row alike and is the headline. Both are given by the caller and only written here.

use std::fmt::Write as _;

use plotters::style::RGBColor;

use super::canvas::{Canvas, Page, Point, Stroke, Type, sketch};
use super::error::finite;
use super::frame::{HEAD, LABEL, MARGIN, Plane, headline};
use super::number::{grouped, percent, real, ticks};
use super::palette::{BLUE, INK, MUTED, PAPER, VERMILLION};
use super::symbol::Symbol;
use super::thin::thin;
use super::{Drawing, Figure, PlotError, Shown};

const FIGURE: &str = "risk–coverage figure";

/// A named operating point.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskMark {
    /// A word such as `chosen` or `current`.
    pub name: String,
    /// Accepted over all, in [0, 1].
    pub coverage: Shown,
    /// Wrong over accepted, in [0, 1].
    pub risk: Shown,
}

/// The risk–coverage curve.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskCoverageFigure {
    /// Coverage and selective risk at each distinct score, both in [0, 1], in any order of coverage; the risk's intervals are
    /// drawn as a band.
    pub curve: Vec<(f64, Shown)>,
    /// The operating points, the most important first; the first five are drawn.
    pub marks: Vec<RiskMark>,
    /// The risk when everything is accepted: what a threshold must beat.
    pub full_coverage_error: Shown,
    /// Area under the risk–coverage curve.
    pub aurc: Shown,
    /// Area under the generalised risk–coverage curve.
    pub augrc: Shown,
    /// How many prompts the curve is over.
    pub n: u64,
    /// The split they belong to.
    pub split: String,
}

impl Figure for RiskCoverageFigure {
    fn draw(&self) -> Result<Drawing, PlotError> {
        self.check()?;
        let mut shown = self.curve.clone();
        shown.sort_by(|a, b| a.0.total_cmp(&b.0));
        let curve: Vec<(f64, f64)> = shown.iter().map(|(coverage, risk)| (*coverage, risk.value)).collect();
        let page = Page {
            width: 960.0,
            height: 600.0,
            title: format!(
                "Risk against coverage · {} split, n = {}",
                self.split,
                grouped(self.n)
            ),
            subtitle: "Prompts are accepted from the most confident down: further right more are accepted, higher up more of those are wrong.".to_owned(),
            description: self.describe(),
        };
        sketch(&page, |canvas| {
            headline(canvas, &page);
            let mut plane = Plane {
                left: 96.0,
                top: HEAD + 8.0,
                right: 690.0,
                bottom: 532.0,
                x: (0.0, 1.0),
                y: (0.0, 1.0),
            };
            if self.n == 0 || curve.is_empty() {
                plane.no_rows(canvas);
                return;
            }
            let (top, clipped) = self.top(&curve);
            plane.y.1 = top;
            let up = ticks(0.0, top, 6);
            let decimals = up.decimals.saturating_sub(2);
            band(canvas, &shown, &plane);
            self.draw_curve(canvas, &curve, &plane, (&up, decimals));
            self.legend(canvas, &plane, clipped);
        })
    }
}

impl RiskCoverageFigure {
    fn check(&self) -> Result<(), PlotError> {
        for (i, point) in self.curve.iter().enumerate() {
            finite(FIGURE, point.0, || format!("coverage of curve[{i}]"))?;
            point.1.check(FIGURE, || format!("risk of curve[{i}]"))?;
        }
        for mark in &self.marks {
            mark.coverage
                .check(FIGURE, || format!("coverage of mark {:?}", mark.name))?;
            mark.risk.check(FIGURE, || format!("risk of mark {:?}", mark.name))?;
        }
        // Without rows these are not defined and are not written.
        if self.n == 0 {
            return Ok(());
        }
        self.full_coverage_error
            .check(FIGURE, || "full_coverage_error".to_owned())?;
        self.aurc.check(FIGURE, || "aurc".to_owned())?;
        self.augrc.check(FIGURE, || "augrc".to_owned())
    }

    /// The upper end of the y axis, and the coverage below which the curve leaves it.
    ///
    /// One wrong prompt among the first few makes a risk of 50 % there and would flatten everything else, so coverage under
    /// 5 % does not count.
    fn top(&self, curve: &[(f64, f64)]) -> (f64, Option<f64>) {
        let steady = curve.iter().filter(|p| p.0 >= 0.05).map(|p| p.1);
        let marked = self.marks.iter().map(|mark| mark.risk.value);
        let most = steady
            .chain(marked)
            .chain([self.full_coverage_error.value])
            .fold(0.0, f64::max);
        let step = ticks(0.0, (most * 1.08).max(0.05), 6).step;
        let top = ((most * 1.08 / step).ceil() * step).clamp(step, 1.0_f64.max(most));
        let above = curve.iter().filter(|p| p.1 > top + 1e-12).map(|p| p.0);
        (top, above.fold(None, |far, x| Some(far.map_or(x, |f: f64| f.max(x)))))
    }

    fn draw_curve(
        &self,
        canvas: &Canvas<'_>,
        curve: &[(f64, f64)],
        plane: &Plane,
        (up, decimals): (&super::number::Ticks, usize),
    ) {
        let pieces: Vec<Vec<Point>> = below(curve, plane.y.1)
            .into_iter()
            .map(|piece| {
                let places: Vec<Point> = piece.into_iter().map(|p| plane.place(p)).collect();
                thin(&places, 0.5)
            })
            .collect();
        let across = ticks(0.0, 1.0, 5);
        let named = "coverage (accepted / all prompts)";
        plane.x_axis(canvas, &across, |v| percent(v, 0), named);
        let named = "selective risk (wrong / accepted)";
        plane.y_axis(canvas, up, |v| percent(v, decimals), named);
        let level = plane.py(self.full_coverage_error.value);
        canvas.line(&[(plane.left, level), (plane.right, level)], NO_FALLBACK);
        for piece in &pieces {
            match piece.as_slice() {
                [only] => canvas.disc(*only, 4.0, BLUE),
                piece => canvas.line(piece, CURVE),
            }
        }
        plane.edges(canvas);
        for (i, mark) in self.marks.iter().enumerate().take(5) {
            let (coverage, risk) = (mark.coverage.value, mark.risk.value);
            for (colour, width) in [(PAPER, 4.0), (INK, 1.75)] {
                let stroke = Stroke::solid(colour, width);
                mark.risk
                    .whisker(canvas, |y| plane.place((coverage, y.min(plane.y.1))), stroke);
                mark.coverage.whisker(canvas, |x| plane.place((x, risk)), stroke);
            }
            Symbol::of(i).draw(canvas, plane.place((coverage, risk)));
        }
    }

    fn legend(&self, canvas: &Canvas<'_>, plane: &Plane, clipped: Option<f64>) {
        let left = plane.right + 28.0;
        let room = 960.0 - MARGIN - left - 46.0;
        let mut y = plane.top + 6.0;
        let small = Type::plain(12.0).colour(MUTED);
        let entry = |y: &mut f64, name: &str, lines: &[String]| {
            let bold = LABEL.bold();
            canvas.text_on((left + 46.0, *y), &bold.elide(name, room), bold);
            for (row, line) in lines.iter().enumerate() {
                let anchor = (left + 46.0, *y + 18.0 + 16.0 * real(row));
                canvas.text_on(anchor, &small.elide(line, room), small);
            }
            *y += 30.0 + 16.0 * real(lines.len());
        };
        canvas.line(&[(left, y), (left + 36.0, y)], CURVE);
        entry(
            &mut y,
            "by score",
            &[
                format!("AUGRC {}", self.augrc.fixed(3)),
                format!("AURC {}", self.aurc.fixed(3)),
            ],
        );
        if self.curve.iter().any(|(_, risk)| risk.span.is_some()) {
            canvas.rect((left, y - 8.0), (left + 36.0, y + 8.0), BAND);
            entry(&mut y, "95 % intervals", &["of the risk at each coverage".to_owned()]);
        }
        canvas.line(&[(left, y), (left + 36.0, y)], NO_FALLBACK);
        let level = format!("{} wrong", self.full_coverage_error.percent(1));
        entry(&mut y, "everything accepted", &[level]);
        for (i, mark) in self.marks.iter().enumerate().take(5) {
            Symbol::of(i).draw(canvas, (left + 18.0, y));
            let lines = [
                format!("coverage {}", mark.coverage.percent(1)),
                format!("risk {}", mark.risk.percent(1)),
            ];
            entry(&mut y, &mark.name, &lines);
        }
        if let Some(coverage) = clipped {
            y += 4.0;
            let at = if coverage < 0.0005 {
                "At its left end".to_owned()
            } else {
                format!("Below {} coverage", percent(coverage, 1))
            };
            let text = format!("{at} the curve leaves the picture: few prompts, one of them wrong.");
            for line in super::fonts::wrap(&text, 12.0, false, room + 46.0, 4) {
                canvas.text_on((left, y), &line, small);
                y += 16.0;
            }
        }
    }

    fn describe(&self) -> String {
        if self.n == 0 {
            return "Risk against coverage; there are no rows.".to_owned();
        }
        let mut words = format!(
            "Selective risk against coverage. AUGRC {}, AURC {}; with everything accepted {} are wrong.",
            self.augrc.fixed(3),
            self.aurc.fixed(3),
            self.full_coverage_error.percent(1)
        );
        for mark in &self.marks {
            let _ = write!(
                words,
                " {}: coverage {}, risk {}.",
                mark.name,
                mark.coverage.percent(1),
                mark.risk.percent(1)
            );
        }
        words
    }
}

const CURVE: Stroke = Stroke::solid(BLUE, 2.5);
const BAND: RGBColor = RGBColor(214, 232, 243);
const NO_FALLBACK: Stroke = Stroke::dashed(VERMILLION, 2.0, &[8.0, 5.0]);

/// The area between the ends of the risk's intervals, cut at the top of the plane.
fn band(canvas: &Canvas<'_>, curve: &[(f64, Shown)], plane: &Plane) {
    let ends = |end: fn((f64, f64)) -> f64| {
        curve
            .iter()
            .filter_map(move |(x, risk)| Some((*x, end(risk.span?))))
            .map(|(x, y)| plane.place((x, y.min(plane.y.1))))
            .collect::<Vec<Point>>()
    };
    let (below, above) = (thin(&ends(|s| s.0), 0.5), thin(&ends(|s| s.1), 0.5));
    if below.len() > 1 {
        let outline: Vec<Point> = above.into_iter().chain(below.into_iter().rev()).collect();
        canvas.polygon(&outline, BAND);
    }
}

/// The parts of a curve that are not above a level, cut where the curve crosses it.
fn below(curve: &[(f64, f64)], top: f64) -> Vec<Vec<Point>> {
    let mut pieces: Vec<Vec<Point>> = vec![Vec::new()];
    let crossing = |a: Point, b: Point| {
        let part = (top - a.1) / (b.1 - a.1);
        (a.0 + (b.0 - a.0) * part, top)
    };
    for (i, point) in curve.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| curve[i]);
        let inside = point.1 <= top;
        match before {
            Some(b) if inside && b.1 > top => pieces.push(vec![crossing(b, *point)]),
            Some(b) if !inside && b.1 <= top => {
                if let Some(piece) = pieces.last_mut() {
                    piece.push(crossing(b, *point));
                }
            }
            _ => {}
        }
        if let (true, Some(piece)) = (inside, pieces.last_mut()) {
            piece.push(*point);
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_cut_at_the_top() {
        let curve = [(0.0, 1.0), (0.5, 0.0), (1.0, 0.2)];
        assert_eq!(below(&curve, 0.5), [[(0.25, 0.5), (0.5, 0.0), (1.0, 0.2)]]);
        assert_eq!(below(&curve, 1.0), [curve.to_vec()]);
        assert!(below(&[], 1.0).is_empty());
        let hill = [(0.0, 0.0), (0.5, 1.0), (1.0, 0.0)];
        assert_eq!(below(&hill, 0.5).len(), 2);
    }
}
