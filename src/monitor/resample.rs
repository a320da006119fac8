//! The figures of a log as functions of a weight a row, and their intervals.

use rayon::prelude::*;

use super::psi::{Bins, psi};
use super::{BINS, Known, Seen, Settings};
use crate::report::{Estimate, INTERVAL_LEVEL};
use crate::stats::bootstrap::{self, Design, draws, percentile};
use crate::stats::{Interval, Level};

/// The figures that are resampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Figure {
    KsScore,
    KsGap,
    PsiScore,
    PsiGap,
    PsiMix,
    Accuracy,
    Selective,
    Change,
}

const FIGURES: usize = 8;

/// One column of both sides: the rows in order, and the bins.
struct Column {
    /// Rows by rising value, and whether the next value is another.
    order: Vec<(usize, bool)>,
    bins: Bins,
    bin: Vec<usize>,
}

impl Column {
    fn new(calibration: &[f64], log: &[f64]) -> Self {
        let bins = Bins::of(calibration, BINS);
        let all: Vec<f64> = calibration.iter().chain(log).copied().collect();
        let mut rows: Vec<usize> = (0..all.len()).collect();
        rows.sort_by(|a, b| all[*a].total_cmp(&all[*b]));
        let order = rows
            .iter()
            .enumerate()
            .map(|(i, row)| (*row, rows.get(i + 1).is_none_or(|next| all[*next] > all[*row])))
            .collect();
        Self {
            order,
            bin: all.iter().map(|v| bins.of_value(*v)).collect(),
            bins,
        }
    }

    /// The distance of the two weighted distribution functions.
    fn ks(&self, weights: &[u32], calibration: usize) -> f64 {
        let (n, m) = sums(weights, calibration);
        let (mut a, mut b, mut most) = (0.0, 0.0, 0.0_f64);
        for (row, last) in &self.order {
            let weight = f64::from(weights[*row]);
            if *row < calibration {
                a += weight;
            } else {
                b += weight;
            }
            if *last {
                most = most.max((a / n - b / m).abs());
            }
        }
        most
    }
}

fn sums(weights: &[u32], calibration: usize) -> (f64, f64) {
    let sum = |part: &[u32]| part.iter().map(|w| f64::from(*w)).sum::<f64>();
    (sum(&weights[..calibration]), sum(&weights[calibration..]))
}

/// Weight of each group on both sides.
fn counts(group: &[usize], groups: usize, weights: &[u32], calibration: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut a, mut b) = (vec![0.0; groups], vec![0.0; groups]);
    for (row, (group, weight)) in group.iter().zip(weights).enumerate() {
        let side = if row < calibration { &mut a } else { &mut b };
        side[*group] += f64::from(*weight);
    }
    (a, b)
}

/// Both sides, prepared once for any weights.
pub struct Shifts {
    calibration: usize,
    score: Column,
    gap: Option<Column>,
    /// The route that took a row; one past the last is the fallback.
    taker: Vec<usize>,
    takers: usize,
    right: Vec<bool>,
    accepted: Vec<bool>,
    design: Design,
}

impl Shifts {
    /// Prepares the comparison. O(n log n).
    ///
    /// # Panics
    /// If a score is NaN.
    pub fn new(calibration: &[Known], log: &[Seen], routes: usize) -> Self {
        let both = || calibration.iter().map(|k| &k.seen).chain(log);
        let column = |value: fn(&Seen) -> f64| {
            let of = |rows: &mut dyn Iterator<Item = &Seen>| rows.map(value).collect::<Vec<f64>>();
            Column::new(&of(&mut calibration.iter().map(|k| &k.seen)), &of(&mut log.iter()))
        };
        Self {
            calibration: calibration.len(),
            score: column(|s| s.score),
            gap: both().all(|s| s.gap.is_finite()).then(|| column(|s| s.gap)),
            taker: both().map(|s| if s.accepted { s.best } else { routes }).collect(),
            takers: routes + 1,
            right: calibration.iter().map(|k| k.right).collect(),
            accepted: calibration.iter().map(|k| k.seen.accepted).collect(),
            // Each side keeps its size.
            design: Design::new(both().enumerate().map(|(row, s)| {
                (
                    usize::from(row >= calibration.len()),
                    (row >= calibration.len(), s.copy),
                )
            })),
        }
    }

    /// Bins of the score.
    pub fn score_bins(&self) -> &Bins {
        &self.score.bins
    }

    /// Bins of the gap; `None` for a lone route.
    pub fn gap_bins(&self) -> Option<&Bins> {
        self.gap.as_ref().map(|c| &c.bins)
    }

    /// Rows in each bin of the score, or of the gap: of the calibration data and of the log.
    pub(super) fn binned(&self, gap: bool) -> (Vec<f64>, Vec<f64>) {
        let column = self.gap.as_ref().filter(|_| gap).unwrap_or(&self.score);
        let ones = vec![1; column.bin.len()];
        counts(&column.bin, column.bins.count(), &ones, self.calibration)
    }

