//! One call: its attempts, each with its line in the ledger and its money.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Place, Shared};
use crate::replay::budget::Reservation;
use crate::replay::client::{Answer, Attempt};
use crate::replay::ledger::{RECORD_VERSION, Record, Status};
use crate::replay::models::ModelSpec;
use crate::replay::plan::{Call, Plan};
use crate::replay::retry::{self, Failure, Next};
use crate::replay::{UsageSource, Via};
use crate::stats::{Purpose, stream};

/// Error kind of a call that was on its way when the program was killed.
pub(super) const LOST: &str = "lost";

/// The outcome of a call of which nothing more is heard once it is sent.
pub(in crate::replay) fn lost(plan: &Plan, call: &Call, attempt: u32, via: Via) -> Record {
    let model = &plan.models[call.model];
    let question = &plan.questions[call.question];
    Record {
        v: RECORD_VERSION,
        key: call.key.clone(),
        prompt_id: question.id.clone(),
        prompt_sha256: question.sha256.clone(),
        provider: model.provider.clone(),
        model: model.name.clone(),
        model_returned: None,
        params_sha256: model.params_sha256(),
        sample: call.sample,
        attempt,
        status: Status::BudgetUnknown,
        http_status: None,
        error_kind: Some(LOST.into()),
        error_message: None,
        request_id: None,
        latency_ms: None,
        finish_reason: None,
        content: None,
        refusal: None,
        usage: None,
        usage_source: UsageSource::None,
        cost_usd: None,
        cost_list_usd: None,
        reserved_usd: plan.worst_usd(call, via),
        price_id: model.price.as_ref().map(|(_, id)| id.clone()),
        via,
    }
}

/// Makes of the outcome that was written down in advance the one that came.
pub(in crate::replay) fn answered(mut record: Record, model: &ModelSpec, answer: Answer) -> Record {
    let price = model.price.as_ref().map(|(price, _)| price);
    record.status = Status::Ok;
    record.http_status = Some(200);
    record.error_kind = None;
    record.model_returned = answer.model;
    record.finish_reason = answer.finish_reason;
    record.content = answer.content;
    record.refusal = answer.refusal;
    record.usage = answer.usage;
    if let (Some(usage), Some(price)) = (answer.usage, price) {
        record.usage_source = UsageSource::Api;
        record.cost_usd = Some(price.cost(&usage, record.via));
        record.cost_list_usd = Some(price.list_cost(&usage, record.via));
        record.reserved_usd = None;
    } else if price.is_some_and(crate::replay::Price::is_free) {
        record.cost_usd = Some(0.0);
        record.cost_list_usd = Some(0.0);
        record.reserved_usd = None;
    }
    record
}

/// As [`answered`], for a failure.
pub(in crate::replay) fn failed(mut record: Record, failure: &Failure) -> Record {
    record.http_status = failure.status;
    record.error_kind = Some(failure.kind.into());
    record.error_message = Some(failure.message.clone());
    if !failure.maybe_billed {
        record.status = Status::Error;
        record.reserved_usd = None;
    }
    record
}

