//! Confident learning against cleanlab, by `golden/make_lint_goldens.py`.

use std::collections::BTreeMap;

use routecal::lint::labels::confident_learning;
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    labels: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    /// The suspects, the smallest margin first.
    rows: Vec<usize>,
    suggested: BTreeMap<String, usize>,
}

#[test]
fn the_suspects_their_order_and_their_labels_are_those_of_cleanlab() {
    let goldens: Goldens = serde_json::from_str(include_str!("golden/lint.json")).unwrap();
    assert_eq!(goldens.cases.len(), 3);
    for case in goldens.cases {
        let found = confident_learning(&case.labels, &case.probabilities);
        let rows: Vec<usize> = found.iter().map(|s| s.row).collect();
        assert_eq!(rows, case.rows);
        for suspect in found {
            assert_eq!(suspect.suggested, case.suggested[&suspect.row.to_string()]);
            let p = &case.probabilities[suspect.row];
            assert!((suspect.given_probability - p[case.labels[suspect.row]]).abs() < 1e-15);
            assert!((suspect.suggested_probability - p[suspect.suggested]).abs() < 1e-15);
        }
    }
}
