//! Open calls to batches.

use std::collections::HashSet;

use serde_json::json;

use super::api::{ApiError, Creation, URL};
use super::{BatchRow, Desk, told};
use crate::assets::sha256_hex;
use crate::replay::Via;
use crate::replay::budget::Budget;
use crate::replay::collect::{CollectError, CollectOptions, CollectSummary, checks, summary};
use crate::replay::ledger::{BatchCall, BatchEnd, BatchLine, BatchOutcomes, Cells, OpenBatch, RECORD_VERSION};
use crate::replay::plan::{Call, Plan};
use crate::replay::retry::{Failure, Next};

/// Calls a batch may have.
const MOST_CALLS: usize = 50_000;
/// Bytes that its file may have.
const MOST_BYTES: usize = 200_000_000;
/// Characters of a batch's name in the ledger: half a sha256.
const ID: usize = 32;

/// The calls of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    model: usize,
    /// Indices in the plan.
    calls: Vec<usize>,
}

impl Desk<'_> {
    pub(super) async fn submit(&mut self) -> Result<Option<CollectError>, CollectError> {
        let cells = Cells::load(self.folder)?;
        // Once more: batches that were never created have given their calls back.
        checks::check(self.plan, &cells, self.options, Via::Batch)?;
        let budget = Budget::new(
            self.options.max_usd,
            self.options.spent_elsewhere_usd + cells.charged_usd(),
        );
        let (chosen, left) = choose(self.plan, &cells, self.options, &budget);
        for batch in &self.open {
            let state = if batch.batch_id.is_some() {
                "submitted"
            } else {
                "unresolved"
            };
            self.rows.push(BatchRow::waiting(batch, state));
        }
        let mut given_up: HashSet<(&str, Option<&str>)> = HashSet::new();
        for group in groups(self.plan, &chosen, (MOST_CALLS, MOST_BYTES)) {
            let model = &self.plan.models[group.model];
            let address = (model.base_url.as_str(), model.api_key_env.as_deref());
            if self.stopped() || given_up.contains(&address) {
                continue;
            }
            if let Some(failure) = self.send(&group).await?
                && failure.next == Next::StopAddress
            {
                given_up.insert(address);
            }
        }
        let cells = Cells::load(self.folder)?;
        let summary = summary::summary(self.plan, &cells);
        Ok(self
            .cut_short(&summary)
            .or_else(|| self.left_over(&summary, &cells, left)))
    }

    /// Uploads the calls of a group and has a batch created; what went wrong, if anything did.
    async fn send(&mut self, group: &Group) -> Result<Option<Failure>, CollectError> {
        let model = &self.plan.models[group.model];
        let Some(api) = self.apis[group.model].clone() else {
            return Ok(None);
        };
        let lines = jsonl(self.plan, &group.calls);
        self.progress.note(&format!(
            "uploading {} calls of {} ({} kB)",
            group.calls.len(),
            model.name,
            lines.len().div_ceil(1000)
        ));
        let file_id = match api.upload(lines).await {
            Ok(file_id) => file_id,
            Err(error) => {
                let what = match &error {
                    ApiError::Failed(f) if matches!(f.status, Some(404 | 405 | 501)) => {
                        "the server has no Batch API (collect without --batch asks it)"
                    }
                    _ => "cannot upload the calls",
                };
                self.failed(&model.name, what, error.clone());
                return Ok(match error {
                    ApiError::Failed(failure) => Some(failure),
                    ApiError::Stopped => None,
                });
            }
        };
        let calls = self.calls_of(group);
        let batch = OpenBatch {
            id: name_of(&model.base_url, &file_id, &calls),
            model: model.name.clone(),
            file_id,
            batch_id: None,
            calls,
        };
        self.run.append_batch(&BatchLine::Creating {
            v: RECORD_VERSION,
            id: batch.id.clone(),
            model: batch.model.clone(),
            file_id: batch.file_id.clone(),
            calls: batch.calls.clone(),
        })?;
        match api.create(&batch.file_id, &batch.id).await {
            Creation::Done(state) => {
                self.run.append_batch(&BatchLine::Created {
                    v: RECORD_VERSION,
                    id: batch.id.clone(),
                    batch_id: state.id.clone(),
                })?;
                let batch = OpenBatch {
                    batch_id: Some(state.id.clone()),
                    ..batch
                };
                self.rows.push(BatchRow::going_on(&batch, &state));
                Ok(None)
            }
            Creation::Refused(failure) => {
                self.end(&batch, BatchEnd::NeverCreated, BatchOutcomes::default())?;
                if !self.stopped() {
                    let text = format!("\"{}\": cannot create a batch: {}", batch.model, told(&failure));
                    self.failures.push(text);
                }
                Ok(Some(failure))
            }
            Creation::Unclear(failure) => {
                self.rows.push(BatchRow::waiting(&batch, "unresolved"));
                self.failures.push(format!(
                    "\"{}\": a batch may have been created or not, which the next --batch poll or submit finds out: {}",
                    batch.model,
                    told(&failure)
                ));
                Ok(Some(failure))
            }
        }
    }

    fn calls_of(&self, group: &Group) -> Vec<BatchCall> {
        let cells = self.run.cells();
        let of = |call: &Call| BatchCall {
            key: call.key.clone(),
            attempt: cells.attempts(&call.key) + 1,
            reserved_usd: self.plan.worst_usd(call, Via::Batch).unwrap_or(0.0),
        };
        group.calls.iter().map(|i| of(&self.plan.calls[*i])).collect()
    }

    /// What to say where calls are in no batch and have no answer. `left`: so many did not fit into the budget.
    fn left_over(&self, summary: &CollectSummary, cells: &Cells, left: usize) -> Option<CollectError> {
        let (missing, total) = (summary.total.missing(), summary.total.cells);
        if missing == summary.total.in_batch {
            return None;
        }
        let mut command = self.options.resume.clone();
        let mut reasons = summary.reasons();
        if left > 0 {
            let spent = self.options.spent_elsewhere_usd + cells.charged_usd();
            let rest = summary::dry_run(self.plan, cells, self.options.retry_unknown, Via::Batch);
            reasons.insert(
                0,
                format!(
                    "{left} calls do not fit into the budget of ${} (${spent:.6} are spent or set aside)",
                    self.options.max_usd.unwrap_or_default()
                ),
            );
            let needed = ((spent + rest.worst_usd.unwrap_or_default()) * 100.0).ceil() / 100.0;
            command = command.with("--max-usd", &format!("{needed:.2}"));
        } else {
            command = command.with_switch("--retry-unknown");
        }
        Some(CollectError::Incomplete {
            missing,
            total,
            reason: reasons.join("; "),
            resume: command.to_string(),
        })
    }
}

