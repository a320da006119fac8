//! The exact sweep over (threshold, gap).
//!
//! For one threshold the rows that reach it are walked by falling gap, and the counts are carried along: after the last
//! row of a gap value they are the counts of that (threshold, gap). So every point costs O(1), all n·m points of n
//! distinct scores and m distinct gaps cost O(n·rows), and thresholds are independent of each other: they run in parallel.

use rayon::prelude::*;

use super::rows::{SweepRow, Tally, Totals, tally};
use super::{CalibrateError, Goal};
use crate::num::f64_from_u64;
use crate::routes::Thresholds;

/// Row visits after which the thresholds are thinned to evenly spaced ranks: about 45,000 distinct scores.
const MOST_VISITS: usize = 2_000_000_000;
/// Passes of the per-route search before it is taken as settled.
const MOST_PASSES: usize = 20;

/// The chosen operating point.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Thresholds of every route, in order; all equal for a global choice.
    pub thresholds: Vec<Thresholds>,
    /// The goal's figure on the rows that chose it.
    pub objective: f64,
    /// Points (threshold, gap) looked at.
    pub points: u64,
    /// Whether every point that matters was looked at; otherwise the thresholds were thinned.
    pub exact: bool,
}

/// The best point of a sweep. Larger is better, field by field: the goal first; among equals the point that accepts more,
/// then the one with the smaller gap and the smaller threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Best {
    key: i64,
    accepted: u64,
    gap: f64,
    threshold: f64,
}

impl Best {
    fn better(self, other: Self) -> Self {
        let order = self
            .key
            .cmp(&other.key)
            .then(self.accepted.cmp(&other.accepted))
            .then(other.gap.total_cmp(&self.gap))
            .then(other.threshold.total_cmp(&self.threshold));
        if order.is_lt() { other } else { self }
    }
}

/// The best global thresholds for `goal` on `rows`.
///
/// # Errors
/// [`CalibrateError::Unreachable`] where no point meets the goal's condition.
pub fn choose(rows: &[SweepRow], routes: usize, goal: &Goal) -> Result<Choice, CalibrateError> {
    let totals = Totals::of(rows, routes);
    let base = Tally::empty(routes);
    let (best, points, exact) = sweep(rows, &base, &totals, goal);
    let best = best.ok_or_else(|| unreachable(rows, routes, goal))?;
    let at = settle(rows, best.threshold, best.gap);
    let thresholds = vec![at; routes];
    let objective = goal.objective(&tally(rows, &thresholds), &totals).unwrap_or_default();
    Ok(Choice {
        thresholds,
        objective,
        points,
        exact,
    })
}

/// The best thresholds of each route on its own, starting from the best global ones: route after route is swept with the
/// others held, until a pass changes nothing.
///
/// Exact for goals that add up over routes (`max-system-accuracy`); for the others no single route can be improved any
/// further.
///
/// # Errors
/// As [`choose`].
pub fn choose_per_route(rows: &[SweepRow], routes: usize, goal: &Goal) -> Result<Choice, CalibrateError> {
    let mut choice = choose(rows, routes, goal)?;
    let totals = Totals::of(rows, routes);
    let by_route: Vec<Vec<SweepRow>> = (0..routes)
        .map(|r| rows.iter().filter(|row| row.route == r).copied().collect())
        .collect();
    for _ in 0..MOST_PASSES {
        let mut changed = false;
        for (route, own) in by_route.iter().enumerate().filter(|(_, own)| !own.is_empty()) {
            let others: Vec<SweepRow> = rows.iter().filter(|row| row.route != route).copied().collect();
            let base = tally(&others, &choice.thresholds);
            let (best, points, exact) = sweep(own, &base, &totals, goal);
            choice.points += points;
            choice.exact &= exact;
            let now = goal.key(&tally(rows, &choice.thresholds), &totals);
            if let Some(best) = best.filter(|b| now.is_none_or(|now| b.key > now)) {
                choice.thresholds[route] = settle(own, best.threshold, best.gap);
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    choice.objective = goal
        .objective(&tally(rows, &choice.thresholds), &totals)
        .unwrap_or_default();
    Ok(choice)
}

/// Sweeps `rows` on top of `base` (what is accepted whatever the point).
fn sweep(rows: &[SweepRow], base: &Tally, totals: &Totals, goal: &Goal) -> (Option<Best>, u64, bool) {
    let mut by_gap: Vec<SweepRow> = rows.to_vec();
    by_gap.sort_by(|a, b| b.gap.total_cmp(&a.gap));
    let mut scores: Vec<f64> = rows.iter().map(|r| r.score).collect();
    scores.sort_by(f64::total_cmp);
    scores.dedup();
    let distinct = scores.len();
    let most = (MOST_VISITS / rows.len().max(1)).max(2);
    let exact = distinct <= most;
    if !exact {
        scores = (0..most).map(|i| scores[i * (distinct - 1) / (most - 1)]).collect();
    }
    let (best, points) = scores
        .par_iter()
        .map(|threshold| walk(&by_gap, *threshold, base, totals, goal))
        .reduce(|| (None, 0), |a, b| (pick(a.0, b.0), a.1 + b.1));
    // Accepting nothing of these rows is a point too; no row's score is its threshold.
    let nothing = goal.key(base, totals).map(|key| Best {
        key,
        accepted: base.accepted(),
        gap: 0.0,
        threshold: f64::INFINITY,
    });
    (pick(best, nothing), points + 1, exact)
}

fn pick(a: Option<Best>, b: Option<Best>) -> Option<Best> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.better(b)),
        (a, b) => a.or(b),
    }
}

