//! A split for files that name none: half calibration, half test, within each label, by content hash.
//!
//! Per label the distinct prompts are ordered by the sha256 of seed and prompt, and the first half (rounded up) is for
//! calibration. Equal prompts always share a side, the order of the rows does not matter, and adding a row moves at most
//! one other.

use std::collections::HashMap;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{Label, Row};

/// Name of the split that chooses an operating point.
pub const CALIBRATION: &str = "calibration";
/// Name of the split that judges it.
pub const TEST: &str = "test";

type Key = [u8; 32];

fn key(seed: u64, prompt: &str) -> Key {
    Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(prompt.as_bytes())
        .finalize()
        .into()
}

/// Writes a split into every row. A prompt that stands under two labels follows its first one. O(n log n).
pub(super) fn assign(rows: &mut [Row], seed: u64) {
    let with_key = |(i, row): (usize, &Row)| (key(seed, &row.prompt), i);
    let mut order: Vec<(Key, usize)> = rows.par_iter().enumerate().map(with_key).collect();
    // Copies of a prompt stand together, the first one first.
    order.par_sort_unstable();
    let copies = || order.chunk_by(|a, b| a.0 == b.0);
    // Labels by number, in the order of the rows: in the order of the hashes every look at a row is a cache miss.
    let mut number: HashMap<&str, usize> = HashMap::new();
    let numbers: Vec<usize> = rows
        .iter()
        .map(|row| {
            let next = number.len();
            *number.entry(label(row)).or_insert(next)
        })
        .collect();
    let mut size = vec![0_usize; number.len()];
    for group in copies() {
        size[numbers[group[0].1]] += 1;
    }
    let mut left: Vec<usize> = size.into_iter().map(|n| n.div_ceil(2)).collect();
    let mut calibration = vec![false; rows.len()];
    for group in copies() {
        let left = &mut left[numbers[group[0].1]];
        if *left > 0 {
            *left -= 1;
            for (_, row) in group {
                calibration[*row] = true;
            }
        }
    }
    rows.par_iter_mut().zip(calibration).for_each(|(row, calibration)| {
        let name = if calibration { CALIBRATION } else { TEST };
        name.clone_into(&mut row.split);
    });
}

fn label(row: &Row) -> &str {
    row.label.as_ref().map_or("", Label::as_str)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn row(prompt: &str, label: &str) -> Row {
        Row {
            line: 0,
            prompt: prompt.into(),
            label: Some(Label::parse(label)),
            split: String::new(),
            reference: None,
        }
    }

    #[test]
    fn halves_each_label_whatever_the_order_and_keeps_duplicates_together() {
        let mut rows: Vec<Row> = (0..40)
            .map(|i| row(&format!("p{i}"), if i % 4 == 0 { "a" } else { "b" }))
            .collect();
        rows.push(row("p0", "a"));
        assign(&mut rows, 0);
        let in_calibration = |rows: &[Row], label: &str| {
            rows.iter()
                .filter(|r| r.split == CALIBRATION && r.label == Some(Label::parse(label)))
                .map(|r| r.prompt.clone())
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(in_calibration(&rows, "a").len(), 5);
        assert_eq!(in_calibration(&rows, "b").len(), 15);
        assert_eq!(rows[0].split, rows[40].split);

        let mut reversed: Vec<Row> = rows.iter().rev().cloned().collect();
        assign(&mut reversed, 0);
        assert_eq!(in_calibration(&rows, "b"), in_calibration(&reversed, "b"));
        assign(&mut reversed, 1);
        assert_ne!(in_calibration(&rows, "b"), in_calibration(&reversed, "b"));
    }
}
