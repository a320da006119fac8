//! Latency quantiles of policies.

use crate::replay::matrix::{Complete, Matrix};
use crate::replay::policies::Choice;

/// Median and 95th percentile of the latency of a policy on the compared prompts, plus `added`; `None` where any answer that
/// it would get has no time.
pub(super) fn quantiles(
    matrix: &Matrix,
    complete: &Complete,
    choice: &Choice,
    added: f64,
) -> (Option<f64>, Option<f64>) {
    let mut weighted = Vec::new();
    for (row, prompt) in complete.prompts.iter().enumerate() {
        let odds: Vec<(usize, f64)> = match choice {
            Choice::Each(choices) => vec![(choices[row], 1.0)],
            Choice::Mix(mix) => mix.iter().copied().enumerate().filter(|(_, p)| *p > 0.0).collect(),
        };
        for (model, p) in odds {
            for cell in matrix.cells(*prompt, model) {
                let Some(latency) = cell.latency_ms else {
                    return (None, None);
                };
                weighted.push((latency + added, p));
            }
        }
    }
    both(weighted)
}

/// The same of one model over all its answers that have a time.
pub(super) fn of_model(matrix: &Matrix, model: usize) -> (Option<f64>, Option<f64>) {
    let times = (0..matrix.prompts().len())
        .flat_map(|prompt| matrix.cells(prompt, model))
        .filter(|cell| cell.outcome.answered())
        .filter_map(|cell| cell.latency_ms);
    both(times.map(|t| (t, 1.0)).collect())
}

fn both(mut weighted: Vec<(f64, f64)>) -> (Option<f64>, Option<f64>) {
    weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
    (quantile(&weighted, 0.5), quantile(&weighted, 0.95))
}

/// The least value with at least a share `p` of the weight at or below it (nearest rank).
fn quantile(sorted: &[(f64, f64)], p: f64) -> Option<f64> {
    let total: f64 = sorted.iter().map(|(_, w)| w).sum();
    let mut below = 0.0;
    for (value, weight) in sorted {
        below += weight;
        if below >= p * total - 1e-9 {
            return Some(*value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rank() {
        let of = |values: &[f64]| both(values.iter().map(|v| (*v, 1.0)).collect());
        assert_eq!(of(&[]), (None, None));
        assert_eq!(of(&[3.0]), (Some(3.0), Some(3.0)));
        assert_eq!(of(&[4.0, 1.0, 3.0, 2.0]), (Some(2.0), Some(4.0)));
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(of(&hundred), (Some(50.0), Some(95.0)));
        assert_eq!(both(vec![(1.0, 0.9), (9.0, 0.1)]), (Some(1.0), Some(9.0)));
    }
}
