//! What is said of counts: a part of a file, and how fine the figures are.

use super::shown;
use crate::report::{PartialReport, ScoredReport};

/// `--shard` for people.
pub fn partial_text(report: &PartialReport) -> String {
    let rows: Vec<String> = report
        .rows
        .iter()
        .map(|(split, rows)| format!("{rows} of split {}", shown(split, 40)))
        .collect();
    format!(
        "part {} of {} counted: {} rows\n",
        report.part,
        report.of,
        rows.join(", ")
    )
}

/// What figures of counts leave open.
pub(super) fn scored_text(report: &ScoredReport) -> String {
    let mut out = match &report.grid {
        Some(grid) => format!(
            "counts of a scored file on a grid of {} thresholds and {} gaps, {} apart: exact at its points",
            grid.thresholds, grid.gaps, report.resolution
        ),
        None => format!(
            "counts of a scored file; scores that share a bin of {} count as equal",
            report.resolution
        ),
    };
    if let Some(within) = report.auroc_within {
        out.push_str(&format!(", which moves the AUROC by {within:.1e} at most"));
    }
    out.push_str(&format!("\nleft out: {}\n", report.left_out.join(", ")));
    out
}
