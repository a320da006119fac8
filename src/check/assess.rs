//! A baseline, a candidate and gates to the document of a check.

use super::comparison::{Comparison, Hits, Settings, compare, design};
use super::pairing::{Outcome, Pair, PromptOutcome, TodayRow};
use super::verdict::{Terms, Verdict, judge};
use super::{Baseline, BaselineThresholds, CheckError, Direction, Gate, Metric, Unpaired, pair, prompt_key};
use crate::metrics::Rate;
use crate::report::{
    BaselineReport, CheckCandidate, CheckReport, CheckSettings, CheckVerdict, ComparisonReport, DecisionReport,
    EncoderReport, Estimate, Flip, FlipKind, FlipsReport, GateReport, LimitsReport, ListedPrompt, PromptList,
    Provenance, REPORT_VERSION, points, share,
};
use crate::stats::Level;
use crate::stats::multiple::holm;
use crate::stats::proportion::wilson;

/// Prompts in a list of those that are not compared.
const LISTED: usize = 10;
/// Flipped prompts in the document.
const FLIPS: usize = 200;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Name of the baseline's file.
    pub file: &'a str,
    /// The baseline.
    pub baseline: &'a Baseline,
    /// Level and resamples.
    pub settings: Settings,
    /// Margin of the gates that state none.
    pub margin: f64,
    /// What an inconclusive check counts as: `exit-4`, `pass` or `fail`.
    pub inconclusive: &'a str,
}

/// What is judged.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// What made it.
    pub provenance: Provenance,
    /// Split of the rows.
    pub split: &'a str,
    /// The thresholds that decided.
    pub thresholds: BaselineThresholds,
    /// The rows.
    pub rows: Vec<TodayRow<'a>>,
}

/// The document of a check that ends at the encoder.
pub fn encoder_changed(request: &Request<'_>, encoder: EncoderReport) -> CheckReport {
    frame(request, encoder, CheckVerdict::EncoderChanged)
}

fn frame(request: &Request<'_>, encoder: EncoderReport, verdict: CheckVerdict) -> CheckReport {
    let baseline = request.baseline;
    CheckReport {
        kind: "check".into(),
        schema_version: REPORT_VERSION,
        verdict,
        exit_code: match (verdict, request.inconclusive) {
            (CheckVerdict::Pass, _) | (CheckVerdict::Inconclusive, "pass") => 0,
            (CheckVerdict::Inconclusive, "exit-4") => 4,
            _ => 1,
        },
        settings: CheckSettings {
            alpha: request.settings.alpha,
            margin: request.margin,
            resamples: request.settings.resamples,
            seed: request.settings.seed,
            inconclusive: request.inconclusive.into(),
        },
        baseline: BaselineReport {
            file: request.file.into(),
            content_sha256: baseline.content_sha256.clone(),
            provenance: baseline.provenance.clone(),
            split: baseline.split.clone(),
            thresholds: baseline.thresholds.clone(),
            prompts: baseline.prompts.len() as u64,
        },
        encoder,
        candidate: None,
        gates: Vec::new(),
        flips: FlipsReport::default(),
    }
}

/// Judges the candidate by the gates. The encoder has been looked at before.
///
/// # Errors
/// [`CheckError::NothingPaired`] where the two have no prompt in common.
pub fn assess(
    request: &Request<'_>,
    encoder: EncoderReport,
    candidate: Candidate<'_>,
    gates: &[(Metric, Gate)],
) -> Result<CheckReport, CheckError> {
    let baseline = request.baseline;
    let same_router = candidate.provenance.encoder == baseline.provenance.encoder
        && candidate.provenance.routes_sha256 == baseline.provenance.routes_sha256
        && candidate.thresholds == baseline.thresholds;
    // On all rows, copies included, as `eval` counts them.
    let figures: Vec<Rate> = (gates.iter())
        .map(|(metric, _)| Rate::of(candidate.rows.iter().filter_map(|r| metric.hit(r.label, &r.outcome))))
        .collect();
    let rows = candidate.rows.len() as u64;
    let pairing = pair(baseline, candidate.rows, same_router);
    if pairing.pairs.is_empty() {
        let sides = Unpaired {
            file: request.file.into(),
            baseline: baseline.prompts.len() as u64,
            dataset: candidate.provenance.dataset.source.clone(),
            split: candidate.split.into(),
            today: pairing.today,
            made_from: baseline.provenance.dataset.source.clone(),
            made_split: baseline.split.clone(),
        };
        return Err(CheckError::NothingPaired(Box::new(sides)));
    }
    let unchanged = same_router && !pairing.pairs.iter().any(Pair::flipped);
    let gates = judged(request, &pairing.pairs, gates, &figures, unchanged);
    let worst = gates.iter().map(|g| g.verdict).max().unwrap_or(Verdict::Pass);
    let verdict = match worst {
        Verdict::Pass => CheckVerdict::Pass,
        Verdict::Inconclusive => CheckVerdict::Inconclusive,
        Verdict::Regressed | Verdict::Missed => CheckVerdict::Regressed,
    };
    Ok(CheckReport {
        candidate: Some(CheckCandidate {
            provenance: candidate.provenance,
            split: candidate.split.into(),
            thresholds: candidate.thresholds,
            same_router,
            unchanged,
            rows,
            prompts: pairing.today,
            paired: pairing.pairs.len() as u64,
            noise: pairing.noise,
            added: list(&pairing.added, |row| listed(row, None)),
            removed: list(&pairing.removed, gone),
            relabelled: list(&pairing.relabelled, |(row, former)| listed(row, Some(former))),
        }),
        gates,
        flips: flips(&pairing.pairs),
        ..frame(request, encoder, verdict)
    })
}

