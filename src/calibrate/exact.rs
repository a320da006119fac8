//! The best of all points (threshold, gap) in O(n log n), for goals about sums over the accepted rows.
//!
//! Rows are accepted by falling score, and a [`Tree`] over the gaps knows after each score which gap is best. What "best" is
//! depends on the goal:
//!
//! * the greatest sum (`max-system-accuracy`: +1 for right, −1 for out-of-domain);
//! * the most rows at which a sum stays at or above a bound (`max-coverage`: risk · accepted − wrong; `max-joint-coverage`:
//!   −wrong): of the gaps that reach the bound the least accepts most;
//! * the least ratio at a least number of rows (`min-risk`: wrong / accepted): a ratio p/q can be beaten where
//!   p · accepted − q · wrong is above 0, and the point where it is greatest gives the next ratio (Dinkelbach, Management
//!   Science 13, 1967). A handful of passes settles it.
//!
//! Thresholds are dealt to as many trees as there are threads; each starts with the rows that the others accept before it.
//! The best is picked by a total order, so their number changes nothing.

use rayon::prelude::*;

use super::Goal;
use super::rows::{SweepRow, Tally, Totals};
use super::tree::{Leaf, MOST_ROWS, Tree, Values};
use crate::num::f64_from_u64;

/// Rows from which the work is shared: below, a second tree costs more than it saves.
const WORTH_SHARING: usize = 20_000;

/// Passes of Dinkelbach's method: each raises the bound by far more than half of what is left to gain.
const MOST_PASSES: usize = 100;

/// Units of a row in the sums of a risk: finer than any share of fewer rows than there can be.
const UNIT: i64 = 1 << 31;

/// Whether [`search`] can serve this goal on so many rows.
pub(super) fn serves(goal: &Goal, rows: usize) -> bool {
    let adds_up = match goal {
        Goal::MaxSystemAccuracy | Goal::MaxCoverage { .. } | Goal::MaxJointCoverage { .. } | Goal::MinRisk { .. } => {
            true
        }
        Goal::MaxMacroF1 | Goal::MinCost { .. } => false,
    };
    adds_up && rows < MOST_ROWS
}

/// What [`search`] found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Exact {
    /// Threshold and gap, both those of rows; `None` where no point that accepts a row meets the goal's condition.
    pub(super) best: Option<(f64, f64)>,
    /// Points that matter: a threshold for each distinct score, and a gap for each distinct one among the rows it accepts.
    pub(super) points: u64,
}

/// The best point of `rows` on top of `base`, which is accepted whatever the point: best by the goal, then by rows accepted, then
/// of least gap, then of least threshold. O(rows log rows).
///
/// # Panics
/// If [`serves`] says no.
pub(super) fn search(rows: &[SweepRow], base: &Tally, goal: &Goal, totals: &Totals) -> Exact {
    if rows.is_empty() {
        return Exact { best: None, points: 0 };
    }
    let line = Line::new(rows);
    let found = match goal {
        Goal::MaxSystemAccuracy => {
            // The rows accepted stand in the low half of the sum, where they decide between equal figures.
            let one = 1 << 32;
            let values = Values {
                right: one + 1,
                wrong: 1,
                out_of_domain: 1 - one,
            };
            line.pass(values, &|tree, best| greatest(tree, best))
        }
        Goal::MaxCoverage { risk } => {
            // A little more than the risk, so that rounding leaves no point out; which of them reach it is told by the goal.
            let share = units(*risk) + 1;
            let (accepted, wrong) = (base.accepted(), base.accepted() - base.right);
            let reaches = move |value: i64, n: u64| {
                let more = (share * signed(n) - value) / UNIT;
                let (wrong, n) = (wrong + unsigned(more), accepted + n);
                f64_from_u64(wrong) <= risk * f64_from_u64(n)
            };
            let values = of_ratio(share, UNIT);
            let bound = UNIT * signed(wrong) - share * signed(accepted);
            line.pass(values, &|tree, best| most(tree, best, (bound, 0), &reaches))
        }
        Goal::MaxJointCoverage { risk } => {
            let (n, wrong) = (totals.n, base.accepted() - base.right);
            let reaches = |value: i64, _: u64| f64_from_u64(wrong + unsigned(-value)) <= risk * f64_from_u64(n);
            let bound = signed(wrong) - signed(crate::num::usize_from_f64(risk * f64_from_u64(n)) as u64);
            line.pass(of_ratio(0, 1), &|tree, best| most(tree, best, (bound, 0), &reaches))
        }
        Goal::MinRisk { coverage } => line.least_ratio(base, least_count(*coverage, totals.n)),
        Goal::MaxMacroF1 | Goal::MinCost { .. } => unreachable!("does not add up over rows"),
    };
    Exact {
        best: found.map(|found| line.place(rows, &found)),
        points: line.points,
    }
}

