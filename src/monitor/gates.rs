//! From figures and limits to verdicts.
//!
//! Let \[L, U\] be a figure's interval at level 1 − 2α, so that each end is a one-sided test at α, and k the number of gates.
//!
//! * **pass** where the interval lies within the limit. All gates must pass, so no correction for their number is due.
//! * **shifted** where the interval at level 1 − 2α/k lies wholly beyond; of an index moreover only where the Kolmogorov–Smirnov
//!   test rejects "one distribution" (p < α after Holm's adjustment): a bootstrap of a handful of prompts does not know what
//!   it has not seen.
//! * **inconclusive** otherwise: the interval holds the limit.

use super::resample::{Drawn, Figure};
use super::{BINS, Settings};
use crate::num::f64_from_usize;
use crate::report::{MonitorFigures, MonitorGate, ShiftReport};
use crate::stats::{Interval, Level, multiple, proportion};

/// The answer of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// Within the limit, with evidence.
    Pass,
    /// Too few prompts to tell.
    Inconclusive,
    /// Beyond the limit, with evidence.
    Shifted,
}

impl GateVerdict {
    /// As in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Shifted => "shifted",
        }
    }
}

/// What is asked of a log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Highest population stability index of the score, and of the gap.
    pub max_psi: f64,
    /// Highest share of prompts sent to the fallback.
    pub max_fallback_share: Option<f64>,
    /// Least system accuracy to be expected.
    pub min_expected_accuracy: Option<f64>,
}

/// A side of a limit.
#[derive(Clone, Copy)]
enum Bound {
    Max(f64),
    Min(f64),
}

struct Asked {
    metric: &'static str,
    bound: Bound,
    value: Option<f64>,
    /// Interval at a level.
    interval: Box<dyn Fn(Level) -> Option<Interval>>,
    p_adjusted: Option<f64>,
    enough: Option<u64>,
}

/// Judges every gate. `calibration` is the number of its rows.
pub(super) fn judge(
    figures: &MonitorFigures,
    drawn: &Drawn,
    settings: &Settings,
    limits: &Limits,
    calibration: usize,
) -> Vec<MonitorGate> {
    let asked = asked(figures, drawn, limits, calibration);
    let count = f64_from_usize(asked.len());
    let own = Level::new(1.0 - 2.0 * settings.alpha);
    let joint = Level::new(1.0 - 2.0 * settings.alpha / count);
    asked
        .into_iter()
        .map(|gate| {
            let at = |level: Option<Level>| level.and_then(|l| (gate.interval)(l));
            let (own, joint) = (at(own), at(joint));
            let tested = gate.p_adjusted.is_none_or(|p| p < settings.alpha);
            let verdict = verdict(gate.bound, own, joint, tested);
            let inconclusive = verdict == GateVerdict::Inconclusive;
            let enough = gate.enough.filter(|n| inconclusive && *n > figures.n);
            let mut judged = MonitorGate {
                metric: gate.metric.into(),
                verdict,
                reason: String::new(),
                value: gate.value,
                lower: own.map(|i| i.lower),
                upper: own.map(|i| i.upper),
                max: match gate.bound {
                    Bound::Max(limit) => Some(limit),
                    Bound::Min(_) => None,
                },
                min: match gate.bound {
                    Bound::Min(limit) => Some(limit),
                    Bound::Max(_) => None,
                },
                n: figures.n,
                p_adjusted: gate.p_adjusted,
                enough,
            };
            judged.reason = super::words::reason(&judged);
            judged
        })
        .collect()
}

