//! Scoring rules against scikit-learn and numpy. The values were made by `tests/it/golden/make_scoring_goldens.py`.

#![expect(
    clippy::unwrap_used,
    reason = "a golden file that does not hold what is asked for is a failed test"
)]

use routecal::encode::Vectors;
use routecal::router::{Centroids, Scorer};
use serde_json::Value;

fn rows(value: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(value.clone()).unwrap()
}

#[expect(clippy::cast_possible_truncation, reason = "they were written as f32")]
fn vectors(value: &Value) -> Vectors {
    let rows: Vec<Vec<f32>> = rows(value)
        .into_iter()
        .map(|row| row.into_iter().map(|x| x as f32).collect())
        .collect();
    Vectors::new(&rows).unwrap()
}

#[test]
fn every_rule_gives_the_reference_scores() {
    let golden: Value = serde_json::from_str(include_str!("golden/scoring.json")).unwrap();
    let mut compared = 0;
    for case in golden["cases"].as_array().unwrap() {
        let sizes: Vec<usize> = serde_json::from_value(case["sizes"].clone()).unwrap();
        let centroids = Centroids::new(vectors(&case["examples"]), &sizes).unwrap();
        let prompts = vectors(&case["prompts"]);
        for (rule, expected) in case["rules"].as_object().unwrap() {
            let table = Scorer::new(&centroids, rule.parse().unwrap())
                .unwrap()
                .score(&prompts)
                .unwrap();
            // Cosines are of vectors that were rounded to f32; the regression ends at a gradient of 1e-8.
            let tolerance = if rule == "centroid" || rule.starts_with("logistic") {
                1e-6
            } else {
                1e-9
            };
            for (i, expected) in rows(expected).iter().enumerate() {
                for (found, expected) in table.scores(i).iter().zip(expected) {
                    assert!(
                        (found - expected).abs() < tolerance,
                        "{rule} {sizes:?}: {found} and {expected}"
                    );
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 500, "{compared}");
}
