//! Routers of other tools: read into the shape of routes.json, written from it, and thresholds put back into their files.
//!
//! What a format has no place for is said in a note and never dropped in silence. Scores are only comparable where both tools score
//! alike; docs/exchange.md has the mapping of each tool's thresholds. No IO.

mod edit;
mod error;
mod rasa;
mod redisvl;
mod semantic_router;
mod syntax;

use serde_json::{Map, Value, json};

pub use error::ExchangeError;
use syntax::Source;
pub use syntax::Syntax;

use crate::routes::{Routes, Scoring, Thresholds};

/// A tool whose router files are read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// semantic-router before version 1: `RouteLayer`, `SemanticRouter`; JSON or YAML.
    SemanticRouter0,
    /// semantic-router 1: `IndexedRouter`; JSON or YAML.
    SemanticRouter1,
    /// `LiteLLM`'s auto-router: the file of semantic-router 0, in which a route's name is the model.
    LiteLlm,
    /// `RedisVL`'s `SemanticRouter`; YAML.
    RedisVl,
    /// Rasa's training data, `nlu.yml`.
    Rasa,
}

impl Tool {
    /// In messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::SemanticRouter0 => "semantic-router 0",
            Self::SemanticRouter1 => "semantic-router 1",
            Self::LiteLlm => "LiteLLM",
            Self::RedisVl => "RedisVL",
            Self::Rasa => "Rasa",
        }
    }
}

/// A router as another tool's file describes it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Imported {
    /// By routecal's name, where it is one that routecal has.
    pub encoder: Option<String>,
    /// The scoring rule that is the tool's, or nearest to it.
    pub scoring: Option<Scoring>,
    /// Threshold of routes without their own.
    pub threshold: Option<f64>,
    /// Whether its thresholds are for calibrated confidences and not for cosines; then none are carried over.
    pub calibrated: bool,
    /// In the order of the file.
    pub routes: Vec<ImportedRoute>,
    /// What could not be carried over, and what to do about it.
    pub notes: Vec<String>,
}

/// A route of such a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImportedRoute {
    /// Its name.
    pub name: String,
    /// The model, where the file says it.
    pub model: Option<String>,
    /// The system prompt, where the file says it.
    pub system_prompt: Option<String>,
    /// Its examples.
    pub examples: Vec<String>,
    /// The least score, as a cosine.
    pub threshold: Option<f64>,
}

/// Reads a file's text; `file` is only named in errors. Without a tool, the one whose shape it has.
///
/// # Errors
/// [`ExchangeError`]: neither JSON nor YAML, of no known tool, or something in it that no router can have.
pub fn read(text: &str, file: &str, tool: Option<Tool>) -> Result<(Tool, Imported), ExchangeError> {
    let (tool, mut imported) = read_shape(text, file, tool)?;
    if !imported.calibrated {
        let thresholds =
            (imported.routes.iter()).map(|route| route.threshold.or(imported.threshold).unwrap_or(NO_THRESHOLD));
        imported.notes.extend(next_route_may_accept(tool, thresholds));
    }
    Ok((tool, imported))
}

/// [`read`] without notes about what the thresholds mean: an export is about to replace them.
fn read_shape(text: &str, file: &str, tool: Option<Tool>) -> Result<(Tool, Imported), ExchangeError> {
    let source = Source::new(text);
    let value: Value = source.read().map_err(|message| ExchangeError::Syntax {
        file: file.to_owned(),
        message,
    })?;
    let Some(tool) = tool.or_else(|| detect(&value)) else {
        return Err(ExchangeError::Unknown { file: file.to_owned() });
    };
    let bad = |message: String| ExchangeError::Invalid {
        file: file.to_owned(),
        tool: tool.name(),
        message,
    };
    let imported = match tool {
        Tool::SemanticRouter0 => semantic_router::read(source, semantic_router::Version::Zero),
        Tool::SemanticRouter1 => semantic_router::read(source, semantic_router::Version::One),
        Tool::LiteLlm => semantic_router::read(source, semantic_router::Version::Zero).map(name_is_model),
        Tool::RedisVl => redisvl::read(source),
        Tool::Rasa => rasa::read(source),
    }
    .map_err(bad)?;
    if imported.routes.is_empty() {
        return Err(bad("it has no routes".into()));
    }
    Ok((tool, imported))
}

fn name_is_model(mut imported: Imported) -> Imported {
    for route in &mut imported.routes {
        route.model.get_or_insert_with(|| route.name.clone());
    }
    imported
}

