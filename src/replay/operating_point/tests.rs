//! The choice against brute force, and the judgement against figures computed by hand.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::error::{ErrorClass, Hint as _};
use crate::replay::analysis::{CostBasis, Ungraded};
use crate::replay::matrix::{Cell, Matrix, PromptInfo};
use crate::replay::policies::RoutedPrompt;
use crate::report::{CostProvenance, CostVerdict};
use crate::routes::Routes;
use crate::stats::bootstrap::Settings;

/// A prompt: score, gap, the model of its route, and a score and cents of each of three models.
type Sample = (f64, f64, usize, [(f64, f64); 3]);

fn complete(samples: &[Sample]) -> Complete {
    let column = |of: fn(&(f64, f64)) -> f64| samples.iter().flat_map(|s| s.3.iter().map(of)).collect::<Vec<f64>>();
    Complete {
        prompts: (0..samples.len()).collect(),
        models: 3,
        score: column(|cell| cell.0),
        billed: column(|cell| cell.1 / 200.0),
        list: column(|cell| cell.1 / 100.0),
        dropped: BTreeMap::new(),
        dropped_prompts: 0,
    }
}

fn routing(samples: &[Sample]) -> Routing {
    Routing {
        prompts: samples
            .iter()
            .map(|(score, gap, model, _)| RoutedPrompt {
                route: "a".into(),
                model: *model,
                score: *score,
                gap: *gap,
                current: Thresholds::default(),
            })
            .collect(),
        fallback: 0,
        gap: 0.0,
        usd_per_prompt: 0.0,
    }
}

/// Coarse numbers make ties common; thirds are no binary fractions.
fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let cell = (0..4_i32, 0..4_i32).prop_map(|(score, cents)| (f64::from(score) / 3.0, f64::from(cents) / 7.0));
    let sample =
        (0..11_i32, 0..6_i32, 0..3_usize, [cell.clone(), cell.clone(), cell]).prop_map(|(score, gap, model, cells)| {
            // The top of the scale: 1 is the score of a route's only example.
            (f64::from(score) / 10.0, f64::from(gap) / 20.0, model, cells)
        });
    proptest::collection::vec(sample, 1..24)
}

/// Cost, quality and accepted prompts where the prompts that `accept` says yes to go to their route's model.
fn figures(samples: &[Sample], accept: impl Fn(f64, f64) -> bool) -> (f64, f64, u64) {
    samples
        .iter()
        .fold((0.0, 0.0, 0), |(cost, quality, n), (score, gap, model, cells)| {
            let accepted = accept(*score, *gap);
            let cell = cells[if accepted { *model } else { 0 }];
            (cost + cell.1 / 100.0, quality + cell.0, n + u64::from(accepted))
        })
}

/// The cheapest figures with a mean quality of at least `floor` over every pair of a score and a gap, and of accepting nothing; of
/// equals the better, then those that accept more.
fn brute_force(samples: &[Sample], floor: f64) -> Option<(f64, f64, u64)> {
    let mut best: Option<(f64, f64, u64)> = None;
    let points = samples.iter().flat_map(|t| samples.iter().map(move |g| (t.0, g.1)));
    for (threshold, gap) in points.chain([(f64::INFINITY, 0.0)]) {
        let here = figures(samples, |score, own| score >= threshold && own >= gap);
        if here.1 < (floor - 1e-9) * f64_from_usize(samples.len()) {
            continue;
        }
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let wins = best.is_none_or(|best| {
            if !near(here.0, best.0) {
                here.0 < best.0
            } else if near(here.1, best.1) {
                here.2 > best.2
            } else {
                here.1 > best.1
            }
        });
        if wins {
            best = Some(here);
        }
    }
    best
}

