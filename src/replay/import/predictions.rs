//! A router's choices from a CSV, such as the `predictions.csv` of `eval` or the win rates of another project's router.
//!
//! | column | |
//! |---|---|
//! | `prompt_id` or `prompt` | which prompt |
//! | `score` | how sure the router is, −1 to 1 |
//! | `gap` | distance to the second best route; none is infinite |
//! | `best` | the route: its model is that of the routes file, and so is the fallback |
//! | `model` | the model, for routers without routes |
//!
//! With neither `best` nor `model` the router is a binary one: prompts that reach the threshold go to the strong model, the
//! others to the weak one, as `RouteLLM` does it.

use std::collections::HashMap;
use std::path::Path;

use super::rows::{self, Problems, Row};
use super::{Files, ImportError};
use crate::assets::hex;
use crate::replay::analysis::AnalysisError;
use crate::replay::matrix::Matrix;
use crate::replay::policies::{RoutedPrompt, Routing};
use crate::routes::{Routes, Thresholds};
use sha2::Digest as _;

/// How to read a router's choices.
#[derive(Debug, Clone, Copy)]
pub struct PredictionOptions<'a> {
    /// The routes file, where the choices are routes of it.
    pub routes: Option<&'a Routes>,
    /// Thresholds in use, one pair a route of the routes file; without one, the first holds for all.
    pub thresholds: &'a [Thresholds],
    /// Gap that holds while the threshold is swept.
    pub gap: f64,
    /// Which recorded model stands for a model of the router.
    pub map: &'a [(String, String)],
    /// The weak and the strong model, for routers that name none.
    pub anchors: (usize, usize),
}

/// The recorded model that stands for a model of the router.
///
/// # Errors
/// [`AnalysisError`] naming the recorded models, where none of them has that name.
pub fn mapped(matrix: &Matrix, model: &str, map: &[(String, String)]) -> Result<usize, AnalysisError> {
    let recorded = map
        .iter()
        .find(|(from, _)| from == model)
        .map_or(model, |(_, to)| to.as_str());
    matrix.model(recorded).ok_or_else(|| AnalysisError::UnknownModel {
        model: recorded.to_owned(),
        wanted_for: "the router",
        present: matrix.models().to_vec(),
    })
}

/// Whether a file names routes, so that a routes file is needed to read it.
///
/// # Errors
/// As [`predictions`].
pub fn names_routes(path: &Path) -> Result<bool, ImportError> {
    let file = path.display().to_string();
    let (columns, _) = rows::csv(&Files::default().read(path)?, &file)?;
    Ok(columns.iter().any(|c| c == "best") && !columns.iter().any(|c| c == "model"))
}

/// Reads a router's choices for every prompt of the matrix; also the hash of the file.
///
/// # Errors
/// [`ImportError`] for the file, [`AnalysisError`] where it says nothing of a prompt or names a model without answers.
pub fn predictions(
    path: &Path,
    matrix: &Matrix,
    options: &PredictionOptions<'_>,
) -> Result<(Routing, String), crate::Error> {
    let file = path.display().to_string();
    let mut files = Files::default();
    let (columns, rows) = rows::csv(&files.read(path)?, &file)?;
    rows::require(&file, &columns, &["score"])?;
    let has = |column: &str| columns.iter().any(|c| c == column);
    if !has("prompt_id") {
        rows::require(&file, &columns, &["prompt"])?;
    }
    let mut problems = Problems::of(&file);
    let mut by_prompt: HashMap<String, RoutedPrompt> = HashMap::new();
    for row in &rows {
        let named = row.name("prompt_id").or_else(|| row.name("prompt"));
        let read = named.ok_or_else(|| "neither a prompt_id nor a prompt".to_owned());
        let (Some(name), Some((score, gap))) = (problems.take(row.line, read), problems.take(row.line, numbers(row)))
        else {
            continue;
        };
        let (route, model, current) = match (row.text("model"), row.text("best"), options.routes) {
            (Some(model), route, _) => (
                route.unwrap_or(model).to_owned(),
                mapped(matrix, model, options.map)?,
                options.thresholds[0],
            ),
            (None, Some(route), Some(routes)) => {
                let Some(place) = routes.routes.iter().position(|r| r.name == route) else {
                    problems.add(row.line, format!("\"{route}\" is no route of the routes file"));
                    continue;
                };
                (
                    route.to_owned(),
                    mapped(matrix, &routes.routes[place].target.model, options.map)?,
                    options.thresholds[place],
                )
            }
            _ => ("strong".to_owned(), options.anchors.1, options.thresholds[0]),
        };
        let prompt = RoutedPrompt {
            route,
            model,
            score,
            gap,
            current,
        };
        // Copies of one prompt are routed alike.
        by_prompt.entry(name).or_insert(prompt);
    }
    problems.end()?;
    let of = |info: &crate::replay::matrix::PromptInfo| {
        let by_text = || info.text.as_deref().and_then(|text| by_prompt.get(text));
        by_prompt.get(&info.id).or_else(by_text).cloned()
    };
    let found: Vec<Option<RoutedPrompt>> = matrix.prompts().iter().map(of).collect();
    if let Some(first) = found.iter().position(Option::is_none) {
        return Err(AnalysisError::NotRouted {
            source_name: file,
            missing: found.iter().filter(|f| f.is_none()).count(),
            prompts: found.len(),
            first: matrix.prompts()[first].id.clone(),
        }
        .into());
    }
    let fallback = match options.routes {
        Some(routes) if has("best") => mapped(matrix, &routes.fallback.model, options.map)?,
        _ => options.anchors.0,
    };
    let routing = Routing {
        prompts: found.into_iter().flatten().collect(),
        fallback,
        gap: options.gap,
        usd_per_prompt: 0.0,
    };
    Ok((routing, hex(&files.hash.finalize())))
}

fn numbers(row: &Row) -> Result<(f64, f64), String> {
    let score = row.number("score")?.ok_or("no score")?;
    if !(-1.0..=1.0).contains(&score) {
        return Err(format!("score {score} is not within -1 and 1"));
    }
    Ok((score, row.amount("gap")?.unwrap_or(f64::INFINITY)))
}
