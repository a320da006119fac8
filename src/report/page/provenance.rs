//! Where the figures come from, and whether the documents in a folder belong together.

use super::block::{cell, grouped, words};
use super::{Section, Table};
use crate::report::Provenance;
use crate::report::folder::Contents;

/// The documents about a router with what made them, the reference first.
fn made(contents: &Contents) -> Vec<(&'static str, &Provenance)> {
    let check = contents
        .check
        .as_ref()
        .and_then(|c| c.candidate.as_ref())
        .map(|c| ("check.json", &c.provenance));
    let calibration = contents
        .calibration
        .as_ref()
        .map(|c| ("calibration.json", &c.provenance));
    let evaluation = contents.evaluation.as_ref().map(|e| ("eval.json", &e.provenance));
    calibration.into_iter().chain(evaluation).chain(check).collect()
}

/// What does not fit together, and what could not be read.
pub(super) fn warnings(contents: &Contents) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(((first, reference), others)) = made(contents).split_first() {
        for (file, other) in others {
            let differ: Vec<&str> = [
                ("encoder", reference.encoder.difference(&other.encoder).is_some()),
                ("routes", reference.routes_sha256 != other.routes_sha256),
                ("dataset", reference.dataset.sha256 != other.dataset.sha256),
            ]
            .into_iter()
            .filter_map(|(what, differs)| differs.then_some(what))
            .collect();
            if !differ.is_empty() {
                warnings.push(format!(
                    "{first} and {file} do not belong together: they were made with another {}. Run the older one's command again.",
                    differ.join(", another ")
                ));
            }
        }
    }
    let left_out = contents.left_out.iter();
    warnings.extend(left_out.map(|left| format!("{} is left out: {}.", left.file, left.why.trim_end_matches('.'))));
    warnings
}

/// The section that ends the report.
pub(super) fn section(contents: &Contents) -> Section {
    let mut rows: Vec<Vec<super::block::Cell>> = made(contents)
        .into_iter()
        .map(|(file, p)| {
            let e = &p.encoder;
            vec![
                cell(file),
                cell(format!("routecal {}", p.tool_version)),
                cell(format!("{}, {}", e.model, e.precision)),
                cell(p.routes_sha256.chars().take(16).collect::<String>()),
                cell(&p.dataset.source).noted(format!(
                    "{} rows, {}",
                    grouped(p.dataset.rows),
                    p.dataset.sha256.chars().take(16).collect::<String>()
                )),
                cell(p.seed.to_string()),
            ]
        })
        .collect();
    if let Some(replay) = &contents.replay {
        let p = &replay.provenance;
        rows.push(vec![
            cell("replay.json"),
            cell(format!("routecal {}", p.tool_version)),
            cell(format!("grades: {}", p.grader)),
            cell(p.router.as_deref().unwrap_or("no router")),
            cell(&p.source).noted(p.sha256.chars().take(16).collect::<String>()),
            cell(p.seed.to_string()),
        ]);
    }
    let columns = ["document", "made by", "encoder", "routes", "data", "seed"]
        .map(words)
        .into();
    let explain = "Hashes are the first 16 digits of a sha256; the JSON documents in the same folder have them whole, with every figure. The same input gives the same bytes.";
    let table = Table::new("provenance-table", "What made this", columns, rows)
        .explained(explain, &[])
        .brief(10);
    let blocks = if table.rows.is_empty() {
        Vec::new()
    } else {
        vec![table.into()]
    };
    Section::new("provenance", "Provenance", blocks)
}
