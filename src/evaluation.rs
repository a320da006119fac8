//! Scores and an operating point to an evaluation.
//!
//! Two views, never mixed: *forced choice* (in-domain prompts, every one sent to its best route) and *as deployed* (all
//! prompts under the thresholds, where the fallback is the right answer for an out-of-domain prompt).

mod mistakes;
mod reliability;

pub use reliability::{Method, reliability};

use crate::calibrate::{Tally, Totals, macro_f1};
use crate::dataset::{Row, Truth};
use crate::metrics::classification::{Confusion, top_k};
use crate::metrics::deployed::Deployed;
use crate::metrics::detection::Detection;
use crate::metrics::histogram::Summary;
use crate::metrics::selective::Selective;
use crate::num::f64_from_u64;
use crate::report::{
    AsDeployed, ConfidenceReport, ConfusionReport, DetectionFigures, DetectionReport, Estimate, ForcedChoice,
    RouteConfidence, RouteFigures, SelectiveFigures, SelectiveReport, SummaryReport,
};
use crate::router::{RowScore, ScoreTable, decide};
use crate::routes::Thresholds;

/// Scored, labelled prompts of one split.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// The rows.
    pub rows: &'a [Row],
    /// Their labels as route indices.
    pub truths: &'a [Truth],
    /// Their scores.
    pub scores: &'a ScoreTable,
}

impl Scored<'_> {
    /// Prompts.
    pub fn n(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Prompts that belong to a route.
    pub fn in_domain(&self) -> u64 {
        self.pairs().filter(|(t, _)| **t != Truth::OutOfDomain).count() as u64
    }

    fn pairs(&self) -> impl Iterator<Item = (&Truth, &RowScore)> {
        self.truths.iter().zip(self.scores.rows())
    }

    /// Own route, scores and all cosines of the in-domain prompts.
    fn in_domain_rows(&self) -> impl Iterator<Item = (usize, &RowScore, &[f64])> {
        self.pairs().enumerate().filter_map(|(i, (truth, row))| match truth {
            Truth::Route(own) => Some((*own, row, self.scores.scores(i))),
            Truth::OutOfDomain => None,
        })
    }

    /// Whether each prompt's best route is its own; never for an out-of-domain prompt.
    pub fn right(&self) -> Vec<bool> {
        self.pairs()
            .map(|(truth, row)| *truth == Truth::Route(row.best))
            .collect()
    }

    /// The forced choice.
    pub fn forced_choice(&self, names: &[String]) -> ForcedChoice {
        let pairs: Vec<(usize, &RowScore)> = self.in_domain_rows().map(|(own, row, _)| (own, row)).collect();
        let confusion = Confusion::from_pairs(names.len(), pairs.iter().map(|(own, row)| (*own, row.best)));
        let n = confusion.n();
        let figure = |point| Estimate::new(point, n);
        ForcedChoice {
            n,
            accuracy: confusion.accuracy().into(),
            balanced_accuracy: figure(confusion.balanced_accuracy()),
            macro_f1: figure(confusion.macro_average().f1),
            micro_f1: figure(confusion.micro_average().f1),
            weighted_f1: figure(confusion.weighted_average().f1),
            mcc: figure(confusion.matthews_correlation()),
            kappa: figure(confusion.cohen_kappa()),
            top2_accuracy: top_k(
                2,
                pairs.iter().map(|(own, row)| {
                    let ranked: Vec<usize> = std::iter::once(row.best).chain(row.runner_up).collect();
                    (*own, ranked)
                }),
            )
            .into(),
            routes: route_figures(&confusion, names.iter().map(String::as_str)),
        }
    }

    /// Truth × decision under `thresholds`; the last class is out-of-domain and fallback.
    pub fn deployed_confusion(&self, thresholds: &[Thresholds]) -> Confusion {
        let outside = thresholds.len();
        Confusion::from_pairs(
            outside + 1,
            self.pairs().map(|(truth, row)| {
                let truth = match truth {
                    Truth::Route(own) => *own,
                    Truth::OutOfDomain => outside,
                };
                (truth, decide(row, thresholds).route().unwrap_or(outside))
            }),
        )
    }

    /// Detection of out-of-domain prompts.
    pub fn detection(&self) -> DetectionReport {
        let by = |figure: fn(&RowScore) -> f64| {
            let of = |outside: bool| {
                self.pairs()
                    .filter(move |(truth, _)| (**truth == Truth::OutOfDomain) == outside)
                    .map(move |(_, row)| figure(row))
                    .collect::<Vec<_>>()
            };
            let detection = Detection::new(of(false), of(true));
            let all = |point| Estimate::new(point, self.n());
            DetectionFigures {
                auroc: all(detection.auroc()),
                average_precision_in: all(detection.average_precision_in()),
                average_precision_out: all(detection.average_precision_out()),
                fpr_at_95_tpr: detection
                    .fpr_at_tpr(0.95)
                    .map_or(Estimate::new(None, 0), |p| p.false_positive.into()),
                fpr_at_95_tpr_out: detection
                    .fpr_at_tpr_out(0.95)
                    .map_or(Estimate::new(None, 0), |p| p.false_positive.into()),
            }
        };
        DetectionReport {
            by_score: by(|row| row.score),
            by_gap: by(|row| row.gap),
        }
    }

    /// Risk–coverage rows: score, and whether accepting would be wrong.
    pub fn selective(&self, in_domain_only: bool) -> Selective {
        Selective::new(
            self.pairs()
                .filter(|(truth, _)| !in_domain_only || **truth != Truth::OutOfDomain)
                .map(|(truth, row)| (row.score, *truth != Truth::Route(row.best))),
        )
    }

    /// Areas under the risk–coverage curves.
    pub fn selective_report(&self) -> SelectiveReport {
        let figures = |s: &Selective| {
            let n = s.n();
            let error = (n > 0).then(|| f64_from_u64(s.wrong()) / f64_from_u64(n));
            SelectiveFigures {
                aurc: Estimate::new(s.aurc(), n),
                e_aurc: Estimate::new(s.e_aurc(), n),
                augrc: Estimate::new(s.augrc(), n),
                full_coverage_error: Estimate::new(error, n),
            }
        };
        SelectiveReport {
            all: figures(&self.selective(false)),
            in_domain: figures(&self.selective(true)),
        }
    }

    /// Distribution of the score, overall and by best route.
    pub fn confidence(&self, names: &[String]) -> ConfidenceReport {
        ConfidenceReport {
            overall: self.route_confidence("all", None),
            routes: names
                .iter()
                .enumerate()
                .map(|(r, name)| self.route_confidence(name, Some(r)))
                .collect(),
        }
    }

    fn route_confidence(&self, name: &str, route: Option<usize>) -> RouteConfidence {
        let of = |kind: ScoreKind| SummaryReport::from(&Summary::new(self.scores_of(kind, route)));
        RouteConfidence {
            route: name.to_owned(),
            right: of(ScoreKind::Right),
            wrong: of(ScoreKind::Wrong),
            out_of_domain: of(ScoreKind::OutOfDomain),
        }
    }

    /// Scores of one kind of prompt, of all or of those whose best route is `route`.
    pub fn scores_of(&self, kind: ScoreKind, route: Option<usize>) -> Vec<f64> {
        self.pairs()
            .filter(|(truth, row)| route.is_none_or(|r| r == row.best) && kind == ScoreKind::of(**truth, row.best))
            .map(|(_, row)| row.score)
            .collect()
    }
}

