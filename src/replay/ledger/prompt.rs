//! One line of `prompts.jsonl`: a prompt of the run, where the router sends it, and what its answer is held against.
//!
//! With score and gap in it, every pair of thresholds can be tried later without the encoder.

use serde::{Deserialize, Serialize};

/// See the module. Prompts of one text are one prompt, asked once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptRecord {
    /// Short name: the line of the dataset on which the prompt first stands.
    pub prompt_id: String,
    /// Hash of the text; one prompt, one hash.
    pub prompt_sha256: String,
    /// Label of the dataset: a route's name, `none`, or nothing where there are no labels.
    pub label: Option<String>,
    /// Split of the dataset.
    pub split: String,
    /// The route with the highest score, accepted or not.
    pub best: String,
    /// Cosine to it.
    pub score: f64,
    /// Distance to the runner-up; nothing where there is one route alone (then it is infinite).
    pub gap: Option<f64>,
    /// Whether the thresholds of routes.json accept it. It was asked with the best route's system prompt if so, with the
    /// fallback's if not.
    pub accepted: bool,
    /// Model that routes.json sends it to.
    pub routed_model: String,
    /// Hash of the system prompt that it was asked with.
    pub system_prompt_sha256: String,
    /// The right answer, where the dataset has a column of them.
    #[serde(default)]
    pub reference: Option<String>,
    /// The text, with `--store-prompts`.
    #[serde(default)]
    pub prompt: Option<String>,
}
