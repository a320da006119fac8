//! Two routers on the same prompts.
//!
//! Each prompt is right or wrong under the baseline and under the candidate. Prompts on which both agree say nothing about
//! the difference: all evidence lies in the *discordant* ones, `lost` (baseline right, candidate wrong) and `won` (the
//! reverse). The difference candidate − baseline is (won − lost) / n.

use super::{Interval, Level, binomial, bisect, normal};
use crate::num::f64_from_u64;

/// The counts of a comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paired {
    n: u64,
    lost: u64,
    won: u64,
}

impl Paired {
    /// `n` prompts, of which `lost` only the baseline and `won` only the candidate has right.
    ///
    /// # Panics
    /// If `lost + won > n`.
    pub fn new(n: u64, lost: u64, won: u64) -> Self {
        assert!(lost + won <= n, "{lost} lost and {won} won of {n}");
        Self { n, lost, won }
    }

    /// Counts `(baseline right, candidate right)` pairs. O(n).
    ///
    /// ```
    /// use routecal::stats::paired::Paired;
    ///
    /// let pairs = [(true, true), (true, false), (false, true), (false, false)];
    /// assert_eq!(Paired::of(pairs), Paired::new(4, 1, 1));
    /// ```
    pub fn of(pairs: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut counts = Self::default();
        for (before, after) in pairs {
            counts.n += 1;
            counts.lost += u64::from(before && !after);
            counts.won += u64::from(after && !before);
        }
        counts
    }

    /// Prompts.
    pub fn n(self) -> u64 {
        self.n
    }

    /// Prompts that only the baseline has right.
    pub fn lost(self) -> u64 {
        self.lost
    }

    /// Prompts that only the candidate has right.
    pub fn won(self) -> u64 {
        self.won
    }

    /// The candidate's rate minus the baseline's; `None` without prompts.
    pub fn difference(self) -> Option<f64> {
        (self.n > 0).then(|| (f64_from_u64(self.won) - f64_from_u64(self.lost)) / f64_from_u64(self.n))
    }

    /// McNemar's exact test, two-sided: min(1, 2 P(Bin(lost + won, ½) ≤ min(lost, won))); 1 without discordant prompts.
    ///
    /// `statsmodels.stats.contingency_tables.mcnemar(exact=True)`. With fewer than 6 discordant prompts it cannot be below
    /// 0.05.
    ///
    /// ```
    /// use routecal::stats::paired::Paired;
    ///
    /// assert!((Paired::new(100, 9, 2).mcnemar() - 0.0654296875).abs() < 1e-12);
    /// assert_eq!(Paired::new(100, 0, 0).mcnemar(), 1.0);
    /// ```
    pub fn mcnemar(self) -> f64 {
        let discordant = self.lost + self.won;
        (2.0 * binomial::cdf(self.lost.min(self.won), discordant, 0.5)).min(1.0)
    }

    /// McNemar's exact test against a regression: P(Bin(lost + won, ½) ≥ lost), small where the candidate lost more than it
    /// won; 1 without discordant prompts. With fewer than 5 it cannot be below 0.05.
    ///
    /// ```
    /// use routecal::stats::paired::Paired;
    ///
    /// assert_eq!(Paired::new(100, 5, 0).regression_p(), 1.0 / 32.0);
    /// ```
    pub fn regression_p(self) -> f64 {
        binomial::sf(self.lost, self.lost + self.won, 0.5)
    }

