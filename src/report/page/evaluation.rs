//! `eval` in a report.

use std::collections::BTreeMap;

use super::block::{Cell, Tone, cell, count, figure, grouped, numbers, picture, rate, words};
use super::{Block, Table};
use crate::report::{Estimate, EvalReport};

type Pictures = BTreeMap<String, String>;

/// Routes up to which the matrix is also a table; beyond, its largest mistakes are.
const MATRIX: usize = 12;
/// The most frequent wrong turns that are listed.
const WRONG_TURNS: usize = 25;

/// The confusion matrix, as a picture and in numbers.
pub(super) fn confusion(report: &EvalReport, pictures: &Pictures) -> Vec<Block> {
    let explain = format!(
        "Where the {} prompts of split {} went at threshold {} and gap {}: the outlined cells are right, the last column is the fallback.",
        grouped(report.n),
        report.split,
        report.thresholds.threshold,
        report.thresholds.gap
    );
    let table = if report.confusion.labels.len() <= MATRIX + 1 {
        matrix(report)
    } else {
        wrong_turns(report)
    };
    let drawn = picture(pictures, "confusion", explain, &["confusion", "in-domain"]);
    drawn.map(Block::Picture).into_iter().chain([table]).collect()
}

fn matrix(report: &EvalReport) -> Block {
    let c = &report.confusion;
    let columns = std::iter::once(words("truth \\ decision"))
        .chain(c.columns.iter().map(numbers))
        .collect();
    let rows = c.labels.iter().zip(&c.counts).enumerate().map(|(i, (label, counts))| {
        let cells = counts.iter().enumerate().map(|(j, n)| {
            let right = i == j;
            count(*n).toned(if right && *n > 0 { Tone::Good } else { Tone::Plain })
        });
        std::iter::once(cell(label)).chain(cells).collect()
    });
    let rows = rows.collect();
    let explain = "The same in numbers; right decisions are in bold, and a label of none is an out-of-domain prompt.";
    Table::new("matrix", "Confusion matrix", columns, rows)
        .explained(explain, &["confusion"])
        .brief(20)
        .into()
}

fn wrong_turns(report: &EvalReport) -> Block {
    let c = &report.confusion;
    let mut turns: Vec<(u64, usize, usize)> = (c.counts.iter().enumerate())
        .flat_map(|(i, counts)| counts.iter().enumerate().map(move |(j, n)| (*n, i, j)))
        .filter(|(n, i, j)| *n > 0 && i != j)
        .collect();
    turns.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let rows = turns.into_iter().take(WRONG_TURNS).map(|(n, i, j)| {
        let share = c.row_shares.get(i).and_then(|row| row.get(j)).copied();
        vec![
            cell(&c.labels[i]),
            cell(&c.columns[j]),
            count(n),
            rate(&share.unwrap_or(Estimate::new(None, 0))),
        ]
    });
    let rows = rows.collect();
    let columns = vec![
        words("label"),
        words("went to"),
        numbers("prompts"),
        numbers("of the label"),
    ];
    let explain = format!("The {WRONG_TURNS} most frequent wrong turns; confusion.csv has the whole matrix.");
    Table::new("matrix", "Most frequent wrong turns", columns, rows)
        .explained(explain, &["confusion"])
        .brief(10)
        .into()
}

/// Distributions of the score, and whether a confidence means what it says.
pub(super) fn confidence(report: &EvalReport, pictures: &Pictures) -> Vec<Block> {
    let r = &report.reliability;
    let n = grouped(report.n);
    [
        picture(
            pictures,
            "confidence",
            format!("Scores of the {n} prompts: a threshold can part right from wrong only as far as the shapes lie apart."),
            &["score", "threshold", "auroc"],
        ),
        picture(
            pictures,
            "confidence-by-route",
            "The same by the best route: a route whose right prompts lie below the threshold needs better examples or a threshold of its own.",
            &["score", "threshold"],
        ),
        picture(
            pictures,
            "reliability",
            format!(
                "Whether prompts with confidence p are right in a share p of cases, by {} fitted on split {}; on the diagonal they are.",
                method(&r.method),
                r.fitted_on
            ),
            &["ece", "brier"],
        ),
    ]
    .into_iter()
    .flatten()
    .map(Block::Picture)
    .collect()
}

/// The risk–coverage curve.
pub(super) fn curves(report: &EvalReport, pictures: &Pictures) -> Vec<Block> {
    let explain = format!(
        "What more coverage costs in errors on the {} prompts of split {}; below and to the right is better.",
        grouped(report.n),
        report.split
    );
    picture(pictures, "risk-coverage", explain, &["risk-coverage", "augrc"])
        .map(Block::Picture)
        .into_iter()
        .collect()
}

