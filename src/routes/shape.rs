//! The serde shape of routes.json: what a person may write.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// A prompt router: its encoder, fallback, thresholds and routes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "routes.json")]
pub(super) struct RoutesFile {
    /// Where this schema is, for editors.
    #[serde(rename = "$schema", default)]
    #[expect(dead_code, reason = "for editors only")]
    pub(super) schema: Option<String>,
    /// Sentence encoder, such as "all-MiniLM-L6-v2" (the default) or "all-mpnet-base-v2".
    #[serde(default)]
    pub(super) encoder: Option<String>,
    /// How a prompt is scored against a route: "centroid" (the default), "max-example", "mean-top:K", "mean-nearest:K", "medoids:K",
    /// "logistic", "logistic:C", or "logistic+ood" with "logistic+ood:C", which learn from `out_of_domain` too.
    #[serde(default)]
    #[schemars(regex(
        pattern = r"^(centroid|max-example|mean-(top|nearest):[1-9][0-9]*|medoids:[1-9][0-9]*|logistic([+]ood)?(:[0-9.]+)?)$"
    ))]
    pub(super) scoring: Option<String>,
    /// Where a prompt goes that is accepted by no route.
    #[serde(default)]
    pub(super) fallback: FallbackFile,
    /// Thresholds of every route that has none of its own.
    #[serde(default)]
    pub(super) thresholds: Option<ThresholdsFile>,
    /// Price of one prompt by model, in any one currency, for `calibrate --goal min-cost`.
    #[serde(default)]
    #[schemars(extend("additionalProperties" = { "type": "number", "minimum": 0 }))]
    pub(super) prices: BTreeMap<String, f64>,
    /// Routes by name; the order breaks ties.
    #[schemars(extend("minProperties" = 1))]
    pub(super) routes: IndexMap<String, RouteFile>,
    /// Prompts that no route should take, for the scoring rule "logistic+ood".
    #[serde(default)]
    pub(super) out_of_domain: Vec<String>,
}

/// Model and system prompt of the fallback.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FallbackFile {
    /// Model name, as the provider spells it.
    pub(super) model: String,
    /// System prompt.
    #[serde(default = "default_system_prompt")]
    pub(super) system_prompt: String,
}

fn default_system_prompt() -> String {
    "You are a helpful assistant.".into()
}

impl Default for FallbackFile {
    fn default() -> Self {
        Self {
            model: "gpt-4o".into(),
            system_prompt: default_system_prompt(),
        }
    }
}

/// A prompt is accepted iff its score is at least `threshold` and its gap at least `gap`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ThresholdsFile {
    /// Least cosine to the best route, -1 to 1.
    #[schemars(range(min = -1.0, max = 1.0))]
    pub(super) threshold: f64,
    /// Least difference between the best and the second cosine, 0 to 2.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 2.0))]
    pub(super) gap: f64,
}

/// One route.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteFile {
    /// Model name, as the provider spells it.
    pub(super) model: String,
    /// System prompt sent with every prompt of the route.
    #[serde(default)]
    pub(super) system_prompt: String,
    /// Prompts that belong to the route; five at the least, better more.
    #[schemars(length(min = 1))]
    pub(super) examples: Vec<String>,
    /// Thresholds of this route alone.
    #[serde(default)]
    pub(super) thresholds: Option<ThresholdsFile>,
}