fn detect(value: &Value) -> Option<Tool> {
    let first = value["routes"].get(0);
    let has = |key: &str| first.is_some_and(|route| route.get(key).is_some());
    if value.get("router_type").is_some() {
        Some(Tool::SemanticRouter1)
    } else if value["encoder_type"] == "litellm" {
        Some(Tool::LiteLlm)
    } else if has("utterances") {
        Some(Tool::SemanticRouter0)
    } else if has("references") {
        Some(Tool::RedisVl)
    } else if value["nlu"].is_array() {
        Some(Tool::Rasa)
    } else {
        None
    }
}

impl Imported {
    /// The text of routes.json; `model` for routes whose model the file does not say, `fallback` for the fallback.
    ///
    /// # Panics
    /// Never: strings and numbers always serialise.
    pub fn routes_json(&self, model: &str, fallback: &str) -> String {
        let mut file = Map::new();
        if let Some(encoder) = &self.encoder {
            file.insert("encoder".into(), json!(encoder));
        }
        if let Some(scoring) = self.scoring {
            file.insert("scoring".into(), json!(scoring.to_string()));
        }
        file.insert("fallback".into(), json!({ "model": fallback }));
        // One that all routes share is the threshold of the file; without any, everything is accepted.
        let shared = (self.routes.first().and_then(|route| route.threshold))
            .filter(|first| self.routes.iter().all(|route| route.threshold == Some(*first)));
        let of_all = shared.or(self.threshold).unwrap_or(NO_THRESHOLD);
        file.insert("thresholds".into(), json!({ "threshold": of_all, "gap": 0.0 }));
        let of = |route: &ImportedRoute| {
            let mut shape = Map::new();
            shape.insert("model".into(), json!(route.model.as_deref().unwrap_or(model)));
            if let Some(prompt) = &route.system_prompt {
                shape.insert("system_prompt".into(), json!(prompt));
            }
            shape.insert("examples".into(), json!(route.examples));
            if let Some(threshold) = route.threshold.filter(|_| shared.is_none()) {
                shape.insert("thresholds".into(), json!({ "threshold": threshold, "gap": 0.0 }));
            }
            (route.name.clone(), Value::Object(shape))
        };
        file.insert(
            "routes".into(),
            self.routes.iter().map(of).collect::<Map<_, _>>().into(),
        );
        let text = serde_json::to_string_pretty(&file).expect("strings and numbers always serialise");
        text + "\n"
    }
}

/// A router's text in another tool's shape, and what it has no place for.
///
/// # Errors
/// [`ExchangeError::Invalid`] where a text cannot be written in that shape.
pub fn write(routes: &Routes, tool: Tool, syntax: Syntax) -> Result<(String, Vec<String>), ExchangeError> {
    let mut notes = notes_of(routes, tool);
    if tool == Tool::Rasa {
        notes.extend(rasa::changed(routes));
    }
    if tool == Tool::LiteLlm
        && let Some(model) = twice(routes.routes.iter().map(|route| route.target.model.as_str()))
    {
        return Err(ExchangeError::Invalid {
            file: "routes.json".into(),
            tool: tool.name(),
            message: format!("a route is a model there, and two routes have \"{model}\": make them one"),
        });
    }
    let text = match tool {
        Tool::SemanticRouter0 | Tool::LiteLlm => syntax.print(&semantic_router::shape_0(routes, tool)),
        Tool::SemanticRouter1 => syntax.print(&semantic_router::shape_1(routes)),
        Tool::RedisVl => syntax.print(&redisvl::shape(routes)),
        Tool::Rasa => rasa::print(routes),
    };
    text.map(|text| (text, notes))
        .map_err(|message| ExchangeError::Invalid {
            file: "routes.json".into(),
            tool: tool.name(),
            message,
        })
}

/// The text of another tool's file with the thresholds of these routes, and nothing else changed; with the tool and what
/// it has no place for. Routes are found by name.
///
/// # Errors
/// As [`read`]; [`ExchangeError::Invalid`] for routes that the file has not, or a place that cannot be written.
pub fn with_thresholds(
    text: &str,
    file: &str,
    tool: Option<Tool>,
    routes: &Routes,
) -> Result<(Tool, String, Vec<String>), ExchangeError> {
    let (tool, imported) = read_shape(text, file, tool)?;
    let bad = |message: String| ExchangeError::Invalid {
        file: file.to_owned(),
        tool: tool.name(),
        message,
    };
    if imported.calibrated {
        return Err(bad(
            "its thresholds are for calibrated confidences: take the calibrator out first".into(),
        ));
    }
    let missing: Vec<&str> = (routes.routes.iter().map(|route| route.name.as_str()))
        .filter(|name| !imported.routes.iter().any(|route| route.name == *name))
        .collect();
    if !missing.is_empty() {
        return Err(bad(format!("it has no route {}", missing.join(", "))));
    }
    let key = match tool {
        Tool::SemanticRouter0 | Tool::LiteLlm => "score_threshold",
        Tool::SemanticRouter1 => "confidence_threshold",
        Tool::RedisVl => "distance_threshold",
        Tool::Rasa => {
            return Err(bad(
                "its thresholds are not in the training data, but in config.yml, at the FallbackClassifier".into(),
            ));
        }
    };
    let values: Vec<(String, f64)> = routes
        .routes
        .iter()
        .zip(routes.thresholds_by_route())
        .map(|(route, at)| (route.name.clone(), native(tool, at.threshold())))
        .collect();
    let edited = edit::with_numbers(text, key, &values).map_err(bad)?;
    let mut notes = notes_of(routes, tool);
    // A file that says how its router scores keeps saying it.
    if let Some(rule) = imported
        .scoring
        .filter(|rule| tool == Tool::SemanticRouter1 && *rule != routes.scoring)
    {
        notes.push(format!(
            "the router of {file} scores as \"{rule}\" does, and the thresholds are for \"{}\": calibrate with \"scoring\": \"{rule}\" in routes.json",
            routes.scoring
        ));
    }
    notes.extend(imported.notes);
    Ok((tool, edited, notes))
}

