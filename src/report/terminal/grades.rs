//! `replay grade` as text.

use super::{number, shown, table};
use crate::replay::pricing::usd;
use crate::report::GradesReport;

/// What is listed of the outcomes, in this order, where any answer has it.
const OUTCOMES: [&str; 5] = ["scored", "unparsed", "truncated", "refused", "empty"];

/// `replay grade` for people.
pub fn grades_text(report: &GradesReport) -> String {
    let outcomes: Vec<&str> = OUTCOMES
        .into_iter()
        .filter(|o| *o == "scored" || report.models.iter().any(|m| m.outcomes.contains_key(*o)))
        .collect();
    let mut header = vec!["model"];
    header.extend(&outcomes);
    header.extend(["quality", "at least", "at most"]);
    let mut text = table(
        &header,
        report.models.iter().map(|m| {
            let mut row = vec![shown(&m.model, 40)];
            row.extend(
                outcomes
                    .iter()
                    .map(|o| m.outcomes.get(*o).copied().unwrap_or_default().to_string()),
            );
            row.extend([
                number(m.quality, 4),
                number(m.bounds.as_ref().map(|b| b.lower), 4),
                number(m.bounds.as_ref().map(|b| b.upper), 4),
            ]);
            row
        }),
    );
    text.push_str(&format!(
        "\n{} answers graded by {}",
        report.answers,
        shown(&report.grader, 60)
    ));
    if report.without_grade > 0 {
        text.push_str(&format!(", {} without a grade", report.without_grade));
    }
    text.push('\n');
    if let Some(judge) = &report.judge {
        text.push_str(&super::replay::judge(&judge.audit));
        text.push_str(&format!(
            "{} answered {} of {} questions for {}\n",
            shown(&judge.model, 40),
            judge.answered,
            judge.questions,
            usd(judge.charged_usd)
        ));
    }
    text
}