/// The open calls that fit into the budget, in the order of the plan, and how many do not: from the first that does not on,
/// so that what is asked is paired.
fn choose(plan: &Plan, cells: &Cells, options: &CollectOptions, budget: &Budget) -> (Vec<usize>, usize) {
    let open = |i: &usize| summary::is_open(cells, &plan.calls[*i], options.retry_unknown);
    let mut open: Vec<usize> = (0..plan.calls.len()).filter(open).collect();
    let fits = |i: &usize| budget.spend(plan.worst_usd(&plan.calls[*i], Via::Batch).unwrap_or(0.0));
    let count = open.iter().take_while(|i| fits(i)).count();
    let left = open.split_off(count).len();
    (open, left)
}

/// Batches of the calls: one a model, or several where one would be too large.
fn groups(plan: &Plan, chosen: &[usize], (most_calls, most_bytes): (usize, usize)) -> Vec<Group> {
    let mut groups = Vec::new();
    for model in 0..plan.models.len() {
        let mut calls = Vec::new();
        let mut bytes = 0;
        for &i in chosen.iter().filter(|i| plan.calls[**i].model == model) {
            let length = line(plan, &plan.calls[i]).len();
            if !calls.is_empty() && (calls.len() == most_calls || bytes + length > most_bytes) {
                let calls = std::mem::take(&mut calls);
                groups.push(Group { model, calls });
                bytes = 0;
            }
            calls.push(i);
            bytes += length;
        }
        if !calls.is_empty() {
            groups.push(Group { model, calls });
        }
    }
    groups
}

/// A call as a line of a batch's file.
fn line(plan: &Plan, call: &Call) -> String {
    let request = json!({ "custom_id": call.key, "method": "POST", "url": URL, "body": plan.body(call) });
    format!("{request}\n")
}

fn jsonl(plan: &Plan, calls: &[usize]) -> Vec<u8> {
    let lines: String = calls.iter().map(|i| line(plan, &plan.calls[*i])).collect();
    lines.into_bytes()
}

