//! `routecal calibrate --certify` and `--max-joint-risk`: the certificate of a calibration, as a report.

use crate::Error;
use crate::calibrate::{
    self, CalibrateError, Candidate, Certification, Controlled, Goal, LEARNING_SHARE, RiskLimit, SweepRow, certify,
    control_split, distinct,
};
use crate::cli::args::CertificateArgs;
use crate::cli::session::Part;
use crate::dataset::folded;
use crate::evaluation::folded_examples;
use crate::num::f64_from_u64;
use crate::report::{
    CandidateReport, CertificateReport, CertificationReport, CertificationRows, CostReport, OperatingPoint,
    ShortfallReport, percentage,
};
use crate::routes::{Routes, Thresholds};

const INCONCLUSIVE: &str = "inconclusive";
const DEFAULT_CONFIDENCE: f64 = 0.95;
const DRAWN_LIKE: &str = "This holds for prompts drawn like the calibration prompts, routed by these routes and this \
                          encoder; it says nothing of other traffic.";

/// What the thresholds are to hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Promise {
    /// A limit on P(wrong | accepted), with confidence.
    Selective(RiskLimit),
    /// A limit on P(accepted and wrong), in expectation.
    Joint(f64),
}

impl Promise {
    /// What the flags ask for, if anything.
    pub(super) fn of(args: &CertificateArgs) -> Result<Option<Self>, CalibrateError> {
        if let Some(risk) = args.max_joint_risk {
            return Ok(Some(Self::Joint(calibrate::open("--max-joint-risk", risk)?)));
        }
        // clap sees to it that one does not come without the other.
        let Some(risk) = args.max_risk.filter(|_| args.certify) else {
            return Ok(None);
        };
        let confidence = args.confidence.unwrap_or(DEFAULT_CONFIDENCE);
        Ok(Some(Self::Selective(RiskLimit::new(risk, confidence)?)))
    }

    /// What is looked for without a certificate, to compare with.
    pub(super) fn goal(self) -> Goal {
        match self {
            Self::Selective(limit) => Goal::MaxCoverage { risk: limit.alpha() },
            Self::Joint(risk) => Goal::MaxJointCoverage { risk },
        }
    }

    /// Certifies thresholds on the distinct prompts of a split that are no route examples.
    pub(super) fn keep(self, seed: u64, part: &Part, routes: &Routes) -> Kept {
        let examples = folded_examples(routes);
        let all = calibrate::rows(&part.scores, &part.truths);
        let (prompts, rows): (Vec<&str>, Vec<SweepRow>) = part
            .rows
            .iter()
            .zip(all)
            .filter(|(row, _)| !examples.contains(&folded(&row.prompt)))
            .map(|(row, scored)| (row.prompt.as_str(), scored))
            .unzip();
        let own = distinct(seed, &prompts, &rows);
        let used = CertificationRows {
            used: own.rows.len() as u64,
            copies: own.copies,
            examples: (part.rows.len() - rows.len()) as u64,
            ordering: 0,
            testing: 0,
        };
        match self {
            Self::Selective(limit) => selective(&certify(&own.rows, routes.routes.len(), limit), limit, used),
            Self::Joint(alpha) => joint(control_split(&own.rows, alpha), alpha, used),
        }
    }
}

/// Certified thresholds, if any, and how they came about.
pub(super) struct Kept {
    pub(super) at: Option<Thresholds>,
    report: CertificationReport,
}

impl Kept {
    /// The report, with the coverage of the certified thresholds held against that of the uncertified choice.
    pub(super) fn report(
        self,
        certified: Option<&OperatingPoint>,
        uncertified: Option<OperatingPoint>,
    ) -> CertificationReport {
        let cost = certified.zip(uncertified.as_ref()).map(|(c, u)| CostReport::new(c, u));
        CertificationReport {
            uncertified,
            cost,
            ..self.report
        }
    }
}

/// Nothing certified is an answer too, but not the one that was asked for: exit code 4.
pub(super) fn verdict(report: Option<&CertificationReport>) -> Result<(), Error> {
    match report.and_then(|r| r.shortfall.as_ref()) {
        None => Ok(()),
        Some(shortfall) => Err(CalibrateError::NotCertified {
            why: shortfall.reason.clone(),
            advice: shortfall.advice.clone(),
        }
        .into()),
    }
}

fn verdict_name(certified: bool) -> String {
    if certified { "certified" } else { INCONCLUSIVE }.into()
}

fn selective(found: &Certification, limit: RiskLimit, rows: CertificationRows) -> Kept {
    let shortfall = found.chosen.is_none().then(|| selective_shortfall(found, limit, &rows));
    let guarantee = || {
        format!(
            "With confidence {} over the draw of the calibration prompts, at most {} of the accepted prompts are wrong. {DRAWN_LIKE}",
            percentage(limit.confidence()),
            percentage(limit.alpha()),
        )
    };
    Kept {
        at: found.chosen.map(|(candidate, _)| candidate.at),
        report: CertificationReport {
            kind: "selective-risk".into(),
            method: "learn-then-test, split fixed sequence, exact binomial".into(),
            verdict: verdict_name(found.chosen.is_some()),
            alpha: limit.alpha(),
            confidence: Some(limit.confidence()),
            delta: Some(limit.delta()),
            guarantee: found.chosen.is_some().then(guarantee),
            rows: CertificationRows {
                ordering: found.learning,
                testing: found.testing,
                ..rows
            },
            candidates: found.path,
            tested: found
                .tested
                .iter()
                .enumerate()
                .map(|(i, candidate)| CandidateReport::new(candidate, i < found.certified))
                .collect(),
            certificate: found
                .chosen
                .map(|(candidate, _)| CertificateReport::selective(&candidate, limit.delta())),
            uncertified: None,
            cost: None,
            shortfall,
        },
    }
}

