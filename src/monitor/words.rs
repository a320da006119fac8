//! Verdicts in sentences.

use super::GateVerdict;
use crate::report::{MonitorFigures, MonitorGate, MonitorVerdict, points, share};

/// A figure of a gate: an index with two decimals, a share in percent.
fn number(gate: &MonitorGate, value: Option<f64>) -> String {
    if gate.metric.starts_with("psi") {
        value.map_or_else(|| "n/a".into(), |v| format!("{v:.2}"))
    } else {
        share(value)
    }
}

/// `0.41 (0.32–0.55)`.
fn figure(gate: &MonitorGate) -> String {
    let interval = gate.lower.zip(gate.upper).map_or_else(String::new, |(lower, upper)| {
        let ends = [lower, upper].map(|end| number(gate, Some(end)));
        format!(" ({}–{})", ends[0].trim_end_matches(" %"), ends[1])
    });
    format!("{}{interval}", number(gate, gate.value))
}

fn limit(gate: &MonitorGate) -> String {
    number(gate, gate.max.or(gate.min))
}

/// What a gate is about.
fn name(gate: &MonitorGate) -> &'static str {
    match gate.metric.as_str() {
        "psi.score" => "stability index of the score",
        "psi.gap" => "stability index of the gap",
        "fallback_share" => "fallback share",
        _ => "expected accuracy",
    }
}

/// Why a gate answers as it does.
pub(super) fn reason(gate: &MonitorGate) -> String {
    let side = if gate.max.is_some() { "at most" } else { "at least" };
    match gate.verdict {
        GateVerdict::Pass => format!("{}: the whole interval is {side} {}", figure(gate), limit(gate)),
        GateVerdict::Shifted => format!("{}: the whole interval is beyond {}", figure(gate), limit(gate)),
        GateVerdict::Inconclusive => {
            let more = gate.enough.map_or_else(String::new, |n| {
                format!("; about {n} prompts would tell if nothing has shifted")
            });
            let why = if gate.lower.is_none() {
                "there is no interval".to_owned()
            } else if gate.lower.zip(gate.max).is_some_and(|(lower, max)| lower > max) {
                format!(
                    "the interval is beyond {}, but too few prompts rule out chance",
                    limit(gate)
                )
            } else {
                format!("the interval holds {}", limit(gate))
            };
            format!("{}: {why}{more}", figure(gate))
        }
    }
}

/// The verdict in a sentence, with what drives it.
pub(super) fn summary(verdict: MonitorVerdict, gates: &[MonitorGate], figures: &MonitorFigures) -> String {
    let of = |wanted: GateVerdict| {
        let parts: Vec<String> = gates
            .iter()
            .filter(|g| g.verdict == wanted)
            .map(|g| format!("{} {} (limit {})", name(g), figure(g), limit(g)))
            .collect();
        parts.join(", ")
    };
    let n = figures.n;
    match verdict {
        MonitorVerdict::Stable => format!("stable on {n} prompts: {}", of(GateVerdict::Pass)),
        MonitorVerdict::TooFew => format!("too few to tell on {n} prompts: {}", of(GateVerdict::Inconclusive)),
        MonitorVerdict::Shifted => format!(
            "shifted on {n} prompts: {}; {}",
            of(GateVerdict::Shifted),
            drivers(figures)
        ),
    }
}

/// Which way the score went, and the taker whose share moved most.
fn drivers(figures: &MonitorFigures) -> String {
    let median = figures.score.median;
    let moved = figures
        .route_mix
        .iter()
        .map(|r| (r.route.as_str(), &r.as_routed))
        .chain([("fallback", &figures.fallback_share)])
        .filter_map(|(name, both)| Some((name, both.log.point? - both.calibration.point?, both)))
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let mut text = format!("median score {:.3} against {:.3}", median.log, median.calibration);
    if let Some((name, difference, both)) = moved {
        text.push_str(&format!(
            ", {name} takes {} instead of {} ({} points)",
            share(both.log.point),
            share(both.calibration.point),
            points(difference)
        ));
    }
    text
}

/// What to do next.
pub(super) fn advice(verdict: MonitorVerdict, gates: &[MonitorGate]) -> String {
    match verdict {
        MonitorVerdict::Stable => "no need to recalibrate on this evidence".into(),
        MonitorVerdict::Shifted => {
            "recalibrate: label a random sample of this log, add it to the dataset, run routecal calibrate".into()
        }
        MonitorVerdict::TooFew => {
            let most = gates.iter().filter_map(|g| g.enough).max();
            most.map_or_else(
                || "take a longer log, or more calibration data, before deciding".into(),
                |n| format!("take a longer log before deciding: about {n} prompts would tell if nothing has shifted"),
            )
        }
    }
}