fn list<T>(all: &[T], shape: impl Fn(&T) -> ListedPrompt) -> PromptList {
    PromptList {
        n: all.len() as u64,
        first: all.iter().take(LISTED).map(shape).collect(),
    }
}

fn listed(row: &TodayRow<'_>, former: Option<&String>) -> ListedPrompt {
    ListedPrompt {
        line: Some(row.line),
        prompt: Some(row.prompt.to_owned()),
        prompt_hash: prompt_key(row.prompt),
        label: row.label.to_owned(),
        former_label: former.cloned(),
    }
}

fn gone(entry: &PromptOutcome) -> ListedPrompt {
    ListedPrompt {
        line: None,
        prompt: None,
        prompt_hash: entry.prompt.clone(),
        label: entry.label.clone(),
        former_label: None,
    }
}

/// Every gate, compared where it asks for it.
fn judged(
    request: &Request<'_>,
    pairs: &[Pair<'_>],
    gates: &[(Metric, Gate)],
    figures: &[Rate],
    unchanged: bool,
) -> Vec<GateReport> {
    let asked: Vec<(&Metric, Option<f64>)> = gates.iter().map(|(m, g)| (m, g.margin(request.margin))).collect();
    let hits: Vec<(Direction, Vec<Hits>)> = (asked.iter())
        .filter(|(_, margin)| margin.is_some())
        .map(|(metric, _)| {
            let of = |p: &Pair<'_>| {
                (
                    metric.hit(p.row.label, &p.before),
                    metric.hit(p.row.label, &p.row.outcome),
                )
            };
            (metric.direction(), pairs.iter().map(of).collect())
        })
        .collect();
    let settings = Settings {
        // Nothing changed: there is nothing to resample.
        resamples: if unchanged { 0 } else { request.settings.resamples },
        ..request.settings
    };
    let design = design(pairs.iter().map(|p| (p.row.label, p.key.as_str())));
    let compared = compare(&design, &hits, &settings);
    let mut adjusted = adjusted(&compared).into_iter();
    let count = compared.len();
    let mut compared = compared.into_iter();
    (asked.iter().zip(gates).zip(figures))
        .map(|(((metric, margin), (_, gate)), figure)| {
            let comparison = margin.and_then(|margin| {
                let found = compared.next()?;
                let p_adjusted = adjusted.next()?;
                let terms = Terms {
                    margin,
                    alpha: request.settings.alpha,
                    gates: count,
                    p_adjusted: p_adjusted.unwrap_or(1.0),
                };
                Some(comparison(&found, &terms, p_adjusted, unchanged))
            });
            gate_report(metric, gate, *figure, comparison, unchanged)
        })
        .collect()
}

/// Holm's adjustment over the one-sided figures; the two-sided ones are judged by their intervals.
fn adjusted(compared: &[Comparison]) -> Vec<Option<f64>> {
    let one_sided = |c: &&Comparison| c.direction() != Direction::TwoSided;
    let p: Vec<f64> = compared.iter().filter(one_sided).map(|c| c.p).collect();
    let mut adjusted = holm(&p).into_iter();
    compared
        .iter()
        .map(|c| one_sided(&c).then(|| adjusted.next()).flatten())
        .collect()
}

fn comparison(found: &Comparison, terms: &Terms, p_adjusted: Option<f64>, unchanged: bool) -> ComparisonReport {
    let judged = judge(found, terms);
    let defined = found.difference().is_some();
    let inferred = !unchanged;
    ComparisonReport {
        verdict: if unchanged && defined {
            Verdict::Pass
        } else {
            judged.verdict
        },
        margin: terms.margin,
        n: found.n,
        baseline: found.before.value(),
        candidate: found.after.value(),
        difference: found.difference(),
        lower: judged.interval.filter(|_| inferred).map(|i| i.lower),
        upper: judged.interval.filter(|_| inferred).map(|i| i.upper),
        fewer: found.fewer,
        more: found.more,
        p: found.p,
        p_adjusted,
        detectable: judged.detectable.filter(|_| inferred),
    }
}

