//! `RedisVL`: `SemanticRouter.to_yaml`.
//!
//! Thresholds are cosine distances of each route, above 0 and at most 2: threshold = 1 − distance. The distance of a route is aggregated over
//! those of its references that are near enough: with `aggregation_method: min` it is that of the nearest one, the rule `max-example`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::syntax::Source;
use super::{Imported, ImportedRoute};
use crate::routes::{DEFAULT_ENCODER, Routes, Scoring};

/// What `RedisVL` takes where a route says nothing.
const DEFAULT_DISTANCE: f64 = 0.5;
/// It must be above 0.
const LEAST_DISTANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct File {
    routes: Vec<RouteFile>,
    vectorizer: Option<VectorizerFile>,
    routing_config: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct VectorizerFile {
    #[serde(rename = "type")]
    kind: String,
    model: Option<String>,
}

#[derive(Deserialize)]
struct RouteFile {
    name: String,
    references: Vec<String>,
    distance_threshold: Option<f64>,
    metadata: Option<Map<String, Value>>,
}

pub(super) fn read(source: Source<'_>) -> Result<Imported, String> {
    let file: File = source.read()?;
    let mut notes = Vec::new();
    let encoder = file.vectorizer.as_ref().and_then(encoder_of);
    if encoder.is_none() {
        let vectorizer = file.vectorizer.as_ref();
        notes.push(format!(
            "routecal has no encoder {} of type {}: scores and so thresholds will be other ones; choose one with --encoder or \"encoder\" in \
             routes.json",
            vectorizer.and_then(|v| v.model.as_deref()).unwrap_or("(none)"),
            vectorizer.map_or("(none)", |v| v.kind.as_str())
        ));
    }
    let aggregation = file
        .routing_config
        .as_ref()
        .and_then(|c| c.get("aggregation_method")?.as_str());
    if aggregation != Some("min") {
        notes.push(format!(
            "RedisVL aggregates distances by {} here: set aggregation_method: min there, or thresholds chosen here mean something else",
            aggregation.unwrap_or("avg")
        ));
    }
    let mut routes = Vec::new();
    for route in file.routes {
        let distance = route.distance_threshold.unwrap_or(DEFAULT_DISTANCE);
        if !(0.0..=2.0).contains(&distance) {
            return Err(format!(
                "route \"{}\": distance_threshold {distance} is not within 0 and 2",
                route.name
            ));
        }
        let said = |key: &str| {
            let metadata = route.metadata.as_ref()?;
            metadata.get(key)?.as_str().map(str::to_owned)
        };
        routes.push(ImportedRoute {
            model: said("model"),
            system_prompt: said("system_prompt"),
            name: route.name,
            examples: route.references,
            threshold: Some(tidy(1.0 - distance)),
        });
    }
    Ok(Imported {
        encoder,
        scoring: Some(Scoring::MaxExample),
        threshold: None,
        calibrated: false,
        routes,
        notes,
    })
}

/// The difference as a person would write it: 1 − 0.3 is 0.7, not 0.7 and seventeen digits.
fn tidy(value: f64) -> f64 {
    (value * 1e12).round() / 1e12
}

/// A threshold as a distance.
pub(super) fn distance(threshold: f64) -> f64 {
    tidy(1.0 - threshold).max(LEAST_DISTANCE)
}

fn encoder_of(vectorizer: &VectorizerFile) -> Option<String> {
    let name = vectorizer.model.as_deref()?;
    match vectorizer.kind.as_str() {
        "openai" => Some(format!("openai:{name}")),
        "hf" => {
            let name = name.strip_prefix("sentence-transformers/").unwrap_or(name);
            ["all-MiniLM-L6-v2", "all-mpnet-base-v2"]
                .contains(&name)
                .then(|| name.to_owned())
        }
        _ => None,
    }
}

/// What `SemanticRouter.from_yaml` reads.
pub(super) fn shape(routes: &Routes) -> Value {
    let encoder = routes.encoder.as_deref().unwrap_or(DEFAULT_ENCODER);
    let encoder = encoder.split('@').next().unwrap_or(encoder);
    let vectorizer = match encoder.strip_prefix("openai:") {
        Some(model) => json!({ "type": "openai", "model": model }),
        None if encoder.starts_with("all-") => {
            json!({ "type": "hf", "model": format!("sentence-transformers/{encoder}") })
        }
        None => json!({ "type": "hf", "model": encoder }),
    };
    let all: Vec<Value> = routes
        .routes
        .iter()
        .zip(routes.thresholds_by_route())
        .map(|(route, at)| {
            json!({
                "name": route.name,
                "references": route.examples,
                "metadata": super::semantic_router::metadata(route),
                "distance_threshold": distance(at.threshold()),
            })
        })
        .collect();
    json!({
        "name": "router",
        "routes": all,
        "vectorizer": vectorizer,
        "routing_config": { "max_k": 1, "aggregation_method": "min" },
    })
}
