//! Graders that compare texts: exact, contains, regex.

use regex::Regex;

use super::Verdict;

/// Characters of a match that are kept in a grade.
const KEPT: usize = 200;

/// Lower case, runs of spaces as one, no final full stop.
fn folded(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let joined = words.join(" ");
    joined.strip_suffix('.').unwrap_or(&joined).trim_end().to_owned()
}

pub(super) fn exact(answer: &str, reference: &str, fold: bool) -> Verdict {
    let (answer, reference) = (answer.trim(), reference.trim());
    let right = if fold {
        folded(answer) == folded(reference)
    } else {
        answer == reference
    };
    Verdict::of(right, kept(answer))
}

/// An empty reference would stand in every answer; it is no reference.
pub(super) fn contains(answer: &str, reference: &str, fold: bool) -> Verdict {
    let reference = reference.trim();
    if reference.is_empty() {
        return Verdict::none("the reference is empty");
    }
    let right = if fold {
        folded(answer).contains(&folded(reference))
    } else {
        answer.contains(reference)
    };
    Verdict::of(right, if right { kept(reference) } else { String::new() })
}

pub(super) fn matches(answer: &str, pattern: &Regex) -> Verdict {
    match pattern.find(answer) {
        Some(found) => Verdict::of(true, kept(found.as_str())),
        None => Verdict::of(false, ""),
    }
}

fn kept(text: &str) -> String {
    text.chars().take(KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_ignores_what_it_says_and_nothing_else() {
        assert_eq!(exact(" Paris \n", "Paris", false).score, Some(1.0));
        assert_eq!(exact("paris", "Paris", false).score, Some(0.0));
        assert_eq!(exact("the  Seine.", "The Seine", true).score, Some(1.0));
        assert_eq!(exact("The Seine!", "The Seine", true).score, Some(0.0));
        assert_eq!(contains("It is the Seine.", "Seine", false).score, Some(1.0));
        assert_eq!(contains("It is the seine.", "Seine", false).score, Some(0.0));
        assert_eq!(contains("It is the\nseine.", "The Seine", true).score, Some(1.0));
        assert_eq!(contains("anything", " ", true).score, None);
    }

    #[test]
    fn a_pattern_matches_anywhere() {
        let pattern = Regex::new(r"\b4[0-9]\b").unwrap();
        assert_eq!(matches("it is 42.", &pattern), Verdict::of(true, "42"));
        assert_eq!(matches("it is 142.", &pattern).score, Some(0.0));
    }
}
