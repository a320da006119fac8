//! The first screen: what was found, in one sentence each.

use serde::Serialize;

use super::block::{Tone, grouped, in_words};
use crate::check::Verdict;
use crate::report::folder::Contents;
use crate::report::terminal::shown;
use crate::report::{
    AsDeployed, CalibrationReport, CheckReport, CheckVerdict, Estimate, EvalReport, OperatingPoint, ReplayReport,
    percentage, points, share,
};

/// The verdict of one document.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Answer {
    /// The command that gave it.
    pub(in crate::report) of: &'static str,
    /// The verdict in a word or two.
    pub(in crate::report) word: String,
    pub(in crate::report) tone: Tone,
    pub(in crate::report) sentence: String,
    /// What else belongs to it.
    pub(in crate::report) detail: String,
}

/// One a document: the gate first, then what to change, then how things are.
pub(super) fn answers(contents: &Contents) -> Vec<Answer> {
    let check = contents.check.iter().map(of_check);
    let calibration = contents.calibration.iter().map(of_calibration);
    let evaluation = contents.evaluation.iter().map(of_evaluation);
    let replay = contents.replay.iter().map(of_replay);
    check.chain(calibration).chain(evaluation).chain(replay).collect()
}

fn of_check(report: &CheckReport) -> Answer {
    let (word, tone) = match (report.verdict, report.exit_code) {
        (CheckVerdict::Pass, _) => ("pass", Tone::Good),
        (CheckVerdict::Inconclusive, 0) => ("inconclusive, counts as a pass", Tone::Unsure),
        (CheckVerdict::Inconclusive, _) => ("inconclusive", Tone::Unsure),
        (CheckVerdict::Regressed, _) => ("regressed", Tone::Bad),
        (CheckVerdict::EncoderChanged, _) => ("encoder changed", Tone::Bad),
    };
    let sentence = match (report.verdict, &report.candidate) {
        (CheckVerdict::EncoderChanged, _) | (_, None) => format!(
            "The encoder is not the baseline's, so its thresholds are not valid: {}.",
            report.encoder.difference.as_deref().unwrap_or_default()
        ),
        (_, Some(candidate)) if candidate.unchanged => format!(
            "Nothing changed: same encoder, routes, thresholds and decisions on {} prompts.",
            grouped(candidate.paired)
        ),
        _ => gate_sentence(report),
    };
    let f = &report.flips;
    let detail = report.candidate.as_ref().map_or_else(String::new, |candidate| {
        format!(
            "{} of {} prompts of split {} paired with {}; {} flipped: {} lost, {} won.",
            grouped(candidate.paired),
            grouped(candidate.prompts),
            candidate.split,
            report.baseline.file,
            grouped(f.n),
            grouped(f.lost),
            grouped(f.won)
        )
    });
    Answer {
        of: "check",
        word: word.into(),
        tone,
        sentence,
        detail,
    }
}

/// The worst gate, with its figures.
fn gate_sentence(report: &CheckReport) -> String {
    let Some(gate) = report
        .gates
        .iter()
        .max_by_key(|gate| (gate.verdict, std::cmp::Reverse(&gate.metric)))
    else {
        return "No gate was asked for.".into();
    };
    let name = gate.metric.replace('_', " ");
    let figures = match &gate.comparison {
        Some(c) => {
            let level = 100.0 * (1.0 - 2.0 * report.settings.alpha);
            let between = c.lower.zip(c.upper);
            let between = between.map_or_else(String::new, |(low, high)| {
                format!(", {level:.0} % interval {} to {}", points(low), points(high))
            });
            format!(
                "{} to {} ({} points{between}, n = {})",
                share(c.baseline),
                share(c.candidate),
                c.difference.map_or_else(|| "n/a".into(), points),
                grouped(c.n)
            )
        }
        None => in_words(&gate.figure),
    };
    let others = report.gates.iter().filter(|g| g.verdict == gate.verdict).count() - 1;
    let others = match others {
        0 => String::new(),
        n => format!(" (and {n} more)"),
    };
    match gate.verdict {
        Verdict::Pass => format!("No gate got worse; {name}: {figures}."),
        Verdict::Inconclusive => format!("Too few prompts to tell for {name}{others}: {figures}."),
        _ => format!("The router got worse in {name}{others}: {figures}."),
    }
}

/// A figure of an operating point.
pub(super) type Figure = fn(&AsDeployed) -> &Estimate;

/// What a goal is about: its name, and the figure on a split.
pub(super) fn goal_figure(goal: &str) -> (&'static str, Figure) {
    match goal {
        "max-coverage" | "max-joint-coverage" => ("coverage", |d| &d.coverage),
        "min-risk" => ("selective accuracy", |d| &d.selective_accuracy),
        _ => ("system accuracy", |d| &d.system_accuracy),
    }
}

