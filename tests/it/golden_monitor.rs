//! The Kolmogorov–Smirnov test and the stability index against scipy and numpy, to 1e-9. The values were made by
//! `tests/it/golden/make_monitor_goldens.py`, which says which came from where.

#![expect(
    clippy::unwrap_used,
    reason = "a golden file that does not hold what is asked for is a failed test"
)]

use routecal::monitor::{Bins, KsMethod, ks_test, psi};
use serde_json::Value;

const TOLERANCE: f64 = 1e-9;

fn cases(kind: &str) -> Vec<Value> {
    let golden: Value = serde_json::from_str(include_str!("golden/monitor.json")).unwrap();
    let cases = golden[kind].as_array().unwrap();
    assert!(!cases.is_empty());
    cases.clone()
}

fn number(case: &Value, key: &str) -> f64 {
    case[key].as_f64().unwrap_or_else(|| panic!("{case}: no {key}"))
}

fn numbers(case: &Value, key: &str) -> Vec<f64> {
    let values = case[key].as_array().unwrap();
    values.iter().map(|v| v.as_f64().unwrap()).collect()
}

/// Of probabilities the relative error counts: 1e-20 is not 0.
#[track_caller]
fn assert_probability(have: f64, want: f64) {
    assert!(
        (have - want).abs() <= TOLERANCE * want.abs(),
        "{have:e} here, {want:e} there"
    );
}

#[test]
fn the_exact_test() {
    for case in cases("ks") {
        let found = ks_test(&numbers(&case, "a"), &numbers(&case, "b")).unwrap();
        assert!((found.statistic - number(&case, "statistic")).abs() <= TOLERANCE);
        assert_probability(found.p, number(&case, "p"));
        assert_eq!(found.method, KsMethod::Exact);
    }
}

#[test]
fn the_limit_for_large_samples() {
    for case in cases("ks_large") {
        let count = |key: &str| case[key].as_u64().unwrap();
        let made = |n: u64, step: u64, modulus: u32, moved: f64| -> Vec<f64> {
            (0..n)
                .map(|i| f64::from(u32::try_from(i * step % u64::from(modulus)).unwrap()) / f64::from(modulus) + moved)
                .collect()
        };
        let a = made(count("n"), 7919, 10_007, 0.0);
        let b = made(count("m"), 104_729, 9_973, number(&case, "moved"));
        let found = ks_test(&a, &b).unwrap();
        assert!((found.statistic - number(&case, "statistic")).abs() <= TOLERANCE);
        assert_probability(found.p, number(&case, "p"));
        assert_eq!(found.method, KsMethod::Asymptotic);
    }
}

#[test]
fn the_stability_index() {
    for case in cases("psi") {
        let (a, b) = (numbers(&case, "a"), numbers(&case, "b"));
        let bins = Bins::of(&a, usize::try_from(case["bins"].as_u64().unwrap()).unwrap());
        let edges = numbers(&case, "edges");
        assert_eq!(bins.edges().len(), edges.len());
        assert!(bins.edges().iter().zip(&edges).all(|(x, y)| (x - y).abs() <= TOLERANCE));
        let count = |values: &[f64]| {
            let mut counts = vec![0.0; bins.count()];
            for value in values {
                counts[bins.of_value(*value)] += 1.0;
            }
            counts
        };
        assert_eq!(count(&a), numbers(&case, "calibration"));
        assert_eq!(count(&b), numbers(&case, "log"));
        assert!((psi(&count(&a), &count(&b)) - number(&case, "psi")).abs() <= TOLERANCE);
    }
}
