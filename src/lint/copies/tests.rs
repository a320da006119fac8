//! Each kind of copy, and clusters of near ones.

use crate::lint::Subject::{Example, Prompt};
use crate::lint::testkit::{Kit, Text, at};

fn kit(prompts: &[(Text<'_>, &str, &str)]) -> Kit {
    let routes = [
        (
            "a",
            vec![
                ("Fix my loop!", at(0.0, 0.0)),
                ("one", at(10.0, 0.3)),
                ("two", at(-20.0, 0.2)),
            ],
        ),
        (
            "b",
            vec![
                ("a poem", at(90.0, 0.0)),
                ("three", at(70.0, -0.2)),
                ("four", at(110.0, 0.3)),
            ],
        ),
    ];
    Kit::new(&routes, prompts)
}

/// The findings of copies, with their items.
fn copies(kit: &Kit) -> Vec<(&'static str, Vec<crate::lint::Subject>)> {
    let input = kit.input();
    let texts = super::Texts::new(&input);
    let mut all = texts.exact(&input);
    all.extend(texts.near(&input, 0.95));
    all.into_iter().map(|f| (f.code.name(), f.items)).collect()
}

#[test]
fn each_kind_of_copy_is_found_and_nothing_else() {
    let first = Example { route: 0, example: 0 };
    let p = |text, angle| (text, at(angle, 0.0));
    let far = p("quite another thing", 45.0);
    let cases = [
        (
            vec![(p("fix my  loop", 0.0), "a", "test")],
            vec![("leak", vec![first, Prompt(0)])],
        ),
        (
            vec![(p("fix my loop", 0.0), "b", "test")],
            vec![("conflicting-labels", vec![first, Prompt(0)])],
        ),
        (
            vec![(p("mend the loop", 2.0), "a", "test")],
            vec![("near-leak", vec![first, Prompt(0)])],
        ),
        (
            vec![(p("mend the loop", 2.0), "none", "test")],
            vec![("near-conflict", vec![first, Prompt(0)])],
        ),
        (
            vec![
                (p("x y", 40.0), "a", "test"),
                (far.clone(), "b", "calibration"),
                (p("X, y.", 40.0), "a", "calibration"),
            ],
            vec![
                ("split-overlap", vec![Prompt(0), Prompt(2)]),
                ("near-conflict", vec![Prompt(0), Prompt(1), Prompt(2)]),
            ],
        ),
        (
            vec![
                (p("x", 40.0), "a", "test"),
                (p("x", 40.0), "a", "test"),
                (p("X", 40.0), "a", "other"),
            ],
            vec![
                ("split-overlap", vec![Prompt(0), Prompt(1), Prompt(2)]),
                ("duplicate", vec![Prompt(0), Prompt(1)]),
            ],
        ),
        (
            vec![(p("x", 40.0), "a", "test"), (p("y", 41.0), "a", "test")],
            vec![("near-duplicate", vec![Prompt(0), Prompt(1)])],
        ),
        (
            vec![(p("x", 40.0), "a", "test"), (p("y", 41.0), "a", "t")],
            vec![("near-split-overlap", vec![Prompt(0), Prompt(1)])],
        ),
        (
            vec![(p("x", 40.0), "a", "test"), (p("X?", 40.0), "b", "other")],
            vec![
                ("conflicting-labels", vec![Prompt(0), Prompt(1)]),
                ("split-overlap", vec![Prompt(0), Prompt(1)]),
            ],
        ),
        (vec![(far, "a", "test")], vec![]),
    ];
    for (prompts, expected) in cases {
        assert_eq!(copies(&kit(&prompts)), expected, "{prompts:?}");
    }
}

#[test]
fn copies_that_hang_together_are_one_finding_with_the_nearest_pair() {
    let prompt = |text, angle| ((text, at(angle, 0.0)), "a", "test");
    // 10° apart is a cosine of 0.985, 20° of 0.940: the first and the last are no pair.
    let kit = kit(&[prompt("x", 40.0), prompt("y", 50.0), prompt("z", 58.0)]);
    let found = kit.of("near-duplicate");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].items, [Prompt(0), Prompt(1), Prompt(2)]);
    assert!((found[0].weight - 8_f64.to_radians().cos()).abs() < 1e-6);
}

#[test]
fn examples_are_held_against_each_other_too() {
    let routes = [
        (
            "a",
            vec![("one", at(0.0, 0.0)), ("One.", at(0.0, 0.0)), ("shared", at(30.0, 0.1))],
        ),
        ("b", vec![("shared?", at(30.0, 0.1)), ("two", at(100.0, 0.0))]),
    ];
    let kit = Kit::new(&routes, &[(("other", at(200.0, 0.0)), "none", "test")]);
    let example = |route, example| Example { route, example };
    assert_eq!(
        copies(&kit),
        [
            ("duplicate", vec![example(0, 0), example(0, 1)]),
            ("conflicting-labels", vec![example(0, 2), example(1, 0)])
        ]
    );
}