fn gate_report(
    metric: &Metric,
    gate: &Gate,
    figure: Rate,
    comparison: Option<ComparisonReport>,
    unchanged: bool,
) -> GateReport {
    let interval = wilson(figure.k(), figure.n(), Level::P95);
    let limits = (gate.min.is_some() || gate.max.is_some()).then(|| LimitsReport {
        min: gate.min,
        max: gate.max,
        met: figure.value().is_some_and(|value| gate.met(value)),
        close: interval.is_some_and(|i| [gate.min, gate.max].into_iter().flatten().any(|l| i.contains(l))),
    });
    let missed = limits.as_ref().is_some_and(|l| !l.met);
    let compared = comparison.as_ref().map_or(Verdict::Pass, |c| c.verdict);
    let sentences: Vec<String> = (limits.iter().map(|l| limits_reason(metric, l, figure)))
        .chain(comparison.iter().map(|c| comparison_reason(metric, c, unchanged)))
        .collect();
    GateReport {
        metric: metric.to_string(),
        verdict: if missed { Verdict::Missed } else { compared },
        reason: sentences.join("; "),
        figure: Estimate {
            point: figure.value(),
            lower: interval.map(|i| i.lower),
            upper: interval.map(|i| i.upper),
            n: figure.n(),
        },
        limits,
        comparison,
    }
}

fn limits_reason(metric: &Metric, limits: &LimitsReport, figure: Rate) -> String {
    let Some(value) = figure.value() else {
        return format!("no {}, so there is no figure to hold against the limit", metric.under());
    };
    let close = if limits.close {
        ", and the interval holds the limit"
    } else {
        ""
    };
    // More digits than elsewhere: 59.96 % is below 60 %.
    let shown = |x: f64| format!("{} %", (1e4 * x).round() / 100.0);
    match (limits.min, limits.max) {
        (Some(min), _) if value < min => format!("{} is below {}{close}", shown(value), shown(min)),
        (_, Some(max)) if value > max => format!("{} is above {}{close}", shown(value), shown(max)),
        _ => format!("{} is within the limits{close}", shown(value)),
    }
}

fn comparison_reason(metric: &Metric, c: &ComparisonReport, unchanged: bool) -> String {
    let (Some(before), Some(after), Some(difference)) = (c.baseline, c.candidate, c.difference) else {
        return format!("no {} before or after, so there is nothing to compare", metric.under());
    };
    if unchanged {
        return format!("{}, nothing changed", share(Some(after)));
    }
    let mut text = format!(
        "{} to {}, {} points",
        share(Some(before)),
        share(Some(after)),
        points(difference)
    );
    if let (Some(lower), Some(upper)) = (c.lower, c.upper) {
        text.push_str(&format!(" ({} to {})", points(lower), points(upper)));
    }
    match c.verdict {
        Verdict::Inconclusive => {
            let could = c.detectable.map_or_else(
                || "no change would have been seen".into(),
                |d| format!("only a change of {:.1} points would have been seen", 100.0 * d),
            );
            text.push_str(&format!("; with {} {} {could}", c.n, metric.under()));
        }
        Verdict::Regressed => {
            if let Some(p) = c.p_adjusted {
                text.push_str(&format!(", p = {p:.2e}"));
            }
        }
        Verdict::Pass | Verdict::Missed => {}
    }
    text
}

fn flips(pairs: &[Pair<'_>]) -> FlipsReport {
    let kind = |p: &Pair<'_>| match p.rights() {
        (true, false) => FlipKind::Lost,
        (false, true) => FlipKind::Won,
        _ => FlipKind::Neutral,
    };
    let mut flipped: Vec<(FlipKind, &Pair<'_>)> = pairs.iter().filter(|p| p.flipped()).map(|p| (kind(p), p)).collect();
    // A stable sort: equals stay in the order of the dataset.
    flipped.sort_by(|(a, p), (b, q)| a.cmp(b).then(q.row.outcome.score.total_cmp(&p.row.outcome.score)));
    let count = |wanted: FlipKind| flipped.iter().filter(|(kind, _)| *kind == wanted).count() as u64;
    FlipsReport {
        n: flipped.len() as u64,
        lost: count(FlipKind::Lost),
        won: count(FlipKind::Won),
        listed: (flipped.iter().take(FLIPS))
            .map(|(kind, p)| Flip {
                line: p.row.line,
                prompt: p.row.prompt.to_owned(),
                label: p.row.label.to_owned(),
                kind: *kind,
                before: decision(&p.before),
                after: decision(&p.row.outcome),
            })
            .collect(),
    }
}

fn decision(outcome: &Outcome) -> DecisionReport {
    DecisionReport {
        decision: outcome.decision().to_owned(),
        reason: outcome.reason,
        best: outcome.best.clone(),
        score: outcome.score,
        gap: outcome.gap,
    }
}