proptest! {
    #[test]
    fn the_choice_is_the_best_of_all_points(samples in samples(), twelfths in 0..13_i32) {
        let floor = f64::from(twelfths) / 12.0;
        let (complete, routing) = (complete(&samples), routing(&samples));
        let found = choose(&complete, &routing, &complete.list, floor);
        let expected = brute_force(&samples, floor);
        prop_assert_eq!(found.is_ok(), expected.is_some());
        if let (Ok(choice), Some(expected)) = (found, expected) {
            prop_assert!(choice.exact);
            let here = figures(&samples, |score, gap| choice.at.accept(score, gap));
            prop_assert!((here.0 - expected.0).abs() < 1e-9, "{here:?} {expected:?}");
            prop_assert!((here.1 - expected.1).abs() < 1e-9, "{here:?} {expected:?}");
            prop_assert_eq!(here.2, expected.2);
            let plateau = plateau(&complete, &routing, &complete.list, floor, (choice.at, 0.0)).unwrap();
            let (at, inside) = (choice.at, |(low, high): (f64, f64), x: f64| low <= x && x <= high);
            prop_assert!(inside(plateau.threshold, at.threshold()) && inside(plateau.gap, at.gap()));
        }
    }

    #[test]
    fn row_order_does_not_matter(samples in samples()) {
        let reversed: Vec<Sample> = samples.iter().rev().copied().collect();
        let at = |samples: &[Sample]| {
            let complete = complete(samples);
            choose(&complete, &routing(samples), &complete.list, 0.5).ok()
        };
        prop_assert_eq!(at(&samples), at(&reversed));
    }

    /// A lower bar is never dearer.
    #[test]
    fn quality_costs(samples in samples(), low in 0.0..1.0_f64, more in 0.0..0.5_f64) {
        let (complete, routing) = (complete(&samples), routing(&samples));
        let cost = |floor| {
            let at = choose(&complete, &routing, &complete.list, floor).ok()?.at;
            Some(figures(&samples, |score, gap| at.accept(score, gap)).0)
        };
        if let Some(dear) = cost(low + more) {
            prop_assert!(cost(low).is_some_and(|cheap| cheap <= dear + 1e-9));
        }
    }
}

#[test]
fn what_nothing_reaches_says_what_can_be_had_and_at_which_cost() {
    let right = |cents: f64| (1.0, cents);
    let wrong = |cents: f64| (0.0, cents);
    // The fallback is right on the first prompt, the route's model on the second alone.
    let samples: Vec<Sample> = vec![
        (0.3, 0.1, 1, [right(8.0), wrong(1.0), wrong(0.0)]),
        (0.6, 0.1, 1, [wrong(8.0), right(1.0), wrong(0.0)]),
        (0.9, 0.1, 1, [wrong(8.0), wrong(2.0), wrong(0.0)]),
    ];
    let complete = complete(&samples);
    let error = choose(&complete, &routing(&samples), &complete.list, 0.7).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no thresholds reach a mean quality of 0.7000 on the 3 calibration prompts; the best is 0.6667, at $ 36.667 a thousand prompts"
    );
    assert_eq!(error.class(), ErrorClass::Unmet);
    assert!(error.hint().unwrap().contains("--min-quality 0.6666,"));
    assert!(choose(&complete, &routing(&samples), &complete.list, 0.6666).is_ok());
    // Two thirds are two thirds, whatever they are as a float.
    assert!(choose(&complete, &routing(&samples), &complete.list, 2.0 / 3.0).is_ok());
}

#[test]
fn a_wanted_quality_is_a_number_or_a_percentage() {
    let parse = |text: &str| text.parse::<MinQuality>();
    assert_eq!(parse("0.85"), Ok(MinQuality::Mean(0.85)));
    assert_eq!(parse("98.5 %"), Ok(MinQuality::ShareOfStrong(0.985)));
    assert_eq!(parse("102%"), Ok(MinQuality::ShareOfStrong(1.02)));
    assert!(parse("85").unwrap_err().contains("write 0.85 for one, or 85% for"));
    for bad in ["-0.1", "NaN", "-5%", "inf", "high", "%", ""] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

const ROUTES: &str = r#"{"fallback": {"model": "dear"}, "thresholds": {"threshold": 0.9, "gap": 0.0},
    "routes": {"easy": {"model": "cheap", "examples": ["a", "b", "c", "d", "e"]}}}"#;

/// Prompts of two splits; score 0.5 and up are those that the cheap model has right. On the test split the dear model is
/// right on four of five.
fn matrix(n: usize) -> Matrix {
    let prompts = (0..2 * n).map(|i| PromptInfo {
        id: i.to_string(),
        split: Some(if i < n { "calibration" } else { "test" }.into()),
        ..PromptInfo::default()
    });
    let mut matrix = Matrix::new(vec!["dear".into(), "cheap".into()], prompts.collect(), 1);
    for i in 0..2 * n {
        let dear = if i >= n && i % 5 == 0 { 0.0 } else { 1.0 };
        let cheap = if i % 10 >= 5 { 1.0 } else { 0.0 };
        matrix.cells_mut(i, 0)[0] = Cell::scored(dear, 0.02);
        matrix.cells_mut(i, 1)[0] = Cell::scored(cheap, 0.001);
    }
    matrix
}

