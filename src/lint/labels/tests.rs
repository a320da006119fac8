//! Wrong labels among right ones.

use super::*;
use crate::lint::testkit::{Kit, Text, at};

fn examples(angles: &[f32]) -> Vec<Text<'static>> {
    let names = ["q", "w", "e", "r", "t"];
    angles
        .iter()
        .zip(names)
        .map(|(angle, name)| (name, at(*angle, 0.1)))
        .collect()
}

/// Prompts around two routes and far from both; `wrong` of them bear the other label.
fn kit(wrong: &[usize]) -> Kit {
    let names: Vec<String> = (0..90).map(|i| format!("prompt number {i}")).collect();
    let prompts: Vec<(Text<'_>, &str, &str)> = (0..90_u8)
        .map(|i| {
            let step = f32::from(i / 3) * 1.1;
            let (angle, label) = match i % 3 {
                0 => (-15.0 + step, "a"),
                1 => (75.0 + step, "b"),
                _ => (220.0 + step, "none"),
            };
            // A few that the centroids get wrong, close together amid the other route.
            let angle = if i % 3 == 0 && i / 3 > 24 {
                94.3 + f32::from(i) * 0.01
            } else {
                angle
            };
            let label = if wrong.contains(&usize::from(i)) { "b" } else { label };
            ((names[usize::from(i)].as_str(), at(angle, 0.0)), label, "test")
        })
        .collect();
    let routes = [
        ("a", examples(&[-10.0, 0.0, 10.0])),
        ("b", examples(&[80.0, 90.0, 100.0])),
    ];
    Kit::new(&routes, &prompts)
}

#[test]
fn a_wrong_label_is_found_with_the_right_one_and_right_labels_are_left_alone() {
    let places = |kit: &Kit| kit.of("label-error").iter().map(|f| f.place).collect::<Vec<_>>();
    assert_eq!(places(&kit(&[])), []);
    let wrong = kit(&[33, 62]);
    let mut found = places(&wrong);
    found.sort();
    assert_eq!(found, [Subject::Prompt(33), Subject::Prompt(62)]);
    assert!(
        wrong
            .of("label-error")
            .iter()
            .any(|f| f.message.starts_with("labelled b, probably a"))
    );
    assert!(
        wrong
            .of("label-error")
            .iter()
            .any(|f| f.message.starts_with("labelled b, probably none"))
    );
}

#[test]
fn what_only_the_centroids_dispute_is_one_note() {
    let hard = kit(&[]).of("hard-prompts");
    assert_eq!(hard.len(), 1, "{hard:?}");
    assert!(
        hard[0]
            .items
            .iter()
            .all(|item| matches!(item, Subject::Prompt(i) if i % 3 == 0 && i / 3 > 24)),
        "{hard:?}"
    );
}

#[test]
fn nothing_to_fit_is_no_error() {
    let routes = [("a", examples(&[0.0, 5.0])), ("b", examples(&[90.0, 95.0]))];
    let kit = Kit::new(&routes, &[(("x", at(0.0, 0.0)), "a", "test")]);
    assert!(kit.of("label-error").is_empty());
}

#[test]
fn the_bar_is_that_of_the_label_and_the_most_probable_wins() {
    let p = [
        [0.6, 0.3, 0.1],
        [0.2, 0.5, 0.3],
        [0.1, 0.2, 0.7],
        [0.1, 0.55, 0.35],
        [0.0, 0.1, 0.9],
    ];
    // Bars: 0: 0.35 (rows 0, 3), 1: 0.5, 2: 0.8.
    let found = confident_learning(&[0, 1, 2, 0, 2], &p);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].row, found[0].suggested), (3, 1));
    assert!(confident_learning::<[f64; 2]>(&[], &[]).is_empty());
}