fn of_calibration(report: &CalibrationReport) -> Answer {
    let (name, of) = goal_figure(&report.goal.name);
    let today = of(&report.current.test.as_deployed);
    let Some(chosen) = &report.chosen else {
        let why = report.certification.as_ref().and_then(|c| c.shortfall.as_ref());
        return Answer {
            of: "calibrate",
            word: "not certified".into(),
            tone: Tone::Unsure,
            sentence: why.map_or_else(
                || "No thresholds were chosen.".into(),
                |s| {
                    format!(
                        "No thresholds can be certified from these rows: {}.",
                        s.reason.trim_end_matches('.')
                    )
                },
            ),
            detail: format!("Today: {name} {}.", in_words(today)),
        };
    };
    let now = of(&chosen.test.as_deployed);
    let change = now.point.zip(today.point).map(|(a, b)| a - b);
    let apart = now.lower.zip(today.upper).is_some_and(|(low, high)| low > high);
    let (word, tone) = match change {
        _ if chosen.threshold.to_bits() == report.current.threshold.to_bits()
            && chosen.gap.to_bits() == report.current.gap.to_bits()
            && chosen.by_route == report.current.by_route =>
        {
            ("keep today's".into(), Tone::Good)
        }
        Some(change) if apart => (format!("{} points of {name}", points(change)), Tone::Good),
        Some(change) if change > 0.0 => (
            format!("{} points of {name}, intervals overlap", points(change)),
            Tone::Unsure,
        ),
        Some(change) => (format!("{} points of {name}", points(change)), Tone::Unsure),
        None => ("n/a".into(), Tone::Unsure),
    };
    let pair = if chosen.by_route.is_empty() {
        format!("Threshold {} and gap {}", chosen.threshold, chosen.gap)
    } else {
        format!(
            "A pair of thresholds for each route (for all: {} and {})",
            chosen.threshold, chosen.gap
        )
    };
    let certified = report.certification.as_ref().map_or_else(String::new, |c| {
        let level = c.confidence.map_or_else(
            || "in expectation".into(),
            |c| format!("with confidence {}", percentage(c)),
        );
        format!(", certified for at most {} {level},", percentage(c.alpha))
    });
    let flattered = if chosen.test.in_sample {
        " The same rows chose, so this flatters the choice."
    } else {
        ""
    };
    Answer {
        of: "calibrate",
        word,
        tone,
        sentence: format!(
            "{pair}{certified} give {name} {}; today's {} and {} give {}.",
            in_words(now),
            report.current.threshold,
            report.current.gap,
            in_words(today)
        ),
        detail: format!(
            "Goal {}, chosen on {} prompts of split {}, judged on {} of split {}.{}{flattered}",
            report.goal.name,
            grouped(report.calibration.n),
            report.calibration.split,
            grouped(report.test.n),
            report.test.split,
            price_of(report, chosen)
        ),
    }
}

/// What gets worse beyond chance: a gain has its price, and it belongs beside the gain.
fn price_of(report: &CalibrationReport, chosen: &OperatingPoint) -> String {
    let rates: [(&str, Figure, bool); 5] = [
        ("selective accuracy", |d| &d.selective_accuracy, true),
        ("coverage", |d| &d.coverage, true),
        ("false accepts", |d| &d.false_accept_rate, false),
        ("misrouted", |d| &d.misroute_rate, false),
        ("false fallbacks", |d| &d.false_fallback_rate, false),
    ];
    let worse: Vec<String> = rates
        .into_iter()
        .filter_map(|(name, of, more_is_better)| {
            let (now, today) = (of(&chosen.test.as_deployed), of(&report.current.test.as_deployed));
            let (above, below) = if more_is_better { (today, now) } else { (now, today) };
            (above.lower? > below.upper?).then(|| format!("{name} {} to {}", share(today.point), share(now.point)))
        })
        .collect();
    if worse.is_empty() {
        return String::new();
    }
    format!(" The price: {}.", worse.join(", "))
}

fn of_evaluation(report: &EvalReport) -> Answer {
    let d = &report.as_deployed;
    let flattered = if report.in_sample {
        " Rows of the calibration split are among them: thresholds chosen there are flattered."
    } else {
        ""
    };
    Answer {
        of: "eval",
        word: format!("{} right", share(d.system_accuracy.point)),
        tone: Tone::Plain,
        sentence: format!(
            "System accuracy is {} at threshold {} and gap {}.",
            in_words(&d.system_accuracy),
            report.thresholds.threshold,
            report.thresholds.gap
        ),
        detail: format!(
            "It accepts {} of split {}; of the accepted {} are right, of the out-of-domain prompts {} get in. Without thresholds {} of the in-domain prompts have their own route first.{flattered}",
            share(d.coverage.point),
            report.split,
            share(d.selective_accuracy.point),
            share(d.false_accept_rate.point),
            share(report.forced_choice.accuracy.point)
        ),
    }
}

fn of_replay(report: &ReplayReport) -> Answer {
    let routed = report.policies.iter().find(|p| p.name == "routed");
    let name = |model: &str| shown(model, 60);
    let n = grouped(report.n);
    let Some(routed) = routed else {
        return Answer {
            of: "replay",
            word: format!("gap {}", report.anchors.gap.shown()),
            tone: Tone::Plain,
            sentence: format!(
                "{} answers better than {} by {} (95 % interval {}, n = {n}).",
                name(&report.anchors.strong),
                name(&report.anchors.weak),
                report.anchors.gap.shown(),
                report.anchors.gap.interval_shown()
            ),
            detail: "No router took part.".into(),
        };
    };
    let (word, tone) = match report.shuffle.as_ref().map(|s| s.beats_own_mix) {
        Some(true) => ("routing pays", Tone::Good),
        Some(false) => ("no skill shown", Tone::Unsure),
        None => ("measured", Tone::Plain),
    };
    let against = report.shuffle.as_ref().map_or_else(String::new, |s| {
        format!(
            "Against its own mix of models dealt at random: {} (95 % interval {}, p = {:.4}).",
            s.difference.shown(),
            s.difference.interval_shown(),
            s.p_value
        )
    });
    Answer {
        of: "replay",
        word: word.into(),
        tone,
        sentence: format!(
            "Routed answers have quality {} (95 % interval {}, n = {n}) and save {} of what {} costs.",
            routed.quality.shown(),
            routed.quality.interval_shown(),
            share(routed.cost_saved.point),
            name(&report.anchors.strong)
        ),
        detail: against,
    }
}
