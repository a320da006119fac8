//! The sweep over (threshold, gap) for a [`Goal`].
//!
//! Goals about sums over the accepted rows are swept in O(n log n), every point, by [`exact`](super::exact); where there are many rows a
//! [`window`](super::window) leaves out those points that a grid shows to be worse. The two goals that are no sums
//! (`max-macro-f1`, `min-cost`) are walked point by point by [`search`](super::search) as far as that goes, and beyond that
//! [`near`](super::near) looks at a grid, and at every point around the best of the grid.

use super::exact::{self, Exact};
use super::rows::{SweepRow, Tally, Totals, tally, tally_of};
use super::search::{self, Best, Found, Search, all_of, nothing, pick, settle};
use super::window::{self, Window};
use super::{CalibrateError, Goal, near};
use crate::num::f64_from_u64;
use crate::routes::Thresholds;

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
    /// Whether every point that matters was looked at; otherwise those of a grid, and those around the best of them.
    pub exact: bool,
}

/// A goal with what no threshold changes.
pub(super) struct Sought<'a> {
    pub(super) goal: &'a Goal,
    pub(super) totals: &'a Totals,
}

impl Search for Sought<'_> {
    type Row = SweepRow;
    type Counts = Tally;
    /// The goal's figure; among equals the point that accepts more.
    type Key = (i64, u64);

    fn add(&self, counts: &mut Tally, row: &SweepRow) {
        counts.add(row);
    }

    fn key(&self, counts: &Tally) -> Option<(i64, u64)> {
        Some((self.goal.key(counts, self.totals)?, counts.accepted()))
    }
}

/// The best point of `rows` on top of `base`.
fn find(rows: &[SweepRow], base: &Tally, sought: &Sought<'_>) -> Found<(i64, u64)> {
    if !exact::serves(sought.goal, rows.len()) {
        return if all_of(rows) {
            search::search(rows, base, sought)
        } else {
            near::search(rows, base, sought)
        };
    }
    let within = if rows.len() < window::WORTH {
        None
    } else {
        window::window(rows, base, (sought.goal, sought.totals), window::SIDE)
    };
    exactly(rows, base, sought, within.as_ref())
}

/// The best point of all, found by looking at all, or at those of a window that holds it.
fn exactly(rows: &[SweepRow], base: &Tally, sought: &Sought<'_>, within: Option<&Window>) -> Found<(i64, u64)> {
    let (goal, totals) = (sought.goal, sought.totals);
    let (Exact { best, points }, corners) = match within {
        Some(window) => (exact::search(&window.open, &window.given, goal, totals), window.points),
        None => (exact::search(rows, base, goal, totals), 0),
    };
    let best = best.and_then(|(threshold, gap)| {
        let (threshold, gap) = if within.is_some() {
            search::same_point(rows, threshold, gap)
        } else {
            (threshold, gap)
        };
        let accepted = |row: &SweepRow| row.score >= threshold && row.gap >= gap;
        let mut counts = tally_of(rows, base.by_route.len(), accepted);
        counts.merge(base);
        let key = sought.key(&counts)?;
        Some(Best { key, gap, threshold })
    });
    Found {
        best: pick(best, nothing(rows, base, sought)),
        points: points + corners + 1,
        exact: true,
    }
}

/// The best global thresholds for `goal` on `rows`. O(n log n) for `max-system-accuracy`, `max-coverage`, `max-joint-coverage` and
/// `min-risk`.
///
/// # Errors
/// [`CalibrateError::Unreachable`] where no point meets the goal's condition.
pub fn choose(rows: &[SweepRow], routes: usize, goal: &Goal) -> Result<Choice, CalibrateError> {
    let totals = Totals::of(rows, routes);
    let base = Tally::empty(routes);
    let Found { best, points, exact } = find(rows, &base, &Sought { goal, totals: &totals });
    let best = best.ok_or_else(|| {
        unreachable(goal, rows.len(), |goal| {
            choose(rows, routes, goal).map_or(0.0, |c| c.objective)
        })
    })?;
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
            let Found { best, points, exact } = find(own, &base, &Sought { goal, totals: &totals });
            choice.points += points;
            choice.exact &= exact;
            let now = goal.key(&tally(rows, &choice.thresholds), &totals);
            if let Some(best) = best.filter(|b| now.is_none_or(|now| b.key.0 > now)) {
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

/// Why no point meets the goal's condition; `best_of` is the best figure of another goal on the same rows.
pub(crate) fn unreachable(goal: &Goal, n: usize, best_of: impl Fn(&Goal) -> f64) -> CalibrateError {
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
    CalibrateError::Unreachable { wanted, best, n }
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
            Goal::MaxJointCoverage { risk: 0.2 },
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

        /// The same point, the same figure and the same number of points as by walking, on whatever is accepted already.
        #[test]
        fn the_tree_finds_what_the_walk_finds(
            rows in any_rows(),
            fixed in any_rows(),
            share in prop_oneof![Just(0.0), Just(0.29), Just(0.3), Just(1.0), 0.0..1.0],
            side in proptest::sample::select(vec![1, 2, 3, 7, 40]),
        ) {
            let all: Vec<SweepRow> = rows.iter().chain(&fixed).copied().collect();
            let totals = Totals::of(&all, ROUTES);
            let goals = [
                Goal::MaxSystemAccuracy,
                Goal::MaxCoverage { risk: share },
                Goal::MaxJointCoverage { risk: share },
                Goal::MinRisk { coverage: share },
            ];
            let mut base = Tally::empty(ROUTES);
            for row in &fixed {
                base.add(row);
            }
            for base in [Tally::empty(ROUTES), base] {
                for goal in &goals {
                    let sought = Sought { goal, totals: &totals };
                    let (tree, walk) = (find(&rows, &base, &sought), search::search(&rows, &base, &sought));
                    prop_assert_eq!(tree.best, walk.best, "{}", goal.name());
                    prop_assert_eq!((tree.points, tree.exact), (walk.points, walk.exact));
                    // However coarse the grid that leaves out where the best cannot be.
                    let window = window::window(&rows, &base, (goal, &totals), side);
                    prop_assert_eq!(exactly(&rows, &base, &sought, window.as_ref()).best, walk.best, "{} {}", goal.name(), side);
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
