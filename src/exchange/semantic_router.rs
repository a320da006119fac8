//! semantic-router: `RouterConfig.to_file` of versions 0, `to_json` and `to_yaml` of versions 1, and `LiteLLM`'s auto-router.
//!
//! Thresholds. Versions 0.1 to 0.3 and 1 hold the route's aggregated score against its threshold (`>=`), where the score is the mean of
//! those of its utterances that are among the `top_k` nearest, the rule `mean-nearest`, or their maximum with `aggregation="max"`, the rule
//! `max-example`. Versions 0.0 choose the route by that score and hold its best utterance against the threshold (`>`): with the maximum it
//! is `max-example` there too.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::syntax::Source;
use super::{Imported, ImportedRoute, Tool, listed};
use crate::routes::{DEFAULT_ENCODER, Route, Routes, Scoring, Thresholds};

/// How it scores unless told otherwise.
pub(super) const USUAL: Scoring = Scoring::MeanNearest(5);

/// Which shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Zero,
    One,
}

#[derive(Deserialize)]
struct File {
    encoder_type: Option<String>,
    encoder_name: Option<String>,
    router_type: Option<String>,
    encoder: Option<EncoderFile>,
    sparse_encoder: Option<Value>,
    aggregation: Option<String>,
    top_k: Option<usize>,
    confidence_threshold: Option<f64>,
    calibrator: Option<Value>,
    routes: Option<Vec<RouteFile>>,
}

