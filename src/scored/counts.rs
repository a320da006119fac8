//! What is kept of the rows of one split: counts in bins, which add up.

use super::axis::{FINE_GAPS, FINE_SCORES, GAPS, THRESHOLDS};
use super::line::Line;
use crate::calibrate::{Kind, Tally, Totals};
use crate::dataset::{ScoredRow, Truth};
use crate::metrics::classification::Confusion;
use crate::routes::Thresholds;

/// Fine bins of a score that share one bin of the distribution of a route: 0.0001 wide.
const SPREAD: usize = 100;

/// Units of the sums of scores: whole numbers, so that a sum does not depend on the order of the rows.
const UNITS: f64 = 1_099_511_627_776.0;

/// What is counted, besides the decisions under the thresholds given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Scores and gaps finely, for the figures of `eval`.
    Order,
    /// Scores against gaps on the grid, for `calibrate`.
    Grid,
}

/// Sum, least and greatest of some scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extent {
    /// In units of 2⁻⁴⁰.
    pub(super) sum: i128,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Extent {
    const NONE: Self = Self {
        sum: 0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
    };

    fn add(&mut self, score: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "a score is within −1 and 1")]
        let units = (score * UNITS).round() as i64;
        self.sum += i128::from(units);
        self.min = self.min.min(score);
        self.max = self.max.max(score);
    }

    /// Mean of `n` scores, to 2⁻⁴⁰.
    #[expect(
        clippy::cast_precision_loss,
        reason = "to the precision of a float is what is wanted"
    )]
    pub(super) fn mean(&self, n: u64) -> Option<f64> {
        (n > 0).then(|| self.sum as f64 / UNITS / crate::num::f64_from_u64(n))
    }
}

/// The counts of some rows, which are those of their parts added up. Memory: what is in use of the bins, some tens of megabytes at most
/// for a few routes, whatever the number of rows.
#[derive(Clone, PartialEq)]
pub struct Counts {
    routes: usize,
    keep: Keep,
    /// Rows of the split named calibration.
    pub(super) calibration_rows: u64,
    /// In-domain rows whose own route is the best or the runner-up.
    pub(super) among_two: u64,
    /// Bins by what they count.
    pub(super) lines: Vec<Line>,
    /// By best route and kind.
    pub(super) extents: Vec<Extent>,
}

/// The kinds of a row by number: right, wrong, out-of-domain.
pub(super) const KINDS: usize = 3;

fn number(kind: Kind) -> usize {
    match kind {
        Kind::Right => 0,
        Kind::Wrong(_) => 1,
        Kind::OutOfDomain => 2,
    }
}

/// Lines that every set of counts has: truth × best route, truth × decision.
const FORCED: usize = 0;
const DEPLOYED: usize = 1;
const FIRST: usize = 2;

impl Counts {
    /// No rows, for a router of so many routes.
    pub fn new(routes: usize, keep: Keep) -> Self {
        let lines = FIRST
            + match keep {
                Keep::Order => 2 * KINDS + KINDS * routes,
                Keep::Grid => KINDS * routes * THRESHOLDS.len(),
            };
        let extents = match keep {
            Keep::Order => KINDS * routes,
            Keep::Grid => 0,
        };
        Self {
            routes,
            keep,
            calibration_rows: 0,
            among_two: 0,
            lines: vec![Line::default(); lines],
            extents: vec![Extent::NONE; extents],
        }
    }

    /// Counts a row; `thresholds`, one pair a route, decide what becomes of it. O(1).
    ///
    /// # Panics
    /// If a route is out of range.
    pub fn add(&mut self, row: &ScoredRow<'_>, thresholds: &[Thresholds]) {
        let (kind, truth) = match row.truth {
            Truth::Route(own) if own == row.best => (Kind::Right, own),
            Truth::Route(own) => (Kind::Wrong(own), own),
            Truth::OutOfDomain => (Kind::OutOfDomain, self.routes),
        };
        let accepted = thresholds[row.best].accept(row.score, row.gap);
        let decision = if accepted { row.best } else { self.routes };
        self.lines[FORCED].add(truth * self.routes + row.best);
        self.lines[DEPLOYED].add(truth * (self.routes + 1) + decision);
        if kind == Kind::Right || truth < self.routes && row.runner_up == Some(truth) {
            self.among_two += 1;
        }
        if row.split == Some(crate::dataset::CALIBRATION) {
            self.calibration_rows += 1;
        }
        let (kind, place) = (number(kind), KINDS * row.best + number(kind));
        match self.keep {
            Keep::Order => {
                let score = FINE_SCORES.bin(row.score);
                let gaps = FINE_GAPS;
                // The gap of a lone route is above all others.
                let gap = if row.gap.is_infinite() {
                    gaps.len()
                } else {
                    gaps.bin(row.gap)
                };
                self.lines[FIRST + kind].add(score);
                self.lines[FIRST + KINDS + kind].add(gap);
                self.lines[FIRST + 2 * KINDS + place].add(score / SPREAD);
                self.extents[place].add(row.score);
            }
            Keep::Grid => {
                let line = FIRST + place * THRESHOLDS.len() + THRESHOLDS.bin(row.score);
                self.lines[line].add(GAPS.bin(row.gap));
            }
        }
    }

