//! What a run has so far, counted from its ledger, and what is still open.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::replay::ledger::{Cells, Record, Status};
use crate::replay::plan::{Call, Plan};
use crate::replay::{Usage, Via};

/// The answers of a run, in numbers: what `replay collect --format json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CollectSummary {
    /// `replay_collect`.
    pub kind: &'static str,
    /// Version of this document.
    pub schema_version: u32,
    /// Version of the program.
    pub tool_version: &'static str,
    /// Prompts of the run.
    pub prompts: u64,
    /// All models together.
    pub total: CellCounts,
    /// Each model.
    pub models: Vec<ModelCounts>,
    /// Dollars billed, as far as it is known.
    pub cost_usd: f64,
    /// What the same answers would cost without the provider's cache.
    pub cost_list_usd: f64,
    /// Dollars that count against the budget: billed, and the worst case of what may have been and of what is in batches.
    pub charged_usd: f64,
}

/// Cells of a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct CellCounts {
    /// All.
    pub cells: u64,
    /// With an answer.
    pub answered: u64,
    /// Of them: cut off at the most tokens that were allowed.
    pub truncated: u64,
    /// Of them: refused by the model or by a filter.
    pub refused: u64,
    /// Of them: without a word.
    pub empty: u64,
    /// Asked without success.
    pub failed: u64,
    /// Asked, and nobody knows whether it was billed.
    pub unknown: u64,
    /// Never asked.
    pub open: u64,
    /// In a batch that has not ended, whatever became of them before.
    pub in_batch: u64,
}

/// One model's cells, tokens and dollars.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ModelCounts {
    /// Name.
    pub model: String,
    /// Its cells.
    #[serde(flatten)]
    pub counts: CellCounts,
    /// Tokens of its answers.
    pub usage: Usage,
    /// Dollars billed for its answers.
    pub cost_usd: f64,
    /// Without the provider's cache.
    pub cost_list_usd: f64,
    /// Last error of cells without an answer, by kind.
    pub errors: BTreeMap<String, u64>,
}

/// Whether a call is still to be made: it has no answer, and it is not one that may have been billed (unless those are
/// wanted), nor one that a batch is about to answer.
pub(in crate::replay) fn is_open(cells: &Cells, call: &Call, retry_unknown: bool) -> bool {
    if cells.in_batch(&call.key) {
        return false;
    }
    match cells.outcome(&call.key) {
        None => true,
        Some(outcome) => match outcome.status {
            Status::Ok => false,
            Status::Error => true,
            Status::BudgetUnknown => retry_unknown,
        },
    }
}

/// Counts a plan against its ledger.
pub(in crate::replay) fn summary(plan: &Plan, cells: &Cells) -> CollectSummary {
    let mut models: Vec<ModelCounts> = plan
        .models
        .iter()
        .map(|m| ModelCounts {
            model: m.name.clone(),
            counts: CellCounts::default(),
            usage: Usage::default(),
            cost_usd: 0.0,
            cost_list_usd: 0.0,
            errors: BTreeMap::new(),
        })
        .collect();
    for call in &plan.calls {
        models[call.model].add(cells.outcome(&call.key), cells.in_batch(&call.key));
    }
    let mut total = CellCounts::default();
    for model in &models {
        total.add(&model.counts);
    }
    CollectSummary {
        kind: "replay_collect",
        schema_version: 1,
        tool_version: env!("CARGO_PKG_VERSION"),
        prompts: plan.questions.len() as u64,
        total,
        cost_usd: models.iter().map(|m| m.cost_usd).sum(),
        cost_list_usd: models.iter().map(|m| m.cost_list_usd).sum(),
        charged_usd: cells.charged_usd(),
        models,
    }
}

impl CollectSummary {
    /// What is known of the cells that have no answer, for a message.
    pub(in crate::replay) fn reasons(&self) -> Vec<String> {
        let total = &self.total;
        let mut reasons = Vec::new();
        if total.in_batch > 0 {
            reasons.push(format!(
                "{} are in batches (--batch poll asks for them)",
                total.in_batch
            ));
        }
        if total.failed > 0 {
            reasons.push(format!("{} failed", total.failed));
        }
        if total.unknown > 0 {
            reasons.push(format!(
                "{} got no answer and may have been billed (--retry-unknown asks again)",
                total.unknown
            ));
        }
        reasons
    }
}

