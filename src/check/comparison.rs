//! The statistics of a comparison: pairs in, a difference with its interval and p-value out.
//!
//! A figure is a share of rows: each row is a hit, a miss, or not under the figure, before and after. Where the rows under
//! the figure are the same before and after (all figures but selective accuracy), the difference is judged by McNemar's
//! exact test and by the hull of two intervals: that of the paired bootstrap, and Tango's score interval. The
//! bootstrap alone has no width where no row changed, and would call any handful of unchanged rows proof; Tango's has.
//!
//! Selective accuracy divides by what each router accepts, so it is no paired proportion. Its p-value is that of the test
//! of which McNemar's is a case: under "no difference" each prompt's two outcomes could as well be swapped, so the
//! difference is computed with random prompts swapped (with one added, so never 0). Its interval is the hull of the
//! bootstrap of the difference of two ratios and of Tango's interval for the paired table that has the same difference and
//! the same standard error (by linearisation) on as many rows as the fewer accepted ones.

use std::collections::{BTreeSet, HashMap};

use super::verdict::Terms;
use crate::metrics::Rate;
use crate::num::{f64_from_u64, f64_from_usize};
use crate::stats::bootstrap::{self, Design, percentile};
use crate::stats::paired::{self, Paired};
use crate::stats::{Interval, Level, Purpose, normal, stream};

/// Hit or miss before and after; `None` where the row is not under the figure.
pub type Hits = (Option<bool>, Option<bool>);

/// Which way a figure should go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A fall is a regression.
    HigherIsBetter,
    /// A rise is a regression.
    LowerIsBetter,
    /// Any move beyond the margin is one.
    TwoSided,
}

/// How to compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Highest chance of a false alarm.
    pub alpha: f64,
    /// Resamples of the bootstrap.
    pub resamples: u32,
    /// Seed of the bootstrap.
    pub seed: u64,
}

impl Settings {
    /// Level of the intervals: each end is a one-sided test at `alpha`.
    ///
    /// # Panics
    /// If `alpha` is not between 0 and 0.5.
    pub fn level(&self) -> Level {
        level(self.alpha)
    }
}

impl Default for Settings {
    /// α 0.05, 2,000 resamples, seed 0.
    fn default() -> Self {
        Self {
            alpha: 0.05,
            resamples: 2000,
            seed: 0,
        }
    }
}

fn level(alpha: f64) -> Level {
    Level::new(1.0 - 2.0 * alpha).expect("alpha is between 0 and 0.5")
}

/// Strata by label and clusters by prompt, one pair a row: a prompt under two labels is drawn whole. The order of the rows
/// changes no resample.
pub fn design<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Design {
    let rows: Vec<(&str, &str)> = rows.into_iter().collect();
    let labels: BTreeSet<&str> = rows.iter().map(|(label, _)| *label).collect();
    let strata: HashMap<&str, usize> = labels.into_iter().enumerate().map(|(i, label)| (label, i)).collect();
    Design::new(rows.into_iter().map(|(label, key)| (strata[label], key)))
}

/// One figure before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The baseline's share.
    pub before: Rate,
    /// The candidate's.
    pub after: Rate,
    /// Rows under the figure before or after.
    pub n: u64,
    /// Rows that were a hit and are none now (or are not under the figure any more).
    pub fewer: u64,
    /// Rows that are a hit now and were none.
    pub more: u64,
    /// The p-value against a regression; of a two-sided figure, against any change.
    pub p: f64,
    direction: Direction,
    /// Whether the rows under the figure are the same before and after.
    binary: bool,
    /// Of the difference, by linearisation; of a figure that is not `binary` alone.
    variance: f64,
    /// Resampled differences, rising.
    draws: Vec<f64>,
}

impl Comparison {
    /// Candidate minus baseline; `None` where either has no rows.
    pub fn difference(&self) -> Option<f64> {
        Some(self.after.value()? - self.before.value()?)
    }

