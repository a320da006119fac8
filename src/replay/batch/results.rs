//! The lines of a batch's output and error files: which call each answers, and what the answer is.
//!
//! Nothing is taken for granted of them: they come in any order, and one may be no JSON, answer a call that was not asked, or
//! answer one twice.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_openai::error::OpenAIError;
use serde_json::Value;

use crate::endpoint::{ApiKey, HttpFailure};
use crate::replay::Via;
use crate::replay::client::{self, name};
use crate::replay::collect::call::{answered, failed, lost};
use crate::replay::ledger::{BatchCall, BatchOutcomes, OpenBatch, Record, Status};
use crate::replay::plan::{Call, Plan};
use crate::replay::retry;

/// Reads the results of one batch.
pub(super) struct Results<'a> {
    plan: &'a Plan,
    key: &'a ApiKey,
    longest: Duration,
    calls: HashMap<&'a str, (&'a Call, &'a BatchCall)>,
    seen: HashSet<&'a str>,
    /// What is told of them in the end.
    pub(super) outcomes: BatchOutcomes,
    pub(super) oddities: Oddities,
}

/// Lines that are not as they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Oddities {
    /// No JSON, or without a `custom_id`.
    pub(super) unreadable: u64,
    /// Answers to calls that are not in the batch.
    pub(super) foreign: u64,
    /// Answers to a call that has one.
    pub(super) repeated: u64,
    /// Answers that cost more than they could.
    pub(super) too_dear: u64,
}

impl<'a> Results<'a> {
    pub(super) fn new(plan: &'a Plan, batch: &'a OpenBatch, key: &'a ApiKey, longest: Duration) -> Self {
        let of_batch: HashMap<&str, &BatchCall> = batch.calls.iter().map(|c| (c.key.as_str(), c)).collect();
        let with_call = |call: &'a Call| Some((call.key.as_str(), (call, *of_batch.get(call.key.as_str())?)));
        Self {
            plan,
            key,
            longest,
            calls: plan.calls.iter().filter_map(with_call).collect(),
            seen: HashSet::new(),
            outcomes: BatchOutcomes::default(),
            oddities: Oddities::default(),
        }
    }

    /// The outcomes that the lines of a file stand for.
    pub(super) fn read(&mut self, file: &[u8]) -> Vec<Record> {
        let lines = file.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
        lines
            .filter(|line| !line.is_empty())
            .filter_map(|line| self.line(line))
            .collect()
    }

    fn line(&mut self, line: &[u8]) -> Option<Record> {
        let value: Value = serde_json::from_slice(line).unwrap_or_default();
        let Some(id) = value["custom_id"].as_str() else {
            self.oddities.unreadable += 1;
            return None;
        };
        let Some((&key, &(call, of_batch))) = self.calls.get_key_value(id) else {
            self.oddities.foreign += 1;
            return None;
        };
        if !self.seen.insert(key) {
            self.oddities.repeated += 1;
            return None;
        }
        let mut record = lost(self.plan, call, of_batch.attempt, Via::Batch);
        record.request_id = value["response"]["request_id"].as_str().map(|s| name(s, self.key));
        let record = self.outcome(record, call, &value);
        self.count(&record);
        if record.cost_usd.is_some_and(|cost| cost > of_batch.reserved_usd) {
            self.oddities.too_dear += 1;
        }
        Some(record)
    }

    fn outcome(&self, mut record: Record, call: &Call, value: &Value) -> Record {
        let response = &value["response"];
        let status = response["status_code"].as_u64().and_then(|s| u16::try_from(s).ok());
        if let Some(status) = status.filter(|s| !(200..300).contains(s)) {
            let failure = HttpFailure::parse(status, None, &response["body"].to_string());
            let error = OpenAIError::Boxed(Box::new(failure));
            return failed(record, &retry::read(&error, self.key, self.longest));
        }
        let error = &value["error"];
        if error.is_object() {
            // Not even sent to the model: the batch's time was up, or somebody cancelled it.
            record.status = Status::Error;
            record.reserved_usd = None;
            let kind = error["code"].as_str().unwrap_or("batch_error");
            record.error_kind = Some(name(kind, self.key));
            record.error_message = error["message"].as_str().map(|m| name(m, self.key));
            return record;
        }
        match client::read(&response["body"], self.key) {
            Ok(answer) => answered(record, &self.plan.models[call.model], answer),
            Err(failure) => failed(record, &failure),
        }
    }

    /// The calls that no line has answered. `made`: they may have been made all the same, and billed; then each has an
    /// outcome that says so.
    pub(super) fn rest(&mut self, made: bool) -> Vec<Record> {
        // In the order of the plan: a map has none.
        let calls = self.plan.calls.iter();
        let rest: Vec<(&Call, &BatchCall)> = calls
            .filter(|call| !self.seen.contains(call.key.as_str()))
            .filter_map(|call| self.calls.get(call.key.as_str()).copied())
            .collect();
        if !made {
            self.outcomes.unasked += rest.len() as u64;
            return Vec::new();
        }
        self.outcomes.unknown += rest.len() as u64;
        rest.into_iter()
            .map(|(call, of_batch)| lost(self.plan, call, of_batch.attempt, Via::Batch))
            .collect()
    }

    fn count(&mut self, record: &Record) {
        match record.status {
            Status::Ok => self.outcomes.answered += 1,
            Status::Error => self.outcomes.failed += 1,
            Status::BudgetUnknown => self.outcomes.unknown += 1,
        }
    }
}

impl Oddities {
    /// What to tell of them.
    pub(super) fn told(&self) -> Vec<String> {
        [
            (self.unreadable, "lines of its results are no JSON with a custom_id"),
            (self.foreign, "results belong to no call of it"),
            (
                self.repeated,
                "results are a second one of the same call; the first counts",
            ),
            (
                self.too_dear,
                "answers have more tokens than they were allowed, and cost more than was set aside",
            ),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect()
    }
}
