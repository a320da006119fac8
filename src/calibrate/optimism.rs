//! How much a choice flatters itself: nested cross-validation.
//!
//! The figure of chosen thresholds on the rows that chose them is too good: of all points the one was taken where luck
//! helped most. Here the rows are dealt into folds ([`folds`](super::folds)); each fold is judged with thresholds that the other folds
//! chose. The difference between the two figures is the selection optimism, and how far the chosen numbers lie apart
//! says how much they owe to the rows at hand (Varma & Simon, BMC Bioinformatics 7:91, 2006; Cawley & Talbot, JMLR 11, 2010).

use super::rows::{SweepRow, Tally, Totals, tally};
use super::{CalibrateError, Goal};
use crate::num::f64_from_usize;
use crate::routes::Thresholds;

/// One fold: what the others chose, and how it does on both.
#[derive(Debug, Clone, PartialEq)]
pub struct Fold {
    /// Rows that chose.
    pub chose: u64,
    /// Rows left out, which judge.
    pub held_out: u64,
    /// Thresholds by route; `None` where the rows that chose cannot meet the goal's condition.
    pub thresholds: Option<Vec<Thresholds>>,
    /// The goal's figure on the rows that chose.
    pub in_sample: Option<f64>,
    /// The goal's figure on the rows left out.
    pub held: Option<f64>,
    /// The condition's figure on the rows that chose.
    pub in_sample_condition: Option<f64>,
    /// The condition's figure on the rows left out.
    pub held_condition: Option<f64>,
}

/// The outcome of [`cross_validate`].
#[derive(Debug, Clone, PartialEq)]
pub struct CrossValidation {
    /// In order.
    pub folds: Vec<Fold>,
    /// What was accepted of the rows left out, each under the thresholds of its fold; folds without thresholds left out.
    pub tally: Tally,
    /// The rows left out, likewise.
    pub totals: Totals,
}

impl CrossValidation {
    /// Mean over folds of the goal's figure on the rows that chose.
    pub fn in_sample(&self) -> Option<f64> {
        mean(self.folds.iter().filter_map(|f| f.in_sample))
    }

    /// The same of its condition.
    pub fn in_sample_condition(&self) -> Option<f64> {
        mean(self.folds.iter().filter_map(|f| f.in_sample_condition))
    }

    /// How far one number of the chosen thresholds lies apart; `None` where no fold chose any.
    pub fn spread(&self, number: impl Fn(&[Thresholds]) -> f64) -> Option<Spread> {
        Spread::of(
            self.folds
                .iter()
                .filter_map(|f| f.thresholds.as_deref())
                .map(number)
                .collect(),
        )
    }
}

/// How far some numbers lie apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Least.
    pub min: f64,
    /// Median.
    pub median: f64,
    /// Greatest.
    pub max: f64,
    /// Standard deviation, divisor n − 1; `None` of a single number.
    pub sd: Option<f64>,
}

impl Spread {
    /// Of finite numbers; `None` without any.
    ///
    /// ```
    /// use routecal::calibrate::Spread;
    ///
    /// let spread = Spread::of(vec![4.0, 1.0, 2.0, 1.0]).unwrap();
    /// assert_eq!((spread.min, spread.median, spread.max), (1.0, 1.5, 4.0));
    /// assert!((spread.sd.unwrap() - 2.0f64.sqrt()).abs() < 1e-12);
    /// ```
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let n = values.len();
        let centre = mean(values.iter().copied())?;
        let squares: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
        Some(Self {
            min,
            median: f64::midpoint(values[(n - 1) / 2], values[n / 2]),
            max,
            sd: (n > 1).then(|| (squares / f64_from_usize(n - 1)).sqrt()),
        })
    }
}

fn condition(goal: &Goal, tally: &Tally, totals: &Totals) -> Option<f64> {
    goal.condition_rate(tally, totals)?.value()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / f64_from_usize(n))
}

