//! What a sweep knows of a prompt, and what it counts.

use rayon::prelude::*;

use crate::dataset::Truth;
use crate::router::ScoreTable;
use crate::routes::Thresholds;

/// Rows that one thread goes through at a time.
const CHUNK: usize = 1 << 15;

/// What accepting a prompt would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its own route has the best score.
    Right,
    /// Another route has the best score; the index is its own route.
    Wrong(usize),
    /// It belongs to no route.
    OutOfDomain,
}

/// One scored, labelled prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SweepRow {
    /// Cosine to the best route.
    pub score: f64,
    /// Best minus runner-up; infinite for a lone route.
    pub gap: f64,
    /// The best route.
    pub route: usize,
    /// What accepting it would be.
    pub kind: Kind,
}

/// Joins scores and truths.
///
/// # Panics
/// If there are not as many truths as scored prompts.
pub fn rows(scores: &ScoreTable, truths: &[Truth]) -> Vec<SweepRow> {
    assert_eq!(scores.len(), truths.len());
    scores
        .rows()
        .iter()
        .zip(truths)
        .map(|(row, truth)| SweepRow {
            score: row.score,
            gap: row.gap,
            route: row.best,
            kind: match truth {
                Truth::Route(own) if *own == row.best => Kind::Right,
                Truth::Route(own) => Kind::Wrong(*own),
                Truth::OutOfDomain => Kind::OutOfDomain,
            },
        })
        .collect()
}

/// Accepted prompts, by route and kind. All counts of an operating point follow from it and the [`Totals`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Accepted and right.
    pub right: u64,
    /// Accepted, in-domain, wrong route.
    pub wrong: u64,
    /// Accepted, out-of-domain.
    pub out_of_domain: u64,
    /// Accepted by each route.
    pub by_route: Vec<u64>,
    /// Accepted and right by each route.
    pub right_by_route: Vec<u64>,
}

impl Tally {
    /// Nothing accepted.
    pub fn empty(routes: usize) -> Self {
        Self {
            right: 0,
            wrong: 0,
            out_of_domain: 0,
            by_route: vec![0; routes],
            right_by_route: vec![0; routes],
        }
    }

    /// Counts one accepted prompt.
    pub fn add(&mut self, row: &SweepRow) {
        self.accept(row.route, row.kind);
    }

    /// The same, of its best route and what accepting it is.
    pub(super) fn accept(&mut self, route: usize, kind: Kind) {
        self.by_route[route] += 1;
        match kind {
            Kind::Right => {
                self.right += 1;
                self.right_by_route[route] += 1;
            }
            Kind::Wrong(_) => self.wrong += 1,
            Kind::OutOfDomain => self.out_of_domain += 1,
        }
    }

    /// Takes one accepted prompt back.
    pub(super) fn remove(&mut self, row: &SweepRow) {
        self.by_route[row.route] -= 1;
        match row.kind {
            Kind::Right => {
                self.right -= 1;
                self.right_by_route[row.route] -= 1;
            }
            Kind::Wrong(_) => self.wrong -= 1,
            Kind::OutOfDomain => self.out_of_domain -= 1,
        }
    }

    /// Adds the counts of other prompts.
    ///
    /// # Panics
    /// If the two count different numbers of routes.
    pub fn merge(&mut self, other: &Self) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.out_of_domain += other.out_of_domain;
        add(&mut self.by_route, &other.by_route);
        add(&mut self.right_by_route, &other.right_by_route);
    }

    /// All accepted prompts.
    pub fn accepted(&self) -> u64 {
        self.right + self.wrong + self.out_of_domain
    }
}

fn add(into: &mut [u64], from: &[u64]) {
    assert_eq!(into.len(), from.len(), "counts of different routers");
    for (a, b) in into.iter_mut().zip(from) {
        *a += b;
    }
}

/// Counts that no threshold changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// All prompts.
    pub n: u64,
    /// Prompts that belong to no route.
    pub out_of_domain: u64,
    /// Prompts that belong to each route.
    pub support: Vec<u64>,
}

impl Totals {
    /// Adds the counts of other prompts.
    ///
    /// # Panics
    /// If the two count different numbers of routes.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.out_of_domain += other.out_of_domain;
        add(&mut self.support, &other.support);
    }

    /// Counts the truths of `rows`.
    pub fn of(rows: &[SweepRow], routes: usize) -> Self {
        let none = || Self {
            n: 0,
            out_of_domain: 0,
            support: vec![0; routes],
        };
        let of = |rows: &[SweepRow]| {
            let mut totals = none();
            totals.n = rows.len() as u64;
            for row in rows {
                match row.kind {
                    Kind::Right => totals.support[row.route] += 1,
                    Kind::Wrong(own) => totals.support[own] += 1,
                    Kind::OutOfDomain => totals.out_of_domain += 1,
                }
            }
            totals
        };
        let add = |mut a: Self, b: Self| {
            a.merge(&b);
            a
        };
        rows.par_chunks(CHUNK).map(of).reduce(none, add)
    }
}

/// Counts what `thresholds` (one a route) accept; O(rows).
///
/// # Panics
/// If a row's route has no thresholds.
pub fn tally(rows: &[SweepRow], thresholds: &[Thresholds]) -> Tally {
    tally_of(rows, thresholds.len(), |row| {
        thresholds[row.route].accept(row.score, row.gap)
    })
}

/// Counts what is accepted; O(rows), in parallel where there are many.
pub(super) fn tally_of(rows: &[SweepRow], routes: usize, accept: impl Fn(&SweepRow) -> bool + Sync) -> Tally {
    let of = |rows: &[SweepRow]| {
        let mut tally = Tally::empty(routes);
        rows.iter().filter(|row| accept(row)).for_each(|row| tally.add(row));
        tally
    };
    let add = |mut a: Tally, b: Tally| {
        a.merge(&b);
        a
    };
    rows.par_chunks(CHUNK).map(of).reduce(|| Tally::empty(routes), add)
}
