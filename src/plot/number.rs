//! Numbers as people read them, tick positions, and the few conversions that drawing needs.

/// A count as a real number; exact below 2^53, far above what a picture can hold.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) fn real(count: usize) -> f64 {
    count as f64
}

/// A count of rows as a real number.
#[expect(clippy::cast_precision_loss, reason = "only its place or share is drawn")]
pub(super) fn rows(count: u64) -> f64 {
    count as f64
}

/// A real number as an index, held to `0..=last`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held to the range before the cast"
)]
pub(super) fn index(value: f64, last: usize) -> usize {
    value.clamp(0.0, real(last)) as usize
}

/// `part / whole`, or `None` where there is nothing.
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| rows(part) / rows(whole))
}

/// A number with a fixed count of decimals and a true minus sign.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        // A value that rounds to nothing has no sign.
        Some(digits) if digits.bytes().all(|b| b == b'0' || b == b'.') => digits.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

/// A share as percent, `0.853` to `85.3 %`.
pub(super) fn percent(share: f64, decimals: usize) -> String {
    format!("{}\u{a0}%", fixed(share * 100.0, decimals))
}

/// A count with its thousands parted, `40,000`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A threshold or a gap: two decimals at least, up to four where they say something.
pub(super) fn setting(value: f64) -> String {
    let text = fixed(value, 4);
    let spare = text.bytes().rev().take(2).take_while(|b| *b == b'0').count();
    text[..text.len() - spare].to_owned()
}

/// Ticks of an axis: round values inside a range, and the decimals that tell them apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticks {
    pub(super) values: Vec<f64>,
    pub(super) step: f64,
    pub(super) decimals: usize,
}

/// Ticks 1, 2, 2.5 or 5 times a power of ten apart, about `wanted` of them within `[low, high]`.
pub(super) fn ticks(low: f64, high: f64, wanted: usize) -> Ticks {
    let raw = ((high - low) / real(wanted.max(1))).max(1e-12);
    let magnitude = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * magnitude)
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(10.0 * magnitude);
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    let count = index(last - first, 1000);
    let decimals = (0..12usize)
        .find(|d| {
            let scaled = step * 10f64.powf(real(*d));
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1.0)
        })
        .unwrap_or(12);
    let values = if last < first {
        Vec::new()
    } else {
        (0..=count).map(|i| (first + real(i)) * step).collect()
    };
    Ticks { values, step, decimals }
}

/// A range widened to whole ticks; a range of one value gets room on both sides.
pub(super) fn nice_range(low: f64, high: f64, wanted: usize) -> (f64, f64) {
    let (low, high) = if high - low > 1e-9 {
        (low, high)
    } else {
        (low - 0.05, high + 0.05)
    };
    let step = ticks(low, high, wanted).step;
    ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(percent(0.853, 1), "85.3\u{a0}%");
        assert_eq!(fixed(-0.25, 2), "−0.25");
        assert_eq!(fixed(-0.0001, 2), "0.00");
        assert_eq!(setting(0.35), "0.35");
        assert_eq!(setting(0.123_45), "0.1235");
        assert_eq!(setting(0.4), "0.40");
        assert_eq!(setting(0.405), "0.405");
        assert_eq!(share(1, 0), None);
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let found = ticks(0.0, 1.0, 5);
        assert_eq!(found.values.len(), 6);
        assert_eq!(found.decimals, 1);
        assert_eq!(ticks(0.0, 0.9, 10).decimals, 1);
        let quarter = ticks(0.0, 1.0, 4);
        assert_eq!((quarter.values.len(), quarter.decimals), (5, 2));
        assert!(ticks(0.31, 0.39, 4).values.iter().all(|v| (0.31..=0.39).contains(v)));
        assert_eq!(ticks(3.0, 3.0, 4).values, [3.0]);
    }

    #[test]
    fn ranges_hold_their_values() {
        assert_eq!(nice_range(0.0, 1.0, 5), (0.0, 1.0));
        let (low, high) = nice_range(0.42, 0.42, 5);
        assert!(low < 0.42 && high > 0.42);
        let (low, high) = nice_range(-0.13, 0.77, 8);
        assert!(low <= -0.13 && high >= 0.77);
    }
}
