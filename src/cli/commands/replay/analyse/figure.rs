//! The frontier as a picture.

use crate::Error;
use crate::cli::commands::figures::Pictures;
use crate::plot::{FrontierFigure, FrontierMark};
use crate::replay::analysis::SweepRow;
use crate::report::{CornerReport, PolicyReport, ReplayReport};

/// What stands for a policy that always asks one model.
const ALWAYS: &str = "always:";

pub(super) fn draw(report: &ReplayReport, sweep: &[SweepRow], pictures: &mut Pictures<'_>) -> Result<(), Error> {
    pictures.draw("frontier", &figure(report, sweep))
}

fn figure(report: &ReplayReport, sweep: &[SweepRow]) -> FrontierFigure {
    let corner = |c: &CornerReport| (c.usd_per_1k, c.quality);
    let mark = |p: &PolicyReport, name: &str| {
        Some(FrontierMark {
            name: name.to_owned(),
            cost: p.usd_per_1k.point?,
            quality: p.quality.point?,
        })
    };
    let anchors = [&report.anchors.strong, &report.anchors.weak];
    let mut models: Vec<&PolicyReport> = report.policies.iter().filter(|p| p.name.starts_with(ALWAYS)).collect();
    // The anchors first: they keep their names where there are too many models to name.
    models.sort_by_key(|p| {
        anchors
            .iter()
            .position(|a| p.name[ALWAYS.len()..] == ***a)
            .unwrap_or(anchors.len())
    });
    let named = [
        ("routed", "routed, as set"),
        ("shuffle", "its mix, shuffled"),
        ("best-per-category", "best per category †"),
        ("oracle", "oracle †"),
    ];
    let found = |name: &str| report.policies.iter().find(|p| p.name == name);
    let end =
        |model: &str| found(&format!("{ALWAYS}{model}")).and_then(|p| Some((p.usd_per_1k.point?, p.quality.point?)));
    let mix = match (end(&report.anchors.weak), end(&report.anchors.strong)) {
        (Some(weak), Some(strong)) if !report.anchors.dominated && report.zero_router.len() > 2 => Some([weak, strong]),
        _ => None,
    };
    FrontierFigure {
        models: models.iter().filter_map(|p| mark(p, &p.name[ALWAYS.len()..])).collect(),
        zero_router: report.zero_router.iter().map(corner).collect(),
        mix,
        curve: sweep
            .iter()
            .map(|row| (row.point.cost * 1000.0, row.point.quality))
            .collect(),
        hull: report.sweep.iter().flat_map(|s| s.hull.iter().map(corner)).collect(),
        marks: named
            .iter()
            .filter_map(|(name, shown)| mark(found(name)?, shown))
            .collect(),
        wanted: None,
        split: None,
        n: report.n,
        footnote: footnote(report),
    }
}

fn footnote(report: &ReplayReport) -> String {
    let mut text = "† knows the answers: a bound.".to_owned();
    if report.provenance.cost == "list" {
        text.push_str(" Costs at list price, no token from a cache.");
    }
    if report.usage_sources.get("estimated").copied().unwrap_or_default() > 0 {
        text.push_str(" Token counts are estimated.");
    }
    text
}
