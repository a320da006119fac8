//! Parts of a calibration split: halves for a certificate, folds for a cross-validation.
//!
//! A prompt's place follows from a hash of its content and the seed: the order of the rows does not matter, copies of a
//! prompt are never parted, and a new prompt moves few others.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::rows::{Kind, SweepRow};
use crate::dataset::folded;

type Place = [u8; 32];

/// What the places are for: a fold must not be a part of another split.
#[derive(Debug, Clone, Copy)]
enum Use {
    Certificate,
    Folds,
}

fn place(of: Use, seed: u64, prompt: &str) -> Place {
    let domain: &[u8] = match of {
        Use::Certificate => b"certificate",
        Use::Folds => b"folds",
    };
    Sha256::new()
        .chain_update(domain)
        .chain_update(seed.to_le_bytes())
        .chain_update(prompt.as_bytes())
        .finalize()
        .into()
}

/// The distinct prompts among some rows, in a random order that `seed` and the prompts alone decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Distinct {
    /// One row a prompt.
    pub rows: Vec<SweepRow>,
    /// Rows left out because another one holds the same prompt, case and outer spaces aside.
    pub copies: u64,
}

/// Keeps one row a prompt. Of copies that differ the wrong one is kept, then the one with the higher score: what is
/// claimed of the rows must not rest on the more favourable of two labels. O(rows·log rows).
///
/// # Panics
/// If there are not as many prompts as rows.
pub fn distinct(seed: u64, prompts: &[&str], rows: &[SweepRow]) -> Distinct {
    assert_eq!(prompts.len(), rows.len());
    let mut kept: BTreeMap<Place, SweepRow> = BTreeMap::new();
    for (prompt, row) in prompts.iter().zip(rows) {
        let place = place(Use::Certificate, seed, &folded(prompt));
        kept.entry(place)
            .and_modify(|known| {
                if worse(row, known) {
                    *known = *row;
                }
            })
            .or_insert(*row);
    }
    Distinct {
        copies: (rows.len() - kept.len()) as u64,
        rows: kept.into_values().collect(),
    }
}

/// Whether `a` says less in favour of the router than `b`; a total order, so that no order of the rows shows.
fn worse(a: &SweepRow, b: &SweepRow) -> bool {
    let rank = |row: &SweepRow| match row.kind {
        Kind::Right => (0, 0),
        Kind::Wrong(own) => (1, own),
        Kind::OutOfDomain => (2, 0),
    };
    rank(a)
        .cmp(&rank(b))
        .then(a.score.total_cmp(&b.score))
        .then(a.gap.total_cmp(&b.gap))
        .then(a.route.cmp(&b.route))
        .is_gt()
}

/// The fold of every row, 0 to `folds` − 1: stratified by the true route, copies of a prompt in one fold, sizes (in distinct
/// prompts) that differ by one at most. `None` where there are fewer distinct prompts than folds. O(rows·log rows).
///
/// # Panics
/// If there are not as many prompts as rows, or `folds` is 0.
pub fn folds(seed: u64, prompts: &[&str], rows: &[SweepRow], folds: usize) -> Option<Vec<usize>> {
    assert!(prompts.len() == rows.len() && folds > 0);
    let places: Vec<Place> = prompts
        .iter()
        .map(|prompt| place(Use::Folds, seed, &folded(prompt)))
        .collect();
    // Copies under several labels belong to the least of them.
    let mut stratum: BTreeMap<Place, usize> = BTreeMap::new();
    for (place, row) in places.iter().zip(rows) {
        let own = match row.kind {
            Kind::Right => row.route + 1,
            Kind::Wrong(own) => own + 1,
            Kind::OutOfDomain => 0,
        };
        stratum.entry(*place).and_modify(|s| *s = own.min(*s)).or_insert(own);
    }
    if stratum.len() < folds {
        return None;
    }
    let mut order: Vec<(usize, Place)> = stratum.into_iter().map(|(place, own)| (own, place)).collect();
    order.sort_unstable();
    // Dealt like cards through all strata, so that neither a stratum nor the whole is uneven.
    let fold_of: BTreeMap<Place, usize> = order
        .into_iter()
        .enumerate()
        .map(|(i, (_, place))| (place, i % folds))
        .collect();
    Some(places.iter().map(|place| fold_of[place]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(route: usize, kind: Kind) -> SweepRow {
        SweepRow {
            score: 0.5,
            gap: 0.1,
            route,
            kind,
        }
    }

    fn sample(n: usize) -> (Vec<String>, Vec<SweepRow>) {
        let prompts = (0..n).map(|i| format!("prompt {}", i / 2 * 2)).collect();
        let rows = (0..n)
            .map(|i| match i / 2 % 4 {
                0 => row(0, Kind::OutOfDomain),
                1 => row(0, Kind::Wrong(1)),
                2 => row(1, Kind::Right),
                _ => row(0, Kind::Right),
            })
            .collect();
        (prompts, rows)
    }

    #[test]
    fn folds_are_even_keep_copies_together_and_mix_the_labels() {
        let (prompts, rows) = sample(160);
        let prompts: Vec<&str> = prompts.iter().map(String::as_str).collect();
        let fold = folds(3, &prompts, &rows, 5).unwrap();
        for f in 0..5 {
            let inside: Vec<usize> = (0..160).filter(|i| fold[*i] == f).collect();
            assert_eq!(inside.len(), 32);
            let outside = inside.iter().filter(|i| rows[**i].kind == Kind::OutOfDomain).count();
            assert_eq!(outside, 8);
        }
        assert!((0..160).step_by(2).all(|i| fold[i] == fold[i + 1]));
        let reversed: Vec<&str> = prompts.iter().rev().copied().collect();
        let rows_reversed: Vec<SweepRow> = rows.iter().rev().copied().collect();
        let mut other = folds(3, &reversed, &rows_reversed, 5).unwrap();
        other.reverse();
        assert_eq!(fold, other);
        assert_ne!(fold, folds(4, &prompts, &rows, 5).unwrap());
    }

    #[test]
    fn fewer_prompts_than_folds_is_no_cross_validation() {
        let (prompts, rows) = sample(6);
        let prompts: Vec<&str> = prompts.iter().map(String::as_str).collect();
        assert!(folds(0, &prompts, &rows, 4).is_none());
        assert!(folds(0, &prompts, &rows, 3).is_some());
    }

    #[test]
    fn of_copies_that_disagree_the_wrong_one_counts() {
        let rows = [row(0, Kind::Right), row(0, Kind::Wrong(1)), row(0, Kind::Right)];
        let found = distinct(0, &["Sort it", " sort IT", "other"], &rows);
        assert_eq!((found.rows.len(), found.copies), (2, 1));
        assert!(found.rows.contains(&rows[1]) && found.rows.contains(&rows[2]));
        let turned = distinct(0, &["other", " sort IT", "Sort it"], &[rows[2], rows[1], rows[0]]);
        assert_eq!(found, turned);
    }
}
