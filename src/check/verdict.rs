//! From a comparison to a verdict.
//!
//! Let d be the candidate's figure minus the baseline's, signed so that a negative d is worse, m the margin, α the highest
//! chance of a false alarm, and \[L, U\] the interval of d at level 1 − 2α (each end a one-sided test at α).
//!
//! * **pass** where L > −m: worse by m or more is ruled out. All gates must pass, so no correction for their number is due.
//! * **regressed** where the test rejects "not worse" (p < α after Holm's adjustment over the gates) and U < 0; or where
//!   the upper end at level 1 − 2α/k, k the number of gates, lies below −m. Both hold the chance of any false alarm at α for
//!   all gates together.
//! * **inconclusive** otherwise.
//!
//! Pass goes first: a drop that is certain but within the margin was allowed. A two-sided figure (coverage) passes where
//! the whole interval lies within ±m and has regressed where all of it, at level 1 − 2α/k, lies beyond.

use serde::{Deserialize, Serialize};

use super::comparison::{Comparison, Direction};
use crate::stats::Interval;

/// The answer of a gate, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Not worse by the margin or more; limits met.
    Pass,
    /// Too few prompts to tell.
    Inconclusive,
    /// Worse, with evidence.
    Regressed,
    /// A limit is not met, or there is no figure.
    Missed,
}

impl Verdict {
    /// As in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Regressed => "regressed",
            Self::Missed => "missed",
        }
    }

    /// Whether the answer is no.
    pub fn fails(self) -> bool {
        matches!(self, Self::Regressed | Self::Missed)
    }
}

/// What a comparison is judged by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// How much worse is still allowed.
    pub margin: f64,
    /// Highest chance of a false alarm, for all gates together.
    pub alpha: f64,
    /// Gates that are compared.
    pub gates: usize,
    /// The p-value after Holm's adjustment.
    pub p_adjusted: f64,
}

impl Terms {
    /// α shared out among the gates.
    pub(super) fn joint(&self) -> f64 {
        self.alpha / crate::num::f64_from_usize(self.gates)
    }
}

/// A verdict and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// Interval of the difference, in the figure's own units, at level 1 − 2α.
    pub interval: Option<Interval>,
    /// For an inconclusive one: the smallest change for the worse that would have been seen in four cases of five.
    pub detectable: Option<f64>,
}

/// Judges a comparison; see the module. A figure with nothing under it is missed.
///
/// ```
/// use routecal::check::{Direction, Settings, Terms, Verdict, compare, judge};
/// use routecal::stats::bootstrap::Design;
///
/// let terms = Terms { margin: 0.02, alpha: 0.05, gates: 1, p_adjusted: 1.0 };
/// let verdict = |n: usize| {
///     let hits = vec![(Some(true), Some(true)); n];
///     let found = compare(&Design::simple(n), &[(Direction::HigherIsBetter, hits)], &Settings::default());
///     judge(&found[0], &terms).verdict
/// };
/// // No row changed. That is proof of "not worse by 2 points" on 600 prompts, and on 50 it is not.
/// assert_eq!(verdict(600), Verdict::Pass);
/// assert_eq!(verdict(50), Verdict::Inconclusive);
/// ```
///
/// # Panics
/// If `alpha` is not between 0 and 0.5, or there is no gate.
pub fn judge(comparison: &Comparison, terms: &Terms) -> Judged {
    assert!(terms.gates > 0, "a verdict of no gate");
    if comparison.difference().is_none() {
        return Judged {
            verdict: Verdict::Missed,
            interval: None,
            detectable: None,
        };
    }
    let interval = comparison.interval(terms.alpha);
    let verdict = interval
        .zip(comparison.interval(terms.joint()))
        .map_or(Verdict::Inconclusive, |(own, joint)| match comparison.direction() {
            Direction::HigherIsBetter => one_sided(own, joint, terms),
            Direction::LowerIsBetter => one_sided(mirrored(own), mirrored(joint), terms),
            Direction::TwoSided => two_sided(own, joint, terms.margin),
        });
    Judged {
        verdict,
        interval,
        detectable: (verdict == Verdict::Inconclusive)
            .then(|| comparison.detectable(terms))
            .flatten(),
    }
}

fn mirrored(interval: Interval) -> Interval {
    Interval::new(-interval.upper, -interval.lower)
}

fn one_sided(own: Interval, joint: Interval, terms: &Terms) -> Verdict {
    if own.lower > -terms.margin {
        Verdict::Pass
    } else if (terms.p_adjusted < terms.alpha && own.upper < 0.0) || joint.upper < -terms.margin {
        Verdict::Regressed
    } else {
        Verdict::Inconclusive
    }
}

fn two_sided(own: Interval, joint: Interval, margin: f64) -> Verdict {
    if own.lower > -margin && own.upper < margin {
        Verdict::Pass
    } else if joint.upper < -margin || joint.lower > margin {
        Verdict::Regressed
    } else {
        Verdict::Inconclusive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms {
        margin: 0.02,
        alpha: 0.05,
        gates: 2,
        p_adjusted: 0.5,
    };

    #[test]
    fn the_rule_by_its_cases() {
        let judge = |lower: f64, upper: f64, p: f64| {
            let interval = Interval::new(lower, upper);
            let terms = Terms { p_adjusted: p, ..TERMS };
            one_sided(interval, interval, &terms)
        };
        assert_eq!(judge(-0.01, 0.03, 0.5), Verdict::Pass);
        assert_eq!(
            judge(-0.015, -0.005, 0.001),
            Verdict::Pass,
            "certain, but within the margin"
        );
        assert_eq!(judge(-0.03, -0.001, 0.01), Verdict::Regressed);
        assert_eq!(judge(-0.03, -0.001, 0.2), Verdict::Inconclusive);
        assert_eq!(
            judge(-0.05, -0.021, 0.2),
            Verdict::Regressed,
            "beyond the margin for certain"
        );
        assert_eq!(judge(-0.05, 0.01, 0.01), Verdict::Inconclusive);
        let both = |lower, upper| two_sided(Interval::new(lower, upper), Interval::new(lower, upper), 0.02);
        assert_eq!(both(-0.01, 0.01), Verdict::Pass);
        assert_eq!(both(-0.03, -0.01), Verdict::Inconclusive);
        assert_eq!(both(0.03, 0.04), Verdict::Regressed);
        assert_eq!(both(-0.04, -0.03), Verdict::Regressed);
    }

    #[test]
    fn the_worst_counts() {
        let mut all = [
            Verdict::Missed,
            Verdict::Pass,
            Verdict::Regressed,
            Verdict::Inconclusive,
        ];
        all.sort();
        assert_eq!(all[0], Verdict::Pass);
        assert!(!all[1].fails() && all[2].fails() && all[3].fails());
    }
}
