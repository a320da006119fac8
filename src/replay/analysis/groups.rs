//! Figures by route and by category.

use indexmap::IndexMap;

use super::THOUSAND;
use crate::num::f64_from_usize;
use crate::replay::matrix::{Complete, Matrix};
use crate::replay::policies::{Choice, Routing, best_per_category};
use crate::report::GroupReport;

/// The category of every compared prompt, else its label; `None` where no prompt has either.
pub(super) fn categories(matrix: &Matrix, complete: &Complete) -> Option<Vec<String>> {
    let of = |prompt: &usize| {
        let info = &matrix.prompts()[*prompt];
        info.category.clone().or_else(|| info.label.clone())
    };
    let found: Vec<Option<String>> = complete.prompts.iter().map(of).collect();
    found
        .iter()
        .any(Option::is_some)
        .then(|| found.into_iter().map(|c| c.unwrap_or_else(|| "none".into())).collect())
}

/// One group a category, in order of first appearance.
pub(super) fn by_category(
    matrix: &Matrix,
    complete: &Complete,
    cost: &[f64],
    routing: Option<&Routing>,
    categories: Option<&[String]>,
) -> Vec<GroupReport> {
    categories.map_or_else(Vec::new, |names| groups(matrix, complete, cost, routing, names))
}

/// The name of the group of prompts that no route takes.
const FALLBACK: &str = "fallback";

/// One group a route, by where the thresholds in use send the prompts; the fallback last.
pub(super) fn by_route(
    matrix: &Matrix,
    complete: &Complete,
    cost: &[f64],
    routing: Option<&Routing>,
) -> Vec<GroupReport> {
    let Some(own) = routing else {
        return Vec::new();
    };
    let names: Vec<String> = own
        .routes()
        .into_iter()
        .map(|r| r.unwrap_or(FALLBACK).to_owned())
        .collect();
    let mut found = groups(matrix, complete, cost, routing, &names);
    found.sort_by_key(|g| g.name == FALLBACK);
    found
}

fn groups(
    matrix: &Matrix,
    complete: &Complete,
    cost: &[f64],
    routing: Option<&Routing>,
    names: &[String],
) -> Vec<GroupReport> {
    let mut rows: IndexMap<&str, Vec<usize>> = IndexMap::new();
    for (row, name) in names.iter().enumerate() {
        rows.entry(name).or_default().push(row);
    }
    let best = best_per_category(complete, cost, names);
    let current = routing.map(Routing::current);
    rows.into_iter()
        .map(|(name, rows)| {
            let n = f64_from_usize(rows.len());
            let mean = |table: &[f64], of: &dyn Fn(usize, &[f64]) -> f64| {
                rows.iter().map(|row| of(*row, complete.row(table, *row))).sum::<f64>() / n
            };
            let by_model = |table: &[f64], scale: f64| -> IndexMap<String, f64> {
                let of = |m: usize| mean(table, &|_, values| values[m]) * scale;
                matrix
                    .models()
                    .iter()
                    .cloned()
                    .zip((0..complete.models).map(of))
                    .collect()
            };
            let routed = |table: &[f64]| {
                current
                    .as_ref()
                    .map(|choice| mean(table, &|row, values| choice.value(row, values)))
            };
            let own = routing.map_or(0.0, |r| r.usd_per_prompt);
            GroupReport {
                name: name.to_owned(),
                n: rows.len() as u64,
                quality: by_model(&complete.score, 1.0),
                usd_per_1k: by_model(cost, THOUSAND),
                routed_quality: routed(&complete.score),
                routed_usd_per_1k: routed(cost).map(|c| (c + own) * THOUSAND),
                best: match &best {
                    Choice::Each(choices) => matrix.models()[choices[rows[0]]].clone(),
                    Choice::Mix(_) => String::new(),
                },
            }
        })
        .collect()
}
