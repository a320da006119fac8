//! Scores and an operating point to an evaluation.
//!
//! Two views, never mixed: *forced choice* (in-domain prompts, every one sent to its best route) and *as deployed* (all
//! prompts under the thresholds, where the fallback is the right answer for an out-of-domain prompt).

mod figures;
mod grouped;
mod mistakes;
mod reliability;

pub use figures::{Evaluated, Prepared, as_deployed, with_intervals};
pub(crate) use figures::{as_deployed_of, count, detection, forced_choice, selective};
pub use grouped::{GROUPS, Groups};
pub(crate) use mistakes::{MISTAKES, folded_examples};
pub(crate) use reliability::Fitted;
pub use reliability::{Calibrated, Method};

use crate::calibrate::{Tally, Totals};
use crate::dataset::{Row, Truth, folded};
use crate::metrics::classification::Confusion;
use crate::metrics::deployed::Deployed;
use crate::metrics::histogram::Summary;
use crate::metrics::selective::Selective;
use crate::metrics::{Ranking, Rate};
use crate::report::{ConfidenceReport, ConfusionReport, RouteConfidence, SummaryReport};
use crate::router::{RowScore, ScoreTable, decide};
use crate::routes::Thresholds;
use crate::stats::bootstrap::Design;

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

    /// Truth × decision under `thresholds`; the last class is out-of-domain and fallback.
    pub fn deployed_confusion(&self, thresholds: &[Thresholds]) -> Confusion {
        figures::count(&self.decisions(thresholds), thresholds.len() + 1, None)
    }

    /// Truth and decision of every prompt under `thresholds`; the last class is out-of-domain and fallback.
    pub(crate) fn decisions(&self, thresholds: &[Thresholds]) -> Vec<(usize, usize)> {
        let outside = thresholds.len();
        self.pairs()
            .map(|(truth, row)| {
                let truth = match truth {
                    Truth::Route(own) => *own,
                    Truth::OutOfDomain => outside,
                };
                (truth, decide(row, thresholds).route().unwrap_or(outside))
            })
            .collect()
    }

    /// Risk–coverage rows: score, and whether accepting would be wrong.
    pub fn selective(&self, in_domain_only: bool) -> Selective {
        Selective::ranked(&self.ranking(in_domain_only), None)
    }

    /// The same before they are counted.
    fn ranking(&self, in_domain_only: bool) -> Ranking {
        let rows = self.pairs().enumerate();
        Ranking::new(
            rows.filter(|(_, (truth, _))| !in_domain_only || **truth != Truth::OutOfDomain)
                .map(|(i, (truth, row))| (i, row.score, *truth != Truth::Route(row.best))),
        )
    }

    /// How to resample these prompts: as many of each label as there are, copies of a prompt (case and outer spaces aside)
    /// together, since they are no independent evidence.
    pub fn design(&self) -> Design {
        Design::new(self.truths.iter().zip(self.rows).map(|(truth, row)| {
            let stratum = match truth {
                Truth::Route(own) => own + 1,
                Truth::OutOfDomain => 0,
            };
            (stratum, folded(&row.prompt))
        }))
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
            row.iter().map(|c| Rate::new(*c, sum).into()).collect()
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
                reference: None,
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
        let at = vec![Thresholds::new(0.55, 0.05).expect("in range"); 2];
        let calibrated = Calibrated::new(Method::Platt, scored, "test", scored, true);
        let evaluated = Prepared::new(scored, &names, &at, calibrated).evaluate(None);
        let forced = &evaluated.forced_choice;
        assert_eq!((forced.n, forced.accuracy.point), (4, Some(0.75)));
        assert_eq!(forced.top2_accuracy.point, Some(1.0));

        let confusion = scored.deployed_confusion(&at);
        let deployed = as_deployed(&confusion, &names);
        assert_eq!(deployed, evaluated.as_deployed);
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
        assert_eq!(evaluated.detection.by_score.auroc.point, Some(7.0 / 8.0));
    }

    /// Every figure of weighted prompts is the figure of the prompts with that many copies of each.
    #[test]
    fn weights_count_prompts_as_copies_do() {
        let (rows, truths, scores) = parts();
        let weights = [2_u32, 1, 3, 1, 0, 2];
        let copies: Vec<usize> = (0..6)
            .flat_map(|i| std::iter::repeat_n(i, weights[i] as usize))
            .collect();
        let (copied_rows, copied_truths): (Vec<_>, Vec<_>) =
            copies.iter().map(|i| (rows[*i].clone(), truths[*i])).unzip();
        let copied_scores = scores.select(&copies);
        let names = ["a".to_owned(), "b".to_owned()];
        let at = vec![Thresholds::new(0.55, 0.05).expect("in range"); 2];
        let scored = Scored {
            rows: &rows,
            truths: &truths,
            scores: &scores,
        };
        let copied = Scored {
            rows: &copied_rows,
            truths: &copied_truths,
            scores: &copied_scores,
        };
        // One mapping for both: it is not what is weighted.
        let prepare = |judged| {
            let calibrated = Calibrated::new(Method::Platt, scored, "test", judged, true);
            Prepared::new(judged, &names, &at, calibrated)
        };
        assert_eq!(prepare(scored).evaluate(Some(&weights)), prepare(copied).evaluate(None));
        // Rows 1 to 3 differ in case and spaces only: one prompt.
        let mut same = rows.clone();
        (same[1].prompt, same[2].prompt, same[3].prompt) = ("x".into(), " X".into(), "x ".into());
        let scored = Scored { rows: &same, ..scored };
        assert_eq!(scored.design().clusters(), 4);
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
        let report = Calibrated::new(Method::Platt, scored, "test", scored, true).report(None);
        assert_eq!(report.note.as_deref(), Some("every row is right"));
        assert_eq!(report.brier.point, None);
    }
}