    /// Adds the counts of other rows. `None`, and counts of no use, where the two count different things or a sum passes 2⁶⁴.
    pub fn merge(&mut self, other: &Self) -> Option<()> {
        let alike = (self.routes, self.keep, self.lines.len(), self.extents.len())
            == (other.routes, other.keep, other.lines.len(), other.extents.len());
        if !alike {
            return None;
        }
        self.calibration_rows = self.calibration_rows.checked_add(other.calibration_rows)?;
        self.among_two = self.among_two.checked_add(other.among_two)?;
        for (line, more) in self.lines.iter_mut().zip(&other.lines) {
            line.merge(more)?;
        }
        for (extent, more) in self.extents.iter_mut().zip(&other.extents) {
            extent.sum = extent.sum.checked_add(more.sum)?;
            extent.min = extent.min.min(more.min);
            extent.max = extent.max.max(more.max);
        }
        Some(())
    }

    /// Routes.
    pub fn routes(&self) -> usize {
        self.routes
    }

    /// What is counted.
    pub fn keep(&self) -> Keep {
        self.keep
    }

    /// Rows.
    pub fn n(&self) -> u64 {
        self.lines[FORCED].sum()
    }

    /// Longest that a line can be.
    pub(super) fn longest(&self, line: usize) -> usize {
        let routes = self.routes;
        match (line, self.keep) {
            (FORCED, _) => (routes + 1) * routes,
            (DEPLOYED, _) => (routes + 1) * (routes + 1),
            (_, Keep::Grid) => GAPS.len(),
            (line, Keep::Order) if line < FIRST + 2 * KINDS => FINE_GAPS.len() + 1,
            (_, Keep::Order) => FINE_SCORES.len() / SPREAD + 1,
        }
    }

    /// Truth × best route of all rows; the last truth is out-of-domain.
    fn by_best(&self, truth: usize, best: usize) -> u64 {
        self.lines[FORCED].get(truth * self.routes + best)
    }

    /// The forced choice: in-domain rows, truth × best route.
    pub(super) fn forced(&self) -> Confusion {
        let mut confusion = Confusion::new(self.routes);
        for truth in 0..self.routes {
            for best in 0..self.routes {
                confusion.add_times(truth, best, self.by_best(truth, best));
            }
        }
        confusion
    }

    /// Under the thresholds that were given while counting: truth × decision, the last class out-of-domain and fallback.
    pub(super) fn deployed(&self) -> Confusion {
        let classes = self.routes + 1;
        let mut confusion = Confusion::new(classes);
        for truth in 0..classes {
            for decision in 0..classes {
                let count = self.lines[DEPLOYED].get(truth * classes + decision);
                confusion.add_times(truth, decision, count);
            }
        }
        confusion
    }

    /// Rows by truth.
    pub(super) fn totals(&self) -> Totals {
        let of = |truth: usize| (0..self.routes).map(|best| self.by_best(truth, best)).sum::<u64>();
        Totals {
            n: self.n(),
            out_of_domain: of(self.routes),
            support: (0..self.routes).map(of).collect(),
        }
    }

    /// What is accepted where everything is.
    pub(super) fn all_accepted(&self) -> Tally {
        let mut tally = Tally::empty(self.routes);
        for truth in 0..=self.routes {
            for best in 0..self.routes {
                let count = self.by_best(truth, best);
                tally.by_route[best] += count;
                if truth == self.routes {
                    tally.out_of_domain += count;
                } else if truth == best {
                    tally.right += count;
                    tally.right_by_route[best] += count;
                } else {
                    tally.wrong += count;
                }
            }
        }
        tally
    }

    /// Rows of one kind by fine bin of the score.
    pub(super) fn scores(&self, kind: usize) -> &Line {
        &self.lines[FIRST + kind]
    }

    /// Rows of one kind by fine bin of the gap; one bin more is for infinite gaps.
    pub(super) fn gaps(&self, kind: usize) -> &Line {
        &self.lines[FIRST + KINDS + kind]
    }

    /// Rows of one best route and kind by bin of the score, 0.0001 wide, with their sum and their ends.
    pub(super) fn spread(&self, route: usize, kind: usize) -> (&Line, &Extent) {
        let place = KINDS * route + kind;
        (&self.lines[FIRST + 2 * KINDS + place], &self.extents[place])
    }

    /// Least score of a bin of [`spread`](Self::spread).
    pub(super) fn spread_value(bin: usize) -> f64 {
        FINE_SCORES.value(bin * SPREAD)
    }

    /// Rows of one best route and kind at a threshold of the grid, by gap.
    pub(super) fn cells(&self, route: usize, kind: usize, threshold: usize) -> &Line {
        &self.lines[FIRST + (KINDS * route + kind) * THRESHOLDS.len() + threshold]
    }
}

/// Without the counts, which are millions.
impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Counts");
        shown
            .field("keep", &self.keep)
            .field("rows", &self.n())
            .finish_non_exhaustive()
    }
}
