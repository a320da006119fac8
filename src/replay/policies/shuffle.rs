//! Does a router beat its own mix?
//!
//! A router that sends 30 % of the prompts to a good model is better than one that sends none, without knowing anything. The
//! control deals the router's own choices to random prompts: each model answers as often as before, and only the skill is
//! gone. What is left between the two is what the router knows.

use rayon::prelude::*;

use super::Choice;
use crate::num::f64_from_u64;
use crate::replay::matrix::Complete;
use crate::stats::{Purpose, stream};

/// The outcome of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShuffleTest {
    /// Mean quality of the policy.
    pub quality: f64,
    /// Exact mean quality of its shuffles.
    pub shuffled: f64,
    /// (1 + shuffles at least as good) / (1 + shuffles): one-sided, never 0.
    pub p_value: f64,
    /// Shuffles drawn.
    pub permutations: u32,
}

/// Deals the choices of a policy to random prompts, `permutations` times, from streams of `seed`; `None` without prompts.
/// O(prompts × permutations), in parallel; the result does not depend on the number of threads.
///
/// ```
/// use routecal::replay::matrix::{Cell, Matrix, PromptInfo};
/// use routecal::replay::policies::{Choice, shuffle_test};
///
/// // Model 0 is right on the even prompts, model 1 on the odd ones.
/// let prompts = (0..20).map(|i| PromptInfo { id: i.to_string(), ..PromptInfo::default() }).collect();
/// let mut matrix = Matrix::new(vec!["a".into(), "b".into()], prompts, 1);
/// for (prompt, model) in (0..20).flat_map(|p| [(p, 0), (p, 1)]) {
///     matrix.cells_mut(prompt, model)[0] = Cell::scored(if prompt % 2 == model { 1.0 } else { 0.0 }, 0.01);
/// }
/// let complete = matrix.complete();
/// let skilled = shuffle_test(&complete, &Choice::Each((0..20).map(|p| p % 2).collect()), 999, 0).unwrap();
/// assert_eq!((skilled.quality, skilled.shuffled, skilled.p_value), (1.0, 0.5, 0.001));
/// ```
pub fn shuffle_test(complete: &Complete, policy: &Choice, permutations: u32, seed: u64) -> Option<ShuffleTest> {
    let Choice::Each(choices) = policy else { return None };
    let n = complete.n();
    if n == 0 {
        return None;
    }
    let total = |choices: &[usize]| -> f64 { (0..n).map(|row| complete.row(&complete.score, row)[choices[row]]).sum() };
    let own = total(choices);
    let as_good = (0..permutations)
        .into_par_iter()
        .filter(|i| {
            let mut dealt = choices.clone();
            stream(seed, Purpose::Permutation, u64::from(*i)).shuffle(&mut dealt);
            // A sum in another order must not look like a loss.
            total(&dealt) >= own - 1e-9
        })
        .count() as u64;
    let mix = policy.shuffled(complete.models);
    Some(ShuffleTest {
        quality: own / crate::num::f64_from_usize(n),
        shuffled: super::routed::mean(&mix.values(complete, &complete.score))?,
        p_value: f64_from_u64(1 + as_good) / f64_from_u64(1 + u64::from(permutations)),
        permutations,
    })
}
