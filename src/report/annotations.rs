//! Workflow commands: lines that a CI runner turns into notes beside the code (`::error file=…,line=…,title=…::…`).

use super::{CheckReport, CheckVerdict, FlipKind};
use crate::check::Verdict;

/// Lost prompts that get a line: runners show ten of a kind.
const LOST: usize = 10;

/// One line a gate that did not pass, on `routes` (a failure or, where inconclusive, a warning), and where one failed, one a
/// lost prompt on the dataset. Empty where everything passed.
pub fn annotations(report: &CheckReport, routes: &str) -> Vec<String> {
    if report.verdict == CheckVerdict::EncoderChanged {
        let difference = report.encoder.difference.as_deref().unwrap_or_default();
        return vec![command(
            "error",
            routes,
            None,
            "encoder changed",
            &format!("thresholds are not valid: {difference}"),
        )];
    }
    let gates = report.gates.iter().filter(|g| g.verdict != Verdict::Pass).map(|gate| {
        let kind = if gate.verdict.fails() { "error" } else { "warning" };
        let title = format!("{} {}", gate.metric, gate.verdict.name());
        command(kind, routes, None, &title, &gate.reason)
    });
    let mut lines: Vec<String> = gates.collect();
    let dataset = report.candidate.as_ref().map(|c| c.provenance.dataset.source.as_str());
    if let (CheckVerdict::Regressed, Some(dataset)) = (report.verdict, dataset) {
        let lost = report.flips.listed.iter().filter(|f| f.kind == FlipKind::Lost);
        lines.extend(lost.take(LOST).map(|flip| {
            let text = format!(
                "{}: {} ({:.3}) before, {} ({:.3}) now",
                flip.label, flip.before.decision, flip.before.score, flip.after.decision, flip.after.score
            );
            command("warning", dataset, Some(flip.line), "lost prompt", &text)
        }));
    }
    lines
}

pub(super) fn command(kind: &str, file: &str, line: Option<u64>, title: &str, message: &str) -> String {
    let line = line.map_or_else(String::new, |line| format!(",line={line}"));
    format!(
        "::{kind} file={}{line},title={}::{}",
        property(file),
        property(&format!("routecal: {title}")),
        data(message)
    )
}

/// What would end the command, or begin another one, is escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_can_start_another_command() {
        assert_eq!(
            command("error", "a,b:c.json", Some(3), "x\n::warning::y", "50 %\r\n::error::z"),
            "::error file=a%2Cb%3Ac.json,line=3,title=routecal%3A x%0A%3A%3Awarning%3A%3Ay::50 %25%0D%0A::error::z"
        );
    }
}