    /// Tango's score interval of the difference; `None` without prompts.
    ///
    /// It stays honest where few prompts are discordant: with none at all it reaches z²/(n + z²) to both sides, where the
    /// bootstrap would have no width. Tango, Statist. Med. 17 (1998): the Δ at which the score statistic
    /// (won − lost − nΔ) / √(n (2q + Δ(1 − Δ))), q the share of lost prompts that is most likely given Δ, is ±z. O(1).
    ///
    /// ```
    /// use routecal::stats::{Level, paired::Paired};
    ///
    /// let none = Paired::new(164, 0, 0).score_interval(Level::P90).unwrap();
    /// assert!((none.lower + 0.0162).abs() < 1e-4 && (none.upper - 0.0162).abs() < 1e-4);
    /// ```
    pub fn score_interval(self, level: Level) -> Option<Interval> {
        self.difference()?;
        let [n, lost, won] = [self.n, self.lost, self.won].map(f64_from_u64);
        Some(score_interval(n, lost, won, level))
    }

    /// Tango's statistic of the difference `delta`; it falls as `delta` rises. [`Paired::score_interval`] holds the `delta`
    /// at which it is within ±z, so its lower end lies above `delta` iff the statistic there is above z.
    pub fn score(self, delta: f64) -> f64 {
        let [n, lost, won] = [self.n, self.lost, self.won].map(f64_from_u64);
        score(n, lost, won, delta)
    }
}

/// [`Paired::score_interval`] of a table whose counts need not be whole: one made to have a given difference and standard
/// error, where the rows under a figure are not the same before and after.
///
/// # Panics
/// If `n` is not above 0, or the counts are below 0 or above `n` together.
pub fn score_interval(n: f64, lost: f64, won: f64, level: Level) -> Interval {
    assert!(
        n > 0.0 && lost >= 0.0 && won >= 0.0 && lost + won <= n * (1.0 + 1e-12),
        "{lost} lost and {won} won of {n}"
    );
    let observed = (won - lost) / n;
    let z = normal::quantile(1.0 - level.tail());
    let lower = bisect(-1.0, observed, |delta| score(n, lost, won, delta) > z);
    let upper = bisect(observed, 1.0, |delta| score(n, lost, won, delta) > -z);
    Interval::new(lower.min(observed), upper.max(observed))
}

/// Tango's statistic.
fn score(n: f64, lost: f64, won: f64, delta: f64) -> f64 {
    // q solves 2n q² + linear q + constant = 0.
    let linear = -won - lost + (2.0 * n - won + lost) * delta;
    let constant = -lost * delta * (1.0 - delta);
    let q = ((linear * linear - 8.0 * n * constant).max(0.0).sqrt() - linear) / (4.0 * n);
    let variance = n * (2.0 * q + delta * (1.0 - delta));
    let distance = won - lost - n * delta;
    if variance <= 0.0 {
        // Only at Δ = ±1 or where the observed difference is Δ itself.
        return if distance.abs() <= 0.0 {
            0.0
        } else {
            f64::INFINITY.copysign(distance)
        };
    }
    distance / variance.sqrt()
}

/// The chance that [`Paired::regression_p`] is at most `alpha` on `n` prompts, where a prompt is discordant with probability
/// `discordant` and the candidate's rate is lower by `drop`. Exact; O(n) binomial terms.
///
/// # Panics
/// If `discordant` is not in 0..=1 or `drop` not in 0..=`discordant`.
pub fn regression_power(n: u64, discordant: f64, drop: f64, alpha: f64) -> f64 {
    power(n, discordant, drop, |pair| pair.regression_p() <= alpha)
}

/// The chance that a rule speaks up: as [`regression_power`], with any `rule` that speaks up the more readily the more
/// prompts were lost and the fewer were won.
///
/// # Panics
/// If `discordant` is not in 0..=1 or `drop` not in 0..=`discordant`.
pub fn power(n: u64, discordant: f64, drop: f64, rule: impl Fn(Paired) -> bool) -> f64 {
    assert!((0.0..=1.0).contains(&discordant), "a share of {discordant}");
    assert!(
        (0.0..=discordant).contains(&drop),
        "a drop of {drop} with {discordant} discordant"
    );
    if discordant <= 0.0 {
        return 0.0;
    }
    let lost = ((discordant + drop) / (2.0 * discordant)).min(1.0);
    let mut critical = 0;
    let mut power = 0.0;
    for rows in 1..=n {
        let chance = binomial::pmf(rows, n, discordant);
        if chance <= 1e-14 {
            continue;
        }
        // The critical count never falls as rows are added: one more won prompt is no reason to speak up.
        while critical <= rows && !rule(Paired::new(n, critical, rows - critical)) {
            critical += 1;
        }
        if critical <= rows {
            power += chance * binomial::sf(critical, rows, lost);
        }
    }
    power.min(1.0)
}

