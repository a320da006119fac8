//! What `replay collect` prints.

use super::{shown, table};
use crate::replay::batch::BatchReport;
use crate::replay::collect::{CollectSummary, DryRun};
use crate::replay::pricing::usd;

/// The answers of a run, a model a row.
pub fn collect_text(summary: &CollectSummary) -> String {
    let rows = summary.models.iter().map(|m| {
        let counts = &m.counts;
        vec![
            m.model.clone(),
            format!("{}/{}", counts.answered, counts.cells),
            counts.truncated.to_string(),
            counts.refused.to_string(),
            counts.empty.to_string(),
            m.usage.input.to_string(),
            m.usage.cached.to_string(),
            m.usage.output.to_string(),
            m.usage.reasoning.to_string(),
            usd(m.cost_usd),
            usd(m.cost_list_usd),
        ]
    });
    let header = [
        "model",
        "answered",
        "cut off",
        "refused",
        "empty",
        "input",
        "cached",
        "output",
        "reasoning",
        "billed",
        "uncached",
    ];
    let mut text = table(&header, rows);
    let total = &summary.total;
    text.push_str(&format!(
        "\n{} of {} answers, {} billed",
        total.answered,
        total.cells,
        usd(summary.cost_usd)
    ));
    if summary.charged_usd > summary.cost_usd {
        text.push_str(&format!(
            ", {} counted as spent (with what may have been billed, or is in batches)",
            usd(summary.charged_usd)
        ));
    }
    text.push('\n');
    for model in summary.models.iter().filter(|m| m.counts.missing() > 0) {
        let counts = &model.counts;
        let kinds: Vec<String> = model.errors.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        text.push_str(&format!("{}: {} not asked", model.model, counts.open));
        if counts.in_batch > 0 {
            text.push_str(&format!(", {} in batches", counts.in_batch));
        }
        if !kinds.is_empty() {
            text.push_str(&format!(", {}", kinds.join(", ")));
        }
        text.push('\n');
    }
    text
}

/// Where the batches of a run stand, a batch a row, and the run's answers.
pub fn batches_text(report: &BatchReport) -> String {
    if report.batches.is_empty() {
        return format!("no batch is open\n\n{}", collect_text(&report.answers));
    }
    let rows = report.batches.iter().map(|b| {
        vec![
            b.batch.clone().unwrap_or_else(|| "n/a".into()),
            b.model.clone(),
            shown(&b.state, 24),
            format!("{}/{}", b.completed + b.failed, b.calls),
            b.failed.to_string(),
            usd(b.reserved_usd),
        ]
    });
    let header = ["batch", "model", "state", "done", "failed", "set aside"];
    format!("{}\n{}", table(&header, rows), collect_text(&report.answers))
}

/// What a run would cost, a model a row.
pub fn dry_run_text(dry: &DryRun) -> String {
    let rows = dry.models.iter().map(|m| {
        vec![
            m.model.clone(),
            m.calls.to_string(),
            m.answered.to_string(),
            m.input_tokens_about.to_string(),
            m.input_tokens_at_most.to_string(),
            m.output_tokens_at_most.to_string(),
            m.worst_usd.map_or_else(|| "no price".into(), usd),
            m.price_id.clone().unwrap_or_else(|| "n/a".into()),
        ]
    });
    let header = [
        "model",
        "calls",
        "answered",
        "input, about",
        "input, at most",
        "output, at most",
        "costs at most",
        "price of",
    ];
    let mut text = table(&header, rows);
    text.push_str(&format!("\n{} calls for {} prompts", dry.calls, dry.prompts));
    match dry.worst_usd {
        Some(worst) => text.push_str(&format!(", at most {}\n", usd(worst))),
        None => text.push_str("; a model has no price\n"),
    }
    if dry.in_batch > 0 {
        text.push_str(&format!("{} calls more are in batches\n", dry.in_batch));
    }
    if dry.charged_usd > 0.0 {
        text.push_str(&format!("{} are spent or set aside already\n", usd(dry.charged_usd)));
    }
    text
}
