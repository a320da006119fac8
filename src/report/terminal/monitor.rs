//! `monitor` as text.

use std::fmt::Write as _;

use super::{left_table, number, percent, percent_interval, shown, table};
use crate::monitor::{GateVerdict, KsMethod};
use crate::report::{
    BothSides, Estimate, MonitorReport, MonitorSource, MonitorVerdict, PeriodReport, ScoreOrigin, ShiftReport, points,
    share,
};

/// Routes shown; the document has all.
const ROUTES_SHOWN: usize = 20;

/// `monitor` for people.
pub fn monitor_text(report: &MonitorReport) -> String {
    let mut out = format!("{}\n{}\n\n", shown(&report.summary, 600), report.advice);
    let _ = writeln!(out, "log          {}", source(&report.log));
    let _ = writeln!(
        out,
        "calibration  {}, split {}",
        source(&report.calibration),
        shown(&report.split, 40)
    );
    let _ = writeln!(
        out,
        "threshold {}, gap {}{}",
        report.thresholds.threshold,
        report.thresholds.gap,
        if report.thresholds.by_route.is_empty() {
            ""
        } else {
            "; some routes have their own"
        }
    );
    out.push('\n');
    out.push_str(&gates(report));
    out.push('\n');
    out.push_str(&mix(report));
    out.push('\n');
    out.push_str(&shifts(report));
    expected(report, &mut out);
    if let Some(periods) = &report.periods {
        out.push('\n');
        out.push_str(&by_period(periods));
    }
    let _ = writeln!(out, "\nverdict: {}", meaning(report));
    out
}

fn source(side: &MonitorSource) -> String {
    let distinct = side
        .distinct
        .filter(|d| *d < side.rows)
        .map_or_else(String::new, |d| format!(" ({d} distinct)"));
    let scores = match side.scores {
        ScoreOrigin::Computed => "",
        ScoreOrigin::File => ", scores as in the file",
    };
    format!("{}: {} rows{distinct}{scores}", shown(&side.source, 80), side.rows)
}

fn meaning(report: &MonitorReport) -> &'static str {
    match (report.verdict, report.exit_code) {
        (MonitorVerdict::Stable, _) => "stable",
        (MonitorVerdict::Shifted, _) => "shifted",
        (MonitorVerdict::TooFew, 0) => "too few to tell, which counts as a pass here",
        (MonitorVerdict::TooFew, 1) => "too few to tell, which counts as a failure here",
        (MonitorVerdict::TooFew, _) => "too few to tell",
    }
}

fn gates(report: &MonitorReport) -> String {
    let level = 100.0 * (1.0 - 2.0 * report.settings.alpha);
    let interval = format!("with its {level:.0} % interval");
    left_table(
        &["gate", "verdict", "limit", &interval],
        report.gates.iter().map(|gate| {
            let psi = gate.metric.starts_with("psi");
            let shown_value = |v: f64| if psi { format!("{v}") } else { share(Some(v)) };
            let limit = match (gate.max, gate.min) {
                (Some(max), _) => format!("≤ {}", shown_value(max)),
                (None, Some(min)) => format!("≥ {}", shown_value(min)),
                (None, None) => String::new(),
            };
            let mark = match gate.verdict {
                GateVerdict::Inconclusive => "inconclusive",
                other => other.name(),
            };
            vec![gate.metric.clone(), mark.into(), limit, gate.reason.clone()]
        }),
    )
}