/// What a prompt's score belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreKind {
    /// In-domain, best route right.
    Right,
    /// In-domain, best route wrong.
    Wrong,
    /// Out-of-domain.
    OutOfDomain,
}

impl ScoreKind {
    fn of(truth: Truth, best: usize) -> Self {
        match truth {
            Truth::OutOfDomain => Self::OutOfDomain,
            Truth::Route(own) if own == best => Self::Right,
            Truth::Route(_) => Self::Wrong,
        }
    }
}

/// Figures under an operating point, from its confusion matrix (last class: out-of-domain and fallback).
pub fn as_deployed(confusion: &Confusion, names: &[String]) -> AsDeployed {
    let counts = Deployed::from_confusion(confusion);
    let labels = names.iter().map(String::as_str).chain(["fallback"]);
    let (tally, totals) = split_counts(confusion);
    AsDeployed {
        system_accuracy: counts.system_accuracy().into(),
        coverage: counts.coverage().into(),
        selective_accuracy: counts.selective_accuracy().into(),
        misroute_rate: counts.misroute_rate().into(),
        false_accept_rate: counts.false_accept_rate().into(),
        false_fallback_rate: counts.false_fallback_rate().into(),
        macro_f1: Estimate::new(macro_f1(&tally, &totals), confusion.n()),
        routes: route_figures(confusion, labels),
    }
}

/// The counts a goal is computed from, out of a confusion matrix as deployed.
pub(crate) fn split_counts(confusion: &Confusion) -> (Tally, Totals) {
    let routes = confusion.classes() - 1;
    let counts = Deployed::from_confusion(confusion);
    let column = |decision: usize| (0..=routes).map(|t| confusion.count(t, decision)).sum::<u64>();
    let tally = Tally {
        right: counts.accepted_right(),
        wrong: counts.accepted_wrong(),
        out_of_domain: counts.accepted_out_of_domain(),
        by_route: (0..routes).map(column).collect(),
        right_by_route: (0..routes).map(|r| confusion.count(r, r)).collect(),
    };
    let totals = Totals {
        n: counts.n(),
        out_of_domain: counts.out_of_domain(),
        support: (0..routes).map(|r| confusion.class(r).support).collect(),
    };
    (tally, totals)
}