/// The first name that comes twice.
fn twice<'n>(names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

/// A threshold as the tool has it: a cosine, or a cosine distance of which `RedisVL` wants more than 0.
fn native(tool: Tool, threshold: f64) -> f64 {
    match tool {
        Tool::RedisVl => redisvl::distance(threshold),
        _ => threshold,
    }
}

/// What of the routes has no place with the tool, or means something else there.
fn notes_of(routes: &Routes, tool: Tool) -> Vec<String> {
    let mut notes = Vec::new();
    let name = tool.name();
    if tool != Tool::Rasa && routes.thresholds_by_route().iter().any(|at| at.gap() > 0.0) {
        notes.push(format!(
            "{name} has no gap: a prompt that two routes are nearly equal for goes to the better one there; choose thresholds that hold without: \
             routecal calibrate --no-gap"
        ));
    }
    if matches!(tool, Tool::SemanticRouter0 | Tool::LiteLlm)
        && routes.thresholds_by_route().iter().any(|at| at.threshold() == 0.0)
    {
        notes.push(format!(
            "a threshold of 0 accepts everything with {name}, whatever its score"
        ));
    }
    notes.extend(next_route_may_accept(
        tool,
        routes.thresholds_by_route().into_iter().map(Thresholds::threshold),
    ));
    notes.extend(of_another_rule(tool, routes.scoring));
    if !routes.out_of_domain.is_empty() {
        notes.push(format!("{name} has no examples of no route: out_of_domain is left out"));
    }
    notes
}

/// What is to be done about thresholds of a rule that is not the tool's, or not its usual one.
fn of_another_rule(tool: Tool, rule: Scoring) -> Option<String> {
    let name = tool.name();
    let usual = match tool {
        Tool::Rasa => return None,
        Tool::RedisVl => Scoring::MaxExample,
        Tool::SemanticRouter0 | Tool::SemanticRouter1 | Tool::LiteLlm => semantic_router::USUAL,
    };
    let has = match (tool, rule) {
        // Where the file says how to aggregate.
        (Tool::SemanticRouter1, Scoring::MaxExample | Scoring::MeanNearest(_)) => true,
        (Tool::SemanticRouter0, Scoring::MaxExample) => {
            return Some(format!(
                "the thresholds are for the scoring rule \"{rule}\", and {name}'s file does not say how to aggregate: give aggregation=\"max\" where \
                 the router is made"
            ));
        }
        _ => rule == usual,
    };
    (!has).then(|| {
        format!(
            "the thresholds are for the scoring rule \"{rule}\", which {name} does not have: calibrate with \"scoring\": \"{usual}\" in routes.json, \
             which is how it scores"
        )
    })
}

/// The one difference in what a threshold decides that is left where both tools score alike: none of them stops at the best route.
fn next_route_may_accept(tool: Tool, mut thresholds: impl Iterator<Item = f64>) -> Option<String> {
    let first = thresholds.next()?;
    #[expect(clippy::float_cmp, reason = "numbers of a file, not results")]
    let differ = tool != Tool::Rasa && thresholds.any(|threshold| threshold != first);
    differ.then(|| {
        format!(
            "the thresholds differ by route: where the best route misses its own, {} tries the next one, and routecal sends the prompt to \
             the fallback; one threshold for all routes (calibrate without --per-route) decides the same in both",
            tool.name()
        )
    })
}

/// The threshold of a route that has none: every cosine reaches it.
const NO_THRESHOLD: f64 = Thresholds::ACCEPT_ALL.threshold();

/// `these, those and 3 more`: names in a note.
fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 {
        shown
    } else {
        format!("{shown} and {more} more")
    }
}

#[cfg(test)]
mod tests;