/// The least whole number that is at least `share` of `n`, as the goal compares them, and at least 1.
fn least_count(share: f64, n: u64) -> u64 {
    let wanted = share * f64_from_u64(n);
    let floor = crate::num::usize_from_f64(wanted) as u64;
    (floor + u64::from(f64_from_u64(floor) < wanted)).max(1)
}

/// +p for each accepted row, −q for each that is wrong.
fn of_ratio(p: i64, q: i64) -> Values {
    Values {
        right: p,
        wrong: p - q,
        out_of_domain: p - q,
    }
}

fn units(share: f64) -> i64 {
    let units = (share * f64_from_u64(UNIT.unsigned_abs())).ceil();
    signed(crate::num::usize_from_f64(units) as u64)
}

/// Counts here are below 2^62.
fn signed(count: u64) -> i64 {
    count.cast_signed()
}

fn unsigned(count: i64) -> u64 {
    count.max(0).cast_unsigned()
}

/// The order of the floats as one of integers; −0 is 0.
fn key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// A row that is accepted next.
#[derive(Debug, Clone, Copy)]
struct Step {
    at: u32,
    leaf: Leaf,
    /// Whether the next row has another score: only then is the score a threshold whose rows are all in.
    last: bool,
}

/// A point that is the best so far.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// The greater, the better.
    key: i64,
    /// Leaf of its gap.
    leaf: usize,
    /// Step of its threshold.
    step: usize,
}

impl Candidate {
    /// The better of two: of equals the smaller gap, then the smaller threshold, which is the later step.
    fn better(self, other: Self) -> Self {
        let order = self
            .key
            .cmp(&other.key)
            .then(other.leaf.cmp(&self.leaf))
            .then(self.step.cmp(&other.step));
        if order.is_lt() { other } else { self }
    }
}

/// The rows in the order in which they are accepted, each with its place among the gaps.
struct Line {
    /// Rows by falling score.
    by_score: Vec<u32>,
    /// Rows by rising gap.
    by_gap: Vec<u32>,
    steps: Vec<Step>,
    points: u64,
}

impl Line {
    fn new(rows: &[SweepRow]) -> Self {
        let (by_score, by_gap) = rayon::join(
            || sorted(rows, |row| !key(row.score)),
            || sorted(rows, |row| key(row.gap)),
        );
        // Where the leaves of each row's gap begin, and the next of them that is free.
        let mut start = vec![0_u32; rows.len()];
        let mut first = 0;
        for (leaf, (gap, row)) in (0_u32..).zip(&by_gap) {
            if leaf > 0 && by_gap[leaf as usize - 1].0 != *gap {
                first = leaf;
            }
            start[(row / 4) as usize] = first;
        }
        let mut free: Vec<u32> = (0..).take(rows.len()).collect();
        let (mut points, mut gaps) = (0, 0);
        let mut steps = Vec::with_capacity(rows.len());
        for (i, (score, row)) in by_score.iter().enumerate() {
            let start = start[(row / 4) as usize];
            let at = free[start as usize];
            free[start as usize] += 1;
            let point = at == start;
            gaps += u64::from(point);
            let last = by_score.get(i + 1).is_none_or(|next| next.0 != *score);
            points += if last { gaps } else { 0 };
            steps.push(Step {
                at,
                leaf: Leaf::new(row % 4, point),
                last,
            });
        }
        let rows_of = |sorted: Vec<(u64, u32)>| sorted.into_iter().map(|(_, row)| row / 4).collect();
        Self {
            by_score: rows_of(by_score),
            by_gap: rows_of(by_gap),
            steps,
            points,
        }
    }

    /// Threshold and gap of a candidate.
    fn place(&self, rows: &[SweepRow], found: &Candidate) -> (f64, f64) {
        (
            rows[self.by_score[found.step] as usize].score,
            rows[self.by_gap[found.leaf] as usize].gap,
        )
    }

