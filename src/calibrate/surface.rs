//! The figures over (threshold, gap), for plots and tables.

use super::rows::{SweepRow, Tally, Totals};
use super::sweep::share;

/// Counts and figures at one point.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Confidence threshold.
    pub threshold: f64,
    /// Least gap.
    pub gap: f64,
    /// Accepted prompts.
    pub tally: Tally,
    /// Accepted / all.
    pub coverage: Option<f64>,
    /// Right / accepted.
    pub selective_accuracy: Option<f64>,
    /// Handled right / all.
    pub system_accuracy: Option<f64>,
    /// Accepted out-of-domain / out-of-domain.
    pub false_accept_rate: Option<f64>,
}

impl Cell {
    pub(crate) fn new(threshold: f64, gap: f64, tally: Tally, totals: &Totals) -> Self {
        Self {
            threshold,
            gap,
            coverage: share(tally.accepted(), totals.n),
            selective_accuracy: share(tally.right, tally.accepted()),
            system_accuracy: share(tally.right + totals.out_of_domain - tally.out_of_domain, totals.n),
            false_accept_rate: share(tally.out_of_domain, totals.out_of_domain),
            tally,
        }
    }
}

/// A grid of points: `cells[i * gaps.len() + j]` is at `thresholds[i]`, `gaps[j]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Surface {
    /// Rising thresholds.
    pub thresholds: Vec<f64>,
    /// Rising gaps.
    pub gaps: Vec<f64>,
    /// The points.
    pub cells: Vec<Cell>,
}

/// The figures on a given grid, by two-dimensional suffix sums: O(rows·log + grid).
///
/// # Panics
/// If an axis is empty or not strictly rising.
pub fn surface(rows: &[SweepRow], routes: usize, thresholds: &[f64], gaps: &[f64]) -> Surface {
    for axis in [thresholds, gaps] {
        assert!(
            !axis.is_empty() && axis.windows(2).all(|w| w[0] < w[1]),
            "an axis must rise"
        );
    }
    let totals = Totals::of(rows, routes);
    let (height, width) = (thresholds.len(), gaps.len());
    // A row is accepted at every grid point up to its own position on both axes.
    let mut bins: Vec<Option<Tally>> = vec![None; height * width];
    for row in rows {
        let i = thresholds.partition_point(|t| *t <= row.score);
        let j = gaps.partition_point(|g| *g <= row.gap);
        if i > 0 && j > 0 {
            bins[(i - 1) * width + j - 1]
                .get_or_insert_with(|| Tally::empty(routes))
                .add(row);
        }
    }
    let mut below: Vec<Tally> = vec![Tally::empty(routes); width];
    let mut cells = Vec::with_capacity(height * width);
    for i in (0..height).rev() {
        let mut line = Tally::empty(routes);
        for j in (0..width).rev() {
            if let Some(bin) = &bins[i * width + j] {
                line.merge(bin);
            }
            below[j].merge(&line);
            cells.push(Cell::new(thresholds[i], gaps[j], below[j].clone(), &totals));
        }
    }
    cells.reverse();
    Surface {
        thresholds: thresholds.to_vec(),
        gaps: gaps.to_vec(),
        cells,
    }
}

/// The figures at every distinct score of `rows` as threshold, one gap held; rising thresholds. O(rows·log rows).
pub fn threshold_curve(rows: &[SweepRow], routes: usize, gap: f64) -> Vec<Cell> {
    let totals = Totals::of(rows, routes);
    let mut order: Vec<&SweepRow> = rows.iter().collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut counts = Tally::empty(routes);
    let mut cells = Vec::new();
    for (i, row) in order.iter().enumerate() {
        if row.gap >= gap {
            counts.add(row);
        }
        if order.get(i + 1).is_none_or(|next| next.score < row.score) {
            cells.push(Cell::new(row.score, gap, counts.clone(), &totals));
        }
    }
    cells.reverse();
    cells
}

/// Values for an axis: `count` evenly spaced ones from `low` to `high`, and the `marks`, rising and distinct.
pub(crate) fn axis(low: f64, high: f64, count: usize, marks: &[f64]) -> Vec<f64> {
    let step = (high - low) / crate::num::f64_from_usize(count.max(2) - 1);
    let mut values: Vec<f64> = (0..count.max(2))
        .map(|i| low + step * crate::num::f64_from_usize(i))
        .chain(marks.iter().copied().filter(|m| m.is_finite()))
        .collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// Least and greatest value; (0, 0) where there is none.
pub(crate) fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    if low <= high { (low, high) } else { (0.0, 0.0) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rows::{Kind, tally};
    use super::*;
    use crate::routes::Thresholds;

    /// What the same point gives by counting afresh.
    fn counted(rows: &[SweepRow], routes: usize, threshold: f64, gap: f64) -> Tally {
        let at = Thresholds::new(threshold, gap).unwrap();
        tally(rows, &vec![at; routes])
    }

    proptest! {
        #[test]
        fn suffix_sums_equal_counting(
            raw in proptest::collection::vec((0..20_i32, 0..10_i32, 0..2_usize, 0..3_usize), 1..50)
        ) {
            let rows: Vec<SweepRow> = raw.into_iter().map(|(s, g, route, kind)| SweepRow {
                score: f64::from(s) / 20.0,
                gap: f64::from(g) / 20.0,
                route,
                kind: [Kind::Right, Kind::Wrong(1 - route), Kind::OutOfDomain][kind],
            }).collect();
            let grid: Vec<f64> = (0..11).map(|i| f64::from(i) / 10.0).collect();
            let surface = surface(&rows, 2, &grid, &grid);
            for cell in &surface.cells {
                prop_assert_eq!(&cell.tally, &counted(&rows, 2, cell.threshold, cell.gap));
            }
            let mut last = f64::INFINITY;
            for cell in threshold_curve(&rows, 2, 0.2) {
                prop_assert_eq!(&cell.tally, &counted(&rows, 2, cell.threshold, 0.2));
                let coverage = cell.coverage.unwrap();
                prop_assert!(coverage <= last, "coverage rose with the threshold");
                last = coverage;
            }
        }
    }
}
