//! `replay` in a report.

use std::collections::BTreeMap;

use super::block::{Cell, cell, count, decimal, figure, grouped, numbers, picture, rate, words};
use super::{Block, Section, Table};
use crate::report::terminal::shown;
use crate::report::{GroupReport, PolicyReport, ReplayReport};

/// Characters of a name.
const NAME: usize = 60;

/// The frontier, the policies, the groups, the models.
pub(super) fn sections(report: &ReplayReport, pictures: &BTreeMap<String, String>) -> Vec<Section> {
    let explain = format!(
        "What a thousand prompts cost and how good the answers are, on {} prompts that every model answered: up and to the left is better.",
        grouped(report.n)
    );
    let frontier = picture(pictures, "frontier", explain, &["frontier", "quality", "shuffle"]);
    let mut blocks: Vec<Block> = frontier.map(Block::Picture).into_iter().collect();
    blocks.push(policies(report));
    blocks.extend(groups("replay-routes", "By route", &report.by_route));
    blocks.extend(groups("replay-categories", "By category", &report.by_category));
    blocks.push(models(report));
    blocks.extend(notes(report));
    vec![Section::new("replay", "Cost and quality", blocks)]
}

fn policies(report: &ReplayReport) -> Block {
    let columns = vec![
        words("policy"),
        numbers("quality"),
        numbers("$ / 1,000"),
        numbers("saved"),
        numbers("PGR"),
        numbers("regret"),
    ];
    let rows = report.policies.iter().map(|policy| row(report, policy)).collect();
    let explain = format!(
        "Policies on the same {} prompts: weak is {}, strong is {}. * no other policy is both cheaper and as good; † knows the answers.",
        grouped(report.n),
        shown(&report.anchors.weak, NAME),
        shown(&report.anchors.strong, NAME)
    );
    let terms = ["quality", "pgr", "frontier", "shuffle", "interval"];
    Table::new("policies", "Policies", columns, rows)
        .explained(explain, &terms)
        .sorted()
        .brief(20)
        .into()
}

fn row(report: &ReplayReport, policy: &PolicyReport) -> Vec<Cell> {
    let star = if report.pareto.contains(&policy.name) { " *" } else { "" };
    let dagger = if policy.hindsight { " †" } else { "" };
    vec![
        cell(format!("{}{star}{dagger}", shown(&policy.name, NAME))),
        figure(&policy.quality, 4),
        figure(&policy.usd_per_1k, 3),
        rate(&policy.cost_saved),
        figure(&policy.pgr, 3),
        figure(&policy.regret, 4),
    ]
}

fn groups(id: &'static str, title: &str, all: &[GroupReport]) -> Option<Block> {
    if all.is_empty() {
        return None;
    }
    let columns = vec![
        words("group"),
        numbers("prompts"),
        numbers("routed quality"),
        numbers("routed $ / 1,000"),
        words("best model"),
        numbers("its quality"),
    ];
    let rows = all.iter().map(|group| {
        vec![
            cell(shown(&group.name, NAME)),
            count(group.n),
            decimal(group.routed_quality, 4),
            decimal(group.routed_usd_per_1k, 3),
            cell(shown(&group.best, NAME)),
            decimal(group.quality.get(&group.best).copied(), 4),
        ]
    });
    let rows = rows.collect();
    let explain = "The best model of a group is known only after the fact; small groups say little.";
    Some(
        Table::new(id, title, columns, rows)
            .explained(explain, &["quality"])
            .sorted()
            .into(),
    )
}

fn models(report: &ReplayReport) -> Block {
    let columns = vec![
        words("model"),
        numbers("quality"),
        numbers("median ms"),
        numbers("95 % ms"),
        words("answers"),
    ];
    let rows = report.models.iter().map(|model| {
        let outcomes: Vec<String> = model
            .outcomes
            .iter()
            .map(|(name, n)| format!("{} {name}", grouped(*n)))
            .collect();
        vec![
            cell(shown(&model.model, NAME)),
            figure(&model.quality, 4),
            decimal(model.latency_p50_ms, 0),
            decimal(model.latency_p95_ms, 0),
            cell(outcomes.join(", ")),
        ]
    });
    let rows = rows.collect();
    let explain = "Each model over all of its own answers, which need not be the same prompts.";
    Table::new("models", "Models", columns, rows)
        .explained(explain, &["quality"])
        .sorted()
        .into()
}

fn notes(report: &ReplayReport) -> Option<Block> {
    let rows: Vec<Vec<Cell>> = report.notes.iter().map(|note| vec![cell(shown(note, 600))]).collect();
    (!rows.is_empty()).then(|| {
        Table::new("replay-notes", "Notes", vec![words("note")], rows)
            .explained("What a reader should know of these figures.", &[])
            .into()
    })
}
