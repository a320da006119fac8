//! The best point of so many rows that not every point can be tried, for goals that are no sums over rows: a grid first, then
//! every point around the best of the grid, or a finer grid there and every point around the best of that.
//!
//! The axes of the grid are evenly spaced ranks of the distinct scores and gaps, so that no two lines have many rows between
//! them, and the neighbourhood of a cell stays small wherever the rows lie.

use rayon::prelude::*;

use super::rows::{Kind, SweepRow, Tally};
use super::search::{Best, Found, Search as _, accepting, nothing, pick, ranks};
use super::sweep::Sought;

/// Thresholds, and gaps, of the grid.
const SIDE: usize = 1001;

/// Rows around the best of a grid up to which every point of them is tried: some ten million points.
const FEW: usize = 10_000;

type Point = Best<(i64, u64)>;

/// The best point found of `rows` on top of `base`; never called exact. O(n log n + grid) and the neighbourhood, which is again looked
/// at by a grid while it has more than ten thousand rows.
pub(super) fn search(rows: &[SweepRow], base: &Tally, sought: &Sought<'_>) -> Found<(i64, u64)> {
    search_on(rows, base, sought, (SIDE, FEW))
}

fn search_on(rows: &[SweepRow], base: &Tally, sought: &Sought<'_>, sizes: (usize, usize)) -> Found<(i64, u64)> {
    let found = finer(rows, base, sought, sizes);
    Found {
        best: pick(found.best, nothing(rows, base, sought)),
        points: found.points + 1,
        exact: false,
    }
}

/// The best of a grid, made better by what lies around it: some four `side`-ths of the rows are open there. Of `few` rows every point is
/// tried; more are looked at by a finer grid, as long as it leaves less than half of them.
fn finer(rows: &[SweepRow], base: &Tally, sought: &Sought<'_>, (side, few): (usize, usize)) -> Found<(i64, u64)> {
    let grid = Grid::new(rows, side);
    let mut points = (grid.thresholds.len() * grid.gaps.len()) as u64;
    let coarse = grid.best(rows, base, sought);
    let fine = coarse.and_then(|best| {
        let spans = (span(&grid.thresholds, best.threshold), span(&grid.gaps, best.gap));
        let (open, given) = around(rows, base, spans);
        let found = if open.len() > few && open.len() < rows.len() / 2 {
            finer(&open, &given, sought, (side, few))
        } else {
            accepting(&open, &given, sought)
        };
        points += found.points;
        found.best
    });
    Found {
        best: pick(coarse, fine),
        points,
        exact: false,
    }
}

fn axis(values: impl Iterator<Item = f64>, side: usize) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    radsort::sort(&mut values);
    values.dedup();
    ranks(&values, side)
}

/// The grid lines on both sides of one of them; infinite where there is none.
fn span(axis: &[f64], value: f64) -> (f64, f64) {
    let at = axis.partition_point(|v| *v < value);
    let below = at.checked_sub(1).map_or(f64::NEG_INFINITY, |i| axis[i]);
    (below, axis.get(at + 1).copied().unwrap_or(f64::INFINITY))
}

/// What a line of the grid needs of a row: half of what the row holds, and it is gone through out of order.
struct Accepted {
    /// Place of the greatest gap at which it is accepted.
    gap: usize,
    route: usize,
    kind: Kind,
}

/// Rising thresholds and gaps.
struct Grid {
    thresholds: Vec<f64>,
    gaps: Vec<f64>,
}

impl Grid {
    fn new(rows: &[SweepRow], side: usize) -> Self {
        let (thresholds, gaps) = rayon::join(
            || axis(rows.iter().map(|row| row.score), side),
            || axis(rows.iter().map(|row| row.gap), side),
        );
        Self { thresholds, gaps }
    }

    /// The best point of the grid. The lines are dealt to as many shares as there are threads; the best is picked by a total order, so
    /// their number changes nothing.
    fn best(&self, rows: &[SweepRow], base: &Tally, sought: &Sought<'_>) -> Option<Point> {
        let lines = self.lines(rows);
        let size = lines.len().div_ceil(rayon::current_num_threads());
        (0..lines.len().div_ceil(size))
            .into_par_iter()
            .filter_map(|share| {
                let (from, to) = (share * size, ((share + 1) * size).min(lines.len()));
                self.best_of_lines(&lines, from..to, base, sought)
            })
            .reduce_with(Best::better)
    }

    /// The rows between each threshold and the next.
    fn lines(&self, rows: &[SweepRow]) -> Vec<Vec<Accepted>> {
        let places: Vec<(usize, usize)> = rows
            .par_iter()
            // The least score and the least gap are on the axes, so every row has a cell.
            .map(|row| (place(&self.thresholds, row.score), place(&self.gaps, row.gap)))
            .collect();
        let mut sizes = vec![0; self.thresholds.len()];
        for (line, _) in &places {
            sizes[*line] += 1;
        }
        let mut lines: Vec<Vec<Accepted>> = sizes.into_iter().map(Vec::with_capacity).collect();
        for (row, (line, gap)) in rows.iter().zip(places) {
            lines[line].push(Accepted {
                gap,
                route: row.route,
                kind: row.kind,
            });
        }
        lines
    }

