//! The one place where a report's words are defined. A page lists those that it uses, and every figure links to them.

use serde::Serialize;

/// A word and what it means.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(in crate::report) struct Term {
    /// Anchor: `#def-ID`.
    pub(in crate::report) id: &'static str,
    pub(in crate::report) name: &'static str,
    pub(in crate::report) means: &'static str,
}

const fn term(id: &'static str, name: &'static str, means: &'static str) -> Term {
    Term { id, name, means }
}

const TERMS: &[Term] = &[
    term(
        "score",
        "Score",
        "Cosine of a prompt's vector to the nearest centroid, the mean of a route's example vectors.",
    ),
    term(
        "gap",
        "Gap",
        "Score minus the cosine to the runner-up, the second nearest centroid.",
    ),
    term(
        "threshold",
        "Threshold",
        "A prompt is accepted if its score is at least the threshold and its gap at least the minimum gap; else it goes to the fallback model.",
    ),
    term(
        "in-domain",
        "In-domain, out-of-domain",
        "A prompt is in-domain if it belongs to a route; out-of-domain prompts belong to none, and the fallback is right for them.",
    ),
    term(
        "system-accuracy",
        "System accuracy",
        "(Accepted by the right route + out-of-domain sent to fallback) / all prompts.",
    ),
    term("coverage", "Coverage", "Accepted / all prompts."),
    term(
        "selective-accuracy",
        "Selective accuracy",
        "Accepted by the right route / accepted. One minus it is the selective risk.",
    ),
    term(
        "misroute",
        "Misrouted",
        "In-domain prompts accepted by a wrong route / in-domain prompts.",
    ),
    term(
        "false-accept",
        "False accepts",
        "Out-of-domain prompts accepted / out-of-domain prompts.",
    ),
    term(
        "false-fallback",
        "False fallbacks",
        "In-domain prompts sent to fallback / in-domain prompts.",
    ),
    term(
        "mean-price",
        "Mean price",
        "Mean of what a prompt costs by the prices given for the models: the route's model if accepted, else the fallback's.",
    ),
    term(
        "interval",
        "95 % interval",
        "Wilson's (1927) for a rate; for all else a bootstrap (BCa, stratified by label, copies of a prompt drawn together). Prompts are taken for independent draws of the traffic.",
    ),
    term(
        "confusion",
        "Confusion matrix",
        "Rows are the truth, columns the decision, the last column the fallback; cells count prompts.",
    ),
    term("precision", "Precision", "Right / sent to the route."),
    term(
        "recall",
        "Recall",
        "Right / belonging to the route. As deployed the thresholds take part; forced, every prompt goes to its best route.",
    ),
    term(
        "f1",
        "F1, macro F1",
        "Harmonic mean of precision and recall; macro: the mean over the routes.",
    ),
    term(
        "forced-choice",
        "Forced choice",
        "In-domain prompts only, each sent to its best route, without thresholds: what the examples are worth.",
    ),
    term(
        "mcc",
        "Matthews correlation, Cohen's kappa",
        "Agreement of label and route beyond chance: 0 is none, 1 is perfect.",
    ),
    term(
        "auroc",
        "AUROC",
        "The chance that an in-domain prompt scores higher than an out-of-domain one, ties counted half; 0.5 is no skill.",
    ),
    term(
        "fpr95",
        "False accepts at 95 % of in-domain accepted",
        "FPR at 95 % TPR: the share of out-of-domain prompts that get in when the threshold lets 95 % of in-domain ones in (Hendrycks & Gimpel 2017).",
    ),
    term(
        "risk-coverage",
        "Risk–coverage curve",
        "The share of wrong ones among the accepted (selective risk) as the threshold falls and coverage rises.",
    ),
    term(
        "augrc",
        "AUGRC",
        "Area under P(accepted and wrong) against coverage; smaller is better (Traub 2024). AURC: the same of the selective risk (Geifman 2019).",
    ),
    term(
        "ece",
        "Calibration error (ECE)",
        "Mean distance between confidence and accuracy over 15 bins, after the score was mapped to a probability on the calibration split (Guo 2017); in-domain prompts, forced choice.",
    ),
    term(
        "brier",
        "Brier score, log loss",
        "Mean squared error, and mean negative logarithm, of the same probabilities; smaller is better.",
    ),
    term(
        "optimism",
        "Optimism",
        "How much better a figure looks on the rows that chose the thresholds than on rows that did not.",
    ),
    term(
        "plateau",
        "Plateau",
        "How far a threshold can move before the goal's figure drops by more than the tolerance. A choice on a narrow peak is luck.",
    ),
    term(
        "certificate",
        "Certificate",
        "Thresholds whose true risk is at most the limit with the stated confidence over the draw of the calibration rows, by Learn-then-Test (Angelopoulos 2021), for prompts drawn like those.",
    ),
    term(
        "gate",
        "Gate",
        "A figure that may not get worse than the baseline by more than its margin: it passes if the interval of the difference rules that out, has regressed if the loss is certain, and is inconclusive otherwise.",
    ),
    term(
        "flip",
        "Flipped prompt",
        "A prompt whose decision or best route is not the baseline's: lost (right before, wrong now), won (the reverse) or neither.",
    ),
    term(
        "quality",
        "Quality",
        "Mean score of the answers that a policy's models gave, 0 to 1.",
    ),
    term(
        "pgr",
        "Performance gap recovered (PGR)",
        "(Quality − that of the weak model) / (that of the strong one − that of the weak one) (RouteLLM, 2024).",
    ),
    term(
        "frontier",
        "Frontier, hull",
        "What mixing single models at random reaches is the line between them; a router is worth something above it. A dagger (†) marks bounds that know the answers.",
    ),
    term(
        "shuffle",
        "Cost-matched shuffle",
        "The policy's own choices dealt to random prompts: the same cost without the skill, the control that routing must beat.",
    ),
];

/// The terms of these anchors, in the order of the glossary, each once.
pub(super) fn of(used: &[&str]) -> Vec<&'static Term> {
    TERMS.iter().filter(|term| used.contains(&term.id)).collect()
}

/// The name of an anchor.
pub(in crate::report) fn name_of(id: &str) -> &'static str {
    TERMS.iter().find(|term| term.id == id).map_or("", |term| term.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_defined_once() {
        for (i, term) in TERMS.iter().enumerate() {
            assert!(TERMS[..i].iter().all(|other| other.id != term.id), "{}", term.id);
            assert!(term.means.ends_with('.'), "{}", term.id);
        }
        assert_eq!(of(&["gap", "score", "gap"]), [&TERMS[0], &TERMS[1]]);
        assert_eq!(name_of("coverage"), "Coverage");
    }
}
