//! The prompts of a run, each with the route it takes and so the system prompt it is asked with.
//!
//! A prompt is asked with the system prompt of the place it is sent to today: its route's, or the fallback's. A policy that
//! would send it elsewhere is compared on the model, not on the system prompt: that stays one cell a prompt and model.

use std::collections::HashSet;

use super::ledger::PromptRecord;
use super::plan::Question;
use crate::assets::sha256_hex;
use crate::dataset::{Label, Row};
use crate::router::{ScoreTable, decide};
use crate::routes::{Routes, Thresholds};

/// What is kept and what is asked of each prompt: one for each distinct text, in the order of the rows. `scores` has a row
/// for each of `rows`, `by_route` the thresholds of each route; with `keep_text`, records hold the text. Every model is
/// asked for `samples` answers.
///
/// # Panics
/// If there are fewer scores than rows.
pub fn prompts(
    rows: &[Row],
    scores: &ScoreTable,
    (routes, by_route): (&Routes, &[Thresholds]),
    samples: u32,
    keep_text: bool,
) -> Vec<(PromptRecord, Question)> {
    let mut seen = HashSet::new();
    rows.iter()
        .zip(scores.rows())
        .filter(|(row, _)| seen.insert(row.prompt.as_str()))
        .map(|(row, score)| {
            let accepted = decide(score, by_route).route();
            let target = accepted.map_or(&routes.fallback, |r| &routes.routes[r].target);
            let record = PromptRecord {
                prompt_id: row.line.to_string(),
                prompt_sha256: sha256_hex(row.prompt.as_bytes()),
                label: row.label.as_ref().map(|l| Label::as_str(l).to_owned()),
                split: row.split.clone(),
                best: routes.routes[score.best].name.clone(),
                score: score.score,
                gap: Some(score.gap).filter(|g| g.is_finite()),
                accepted: accepted.is_some(),
                routed_model: target.model.clone(),
                system_prompt_sha256: sha256_hex(target.system_prompt.as_bytes()),
                reference: row.reference.clone(),
                prompt: keep_text.then(|| row.prompt.clone()),
            };
            let question = Question {
                id: record.prompt_id.clone(),
                sha256: record.prompt_sha256.clone(),
                text: row.prompt.clone(),
                system_prompt: target.system_prompt.clone(),
                samples,
            };
            (record, question)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{Route, Target};

    #[test]
    fn a_prompt_carries_the_system_prompt_of_where_it_goes_and_is_asked_once() {
        let target = |name: &str| Target {
            model: format!("{name}-model"),
            system_prompt: format!("{name} system"),
        };
        let routes = Routes {
            encoder: None,
            scoring: crate::routes::Scoring::default(),
            fallback: target("fallback"),
            thresholds: Thresholds::default(),
            routes: ["a", "b"]
                .map(|name| Route {
                    name: name.into(),
                    target: target(name),
                    examples: vec!["x".into()],
                    thresholds: None,
                })
                .into(),
            out_of_domain: Vec::new(),
            prices: std::collections::BTreeMap::new(),
        };
        let row = |line, prompt: &str| Row {
            line,
            prompt: prompt.into(),
            label: Some(Label::OutOfDomain),
            split: "test".into(),
            reference: Some("42".into()),
        };
        let rows = [row(2, "p"), row(3, "q"), row(4, "p")];
        let scores = ScoreTable::from_scores(vec![0.2, 0.9, 0.3, 0.1, 0.2, 0.9], 2);
        let prompts = prompts(&rows, &scores, (&routes, &[Thresholds::default(); 2]), 1, false);
        assert_eq!(prompts.len(), 2);
        let (records, questions): (Vec<_>, Vec<_>) = prompts.into_iter().unzip();
        assert_eq!(
            (questions[0].system_prompt.as_str(), records[0].accepted),
            ("b system", true)
        );
        // The best score is under the threshold.
        assert_eq!(
            (questions[1].system_prompt.as_str(), records[1].accepted),
            ("fallback system", false)
        );
        assert_eq!(records[1].routed_model, "fallback-model");
        assert_eq!((records[1].best.as_str(), records[1].prompt_id.as_str()), ("a", "3"));
        assert_eq!(
            (records[0].prompt.as_deref(), records[0].reference.as_deref()),
            (None, Some("42"))
        );
    }
}