    /// The best of the points of some lines: by falling threshold, `accepted[j]` is what the line's threshold and gap j accept.
    fn best_of_lines(
        &self,
        lines: &[Vec<Accepted>],
        range: std::ops::Range<usize>,
        base: &Tally,
        sought: &Sought<'_>,
    ) -> Option<Point> {
        let nothing = Tally::empty(base.by_route.len());
        let mut accepted = vec![base.clone(); self.gaps.len()];
        let mut own = vec![nothing.clone(); self.gaps.len()];
        let mut from_gap = nothing.clone();
        for row in lines[range.end..].iter().flatten() {
            own[row.gap].accept(row.route, row.kind);
        }
        let mut best = None;
        let mut line = range.end;
        loop {
            from_gap.clone_from(&nothing);
            for (accepted, own) in accepted.iter_mut().zip(&mut own).rev() {
                from_gap.merge(own);
                own.clone_from(&nothing);
                accepted.merge(&from_gap);
            }
            if line < range.end {
                let here = accepted.iter().zip(&self.gaps).filter_map(|(accepted, gap)| {
                    sought.key(accepted).map(|key| Best {
                        key,
                        gap: *gap,
                        threshold: self.thresholds[line],
                    })
                });
                best = here.fold(best, |best, here| pick(best, Some(here)));
            }
            if line == range.start {
                return best;
            }
            line -= 1;
            for row in &lines[line] {
                own[row.gap].accept(row.route, row.kind);
            }
        }
    }
}

/// The last line of a rising axis that is no greater than `value`, which is no less than the first.
fn place(axis: &[f64], value: f64) -> usize {
    axis.partition_point(|line| *line <= value) - 1
}

/// The rows that are open between two thresholds and two gaps, and what is given there: what is accepted everywhere between them, on top
/// of `base`. A row above one of the two is as good as one at it.
fn around(rows: &[SweepRow], base: &Tally, (threshold, gap): ((f64, f64), (f64, f64))) -> (Vec<SweepRow>, Tally) {
    let mut given = base.clone();
    let mut open = Vec::new();
    for row in rows.iter().filter(|row| row.score >= threshold.0 && row.gap >= gap.0) {
        if row.score >= threshold.1 && row.gap >= gap.1 {
            given.add(row);
        } else {
            open.push(SweepRow {
                score: row.score.min(threshold.1),
                gap: row.gap.min(gap.1),
                ..*row
            });
        }
    }
    (open, given)
}

#[cfg(test)]
mod tests {
    use super::super::rows::Totals;
    use super::super::search;
    use super::super::{Goal, choose};
    use super::*;
    use crate::stats::{Purpose, stream};

    const ROUTES: usize = 2;

    fn rows(n: usize, draw: u64) -> Vec<SweepRow> {
        let mut random = stream(11, Purpose::Simulation, draw);
        (0..n)
            .map(|_| {
                let (score, gap) = (random.unit(), random.unit() / 2.0);
                let route = usize::from(random.unit() < 0.5);
                let kind = match random.unit() {
                    u if u < score => Kind::Right,
                    u if u < score + gap => Kind::Wrong(1 - route),
                    _ => Kind::OutOfDomain,
                };
                SweepRow {
                    score,
                    gap,
                    route,
                    kind,
                }
            })
            .collect()
    }

    /// What is found must be what is counted at it, no worse than the grid alone, and near the best there is.
    #[test]
    fn the_best_of_the_grid_is_made_better_and_stays_true() {
        for draw in 0..20 {
            let rows = rows(400, draw);
            let totals = Totals::of(&rows, ROUTES);
            let base = Tally::empty(ROUTES);
            let sought = Sought {
                goal: &Goal::MaxMacroF1,
                totals: &totals,
            };
            // All points around the best of the grid, and a grid again.
            let found = search_on(&rows, &base, &sought, (12, 400)).best.unwrap();
            let by_grids = search_on(&rows, &base, &sought, (12, 30)).best.unwrap();
            let accepted = |at: &Point| {
                let mut counts = base.clone();
                let rows = rows.iter().filter(|r| r.score >= at.threshold && r.gap >= at.gap);
                rows.for_each(|row| counts.add(row));
                counts
            };
            assert_eq!(sought.key(&accepted(&found)), Some(found.key));
            let coarse = Grid::new(&rows, 12).best(&rows, &base, &sought).unwrap();
            let best = search::search(&rows, &base, &sought).best.unwrap();
            assert!(coarse.key <= found.key && found.key <= best.key);
            assert!(coarse.key <= by_grids.key && by_grids.key <= found.key);
            assert_eq!(sought.key(&accepted(&by_grids)), Some(by_grids.key));
            // The key is the F1 in units of 1e-12.
            assert!(
                best.key.0 - found.key.0 < 20_000_000_000,
                "{} {}",
                best.key.0,
                found.key.0
            );
        }
    }

    /// A grid that has every score and every gap leaves nothing out.
    #[test]
    fn a_grid_of_all_values_is_exact() {
        for draw in 0..10 {
            let rows = rows(40, draw);
            let totals = Totals::of(&rows, ROUTES);
            let sought = Sought {
                goal: &Goal::MaxMacroF1,
                totals: &totals,
            };
            let found = search(&rows, &Tally::empty(ROUTES), &sought);
            let thresholds = choose(&rows, ROUTES, &Goal::MaxMacroF1).unwrap();
            let at = search::settle(&rows, found.best.unwrap().threshold, found.best.unwrap().gap);
            assert_eq!(thresholds.thresholds[0], at);
        }
    }
}