fn selective_shortfall(found: &Certification, limit: RiskLimit, rows: &CertificationRows) -> ShortfallReport {
    let ask_less = "ask for less with --max-risk or --confidence";
    let Some(nearest) = found.nearest else {
        return ShortfallReport {
            nearest: None,
            accepted_needed: None,
            more_accepted: None,
            more_rows: None,
            reason: format!("{} calibration prompts leave none to test on", rows.used),
            advice: "label more calibration prompts".into(),
        };
    };
    let seen = if nearest.accepted == 0 {
        format!(
            "the nearest thresholds accept none of {} testing prompts",
            found.testing
        )
    } else {
        format!(
            "the nearest thresholds have {} of {} accepted testing prompts wrong",
            nearest.wrong, nearest.accepted
        )
    };
    let needed = found.accepted_needed(limit);
    let more = needed.map(|n| n.saturating_sub(nearest.accepted));
    let more_rows = more.and_then(|more| rows_for(more, &nearest, found.testing));
    let (reason, advice) = match (needed, more) {
        (Some(needed), Some(more)) => (
            if nearest.wrong == 0 {
                format!("{seen}; {needed} accepted ones without an error would do, {more} more")
            } else {
                format!("{seen}; at that rate {needed} accepted ones would do with about an even chance, {more} more")
            },
            format!(
                "label {}more calibration prompts of the same traffic, or {ask_less}",
                more_rows.map_or_else(String::new, |n| format!("about {n} "))
            ),
        ),
        _ => (
            format!(
                "{seen}, which is not clearly below {}: more prompts that are wrong as often would not do",
                percentage(limit.alpha())
            ),
            format!(
                "give the routes more and better examples (the mistakes of `routecal eval` show where), or {ask_less}"
            ),
        ),
    };
    ShortfallReport {
        nearest: Some(CandidateReport::new(&nearest, false)),
        accepted_needed: needed,
        more_accepted: more,
        more_rows,
        reason,
        advice,
    }
}

/// How many distinct prompts bring `more` accepted ones into the testing part, at the share that is accepted now.
fn rows_for(more: u64, nearest: &Candidate, testing: u64) -> Option<u64> {
    let share = calibrate::rate(nearest.accepted, testing).filter(|share| *share > 0.0)?;
    Some(whole(f64_from_u64(more) / share / (1.0 - LEARNING_SHARE)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of at most 10^9 over a share of at least 10^-9, rounded up"
)]
fn whole(count: f64) -> u64 {
    count.ceil() as u64
}

fn joint(found: Option<Controlled>, alpha: f64, rows: CertificationRows) -> Kept {
    let ordering = calibrate::learning(rows.used);
    let rows = CertificationRows {
        ordering,
        testing: rows.used - ordering,
        ..rows
    };
    Kept {
        at: found.map(|f| f.at),
        report: CertificationReport {
            kind: "joint-risk".into(),
            method: "conformal risk control".into(),
            verdict: verdict_name(found.is_some()),
            alpha,
            confidence: None,
            delta: None,
            guarantee: found.is_some().then(|| {
                format!(
                    "The next prompt is accepted and wrong with probability at most {}, in expectation over the draw of the \
                     calibration prompts: for this one draw the risk may be somewhat higher. {DRAWN_LIKE}",
                    percentage(alpha)
                )
            }),
            candidates: 0,
            tested: Vec::new(),
            certificate: found.as_ref().map(CertificateReport::joint),
            uncertified: None,
            cost: None,
            shortfall: found.is_none().then(|| joint_shortfall(alpha, &rows)),
            rows,
        },
    }
}

fn joint_shortfall(alpha: f64, rows: &CertificationRows) -> ShortfallReport {
    // 1 / (n + 1) ≤ alpha.
    let needed = whole(1.0 / alpha).saturating_sub(1);
    let too_few = rows.testing < needed;
    let more = whole(f64_from_u64(needed) / (1.0 - LEARNING_SHARE)).saturating_sub(rows.used);
    let (reason, advice) = if too_few {
        (
            format!(
                "(0 + 1) / ({} + 1) is above {} even where nothing is wrong: {needed} testing prompts are needed",
                rows.testing,
                percentage(alpha)
            ),
            format!("label about {more} more calibration prompts, or allow more with --max-joint-risk"),
        )
    } else {
        (
            "the prompts with the highest scores are wrong so often that none may be accepted".into(),
            "give the routes more and better examples, or allow more with --max-joint-risk".into(),
        )
    };
    ShortfallReport {
        nearest: None,
        accepted_needed: None,
        more_accepted: None,
        more_rows: too_few.then_some(more),
        reason,
        advice,
    }
}
