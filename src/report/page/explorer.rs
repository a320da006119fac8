//! What a marker on the map and on the curve reads: the counts of the sweep's table, on the rows that chose.
//!
//! Only of the calibration split: whoever moved the marker to where the test split looks best would choose on the test split.

use std::collections::HashMap;

use serde::Serialize;

use crate::report::folder::SweepLine;
use crate::report::{CalibrationReport, OperatingPoint, SplitFigures};

/// A grid of points with their counts: `accepted[i * gaps.len() + j]` is at `thresholds[i]`, `gaps[j]`.
#[derive(Debug, PartialEq, Serialize)]
pub(in crate::report) struct Explorer {
    split: String,
    n: u64,
    out_of_domain: u64,
    thresholds: Vec<f64>,
    gaps: Vec<f64>,
    accepted: Vec<u64>,
    right: Vec<u64>,
    /// Accepted and out-of-domain.
    strange: Vec<u64>,
    /// Mean price of a prompt; empty where no prices are known.
    price: Vec<f64>,
    marks: Vec<Mark>,
}

/// A named point of the grid.
#[derive(Debug, PartialEq, Serialize)]
struct Mark {
    name: &'static str,
    /// Place of its threshold on the grid.
    i: usize,
    /// Place of its gap.
    j: usize,
}

impl Explorer {
    /// The table of `lines`; `None` where it is no whole grid, or its counts are not those of the report.
    pub(super) fn new(report: &CalibrationReport, lines: &[SweepLine]) -> Option<Self> {
        let split = &report.calibration.split;
        let own: Vec<&SweepLine> = lines.iter().filter(|line| line.split == *split).collect();
        let axis = |of: fn(&SweepLine) -> f64| {
            let mut values: Vec<f64> = own.iter().map(|line| of(line)).collect();
            values.sort_by(f64::total_cmp);
            values.dedup();
            values
        };
        let (thresholds, gaps) = (axis(|l| l.threshold), axis(|l| l.gap));
        // Written with six decimals: equal numbers have equal bits.
        let at = |threshold: f64, gap: f64| (threshold.to_bits(), gap.to_bits());
        let places: HashMap<(u64, u64), &SweepLine> = own.iter().map(|l| (at(l.threshold, l.gap), *l)).collect();
        let cells: Vec<&SweepLine> = thresholds
            .iter()
            .flat_map(|t| gaps.iter().map(|g| places.get(&at(*t, *g)).copied()))
            .collect::<Option<_>>()?;
        let near = |axis: &[f64], value: f64| axis.iter().position(|v| (v - value).abs() < 1e-6);
        let named = report.found_and_current().into_iter().filter_map(|(name, point)| {
            let (i, j) = (near(&thresholds, point.threshold)?, near(&gaps, point.gap)?);
            Some((Mark { name, i, j }, point))
        });
        let named: Vec<(Mark, &OperatingPoint)> = named.collect();
        let first = cells.first()?;
        let fits = first.accepted == report.calibration.n
            && first.out_of_domain == report.calibration.out_of_domain
            && named.iter().all(|(mark, point)| {
                // Thresholds of single routes are no point of the grid.
                !point.by_route.is_empty() || same(cells[mark.i * gaps.len() + mark.j], &point.calibration)
            });
        let priced = cells.iter().all(|cell| cell.mean_price.is_some());
        fits.then(|| Self {
            split: split.clone(),
            n: report.calibration.n,
            out_of_domain: report.calibration.out_of_domain,
            accepted: cells.iter().map(|c| c.accepted).collect(),
            right: cells.iter().map(|c| c.right).collect(),
            strange: cells.iter().map(|c| c.out_of_domain).collect(),
            price: if priced {
                cells.iter().filter_map(|c| c.mean_price).collect()
            } else {
                Vec::new()
            },
            marks: named.into_iter().map(|(mark, _)| mark).collect(),
            thresholds,
            gaps,
        })
    }
}

/// Whether counts give the figures of the document.
fn same(cell: &SweepLine, figures: &SplitFigures) -> bool {
    let deployed = &figures.as_deployed;
    let n = crate::num::f64_from_u64(deployed.coverage.n);
    let counts = |share: Option<f64>, of: f64, count: u64| {
        share.is_none_or(|share| (share * of - crate::num::f64_from_u64(count)).abs() < 0.5)
    };
    counts(deployed.coverage.point, n, cell.accepted)
        && cell.accepted == deployed.selective_accuracy.n
        && counts(
            deployed.selective_accuracy.point,
            crate::num::f64_from_u64(cell.accepted),
            cell.right,
        )
}
