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