    /// (Σ w)² / Σ w² of the weights of the calibration rows: how many equally weighted rows say as much (Kish 1965).
    pub(super) fn effective_size(&self) -> f64 {
        let (a, b) = self.binned(false);
        let weight = |(a, b): (&f64, &f64)| if *a > 0.0 { (*b, b * b / a) } else { (0.0, 0.0) };
        let (sum, squares) = a
            .iter()
            .zip(&b)
            .map(weight)
            .fold((0.0, 0.0), |(s, q), (x, y)| (s + x, q + y));
        sum * sum / squares
    }

    /// Every figure for the weights of a resample.
    fn figures(&self, weights: &[u32], out: &mut [f64]) {
        let mut set = |figure: Figure, value: f64| out[figure as usize] = value;
        let index = |column: &Column| {
            let (a, b) = counts(&column.bin, column.bins.count(), weights, self.calibration);
            psi(&a, &b)
        };
        set(Figure::KsScore, self.score.ks(weights, self.calibration));
        set(Figure::PsiScore, index(&self.score));
        if let Some(gap) = &self.gap {
            set(Figure::KsGap, gap.ks(weights, self.calibration));
            set(Figure::PsiGap, index(gap));
        }
        let (a, b) = counts(&self.taker, self.takers, weights, self.calibration);
        set(Figure::PsiMix, psi(&a, &b));
        let (accuracy, selective, own) = self.expected(weights);
        set(Figure::Accuracy, accuracy);
        set(Figure::Selective, selective);
        set(Figure::Change, accuracy - own);
    }

    /// Expected system accuracy, expected selective accuracy, and the calibration data's own system accuracy.
    fn expected(&self, weights: &[u32]) -> (f64, f64, f64) {
        let bins = self.score.bins.count();
        let (all, log) = counts(&self.score.bin, bins, weights, self.calibration);
        let of_calibration = |hit: &dyn Fn(usize) -> bool| {
            let mut sums = vec![0.0; bins];
            for (row, weight) in weights[..self.calibration]
                .iter()
                .enumerate()
                .filter(|(row, _)| hit(*row))
            {
                sums[self.score.bin[row]] += f64::from(*weight);
            }
            sums
        };
        let right = of_calibration(&|row| self.right[row]);
        let accepted = of_calibration(&|row| self.accepted[row]);
        let both = of_calibration(&|row| self.right[row] && self.accepted[row]);
        // A bin that a resample has no row of says nothing; the others stand for the whole.
        let weighted = |part: &[f64]| -> f64 {
            (0..bins)
                .filter(|b| all[*b] > 0.0)
                .map(|b| log[b] * part[b] / all[b])
                .sum()
        };
        let own = right.iter().sum::<f64>() / all.iter().sum::<f64>();
        (
            weighted(&right) / weighted(&all),
            weighted(&both) / weighted(&accepted),
            own,
        )
    }

    /// Draws the resamples; `done` is called after each.
    pub(super) fn draw(&self, settings: &Settings, done: &(dyn Fn() + Sync)) -> Drawn {
        let mut point = vec![f64::NAN; FIGURES];
        self.figures(&vec![1; self.design.rows()], &mut point);
        let drawn = draws(
            &self.design,
            &bootstrap::Settings {
                resamples: settings.resamples,
                seed: settings.seed,
                ..bootstrap::Settings::default()
            },
            FIGURES,
            |weights, out| {
                self.figures(weights, out);
                done();
            },
        );
        let sorted = (0..FIGURES)
            .into_par_iter()
            .map(|figure| {
                let mut values = drawn.of(figure);
                // Not on nine resamples in ten: the figure is too rarely defined to say how far it may be off.
                if values.len() * 10 < drawn.resamples() * 9 {
                    values.clear();
                }
                values.sort_by(f64::total_cmp);
                values
            })
            .collect();
        Drawn { point, sorted }
    }
}

/// Figures with the values of their resamples.
pub(super) struct Drawn {
    point: Vec<f64>,
    sorted: Vec<Vec<f64>>,
}

impl Drawn {
    pub(super) fn point(&self, figure: Figure) -> Option<f64> {
        Some(self.point[figure as usize]).filter(|p| !p.is_nan())
    }

    /// One figure on its own.
    pub(super) fn one(&self, figure: Figure) -> One {
        One {
            figure,
            point: self.point(figure),
            sorted: self.sorted[figure as usize].clone(),
        }
    }

    pub(super) fn estimate(&self, figure: Figure, n: usize) -> Estimate {
        Estimate::new(self.point(figure), n as u64).within(self.one(figure).interval(INTERVAL_LEVEL))
    }
}

