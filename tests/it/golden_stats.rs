//! Every distribution, test and interval of the stats module against scipy, statsmodels and mpmath, to 1e-9. The values were
//! made by `tests/it/golden/make_stats_goldens.py`, which says which came from where.

#![expect(
    clippy::unwrap_used,
    reason = "a golden file that does not hold what is asked for is a failed test"
)]

use routecal::stats::bootstrap::{bca, percentile};
use routecal::stats::multiple::holm;
use routecal::stats::paired::{Paired, detectable_drop, regression_power};
use routecal::stats::proportion::{clopper_pearson, wilson};
use routecal::stats::{Interval, Level, binomial, normal};
use serde_json::Value;

const TOLERANCE: f64 = 1e-9;

/// All cases of one kind; there must be some.
fn cases(kind: &str) -> Vec<Value> {
    let golden: Value = serde_json::from_str(include_str!("golden/stats.json")).unwrap();
    let cases = golden[kind].as_array().unwrap();
    assert!(!cases.is_empty());
    cases.clone()
}

fn number(case: &Value, key: &str) -> f64 {
    case[key].as_f64().unwrap_or_else(|| panic!("{case}: no {key}"))
}

fn count(case: &Value, key: &str) -> u64 {
    case[key].as_u64().unwrap_or_else(|| panic!("{case}: no {key}"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn level(case: &Value) -> Level {
    Level::new(number(case, "level")).unwrap()
}

#[track_caller]
fn assert_near(have: f64, want: f64, case: &Value) {
    assert!((have - want).abs() <= TOLERANCE, "{have} here, {want} there: {case}");
}

/// Of probabilities, the relative error counts too: 1e-200 is not 0.
#[track_caller]
fn assert_relative(have: f64, want: f64, case: &Value) {
    assert!(
        (have - want).abs() <= TOLERANCE * want.abs(),
        "{have:e} here, {want:e} there: {case}"
    );
}

#[track_caller]
fn assert_interval(have: Interval, want: &Value, case: &Value) {
    let ends = numbers(want);
    assert_near(have.lower, ends[0], case);
    assert_near(have.upper, ends[1], case);
}

#[test]
fn binomial_probabilities() {
    for case in cases("binomial") {
        let (k, n, p) = (count(&case, "k"), count(&case, "n"), number(&case, "p"));
        assert_relative(binomial::pmf(k, n, p), number(&case, "pmf"), &case);
        assert_relative(binomial::cdf(k, n, p), number(&case, "cdf"), &case);
        assert_relative(binomial::sf(k, n, p), number(&case, "sf"), &case);
    }
}

#[test]
fn the_normal_distribution() {
    let golden: Value = serde_json::from_str(include_str!("golden/stats.json")).unwrap();
    for case in golden["normal"]["cdf"].as_array().unwrap() {
        assert_relative(normal::cdf(number(case, "z")), number(case, "value"), case);
    }
    for case in golden["normal"]["quantile"].as_array().unwrap() {
        assert_near(normal::quantile(number(case, "p")), number(case, "value"), case);
    }
}

#[test]
fn intervals_of_rates() {
    for case in cases("proportion") {
        let (k, n) = (count(&case, "k"), count(&case, "n"));
        assert_interval(wilson(k, n, level(&case)).unwrap(), &case["wilson"], &case);
        assert_interval(
            clopper_pearson(k, n, level(&case)).unwrap(),
            &case["clopper_pearson"],
            &case,
        );
    }
}

#[test]
fn tests_and_intervals_of_pairs() {
    for case in cases("paired") {
        let pair = Paired::new(count(&case, "n"), count(&case, "lost"), count(&case, "won"));
        assert_near(pair.mcnemar(), number(&case, "mcnemar"), &case);
        assert_near(pair.regression_p(), number(&case, "regression_p"), &case);
        for wanted in case["score"].as_array().unwrap() {
            assert_interval(pair.score_interval(level(wanted)).unwrap(), &wanted["interval"], &case);
        }
    }
}

#[test]
fn the_power_of_the_regression_test() {
    for case in cases("power") {
        let power = regression_power(
            count(&case, "n"),
            number(&case, "discordant"),
            number(&case, "drop"),
            number(&case, "alpha"),
        );
        assert_near(power, number(&case, "power"), &case);
    }
    for case in cases("detectable") {
        let drop = detectable_drop(
            count(&case, "n"),
            number(&case, "discordant"),
            number(&case, "alpha"),
            0.8,
        );
        // The search stops at steps of 1e-6.
        let want = number(&case, "drop");
        assert!((drop.unwrap() - want).abs() <= 1e-6, "{drop:?} here: {case}");
    }
}

#[test]
fn holms_adjustment() {
    for case in cases("holm") {
        for (have, want) in holm(&numbers(&case["p"])).into_iter().zip(numbers(&case["adjusted"])) {
            assert_near(have, want, &case);
        }
    }
}

/// scipy takes the interval of draws that are given to it: the same draws must give the same interval.
#[test]
fn bootstrap_intervals() {
    for case in cases("bootstrap") {
        let (draws, jackknife) = (numbers(&case["draws"]), numbers(&case["jackknife"]));
        let point = number(&case, "point");
        for wanted in case["intervals"].as_array().unwrap() {
            let have = match wanted["method"].as_str().unwrap() {
                "percentile" => percentile(&draws, level(wanted)),
                _ => bca(&draws, point, &jackknife, level(wanted)),
            };
            assert_interval(have, &wanted["interval"], &wanted["method"]);
        }
    }
}