    /// Looks at the tree after every score. `look` gets the best so far of its share, and returns what is better.
    fn pass(
        &self,
        values: Values,
        look: &(dyn Fn(&Tree, Option<Candidate>) -> Option<Candidate> + Sync),
    ) -> Option<Candidate> {
        let n = self.steps.len();
        let shares = if n < WORTH_SHARING {
            1
        } else {
            rayon::current_num_threads()
        };
        let size = n.div_ceil(shares);
        (0..n.div_ceil(size))
            .into_par_iter()
            .filter_map(|share| {
                let (from, to) = (share * size, ((share + 1) * size).min(n));
                let taken = self.steps[..from].iter().map(|step| (step.at as usize, step.leaf));
                let mut tree = Tree::new(values, n, taken);
                let mut best: Option<Candidate> = None;
                for (i, step) in self.steps[from..to].iter().enumerate() {
                    tree.add(step.at as usize, step.leaf);
                    if step.last
                        && let Some(better) = look(&tree, best)
                    {
                        let here = Candidate {
                            step: from + i,
                            ..better
                        };
                        best = Some(best.map_or(here, |best| best.better(here)));
                    }
                }
                best
            })
            .reduce_with(Candidate::better)
    }

    /// The point with the least share of wrong rows among the accepted ones, of those that accept `least`; of equals the one
    /// that accepts most.
    fn least_ratio(&self, base: &Tally, least: u64) -> Option<Candidate> {
        let (accepted, wrong) = (base.accepted(), base.accepted() - base.right);
        let own = least.saturating_sub(accepted).max(1);
        // Any point that accepts enough will do to begin with: this one accepts all.
        let all = self.steps.len() as u64;
        if all < own {
            return None;
        }
        let right = self.steps.iter().filter(|step| step.leaf.is_right()).count() as u64;
        let mut ratio = (wrong + all - right, accepted + all);
        let of_base = |(p, q): (u64, u64)| signed(p * accepted) - signed(q * wrong);
        for _ in 0..MOST_PASSES {
            let offset = of_base(ratio);
            let found = self.pass(of_ratio(signed(ratio.0), signed(ratio.1)), &|tree, best| {
                let bound = best.map_or(0, |best| best.key) - offset;
                if tree.accepted() < own || tree.best() <= bound {
                    return None;
                }
                let value = tree.best_accepting(own);
                if value <= bound {
                    return None;
                }
                let leaf = tree.first(value, 0)?.leaf;
                Some(Candidate {
                    key: value + offset,
                    leaf,
                    step: 0,
                })
            });
            match found {
                Some(found) => ratio = self.counts(&found, base),
                None => break,
            }
        }
        // Nothing beats the ratio: of the points that reach it, the one that accepts most.
        let bound = -of_base(ratio);
        self.pass(of_ratio(signed(ratio.0), signed(ratio.1)), &|tree, best| {
            most(tree, best, (bound, own), &|_, _| true)
        })
    }

    /// Wrong and accepted rows at a candidate, with those of `base`.
    fn counts(&self, found: &Candidate, base: &Tally) -> (u64, u64) {
        let (mut wrong, mut accepted) = (base.accepted() - base.right, base.accepted());
        for step in &self.steps[..=found.step] {
            if step.at as usize >= found.leaf {
                accepted += 1;
                wrong += u64::from(!step.leaf.is_right());
            }
        }
        (wrong, accepted)
    }
}

/// Keys with the row's number times four plus the number of its kind, by rising key: what is needed of a row later on comes along, since
/// the rows themselves are too far apart in memory to be looked up in another order.
fn sorted(rows: &[SweepRow], of: impl Fn(&SweepRow) -> u64) -> Vec<(u64, u32)> {
    let numbered = (0_u32..).zip(rows);
    let mut keys: Vec<(u64, u32)> = numbered
        .map(|(i, row)| (of(row), 4 * i + Leaf::number(row.kind)))
        .collect();
    radsort::sort_by_key(&mut keys, |(key, _)| *key);
    keys
}

/// The point of the greatest value, if it is no worse than the best so far.
fn greatest(tree: &Tree, best: Option<Candidate>) -> Option<Candidate> {
    let key = tree.best();
    if best.is_some_and(|best| key < best.key) {
        return None;
    }
    let leaf = tree.first(key, 0)?.leaf;
    Some(Candidate { key, leaf, step: 0 })
}

/// The point that accepts most of those that reach `bound` and accept `least` rows, if it is no worse than the best so far. `reaches`
/// (value, accepted) has the last word; it must refuse few.
fn most(
    tree: &Tree,
    best: Option<Candidate>,
    (bound, least): (i64, u64),
    reaches: &dyn Fn(i64, u64) -> bool,
) -> Option<Candidate> {
    let least = best.map_or(0, |best| unsigned(best.key)).max(least);
    let mut from = 0;
    while tree.accepted() >= least {
        // The first accepts more than all after it: if it has too few rows, so have they.
        let place = tree.first(bound, from).filter(|place| place.accepted >= least)?;
        if reaches(place.value, place.accepted) {
            return Some(Candidate {
                key: signed(place.accepted),
                leaf: place.leaf,
                step: 0,
            });
        }
        from = place.leaf + 1;
    }
    None
}
