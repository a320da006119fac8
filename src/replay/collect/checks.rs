//! What is refused before the first call.

use super::summary::is_open;
use super::{CollectError, CollectOptions, Keys};
use crate::endpoint::{Address, Endpoint};
use crate::replay::Via;
use crate::replay::ledger::Cells;
use crate::replay::models::ModelSpec;
use crate::replay::plan::{LONG_CONTEXT, Plan};

/// Prices and budget of the calls that are open.
pub(in crate::replay) fn check(
    plan: &Plan,
    cells: &Cells,
    options: &CollectOptions,
    via: Via,
) -> Result<(), CollectError> {
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

/// Whether each model has an open call.
pub(in crate::replay) fn models_of_open(plan: &Plan, cells: &Cells, retry_unknown: bool) -> Vec<bool> {
    let mut wanted = vec![false; plan.models.len()];
    for call in plan.calls.iter().filter(|c| is_open(cells, c, retry_unknown)) {
        wanted[call.model] = true;
    }
    wanted
}

/// Address and key of each model that is wanted.
pub(in crate::replay) fn endpoints(
    plan: &Plan,
    wanted: &[bool],
    keys: Keys<'_>,
    options: &CollectOptions,
) -> Result<Vec<Option<Endpoint>>, CollectError> {
    let of_model = |(model, wanted): (&ModelSpec, &bool)| {
        if !wanted {
            return Ok(None);
        }
        let endpoint = match &model.api_key_env {
            Some(variable) => Endpoint::new(&model.base_url, &keys(variable).unwrap_or_default(), options.allow_http),
            None => Endpoint::keyless(&model.base_url),
        };
        endpoint
            .map(Some)
            .map_err(|problem| CollectError::endpoint(model, problem))
    };
    plan.models.iter().zip(wanted).map(of_model).collect()
}