    /// The direction it was made for.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    fn pair(&self) -> Paired {
        Paired::new(self.n, self.fewer, self.more)
    }

    /// The interval of the difference that leaves out `alpha` on each side; `None` where nothing can be said.
    ///
    /// # Panics
    /// If `alpha` is not between 0 and 0.5.
    pub fn interval(&self, alpha: f64) -> Option<Interval> {
        let level = level(alpha);
        self.difference()?;
        let drawn = (!self.draws.is_empty()).then(|| percentile(&self.draws, level));
        if self.binary {
            let score = self.pair().score_interval(level)?;
            return Some(drawn.map_or(score, |d| d.hull(score)));
        }
        let [n, fewer, more] = self.table();
        let score = paired::score_interval(n, fewer, more, level);
        Some(drawn.map_or(score, |d| d.hull(score)))
    }

    /// The paired table with this difference and standard error: rows, misses for the worse, for the better. The variance
    /// of a paired difference d is (q − d²)/n, q the share of discordant rows.
    fn table(&self) -> [f64; 3] {
        if self.binary {
            return [self.n, self.fewer, self.more].map(f64_from_u64);
        }
        let n = f64_from_u64(self.before.n().min(self.after.n()));
        let difference = self.difference().unwrap_or_default();
        let discordant = (n * self.variance + difference * difference).clamp(difference.abs(), 1.0);
        [
            n,
            n * (discordant - difference) / 2.0,
            n * (discordant + difference) / 2.0,
        ]
    }

    /// The smallest change for the worse that so many rows, as many of which change as did here, would have shown in four
    /// cases of five; `None` where none would. See [`detectable`].
    pub(super) fn detectable(&self, terms: &Terms) -> Option<f64> {
        self.difference()?;
        let [n, fewer, more] = self.table();
        let rows = if self.binary {
            self.n
        } else {
            self.before.n().min(self.after.n())
        };
        detectable(rows, (fewer + more) / n, self.direction, terms)
    }
}

/// Share of cases in which a detectable change is found.
const POWER: f64 = 0.8;

/// The smallest change for the worse that [`judge`](super::judge) calls regressed in four cases of five, on `n` rows of
/// which a share of `changed` flips anyway; `None` where it would call none so. Exact for the rule without the bootstrap,
/// which widens the interval a little. O(n) terms a step, about 20 steps.
///
/// # Panics
/// If `changed` is no share, or there is no gate.
pub fn detectable(n: u64, changed: f64, direction: Direction, terms: &Terms) -> Option<f64> {
    let (z, z_joint) = (
        normal::quantile(1.0 - terms.alpha),
        normal::quantile(1.0 - terms.joint()),
    );
    paired::detectable(n, changed, POWER, |pair| {
        let at_margin = pair.score(-terms.margin);
        // The lower end above −margin passes; the joint upper end below it has regressed.
        at_margin <= z
            && (at_margin < -z_joint
                || direction != Direction::TwoSided && pair.score(0.0) < -z && pair.regression_p() < terms.joint())
    })
}

/// Compares several figures on the same rows: for each its direction and its hits, one a row of the `design`. The same
/// resamples serve all. O(resamples × (rows + figures × distinct rows)); the result does not depend on the number of
/// threads.
///
/// ```
/// use routecal::check::{Direction, Settings, compare};
/// use routecal::stats::bootstrap::Design;
///
/// // 40 rows; 8 that were right are wrong now.
/// let hits: Vec<_> = (0..40).map(|i| (Some(true), Some(i >= 8))).collect();
/// let figures = [(Direction::HigherIsBetter, hits)];
/// let found = &compare(&Design::simple(40), &figures, &Settings::default())[0];
/// assert_eq!((found.fewer, found.more), (8, 0));
/// assert!((found.difference().unwrap() + 0.2).abs() < 1e-12);
/// assert!(found.p < 0.01 && found.interval(0.05).unwrap().upper < 0.0);
/// ```
///
/// # Panics
/// If a figure has not one entry a row.
pub fn compare(design: &Design, figures: &[(Direction, Vec<Hits>)], settings: &Settings) -> Vec<Comparison> {
    assert!(figures.iter().all(|(_, hits)| hits.len() == design.rows()));
    // Rows that are alike under every figure need not be told apart: a resample is counted by kind of row.
    let mut kinds: HashMap<Vec<Hits>, usize> = HashMap::new();
    let mut kind_of = Vec::with_capacity(design.rows());
    for row in 0..design.rows() {
        let kind: Vec<Hits> = figures.iter().map(|(_, hits)| hits[row]).collect();
        let next = kinds.len();
        kind_of.push(*kinds.entry(kind).or_insert(next));
    }
    let mut by_index: Vec<Vec<Hits>> = vec![Vec::new(); kinds.len()];
    for (kind, index) in kinds {
        by_index[index] = kind;
    }
    let drawing = bootstrap::Settings {
        resamples: settings.resamples,
        seed: settings.seed,
        purpose: Purpose::Comparison,
        ..bootstrap::Settings::default()
    };
    let drawn = bootstrap::draws(design, &drawing, figures.len(), |weights, out| {
        let mut counts = vec![0_u64; by_index.len()];
        for (kind, weight) in kind_of.iter().zip(weights) {
            counts[*kind] += u64::from(*weight);
        }
        for (figure, out) in out.iter_mut().enumerate() {
            *out = difference(counts.iter().zip(&by_index).map(|(count, kind)| (*count, kind[figure])));
        }
    });
    (figures.iter().enumerate())
        .map(|(figure, (direction, hits))| {
            let mut draws = drawn.of(figure);
            if draws.len() * 10 < drawn.resamples() * 9 {
                draws.clear();
            }
            draws.sort_by(f64::total_cmp);
            of_figure(*direction, hits, draws, settings)
        })
        .collect()
}

