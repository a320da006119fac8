//! Counts as bytes: mostly empty lines of small numbers, so the distance to the next bin that is not empty, and its count, both as
//! LEB128 (seven bits a byte, the eighth says that more follow).

use super::counts::{Counts, Extent, Keep};

/// Appends the counts.
pub(super) fn write(counts: &Counts, out: &mut Vec<u8>) {
    number(counts.calibration_rows, out);
    number(counts.among_two, out);
    for line in &counts.lines {
        number(line.bins().count() as u64, out);
        let mut from = 0;
        for (bin, count) in line.bins() {
            number((bin - from) as u64, out);
            number(count, out);
            from = bin + 1;
        }
    }
    for extent in &counts.extents {
        out.extend(extent.sum.to_le_bytes());
        out.extend(extent.min.to_le_bytes());
        out.extend(extent.max.to_le_bytes());
    }
}

/// Reads counts that [`write`] wrote, and moves `bytes` behind them; `None` where they are none.
pub(super) fn read(routes: usize, keep: Keep, bytes: &mut &[u8]) -> Option<Counts> {
    let mut counts = Counts::new(routes, keep);
    counts.calibration_rows = take(bytes)?;
    counts.among_two = take(bytes)?;
    for i in 0..counts.lines.len() {
        let longest = counts.longest(i);
        let mut from = 0;
        for _ in 0..take(bytes)? {
            let bin = usize::try_from(take(bytes)?).ok()?.checked_add(from)?;
            if bin >= longest {
                return None;
            }
            let count = take(bytes).filter(|count| *count > 0)?;
            counts.lines[i].add_times(bin, count)?;
            from = bin + 1;
        }
    }
    for extent in &mut counts.extents {
        *extent = Extent {
            sum: i128::from_le_bytes(fixed(bytes)?),
            min: f64::from_le_bytes(fixed(bytes)?),
            max: f64::from_le_bytes(fixed(bytes)?),
        };
    }
    Some(counts)
}

fn number(mut value: u64, out: &mut Vec<u8>) {
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let low = u64::from(byte & 0x7f);
        // The tenth byte has one bit left.
        if low << shift >> shift != low {
            return None;
        }
        value |= low << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn fixed<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(values in proptest::collection::vec(any::<u64>(), 0..20)) {
            let mut bytes = Vec::new();
            for value in values.iter().chain(&[0, 127, 128, u64::MAX]) {
                number(*value, &mut bytes);
            }
            let mut rest = bytes.as_slice();
            for value in values.iter().chain(&[0, 127, 128, u64::MAX]) {
                prop_assert_eq!(take(&mut rest), Some(*value));
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn no_bytes_are_too_strange_to_refuse(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            for keep in [Keep::Order, Keep::Grid] {
                // What comes out does not matter: it must not panic, and must not ask for memory without end.
                let _ = read(2, keep, &mut bytes.as_slice());
            }
        }
    }

    #[test]
    fn a_number_past_64_bits_is_refused() {
        let mut long = &[0xff_u8; 9][..];
        assert_eq!(take(&mut long), None);
        let mut over = &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02][..];
        assert_eq!(take(&mut over), None);
    }
}
