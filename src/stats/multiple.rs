//! Many tests at once, with the chance of any false rejection held.

/// Holm's step-down adjustment: a hypothesis may be rejected at level α iff its adjusted p-value is at most α, and then the
/// chance that any true hypothesis is rejected is at most α, however the tests depend on each other.
///
/// Holm, Scand. J. Statist. 6 (1979); `statsmodels.stats.multitest.multipletests(method="holm")`. O(m log m).
///
/// ```
/// use routecal::stats::multiple::holm;
///
/// let adjusted = holm(&[0.01, 0.04, 0.03]);
/// for (have, want) in adjusted.iter().zip([0.03, 0.06, 0.06]) {
///     assert!((have - want).abs() < 1e-12);
/// }
/// ```
///
/// # Panics
/// If a p-value is not in 0..=1.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    assert!(
        p_values.iter().all(|p| (0.0..=1.0).contains(p)),
        "a p-value out of range"
    );
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut highest: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        let left = crate::num::f64_from_usize(p_values.len() - rank);
        highest = highest.max((p_values[index] * left).min(1.0));
        adjusted[index] = highest;
    }
    adjusted
}