fn judged(n: usize, min_quality: &str, test: &str) -> Result<Calibrated, OperatingPointError> {
    let (matrix, routes) = (
        matrix(n),
        Routes::parse(ROUTES, std::path::Path::new("routes.json")).unwrap().0,
    );
    let routing = Routing {
        prompts: (0..2 * n)
            .map(|i| RoutedPrompt {
                route: "easy".into(),
                model: 1,
                score: f64_from_usize(i % 10) / 10.0,
                gap: 0.5,
                current: routes.thresholds,
            })
            .collect(),
        fallback: 0,
        gap: 0.0,
        usd_per_prompt: 0.0005,
    };
    let options = Options {
        min_quality: min_quality.parse().unwrap(),
        cost: CostBasis::List,
        ungraded: Ungraded::Drop,
        tolerance: 0.01,
        bootstrap: Settings {
            resamples: 200,
            ..Settings::default()
        },
    };
    let input = Input {
        matrix: &matrix,
        routing: &routing,
        asked: &vec![false; 2 * n],
        routes: &routes,
        calibration: "calibration",
        test,
    };
    let text = String::new;
    let provenance = CostProvenance {
        tool_version: text(),
        run_sha256: text(),
        grades_sha256: text(),
        grader: text(),
        routes_sha256: text(),
        encoder: text(),
        cost: "list".into(),
        ungraded: "drop".into(),
        seed: 0,
        resamples: 200,
    };
    calibrate(&input, &options, provenance)
}

#[track_caller]
fn close(value: Option<f64>, expected: f64) {
    assert!(
        value.is_some_and(|v| (v - expected).abs() < 1e-9),
        "{value:?} is not {expected}"
    );
}

#[test]
fn a_share_of_the_strong_model_is_taken_on_the_prompts_that_judge() {
    let found = judged(40, "95%", "test").unwrap();
    let report = &found.report;
    assert_eq!((report.strong.as_str(), report.weak.as_str()), ("dear", "cheap"));
    // Everything from 0.5 up goes to the cheap model, which has it right: the quality of 1, at half the dear calls.
    assert!(0.4 < found.at.threshold() && found.at.threshold() <= 0.5);
    close(report.chosen.calibration.quality.point, 1.0);
    close(report.chosen.calibration.usd_per_1k.point, 10.5 + 0.5);
    close(report.current.calibration.usd_per_1k.point, 0.9 * 20.0 + 0.1 + 0.5);
    close(Some(report.calibration.wanted), 0.95);
    // There the dear model has 0.8, and the choice 0.9: what it has wrong from 0.5 up the cheap one has right.
    close(Some(report.test.wanted), 0.95 * 0.8);
    close(report.chosen.test.quality.point, 0.9);
    close(report.verdict.margin.point, 0.9 - 0.95 * 0.8);
    assert_eq!(report.verdict.verdict, CostVerdict::Met);
    close(report.versus_strong.test.quality.point, 0.1);
    close(report.versus_strong.test.saved.point, 1.0 - 11.0 / 20.0);
    close(report.versus_current.test.usd_per_1k.point, 11.0 - 18.6);
    let optimism = report.optimism.as_ref().unwrap();
    close(optimism.goal.optimism, 0.0);
    close(optimism.condition.as_ref().unwrap().optimism, 0.05 - (0.9 - 0.76));
    assert_eq!((report.test.moved, report.test.n), (20, 40));
}

#[test]
fn a_mean_quality_is_the_same_number_on_both_splits() {
    let report = judged(40, "1", "test").unwrap().report;
    close(Some(report.test.wanted), 1.0);
    close(report.verdict.margin.point, -0.1);
    assert_eq!(report.verdict.verdict, CostVerdict::Missed);
    assert!(
        report
            .verdict
            .sentence
            .starts_with("missed: on the 40 prompts of split test the quality is 0.9000, -0.1000 ("),
        "{}",
        report.verdict.sentence
    );
    let report = judged(40, "0.9", "test").unwrap().report;
    assert_eq!(report.verdict.verdict, CostVerdict::NotShown);
}

#[test]
fn the_same_prompts_flatter_the_choice_and_say_so() {
    for test in ["calibration", "all"] {
        let report = judged(20, "95%", test).unwrap().report;
        assert!(report.verdict.in_sample && report.chosen.test.in_sample && report.optimism.is_none());
        assert!(report.verdict.sentence.ends_with("this flatters the choice"));
    }
}

#[test]
fn a_split_without_prompts_names_those_there_are() {
    let error = judged(3, "95%", "tset").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the run has no prompts of split \"tset\": there are 3 of \"calibration\", 3 of \"test\""
    );
    assert_eq!(error.class(), ErrorClass::Input);
}
