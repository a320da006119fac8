//! Rows grouped by equal score: what makes rank figures independent of the order of the rows.

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
    let mut rows: Vec<(f64, bool)> = rows
        .into_iter()
        .map(|(score, mark)| {
            assert!(!score.is_nan(), "a score is NaN");
            // −0 and 0 are one score, but the total order tells them apart: adding 0 makes both +0.
            (score + 0.0, mark)
        })
        .collect();
    rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));

    let mut ties: Vec<Tie> = Vec::new();
    for (score, mark) in rows {
        match ties.last_mut() {
            Some(tie) if tie.score.total_cmp(&score).is_eq() => {
                tie.n += 1;
                tie.marked += u64::from(mark);
            }
            _ => ties.push(Tie {
                score,
                n: 1,
                marked: u64::from(mark),
            }),
        }
    }
    ties
}

#[cfg(test)]
mod tests {
    use super::descending;

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