/// The best gap for one threshold.
fn walk(by_gap: &[SweepRow], threshold: f64, base: &Tally, totals: &Totals, goal: &Goal) -> (Option<Best>, u64) {
    let mut counts = base.clone();
    let mut best = None;
    let mut points = 0;
    let mut active = by_gap.iter().filter(|r| r.score >= threshold).peekable();
    while let Some(row) = active.next() {
        counts.add(row);
        // Exactly equal gaps are accepted together.
        if active.peek().is_some_and(|next| next.gap.total_cmp(&row.gap).is_eq()) {
            continue;
        }
        points += 1;
        let here = goal.key(&counts, totals).map(|key| Best {
            key,
            accepted: counts.accepted(),
            gap: row.gap,
            threshold,
        });
        best = pick(best, here);
    }
    (best, points)
}

/// Thresholds that decide on `rows` just as (threshold, gap) does, with as few decimals as possible, in the middle of the
/// room there is: a point that hugs a row would be decided by rounding.
pub(super) fn settle(rows: &[SweepRow], threshold: f64, gap: f64) -> Thresholds {
    let below = |values: &mut dyn Iterator<Item = f64>, limit: f64, floor: f64| {
        values.filter(|v| *v < limit).fold(floor, f64::max)
    };
    let accept_all = (Thresholds::ACCEPT_ALL.threshold(), Thresholds::ACCEPT_ALL.gap());
    // Just below the floor, so that the floor itself is inside the room.
    let floor = accept_all.0.next_down();
    let top = if threshold.is_finite() { threshold } else { 1.0 };
    let mut scores = rows.iter().filter(|r| r.gap >= gap).map(|r| r.score);
    let threshold = simplest(below(&mut scores, threshold, floor), top);
    let mut gaps = rows.iter().filter(|r| r.score >= threshold).map(|r| r.gap);
    let lower = below(&mut gaps, gap, accept_all.1.next_down());
    // Every gap is infinite where there is one route: a number would decide nothing now, and much on the day a second
    // route comes.
    let gap = if gap.is_infinite() && lower < accept_all.1 {
        accept_all.1
    } else {
        simplest(lower, gap.min(2.0))
    };
    Thresholds::new(threshold, gap).unwrap_or(Thresholds::ACCEPT_ALL)
}

/// The number in (low, high] with the fewest decimals, nearest to the middle. Zero wins where it is inside.
fn simplest(low: f64, high: f64) -> f64 {
    let middle = low + (high - low) / 2.0;
    let mut scale = 1.0;
    for _ in 0..17 {
        let candidate = (middle * scale).round() / scale;
        if candidate > low && candidate <= high {
            // −0 would be written as "-0".
            return candidate + 0.0;
        }
        scale *= 10.0;
    }
    high
}

fn unreachable(rows: &[SweepRow], routes: usize, goal: &Goal) -> CalibrateError {
    let best_of = |goal: &Goal| choose(rows, routes, goal).map_or(0.0, |c| c.objective);
    let (wanted, best) = match goal {
        Goal::MaxCoverage { risk } => (
            format!("a selective risk of {risk} or less"),
            format!("{:.4}", 1.0 - best_of(&Goal::MinRisk { coverage: 0.0 })),
        ),
        Goal::MinCost { accuracy, .. } => (
            format!("a system accuracy of {accuracy} or more"),
            format!("{:.4}", best_of(&Goal::MaxSystemAccuracy)),
        ),
        _ => ("the goal".to_owned(), "none".to_owned()),
    };
    CalibrateError::Unreachable {
        wanted,
        best,
        n: rows.len(),
    }
}