fn asked(figures: &MonitorFigures, drawn: &Drawn, limits: &Limits, calibration: usize) -> Vec<Asked> {
    let shifts: Vec<(&'static str, Figure, &ShiftReport)> = [
        Some(("psi.score", Figure::PsiScore, &figures.score)),
        figures.gap.as_ref().map(|gap| ("psi.gap", Figure::PsiGap, gap)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let p: Vec<f64> = shifts.iter().map(|(.., shift)| shift.p).collect();
    let mut asked: Vec<Asked> = shifts
        .iter()
        .zip(multiple::holm(&p))
        .map(|((metric, figure, shift), p)| Asked {
            metric,
            bound: Bound::Max(limits.max_psi),
            value: shift.psi.point,
            interval: intervals(drawn, *figure),
            p_adjusted: Some(p),
            enough: enough(limits.max_psi, calibration),
        })
        .collect();
    if let Some(limit) = limits.max_fallback_share {
        let share = figures.fallback_share.log;
        let n = share.n;
        let hits = crate::num::usize_from_f64((share.point.unwrap_or_default() * crate::num::f64_from_u64(n)).round());
        asked.push(Asked {
            metric: "fallback_share",
            bound: Bound::Max(limit),
            value: share.point,
            interval: Box::new(move |level| proportion::wilson(hits as u64, n, level)),
            p_adjusted: None,
            enough: None,
        });
    }
    if let Some(limit) = limits.min_expected_accuracy {
        asked.push(Asked {
            metric: "expected_accuracy",
            bound: Bound::Min(limit),
            value: figures.expected.accuracy.point,
            interval: intervals(drawn, Figure::Accuracy),
            p_adjusted: None,
            enough: None,
        });
    }
    asked
}

fn intervals(drawn: &Drawn, figure: Figure) -> Box<dyn Fn(Level) -> Option<Interval>> {
    let drawn = drawn.one(figure);
    Box::new(move |level| drawn.interval(level))
}

fn verdict(bound: Bound, own: Option<Interval>, joint: Option<Interval>, tested: bool) -> GateVerdict {
    let (Some(own), Some(joint)) = (own, joint) else {
        return GateVerdict::Inconclusive;
    };
    let (within, beyond) = match bound {
        Bound::Max(limit) => (own.upper <= limit, joint.lower > limit),
        Bound::Min(limit) => (own.lower >= limit, joint.upper < limit),
    };
    if within {
        GateVerdict::Pass
    } else if beyond && tested {
        GateVerdict::Shifted
    } else {
        GateVerdict::Inconclusive
    }
}

/// The log at which chance alone ([`by_chance`](super::by_chance)) gives a quarter of the limit: about where an unshifted log passes. `None` where the calibration
/// data is too small for that, however long the log.
fn enough(limit: f64, calibration: usize) -> Option<u64> {
    let left = 0.25 * limit / f64_from_usize(BINS - 1) - 1.0 / f64_from_usize(calibration);
    (left > 0.0).then(|| crate::num::usize_from_f64((1.0 / left).ceil()) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_by_its_cases() {
        let judge = |bound, lower, upper, tested| {
            let interval = Some(Interval::new(lower, upper));
            verdict(bound, interval, interval, tested)
        };
        let max = Bound::Max(0.2);
        assert_eq!(judge(max, 0.0, 0.1, false), GateVerdict::Pass);
        assert_eq!(judge(max, 0.3, 0.5, true), GateVerdict::Shifted);
        assert_eq!(judge(max, 0.3, 0.5, false), GateVerdict::Inconclusive);
        assert_eq!(judge(max, 0.1, 0.5, true), GateVerdict::Inconclusive);
        let min = Bound::Min(0.6);
        assert_eq!(judge(min, 0.6, 0.8, true), GateVerdict::Pass);
        assert_eq!(judge(min, 0.4, 0.5, true), GateVerdict::Shifted);
        assert_eq!(judge(min, 0.5, 0.7, true), GateVerdict::Inconclusive);
        assert_eq!(verdict(max, None, None, true), GateVerdict::Inconclusive);
    }

    #[test]
    fn enough_is_where_chance_gives_a_quarter_of_the_limit() {
        // 9 (1/n + 1/600) = 0.05 at n = 257.1…
        assert_eq!(enough(0.2, 600), Some(258));
        assert_eq!(enough(0.2, 100), None);
    }
}
