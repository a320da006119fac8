//! The letter of a multiple-choice question.
//!
//! A letter counts where it is offered as the answer: after `answer:` or `answer is`, in `\boxed{…}`, or standing alone (the
//! whole text, its first or its last line being `B`, `(B)`, `**B**`, `B.` or `B) because`). A letter inside a sentence does
//! not: `A` is also a word, and `I` is one too. The last offer holds, since a model that corrects itself means the last one.

use std::sync::LazyLock;

use regex::Regex;

use super::Verdict;

/// Letters where none are named.
pub(super) const LETTERS: &str = "ABCDEFGHIJ";

static OFFERED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i:\banswer\b[*_]*\s*(?:is\b|:)[\s:*_]*(?:option\s+|choice\s+)?)[(\[$*_]*([A-Za-z])(?:[^A-Za-z]|$)|\\boxed\{+\s*(?:\\text\{)?\(?([A-Za-z])\)?\s*\}",
    )
    .expect("a valid pattern")
});

static ALONE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*[(\[*_]*([A-Za-z])(?:[*_]*[)\].:](?:[\s*_].*)?|[*_]*)$").expect("a valid pattern")
});

/// The letter an answer offers, in upper case, if it is one of `letters`.
fn chosen(answer: &str, letters: &str) -> Option<char> {
    let one_of = |text: &str| {
        let letter = text.chars().next()?.to_ascii_uppercase();
        letters.contains(letter).then_some(letter)
    };
    let offered = OFFERED
        .captures_iter(answer)
        .filter_map(|c| c.get(1).or_else(|| c.get(2)))
        .filter_map(|m| one_of(m.as_str()))
        .last();
    offered.or_else(|| {
        let mut lines = answer.lines().filter(|line| !line.trim().is_empty());
        let first = lines.next()?;
        let last = lines.next_back().unwrap_or(first);
        // The last line before the first, again because the last word holds.
        [last, first]
            .into_iter()
            .find_map(|line| ALONE.captures(line).and_then(|c| one_of(&c[1])))
    })
}

pub(super) fn grade(answer: &str, reference: &str, letters: &str) -> Verdict {
    let Some(right) = chosen(reference, letters) else {
        return Verdict::none(format!("the reference is none of the letters {letters}"));
    };
    match chosen(answer, letters) {
        Some(letter) => Verdict::of(letter == right, letter),
        None => Verdict::none("no letter is offered as the answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_are_offered() {
        for (answer, letter) in [
            ("B", 'B'),
            (" (c) ", 'C'),
            ("**D**", 'D'),
            ("B. Because the nerve is there.", 'B'),
            ("B) 42", 'B'),
            ("The correct answer is (C).", 'C'),
            ("Answer: $D$", 'D'),
            ("**Answer:** B", 'B'),
            ("**Answer**: B\nIt is the only prime.", 'B'),
            ("Answer: A\nWait, no.\nAnswer: D", 'D'),
            (r"So it is \boxed{C}.", 'C'),
            (r"So it is \boxed{\text{(B)}}.", 'B'),
            ("Let us think.\nTwo of them fall away.\nA", 'A'),
            ("the answer is option d", 'D'),
        ] {
            assert_eq!(chosen(answer, LETTERS), Some(letter), "{answer}");
        }
    }

    #[test]
    fn letters_that_are_words() {
        for answer in [
            "A dog is an animal.",
            "I think that nobody knows.",
            "The answer is a matter of taste? No: answer unclear",
            "Both are right.",
            "",
        ] {
            let found = chosen(answer, "BCD");
            assert_eq!(found, None, "{answer}");
        }
        assert_eq!(chosen("A dog is an animal.", LETTERS), None);
        assert_eq!(chosen("I think that nobody knows.", LETTERS), None);
        assert_eq!(chosen("E", "ABCD"), None);
    }

    #[test]
    fn a_reference_may_be_written_in_any_of_these_ways() {
        assert_eq!(grade("B", "(b)", "ABCD").score, Some(1.0));
        assert_eq!(grade("B", "C", "ABCD").score, Some(0.0));
        assert_eq!(grade("no idea", "C", "ABCD").score, None);
        assert_eq!(grade("B", "42", "ABCD").score, None);
    }
}
