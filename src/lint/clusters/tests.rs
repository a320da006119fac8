//! Cuts of made-up routes.

use super::*;
use crate::lint::testkit::{Kit, at};
use crate::stats::normal;

const NAMES: [&str; 16] = [
    "q", "w", "e", "r", "t", "y", "u", "i", "o", "p", "s", "d", "f", "g", "h", "j",
];

/// Route a has examples at two angles, b and c beside them; 40 prompts of a and 20 of each other around the same angles.
fn kit(ends: [f32; 2], seed: u64) -> Kit {
    let mut random = stream(seed, Purpose::Simulation, 77);
    #[expect(clippy::cast_possible_truncation, reason = "made-up vectors")]
    let mut near = |angle: f32| at(angle + 5.0 * normal::quantile(random.unit().max(1e-9)) as f32, 0.0);
    let mut examples = |one: f32, other: f32| -> Vec<_> {
        let angles = [one, other].into_iter().cycle();
        NAMES
            .iter()
            .zip(angles)
            .map(|(name, angle)| (*name, near(angle)))
            .collect()
    };
    let routes = [
        ("a", examples(ends[0], ends[1])),
        ("b", examples(20.0, 20.0)),
        ("c", examples(100.0, 100.0)),
    ];
    let prompts: Vec<_> = (0..80)
        .map(|i| {
            let (angle, label) = match i {
                0..40 => (ends[i % 2], "a"),
                40..60 => (20.0, "b"),
                _ => (100.0, "c"),
            };
            (("prompt", near(angle)), label, "test")
        })
        .collect();
    Kit::new(&routes, &prompts)
}

#[test]
fn a_route_on_both_sides_of_another_should_be_two() {
    let kit = kit([0.0, 120.0], 1);
    let found = findings(&kit.input(), 0);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].place, Subject::Route(0));
    assert!(
        found[0].message.contains("two groups of 8 and 8"),
        "{}",
        found[0].message
    );
    assert_eq!(findings(&kit.input(), 0), found);
}

#[test]
fn one_group_is_never_called_two_where_a_cut_helps_nobody() {
    let called = (0..40)
        .filter(|seed| !findings(&kit([0.0, 0.0], *seed).input(), 0).is_empty())
        .count();
    // Both tests hold at 5 %: Bin(40, 0.05) exceeds 5 with probability 1.4 %.
    assert!(called <= 5, "{called} of 40");
}

#[test]
fn a_change_is_counted_by_hand() {
    // Centroids at 44° and 45°; with two, a is at 0° and 90°.
    let routes = [
        ("b", vec![("1", at(48.0, 0.0)), ("2", at(40.0, 0.0))]),
        ("a", vec![("3", at(0.0, 0.0)), ("4", at(90.0, 0.0))]),
    ];
    let prompts = [
        (("x", at(0.0, 0.0)), "a", "test"),
        (("y", at(43.0, 0.0)), "b", "test"),
        (("z", at(20.0, 0.0)), "b", "test"),
    ];
    let kit = Kit::new(&routes, &prompts);
    let input = kit.input();
    let rows = rows(&input, 1, &[0, 1]);
    let change = change_of(&input, 1, &rows, &[false, true]);
    assert_eq!(change, Change { won: 1, lost: 1 });
}
