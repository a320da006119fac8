//! The exact test behind a certificate against scipy, to 1e-9 of the value: small p-values decide.
//! The values were made by `tests/it/golden/make_certify_goldens.py`.

#![expect(
    clippy::unwrap_used,
    reason = "a golden file that does not hold what is asked for is a failed test"
)]

use routecal::calibrate::{allowed_errors, least_accepted, p_value, rows_needed};
use serde_json::Value;

fn cases(kind: &str) -> Vec<Value> {
    let golden: Value = serde_json::from_str(include_str!("golden/certify.json")).unwrap();
    let cases = golden[kind].as_array().unwrap().clone();
    assert!(cases.len() > 20);
    cases
}

fn count(case: &Value, key: &str) -> u64 {
    case[key].as_u64().unwrap()
}

fn number(case: &Value, key: &str) -> f64 {
    case[key].as_f64().unwrap()
}

#[test]
fn p_values() {
    for case in cases("p_values") {
        let found = p_value(count(&case, "wrong"), count(&case, "accepted"), number(&case, "alpha"));
        let expected = number(&case, "p");
        assert!(
            (found - expected).abs() <= 1e-9 * expected.max(1e-290),
            "{case}: {found}"
        );
    }
}

#[test]
fn allowed_error_counts() {
    for case in cases("allowed_errors") {
        let found = allowed_errors(count(&case, "accepted"), number(&case, "alpha"), number(&case, "delta"));
        assert_eq!(found, case["errors"].as_u64(), "{case}");
    }
}

#[test]
fn least_sizes() {
    for case in cases("least_accepted") {
        let found = least_accepted(count(&case, "wrong"), number(&case, "alpha"), number(&case, "delta"));
        assert_eq!(found, case["accepted"].as_u64(), "{case}");
    }
}

#[test]
fn sizes_at_an_observed_rate() {
    for case in cases("rows_needed") {
        let found = rows_needed(
            count(&case, "wrong"),
            count(&case, "accepted"),
            number(&case, "alpha"),
            number(&case, "delta"),
        );
        assert_eq!(found, case["needed"].as_u64(), "{case}");
    }
}
