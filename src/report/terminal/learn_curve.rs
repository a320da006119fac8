//! `learn-curve` as text.

use super::{number, shown, table};
use crate::report::{BandReport, LearnCurveReport, share};

/// `learn-curve` for people.
pub fn learn_curve_text(report: &LearnCurveReport) -> String {
    let mut out = format!(
        "{} draws of examples a route from the routes file and split {}, judged on {} in-domain and {} out-of-domain prompts of split {}\n\n",
        report.draws,
        shown(&report.pool_split, 40),
        report.n,
        report.out_of_domain,
        shown(&report.test_split, 40)
    );
    out.push_str(&table(
        &[
            "examples a route",
            "accuracy",
            "9 draws in 10",
            "worst",
            "AUROC",
            "9 draws in 10",
            "short routes",
        ],
        report.points.iter().map(|p| {
            vec![
                p.examples.to_string(),
                share(p.accuracy.map(|b| b.mean)),
                range(p.accuracy),
                share(p.accuracy.map(|b| b.min)),
                number(p.auroc.map(|b| b.mean), 3),
                p.auroc
                    .map_or_else(|| "n/a".into(), |b| format!("{:.3}–{:.3}", b.lower, b.upper)),
                p.short_routes.to_string(),
            ]
        }),
    ));
    let current = &report.current;
    let interval = current.accuracy.interval().map_or_else(String::new, |i| {
        format!(" ({:.1}–{:.1})", 100.0 * i.lower, 100.0 * i.upper)
    });
    out.push_str(&format!(
        "\nthe routes as they are, {} to {} examples: accuracy {}{interval}, AUROC {}\n",
        current.least_examples,
        current.most_examples,
        share(current.accuracy.point),
        number(current.auroc, 3)
    ));
    if let (Some(enough), Some(most)) = (report.enough, report.points.last()) {
        out.push_str(&if enough < most.examples {
            format!("{enough} examples a route come within a point of {}\n", most.examples)
        } else {
            format!("no smaller number comes within a point of {enough}\n")
        });
    }
    out
}

fn range(band: Option<BandReport>) -> String {
    band.map_or_else(
        || "n/a".into(),
        |b| format!("{:.1}–{:.1} %", 100.0 * b.lower, 100.0 * b.upper),
    )
}
