//! The candidates of a certificate and their order, from the learning part alone.
//!
//! On a grid over both dimensions every point gets its p-value on the learning part. The path begins at the point with the
//! smallest: enough accepted rows, few of them wrong. From there coverage rises in even steps up to everything, and
//! of the points with at least the step's coverage the one with the smallest p-value is taken. The p-values are no
//! evidence here (the path is the best of many), only an order.

use super::p_value;
use crate::calibrate::rows::SweepRow;
use crate::calibrate::search::settle;
use crate::calibrate::surface::surface;
use crate::num::f64_from_u64;
use crate::routes::Thresholds;

/// Share of the rows that the highest gap of the grid would turn away by itself: beyond it hardly anything is accepted.
const HIGHEST_GAP: f64 = 0.9;

/// How fine the grid and the path are. A finer path has more places to fail at by chance, a coarser one ends short of what
/// could be certified.
pub(super) struct Fineness {
    pub(super) thresholds: usize,
    pub(super) gaps: usize,
    steps: u64,
}

impl Fineness {
    pub(super) fn of(rows: usize) -> Self {
        let steps = (2 * rows).isqrt().clamp(12, 60);
        Self {
            thresholds: steps * 3 / 2,
            gaps: (steps / 3).min(12),
            steps: steps as u64,
        }
    }
}

/// The candidates in the order in which they are to be tested; distinct, and accepting more and more of `rows`.
pub(super) fn lay(rows: &[SweepRow], routes: usize, alpha: f64) -> Vec<Thresholds> {
    if rows.is_empty() {
        return Vec::new();
    }
    let fineness = Fineness::of(rows.len());
    let thresholds = levels(rows.iter().map(|r| r.score), fineness.thresholds, 1.0, -1.0);
    let gaps = gap_levels(rows, fineness.gaps);
    let points: Vec<Point> = surface(rows, routes, &thresholds, &gaps)
        .cells
        .into_iter()
        .map(|cell| {
            let accepted = cell.tally.accepted();
            Point {
                threshold: cell.threshold,
                gap: cell.gap,
                accepted,
                p: p_value(accepted - cell.tally.right, accepted, alpha),
            }
        })
        .collect();
    let surest = |least: u64| {
        points
            .iter()
            .filter(|point| point.accepted >= least)
            .min_by(|a, b| a.order(b))
    };
    let most = points.iter().map(|p| p.accepted).max().unwrap_or_default();
    let first = surest(1).map_or(0, |p| p.accepted);
    let mut path: Vec<Thresholds> = (0..fineness.steps)
        .filter_map(|step| surest(first + (most - first) * step / (fineness.steps - 1)))
        .map(|point| settle(rows, point.threshold, point.gap))
        .collect();
    path.dedup();
    path
}

#[derive(Debug, Clone, Copy)]
struct Point {
    threshold: f64,
    gap: f64,
    accepted: u64,
    p: f64,
}

impl Point {
    /// The surer first; of equals the one that accepts more, then the smaller gap and the smaller threshold.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.p
            .total_cmp(&other.p)
            .then(other.accepted.cmp(&self.accepted))
            .then(self.gap.total_cmp(&other.gap))
            .then(self.threshold.total_cmp(&other.threshold))
    }
}

/// 0 and the gaps at even ranks; an infinite one (a lone route's) turns nothing away and needs no level.
pub(super) fn gap_levels(rows: &[SweepRow], count: usize) -> Vec<f64> {
    let finite = rows.iter().map(|r| r.gap).filter(|gap| gap.is_finite());
    levels(finite, count, HIGHEST_GAP, 0.0)
}

/// `least`, and the values at `count` − 1 even ranks up to the share `to` of them; rising, distinct.
fn levels(values: impl Iterator<Item = f64>, count: usize, to: f64, least: f64) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let reach = (0..n)
        .take_while(|i| f64_from_u64(*i as u64) < to * f64_from_u64(n as u64))
        .count();
    let at_ranks = (1..count).filter_map(|i| values.get(i * reach / count).copied());
    let mut levels: Vec<f64> = std::iter::once(least).chain(at_ranks).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    // Cosines may fall below their range by rounding; everything is accepted from `least` on.
    levels.retain(|level| *level >= least);
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::rows::Kind;

    fn rows(n: u32) -> Vec<SweepRow> {
        (0..n)
            .map(|i| SweepRow {
                score: f64::from(i) / f64::from(n),
                gap: f64::from(i * 7 % n) / f64::from(n),
                route: 0,
                kind: if i * 4 < n { Kind::OutOfDomain } else { Kind::Right },
            })
            .collect()
    }

    #[test]
    fn the_path_begins_where_a_certificate_is_likely_and_ends_at_everything() {
        let rows = rows(240);
        let path = lay(&rows, 1, 0.05);
        let accepted: Vec<u64> = path.iter().map(|at| super::super::count(&rows, *at).0).collect();
        assert!(accepted.windows(2).all(|pair| pair[0] < pair[1]), "{accepted:?}");
        assert!((150..=190).contains(&accepted[0]), "{accepted:?}");
        assert_eq!(accepted.last(), Some(&240));
    }

    #[test]
    fn rows_without_a_runner_up_or_without_any_difference() {
        let mut rows = rows(100);
        for row in &mut rows {
            row.gap = f64::INFINITY;
        }
        let path = lay(&rows, 1, 0.05);
        assert!(path.iter().all(|at| at.gap().abs() < f64::MIN_POSITIVE));
        for row in &mut rows {
            row.score = 0.5;
        }
        assert_eq!(lay(&rows, 1, 0.05).len(), 1);
        assert!(lay(&[], 1, 0.05).is_empty());
    }
}
