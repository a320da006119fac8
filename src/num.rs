//! Conversions between counts and f64, in one place: counts here stay far below 2^53, where both are exact.

/// A count as f64.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
pub(crate) fn f64_from_usize(n: usize) -> f64 {
    n as f64
}

/// A count as f64.
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
pub(crate) fn f64_from_u64(n: u64) -> f64 {
    n as f64
}

/// A whole number of at least 0 as usize.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from f64 saturates"
)]
pub(crate) fn usize_from_f64(n: f64) -> usize {
    n as usize
}
