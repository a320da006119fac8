//! The page's own promises that need no results: its styles reach the contrast that they claim.

use super::{SCRIPT, STYLE};

/// The colours of one theme, by name: `--ink: #1f2328;`.
fn colours(theme: &str) -> Vec<(String, [f64; 3])> {
    let hex = |text: &str| {
        [1, 3, 5].map(|at| {
            let channel = f64::from(u8::from_str_radix(&text[at..at + 2], 16).unwrap()) / 255.0;
            if channel <= 0.040_45 {
                channel / 12.92
            } else {
                ((channel + 0.055) / 1.055).powf(2.4)
            }
        })
    };
    theme
        .split("--")
        .filter_map(|part| part.split_once(": #"))
        .map(|(name, rest)| (name.to_owned(), hex(&format!("#{}", &rest[..6]))))
        .collect()
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let luminance = |[r, g, b]: [f64; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_word_can_be_read_in_both_themes() {
    let blocks: Vec<&str> = STYLE
        .split(":root {")
        .skip(1)
        .take(2)
        .map(|b| &b[..b.find('}').unwrap()])
        .collect();
    assert_eq!(blocks.len(), 2, "a light theme and a dark one");
    for theme in blocks {
        let all = colours(theme);
        let of = |name: &str| {
            all.iter()
                .find(|(n, _)| n == name)
                .unwrap_or_else(|| panic!("no --{name}"))
                .1
        };
        for (text, papers) in [
            ("ink", &["paper", "card", "good-card", "bad-card", "unsure-card"][..]),
            ("muted", &["paper", "card", "good-card", "bad-card", "unsure-card"]),
            ("accent", &["paper", "card"]),
            ("good", &["paper", "good-card"]),
            ("bad", &["paper", "bad-card"]),
            ("unsure", &["paper", "unsure-card"]),
        ] {
            for paper in papers {
                let found = contrast(of(text), of(paper));
                assert!(found >= 4.5, "{text} on {paper}: {found:.2}");
            }
        }
    }
}

#[test]
fn nothing_in_style_or_script_can_end_its_element() {
    assert!(!STYLE.contains("</") && !SCRIPT.contains("</"));
}
