//! Bootstrap intervals for figures that are no rates.
//!
//! A resample draws, within each *stratum* (the prompts of one route; the out-of-domain ones), as many *clusters* as there
//! are, with replacement; a cluster is all copies of one prompt, which would otherwise look like independent evidence. What
//! comes out is a weight for every row (how often it was drawn), so a figure that was prepared once (rows sorted by score)
//! is computed from weights in one pass, without sorting again.
//!
//! Efron & Tibshirani, *An Introduction to the Bootstrap* (1993), chapters 13 and 14. Reference: `scipy.stats.bootstrap`.

mod design;
mod interval;

use rayon::prelude::*;

pub use design::Design;
pub use interval::{Method, bca, percentile};

use super::{Interval, Level, Purpose, stream};

/// How often to resample, and what for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Resamples; 2,000 or more for an interval of 95 %.
    pub resamples: u32,
    /// Seed; resample i reads stream i of it.
    pub seed: u64,
    /// What the numbers are for.
    pub purpose: Purpose,
    /// Level of the intervals.
    pub level: Level,
    /// Which interval.
    pub method: Method,
}

impl Default for Settings {
    /// 2,000 resamples, seed 0, BCa intervals of 95 %.
    fn default() -> Self {
        Self {
            resamples: 2000,
            seed: 0,
            purpose: Purpose::Bootstrap,
            level: Level::P95,
            method: Method::Bca,
        }
    }
}

/// Figures that were computed on every resample: NaN where a resample has no such figure.
#[derive(Debug, Clone)]
pub struct Draws {
    figures: usize,
    /// Resample after resample.
    values: Vec<f64>,
}

impl Draws {
    /// The values of one figure, in the order of the resamples, without those that are not defined.
    ///
    /// # Panics
    /// If there is no such figure.
    pub fn of(&self, figure: usize) -> Vec<f64> {
        assert!(figure < self.figures, "figure {figure} of {}", self.figures);
        let column = self.values.iter().skip(figure).step_by(self.figures);
        column.copied().filter(|v| !v.is_nan()).collect()
    }

    /// Resamples drawn.
    pub fn resamples(&self) -> usize {
        self.values.len() / self.figures.max(1)
    }
}

/// Computes `figures` figures on every resample of `design`, in parallel. The result does not depend on the number of threads.
///
/// `statistic` gets a weight a row and fills in the figures, NaN for one that is not defined. O(resamples × (rows + cost of
/// the statistic)).
///
/// ```
/// use routecal::stats::bootstrap::{Design, Settings, draws};
///
/// let rows = [1.0, 2.0, 4.0, 8.0];
/// let design = Design::simple(rows.len());
/// let means = draws(&design, &Settings::default(), 1, |weights, out| {
///     out[0] = weights.iter().zip(rows).map(|(w, x)| f64::from(*w) * x).sum::<f64>() / 4.0;
/// });
/// assert_eq!(means.of(0).len(), 2000);
/// ```
pub fn draws(
    design: &Design,
    settings: &Settings,
    figures: usize,
    statistic: impl Fn(&[u32], &mut [f64]) + Sync,
) -> Draws {
    let mut values = vec![f64::NAN; settings.resamples as usize * figures];
    if figures > 0 {
        values.par_chunks_mut(figures).enumerate().for_each_init(
            || vec![0; design.rows()],
            |weights, (i, out)| {
                let mut random = stream(settings.seed, settings.purpose, i as u64);
                design.resample(&mut random, weights);
                statistic(weights, out);
            },
        );
    }
    Draws { figures, values }
}

/// An interval for every figure: the draws, the figures on the rows as they are, and for BCa the figures with each block of
/// clusters left out once.
///
/// `None` where the figure itself is not defined, or not on at least nine resamples in ten, or is the same on all of them.
pub fn intervals(
    design: &Design,
    settings: &Settings,
    figures: usize,
    statistic: impl Fn(&[u32], &mut [f64]) + Sync,
) -> Vec<Option<Interval>> {
    if settings.resamples == 0 || design.rows() == 0 {
        return vec![None; figures];
    }
    let mut point = vec![f64::NAN; figures];
    statistic(&vec![1; design.rows()], &mut point);
    let drawn = draws(design, settings, figures, &statistic);
    let left_out = match settings.method {
        Method::Percentile => Vec::new(),
        Method::Bca => jackknife(design, figures, &statistic),
    };
    (0..figures)
        .into_par_iter()
        .map(|figure| {
            let mut values = drawn.of(figure);
            if point[figure].is_nan() || values.len() * 10 < drawn.resamples() * 9 {
                return None;
            }
            values.sort_by(f64::total_cmp);
            // An F1 of 0 or an AUROC of 1 is the same on every resample: that says nothing of how far it may be off.
            if values.first() == values.last() {
                return None;
            }
            Some(match settings.method {
                Method::Percentile => percentile(&values, settings.level),
                Method::Bca => {
                    let without: Vec<f64> = left_out.iter().map(|row| row[figure]).filter(|v| !v.is_nan()).collect();
                    bca(&values, point[figure], &without, settings.level)
                }
            })
        })
        .collect()
}

/// The figures with each block of clusters left out once.
fn jackknife(design: &Design, figures: usize, statistic: &(impl Fn(&[u32], &mut [f64]) + Sync)) -> Vec<Vec<f64>> {
    (0..design.blocks())
        .into_par_iter()
        .map_init(
            || vec![1; design.rows()],
            |weights, block| {
                design.without(block, weights);
                let mut out = vec![f64::NAN; figures];
                statistic(weights, &mut out);
                out
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(rows: &[f64]) -> impl Fn(&[u32], &mut [f64]) + Sync {
        move |weights, out| {
            let n: u32 = weights.iter().sum();
            out[0] = weights.iter().zip(rows).map(|(w, x)| f64::from(*w) * x).sum::<f64>() / f64::from(n);
        }
    }

    #[test]
    fn threads_change_nothing() {
        let rows: Vec<f64> = (0..200_i32).map(|i| f64::from((i * 37) % 101)).collect();
        let design = Design::simple(rows.len());
        let settings = Settings::default();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| intervals(&design, &settings, 1, mean(&rows)))
        };
        assert_eq!(run(1), run(7));
    }

    #[test]
    fn a_figure_without_a_value_has_no_interval() {
        let design = Design::simple(10);
        let none = intervals(&design, &Settings::default(), 2, |_, out| out[1] = 1.0);
        assert_eq!(none, [None, None]);
        let off = Settings {
            resamples: 0,
            ..Settings::default()
        };
        assert_eq!(intervals(&design, &off, 1, |_, out| out[0] = 1.0), [None]);
    }

    /// Means of 40 exponential numbers: the interval must hold the true mean about as often as it says.
    #[test]
    fn intervals_cover_as_often_as_they_say() {
        let trials = 400;
        let settings = |seed| Settings {
            resamples: 500,
            seed,
            ..Settings::default()
        };
        let held: u32 = (0..trials)
            .map(|trial| {
                let mut random = stream(trial, Purpose::Simulation, 0);
                let rows: Vec<f64> = (0..40).map(|_| -(1.0 - random.unit()).ln()).collect();
                let interval = intervals(&Design::simple(40), &settings(trial), 1, mean(&rows))[0].unwrap();
                u32::from(interval.contains(1.0))
            })
            .sum();
        // BCa reaches about 0.93 here; the standard error of a share of 400 is 0.013.
        assert!((355..=392).contains(&held), "{held} of {trials}");
    }
}