/// Makes a call: as many attempts as it takes and may.
pub(super) async fn make(place: Place, index: usize, reservation: Reservation) {
    let shared = &*place.0;
    let call = &shared.plan.calls[index];
    let body = shared.plan.body(call);
    let max_output = shared.plan.models[call.model].max_output;
    let tokens = call.input_guess + max_output;
    let before = shared.run.cells().attempts(&call.key);
    let mut random = stream(shared.options.seed, Purpose::Jitter, index as u64);
    let mut reservation = Some(reservation);
    let Some(asker) = &shared.askers[call.model] else {
        return;
    };
    for number in 1.. {
        let Some(money) = reservation.take() else {
            shared.short.store(true, Ordering::Relaxed);
            return shared.count(1, 0);
        };
        tokio::select! {
            () = shared.limits.pace(call.model, tokens) => {}
            () = shared.halted() => return money.release(),
        }
        if shared.limits.stopped(call.model).is_some() {
            return money.release();
        }
        let record = lost(&shared.plan, call, before + number, Via::Sync);
        if let Err(error) = shared.run.sending(&record) {
            money.release();
            return shared.fail(error);
        }
        let attempt = asker.ask(&body, shared.options.max_retry_after).await;
        let record = with_attempt(record, &attempt);
        let failure = match attempt.result {
            Ok(answer) => {
                let used = answer.usage.map_or(tokens, |u| u.input + u.output);
                return end_well(
                    shared,
                    call,
                    &answered(record, &shared.plan.models[call.model], answer),
                    money,
                    tokens,
                    used,
                );
            }
            Err(failure) => failure,
        };
        let record = failed(record, &failure);
        if let Err(error) = shared.run.append(&record) {
            return shared.fail(error);
        }
        shared.count(0, 1);
        // What may have been billed stays spent; what was not is kept for the next attempt.
        let kept = if failure.maybe_billed {
            drop(money);
            None
        } else {
            Some(money)
        };
        let Some(pause) = consequence(shared, call, &failure, number, &mut random) else {
            if let Some(money) = kept {
                money.release();
            }
            return shared.count(1, 0);
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.halted() => {
                if let Some(money) = kept {
                    money.release();
                }
                return;
            }
        }
        reservation = if kept.is_some() {
            kept
        } else {
            let worst_usd = shared.plan.worst_usd(call, Via::Sync).unwrap_or(0.0);
            tokio::select! {
                reservation = shared.budget.reserve(worst_usd) => reservation,
                () = shared.halted() => return,
            }
        };
    }
}

fn with_attempt(mut record: Record, attempt: &Attempt) -> Record {
    // Microseconds are more than the measurement is worth.
    record.latency_ms = Some((attempt.latency.as_secs_f64() * 1e6).round() / 1e3);
    record.request_id.clone_from(&attempt.request_id);
    record
}

fn end_well(shared: &Shared, call: &Call, record: &Record, money: Reservation, tokens: u64, used: u64) {
    let charged = record.charged_usd();
    if let Some(worst) = shared.plan.worst_usd(call, Via::Sync).filter(|worst| charged > *worst) {
        // Its worst case is none, so no budget can hold it.
        let why = format!(
            "an answer cost ${charged:.6}, and ${worst:.6} was the most it could: the server does not keep to the bound of an \
             answer (write the one that it knows into parameters: max_tokens or max_completion_tokens)"
        );
        shared.limits.stop(call.model, &why, false);
    }
    if let Err(error) = shared.run.append(record) {
        // Dropped, the money counts as spent; it was.
        return shared.fail(error);
    }
    money.settle(charged);
    shared.limits.give_back(call.model, tokens.saturating_sub(used));
    shared.limits.answered(call.model);
    shared.count(1, 0);
}

/// What a failure does to its model, and the pause until the next attempt if there is to be one.
fn consequence(
    shared: &Shared,
    call: &Call,
    failure: &Failure,
    number: u32,
    random: &mut crate::stats::Stream,
) -> Option<Duration> {
    let told = match failure.status {
        Some(status) => format!("status {status}: {}", failure.message),
        None => failure.message.clone(),
    };
    match failure.next {
        Next::Retry { after, too_fast } => {
            if too_fast {
                shared.limits.slow_down(call.model, after);
            }
            if number < shared.options.attempts && !shared.is_halted() {
                return Some(retry::pause(number + 1, after, random));
            }
            shared.limits.failed(call.model, &told);
        }
        // A success that is no answer is no sign of a right address: a web page for people, say, is one to every call.
        Next::Fail if failure.maybe_billed => shared.limits.failed(call.model, &told),
        Next::Fail => shared.limits.refused(call.model, &told),
        Next::StopModel => shared.limits.stop(call.model, &told, false),
        Next::StopAddress => {
            let told = match &shared.plan.models[call.model].api_key_env {
                Some(variable) => format!("{told} (the key is that in {variable})"),
                None => format!("{told} (no key was sent: models.toml says api_key_env = \"\")"),
            };
            shared.limits.stop(call.model, &told, true);
        }
    }
    None
}