#[derive(Deserialize)]
struct EncoderFile {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct RouteFile {
    name: String,
    #[serde(default)]
    utterances: Vec<String>,
    description: Option<String>,
    function_schemas: Option<Value>,
    llm: Option<Value>,
    score_threshold: Option<f64>,
    confidence_threshold: Option<f64>,
    metadata: Option<Map<String, Value>>,
}

pub(super) fn read(source: Source<'_>, version: Version) -> Result<Imported, String> {
    let file: File = source.read()?;
    if let Some(kind) = file.router_type.as_deref().filter(|kind| *kind != "indexed") {
        return Err(format!(
            "router_type \"{kind}\" does not route by embeddings of utterances; only \"indexed\" does"
        ));
    }
    let mut notes = Vec::new();
    let (kind, name) = match (file.encoder, file.encoder_type) {
        (Some(encoder), _) => (Some(encoder.kind), encoder.name),
        (None, kind) => (kind, file.encoder_name),
    };
    let encoder = encoder_of(kind.as_deref(), name.as_deref());
    if encoder.is_none() {
        notes.push(format!(
            "routecal has no encoder {} of type {}: scores and so thresholds will be other ones; choose one with --encoder or \"encoder\" in \
             routes.json",
            name.as_deref().unwrap_or("(the default)"),
            kind.as_deref().unwrap_or("(none)")
        ));
    }
    if file.sparse_encoder.is_some_and(|sparse| !sparse.is_null()) {
        notes.push("the sparse encoder is left out: routecal scores by dense vectors alone".into());
    }
    let scoring = scoring_of(file.aggregation.as_deref(), file.top_k, version, &mut notes)?;
    let calibrated = file.calibrator.is_some_and(|calibrator| !calibrator.is_null());
    let Some(files) = file.routes else {
        return Err("its routes are in an index and not in the file: save the router from a local index".into());
    };
    let mut routes = Vec::new();
    let mut with_description = Vec::new();
    let mut with_functions = Vec::new();
    for route in &files {
        if route.description.as_deref().is_some_and(|d| !d.is_empty()) {
            with_description.push(route.name.as_str());
        }
        let given = |value: &Option<Value>| value.as_ref().is_some_and(|v| !v.is_null());
        if given(&route.function_schemas) || given(&route.llm) {
            with_functions.push(route.name.as_str());
        }
        let said = |key: &str| {
            let metadata = route.metadata.as_ref()?;
            metadata.get(key)?.as_str().map(str::to_owned)
        };
        let threshold = match version {
            // It is asked for its truth, so that 0 refuses nothing.
            Version::Zero if route.score_threshold == Some(0.0) => Some(-1.0),
            Version::Zero => route.score_threshold,
            Version::One => route.confidence_threshold,
        };
        routes.push(ImportedRoute {
            name: route.name.clone(),
            model: said("model"),
            system_prompt: said("system_prompt"),
            examples: route.utterances.clone(),
            threshold: threshold.filter(|_| !calibrated),
        });
    }
    if !with_description.is_empty() {
        notes.push(format!("descriptions are left out: {}", listed(&with_description)));
    }
    if !with_functions.is_empty() {
        notes.push(format!(
            "function schemas and models to call are left out: {}",
            listed(&with_functions)
        ));
    }
    let without: Vec<&str> = routes
        .iter()
        .filter(|r| r.threshold.is_none())
        .map(|r| r.name.as_str())
        .collect();
    if calibrated {
        notes.push("its thresholds are for calibrated confidences, not for scores: they are left out".into());
    } else if !without.is_empty() && file.confidence_threshold.is_none() {
        notes.push(format!(
            "no threshold for {}: semantic-router may use its encoder's default, routecal accepts everything",
            listed(&without)
        ));
    }
    Ok(Imported {
        calibrated,
        encoder,
        scoring: Some(scoring),
        threshold: file.confidence_threshold.filter(|_| !calibrated),
        routes,
        notes,
    })
}

/// The rule that is how the router scores.
fn scoring_of(
    aggregation: Option<&str>,
    top_k: Option<usize>,
    version: Version,
    notes: &mut Vec<String>,
) -> Result<Scoring, String> {
    let usual = match top_k {
        None => USUAL,
        Some(k) => format!("mean-nearest:{k}")
            .parse()
            .map_err(|_| format!("top_k is {k}"))?,
    };
    match (aggregation, version) {
        (Some("max"), _) => return Ok(Scoring::MaxExample),
        (Some("mean"), _) | (None, Version::One) => {}
        (None, Version::Zero) => notes.push(format!(
            "the file does not say how its router aggregates: \"scoring\" is \"{usual}\", as it does unless told otherwise; for a router with \
             aggregation=\"max\" make it \"{}\"",
            Scoring::MaxExample
        )),
        (Some(other), _) => notes.push(format!(
            "routecal has no rule that aggregates by {other}: set aggregation=\"mean\" or \"max\" there, or thresholds chosen here mean something else"
        )),
    }
    Ok(usual)
}

/// Names of the bundled encoders with the organisation that publishes them.
const PUBLISHED: &str = "sentence-transformers/";

fn encoder_of(kind: Option<&str>, name: Option<&str>) -> Option<String> {
    let name = name?;
    match kind? {
        "openai" => Some(format!("openai:{name}")),
        "litellm" => name.strip_prefix("openai/").map(|model| format!("openai:{model}")),
        "huggingface" | "local" => name
            .strip_prefix(PUBLISHED)
            .or(Some(name))
            .filter(|name| ["all-MiniLM-L6-v2", "all-mpnet-base-v2"].contains(name))
            .map(str::to_owned),
        "fastembed" => Some(name.strip_prefix(PUBLISHED).unwrap_or(name).to_owned()),
        _ => None,
    }
}

fn encoder_for(encoder: Option<&str>, tool: Tool) -> (String, String) {
    let name = encoder.unwrap_or(DEFAULT_ENCODER);
    let name = name.split('@').next().unwrap_or(name);
    match name.strip_prefix("openai:") {
        Some(model) if tool == Tool::LiteLlm => ("litellm".into(), format!("openai/{model}")),
        Some(model) => ("openai".into(), model.to_owned()),
        None if name.starts_with("all-") => ("huggingface".into(), format!("{PUBLISHED}{name}")),
        None => ("fastembed".into(), name.to_owned()),
    }
}

/// `RouterConfig` of versions 0.
pub(super) fn shape_0(routes: &Routes, tool: Tool) -> Value {
    let (kind, name) = encoder_for(routes.encoder.as_deref(), tool);
    let of = |(route, at): (&Route, Thresholds)| {
        json!({
            "name": if tool == Tool::LiteLlm { &route.target.model } else { &route.name },
            "utterances": route.examples,
            "description": null,
            "function_schemas": null,
            "llm": null,
            "score_threshold": at.threshold(),
            "metadata": metadata(route),
        })
    };
    let all: Vec<Value> = routes.routes.iter().zip(routes.thresholds_by_route()).map(of).collect();
    json!({ "encoder_type": kind, "encoder_name": name, "routes": all })
}

/// `IndexedConfig` of versions 1.
pub(super) fn shape_1(routes: &Routes) -> Value {
    let (kind, name) = encoder_for(routes.encoder.as_deref(), Tool::SemanticRouter1);
    let of = |(route, at): (&Route, Thresholds)| {
        json!({
            "name": route.name,
            "utterances": route.examples,
            "description": null,
            "confidence_threshold": at.threshold(),
            "metadata": metadata(route),
        })
    };
    let all: Vec<Value> = routes.routes.iter().zip(routes.thresholds_by_route()).map(of).collect();
    let mut file = json!({ "router_type": "indexed", "encoder": { "type": kind, "name": name } });
    match routes.scoring {
        Scoring::MaxExample => file["aggregation"] = json!("max"),
        Scoring::MeanNearest(k) => {
            file["top_k"] = json!(k);
            file["aggregation"] = json!("mean");
        }
        // What it does unless told otherwise is as good as anything: a note says that it does not have the rule.
        _ => {}
    }
    file["routes"] = json!(all);
    file
}

/// The model and the system prompt, which the tools keep and do not read.
pub(super) fn metadata(route: &Route) -> Value {
    let mut metadata = Map::new();
    metadata.insert("model".into(), json!(route.target.model));
    if !route.target.system_prompt.is_empty() {
        metadata.insert("system_prompt".into(), json!(route.target.system_prompt));
    }
    Value::Object(metadata)
}
