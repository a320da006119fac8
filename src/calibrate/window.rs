//! Where the best point can lie. A grid of counts, made in one pass, tells of each of its cells how good its best point is at most:
//! it accepts at most what the cell's loosest corner accepts, and at least what its strictest corner does. Cells that cannot reach
//! the best corner of all hold no best point, and the search need only look into the rectangle around the rest (branch and bound).
//!
//! Cells are made by a rising function of score and gap alone, so which rows lie above a cell does not hang on rounding.

use rayon::prelude::*;

use super::Goal;
use super::rows::{Kind, SweepRow, Tally, Totals};
use crate::num::{f64_from_u64, f64_from_usize, usize_from_f64};

/// Lines of the grid on each axis.
pub(super) const SIDE: usize = 1024;

/// Rows from which the grid costs less than it saves.
pub(super) const WORTH: usize = 100_000;

/// Rows that one thread bins at a time: the counts of each are another grid.
const CHUNK: usize = 1 << 20;

/// Numbers of the cells along one axis.
#[derive(Debug, Clone, Copy)]
struct Axis {
    low: f64,
    scale: f64,
    last: usize,
}

impl Axis {
    fn new(values: impl ParallelIterator<Item = f64>, side: usize) -> Self {
        let (low, high) = values.filter(|v| v.is_finite()).map(|v| (v, v)).reduce(
            || (f64::INFINITY, f64::NEG_INFINITY),
            |a, b| (a.0.min(b.0), a.1.max(b.1)),
        );
        let width = (high - low).max(f64::MIN_POSITIVE);
        Self {
            low: if low.is_finite() { low } else { 0.0 },
            scale: f64_from_usize(side) / width,
            last: side - 1,
        }
    }

    fn cell(self, value: f64) -> usize {
        usize_from_f64((value - self.low) * self.scale).min(self.last)
    }
}

/// Right, wrong and out-of-domain rows.
type Counts = [u32; 3];

/// What a search within the window needs.
pub(super) struct Window {
    /// What every point within accepts.
    pub(super) given: Tally,
    /// The rows whose acceptance is open; one that is above the window in score or gap stands at its edge.
    pub(super) open: Vec<SweepRow>,
    /// Corners looked at.
    pub(super) points: u64,
}

/// The window of a goal; `None` for a goal without a bound, or where no corner meets its condition.
pub(super) fn window(rows: &[SweepRow], base: &Tally, (goal, totals): (&Goal, &Totals), side: usize) -> Option<Window> {
    let scores = Axis::new(rows.par_iter().map(|row| row.score), side);
    let gaps = Axis::new(rows.par_iter().map(|row| row.gap), side);
    let above = above(rows, scores, gaps, side);
    let at = |i: usize, j: usize| above[i * (side + 1) + j];
    let cells = || (0..side).flat_map(|i| (0..side).map(move |j| (i, j)));
    let best = cells()
        .filter_map(|(i, j)| bound((goal, totals), base, at(i, j), at(i, j), -1.0))
        .max()?;
    let (mut low, mut high) = ((side, side), (0, 0));
    for (i, j) in cells() {
        if bound((goal, totals), base, at(i, j), at(i + 1, j + 1), 1.0).is_some_and(|bound| bound >= best) {
            low = (low.0.min(i), low.1.min(j));
            high = (high.0.max(i), high.1.max(j));
        }
    }
    let place = |row: &SweepRow| (scores.cell(row.score), gaps.cell(row.gap));
    let least =
        |values: &dyn Fn(&SweepRow) -> Option<f64>| rows.iter().filter_map(values).fold(f64::INFINITY, f64::min);
    let edge = (
        least(&|row| (place(row).0 > high.0).then_some(row.score)),
        least(&|row| (place(row).1 > high.1).then_some(row.gap)),
    );
    let mut given = base.clone();
    let mut open = Vec::new();
    for row in rows {
        let (i, j) = place(row);
        if i < low.0 || j < low.1 {
            continue;
        }
        if i > high.0 && j > high.1 {
            given.add(row);
        } else {
            open.push(SweepRow {
                score: row.score.min(edge.0),
                gap: row.gap.min(edge.1),
                ..*row
            });
        }
    }
    let points = (side * side) as u64;
    Some(Window { given, open, points })
}

/// The rows at or above every corner: `[i * (side + 1) + j]` counts those in cells from i and from j on.
fn above(rows: &[SweepRow], scores: Axis, gaps: Axis, side: usize) -> Vec<Counts> {
    let width = side + 1;
    let bins = |rows: &[SweepRow]| {
        let mut bins: Vec<Counts> = vec![[0; 3]; width * width];
        for row in rows {
            let kind = match row.kind {
                Kind::Right => 0,
                Kind::Wrong(_) => 1,
                Kind::OutOfDomain => 2,
            };
            bins[scores.cell(row.score) * width + gaps.cell(row.gap)][kind] += 1;
        }
        bins
    };
    let add = |mut a: Vec<Counts>, b: Vec<Counts>| {
        for (a, b) in a.iter_mut().flatten().zip(b.iter().flatten()) {
            *a += b;
        }
        a
    };
    let mut above = rows
        .par_chunks(rows.len().div_ceil(rayon::current_num_threads()).clamp(1, CHUNK))
        .map(bins)
        .reduce_with(add)
        .unwrap_or_default();
    for i in (0..side).rev() {
        let mut line = [0; 3];
        for j in (0..side).rev() {
            for kind in 0..3 {
                line[kind] += above[i * width + j][kind];
                above[i * width + j][kind] = line[kind] + above[(i + 1) * width + j][kind];
            }
        }
    }
    above
}

/// Parts in which a share of right rows is compared. Rounding moves it by half a part at most; a cell gets a part more and a corner one
/// less, so that no cell which holds the best point is left out.
const SHARE: f64 = 1e12;

/// The most that the goal's figure can be at a point that accepts at most `outer` and at least `inner`, in rows or in parts of
/// [`SHARE`]; `None` where it cannot meet the condition. `slack` is a row or a part more for a cell, so that no rounding leaves out what
/// the goal lets pass, and one less for a corner, whose figure must be one that the goal lets pass.
fn bound((goal, totals): (&Goal, &Totals), base: &Tally, outer: Counts, inner: Counts, slack: f64) -> Option<i64> {
    let [right, wrong, outside] = outer.map(i64::from);
    let [_, least_wrong, least_outside] = inner.map(i64::from);
    if right + wrong + outside == 0 {
        return None;
    }
    let count = |rows: i64| f64_from_u64(rows.unsigned_abs());
    let wrong_at_least = count(least_wrong + least_outside) + f64_from_u64(base.accepted() - base.right);
    let right_at_most = count(right) + f64_from_u64(base.right);
    match goal {
        Goal::MaxSystemAccuracy => Some(right - least_outside),
        Goal::MaxCoverage { risk } => {
            let reaches = wrong_at_least <= risk * (wrong_at_least + right_at_most) + slack;
            reaches.then_some(right + wrong + outside)
        }
        Goal::MinRisk { coverage } => {
            let accepted_at_most = count(right + wrong + outside) + f64_from_u64(base.accepted());
            let reaches = accepted_at_most + slack >= coverage * f64_from_u64(totals.n);
            // Without a right row the share is 0, however few are wrong.
            let share = right_at_most / (wrong_at_least + right_at_most).max(1.0);
            reaches.then(|| parts(share + slack / SHARE))
        }
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a share, and a part of SHARE more or less"
)]
fn parts(share: f64) -> i64 {
    (share * SHARE).round() as i64
}
