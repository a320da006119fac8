//! The vectors of the most confident mistakes, kept while all others are forgotten: the report says which examples they are near,
//! and an encoder may cost money.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::dataset::Truth;
use crate::encode::{Distinct, Vectors};
use crate::evaluation::MISTAKES;
use crate::router::ScoreTable;

/// A mistake: its score, its row and its vector.
type Mistake = (f64, usize, Vec<f32>);

/// Collects those of the rows that [`Scored::worst`](crate::evaluation::Scored::worst) lists, in any order and from several threads.
pub(super) struct Worst<'a> {
    truths: &'a [Truth],
    /// The rows of each distinct text, one after the other, and where those of each begin.
    rows: Vec<usize>,
    starts: Vec<usize>,
    kept: Mutex<Vec<Mistake>>,
}

impl<'a> Worst<'a> {
    /// For those rows that are `judged`. O(rows + texts).
    pub(super) fn new(texts: &Distinct<'_>, truths: &'a [Truth], judged: impl Fn(usize) -> bool) -> Self {
        let mut starts = vec![0; texts.texts().len() + 1];
        let mut rows: Vec<usize> = (0..truths.len()).filter(|row| judged(*row)).collect();
        let text_of = |row: usize| texts.position()[row];
        rows.sort_by_key(|row| text_of(*row));
        for row in &rows {
            starts[text_of(*row) + 1] += 1;
        }
        for text in 1..starts.len() {
            starts[text] += starts[text - 1];
        }
        Self {
            truths,
            rows,
            starts,
            kept: Mutex::new(Vec::new()),
        }
    }

    /// Looks at some of the texts.
    pub(super) fn add(&self, indices: &[usize], vectors: &Vectors, scores: &ScoreTable) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for ((text, vector), score) in indices.iter().zip(vectors.rows()).zip(scores.rows()) {
            let rows = &self.rows[self.starts[*text]..self.starts[text + 1]];
            for row in rows {
                if self.truths[*row] != Truth::Route(score.best) {
                    kept.push((score.score, *row, vector.to_vec()));
                }
            }
            if kept.len() >= 4 * MISTAKES {
                prune(&mut kept);
            }
        }
    }

    /// Vectors by row, of more mistakes than are listed.
    pub(super) fn into_vectors(self) -> HashMap<usize, Vec<f32>> {
        let kept = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        kept.into_iter().map(|(_, row, vector)| (row, vector)).collect()
    }
}

/// Drops what is not among the most confident mistakes so far.
fn prune(kept: &mut Vec<Mistake>) {
    kept.select_nth_unstable_by(MISTAKES, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    kept.truncate(MISTAKES);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_that_are_listed_have_their_vectors() {
        // Text i, of the rows 2 i and 2 i + 1, scores i / 1000 for route 0.
        let texts: Vec<String> = (0..1000).map(|i| format!("t{}", i / 2)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let wrong = |row: usize| row % 2 == 1 || row.is_multiple_of(3);
        let truths: Vec<Truth> = (0..1000)
            .map(|row| {
                if wrong(row) {
                    Truth::OutOfDomain
                } else {
                    Truth::Route(0)
                }
            })
            .collect();
        let distinct = Distinct::of(&texts);
        let worst = Worst::new(&distinct, &truths, |row| row < 900);
        for first in [300, 0, 400, 100, 200] {
            let indices: Vec<usize> = (first..first + 100).collect();
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let (vectors, scores): (Vec<f32>, Vec<f64>) =
                indices.iter().map(|i| (*i as f32, *i as f64 / 1000.0)).unzip();
            let vectors = Vectors::checked(1, vectors);
            worst.add(&indices, &vectors, &ScoreTable::from_scores(scores, 1));
        }
        let vectors = worst.into_vectors();
        // The last rows score best, and of two rows of a text the first comes first; those after 900 are not judged.
        for row in (0..900).rev().filter(|row| wrong(*row)).take(MISTAKES) {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let text = (row / 2) as f32;
            assert_eq!(vectors.get(&row), Some(&vec![text]), "row {row}");
        }
        assert!((900..1000).all(|row| !vectors.contains_key(&row)));
        assert!(vectors.len() < 4 * MISTAKES);
    }
}
