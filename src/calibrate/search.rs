//! The search over (threshold, gap), whatever is looked for.
//!
//! For one threshold the rows that reach it are walked by falling gap, and the counts are carried along: after the last
//! row of a gap value they are the counts of that (threshold, gap). So every point costs O(1), all n·m points of n
//! distinct scores and m distinct gaps cost O(n·rows), and thresholds are independent of each other: they run in parallel.

use rayon::prelude::*;

use super::rows::SweepRow;
use crate::routes::Thresholds;

/// Row visits after which the thresholds are thinned to evenly spaced ranks: about 45,000 distinct scores.
const MOST_VISITS: usize = 2_000_000_000;

/// A row that has a place in the plane of score and gap.
pub(crate) trait Placed: Copy + Send + Sync {
    /// Cosine to the best route.
    fn score(&self) -> f64;
    /// Best minus runner-up; infinite for a lone route.
    fn gap(&self) -> f64;
}

impl Placed for SweepRow {
    fn score(&self) -> f64 {
        self.score
    }

    fn gap(&self) -> f64 {
        self.gap
    }
}

/// What is carried along from row to row, and what is looked for.
pub(crate) trait Search: Sync {
    /// A row.
    type Row: Placed;
    /// What is known of the rows that a point accepts.
    type Counts: Clone + Send + Sync;
    /// Orders the points, the best is the greatest. It is exact, so that no order of the rows shows.
    type Key: Ord + Copy + Send;

    /// Accepts one row more.
    fn add(&self, counts: &mut Self::Counts, row: &Self::Row);
    /// The key of a point; `None` where it does not meet what is asked for.
    fn key(&self, counts: &Self::Counts) -> Option<Self::Key>;
}

/// The best point of a search: the greatest key; of equals the smaller gap, then the smaller threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Best<K> {
    pub(crate) key: K,
    pub(crate) gap: f64,
    pub(crate) threshold: f64,
}

impl<K: Ord + Copy> Best<K> {
    pub(super) fn better(self, other: Self) -> Self {
        let order = self
            .key
            .cmp(&other.key)
            .then(other.gap.total_cmp(&self.gap))
            .then(other.threshold.total_cmp(&self.threshold));
        if order.is_lt() { other } else { self }
    }
}

/// What a search found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<K> {
    /// `None` where no point meets what is asked for.
    pub(crate) best: Option<Best<K>>,
    /// Points looked at.
    pub(crate) points: u64,
    /// Whether these were all that matter; otherwise the thresholds were thinned.
    pub(crate) exact: bool,
}

/// Searches `rows` on top of `base` (what is accepted whatever the point).
pub(crate) fn search<S: Search>(rows: &[S::Row], base: &S::Counts, sought: &S) -> Found<S::Key> {
    let found = accepting(rows, base, sought);
    Found {
        best: pick(found.best, nothing(rows, base, sought)),
        points: found.points + 1,
        ..found
    }
}

/// Whether [`search`] looks at every point of so many rows.
pub(super) fn all_of<R: Placed>(rows: &[R]) -> bool {
    distinct(rows).len() <= most_thresholds(rows.len())
}

fn most_thresholds(rows: usize) -> usize {
    (MOST_VISITS / rows.max(1)).max(2)
}

fn distinct<R: Placed>(rows: &[R]) -> Vec<f64> {
    let mut scores: Vec<f64> = rows.iter().map(Placed::score).collect();
    scores.par_sort_unstable_by(f64::total_cmp);
    scores.dedup();
    scores
}

/// The same among the points that accept a row.
pub(super) fn accepting<S: Search>(rows: &[S::Row], base: &S::Counts, sought: &S) -> Found<S::Key> {
    let mut by_gap: Vec<S::Row> = rows.to_vec();
    by_gap.sort_by(|a, b| b.gap().total_cmp(&a.gap()));
    let mut scores = distinct(rows);
    let most = most_thresholds(rows.len());
    let exact = scores.len() <= most;
    if !exact {
        scores = ranks(&scores, most);
    }
    let (best, points) = scores
        .par_iter()
        .map(|threshold| walk(&by_gap, *threshold, base, sought))
        .reduce(|| (None, 0), |a, b| (pick(a.0, b.0), a.1 + b.1));
    Found { best, points, exact }
}

/// So many of rising values, at evenly spaced ranks, the first and the last among them.
pub(super) fn ranks(values: &[f64], count: usize) -> Vec<f64> {
    if values.len() <= count {
        return values.to_vec();
    }
    let last = values.len() - 1;
    (0..count).map(|i| values[i * last / (count - 1)]).collect()
}

/// Accepting nothing of these rows is a point too, where thresholds can say it; no row's score is its threshold.
pub(super) fn nothing<S: Search>(rows: &[S::Row], base: &S::Counts, sought: &S) -> Option<Best<S::Key>> {
    refuse_all(rows).and_then(|_| sought.key(base)).map(|key| Best {
        key,
        gap: 0.0,
        threshold: f64::INFINITY,
    })
}

