//! How wide the plateau around a choice is: a choice on a peak one row wide is luck, one on a broad plateau will last.

use super::Goal;
use super::rows::{SweepRow, Totals, tally};
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

/// Measures the plateau of a global choice; O(rows²) at worst, in practice the walk ends at the plateau's edge.
///
/// Returns `None` where the choice itself does not meet the goal's condition.
pub fn plateau(rows: &[SweepRow], routes: usize, goal: &Goal, at: Thresholds, tolerance: f64) -> Option<Plateau> {
    let totals = Totals::of(rows, routes);
    let figure = |t: f64, g: f64| {
        let at = Thresholds::new(t, g).ok()?;
        goal.objective(&tally(rows, &vec![at; routes]), &totals)
    };
    let chosen = figure(at.threshold(), at.gap())?;
    let margin = match goal {
        Goal::MinCost { .. } => tolerance * chosen.abs(),
        _ => tolerance,
    };
    // A sum in another order must not look like a loss.
    let holds = |value: Option<f64>| value.is_some_and(|v| v >= chosen - margin - 1e-12);
    let scores = rows.iter().map(|r| r.score);
    let gaps = rows.iter().map(|r| r.gap).filter(|g| g.is_finite());
    Some(Plateau {
        tolerance,
        threshold: edges(scores, at.threshold(), (-1.0, 1.0), |t| holds(figure(t, at.gap()))),
        gap: edges(gaps, at.gap(), (0.0, 2.0), |g| holds(figure(at.threshold(), g))),
    })
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
}
