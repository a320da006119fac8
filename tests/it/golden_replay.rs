//! Hulls, areas, thresholds, sweeps, shuffles and the oracle against scipy, numpy and literal transcriptions, to 1e-9. The
//! values were made by `tests/it/golden/make_replay_goldens.py`, which says which came from where.

#![expect(
    clippy::unwrap_used,
    reason = "a golden file that does not hold what is asked for is a failed test"
)]

use routecal::replay::analysis::{CostBasis, sweep_rows};
use routecal::replay::frontier::{Anchors, Point, aiq, apgr, cost_for_quality, cpt, height, hull};
use routecal::replay::matrix::{Cell, Complete, Matrix, PromptInfo};
use routecal::replay::policies::{Choice, RoutedPrompt, Routing, oracle, shuffle_test};
use routecal::routes::Thresholds;
use serde_json::Value;

const TOLERANCE: f64 = 1e-9;

fn cases(kind: &str) -> Vec<Value> {
    let golden: Value = serde_json::from_str(include_str!("golden/replay.json")).unwrap();
    let cases = golden[kind].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn point(value: &Value) -> Point {
    let pair = numbers(value);
    Point::new(pair[0], pair[1])
}

fn points(value: &Value) -> Vec<Point> {
    value.as_array().unwrap().iter().map(point).collect()
}

#[track_caller]
fn close(found: f64, golden: f64) {
    assert!((found - golden).abs() <= TOLERANCE, "{found}, golden {golden}");
}

#[track_caller]
fn same(found: Option<f64>, golden: &Value) {
    match (found, golden.as_f64()) {
        (Some(found), Some(golden)) => close(found, golden),
        (found, golden) => assert_eq!(found, golden),
    }
}

#[test]
fn hulls_and_their_areas() {
    for case in cases("frontier") {
        let corners = hull(&points(&case["points"]));
        let golden = points(&case["hull"]);
        assert_eq!(corners.len(), golden.len());
        for (found, golden) in corners.iter().zip(&golden) {
            close(found.cost, golden.cost);
            close(found.quality, golden.quality);
        }
        let range = numbers(&case["range"]);
        same(aiq(&corners, range[0], range[1]), &case["aiq"]);
        same(aiq(&corners, range[0] + 0.25, range[1] + 3.0), &case["aiq_beyond"]);
        // Every point lies on the hull or under it.
        for p in points(&case["points"]) {
            assert!(height(&corners, p.cost).unwrap() >= p.quality - TOLERANCE);
        }
    }
}

#[test]
fn shares_of_the_gap() {
    for case in cases("frontier") {
        let (weak, strong) = (point(&case["weak"]), point(&case["strong"]));
        let anchors = Anchors::new(weak, strong).unwrap();
        let points = points(&case["points"]);
        close(apgr(&anchors, &points), number(&case["apgr"]));
        for pair in case["cpt"].as_array().unwrap() {
            same(cpt(&anchors, &points, number(&pair[0])), &pair[1]);
        }
        for pair in case["cost_at"].as_array().unwrap() {
            same(cost_for_quality(&points, strong.quality, number(&pair[0])), &pair[1]);
        }
    }
}

/// The scores and costs of a case as the prompts that every model answered.
fn complete(case: &Value) -> Complete {
    let (score, cost) = (case["score"].as_array().unwrap(), case["cost"].as_array().unwrap());
    let models = numbers(&score[0]).len();
    let prompts = (0..score.len())
        .map(|i| PromptInfo {
            id: i.to_string(),
            ..PromptInfo::default()
        })
        .collect();
    let mut matrix = Matrix::new((0..models).map(|m| format!("m{m}")).collect(), prompts, 1);
    for prompt in 0..score.len() {
        let (scores, costs) = (numbers(&score[prompt]), numbers(&cost[prompt]));
        for model in 0..models {
            matrix.cells_mut(prompt, model)[0] = Cell::scored(scores[model], costs[model]);
        }
    }
    matrix.complete()
}

fn indices(value: &Value) -> Vec<usize> {
    let of = |v: &Value| usize::try_from(v.as_u64().unwrap()).unwrap();
    value.as_array().unwrap().iter().map(of).collect()
}

fn routing(case: &Value) -> Routing {
    let (scores, gaps) = (numbers(&case["confidence"]), numbers(&case["gap"]));
    let least = number(&case["least_gap"]);
    let prompts = indices(&case["own"])
        .into_iter()
        .zip(scores.into_iter().zip(gaps))
        .map(|(model, (score, gap))| RoutedPrompt {
            route: format!("r{model}"),
            model,
            score,
            gap,
            current: Thresholds::new(number(&case["threshold"]), least).unwrap(),
        })
        .collect();
    Routing {
        prompts,
        fallback: usize::try_from(case["fallback"].as_u64().unwrap()).unwrap(),
        gap: least,
        usd_per_prompt: 0.0,
    }
}

#[test]
fn every_threshold_of_a_router() {
    for case in cases("policies") {
        let complete = complete(&case);
        let rows = sweep_rows(&complete, &routing(&case), CostBasis::List);
        let golden = case["sweep"].as_array().unwrap();
        assert_eq!(rows.len(), golden.len());
        for (row, golden) in rows.iter().zip(golden) {
            same(row.threshold.is_finite().then_some(row.threshold), &golden[0]);
            let n = f64::from(u32::try_from(complete.n()).unwrap());
            close(row.accepted * n, number(&golden[1]));
            close(row.point.cost, number(&golden[2]));
            close(row.point.quality, number(&golden[3]));
        }
    }
}

#[test]
fn shuffles_have_the_mean_of_every_permutation() {
    for case in cases("policies") {
        let complete = complete(&case);
        let current = routing(&case).current();
        let test = shuffle_test(&complete, &current, 20_000, 1).unwrap();
        close(test.quality, number(&case["quality"]));
        close(test.shuffled, number(&case["shuffle_mean"]));
        // Drawn, not enumerated: 20,000 draws of a share have a standard error of at most 0.0036; five of them.
        let exact = number(&case["shuffle_p"]);
        assert!((test.p_value - exact).abs() < 0.018, "{}, exact {exact}", test.p_value);
    }
}

#[test]
fn the_oracle_is_the_cheapest_of_the_best() {
    for case in cases("policies") {
        let complete = complete(&case);
        assert_eq!(
            oracle(&complete, &complete.list),
            Choice::Each(indices(&case["oracle"]))
        );
    }
}
