//! `compare-encoders` as text.

use super::{number, shown, table};
use crate::report::{CompareReport, Estimate, points, share};
use crate::routes::Thresholds;

/// `compare-encoders` for people.
pub fn compare_text(report: &CompareReport) -> String {
    let mut out = format!(
        "{} prompts of split {} ({} out-of-domain), thresholds chosen on split {} for a selective risk of at most {}\n\n",
        report.n,
        shown(&report.test_split, 40),
        report.out_of_domain,
        shown(&report.calibration_split, 40),
        report.risk
    );
    let timed = report.contenders.iter().any(|c| c.prompts_per_second.is_some());
    let mut header = vec![
        "encoder",
        "scoring",
        "accuracy",
        "AUROC",
        "threshold",
        "gap",
        "coverage",
        "risk",
    ];
    if timed {
        header.push("prompts/s");
    }
    out.push_str(&table(
        &header,
        report.contenders.iter().map(|c| {
            let mut row = vec![
                shown(&c.encoder.label(), 32),
                c.scoring.clone(),
                with_interval(&c.forced_choice_accuracy),
                number(c.auroc.point, 3),
                number(c.chosen.map(Thresholds::threshold), 3),
                number(c.chosen.map(Thresholds::gap), 3),
                with_interval(&c.coverage),
                share(c.selective_risk.point),
            ];
            if timed {
                row.push(number(c.prompts_per_second, 0));
            }
            row
        }),
    ));
    let others = report
        .contenders
        .iter()
        .filter_map(|c| Some((c, c.versus_first.as_ref()?)));
    if others.clone().next().is_none() {
        return out;
    }
    out.push_str("\nagainst the first, in points, with 95 % intervals\n");
    out.push_str(&table(
        &[
            "encoder", "scoring", "won", "lost", "accuracy", "p (Holm)", "AUROC", "coverage",
        ],
        others.map(|(c, v)| {
            vec![
                shown(&c.encoder.label(), 32),
                c.scoring.clone(),
                v.won.to_string(),
                v.lost.to_string(),
                difference(&v.forced_choice_accuracy),
                format!("{:.4}", v.adjusted_p),
                difference(&v.auroc),
                difference(&v.coverage),
            ]
        }),
    ));
    out
}

fn with_interval(estimate: &Estimate) -> String {
    match (estimate.lower, estimate.upper) {
        (Some(lower), Some(upper)) => format!("{} ({:.1}–{:.1})", share(estimate.point), 100.0 * lower, 100.0 * upper),
        _ => share(estimate.point),
    }
}

fn difference(estimate: &Estimate) -> String {
    let Some(point) = estimate.point else {
        return "n/a".into();
    };
    match (estimate.lower, estimate.upper) {
        (Some(lower), Some(upper)) => format!("{} ({} to {})", points(point), points(lower), points(upper)),
        _ => points(point),
    }
}
