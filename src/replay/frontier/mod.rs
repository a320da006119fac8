//! Cost against quality: hulls, areas, and how much of the gap between two models a router closes.
//!
//! Every policy is a point (mean cost, mean quality). Mixing two policies at random reaches every point on the line between
//! them, so what single models reach without any skill is the hull of their points ([`hull`], the *zero router* of
//! `RouterBench`, Hu et al. 2024, arXiv 2403.12031). A router is worth something where it lies above that hull.
//!
//! Against two *anchors*, the weak and the strong model, a quality q is a share of the gap between them ([`Anchors::pgr`], the
//! *performance gap recovered* of `RouteLLM`, Ong et al. 2024, arXiv 2406.18665), and a cost a share of the way between theirs.
//! `RouteLLM` takes the share of calls to the strong model for the cost; here it is dollars, so that long prompts count for
//! what they cost. Where the strong model is no better than the weak one, none of these figures exists.

mod gap;

pub use gap::{Anchors, Dominated, apgr, cost_for_quality, cpt};

use schemars::JsonSchema;
use serde::Serialize;

/// A policy in the plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Point {
    /// Mean dollars a prompt.
    pub cost: f64,
    /// Mean quality, 0 to 1.
    pub quality: f64,
}

impl Point {
    /// A point.
    pub fn new(cost: f64, quality: f64) -> Self {
        Self { cost, quality }
    }
}

/// The points that no other point beats: none is at most as dear and better, or cheaper and as good. By rising cost; of
/// equal points the first is kept. O(n log n).
///
/// ```
/// use routecal::replay::frontier::{Point, pareto};
///
/// let [a, b, c, d] = [(1.0, 0.5), (2.0, 0.7), (3.0, 0.6), (2.0, 0.6)].map(|(cost, quality)| Point::new(cost, quality));
/// // c costs more than b and is worse, d costs the same and is worse.
/// assert_eq!(pareto(&[c, a, d, b]), [a, b]);
/// ```
pub fn pareto(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(b.quality.total_cmp(&a.quality)));
    let mut kept: Vec<Point> = Vec::new();
    for point in sorted {
        if kept.last().is_none_or(|last| point.quality > last.quality) {
            kept.push(point);
        }
    }
    kept
}

/// Whether one of `points` is at most as dear and better, or cheaper and as good. O(n).
pub fn dominated(point: Point, points: &[Point]) -> bool {
    points.iter().any(|p| {
        (p.cost <= point.cost && p.quality > point.quality) || (p.cost < point.cost && p.quality >= point.quality)
    })
}

/// The non-decreasing upper hull: the corners of the least concave, non-decreasing function over all points, by rising cost.
/// It begins at the cheapest point and ends at the best one. O(n log n).
///
/// ```
/// use routecal::replay::frontier::{Point, hull};
///
/// let points = [(1.0, 0.2), (2.0, 0.3), (3.0, 0.8), (5.0, 0.9), (6.0, 0.7)].map(|(cost, quality)| Point::new(cost, quality));
/// let corners = hull(&points);
/// // (2, 0.3) lies under the line from (1, 0.2) to (3, 0.8); (6, 0.7) is dearer and worse than (5, 0.9).
/// assert_eq!(corners, [points[0], points[2], points[3]]);
/// ```
pub fn hull(points: &[Point]) -> Vec<Point> {
    let mut corners: Vec<Point> = Vec::new();
    for point in pareto(points) {
        while let [.., a, b] = corners.as_slice()
            && !right_turn(*a, *b, point)
        {
            corners.pop();
        }
        corners.push(point);
    }
    corners
}

/// Whether the slope from `a` to `b` is greater than that from `b` to `c`.
fn right_turn(a: Point, b: Point, c: Point) -> bool {
    (b.quality - a.quality) * (c.cost - b.cost) > (c.quality - b.quality) * (b.cost - a.cost)
}

/// The height of a hull at a cost: linear between corners, level after the last; `None` before the first, since less money
/// than the cheapest point costs buys nothing.
///
/// ```
/// use routecal::replay::frontier::{Point, height};
///
/// let hull = [Point::new(1.0, 0.2), Point::new(3.0, 0.8)];
/// assert_eq!(height(&hull, 2.0), Some(0.5));
/// assert_eq!((height(&hull, 9.0), height(&hull, 0.5)), (Some(0.8), None));
/// ```
pub fn height(hull: &[Point], cost: f64) -> Option<f64> {
    let after = hull.partition_point(|p| p.cost <= cost);
    let before = hull[..after].last()?;
    Some(match hull.get(after) {
        Some(next) => {
            before.quality + (next.quality - before.quality) * ((cost - before.cost) / (next.cost - before.cost))
        }
        None => before.quality,
    })
}

