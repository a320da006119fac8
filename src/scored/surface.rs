//! The sweep over the grid: every point's counts by sums over the bins above it.

use std::cmp::Reverse;

use super::axis::{GAPS, THRESHOLDS};
use super::counts::{Counts, KINDS};
use super::line::Line;
use crate::calibrate::{Cell, Goal, Plateau, Surface, Tally, Totals};
use crate::routes::Thresholds;

/// Counts and figures at some points of the grid.
pub type GridTable = Surface;

/// What orders points: the goal's figure, the rows accepted, the gap, the threshold.
type Order = (i64, u64, Reverse<usize>, Reverse<usize>);

/// The best point of the grid for a goal.
#[derive(Debug, Clone, PartialEq)]
pub struct GridChoice {
    /// The thresholds.
    pub at: Thresholds,
    /// What they accept.
    pub tally: Tally,
    /// Points looked at.
    pub points: u64,
}

/// Goes through all points, by falling threshold and, in each, by falling gap: `look(threshold, gap, accepted)`, both by number, with
/// the rows accepted there, route and kind apart, as [`fill`] reads them. O(grid × routes).
fn each_point(counts: &Counts, mut look: impl FnMut(usize, usize, &[u64])) {
    let routes = counts.routes();
    let planes = KINDS * routes;
    // Of each gap, what is accepted by it and the threshold that was reached, route and kind apart.
    let mut accepted = vec![0_u64; planes * GAPS.len()];
    for threshold in (0..THRESHOLDS.len()).rev() {
        for plane in 0..planes {
            // From one bin that is not empty to the next one the sum stays the same.
            let (mut above, mut from) = (0, GAPS.len());
            let line = counts.cells(plane / KINDS, plane % KINDS, threshold);
            for (bin, count) in line.bins().rev().chain([(0, 0)]) {
                if above > 0 {
                    for gap in (bin + usize::from(count > 0)..from).rev() {
                        accepted[gap * planes + plane] += above;
                    }
                }
                if count > 0 {
                    above += count;
                    accepted[bin * planes + plane] += above;
                }
                from = bin;
            }
        }
        for gap in (0..GAPS.len()).rev() {
            look(threshold, gap, &accepted[gap * planes..(gap + 1) * planes]);
        }
    }
}

/// A tally from the counts of right, wrong and out-of-domain rows of each best route.
fn fill(tally: &mut Tally, counts: &[u64]) {
    (tally.right, tally.wrong, tally.out_of_domain) = (0, 0, 0);
    let routes = tally.by_route.iter_mut().zip(&mut tally.right_by_route);
    for ((by_route, right_by_route), kinds) in routes.zip(counts.chunks_exact(KINDS)) {
        let (right, wrong, outside) = (kinds[0], kinds[1], kinds[2]);
        (*by_route, *right_by_route) = (right + wrong + outside, right);
        tally.right += right;
        tally.wrong += wrong;
        tally.out_of_domain += outside;
    }
}

/// What one point accepts. O(bins above it).
pub(super) fn at(counts: &Counts, threshold: usize, gap: usize) -> Tally {
    let routes = counts.routes();
    let planes: Vec<u64> = (0..KINDS * routes)
        .map(|plane| {
            let lines = (threshold..THRESHOLDS.len()).map(|t| counts.cells(plane / KINDS, plane % KINDS, t));
            lines
                .flat_map(Line::bins)
                .filter(|(bin, _)| *bin >= gap)
                .map(|(_, count)| count)
                .sum()
        })
        .collect();
    let mut tally = Tally::empty(routes);
    fill(&mut tally, &planes);
    tally
}

/// The best point for `goal`; of equals the one that accepts most, then of least gap, then of least threshold. Where neighbours
/// accept the same rows, the middle of them: rows that come later may lie on either side. `None` where no point meets the goal's
/// condition.
pub(super) fn choose(counts: &Counts, goal: &Goal, totals: &Totals) -> Option<GridChoice> {
    let mut best: Option<(Order, Vec<u64>)> = None;
    let mut tally = Tally::empty(counts.routes());
    // Most neighbours accept the same rows, and then have the same key.
    let (mut last, mut key) = (Vec::new(), None);
    each_point(counts, |threshold, gap, accepted| {
        if last != accepted {
            accepted.clone_into(&mut last);
            fill(&mut tally, accepted);
            key = goal.key(&tally, totals);
        }
        let Some(key) = key else { return };
        let here = (key, tally.accepted(), Reverse(gap), Reverse(threshold));
        match &mut best {
            Some((old, _)) if here <= *old => {}
            Some((old, rows)) => {
                *old = here;
                accepted.clone_into(rows);
            }
            None => best = Some((here, accepted.to_vec())),
        }
    });
    let ((.., Reverse(gap), Reverse(threshold)), rows) = best?;
    fill(&mut tally, &rows);
    let threshold = middle(threshold, THRESHOLDS.len(), |t| at(counts, t, gap) == tally);
    let gap = middle(gap, GAPS.len(), |g| at(counts, threshold, g) == tally);
    Some(GridChoice {
        at: Thresholds::new(THRESHOLDS.value(threshold), GAPS.value(gap)).ok()?,
        tally,
        points: (THRESHOLDS.len() * GAPS.len()) as u64,
    })
}

