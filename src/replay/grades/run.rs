//! A run with its grades as a matrix, and its prompts as the router saw them.

use std::collections::HashMap;

use super::{GradeRecord, GradesError, outcomes, response_sha256};
use crate::assets::sha256_hex;
use crate::replay::ledger::{Record, Run};
use crate::replay::matrix::{Cell, Matrix, Outcome, PromptInfo};
use crate::replay::policies::{RoutedPrompt, Routing};
use crate::routes::{Routes, Thresholds};

/// The matrix of a run. A grade counts where it is of the very text and reference that the run has now; an answer without
/// one is [`Outcome::Ungraded`].
pub fn matrix_of(run: &Run, grades: &[GradeRecord]) -> Matrix {
    let prompts: Vec<PromptInfo> = run
        .prompts
        .iter()
        .map(|p| PromptInfo {
            id: p.prompt_id.clone(),
            text: p.prompt.clone(),
            category: None,
            label: p.label.clone(),
            split: Some(p.split.clone()),
            reference: p.reference.clone(),
        })
        .collect();
    let places: HashMap<&str, usize> = run
        .prompts
        .iter()
        .enumerate()
        .map(|(i, p)| (p.prompt_id.as_str(), i))
        .collect();
    let grades: HashMap<&str, &GradeRecord> = grades.iter().map(|g| (g.key.as_str(), g)).collect();
    let mut matrix = Matrix::new(
        run.manifest.models.keys().cloned().collect(),
        prompts,
        run.manifest.samples.max(1) as usize,
    );
    for record in outcomes(run) {
        let place = places
            .get(record.prompt_id.as_str())
            .copied()
            .zip(matrix.model(&record.model));
        let Some((prompt, model)) = place else { continue };
        let reference = run.prompts[prompt].reference.as_deref();
        let grade = grades
            .get(record.key.as_str())
            .copied()
            .filter(|g| holds(g, record, reference));
        if let Some(cell) = matrix.cells_mut(prompt, model).get_mut(record.sample as usize) {
            *cell = cell_of(record, grade);
        }
    }
    matrix
}

fn holds(grade: &GradeRecord, record: &Record, reference: Option<&str>) -> bool {
    grade.response_sha256 == response_sha256(record)
        && grade.reference_sha256 == reference.map(|r| sha256_hex(r.as_bytes()))
}

fn cell_of(record: &Record, grade: Option<&GradeRecord>) -> Cell {
    if !record.is_answer() {
        return Cell {
            outcome: Outcome::Error,
            ..Cell::MISSING
        };
    }
    let outcome = super::classed(record)
        .or(grade.map(|g| g.outcome))
        .unwrap_or(Outcome::Ungraded);
    Cell {
        outcome,
        score: grade
            .filter(|_| outcome == Outcome::Scored)
            .and_then(|g| g.grade.as_ref()?.score),
        cost_usd: record.cost_usd,
        cost_list_usd: record.cost_list_usd,
        latency_ms: record.latency_ms,
        usage_source: record.usage_source,
        answer: record.content.clone(),
    }
}

/// The router's view of a run's prompts: their scores as they were collected, thresholds and models as the routes file has
/// them now. `thresholds` holds one pair for each route, `sweep_gap` the gap under which the threshold is swept.
///
/// # Errors
/// [`GradesError::OtherRoutes`] where the routes are not those of the run.
pub fn routing_of(
    run: &Run,
    matrix: &Matrix,
    (routes, file): (&Routes, &str),
    thresholds: &[Thresholds],
    sweep_gap: f64,
) -> Result<Routing, GradesError> {
    let now = routes.fingerprint();
    let other = || GradesError::OtherRoutes {
        routes: file.to_owned(),
        run: run.manifest.routes_sha256.chars().take(12).collect(),
        now: now.chars().take(12).collect(),
    };
    if now != run.manifest.routes_sha256 {
        return Err(other());
    }
    let asked = |model: &str| {
        matrix.model(model).ok_or_else(|| GradesError::NotAsked {
            routes: file.to_owned(),
            model: model.to_owned(),
        })
    };
    let mut prompts = Vec::with_capacity(run.prompts.len());
    for p in &run.prompts {
        let place = routes.routes.iter().position(|r| r.name == p.best).ok_or_else(other)?;
        prompts.push(RoutedPrompt {
            route: p.best.clone(),
            model: asked(&routes.routes[place].target.model)?,
            score: p.score,
            gap: p.gap.unwrap_or(f64::INFINITY),
            current: thresholds[place],
        });
    }
    Ok(Routing {
        prompts,
        fallback: asked(&routes.fallback.model)?,
        gap: sweep_gap,
        usd_per_prompt: 0.0,
    })
}