/// One figure with the values of its resamples.
pub(super) struct One {
    figure: Figure,
    point: Option<f64>,
    sorted: Vec<f64>,
}

impl One {
    /// Percentiles for accuracies. For distances, which a resample overstates once more by as much as the sample does, the
    /// hull of percentiles and of the basic interval (2 · point − percentiles), never below 0: the percentiles alone leave the
    /// truth out below, the basic interval of a small sample is too narrow above.
    pub(super) fn interval(&self, level: Level) -> Option<Interval> {
        let (point, values) = (self.point?, &self.sorted);
        if values.first() == values.last() {
            return None;
        }
        let plain = percentile(values, level);
        Some(match self.figure {
            Figure::Accuracy | Figure::Selective | Figure::Change => plain,
            _ => Interval::new(
                (2.0 * point - plain.upper).max(0.0).min(plain.lower),
                plain.upper.max(2.0 * point - plain.lower),
            ),
        })
    }
}

/// The median of some values.
///
/// # Panics
/// If there are none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let summary = crate::metrics::histogram::Summary::new(values);
    summary.quantile(0.5).expect("a median of no values")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Purpose, normal, stream};

    pub(crate) fn known(score: f64, accepted: bool, right: bool, copy: usize) -> Known {
        let seen = Seen {
            best: 0,
            score,
            gap: score / 2.0,
            accepted,
            copy,
        };
        Known { seen, right }
    }

    /// Two bins, cut at the median 0.5: below it 1 of 2 right, above 2 of 2. The log has one prompt below and three above:
    /// 1/4 · 1/2 + 3/4 · 1 = 7/8; weights 1/2 · 4/4 and so on by hand.
    #[test]
    fn expected_accuracy_by_hand() {
        let calibration: Vec<Known> = (0..20)
            .map(|i| known(crate::num::f64_from_usize(i) / 20.0, i >= 10, i % 2 == 0 || i >= 10, i))
            .collect();
        let log: Vec<Seen> = [0.0, 0.51, 0.6, 0.97]
            .iter()
            .enumerate()
            .map(|(i, s)| known(*s, true, true, i).seen)
            .collect();
        let shifts = Shifts::new(&calibration, &log, 1);
        assert_eq!(shifts.score_bins().count(), 10);
        let (accuracy, selective, own) = shifts.expected(&[1; 24]);
        // Each bin has two rows: below the middle one of the two is right.
        assert!((accuracy - 7.0 / 8.0).abs() < 1e-12, "{accuracy}");
        assert!((selective - 1.0).abs() < 1e-12);
        assert!((own - 0.75).abs() < 1e-12);
        // Log weight 1/2 on each of two rows in four bins: (4)² / (4 · 2 · 1/4).
        assert!((shifts.effective_size() - 8.0).abs() < 1e-12);
    }

    #[test]
    fn the_distance_is_that_of_the_test_whatever_the_ties() {
        let a = [0.1, 0.2, 0.2, 0.4, 0.9];
        let b = [0.2, 0.4, 0.4, 0.5];
        let column = Column::new(&a, &b);
        let ks = super::super::ks_test(&a, &b).unwrap();
        assert!((column.ks(&[1; 9], 5) - ks.statistic).abs() < 1e-12);
    }

    mod slow {
        use super::*;

        /// Normal scores, moved or not: the interval must hold the true index at least as often as it says.
        #[test]
        #[ignore = "slow; .ci/run runs it"]
        fn intervals_of_the_index_hold_the_truth() {
            for shift in [0.0, 0.6] {
                let shares: Vec<f64> = (0..10)
                    .map(|i| {
                        let edge = |i: i32| normal::cdf(normal::quantile(f64::from(i) / 10.0) - shift);
                        edge(i + 1) - edge(i)
                    })
                    .collect();
                let truth: f64 = shares.iter().map(|q| (q - 0.1) * (q / 0.1).ln()).sum();
                let trials = 60;
                let held = (0..trials)
                    .filter(|trial| {
                        let mut random = stream(*trial, Purpose::Simulation, 0);
                        let mut draw = |by: f64| normal::quantile(random.unit().max(1e-12)) + by;
                        let calibration: Vec<Known> = (0..200).map(|i| known(draw(0.0), true, true, i)).collect();
                        let log: Vec<Seen> = (0..100).map(|i| known(draw(shift), true, true, i).seen).collect();
                        let settings = Settings {
                            alpha: 0.05,
                            resamples: 200,
                            seed: *trial,
                        };
                        let drawn = Shifts::new(&calibration, &log, 1).draw(&settings, &|| ());
                        drawn
                            .one(Figure::PsiScore)
                            .interval(INTERVAL_LEVEL)
                            .is_some_and(|i| i.contains(truth))
                    })
                    .count();
                assert!(held >= 55, "{held} of {trials} at shift {shift}");
            }
        }
    }
}
