//! How wide the plateau around a choice is: a choice on a peak one row wide is luck, one on a broad plateau will last.

use super::Goal;
use super::rows::{SweepRow, Tally, Totals, tally};
use crate::routes::Thresholds;

/// The range of each number, the other held, within which the goal stays within `tolerance` of the choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plateau {
    /// How much less of the objective still counts as the plateau: a difference of shares, or, for a price, a share of it.
    pub tolerance: f64,
    /// Least and greatest threshold, the gap held.
    pub threshold: (f64, f64),
    /// Least and greatest gap, the threshold held.
    pub gap: (f64, f64),
}

/// Measures the plateau of a global choice; O(rows log rows).
///
/// Returns `None` where the choice itself does not meet the goal's condition.
pub fn plateau(rows: &[SweepRow], routes: usize, goal: &Goal, at: Thresholds, tolerance: f64) -> Option<Plateau> {
    let totals = Totals::of(rows, routes);
    let counts = tally(rows, &vec![at; routes]);
    let chosen = goal.objective(&counts, &totals)?;
    let margin = match goal {
        Goal::MinCost { .. } => tolerance * chosen.abs(),
        _ => tolerance,
    };
    // A sum in another order must not look like a loss.
    let holds = |counts: &Tally| {
        let value = goal.objective(counts, &totals);
        value.is_some_and(|v| v >= chosen - margin - 1e-12)
    };
    let of = |held: fn(&SweepRow, Thresholds) -> bool, moved: fn(&SweepRow) -> f64| -> Vec<(f64, SweepRow)> {
        let rows = rows.iter().filter(|row| held(row, at) && moved(row).is_finite());
        rows.map(|row| (moved(row), *row)).collect()
    };
    let scores = of(|row, at| row.gap >= at.gap(), |row| row.score);
    let gaps = of(|row, at| row.score >= at.threshold(), |row| row.gap);
    Some(Plateau {
        tolerance,
        threshold: walk(scores, &counts, at.threshold(), (-1.0, 1.0), holds),
        gap: walk(gaps, &counts, at.gap(), (0.0, 2.0), holds),
    })
}

/// Walks from `at` down and up over the rows whose acceptance hangs on one number alone, as long as the counts `hold`.
fn walk(
    mut rows: Vec<(f64, SweepRow)>,
    counts: &Tally,
    at: f64,
    (least, most): (f64, f64),
    holds: impl Fn(&Tally) -> bool,
) -> (f64, f64) {
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (below, above) = rows.split_at(rows.partition_point(|(value, _)| *value < at));
    let same = |a: &(f64, SweepRow), b: &(f64, SweepRow)| a.0.total_cmp(&b.0).is_eq();
    // Lowering the number to a row's value admits that row; anything down to the next value is the same point.
    let mut low = least;
    let mut admitted = counts.clone();
    for group in below.chunk_by(same).rev() {
        for (_, row) in group {
            admitted.add(row);
        }
        if !holds(&admitted) {
            low = group[0].0.next_up();
            break;
        }
    }
    // Raising it just above a row's value turns that row away.
    let mut high = most;
    let mut left = counts.clone();
    for group in above.chunk_by(same) {
        for (_, row) in group {
            left.remove(row);
        }
        if !holds(&left) {
            high = group[0].0;
            break;
        }
    }
    (low, high)
}

/// Walks from `at` down and up over the values at which anything changes, as long as `holds`.
pub(crate) fn edges(
    values: impl Iterator<Item = f64>,
    at: f64,
    (least, most): (f64, f64),
    holds: impl Fn(f64) -> bool,
) -> (f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let split = values.partition_point(|v| *v < at);
    // Lowering the number to a row's value admits that row; anything down to the next value is the same point.
    let mut low = least;
    for value in values[..split].iter().rev() {
        if !holds(*value) {
            low = value.next_up();
            break;
        }
    }
    // Raising it just above a row's value turns that row away.
    let mut high = most;
    for value in &values[split..] {
        if !holds(value.next_up()) {
            high = *value;
            break;
        }
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::super::rows::Kind;
    use super::*;

    #[test]
    fn the_edges_are_where_the_goal_drops() {
        let row = |score: f64, kind| SweepRow {
            score,
            gap: 0.1,
            route: 0,
            kind,
        };
        let rows = vec![
            row(0.2, Kind::OutOfDomain),
            row(0.3, Kind::OutOfDomain),
            row(0.6, Kind::Right),
            row(0.7, Kind::Right),
        ];
        let at = Thresholds::new(0.45, 0.0).unwrap();
        let p = plateau(&rows, 1, &Goal::MaxSystemAccuracy, at, 0.0).unwrap();
        assert!(p.threshold.0 > 0.3 && p.threshold.0 < 0.3 + 1e-12);
        assert!((p.threshold.1 - 0.6).abs() < 1e-12);
        assert!(p.gap.0.abs() < 1e-12 && (p.gap.1 - 0.1).abs() < 1e-12);
        let wide = plateau(&rows, 1, &Goal::MaxSystemAccuracy, at, 0.25).unwrap();
        assert!((wide.threshold.1 - 0.7).abs() < 1e-12 && wide.threshold.0 < 0.3);
    }

    /// The edges that [`edges`] finds by counting all rows anew at every value.
    #[test]
    fn counts_that_are_carried_along_give_the_same_edges() {
        let mut random = crate::stats::stream(4, crate::stats::Purpose::Simulation, 0);
        let rows: Vec<SweepRow> = (0..300)
            .map(|_| SweepRow {
                score: f64::from(random.below(40)) / 40.0,
                gap: if random.below(9) == 0 {
                    f64::INFINITY
                } else {
                    f64::from(random.below(20)) / 20.0
                },
                route: random.below(2) as usize,
                kind: [Kind::Right, Kind::Wrong(0), Kind::OutOfDomain][random.below(3) as usize],
            })
            .collect();
        let totals = Totals::of(&rows, 2);
        for goal in [
            Goal::MaxSystemAccuracy,
            Goal::MaxMacroF1,
            Goal::MinRisk { coverage: 0.2 },
        ] {
            for (threshold, gap) in [(0.0, 0.0), (0.3, 0.1), (0.312, 0.33), (0.5, 0.0)] {
                let at = Thresholds::new(threshold, gap).unwrap();
                let figure = |t: f64, g: f64| {
                    let at = Thresholds::new(t, g).ok()?;
                    goal.objective(&tally(&rows, &[at; 2]), &totals)
                };
                let Some(chosen) = figure(threshold, gap) else { continue };
                let holds = |value: Option<f64>| value.is_some_and(|v| v >= chosen - 0.02 - 1e-12);
                let scores = rows.iter().map(|r| r.score);
                let gaps = rows.iter().map(|r| r.gap).filter(|g| g.is_finite());
                let found = plateau(&rows, 2, &goal, at, 0.02).unwrap();
                assert_eq!(
                    found.threshold,
                    edges(scores, threshold, (-1.0, 1.0), |t| holds(figure(t, gap)))
                );
                assert_eq!(found.gap, edges(gaps, gap, (0.0, 2.0), |g| holds(figure(threshold, g))));
            }
        }
    }
}