/// What a batch is called here: as unique as the provider's name of its file.
fn name_of(base_url: &str, file_id: &str, calls: &[BatchCall]) -> String {
    let mut content = format!("{base_url}\n{file_id}\n");
    for call in calls {
        content.push_str(&format!("{} {}\n", call.key, call.attempt));
    }
    let mut id = sha256_hex(content.as_bytes());
    id.truncate(ID);
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::models::{Defaults, resolve};
    use crate::replay::plan::Question;

    fn plan(n: usize) -> Plan {
        let question = |i: usize| Question {
            id: i.to_string(),
            sha256: String::new(),
            text: format!("prompt \"{i}\"\nof two lines"),
            system_prompt: String::new(),
            samples: 1,
        };
        let names = ["gpt-4o".to_owned(), "gpt-4o-mini".to_owned()];
        let models = resolve(None, &names, &[], None, &Defaults::default()).unwrap();
        Plan::new((0..n).map(question).collect(), models, 1)
    }

    fn chosen(max_usd: Option<f64>, plan: &Plan) -> (Vec<usize>, usize) {
        let budget = Budget::new(max_usd, 0.0);
        choose(plan, &Cells::default(), &CollectOptions::default(), &budget)
    }

    #[test]
    fn a_budget_is_filled_in_the_order_of_the_plan_at_the_batch_price() {
        let plan = plan(3);
        assert_eq!(chosen(None, &plan), ((0..6).collect(), 0));
        let worst = |i: usize| plan.worst_usd(&plan.calls[i], Via::Batch).unwrap();
        let three = worst(0) + worst(1) + worst(2);
        assert_eq!(chosen(Some(three + 1e-9), &plan), (vec![0, 1, 2], 3));
        // The cheaper call behind the one that does not fit waits too.
        assert_eq!(chosen(Some(0.0), &plan), (vec![], 6));
        assert!((worst(0) * 2.0 - plan.worst_usd(&plan.calls[0], Via::Sync).unwrap()).abs() < 1e-12);
    }

    #[test]
    fn a_batch_is_of_one_model_and_no_larger_than_allowed() {
        let plan = plan(5);
        let all: Vec<usize> = (0..10).collect();
        let of = |most: (usize, usize)| groups(&plan, &all, most);
        assert_eq!(of((50, 1_000_000)).len(), 2);
        for (most, groups) in [((2, 1_000_000), 6), ((50, 700), 6), ((50, 1), 10)] {
            let of = of(most);
            assert_eq!(of.len(), groups, "{most:?}");
            let mut seen: Vec<usize> = of.iter().flat_map(|g| g.calls.clone()).collect();
            seen.sort_unstable();
            assert_eq!(seen, all);
            for group in &of {
                assert!(group.calls.iter().all(|i| plan.calls[*i].model == group.model));
                let bytes = jsonl(&plan, &group.calls).len();
                assert!(group.calls.len() == 1 || (group.calls.len() <= most.0 && bytes <= most.1));
            }
        }
    }

    #[test]
    fn a_line_is_a_request_that_the_answer_can_be_joined_to() {
        let plan = plan(2);
        let lines = String::from_utf8(jsonl(&plan, &[0, 3])).unwrap();
        assert_eq!(lines.lines().count(), 2);
        for (line, i) in lines.lines().zip([0, 3]) {
            let call = &plan.calls[i];
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["custom_id"], call.key);
            assert_eq!(call.key.len(), 64, "some vendors take no longer one");
            assert_eq!((&value["method"], &value["url"]), (&json!("POST"), &json!(URL)));
            assert_eq!(value["body"], plan.body(call));
        }
    }

    #[test]
    fn a_name_is_of_one_file_and_one_attempt() {
        let call = |attempt| BatchCall {
            key: "k".into(),
            attempt,
            reserved_usd: 0.0,
        };
        let name = name_of("u", "file-1", &[call(1)]);
        assert_eq!(name.len(), ID);
        assert_eq!(name, name_of("u", "file-1", &[call(1)]));
        for other in [
            name_of("v", "file-1", &[call(1)]),
            name_of("u", "file-2", &[call(1)]),
            name_of("u", "file-1", &[call(2)]),
        ] {
            assert_ne!(name, other);
        }
    }
}