/// The difference of the two shares, NaN where one has nothing under it.
fn difference(rows: impl Iterator<Item = (u64, Hits)>) -> f64 {
    let ([mut before, mut after], [mut n_before, mut n_after]) = ([0_u64; 2], [0_u64; 2]);
    for (count, hits) in rows {
        n_before += count * u64::from(hits.0.is_some());
        before += count * u64::from(hits.0 == Some(true));
        n_after += count * u64::from(hits.1.is_some());
        after += count * u64::from(hits.1 == Some(true));
    }
    // 0/0 is NaN.
    f64_from_u64(after) / f64_from_u64(n_after) - f64_from_u64(before) / f64_from_u64(n_before)
}

fn of_figure(direction: Direction, hits: &[Hits], draws: Vec<f64>, settings: &Settings) -> Comparison {
    let hit = |side: Option<bool>| side == Some(true);
    let count = |wanted: &dyn Fn(&Hits) -> bool| hits.iter().filter(|h| wanted(h)).count() as u64;
    let n = count(&|h| h.0.is_some() || h.1.is_some());
    let fewer = count(&|h| hit(h.0) && !hit(h.1));
    let more = count(&|h| !hit(h.0) && hit(h.1));
    let binary = hits.iter().all(|h| h.0.is_some() == h.1.is_some());
    let pair = Paired::new(n, fewer, more);
    let p = match direction {
        Direction::HigherIsBetter if binary => pair.regression_p(),
        Direction::LowerIsBetter if binary => Paired::new(n, more, fewer).regression_p(),
        Direction::TwoSided => pair.mcnemar(),
        Direction::HigherIsBetter => swapped(hits, settings, |observed, d| d <= observed),
        Direction::LowerIsBetter => swapped(hits, settings, |observed, d| d >= observed),
    };
    let (before, after) = (
        Rate::of(hits.iter().filter_map(|h| h.0)),
        Rate::of(hits.iter().filter_map(|h| h.1)),
    );
    Comparison {
        before,
        after,
        n,
        fewer,
        more,
        p,
        direction,
        binary,
        variance: if binary { 0.0 } else { variance(hits, before, after) },
        draws,
    }
}

/// Σ ψ², ψ the influence of a row on the difference of the two shares.
fn variance(hits: &[Hits], before: Rate, after: Rate) -> f64 {
    let (Some(then), Some(now)) = (before.value(), after.value()) else {
        return 0.0;
    };
    let part = |side: Option<bool>, share: f64, n: u64| {
        side.map_or(0.0, |hit| (f64::from(u8::from(hit)) - share) / f64_from_u64(n))
    };
    hits.iter()
        .map(|h| (part(h.1, now, after.n()) - part(h.0, then, before.n())).powi(2))
        .sum()
}

/// Share of random swaps of before and after that are at least as bad as what was seen, one added: with B swaps it is never
/// below 1/(B + 1). 1 where no swap changes anything.
fn swapped(hits: &[Hits], settings: &Settings, as_bad: impl Fn(f64, f64) -> bool) -> f64 {
    // Beyond the streams that the bootstrap reads.
    const FIRST: u64 = 1 << 32;
    let observed = difference(hits.iter().map(|h| (1, *h)));
    let (moving, still): (Vec<Hits>, Vec<Hits>) = hits.iter().partition(|h| h.0 != h.1);
    if moving.is_empty() || observed.is_nan() {
        return 1.0;
    }
    let mut kinds: HashMap<Hits, u64> = HashMap::new();
    for h in still {
        *kinds.entry(h).or_default() += 1;
    }
    let still: Vec<(u64, Hits)> = kinds.into_iter().map(|(h, count)| (count, h)).collect();
    // Sums of the same numbers in another order may differ in the last bits; a tie counts as as bad.
    let tie = |d: f64| if (d - observed).abs() < 1e-12 { observed } else { d };
    let count = (0..u64::from(settings.resamples))
        .filter(|i| {
            let mut random = stream(settings.seed, Purpose::Comparison, FIRST + i);
            let thrown = moving
                .iter()
                .map(|h| (1, if random.below(2) == 0 { *h } else { (h.1, h.0) }));
            let d = difference(still.iter().copied().chain(thrown));
            // A swap that leaves nothing under one side says nothing: it counts against a finding.
            d.is_nan() || as_bad(observed, tie(d))
        })
        .count();
    f64_from_usize(count + 1) / (f64::from(settings.resamples) + 1.0)
}

#[cfg(test)]
mod tests;
