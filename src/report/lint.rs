//! The document of `lint`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Provenance;
use super::annotations::command;
use crate::dataset::{Label, Row};
use crate::lint::next::{Choices, Reason};
use crate::lint::{Act, Code, Finding, Input, Severity, Subject};
use crate::router::ScoreTable;
use crate::routes::locate::{RouteLines, route_lines};

/// Annotations of a severity: runners show ten of a kind.
const ANNOTATED: usize = 10;
/// Line of what has none: the dataset as a whole.
pub const WHOLE_FILE: Option<u64> = None;

/// What `lint` found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "routecal lint")]
pub struct LintReport {
    /// Always `lint`.
    pub kind: String,
    /// Schema version.
    pub schema_version: u64,
    /// What made it.
    pub provenance: Provenance,
    /// How it was looked.
    pub settings: LintSettings,
    /// Prompts looked at.
    pub prompts: u64,
    /// Examples looked at.
    pub examples: u64,
    /// Routes.
    pub routes: u64,
    /// How many findings there are.
    pub counts: LintCounts,
    /// Exit code of the run: 1 with errors, or with warnings where those are denied.
    pub exit_code: u8,
    /// The findings: errors first, then by code, the worst first.
    pub findings: Vec<FindingReport>,
    /// Which unlabelled prompts to label next; null without `--unlabelled`.
    pub next: Option<NextReport>,
}

/// How it was looked.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LintSettings {
    /// Split that was looked at, or `all`.
    pub split: String,
    /// Cosine from which two prompts count as nearly the same.
    pub near_duplicate: f64,
    /// Widest half of a 95 % interval that passes for a route's recall; half of it for system accuracy.
    pub half_width: f64,
    /// Codes left out.
    pub allowed: Vec<Code>,
    /// Whether warnings fail the run.
    pub deny_warnings: bool,
}

/// Findings by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LintCounts {
    /// Errors.
    pub errors: u64,
    /// Warnings.
    pub warnings: u64,
    /// Notes.
    pub notes: u64,
    /// Left out by `--allow`.
    pub allowed: u64,
}

impl LintCounts {
    /// Of these findings; `allowed` were left out.
    pub fn new(findings: &[FindingReport], allowed: u64) -> Self {
        let of = |severity| findings.iter().filter(|f| f.severity == severity).count() as u64;
        Self {
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
            notes: of(Severity::Note),
            allowed,
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FindingReport {
    /// Stable code, see docs/lint.md.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What to do.
    pub act: Act,
    /// A sentence with the numbers in it.
    pub message: String,
    /// The file it is in.
    pub file: String,
    /// 1-based line (for Parquet: the row's number); null for the file as a whole.
    pub line: Option<u64>,
    /// Examples and prompts that show it, at most twenty.
    pub items: Vec<ItemReport>,
    /// How many there are.
    pub n_items: u64,
    /// The numbers by name.
    pub figures: BTreeMap<String, f64>,
}

/// An example or a prompt that shows a finding.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ItemReport {
    /// `example` or `prompt`.
    pub what: String,
    /// The file it is in.
    pub file: String,
    /// 1-based line.
    pub line: Option<u64>,
    /// The text.
    pub text: String,
    /// Its label: a route, or `none`.
    pub label: String,
    /// Its split; null for an example.
    pub split: Option<String>,
}

/// Which unlabelled prompts to label next.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NextReport {
    /// The file with the prompts.
    pub file: String,
    /// Prompts in it.
    pub prompts: u64,
    /// Distinct ones that are not labelled yet.
    pub distinct: u64,
    /// Prompts that are labelled already.
    pub known: u64,
    /// In the order in which they were chosen.
    pub chosen: Vec<NextPrompt>,
}

/// A prompt to label.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NextPrompt {
    /// 1-based line.
    pub line: u64,
    /// The prompt.
    pub prompt: String,
    /// How often it occurs, but for case, spaces and punctuation.
    pub times: u64,
    /// Why: `near_threshold`, `small_gap`, `far`, the first reason first.
    pub reasons: Vec<String>,
    /// Its best route.
    pub best: String,
    /// Cosine to that.
    pub score: f64,
    /// The second best route; null for a lone route.
    pub runner_up: Option<String>,
    /// Score minus the runner-up's.
    pub gap: Option<f64>,
    /// Cosine to the nearest example or labelled prompt.
    pub nearest_labelled: f64,
}

/// Where things stand: files and lines.
#[derive(Debug, Clone)]
pub struct Places {
    routes: String,
    lines: Vec<RouteLines>,
    dataset: String,
}

