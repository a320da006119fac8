//! Too few prompts for what is claimed: how wide the intervals are, and how many more rows would halve them.

use super::{Act, Code, Finding, Input, Subject};
use crate::dataset::{TEST, Truth};
use crate::num::f64_from_u64;
use crate::router::decide;
use crate::stats::{Interval, Level, normal, proportion};

/// How many rows beyond `n` would halve the width of Wilson's 95 % interval of `k` among `n`, if the share stayed what it is;
/// `None` where `n` is 0.
///
/// The width falls with 1 / √n, so about three times as many are needed again. O(1).
///
/// ```
/// use routecal::lint::support::rows_to_halve;
///
/// assert_eq!(rows_to_halve(50, 100), Some(312));
/// assert_eq!(rows_to_halve(0, 0), None);
/// ```
///
/// # Panics
/// If `k > n`.
pub fn rows_to_halve(k: u64, n: u64) -> Option<u64> {
    let now = proportion::wilson(k, n, Level::P95)?;
    let wanted = (now.upper - now.lower) / 2.0;
    let share = f64_from_u64(k) / f64_from_u64(n);
    let z = normal::quantile(1.0 - Level::P95.tail());
    // Wilson's width at a share that need not be a count.
    let width = |size: f64| {
        2.0 * z * (share * (1.0 - share) / size + z * z / (4.0 * size * size)).sqrt() / (1.0 + z * z / size)
    };
    // At 16 times as many the width is under half for every share and n.
    let (mut low, mut high) = (n, n.saturating_mul(16).saturating_add(16));
    while high - low > 1 {
        let middle = low.midpoint(high);
        if width(f64_from_u64(middle)) > wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(high - n)
}

/// Labels without prompts, and figures that are too wide.
pub(super) fn findings(input: &Input<'_>, half_width: f64) -> Vec<Finding> {
    // What judges: the test split where there is one, else every row.
    let has_test = input.rows.iter().any(|row| row.split == TEST);
    let judged: Vec<usize> = (0..input.rows.len())
        .filter(|i| !has_test || input.rows[*i].split == TEST)
        .collect();
    let place = if has_test { "split test" } else { "the dataset" };
    let mut found = Vec::new();
    let mut handled = 0;
    let routes = (0..input.routes.routes.len()).map(Truth::Route);
    for truth in routes.chain([Truth::OutOfDomain]) {
        let of_label: Vec<usize> = judged.iter().copied().filter(|i| input.truths[*i] == truth).collect();
        let n = of_label.len() as u64;
        let label = input.label(truth);
        let subject = match truth {
            Truth::Route(route) => Subject::Route(route),
            Truth::OutOfDomain => Subject::Dataset,
        };
        if n == 0 {
            let what = match truth {
                Truth::Route(_) => format!("no prompt of {label} in {place}: nothing says how it is routed"),
                Truth::OutOfDomain => format!(
                    "no out-of-domain prompt in {place}: nothing says what should fall back, so no threshold can be judged"
                ),
            };
            found.push(Finding::new(Code::MissingLabel, Act::Add, subject, what, vec![subject]));
            continue;
        }
        let decided = |i: &usize| decide(&input.scores.rows()[*i], input.thresholds).route();
        let (k, figure) = match truth {
            Truth::Route(route) => {
                handled += of_label.iter().filter(|i| decided(i) == Some(route)).count();
                let best = of_label
                    .iter()
                    .filter(|i| input.scores.rows()[**i].best == route)
                    .count();
                (best, format!("recall of {label} (forced choice)"))
            }
            Truth::OutOfDomain => {
                let fell = of_label.iter().filter(|i| decided(i).is_none()).count();
                handled += fell;
                (fell, "the share of out-of-domain prompts that fall back".to_owned())
            }
        };
        found.extend(wide(&figure, k as u64, n, half_width, subject));
    }
    let n = judged.len() as u64;
    found.extend(wide(
        "system accuracy",
        handled as u64,
        n,
        half_width / 2.0,
        Subject::Dataset,
    ));
    found
}

fn wide(figure: &str, k: u64, n: u64, half_width: f64, subject: Subject) -> Option<Finding> {
    let Interval { lower, upper } = proportion::wilson(k, n, Level::P95)?;
    let half = (upper - lower) / 2.0;
    if half <= half_width {
        return None;
    }
    let more = rows_to_halve(k, n)?;
    let message = format!(
        "{figure} is {:.1} % on {n} prompt{}, somewhere within {:.1} and {:.1} % (±{:.1} points, wanted ±{:.1}): {more} more would \
         halve that",
        100.0 * f64_from_u64(k) / f64_from_u64(n),
        if n == 1 { "" } else { "s" },
        100.0 * lower,
        100.0 * upper,
        100.0 * half,
        100.0 * half_width
    );
    let finding = Finding::new(Code::WideInterval, Act::Add, subject, message, vec![subject]);
    let figures = [
        ("k", f64_from_u64(k)),
        ("n", f64_from_u64(n)),
        ("lower", lower),
        ("upper", upper),
        ("rows_to_halve", f64_from_u64(more)),
    ];
    Some(finding.with(figures).weighing(half / half_width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testkit::{Kit, at};

    #[test]
    fn so_many_rows_halve_the_width_and_fewer_do_not() {
        let width = |k, n| proportion::wilson(k, n, Level::P95).map_or(0.0, |i| i.upper - i.lower);
        for (k, n) in [(50, 100), (1, 2), (30, 300), (0, 1), (5, 5), (0, 40)] {
            let whole = n + rows_to_halve(k, n).unwrap();
            // Where the share comes out even at that size, the closed formula must agree.
            let share = f64_from_u64(k) / f64_from_u64(n);
            if (share - 0.5).abs() < 1e-9 || k == 0 || k == n {
                let hits = |size: u64| {
                    if k == 0 {
                        0
                    } else if k == n {
                        size
                    } else {
                        size / 2
                    }
                };
                let even = whole + whole % 2;
                assert!(width(hits(even), even) <= width(k, n) / 2.0, "{k} {n}");
                assert!(width(hits(whole - 2), whole - 2) > width(k, n) / 2.0, "{k} {n} {whole}");
            }
        }
    }

    #[test]
    fn missing_labels_and_wide_intervals_are_named() {
        let routes = [
            ("a", vec![("q", at(0.0, 0.1)), ("w", at(5.0, 0.0))]),
            ("b", vec![("e", at(90.0, 0.1)), ("r", at(95.0, 0.0))]),
        ];
        let names: Vec<String> = (0..200).map(|i| format!("p{i}")).collect();
        let prompts: Vec<_> = (names.iter())
            .enumerate()
            .map(|(i, name)| {
                let label = if i < 190 { "a" } else { "none" };
                (
                    (name.as_str(), at(if i < 190 { 1.0 } else { 200.0 }, 0.0)),
                    label,
                    "test",
                )
            })
            .collect();
        let kit = Kit::new(&routes, &prompts);
        let missing = kit.of("missing-label");
        assert_eq!(missing.iter().map(|f| f.place).collect::<Vec<_>>(), [Subject::Route(1)]);
        let wide = kit.of("wide-interval");
        assert_eq!(wide.iter().map(|f| f.place).collect::<Vec<_>>(), [Subject::Dataset]);
        assert!(
            wide[0]
                .message
                .contains("100.0 % on 10 prompts, somewhere within 72.2 and 100.0 %"),
            "{}",
            wide[0].message
        );
        // The calibration split judges nothing where there is a test split.
        let mut split = prompts.clone();
        for row in &mut split[190..] {
            row.2 = "calibration";
        }
        let kit = Kit::new(&routes, &split);
        assert_eq!(kit.of("missing-label").len(), 2);
    }
}
