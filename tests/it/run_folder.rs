//! A run of `replay collect` made by hand: two models, answers whose quality follows the router's score.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up is a failed test")]

use std::path::Path;

use indexmap::IndexMap;
use routecal::replay::grades::{self, grade_run};
use routecal::replay::ledger::{Manifest, ManifestModel, PromptRecord, RECORD_VERSION, Record, Run, RunFolder, Status};
use routecal::replay::{UsageSource, Via};
use routecal::routes::Routes;

use crate::support::Sandbox;

/// Where the run lies in a sandbox.
pub(crate) const RUN: &str = "run";

/// The models, the dear one first; the dear one is the fallback of the sandbox's routes, the cheap one that of route `factual`.
const MODELS: [&str; 2] = ["big", "small"];

/// Writes a run of `n` prompts a split, all of them nearest to route `factual`, for the sandbox's routes.json. `right` says whether
/// a model answers a prompt rightly; both are asked about every prompt.
pub(crate) fn write_run(sandbox: &Sandbox, n: usize, right: impl Fn(usize, &str) -> bool) {
    let (routes, _) = Routes::load(&sandbox.path("routes.json")).unwrap();
    let prompts: Vec<PromptRecord> = (0..2 * n).map(|i| prompt(i, i < n, &routes)).collect();
    let folder = RunFolder::open(&sandbox.path(RUN), &manifest(&routes, prompts.len()), &prompts).unwrap();
    for (i, prompt) in prompts.iter().enumerate() {
        for model in MODELS {
            folder.append(&answer(i, prompt, model, right(i, model))).unwrap();
        }
    }
}

/// Grades it as `replay grade --grader numeric` does.
pub(crate) fn grade(sandbox: &Sandbox) {
    let folder = sandbox.path(RUN);
    let run = Run::load(&folder).unwrap();
    grades::write(&folder, &grade_run(&run, &"numeric".parse().unwrap()).unwrap()).unwrap();
}

/// The router's score of a prompt: every score once a split, in no order.
pub(crate) fn score(i: usize) -> f64 {
    f64::from(u32::try_from(i * 37 % 100).unwrap()) / 100.0
}

fn prompt(i: usize, calibration: bool, routes: &Routes) -> PromptRecord {
    let gap = f64::from(u32::try_from(i * 13 % 10).unwrap()) / 50.0;
    let accepted = routes.thresholds.accept(score(i), gap);
    PromptRecord {
        prompt_id: (i + 2).to_string(),
        prompt_sha256: format!("{i:064x}"),
        label: Some("factual".into()),
        split: if calibration { "calibration" } else { "test" }.into(),
        best: "factual".into(),
        score: score(i),
        gap: Some(gap),
        accepted,
        routed_model: MODELS[usize::from(accepted)].into(),
        system_prompt_sha256: "s".into(),
        reference: Some("4".into()),
        prompt: None,
    }
}

fn answer(i: usize, prompt: &PromptRecord, model: &str, right: bool) -> Record {
    let list = if model == "big" { 0.01 } else { 0.0005 } * (1.0 + f64::from(u32::try_from(i % 5).unwrap()) / 10.0);
    Record {
        v: RECORD_VERSION,
        key: format!("{}/{model}", prompt.prompt_id),
        prompt_id: prompt.prompt_id.clone(),
        prompt_sha256: prompt.prompt_sha256.clone(),
        provider: "openai".into(),
        model: model.into(),
        model_returned: Some(model.into()),
        params_sha256: "h".into(),
        sample: 0,
        attempt: 1,
        status: Status::Ok,
        http_status: Some(200),
        error_kind: None,
        error_message: None,
        request_id: None,
        latency_ms: Some(20.0),
        finish_reason: Some("stop".into()),
        content: Some(if right { "it is 4" } else { "it is 5" }.into()),
        refusal: None,
        usage: None,
        usage_source: UsageSource::Api,
        cost_usd: Some(if i.is_multiple_of(3) { list / 2.0 } else { list }),
        cost_list_usd: Some(list),
        reserved_usd: None,
        price_id: Some("by hand".into()),
        via: Via::Sync,
    }
}

fn manifest(routes: &Routes, prompts: usize) -> Manifest {
    let model = ManifestModel {
        provider: "openai".into(),
        model: "m".into(),
        base_url: "https://example.com".into(),
        parameters: serde_json::Map::new(),
        price: None,
        price_id: None,
    };
    Manifest {
        kind: Manifest::KIND.into(),
        schema_version: Manifest::VERSION,
        tool_version: "0".into(),
        source: Path::new("prompts.csv").display().to_string(),
        dataset_sha256: "d".into(),
        split: "all".into(),
        routes_sha256: routes.fingerprint(),
        encoder: "hashing".into(),
        thresholds: routes
            .names()
            .into_iter()
            .zip(routes.thresholds_by_route())
            .map(|(name, at)| (name, [at.threshold(), at.gap()]))
            .collect(),
        prompts: prompts as u64,
        prompts_sha256: "p".into(),
        samples: 1,
        seed: 0,
        models: MODELS
            .iter()
            .map(|m| ((*m).to_owned(), model.clone()))
            .collect::<IndexMap<_, _>>(),
    }
}