fn route_figures<'a>(confusion: &Confusion, names: impl Iterator<Item = &'a str>) -> Vec<RouteFigures> {
    names
        .zip(confusion.per_class())
        .map(|(name, figures)| RouteFigures {
            route: name.to_owned(),
            precision: figures.precision.into(),
            recall: figures.recall.into(),
            f1: Estimate::new(figures.f1, figures.support + figures.predicted),
            support: figures.support,
        })
        .collect()
}

/// The confusion matrix as shown.
pub fn confusion_report(confusion: &Confusion, names: &[String]) -> ConfusionReport {
    let with = |last: &str| {
        names
            .iter()
            .map(String::as_str)
            .chain([last])
            .map(str::to_owned)
            .collect()
    };
    let counts: Vec<Vec<u64>> = confusion.rows().map(<[u64]>::to_vec).collect();
    let row_shares = counts
        .iter()
        .map(|row| {
            let sum: u64 = row.iter().sum();
            row.iter()
                .map(|c| (sum > 0).then(|| f64_from_u64(*c) / f64_from_u64(sum)))
                .collect()
        })
        .collect();
    ConfusionReport {
        labels: with("none"),
        columns: with("fallback"),
        counts,
        row_shares,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Label;

    /// Two routes; four in-domain prompts (one mistaken), two out-of-domain ones.
    fn parts() -> (Vec<Row>, Vec<Truth>, ScoreTable) {
        let truths = vec![
            Truth::Route(0),
            Truth::Route(0),
            Truth::Route(1),
            Truth::Route(1),
            Truth::OutOfDomain,
            Truth::OutOfDomain,
        ];
        let scores = vec![
            0.9, 0.1, // right
            0.5, 0.4, // right
            0.7, 0.6, // wrong
            0.2, 0.8, // right
            0.6, 0.1, // out-of-domain, confident
            0.2, 0.1, // out-of-domain
        ];
        let rows = (0..6)
            .map(|i| Row {
                line: i + 2,
                prompt: format!("p{i}"),
                label: Some(Label::OutOfDomain),
                split: "test".into(),
            })
            .collect();
        (rows, truths, ScoreTable::from_scores(scores, 2))
    }

    #[test]
    fn the_two_views_count_what_they_say() {
        let (rows, truths, scores) = parts();
        let scored = Scored {
            rows: &rows,
            truths: &truths,
            scores: &scores,
        };
        let names = ["a".to_owned(), "b".to_owned()];
        let forced = scored.forced_choice(&names);
        assert_eq!((forced.n, forced.accuracy.point), (4, Some(0.75)));
        assert_eq!(forced.top2_accuracy.point, Some(1.0));

        let at = vec![Thresholds::new(0.55, 0.05).expect("in range"); 2];
        let confusion = scored.deployed_confusion(&at);
        let deployed = as_deployed(&confusion, &names);
        // Accepted: rows 0, 2, 3, 4; right among them: 0 and 3; fallback right: row 5.
        assert_eq!(deployed.coverage.point, Some(4.0 / 6.0));
        assert_eq!(deployed.selective_accuracy.point, Some(0.5));
        assert_eq!(deployed.system_accuracy.point, Some(0.5));
        assert_eq!(deployed.false_accept_rate.point, Some(0.5));
        assert_eq!(deployed.false_fallback_rate.point, Some(0.25));
        assert_eq!(deployed.misroute_rate.point, Some(0.25));
        // The same counts as the sweep's.
        let sweep = crate::calibrate::rows(&scores, &truths);
        let (tally, totals) = split_counts(&confusion);
        assert_eq!(tally, crate::calibrate::tally(&sweep, &at));
        assert_eq!(totals, Totals::of(&sweep, 2));
        assert_eq!(scored.detection().by_score.auroc.point, Some(7.0 / 8.0));
    }

    #[test]
    fn reliability_that_cannot_be_fitted_says_why() {
        let (rows, _, scores) = parts();
        let truths: Vec<Truth> = scores.rows().iter().map(|r| Truth::Route(r.best)).collect();
        let scored = Scored {
            rows: &rows,
            truths: &truths,
            scores: &scores,
        };
        let report = reliability(Method::Platt, scored, "test", scored, true);
        assert_eq!(report.note.as_deref(), Some("every row is right"));
        assert_eq!(report.brier.point, None);
    }
}
