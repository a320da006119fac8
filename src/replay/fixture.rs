//! A small run for tests: two prompts, two models.

use std::path::Path;

use indexmap::IndexMap;

use crate::replay::ledger::{Manifest, ManifestModel, PromptRecord, RECORD_VERSION, Record, Run, Status};
use crate::replay::{UsageSource, Via};
use crate::routes::Routes;

pub(super) const ROUTES: &str = r#"{"coding": {"model": "big", "examples": ["a", "b", "c", "d", "e"]}}"#;

pub(super) fn routes() -> Routes {
    Routes::parse(ROUTES, Path::new("routes.json")).unwrap().0
}

pub(super) fn record(prompt: &str, model: &str, content: Option<&str>) -> Record {
    Record {
        v: RECORD_VERSION,
        key: format!("{prompt}/{model}"),
        prompt_id: prompt.into(),
        prompt_sha256: "s".into(),
        provider: "openai".into(),
        model: model.into(),
        model_returned: None,
        params_sha256: "h".into(),
        sample: 0,
        attempt: 1,
        status: if content.is_some() { Status::Ok } else { Status::Error },
        http_status: Some(200),
        error_kind: None,
        error_message: None,
        request_id: None,
        latency_ms: Some(20.0),
        finish_reason: Some("stop".into()),
        content: content.map(str::to_owned),
        refusal: None,
        usage: None,
        usage_source: UsageSource::Api,
        cost_usd: content.map(|_| 0.01),
        cost_list_usd: content.map(|_| 0.02),
        reserved_usd: None,
        price_id: None,
        via: Via::Sync,
    }
}

/// Two prompts, two models; the fallback is the model gpt-4o by default of the bare form.
pub(super) fn run(records: Vec<Record>) -> Run {
    let model = ManifestModel {
        provider: "openai".into(),
        model: "m".into(),
        base_url: "https://x".into(),
        parameters: serde_json::Map::new(),
        price: None,
        price_id: None,
    };
    let fallback = routes().fallback.model;
    let prompt = |id: &str, score: f64| PromptRecord {
        prompt_id: id.into(),
        prompt_sha256: "s".into(),
        label: Some("coding".into()),
        split: "test".into(),
        best: "coding".into(),
        score,
        gap: None,
        accepted: true,
        routed_model: "big".into(),
        system_prompt_sha256: "s".into(),
        reference: Some("4".into()),
        prompt: None,
    };
    Run {
        manifest: Manifest {
            kind: Manifest::KIND.into(),
            schema_version: Manifest::VERSION,
            tool_version: "0".into(),
            source: "prompts.csv".into(),
            dataset_sha256: "d".into(),
            split: "test".into(),
            routes_sha256: routes().fingerprint(),
            encoder: "hashing".into(),
            thresholds: IndexMap::new(),
            prompts: 2,
            prompts_sha256: "p".into(),
            samples: 1,
            seed: 0,
            models: IndexMap::from([("big".to_owned(), model.clone()), (fallback, model)]),
        },
        prompts: vec![prompt("2", 0.9), prompt("3", 0.1)],
        records,
        torn: 0,
    }
}
