//! The examples that stand for a route: *k*-medoids under the cosine distance, by PAM.
//!
//! Kaufman and Rousseeuw, *Finding Groups in Data* (1990), chapter 2: BUILD adds the medoid that takes most off the total
//! distance, SWAP exchanges a medoid for another point as long as that takes something off. Ties go to the earlier example, so
//! that the result does not depend on chance. The libraries for it are licensed as this program cannot be.

use crate::encode::{Vectors, cosine};

/// Differences below this are rounding.
const NOISE: f64 = 1e-12;

/// Rows of the `k` medoids, rising; all rows where there are no more. O(k · n²) a step.
pub(super) fn medoids(examples: &Vectors, k: usize) -> Vec<usize> {
    let n = examples.len();
    if k >= n {
        return (0..n).collect();
    }
    let distance: Vec<Vec<f64>> = examples
        .rows()
        .map(|a| examples.rows().map(|b| 1.0 - cosine(a, b)).collect())
        .collect();
    let total = |chosen: &[usize]| -> f64 {
        distance
            .iter()
            .map(|row| chosen.iter().map(|c| row[*c]).fold(f64::INFINITY, f64::min))
            .sum()
    };
    let mut chosen: Vec<usize> = Vec::with_capacity(k);
    let mut cost = f64::INFINITY;
    while chosen.len() < k {
        let mut with: Option<(usize, f64)> = None;
        for point in 0..n {
            if chosen.contains(&point) {
                continue;
            }
            chosen.push(point);
            let now = total(&chosen);
            chosen.pop();
            if with.is_none_or(|(_, least)| now < least - NOISE) {
                with = Some((point, now));
            }
        }
        let Some((point, now)) = with else { break };
        chosen.push(point);
        cost = now;
    }
    while let Some((place, point, now)) = best_swap(&chosen, n, &total).filter(|(_, _, now)| *now < cost - NOISE) {
        chosen[place] = point;
        cost = now;
    }
    chosen.sort_unstable();
    chosen
}

fn best_swap(chosen: &[usize], n: usize, total: &dyn Fn(&[usize]) -> f64) -> Option<(usize, usize, f64)> {
    let mut best: Option<(usize, usize, f64)> = None;
    for place in 0..chosen.len() {
        for point in (0..n).filter(|p| !chosen.contains(p)) {
            let mut swapped = chosen.to_vec();
            swapped[place] = point;
            let now = total(&swapped);
            if best.is_none_or(|(_, _, least)| now < least - NOISE) {
                best = Some((place, point, now));
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_medoid_is_the_middle_and_two_stand_for_two_groups() {
        let examples = Vectors::at_degrees(&[0.0, 10.0, 20.0, 90.0, 95.0, 100.0]);
        assert_eq!(medoids(&examples, 2), [1, 4]);
        assert_eq!(medoids(&Vectors::at_degrees(&[0.0, 10.0, 20.0]), 1), [1]);
        assert_eq!(medoids(&examples, 6), [0, 1, 2, 3, 4, 5]);
        assert_eq!(medoids(&Vectors::at_degrees(&[5.0, 5.0]), 1), [0]);
    }

    #[test]
    fn no_choice_of_medoids_is_better() {
        let degrees: Vec<f32> = (0..9_u8).map(|i| f32::from(i * i) * 3.7 % 180.0).collect();
        let examples = Vectors::at_degrees(&degrees);
        let cost = |chosen: &[usize]| -> f64 {
            examples
                .rows()
                .map(|a| {
                    chosen
                        .iter()
                        .map(|c| 1.0 - cosine(a, examples.row(*c)))
                        .fold(f64::INFINITY, f64::min)
                })
                .sum()
        };
        let found = cost(&medoids(&examples, 2));
        for i in 0..9 {
            for j in 0..i {
                assert!(found <= cost(&[i, j]) + 1e-9, "{i} {j}");
            }
        }
    }
}
