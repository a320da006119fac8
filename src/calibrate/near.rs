//! The best point of so many rows that not every point can be tried, for goals that are no sums over rows: a grid first, then
//! every point around the best of the grid.
//!
//! The axes of the grid are evenly spaced ranks of the distinct scores and gaps, so that no two lines have many rows between
//! them, and the neighbourhood of a cell stays small wherever the rows lie.

use rayon::prelude::*;

use super::rows::{SweepRow, Tally};
use super::search::{Best, Found, Search as _, accepting, nothing, pick, ranks};
use super::sweep::Sought;

/// Thresholds, and gaps, of the grid.
const SIDE: usize = 1001;

type Point = Best<(i64, u64)>;

/// The best point found of `rows` on top of `base`; never called exact. O(n log n + grid), and the neighbourhood: the square of
/// some four thousandths of the rows.
pub(super) fn search(rows: &[SweepRow], base: &Tally, sought: &Sought<'_>) -> Found<(i64, u64)> {
    search_on(rows, base, sought, SIDE)
}

fn search_on(rows: &[SweepRow], base: &Tally, sought: &Sought<'_>, side: usize) -> Found<(i64, u64)> {
    let thresholds = axis(rows.iter().map(|row| row.score), side);
    let gaps = axis(rows.iter().map(|row| row.gap), side);
    let coarse = on_grid(rows, base, sought, &thresholds, &gaps);
    let mut points = (thresholds.len() * gaps.len()) as u64 + 1;
    let fine = coarse.and_then(|best| {
        let found = around(
            rows,
            base,
            sought,
            span(&thresholds, best.threshold),
            span(&gaps, best.gap),
        );
        points += found.points;
        found.best
    });
    Found {
        best: pick(pick(coarse, fine), nothing(rows, base, sought)),
        points,
        exact: false,
    }
}

fn axis(values: impl Iterator<Item = f64>, side: usize) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.par_sort_unstable_by(f64::total_cmp);
    values.dedup();
    ranks(&values, side)
}

/// The grid lines on both sides of one of them; infinite where there is none.
fn span(axis: &[f64], value: f64) -> (f64, f64) {
    let at = axis.partition_point(|v| *v < value);
    let below = at.checked_sub(1).map_or(f64::NEG_INFINITY, |i| axis[i]);
    (below, axis.get(at + 1).copied().unwrap_or(f64::INFINITY))
}

/// The best grid point. Rows come in bands by falling threshold; `accepted[j]` is what the band's threshold and gap j accept.
fn on_grid(rows: &[SweepRow], base: &Tally, sought: &Sought<'_>, thresholds: &[f64], gaps: &[f64]) -> Option<Point> {
    let routes = base.by_route.len();
    let mut bands: Vec<Vec<SweepRow>> = vec![Vec::new(); thresholds.len()];
    for row in rows {
        // The least score and the least gap are on the axes, so every row has a cell.
        bands[thresholds.partition_point(|t| *t <= row.score) - 1].push(*row);
    }
    let mut accepted = vec![base.clone(); gaps.len()];
    let mut best = None;
    for (threshold, band) in thresholds.iter().zip(&bands).rev() {
        let mut line = vec![Tally::empty(routes); gaps.len()];
        for row in band {
            line[gaps.partition_point(|g| *g <= row.gap) - 1].add(row);
        }
        let mut from_gap = Tally::empty(routes);
        for ((gap, own), accepted) in gaps.iter().zip(&line).zip(&mut accepted).rev() {
            from_gap.merge(own);
            accepted.merge(&from_gap);
            let here = sought.key(accepted).map(|key| Best {
                key,
                gap: *gap,
                threshold: *threshold,
            });
            best = pick(best, here);
        }
    }
    best
}

/// The best of all points between two thresholds and two gaps. What is accepted everywhere between them counts as given, and a
/// row above one of the two is as good as one at it.
fn around(
    rows: &[SweepRow],
    base: &Tally,
    sought: &Sought<'_>,
    threshold: (f64, f64),
    gap: (f64, f64),
) -> Found<(i64, u64)> {
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
    accepting(&open, &given, sought)
}

#[cfg(test)]
mod tests {
    use super::super::rows::{Kind, Totals};
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
            let found = search_on(&rows, &base, &sought, 12).best.unwrap();
            let mut counts = base.clone();
            for row in rows.iter().filter(|r| r.score >= found.threshold && r.gap >= found.gap) {
                counts.add(row);
            }
            assert_eq!(sought.key(&counts), Some(found.key));
            let (thresholds, gaps) = (
                axis(rows.iter().map(|r| r.score), 12),
                axis(rows.iter().map(|r| r.gap), 12),
            );
            let coarse = on_grid(&rows, &base, &sought, &thresholds, &gaps).unwrap();
            let best = search::search(&rows, &base, &sought).best.unwrap();
            assert!(coarse.key <= found.key && found.key <= best.key);
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
