//! What to do about what was found.

use serde::Serialize;

use super::answers::goal_figure;
use super::block::grouped;
use crate::report::folder::Contents;
use crate::report::terminal::shown;
use crate::report::{CalibrationReport, CheckReport, CheckVerdict, EvalReport, share};

/// Something to do.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Step {
    pub(in crate::report) text: String,
    /// What to type, if anything.
    pub(in crate::report) command: String,
}

fn step(text: impl Into<String>, command: impl Into<String>) -> Step {
    Step {
        text: text.into(),
        command: command.into(),
    }
}

/// What to do next, the most important first.
pub(super) fn next(contents: &Contents) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(report) = &contents.check {
        of_verdict(report, &mut steps);
    }
    if let Some(report) = &contents.calibration {
        of_choice(report, &mut steps);
    }
    if let Some(report) = &contents.evaluation {
        of_mistakes(report, &mut steps);
    }
    if let Some(report) = &contents.replay {
        steps.extend(report.notes.iter().take(2).map(|note| step(shown(note, 300), "")));
    }
    steps
}

fn of_verdict(report: &CheckReport, steps: &mut Vec<Step>) {
    steps.extend(match report.verdict {
        CheckVerdict::Regressed => Some(step("Look at the lost prompts below; undo the change, or make it the new baseline if it is meant.", "routecal check --update-baseline")),
        CheckVerdict::EncoderChanged => Some(step("Choose the thresholds again with the new encoder, then make a new baseline.", "routecal calibrate --write")),
        CheckVerdict::Inconclusive => Some(step("Label more prompts, or allow more with --margin: the gates below say how large a change so many prompts can show.", "")),
        CheckVerdict::Pass => None,
    });
}

fn of_choice(report: &CalibrationReport, steps: &mut Vec<Step>) {
    let Some(chosen) = &report.chosen else {
        let shortfall = report.certification.as_ref().and_then(|c| c.shortfall.as_ref());
        steps.extend(shortfall.map(|s| step(format!("{}.", capital(&s.advice)), "")));
        return;
    };
    let system = &chosen.test.as_deployed.system_accuracy;
    let (_, of) = goal_figure(&report.goal.name);
    let worse = of(&chosen.test.as_deployed)
        .point
        .zip(of(&report.current.test.as_deployed).point);
    if worse.is_some_and(|(now, today)| now < today) {
        steps.push(step("On rows that had no part in the choice the new thresholds are no better than today's: keep today's, or label more calibration prompts.", ""));
    } else {
        steps.push(step(
            "Put the thresholds into the routes file: run calibrate again as before, with --write. Then hold later changes against them.",
            "routecal check --update-baseline",
        ));
    }
    if let (Some(low), Some(high)) = (system.lower, system.upper)
        && high - low > 0.05
    {
        steps.push(step(
            format!(
                "The interval is {:.1} points wide with {} test prompts; four times as many would halve it.",
                100.0 * (high - low),
                grouped(system.n)
            ),
            "",
        ));
    }
    if report.leakage.n > 0 {
        steps.push(step(
            format!(
                "Take out the {} prompts that are also route examples: they flatter the router.",
                grouped(report.leakage.n)
            ),
            "",
        ));
    }
}

fn of_mistakes(report: &EvalReport, steps: &mut Vec<Step>) {
    let weakest = report.forced_choice.routes.iter().filter(|r| r.recall.point.is_some());
    let weakest = weakest.min_by(|a, b| a.recall.point.unwrap_or(1.0).total_cmp(&b.recall.point.unwrap_or(1.0)));
    if let Some(route) = weakest.filter(|route| route.recall.point < Some(0.9)) {
        steps.push(step(
            format!(
                "Give route {} better examples: even without thresholds only {} of its prompts have it first.{}",
                shown(&route.route, 60),
                share(route.recall.point),
                // Counts of a scored file have none.
                if report.mistakes.is_empty() {
                    ""
                } else {
                    " The mistakes below name the examples that draw them away."
                }
            ),
            "routecal centroids",
        ));
    }
    if report.leakage.n > 0 {
        steps.push(step(
            format!(
                "Take out the {} test prompts that are also route examples: they flatter the router.",
                grouped(report.leakage.n)
            ),
            "",
        ));
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