/// Each route.
pub(super) fn routes(report: &EvalReport) -> Vec<Block> {
    let forced = &report.forced_choice.routes;
    let rows = report.as_deployed.routes.iter().enumerate().map(|(i, route)| {
        vec![
            cell(&route.route),
            rate(&route.precision),
            rate(&route.recall),
            figure(&route.f1, 3),
            forced.get(i).map_or_else(|| cell(""), |f| rate(&f.recall)),
            count(route.support),
        ]
    });
    let rows = rows.collect();
    let columns = vec![
        words("route"),
        numbers("precision"),
        numbers("recall"),
        numbers("F1"),
        numbers("recall if forced"),
        numbers("prompts"),
    ];
    let explain =
        "A low recall that is high if forced is the thresholds' doing; one that is low even so is the examples'.";
    let terms = ["precision", "recall", "f1", "forced-choice", "interval"];
    vec![
        Table::new("by-route-figures", "Routes", columns, rows)
            .explained(explain, &terms)
            .sorted()
            .brief(30)
            .into(),
    ]
}

/// Everything that `eval` measures.
pub(super) fn figures(report: &EvalReport) -> Vec<Block> {
    let (all, forced) = (&report.as_deployed, &report.forced_choice);
    let (by, selective, reliable) = (&report.detection.by_score, &report.selective.all, &report.reliability);
    let row = |name: &str, value: Cell, n: u64| vec![cell(name), value, count(n)];
    let share = |name: &str, e: &Estimate| row(name, rate(e), e.n);
    let number = |name: &str, e: &Estimate| row(name, figure(e, 3), e.n);
    let columns = || vec![words("figure"), numbers("value"), numbers("n")];
    let deployed = vec![
        share("system accuracy", &all.system_accuracy),
        share("coverage", &all.coverage),
        share("selective accuracy", &all.selective_accuracy),
        share("misrouted (of in-domain)", &all.misroute_rate),
        share("false fallbacks (of in-domain)", &all.false_fallback_rate),
        share("false accepts (of out-of-domain)", &all.false_accept_rate),
        number("macro F1", &all.macro_f1),
    ];
    let chosen = vec![
        share("accuracy", &forced.accuracy),
        share("balanced accuracy", &forced.balanced_accuracy),
        share("right route among the best two", &forced.top2_accuracy),
        number("macro F1", &forced.macro_f1),
        number("Matthews correlation", &forced.mcc),
        number("Cohen's kappa", &forced.kappa),
    ];
    let score = vec![
        number("out-of-domain AUROC, by score", &by.auroc),
        number("out-of-domain AUROC, by gap", &report.detection.by_gap.auroc),
        share("false accepts at 95 % of in-domain accepted", &by.fpr_at_95_tpr),
        number("AUGRC", &selective.augrc),
        number("AURC", &selective.aurc),
        number("calibration error (ECE, equal width)", &reliable.ece_equal_width),
        number("calibration error (ECE, equal mass)", &reliable.ece_equal_mass),
        number("Brier score", &reliable.brier),
        number("log loss", &reliable.log_loss),
    ];
    let n = grouped(report.in_domain);
    vec![
        Table::new("deployed", "As deployed", columns(), deployed)
            .explained(
                format!(
                    "All {} prompts under the thresholds; the fallback is right for an out-of-domain one.",
                    grouped(report.n)
                ),
                &[
                    "system-accuracy",
                    "coverage",
                    "selective-accuracy",
                    "misroute",
                    "false-fallback",
                    "false-accept",
                    "f1",
                    "interval",
                ],
            )
            .brief(usize::MAX)
            .into(),
        Table::new("forced", "Forced choice", columns(), chosen)
            .explained(
                format!("The {n} in-domain prompts, each sent to its best route: what no threshold can mend."),
                &["forced-choice", "f1", "mcc"],
            )
            .into(),
        Table::new("score", "The score as a confidence", columns(), score)
            .explained(
                format!("Whether a high score is a reason to trust. {}", fitted(report)),
                &["auroc", "fpr95", "augrc", "ece", "brier"],
            )
            .into(),
    ]
}

fn method(name: &str) -> &str {
    match name {
        "platt" => "Platt scaling",
        "isotonic" => "isotonic regression",
        "temperature" => "a temperature",
        other => other,
    }
}

fn fitted(report: &EvalReport) -> String {
    let r = &report.reliability;
    match &r.note {
        Some(note) => format!("No calibration error: {note}."),
        None if r.in_sample => format!("Probabilities by {}, fitted on the same rows.", method(&r.method)),
        None => format!(
            "Probabilities by {}, fitted on split {}.",
            method(&r.method),
            r.fitted_on
        ),
    }
}