/// Average improvement in quality: the mean height of a hull over the costs from `low` to `high`. `None` where the range is
/// empty or begins before the hull does.
///
/// `RouterBench` defines it over a range that all compared routers have in common; its code integrates each from its own
/// least cost and divides by its greatest, so figures from there cannot be compared. See [`common_range`].
///
/// ```
/// use routecal::replay::frontier::{Point, aiq};
///
/// let hull = [Point::new(1.0, 0.2), Point::new(3.0, 0.8)];
/// // From 1 to 3 the mean is 0.5, from 3 to 5 it is 0.8.
/// assert!((aiq(&hull, 1.0, 5.0).unwrap() - 0.65).abs() < 1e-12);
/// assert_eq!(aiq(&hull, 0.5, 5.0), None);
/// ```
pub fn aiq(hull: &[Point], low: f64, high: f64) -> Option<f64> {
    if high.partial_cmp(&low) != Some(std::cmp::Ordering::Greater) {
        return None;
    }
    let inner = hull.iter().filter(|p| low < p.cost && p.cost < high).copied();
    let ends = [
        Point::new(low, height(hull, low)?),
        Point::new(high, height(hull, high)?),
    ];
    let path: Vec<Point> = [ends[0]].into_iter().chain(inner).chain([ends[1]]).collect();
    Some(area(&path) / (high - low))
}

/// The costs that several sets of points have in common: from the dearest of the cheapest points to the dearest point of all,
/// since a hull goes on level after its end. `None` where a set is empty.
pub fn common_range(sets: &[&[Point]]) -> Option<(f64, f64)> {
    let least = |points: &[Point]| points.iter().map(|p| p.cost).reduce(f64::min);
    let most = |points: &[Point]| points.iter().map(|p| p.cost).reduce(f64::max);
    let lows: Vec<f64> = sets.iter().map(|s| least(s)).collect::<Option<_>>()?;
    let highs: Vec<f64> = sets.iter().map(|s| most(s)).collect::<Option<_>>()?;
    let low = lows.into_iter().reduce(f64::max)?;
    let high = highs.into_iter().reduce(f64::max)?;
    Some((low, high))
}

/// The area under a path, by trapezoids.
fn area(path: &[Point]) -> f64 {
    path.windows(2)
        .map(|pair| (pair[1].cost - pair[0].cost) * f64::midpoint(pair[0].quality, pair[1].quality))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(pairs: &[(f64, f64)]) -> Vec<Point> {
        pairs
            .iter()
            .map(|(cost, quality)| Point::new(*cost, *quality))
            .collect()
    }

    #[test]
    fn points_on_one_line_leave_its_ends() {
        let line = points(&[(0.0, 0.0), (1.0, 0.25), (2.0, 0.5), (4.0, 1.0)]);
        assert_eq!(hull(&line), points(&[(0.0, 0.0), (4.0, 1.0)]));
    }

    #[test]
    fn equal_costs_leave_the_best() {
        assert_eq!(
            hull(&points(&[(1.0, 0.1), (1.0, 0.4), (1.0, 0.2)])),
            points(&[(1.0, 0.4)])
        );
        assert!(hull(&[]).is_empty());
        assert_eq!(height(&[], 1.0), None);
    }

    #[test]
    fn a_dominated_point_is_told() {
        let all = points(&[(1.0, 0.5), (2.0, 0.4), (1.0, 0.5), (0.5, 0.1)]);
        assert_eq!(
            all.iter().map(|p| dominated(*p, &all)).collect::<Vec<_>>(),
            [false, true, false, false]
        );
    }

    #[test]
    fn the_common_range_starts_where_all_have_begun() {
        let (a, b) = (points(&[(1.0, 0.0), (3.0, 0.5)]), points(&[(2.0, 0.1), (2.5, 0.3)]));
        assert_eq!(common_range(&[&a, &b]), Some((2.0, 3.0)));
        assert_eq!(common_range(&[&a, &[]]), None);
        assert_eq!(aiq(&a, 2.0, 2.0), None);
    }
}
