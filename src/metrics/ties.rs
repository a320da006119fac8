//! Rows grouped by equal score: what makes rank figures independent of the order of the rows.
//!
//! A [`Ranking`] is sorted once and counted often: a bootstrap gives each row a weight instead of drawing rows, and a figure
//! of weighted rows then needs no sorting.

/// All rows that share one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tie {
    /// The shared score; may be infinite, is never NaN and never −0.
    pub(super) score: f64,
    /// Rows with this score.
    pub(super) n: u64,
    /// Those of them whose mark is set.
    pub(super) marked: u64,
}

/// Groups `(score, mark)` rows by score, highest score first. O(n log n).
///
/// # Panics
///
/// If a score is NaN.
pub(super) fn descending(rows: impl IntoIterator<Item = (f64, bool)>) -> Vec<Tie> {
    let numbered = rows.into_iter().enumerate();
    Ranking::new(numbered.map(|(row, (score, mark))| (row, score, mark))).ties(None)
}

/// Scored, marked rows in order, to be counted under any weights.
///
/// ```
/// use routecal::metrics::{Ranking, detection::Detection};
///
/// // Rows 0 and 2 are in-domain. Drawn once each, then with row 1 left out and row 2 twice.
/// let ranking = Ranking::new([(0, 0.8, true), (1, 0.4, false), (2, 0.35, true), (3, 0.1, false)]);
/// assert_eq!(Detection::ranked(&ranking, None).auroc(), Some(0.75));
/// assert_eq!(Detection::ranked(&ranking, Some(&[1, 0, 2, 1])).auroc(), Some(1.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Distinct scores, highest first.
    scores: Vec<f64>,
    /// By falling score: index of the score, of the row in the weights, and the mark.
    rows: Vec<(usize, usize, bool)>,
}

impl Ranking {
    /// Sorts `(row, score, mark)` triples; `row` is the place of the row's weight. O(n log n).
    ///
    /// # Panics
    ///
    /// If a score is NaN.
    pub fn new(rows: impl IntoIterator<Item = (usize, f64, bool)>) -> Self {
        let mut sorted: Vec<(usize, f64, bool)> = rows
            .into_iter()
            .map(|(row, score, mark)| {
                assert!(!score.is_nan(), "a score is NaN");
                // −0 and 0 are one score, but the total order tells them apart: adding 0 makes both +0.
                (row, score + 0.0, mark)
            })
            .collect();
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut ranking = Self {
            scores: Vec::new(),
            rows: Vec::with_capacity(sorted.len()),
        };
        for (row, score, mark) in sorted {
            if ranking.scores.last().is_none_or(|last| last.total_cmp(&score).is_ne()) {
                ranking.scores.push(score);
            }
            ranking.rows.push((ranking.scores.len() - 1, row, mark));
        }
        ranking
    }

    /// The ties, highest score first, each row counted `weights[row]` times, or once without weights. O(n).
    ///
    /// # Panics
    ///
    /// If a row has no weight.
    pub(super) fn ties(&self, weights: Option<&[u32]>) -> Vec<Tie> {
        let mut ties: Vec<Tie> = Vec::with_capacity(self.scores.len());
        let mut last = usize::MAX;
        for &(place, row, mark) in &self.rows {
            let weight = weights.map_or(1, |w| u64::from(w[row]));
            if weight == 0 {
                continue;
            }
            if place != last {
                last = place;
                ties.push(Tie {
                    score: self.scores[place],
                    n: 0,
                    marked: 0,
                });
            }
            if let Some(tie) = ties.last_mut() {
                tie.n += weight;
                tie.marked += if mark { weight } else { 0 };
            }
        }
        ties
    }
}

#[cfg(test)]
mod tests {
    use super::{Ranking, descending};

    #[test]
    fn weights_count_rows_as_copies_do() {
        let rows = [(0.5, true), (0.1, false), (0.5, false), (-0.0, true), (0.0, false)];
        let weights = [2_u32, 1, 0, 3, 1];
        let ranking = Ranking::new(rows.iter().enumerate().map(|(i, (score, mark))| (i, *score, *mark)));
        let copies = rows
            .iter()
            .zip(weights)
            .flat_map(|(row, weight)| std::iter::repeat_n(*row, weight as usize));
        assert_eq!(ranking.ties(Some(&weights)), descending(copies));
        assert_eq!(ranking.ties(None), descending(rows));
        assert!(ranking.ties(Some(&[0; 5])).is_empty());
    }

    #[test]
    fn equal_scores_share_a_group() {
        let ties = descending([(0.0, true), (f64::INFINITY, false), (-0.0, false), (-1.0, true)]);
        let seen: Vec<_> = ties.iter().map(|t| (t.score, t.n, t.marked)).collect();
        assert_eq!(seen, [(f64::INFINITY, 1, 0), (0.0, 2, 1), (-1.0, 1, 1)]);
        assert!(descending([]).is_empty());
    }

    #[test]
    #[should_panic(expected = "NaN")]
    fn nan_is_refused() {
        descending([(f64::NAN, true)]);
    }
}
