//! What a run is. A run is only gone on with as what it was: answers to other prompts, or of other parameters, are not
//! mixed with those that are there.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::replay::pricing::Price;

/// Differences that are told.
const TOLD: usize = 10;
/// What may differ: it changes no answer and no cost.
const FREE_TO_DIFFER: [&str; 5] = ["schema_version", "tool_version", "seed", "source", "base_url"];

/// See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `replay_run`.
    pub kind: String,
    /// Version of this document.
    pub schema_version: u32,
    /// Version of the program that started the run.
    pub tool_version: String,
    /// The dataset's file.
    pub source: String,
    /// Hash of the dataset's prompts, labels and splits.
    pub dataset_sha256: String,
    /// Split that was asked.
    pub split: String,
    /// Hash of the routes, without thresholds.
    pub routes_sha256: String,
    /// Encoder that routed the prompts.
    pub encoder: String,
    /// Threshold and gap of each route.
    pub thresholds: IndexMap<String, [f64; 2]>,
    /// How many prompts are asked.
    pub prompts: u64,
    /// Hash of prompts.jsonl, texts left out.
    pub prompts_sha256: String,
    /// Answers to each prompt from each model.
    pub samples: u32,
    /// Seed of the order in which prompts are asked.
    pub seed: u64,
    /// The models by name, in the order of routes.json.
    pub models: IndexMap<String, ManifestModel>,
}

/// A model of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestModel {
    /// Label of the provider.
    pub provider: String,
    /// Model name that is sent.
    pub model: String,
    /// Address that was asked first.
    pub base_url: String,
    /// What is sent beside model and messages.
    pub parameters: Map<String, Value>,
    /// Price, in dollars per million tokens.
    pub price: Option<Price>,
    /// Where the price comes from.
    pub price_id: Option<String>,
}

impl Manifest {
    /// `replay_run`.
    pub const KIND: &'static str = "replay_run";
    /// Version of the document; from 2 on it has a checksum, as the lines of the run have.
    pub const VERSION: u32 = 2;
}

/// In what decides answers and costs two manifests differ: path, what the run has, what it would have now.
pub(super) fn differences(was: &Value, now: &Value) -> Vec<String> {
    let mut all = Vec::new();
    compare("", was, now, &mut all);
    if all.len() > TOLD {
        let more = all.len() - TOLD;
        all.truncate(TOLD);
        all.push(format!("and {more} more"));
    }
    all
}

fn compare(path: &str, was: &Value, now: &Value, all: &mut Vec<String>) {
    let (Value::Object(a), Value::Object(b)) = (was, now) else {
        if was != now {
            all.push(format!("{path}: {} in the run, {} now", shown(was), shown(now)));
        }
        return;
    };
    for key in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
        if FREE_TO_DIFFER.contains(&key.as_str()) {
            continue;
        }
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match (a.get(key), b.get(key)) {
            (Some(was), Some(now)) => compare(&path, was, now, all),
            (Some(_), None) => all.push(format!("{path}: in the run, not there now")),
            (None, _) => all.push(format!("{path}: not in the run, there now")),
        }
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let hash = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if hash {
        return text[..12].to_owned();
    }
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}