/// Judges every fold with the thresholds that `choose` finds on the others. `fold` says where each row belongs. `choose`
/// returns the thresholds of every route, and the goal they serve (a goal whose numbers come from the rows must be made
/// anew for every fold). Costs one choice a fold.
///
/// # Errors
/// What `choose` returns, other than [`CalibrateError::Unreachable`]: such a fold has no thresholds and is left out of the
/// figures.
///
/// # Panics
/// If there are not as many folds as rows.
pub fn cross_validate(
    rows: &[SweepRow],
    routes: usize,
    fold: &[usize],
    choose: impl Fn(&[SweepRow]) -> Result<(Vec<Thresholds>, Goal), CalibrateError>,
) -> Result<CrossValidation, CalibrateError> {
    assert_eq!(rows.len(), fold.len());
    let count = fold.iter().max().map_or(0, |last| last + 1);
    let (mut all, mut held_out) = (Tally::empty(routes), Totals::of(&[], routes));
    let mut folds = Vec::with_capacity(count);
    for held in 0..count {
        let part = |inside: bool| -> Vec<SweepRow> {
            let of = rows.iter().zip(fold).filter(|(_, f)| (**f == held) == inside);
            of.map(|(row, _)| *row).collect()
        };
        let (choosing, judging) = (part(false), part(true));
        let mut outcome = Fold {
            chose: choosing.len() as u64,
            held_out: judging.len() as u64,
            thresholds: None,
            in_sample: None,
            held: None,
            in_sample_condition: None,
            held_condition: None,
        };
        match choose(&choosing) {
            Ok((thresholds, goal)) => {
                let (inside, outside) = (tally(&choosing, &thresholds), tally(&judging, &thresholds));
                let (own, other) = (Totals::of(&choosing, routes), Totals::of(&judging, routes));
                outcome.in_sample = goal.figure(&inside, &own);
                outcome.in_sample_condition = condition(&goal, &inside, &own);
                outcome.held = goal.figure(&outside, &other);
                outcome.held_condition = condition(&goal, &outside, &other);
                outcome.thresholds = Some(thresholds);
                all.merge(&outside);
                held_out.merge(&other);
            }
            Err(CalibrateError::Unreachable { .. }) => {}
            Err(error) => return Err(error),
        }
        folds.push(outcome);
    }
    Ok(CrossValidation {
        folds,
        tally: all,
        totals: held_out,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, choose};
    use super::*;
    use crate::stats::{Purpose, stream};

    /// Scores that say nothing of right and wrong: any choice is luck.
    fn noise(n: usize, draw: u64) -> Vec<SweepRow> {
        let mut random = stream(5, Purpose::Simulation, draw);
        (0..n)
            .map(|_| SweepRow {
                score: random.unit(),
                gap: random.unit(),
                route: 0,
                kind: if random.unit() < 0.5 {
                    Kind::Right
                } else {
                    Kind::OutOfDomain
                },
            })
            .collect()
    }

    #[test]
    fn luck_is_seen_as_optimism() {
        let (mut looked, mut held) = (0.0, 0.0);
        for draw in 0..40 {
            let rows = noise(60, draw);
            let fold: Vec<usize> = (0..rows.len()).map(|i| i % 5).collect();
            let goal = Goal::MaxSystemAccuracy;
            let found = cross_validate(&rows, 1, &fold, |rows| {
                Ok((choose(rows, 1, &goal)?.thresholds, goal.clone()))
            })
            .unwrap();
            assert_eq!((found.folds.len(), found.totals.n), (5, 60));
            looked += found.in_sample().unwrap() / 40.0;
            held += goal.figure(&found.tally, &found.totals).unwrap() / 40.0;
        }
        // Nothing can do better than half, but for the share of the commoner kind.
        assert!(looked > 0.58, "{looked}");
        assert!((held - 0.5).abs() < 0.05, "{held}");
    }

    #[test]
    fn a_fold_that_reaches_no_thresholds_is_left_out_of_the_figures() {
        let mut rows = noise(8, 1);
        for (i, row) in rows.iter_mut().enumerate() {
            row.kind = if i == 0 { Kind::Right } else { Kind::OutOfDomain };
        }
        let fold: Vec<usize> = (0..8).map(|i| i % 4).collect();
        let goal = Goal::MaxCoverage { risk: 0.0 };
        // Row 0 is the surest, so three of the four folds can accept it alone.
        rows[0].score = 1.0;
        let found = cross_validate(&rows, 1, &fold, |rows| {
            Ok((choose(rows, 1, &goal)?.thresholds, goal.clone()))
        })
        .unwrap();
        assert_eq!(found.folds.iter().filter(|f| f.thresholds.is_none()).count(), 1);
        assert_eq!(found.totals.n, 6);
        assert_eq!(found.in_sample_condition(), Some(0.0));
    }
}
