//! The router at every threshold, as reported.

use super::{CostBasis, THOUSAND, corners};
use crate::num::{f64_from_u64, f64_from_usize};
use crate::replay::frontier::{Point, hull};
use crate::replay::matrix::Complete;
use crate::replay::policies::{Routing, Sweep, SweepPoint};
use crate::report::{CostAtReport, CptReport, Estimate, SweepPointReport, SweepReport};

/// Shares of the gap for which a call-performance threshold is given.
pub(super) const CPT: [f64; 3] = [0.2, 0.5, 0.8];
/// Shares of the strong model's quality for which a cost is given.
pub(super) const SHARES: [f64; 3] = [0.95, 0.98, 1.0];
/// Thresholds in a report.
const SHOWN: usize = 50;

/// Figures of the whole sweep, ready to be reported.
pub(super) struct Whole {
    pub(super) routing_gap: f64,
    pub(super) n: usize,
    pub(super) strong_quality: f64,
    pub(super) range: Option<(f64, f64)>,
    pub(super) apgr: Estimate,
    pub(super) aiq: Estimate,
    pub(super) aiq_zero_router: Estimate,
    pub(super) cpt: [Estimate; CPT.len()],
    pub(super) cost_at: [Estimate; SHARES.len()],
}

/// The router at one threshold, for a table of all of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SweepRow {
    /// Least score accepted; infinite where nothing is.
    pub threshold: f64,
    /// Share of prompts accepted.
    pub accepted: f64,
    /// Mean quality and dollars a prompt.
    pub point: Point,
    /// Whether it is a corner of the router's hull.
    pub on_hull: bool,
}

/// The router at every threshold, from the strictest down. O(n log n).
pub fn sweep_rows(complete: &Complete, routing: &Routing, basis: CostBasis) -> Vec<SweepRow> {
    let sweep = routing.sweep(complete, basis.of(complete));
    rows(&sweep.all(), complete.n())
}

fn rows(points: &[SweepPoint], n: usize) -> Vec<SweepRow> {
    let corners = hull(&points.iter().map(|p| p.point).collect::<Vec<_>>());
    points
        .iter()
        .map(|p| SweepRow {
            threshold: p.threshold,
            accepted: f64_from_u64(p.accepted) / f64_from_usize(n),
            point: p.point,
            on_hull: corners.contains(&p.point),
        })
        .collect()
}

pub(super) fn report(sweep: &Sweep<'_>, whole: &Whole) -> SweepReport {
    let points = sweep.all();
    let rows = rows(&points, whole.n);
    let all: Vec<Point> = points.iter().map(|p| p.point).collect();
    SweepReport {
        gap: whole.routing_gap,
        thresholds: rows.len() as u64,
        points: thinned(&rows)
            .into_iter()
            .map(|row| SweepPointReport {
                threshold: row.threshold.is_finite().then_some(row.threshold),
                accepted: row.accepted,
                quality: row.point.quality,
                usd_per_1k: row.point.cost * THOUSAND,
                on_hull: row.on_hull,
            })
            .collect(),
        hull: corners(&hull(&all)),
        apgr: whole.apgr,
        aiq: whole.aiq,
        aiq_zero_router: whole.aiq_zero_router,
        aiq_range: whole.range.map(|(low, high)| [low * THOUSAND, high * THOUSAND]),
        cpt: CPT
            .iter()
            .zip(whole.cpt)
            .map(|(pgr, normalised_cost)| CptReport {
                pgr: *pgr,
                normalised_cost,
            })
            .collect(),
        cost_at_quality: SHARES
            .iter()
            .zip(whole.cost_at)
            .map(|(share, usd_per_1k)| CostAtReport {
                share: *share,
                quality: share * whole.strong_quality,
                usd_per_1k,
            })
            .collect(),
    }
}

/// Up to [`SHOWN`] rows at even distances; the corners of the hull go first.
fn thinned(rows: &[SweepRow]) -> Vec<SweepRow> {
    let mut kept: Vec<usize> = (0..rows.len()).filter(|i| rows[*i].on_hull).take(SHOWN).collect();
    let room = SHOWN - kept.len();
    if room > 1 && !rows.is_empty() {
        kept.extend((0..room).map(|i| i * (rows.len() - 1) / (room - 1)));
    }
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|i| rows[i]).collect()
}