pub(super) fn pick<K: Ord + Copy>(a: Option<Best<K>>, b: Option<Best<K>>) -> Option<Best<K>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.better(b)),
        (a, b) => a.or(b),
    }
}

/// The best gap for one threshold.
fn walk<S: Search>(by_gap: &[S::Row], threshold: f64, base: &S::Counts, sought: &S) -> (Option<Best<S::Key>>, u64) {
    let mut counts = base.clone();
    let mut best = None;
    let mut points = 0;
    let mut active = by_gap.iter().filter(|r| r.score() >= threshold).peekable();
    while let Some(row) = active.next() {
        sought.add(&mut counts, row);
        // Exactly equal gaps are accepted together.
        if active
            .peek()
            .is_some_and(|next| next.gap().total_cmp(&row.gap()).is_eq())
        {
            continue;
        }
        points += 1;
        let here = sought.key(&counts).map(|key| Best {
            key,
            gap: row.gap(),
            threshold,
        });
        best = pick(best, here);
    }
    (best, points)
}

/// Thresholds that decide on `rows` just as (threshold, gap) does, with as few decimals as possible, in the middle of the
/// room there is: a point that hugs a row would be decided by rounding. An infinite threshold accepts nothing.
pub(crate) fn settle<R: Placed>(rows: &[R], threshold: f64, gap: f64) -> Thresholds {
    if threshold.is_infinite()
        && let Some(nothing) = refuse_all(rows)
    {
        return nothing;
    }
    let accept_all = (Thresholds::ACCEPT_ALL.threshold(), Thresholds::ACCEPT_ALL.gap());
    // Just below the floor, so that the floor itself is inside the room.
    let floor = accept_all.0.next_down();
    let scores = rows.par_iter().filter(|r| r.gap() >= gap).map(Placed::score);
    let threshold = simplest(below(scores, threshold, floor), threshold.min(1.0));
    let gaps = rows.par_iter().filter(|r| r.score() >= threshold).map(Placed::gap);
    let lower = below(gaps, gap, accept_all.1.next_down());
    // Every gap is infinite where there is one route: a number would decide nothing now, and much on the day a second
    // route comes.
    let gap = if gap.is_infinite() && lower < accept_all.1 {
        accept_all.1
    } else {
        simplest(lower, gap.min(2.0))
    };
    Thresholds::new(threshold, gap).unwrap_or(Thresholds::ACCEPT_ALL)
}

/// The point that accepts just what `threshold` and `gap` accept, as a walk over all rows names it: the least score of a row at which
/// that is so, and the least gap of an accepted row.
pub(super) fn same_point<R: Placed>(rows: &[R], threshold: f64, gap: f64) -> (f64, f64) {
    let turned_away = rows.par_iter().filter(|r| r.gap() >= gap).map(Placed::score);
    let lower = below(turned_away, threshold, f64::NEG_INFINITY);
    let least = |values: &dyn Fn(&R) -> Option<f64>| rows.iter().filter_map(values).fold(f64::INFINITY, f64::min);
    let threshold = least(&|r| (r.score() > lower).then_some(r.score()));
    let gap = least(&|r| (r.score() >= threshold && r.gap() >= gap).then_some(r.gap()));
    (threshold, gap)
}

/// The greatest of the values below `limit`, at least `floor`.
fn below(values: impl ParallelIterator<Item = f64>, limit: f64, floor: f64) -> f64 {
    values.filter(|v| *v < limit).reduce(|| floor, f64::max)
}

/// Thresholds that accept none of the rows; `None` where a row has a score of 1 and a gap that no number is above.
fn refuse_all<R: Placed>(rows: &[R]) -> Option<Thresholds> {
    let highest = below(
        rows.par_iter().map(Placed::score),
        f64::INFINITY,
        (-1.0_f64).next_down(),
    );
    if highest < 1.0 {
        return Thresholds::new(simplest(highest, 1.0), 0.0).ok();
    }
    // A prompt that is a route's only example: no threshold is above its score.
    let widest = rows
        .iter()
        .filter(|r| r.score() >= 1.0)
        .map(Placed::gap)
        .fold(0.0, f64::max);
    (widest < 2.0)
        .then(|| Thresholds::new(1.0, simplest(widest, 2.0)).ok())
        .flatten()
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

#[cfg(test)]
mod tests {
    use super::super::rows::Kind;
    use super::*;

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
    fn nothing_is_accepted_even_of_a_prompt_that_is_an_example() {
        let row = |score, gap| SweepRow {
            score,
            gap,
            route: 0,
            kind: Kind::OutOfDomain,
        };
        for rows in [
            vec![],
            vec![row(0.4, 0.1)],
            vec![row(1.0, 0.7), row(0.9, 1.9)],
            vec![row(-1.0, 0.0)],
        ] {
            let at = settle(&rows, f64::INFINITY, 0.0);
            assert!(rows.iter().all(|r| !at.accept(r.score, r.gap)), "{at:?} {rows:?}");
        }
        // A lone route's gap always passes: nothing turns such a prompt away.
        assert_eq!(refuse_all(&[row(1.0, f64::INFINITY)]), None);
    }
}