/// Share of all prompts, for tests and plots.
pub(super) fn share(count: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| f64_from_u64(count) / f64_from_u64(of))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rows::Kind;
    use super::*;

    const ROUTES: usize = 3;

    fn any_rows() -> impl Strategy<Value = Vec<SweepRow>> {
        // Coarse numbers make ties common.
        let row = (0..12_i32, 0..8_i32, 0..ROUTES, 0..4_usize).prop_map(|(s, g, route, kind)| SweepRow {
            score: f64::from(s) / 10.0 - 0.2,
            gap: if g == 7 { f64::INFINITY } else { f64::from(g) / 20.0 },
            route,
            kind: match kind {
                0 | 1 => Kind::Right,
                2 => Kind::Wrong((route + 1) % ROUTES),
                _ => Kind::OutOfDomain,
            },
        });
        proptest::collection::vec(row, 1..40)
    }

    fn goals() -> Vec<Goal> {
        vec![
            Goal::MaxSystemAccuracy,
            Goal::MaxMacroF1,
            Goal::MaxCoverage { risk: 0.3 },
            Goal::MinRisk { coverage: 0.4 },
        ]
    }

    /// Every (threshold, gap) on a fine grid that hits every value, rows counted afresh at each.
    fn brute_force(rows: &[SweepRow], goal: &Goal) -> Option<i64> {
        let totals = Totals::of(rows, ROUTES);
        let mut best = goal.key(&Tally::empty(ROUTES), &totals);
        for t in rows {
            for g in rows {
                let mut counts = Tally::empty(ROUTES);
                for row in rows.iter().filter(|r| r.score >= t.score && r.gap >= g.gap) {
                    counts.add(row);
                }
                best = best.max(goal.key(&counts, &totals));
            }
        }
        best
    }

    proptest! {
        #[test]
        fn the_sweep_equals_brute_force(rows in any_rows()) {
            for goal in goals() {
                let found = choose(&rows, ROUTES, &goal);
                let expected = brute_force(&rows, &goal);
                prop_assert_eq!(found.is_ok(), expected.is_some());
                if let Ok(choice) = found {
                    let totals = Totals::of(&rows, ROUTES);
                    let counts = tally(&rows, &choice.thresholds);
                    // A gap of infinity cannot be written as a threshold; 2 stands for it and accepts the same rows.
                    prop_assert_eq!(goal.key(&counts, &totals), expected, "{}", goal.name());
                }
            }
        }

        #[test]
        fn per_route_is_never_worse_than_global(rows in any_rows()) {
            for goal in goals() {
                if let Ok(global) = choose(&rows, ROUTES, &goal) {
                    let own = choose_per_route(&rows, ROUTES, &goal).unwrap();
                    prop_assert!(own.objective >= global.objective - 1e-12);
                }
            }
        }

        #[test]
        fn row_order_does_not_matter(rows in any_rows()) {
            let mut reversed = rows.clone();
            reversed.reverse();
            for goal in goals() {
                prop_assert_eq!(choose(&rows, ROUTES, &goal).ok(), choose(&reversed, ROUTES, &goal).ok());
            }
        }
    }

    #[test]
    fn the_simplest_number_in_the_room() {
        assert!((simplest(0.2734, 0.2891) - 0.28).abs() < 1e-15);
        assert!((simplest(0.1, 0.2) - 0.2).abs() < 0.06);
        assert!(simplest(-0.5, 0.3).abs() < f64::MIN_POSITIVE);
        assert!((simplest(0.0, 1e-9) - 1e-9).abs() < 1e-9);
        let (low, high) = (0.3, 0.3_f64.next_up());
        assert_eq!(simplest(low, high).to_bits(), high.to_bits());
    }

    #[test]
    fn a_condition_that_nothing_meets_says_what_can_be_had() {
        let rows = vec![
            SweepRow {
                score: 0.5,
                gap: 0.1,
                route: 0,
                kind: Kind::OutOfDomain,
            },
            SweepRow {
                score: 0.5,
                gap: 0.1,
                route: 0,
                kind: Kind::Right,
            },
        ];
        let error = choose(&rows, 1, &Goal::MaxCoverage { risk: 0.1 }).unwrap_err();
        assert!(error.to_string().contains("0.5000"), "{error}");
    }
}