/// The middle of the stretch from `from` on in which nothing changes.
fn middle(from: usize, end: usize, same: impl Fn(usize) -> bool) -> usize {
    // What is accepted only shrinks, so the stretch has one end.
    let (mut low, mut high) = (from, end);
    while low + 1 < high {
        let probe = usize::midpoint(low, high);
        if same(probe) {
            low = probe;
        } else {
            high = probe;
        }
    }
    // A stretch that ends with the axis has nothing beyond it to keep away from.
    if high == end { from } else { usize::midpoint(from, low) }
}

/// The range of each number of a point of the grid, the other held, in which the goal's figure stays within `tolerance`.
pub(super) fn plateau(
    counts: &Counts,
    goal: &Goal,
    totals: &Totals,
    chosen: &GridChoice,
    tolerance: f64,
) -> Option<Plateau> {
    let figure = goal.objective(&chosen.tally, totals)?;
    let margin = match goal {
        Goal::MinCost { .. } => tolerance * figure.abs(),
        _ => tolerance,
    };
    let (t, g) = (THRESHOLDS.bin(chosen.at.threshold()), GAPS.bin(chosen.at.gap()));
    let [thresholds, gaps] = line_figures(counts, goal, totals, t, g);
    let holds = |value: &Option<f64>| value.is_some_and(|v| v >= figure - margin - 1e-12);
    let range = |figures: &[Option<f64>], at: usize, value: &dyn Fn(usize) -> f64| {
        let low = figures[..at].iter().rev().take_while(|f| holds(f)).count();
        let high = figures[at + 1..].iter().take_while(|f| holds(f)).count();
        (value(at - low), value(at + high))
    };
    Some(Plateau {
        tolerance,
        threshold: range(&thresholds, t, &|i| THRESHOLDS.value(i)),
        gap: range(&gaps, g, &|i| GAPS.value(i)),
    })
}

/// The goal's figure at every threshold with gap `g`, and at every gap with threshold `t`.
fn line_figures(counts: &Counts, goal: &Goal, totals: &Totals, t: usize, g: usize) -> [Vec<Option<f64>>; 2] {
    let mut thresholds = vec![None; THRESHOLDS.len()];
    let mut gaps = vec![None; GAPS.len()];
    let mut tally = Tally::empty(counts.routes());
    each_point(counts, |threshold, gap, accepted| {
        if gap == g || threshold == t {
            fill(&mut tally, accepted);
        }
        if gap == g {
            thresholds[threshold] = goal.objective(&tally, totals);
        }
        if threshold == t {
            gaps[gap] = goal.objective(&tally, totals);
        }
    });
    [thresholds, gaps]
}

/// Counts and figures at some thresholds and gaps of the grid, both by rising number.
pub(super) fn table(counts: &Counts, totals: &Totals, thresholds: &[usize], gaps: &[usize]) -> GridTable {
    let mut cells = Vec::with_capacity(thresholds.len() * gaps.len());
    each_point(counts, |threshold, gap, accepted| {
        if thresholds.binary_search(&threshold).is_ok() && gaps.binary_search(&gap).is_ok() {
            let mut tally = Tally::empty(counts.routes());
            fill(&mut tally, accepted);
            cells.push(Cell::new(THRESHOLDS.value(threshold), GAPS.value(gap), tally, totals));
        }
    });
    cells.reverse();
    Surface {
        thresholds: thresholds.iter().map(|t| THRESHOLDS.value(*t)).collect(),
        gaps: gaps.iter().map(|g| GAPS.value(*g)).collect(),
        cells,
    }
}

/// The numbers of the thresholds and of the gaps between which rows lie: the table shows no others.
pub(super) fn occupied(counts: &[&Counts]) -> ((usize, usize), usize) {
    let planes = |counts: &Counts| 0..KINDS * counts.routes();
    let longest = |counts: &Counts, threshold: usize| {
        let cells = |plane| counts.cells(plane / KINDS, plane % KINDS, threshold);
        let last = planes(counts).filter_map(|plane| cells(plane).bins().next_back());
        last.map(|(bin, _)| bin + 1).max().unwrap_or_default()
    };
    let longest = |threshold: usize| counts.iter().map(|c| longest(c, threshold)).max().unwrap_or_default();
    let lengths: Vec<usize> = (0..THRESHOLDS.len()).map(longest).collect();
    let low = lengths.iter().position(|length| *length > 0).unwrap_or_default();
    let high = lengths.iter().rposition(|length| *length > 0).unwrap_or_default();
    // Infinite gaps lie in the last bin: one threshold more shows that they stay.
    (
        (low, high),
        lengths.into_iter().max().unwrap_or_default().saturating_sub(1),
    )
}
