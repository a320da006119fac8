//! A report as it is read: answers, tables, figures with their explanations. Plain data, rendered as HTML and as Markdown.
//!
//! The order is that of a reader in a hurry: what is the answer, which numbers, what to do; then the evidence.

mod answers;
mod block;
mod calibration;
mod check;
mod evaluation;
mod explorer;
mod glossary;
mod markdown;
mod mistakes;
mod provenance;
mod replay;
mod steps;

use block::{Block, Picture, Table};
pub(in crate::report) use glossary::name_of;
pub use markdown::report_markdown;

use serde::Serialize;

use super::folder::Contents;
use answers::Answer;
use explorer::Explorer;
use glossary::Term;
use steps::Step;

/// The whole report.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Page {
    /// One a document, the most urgent first.
    pub(in crate::report) answers: Vec<Answer>,
    /// What a reader must know before any figure.
    pub(in crate::report) warnings: Vec<String>,
    /// The recommended thresholds beside today's.
    pub(in crate::report) choice: Option<Table>,
    /// What to do, the most important first.
    pub(in crate::report) next: Vec<Step>,
    pub(in crate::report) sections: Vec<Section>,
    /// Definitions of the words that this page uses.
    pub(in crate::report) terms: Vec<&'static Term>,
    /// What the marker on the pictures reads from.
    pub(in crate::report) explorer: Option<Explorer>,
    /// The version that made the newest document.
    pub(in crate::report) version: String,
}

/// A part of the evidence.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Section {
    pub(in crate::report) id: &'static str,
    pub(in crate::report) title: &'static str,
    pub(in crate::report) blocks: Vec<Block>,
}

impl Section {
    fn new(id: &'static str, title: &'static str, blocks: Vec<Block>) -> Self {
        Self { id, title, blocks }
    }
}

impl Page {
    /// Of the results in a folder.
    pub(in crate::report) fn of(contents: &Contents) -> Self {
        let mut warnings = provenance::warnings(contents);
        let explorer = contents.calibration.as_ref().and_then(|calibration| {
            if contents.sweep.is_empty() {
                return None;
            }
            let found = Explorer::new(calibration, &contents.sweep);
            if found.is_none() {
                warnings.push(
                    "sweep.csv is not of this calibration.json and is left out: run routecal calibrate again.".into(),
                );
            }
            found
        });
        let mut sections = Vec::new();
        if let Some(report) = &contents.check {
            sections.extend(check::sections(report));
        }
        sections.extend(evidence(contents, explorer.is_some()));
        if let Some(report) = &contents.replay {
            sections.extend(replay::sections(report, &contents.pictures));
        }
        sections.push(provenance::section(contents));
        sections.retain(|section| !section.blocks.is_empty());
        let choice = contents.calibration.as_ref().map(calibration::choice);
        let used = sections.iter().flat_map(|s| &s.blocks).flat_map(Block::terms);
        let used: Vec<&str> = used
            .chain(choice.iter().flat_map(|t| t.terms.iter().copied()))
            .collect();
        Self {
            answers: answers::answers(contents),
            warnings,
            next: steps::next(contents),
            terms: glossary::of(&used),
            choice,
            sections,
            explorer,
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

/// The sections of `eval` and `calibrate`, which are about the same router.
fn evidence(contents: &Contents, explorable: bool) -> Vec<Section> {
    let (evaluation, calibration) = (contents.evaluation.as_ref(), contents.calibration.as_ref());
    let pictures = &contents.pictures;
    let mut curves = Vec::new();
    let mut sections = Vec::new();
    if let Some(report) = evaluation {
        sections.push(Section::new(
            "confusion",
            "Where prompts went",
            evaluation::confusion(report, pictures),
        ));
        sections.push(Section::new(
            "confidence",
            "How confident the router is",
            evaluation::confidence(report, pictures),
        ));
    }
    if let Some(report) = calibration {
        curves.extend(calibration::curves(report, pictures, explorable));
    }
    // The same curve with more points on it is there already.
    let drawn = calibration
        .is_some_and(|c| evaluation.is_some_and(|e| c.test.split == e.split && c.provenance == e.provenance));
    if let Some(report) = evaluation.filter(|_| !drawn || !pictures.contains_key("risk-coverage-chosen")) {
        curves.extend(evaluation::curves(report, pictures));
    }
    sections.push(Section::new("curves", "Curves", curves));
    if let Some(report) = calibration {
        sections.push(Section::new(
            "map",
            "Threshold × gap",
            calibration::map(report, pictures, explorable),
        ));
        sections.push(Section::new(
            "trust",
            "How far to trust the choice",
            calibration::trust(report),
        ));
    }
    if let Some(report) = evaluation {
        sections.push(Section::new("routes", "Route by route", evaluation::routes(report)));
        sections.push(Section::new("figures", "All figures", evaluation::figures(report)));
        sections.push(Section::new("mistakes", "Mistakes", mistakes::mistakes(report)));
    }
    sections
}