fn mix(report: &MonitorReport) -> String {
    let figures = &report.figures;
    let row = |name: String, routed: &BothSides, best: Option<&BothSides>| {
        let difference =
            (routed.log.point.zip(routed.calibration.point)).map_or_else(String::new, |(a, b)| points(a - b));
        vec![
            name,
            percent(&routed.calibration),
            percent(&routed.log),
            percent_interval(&routed.log),
            difference,
            best.map_or_else(String::new, |b| percent(&b.calibration)),
            best.map_or_else(String::new, |b| percent(&b.log)),
        ]
    };
    let routes = figures
        .route_mix
        .iter()
        .take(ROUTES_SHOWN)
        .map(|r| row(shown(&r.route, 40), &r.as_routed, Some(&r.best)));
    let mut out = table(
        &[
            "taken by",
            "calibration",
            "log",
            "95 % interval",
            "points",
            "best: calibration",
            "log",
        ],
        routes.chain([row("fallback".into(), &figures.fallback_share, None)]),
    );
    if figures.route_mix.len() > ROUTES_SHOWN {
        let _ = writeln!(
            out,
            "… and {} routes more, in monitor.json",
            figures.route_mix.len() - ROUTES_SHOWN
        );
    }
    let _ = writeln!(
        out,
        "stability index of this mix: {} ({} by chance alone)",
        index(&figures.route_mix_psi),
        number(figures.route_mix_psi_by_chance, 3)
    );
    out
}

fn index(estimate: &Estimate) -> String {
    let interval = estimate
        .interval()
        .map_or_else(String::new, |i| format!(" ({:.3}–{:.3})", i.lower, i.upper));
    format!("{}{interval}", number(estimate.point, 3))
}

fn p_value(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".into() } else { format!("{p:.4}") }
}

fn shifts(report: &MonitorReport) -> String {
    let figures = &report.figures;
    let row = |name: &str, shift: &ShiftReport| {
        vec![
            name.into(),
            format!("{:.3}", shift.median.calibration),
            format!("{:.3}", shift.median.log),
            index(&shift.ks),
            p_value(shift.p),
            index(&shift.psi),
            number(shift.psi_by_chance, 3),
        ]
    };
    let rows = std::iter::once(row("score", &figures.score)).chain(figures.gap.iter().map(|gap| row("gap", gap)));
    let mut out = table(
        &[
            "shift of",
            "median then",
            "now",
            "KS distance",
            "p",
            "stability index",
            "by chance",
        ],
        rows,
    );
    let method = match figures.score.p_method {
        KsMethod::Exact => "exact",
        KsMethod::Asymptotic => "asymptotic",
    };
    let _ = writeln!(
        out,
        "n = {} against {}; p-values are {method}; intervals 95 %, bootstrap",
        figures.n, report.calibration.rows
    );
    let outside = figures.outside;
    if outside.below + outside.above > 0 {
        let _ = writeln!(
            out,
            "outside the calibration scores ({:.3} to {:.3}): {} below, {} above; nothing is known of how right these are",
            outside.lowest, outside.highest, outside.below, outside.above
        );
    }
    out
}

fn expected(report: &MonitorReport, out: &mut String) {
    let expected = &report.figures.expected;
    let with = |estimate: &Estimate| {
        let interval = percent_interval(estimate);
        if interval.is_empty() {
            percent(estimate)
        } else {
            format!("{} ({interval})", percent(estimate))
        }
    };
    let _ = writeln!(
        out,
        "\nexpected system accuracy {}, in the calibration data {}; of accepted prompts {}",
        with(&expected.accuracy),
        with(&expected.calibration_accuracy),
        with(&expected.selective_accuracy),
    );
    let _ = writeln!(out, "  {}", expected.assumption);
    let _ = writeln!(
        out,
        "  effective sample size {:.0} of {} calibration rows{}",
        expected.effective_sample_size,
        report.calibration.rows,
        if expected.in_sample {
            "; in sample: these rows may have chosen the thresholds, so all of it is flattering"
        } else {
            ""
        }
    );
}

fn by_period(periods: &[PeriodReport]) -> String {
    table(
        &[
            "from (UTC)",
            "n",
            "fallback",
            "KS",
            "p",
            "score index",
            "by chance",
            "gap index",
            "expected accuracy*",
        ],
        periods.iter().map(|p| {
            vec![
                p.from.clone(),
                p.n.to_string(),
                percent(&p.fallback_share),
                number(p.ks.point, 3),
                p_value(p.ks_p),
                index(&p.psi_score),
                number(p.psi_by_chance, 3),
                p.psi_gap.as_ref().map_or_else(|| "n/a".into(), |e| number(e.point, 3)),
                super::percent_with_interval(&p.expected_accuracy),
            ]
        }),
    ) + "* on the assumption above; p-values are not adjusted for the number of rows\n"
}
