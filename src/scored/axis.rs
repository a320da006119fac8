//! Evenly spaced values, and which of them a number reaches.

use crate::num::{f64_from_u64, usize_from_f64};

/// From −1 to 1 or from 0 to 2 in so many equal steps: value i is the float nearest to the fraction that it stands for.
///
/// ```
/// use routecal::scored::{FINE_SCORES, THRESHOLDS};
///
/// assert_eq!((THRESHOLDS.value(0), THRESHOLDS.value(569), THRESHOLDS.value(1000)), (-1.0, 0.138, 1.0));
/// // The greatest value that is at most 0.1399, and one that is hit.
/// assert_eq!((THRESHOLDS.bin(0.1399), THRESHOLDS.bin(0.138)), (569, 569));
/// // A fine bin lies in one coarse bin.
/// assert_eq!(FINE_SCORES.bin(0.1399) / 2000, 569);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    steps: u64,
    /// The least value, in steps of which `steps` make 2.
    offset: u64,
}

/// Thresholds of the grid: −1 to 1, 1001 of them.
pub const THRESHOLDS: Axis = Axis {
    steps: 1000,
    offset: 500,
};

/// Gaps of the grid: 0 to 2, 1001 of them.
pub const GAPS: Axis = Axis { steps: 1000, offset: 0 };

/// Fine steps from −1 to 1, and from 0 to 2: the sixth decimal, which is also the last one in a `predictions.csv`.
const FINE_STEPS: u64 = 2_000_000;

/// Bins of scores, for what depends on the order of the rows.
pub const FINE_SCORES: Axis = Axis {
    steps: FINE_STEPS,
    offset: FINE_STEPS / 2,
};

/// Bins of gaps, likewise.
pub const FINE_GAPS: Axis = Axis {
    steps: FINE_STEPS,
    offset: 0,
};

impl Axis {
    /// Values there are.
    ///
    /// # Panics
    /// Never on a machine that has memory for them.
    pub fn len(self) -> usize {
        usize::try_from(self.steps + 1).expect("an axis fits into memory")
    }

    /// Never.
    pub fn is_empty(self) -> bool {
        false
    }

    /// Value `i`.
    ///
    /// # Panics
    /// If there is no such value.
    pub fn value(self, i: usize) -> f64 {
        let i = i as u64;
        assert!(i <= self.steps, "value {i} of {}", self.steps);
        // One division of whole numbers, so correctly rounded: 0.138 is 0.138, on the coarse axis and on the fine one.
        if i >= self.offset {
            f64_from_u64(2 * (i - self.offset)) / f64_from_u64(self.steps)
        } else {
            -(f64_from_u64(2 * (self.offset - i)) / f64_from_u64(self.steps))
        }
    }

    /// The greatest `i` whose value is at most `x`; the first for what is below all, the last for what is above.
    pub fn bin(self, x: f64) -> usize {
        let last = self.len() - 1;
        let half = f64_from_u64(self.steps) / 2.0;
        let mut i = usize_from_f64(x * half + f64_from_u64(self.offset)).min(last);
        while i > 0 && self.value(i) > x {
            i -= 1;
        }
        while i < last && self.value(i + 1) <= x {
            i += 1;
        }
        i
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn coarse_values_are_fine_values() {
        for (coarse, fine) in [(THRESHOLDS, FINE_SCORES), (GAPS, FINE_GAPS)] {
            for i in 0..coarse.len() {
                assert_eq!(coarse.value(i).to_bits(), fine.value(2000 * i).to_bits());
                assert_eq!((coarse.bin(coarse.value(i)), fine.bin(coarse.value(i))), (i, 2000 * i));
            }
        }
        assert_eq!((GAPS.bin(f64::INFINITY), THRESHOLDS.bin(-1.0)), (1000, 0));
    }

    proptest! {
        #[test]
        fn a_bin_is_what_its_value_reaches(x in -1.0..1.0_f64, i in 0..1001_usize) {
            for axis in [THRESHOLDS, FINE_SCORES] {
                let bin = axis.bin(x);
                prop_assert!(axis.value(bin) <= x && x < axis.value(bin + 1));
            }
            // The one question that matters: is the row at or above the grid value?
            prop_assert_eq!(x >= THRESHOLDS.value(i), THRESHOLDS.bin(x) >= i);
            prop_assert_eq!(x.abs() >= GAPS.value(i), GAPS.bin(x.abs()) >= i);
        }
    }
}