impl Places {
    /// From the routes file's name and text, the routes in it, and the dataset's name.
    pub fn new(routes: &str, text: &str, names: &[String], dataset: &str) -> Self {
        Self {
            routes: routes.to_owned(),
            lines: route_lines(text, names),
            dataset: dataset.to_owned(),
        }
    }

    fn of(&self, input: &Input<'_>, subject: Subject) -> (String, Option<u64>) {
        let line = |line: usize| Some(line as u64).filter(|line| *line > 0);
        match subject {
            Subject::Routes => (self.routes.clone(), WHOLE_FILE),
            Subject::Route(route) => (self.routes.clone(), self.lines.get(route).and_then(|l| line(l.route))),
            Subject::Example { route, example } => {
                let lines = self.lines.get(route);
                let at = lines.and_then(|l| l.examples.get(example)).copied();
                (self.routes.clone(), at.and_then(line))
            }
            Subject::Dataset => (self.dataset.clone(), WHOLE_FILE),
            Subject::Prompt(row) => (self.dataset.clone(), Some(input.rows[row].line)),
        }
    }
}

/// Findings with their files, lines and texts.
///
/// # Panics
/// If a finding is about something that the input has not.
pub fn finding_reports(input: &Input<'_>, findings: &[Finding], places: &Places) -> Vec<FindingReport> {
    let item = |subject: &Subject| {
        let (file, line) = places.of(input, *subject);
        match *subject {
            Subject::Example { route, example } => Some(ItemReport {
                what: "example".into(),
                file,
                line,
                text: input.routes.routes[route].examples[example].clone(),
                label: input.routes.routes[route].name.clone(),
                split: None,
            }),
            Subject::Prompt(row) => Some(ItemReport {
                what: "prompt".into(),
                file,
                line,
                text: input.rows[row].prompt.clone(),
                label: input.rows[row].label.as_ref().map_or("none", Label::as_str).to_owned(),
                split: Some(input.rows[row].split.clone()),
            }),
            Subject::Routes | Subject::Route(_) | Subject::Dataset => None,
        }
    };
    let report = |finding: &Finding| {
        let (file, line) = places.of(input, finding.place);
        let items: Vec<ItemReport> = finding.items.iter().filter_map(item).collect();
        let wholes = finding.items.len() - items.len();
        FindingReport {
            code: finding.code,
            severity: finding.code.severity(),
            act: finding.act,
            message: finding.message.clone(),
            file,
            line,
            n_items: (finding.n_items - wholes) as u64,
            items,
            figures: finding
                .figures
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect(),
        }
    };
    findings.iter().map(report).collect()
}

/// The choice of prompts to label, with their texts and scores.
///
/// # Panics
/// If a chosen prompt is not among the rows.
pub fn next_report(file: &str, rows: &[Row], scores: &ScoreTable, names: &[String], choices: &Choices) -> NextReport {
    let prompt = |choice: &crate::lint::next::Choice| {
        let score = &scores.rows()[choice.prompt];
        let reason = |reason: &Reason| match reason {
            Reason::NearThreshold => "near_threshold",
            Reason::SmallGap => "small_gap",
            Reason::Far => "far",
        };
        NextPrompt {
            line: rows[choice.prompt].line,
            prompt: rows[choice.prompt].prompt.clone(),
            times: choice.times as u64,
            reasons: choice.reasons.iter().map(|r| reason(r).to_owned()).collect(),
            best: names[score.best].clone(),
            score: score.score,
            runner_up: score.runner_up.map(|r| names[r].clone()),
            gap: score.runner_up.map(|_| score.gap),
            nearest_labelled: choice.nearest,
        }
    };
    NextReport {
        file: file.to_owned(),
        prompts: rows.len() as u64,
        distinct: choices.distinct as u64,
        known: choices.known as u64,
        chosen: choices.chosen.iter().map(prompt).collect(),
    }
}

/// One line an error or a warning, at most ten of each, for a CI runner.
pub fn lint_annotations(report: &LintReport) -> Vec<String> {
    let of = |severity: Severity| {
        let some = report
            .findings
            .iter()
            .filter(move |f| f.severity == severity)
            .take(ANNOTATED);
        some.map(|f| {
            let message = format!("{} ({})", f.message, f.act.name());
            command(f.severity.name(), &f.file, f.line, f.code.name(), &message)
        })
    };
    of(Severity::Error).chain(of(Severity::Warning)).collect()
}
