//! What is refused before the first call.

use super::summary::is_open;
use super::{CollectError, CollectOptions, Keys};
use crate::endpoint::{Address, Endpoint};
use crate::replay::Via;
use crate::replay::ledger::Cells;
use crate::replay::models::ModelSpec;
use crate::replay::plan::{LONG_CONTEXT, Plan};

/// Prices and budget of the calls that are open.
pub(super) fn check(plan: &Plan, cells: &Cells, options: &CollectOptions, via: Via) -> Result<(), CollectError> {
    if let Some(usd) = options.max_usd.filter(|usd| !(usd.is_finite() && *usd >= 0.0)) {
        return Err(CollectError::BadBudget { usd });
    }
    let mut worst_usd = 0.0;
    let mut unpriced: Vec<String> = Vec::new();
    for call in plan.calls.iter().filter(|c| is_open(cells, c, options.retry_unknown)) {
        let model = &plan.models[call.model];
        let Some(worst) = plan.worst_usd(call, via) else {
            if !unpriced.contains(&model.name) {
                unpriced.push(model.name.clone());
            }
            continue;
        };
        if worst > 0.0 && call.input_bound > LONG_CONTEXT {
            return Err(CollectError::TooLong {
                prompt_id: plan.questions[call.question].id.clone(),
                bytes: call.input_bound,
            });
        }
        worst_usd += worst;
    }
    if !unpriced.is_empty() {
        return Err(CollectError::NoPrice { models: unpriced });
    }
    if worst_usd > 0.0 && options.max_usd.is_none() {
        return Err(CollectError::NoBudget { worst_usd });
    }
    Ok(())
}

/// Refuses an address that cannot be, or has a password in it, before it is shown or written anywhere.
///
/// # Errors
/// [`CollectError::Endpoint`] for the first.
pub fn check_addresses(models: &[ModelSpec]) -> Result<(), CollectError> {
    models.iter().try_for_each(|model| {
        Address::parse(&model.base_url)
            .map(drop)
            .map_err(|problem| CollectError::endpoint(model, problem))
    })
}

/// Address and key of each model that has an open call.
pub(super) fn endpoints(
    plan: &Plan,
    cells: &Cells,
    keys: Keys<'_>,
    options: &CollectOptions,
) -> Result<Vec<Option<Endpoint>>, CollectError> {
    (0..plan.models.len())
        .map(|m| {
            let of_model = |c: &&crate::replay::plan::Call| c.model == m;
            let mut calls = plan.calls.iter().filter(of_model);
            if !calls.any(|c| is_open(cells, c, options.retry_unknown)) {
                return Ok(None);
            }
            let model = &plan.models[m];
            let endpoint = match &model.api_key_env {
                Some(variable) => {
                    Endpoint::new(&model.base_url, &keys(variable).unwrap_or_default(), options.allow_http)
                }
                None => Endpoint::keyless(&model.base_url),
            };
            endpoint
                .map(Some)
                .map_err(|problem| CollectError::endpoint(model, problem))
        })
        .collect()
}
