//! Labels held against route names.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Dataset, DatasetError, Label, RowProblem, Truth, cell};
use crate::error::nearest;

/// See [`Dataset::resolve`].
pub(super) fn resolve(dataset: &Dataset, routes: &[String]) -> Result<Vec<Truth>, DatasetError> {
    let index: HashMap<&str, usize> = routes.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    let mut truths = Vec::with_capacity(dataset.rows.len());
    let mut problems = Vec::new();
    for row in &dataset.rows {
        match &row.label {
            None => {
                return Err(DatasetError::MissingColumn {
                    source_name: dataset.source.clone(),
                    column: "label".into(),
                    present: vec!["prompt".into()],
                    flag: "--label-column",
                });
            }
            Some(Label::OutOfDomain) => truths.push(Truth::OutOfDomain),
            Some(Label::Route(name)) => match index.get(name.as_str()).or_else(|| index.get(cell::bare(name))) {
                Some(&i) => truths.push(Truth::Route(i)),
                None => problems.push(RowProblem {
                    line: row.line,
                    message: unknown(name, routes),
                }),
            },
        }
    }
    if problems.is_empty() {
        return Ok(truths);
    }
    Err(DatasetError::BadRows {
        source_name: dataset.source.clone(),
        problems,
        rows: dataset.rows.len(),
        hint: Some(format!(
            "the routes are {}; a prompt that belongs to none has the label none",
            listed(routes)
        )),
    })
}

/// The first dozen names: a router of 150 routes should not fill the screen.
pub(super) fn listed(routes: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut text = routes[..routes.len().min(SHOWN)].join(", ");
    if routes.len() > SHOWN {
        // Writing into a String cannot fail.
        let _ = write!(text, " and {} more", routes.len() - SHOWN);
    }
    text
}

pub(super) fn unknown(label: &str, routes: &[String]) -> String {
    let folded = |s: &str| s.trim().to_lowercase();
    if let Some(same) = routes.iter().find(|r| folded(r) == folded(label)) {
        return format!("label {label:?} differs from route \"{same}\" by case or spaces");
    }
    if Label::parse(&folded(label)) == Label::OutOfDomain {
        return format!("label {label:?} differs from \"none\" by case or spaces");
    }
    match nearest(label, routes.iter().map(String::as_str)) {
        Some(near) => format!("label {label:?} is no route; the nearest is \"{near}\""),
        None => format!("label {label:?} is no route"),
    }
}