impl ModelCounts {
    fn add(&mut self, outcome: Option<&Record>, in_batch: bool) {
        let counts = &mut self.counts;
        counts.cells += 1;
        if in_batch {
            counts.in_batch += 1;
            return;
        }
        let Some(record) = outcome else {
            counts.open += 1;
            return;
        };
        match record.status {
            Status::Ok => {
                counts.answered += 1;
                let finish = record.finish_reason.as_deref();
                if finish == Some("length") {
                    counts.truncated += 1;
                } else if record.refusal.is_some() || finish == Some("content_filter") {
                    counts.refused += 1;
                } else if record.content.as_deref().is_none_or(|c| c.trim().is_empty()) {
                    counts.empty += 1;
                }
                let usage = record.usage.unwrap_or_default();
                self.usage.input += usage.input;
                self.usage.cached += usage.cached;
                self.usage.cache_write += usage.cache_write;
                self.usage.output += usage.output;
                self.usage.reasoning += usage.reasoning;
                self.cost_usd += record.cost_usd.unwrap_or(0.0);
                self.cost_list_usd += record.cost_list_usd.unwrap_or(0.0);
                return;
            }
            Status::Error => counts.failed += 1,
            Status::BudgetUnknown => counts.unknown += 1,
        }
        let kind = record.error_kind.clone().unwrap_or_else(|| "unknown".into());
        *self.errors.entry(kind).or_default() += 1;
    }
}

impl CellCounts {
    /// Cells without an answer.
    pub fn missing(&self) -> u64 {
        self.cells - self.answered
    }

    fn add(&mut self, other: &Self) {
        self.cells += other.cells;
        self.answered += other.answered;
        self.truncated += other.truncated;
        self.refused += other.refused;
        self.empty += other.empty;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.open += other.open;
        self.in_batch += other.in_batch;
    }
}

/// What the open calls of a run can cost: what `replay collect --dry-run --format json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DryRun {
    /// `replay_dry_run`.
    pub kind: &'static str,
    /// Version of this document.
    pub schema_version: u32,
    /// Version of the program.
    pub tool_version: &'static str,
    /// Prompts of the run.
    pub prompts: u64,
    /// Calls that would be made.
    pub calls: u64,
    /// Cells that have an answer already.
    pub answered: u64,
    /// Cells that a batch is about to answer.
    pub in_batch: u64,
    /// The most that the calls can cost, in dollars; nothing where a price is missing.
    pub worst_usd: Option<f64>,
    /// Dollars that count as spent already.
    pub charged_usd: f64,
    /// Each model.
    pub models: Vec<DryRunModel>,
}

/// One model's open calls.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DryRunModel {
    /// Name.
    pub model: String,
    /// Address.
    pub base_url: String,
    /// Calls that would be made.
    pub calls: u64,
    /// Cells that have an answer already.
    pub answered: u64,
    /// Cells that a batch is about to answer.
    pub in_batch: u64,
    /// Tokens of the prompts, guessed at four bytes each.
    pub input_tokens_about: u64,
    /// Tokens of the prompts at the most.
    pub input_tokens_at_most: u64,
    /// Tokens of the answers at the most.
    pub output_tokens_at_most: u64,
    /// The most that the calls can cost, in dollars; nothing without a price.
    pub worst_usd: Option<f64>,
    /// Where the price comes from.
    pub price_id: Option<String>,
}

/// Counts what is open.
pub(in crate::replay) fn dry_run(plan: &Plan, cells: &Cells, retry_unknown: bool, via: Via) -> DryRun {
    let mut models: Vec<DryRunModel> = plan
        .models
        .iter()
        .map(|m| DryRunModel {
            model: m.name.clone(),
            base_url: m.base_url.clone(),
            calls: 0,
            answered: 0,
            in_batch: 0,
            input_tokens_about: 0,
            input_tokens_at_most: 0,
            output_tokens_at_most: 0,
            worst_usd: m.price.as_ref().map(|_| 0.0),
            price_id: m.price.as_ref().map(|(_, id)| id.clone()),
        })
        .collect();
    for call in &plan.calls {
        let model = &mut models[call.model];
        if !is_open(cells, call, retry_unknown) {
            model.answered += u64::from(cells.answer(&call.key).is_some());
            model.in_batch += u64::from(cells.in_batch(&call.key));
            continue;
        }
        model.calls += 1;
        model.input_tokens_about += call.input_guess;
        model.input_tokens_at_most += call.input_bound;
        model.output_tokens_at_most += plan.models[call.model].max_output;
        model.worst_usd = model
            .worst_usd
            .zip(plan.worst_usd(call, via))
            .map(|(sum, worst)| sum + worst);
    }
    DryRun {
        kind: "replay_dry_run",
        schema_version: 1,
        tool_version: env!("CARGO_PKG_VERSION"),
        prompts: plan.questions.len() as u64,
        calls: models.iter().map(|m| m.calls).sum(),
        answered: models.iter().map(|m| m.answered).sum(),
        in_batch: models.iter().map(|m| m.in_batch).sum(),
        worst_usd: models
            .iter()
            .filter(|m| m.calls > 0)
            .map(|m| m.worst_usd)
            .sum::<Option<f64>>()
            // The sum of nothing is −0.
            .map(|usd| usd + 0.0),
        charged_usd: cells.charged_usd(),
        models,
    }
}
