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
    /// Where the rows of each score begin, and where those of the last one end.
    starts: Vec<u32>,
    /// By falling score: twice the row's place in the weights, and 1 more where it is marked.
    rows: Vec<u32>,
}

impl Ranking {
    /// Sorts `(row, score, mark)` triples; `row` is the place of the row's weight. O(n log n).
    ///
    /// # Panics
    ///
    /// If a score is NaN, or a row's place is 2³¹ or more.
    pub fn new(rows: impl IntoIterator<Item = (usize, f64, bool)>) -> Self {
        let mut sorted: Vec<(f64, u32)> = rows
            .into_iter()
            .map(|(row, score, mark)| {
                assert!(!score.is_nan(), "a score is NaN");
                let row = u32::try_from(row).ok().filter(|row| *row < 1 << 31);
                let row = row.expect("fewer than 2^31 rows");
                // −0 and 0 are one score, but the total order tells them apart: adding 0 makes both +0.
                (score + 0.0, 2 * row + u32::from(mark))
            })
            .collect();
        sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut ranking = Self {
            scores: Vec::new(),
            starts: vec![0],
            rows: sorted.iter().map(|(_, row)| *row).collect(),
        };
        let mut end = 0;
        for tie in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
            end += tie.len();
            ranking.scores.push(tie[0].0);
            ranking.starts.push(u32::try_from(end).expect("fewer than 2^31 rows"));
        }
        ranking
    }

    /// The places of the rows' weights, by falling score.
    pub(crate) fn order(&self) -> impl ExactSizeIterator<Item = usize> {
        self.rows.iter().map(|row| (row >> 1) as usize)
    }

    /// The same ranking for weights that stand elsewhere: the weight of `row` at `places[row]`. O(n).
    ///
    /// # Panics
    ///
    /// If a row has no place.
    pub(crate) fn moved(&self, places: &[u32]) -> Self {
        let moved = |row: &u32| 2 * places[(row >> 1) as usize] + (row & 1);
        Self {
            rows: self.rows.iter().map(moved).collect(),
            ..self.clone()
        }
    }

    /// The ties, highest score first, each row counted `weights[row]` times, or once without weights. O(n).
    ///
    /// # Panics
    ///
    /// If a row has no weight.
    pub(super) fn ties(&self, weights: Option<&[u32]>) -> Vec<Tie> {
        let none = Tie {
            score: 0.0,
            n: 0,
            marked: 0,
        };
        let mut ties = vec![none; self.scores.len()];
        let mut len = 0;
        for (place, tie) in self.places(weights).enumerate() {
            // Written in any case and kept if a row was drawn: which ones are is chance, and a branch would be guessed wrong.
            ties[len] = Tie {
                score: self.scores[place],
                ..tie
            };
            len += usize::from(tie.n > 0);
        }
        ties.truncate(len);
        ties
    }

    /// Every distinct score, highest first, with what the weights leave of it: possibly nothing.
    pub(super) fn places(&self, weights: Option<&[u32]>) -> impl ExactSizeIterator<Item = Tie> {
        self.scores
            .iter()
            .zip(self.starts.windows(2))
            .map(move |(score, ends)| {
                let rows = &self.rows[ends[0] as usize..ends[1] as usize];
                let mut tie = Tie {
                    score: *score,
                    n: 0,
                    marked: 0,
                };
                for row in rows {
                    let weight = weights.map_or(1, |w| u64::from(w[(row >> 1) as usize]));
                    tie.n += weight;
                    tie.marked += weight * u64::from(row & 1);
                }
                tie
            })
    }
}

/// Ties from counts a score, `(score, rows, marked rows)`, in any order; rows of 0 are left out. O(n log n).
///
/// # Panics
///
/// If a score is NaN, or more rows are marked than there are.
pub(super) fn counted(counts: impl IntoIterator<Item = (f64, u64, u64)>) -> Vec<Tie> {
    let mut ties: Vec<Tie> = counts
        .into_iter()
        .filter(|(_, n, _)| *n > 0)
        .map(|(score, n, marked)| {
            assert!(!score.is_nan(), "a score is NaN");
            assert!(marked <= n, "{marked} of {n} rows are marked");
            Tie {
                score: score + 0.0,
                n,
                marked,
            }
        })
        .collect();
    ties.sort_by(|a, b| b.score.total_cmp(&a.score));
    ties.dedup_by(|later, kept| {
        let same = kept.score.total_cmp(&later.score).is_eq();
        if same {
            kept.n += later.n;
            kept.marked += later.marked;
        }
        same
    });
    ties
}

#[cfg(test)]
mod tests {
    use super::{Ranking, counted, descending};

    #[test]
    fn counts_are_rows_that_stand_together() {
        let rows = [(0.5, true), (0.1, false), (0.5, false), (-0.0, true), (0.0, false)];
        let counts = [(0.1, 1, 0), (0.5, 1, 1), (0.0, 2, 1), (0.7, 0, 0), (0.5, 1, 0)];
        assert_eq!(counted(counts), descending(rows));
    }

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