/// The smallest drop that a comparison of `n` prompts finds with probability `power` at `alpha`, where `discordant` of the
/// prompts change anyway (or as many as the drop itself needs); `None` where even a drop to nothing would be missed.
///
/// Beside "no significant difference" this says what could have been seen at all. O(n) terms a step, about 30 steps.
///
/// ```
/// use routecal::stats::paired::detectable_drop;
///
/// let few = detectable_drop(50, 0.05, 0.05, 0.8).unwrap();
/// let many = detectable_drop(5000, 0.05, 0.05, 0.8).unwrap();
/// assert!(few > 0.1 && many < 0.01);
/// assert_eq!(detectable_drop(4, 0.5, 0.05, 0.8), None);
/// ```
///
/// # Panics
/// If `discordant` is not in 0..=1.
pub fn detectable_drop(n: u64, discordant: f64, alpha: f64, power: f64) -> Option<f64> {
    detectable(n, discordant, power, |pair| pair.regression_p() <= alpha)
}

/// As [`detectable_drop`], with any rule, as for [`power`].
///
/// # Panics
/// If `discordant` is not in 0..=1.
pub fn detectable(n: u64, discordant: f64, wanted: f64, rule: impl Fn(Paired) -> bool) -> Option<f64> {
    assert!((0.0..=1.0).contains(&discordant), "a share of {discordant}");
    let found = |drop: f64| power(n, discordant.max(drop), drop, &rule) >= wanted;
    if !found(1.0) {
        return None;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while high - low > 1e-6 {
        let middle = f64::midpoint(low, high);
        if found(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_interval_holds_the_difference_and_mirrors(n in 1_u64..2000, a in 0.0_f64..0.5, b in 0.0_f64..0.5) {
            let part = |share: f64| (0..=n).find(|k| f64_from_u64(*k) >= share * f64_from_u64(n)).unwrap();
            let (lost, won) = (part(a).min(n), part(b));
            prop_assume!(lost + won <= n);
            let pair = Paired::new(n, lost, won);
            let interval = pair.score_interval(Level::P95).unwrap();
            prop_assert!(interval.contains(pair.difference().unwrap()));
            let mirror = Paired::new(n, won, lost).score_interval(Level::P95).unwrap();
            prop_assert!((interval.lower + mirror.upper).abs() < 1e-9, "{:?} {:?}", interval, mirror);
            prop_assert!(Paired::new(n, lost, won).mcnemar() <= 1.0);
        }
    }

    #[test]
    fn power_is_the_share_of_significant_tables() {
        // All tables of 12 prompts, by brute force.
        let (n, discordant, drop, alpha) = (12, 0.6, 0.4, 0.1);
        let lost_share = (discordant + drop) / (2.0 * discordant);
        let mut expected = 0.0;
        for rows in 0..=n {
            for lost in 0..=rows {
                if Paired::new(n, lost, rows - lost).regression_p() <= alpha {
                    expected += binomial::pmf(rows, n, discordant) * binomial::pmf(lost, rows, lost_share);
                }
            }
        }
        assert!((regression_power(n, discordant, drop, alpha) - expected).abs() < 1e-12);
    }

    #[test]
    fn no_difference_is_found_at_most_alpha_often() {
        for n in [5, 50, 500] {
            for discordant in [0.01, 0.1, 0.5] {
                assert!(regression_power(n, discordant, 0.0, 0.05) <= 0.05);
            }
        }
    }
}
