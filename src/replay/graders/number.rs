//! The number in an answer.
//!
//! Numbers are compared as decimals, so `20.00` is `20` and no digit is lost to a float. A number may have a sign, thousands
//! separators (`1,234,567`, in LaTeX also `1{,}234`), a decimal point and an exponent; a currency sign before it and a percent
//! sign after it are dropped on both sides, so `25 %` is `25`, not `0.25`. A hyphen is a sign only where no digit, letter or
//! closing bracket stands before it: `12 - 3` and `5-10` hold no negative number.
//!
//! Where the answer is marked, the number after the last mark holds: `####` first, then `answer:` or `answer is`, then
//! `\boxed{…}`; behind the mark the rest of the line counts, and of an equation what follows its last `=`. Words behind
//! `####` or in a box (`#### no solution`) are an answer, and not the number asked for: wrong, with the reason. Nothing behind
//! a mark is unparsed, never some other number of the text. Without a mark the last number of the text holds.
//!
//! RouteLLM's own grader takes the last run of digits, which reads `$20.00` as 0 and drops signs; see its GSM8K answers.

use std::sync::LazyLock;

use regex::Regex;
use rust_decimal::Decimal;

use super::Verdict;

static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?P<sign>[-+−–]?)\s?[$€£¥]?\s?(?P<inner>[-−–]?)(?P<digits>\d[\d,]*(?:\.\d+)?|\.\d+)(?P<exponent>[eE][-+]?\d{1,2}\b)?")
        .expect("a valid pattern")
});

static ANSWER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)\banswer\b[*_]*\s*(?:is\b|:)").expect("a valid pattern"));

const ANSWER_MARK: &str = "answer:";
/// Characters of words that are kept in a grade.
const KEPT: usize = 80;

/// What was read out of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extracted {
    /// This number.
    Number(Decimal),
    /// Words stand where the number should.
    Words(String),
    /// There is a mark, and nothing of use behind it.
    NothingMarked(&'static str),
    /// There is no number at all.
    Nothing,
    /// The number has more than the 28 digits of a decimal.
    TooLong,
}

/// The number that an answer gives.
///
/// ```
/// use routecal::replay::graders::{Extracted, numeric_answer};
/// use rust_decimal::Decimal;
///
/// assert_eq!(numeric_answer("3 + 4 = 7 eggs, so $1,007.50."), Extracted::Number(Decimal::new(100_750, 2)));
/// assert_eq!(numeric_answer("First 12, then 3.\n#### -54"), Extracted::Number(Decimal::from(-54)));
/// assert_eq!(numeric_answer("between 5-10"), Extracted::Number(Decimal::from(10)));
/// assert_eq!(numeric_answer("no idea"), Extracted::Nothing);
/// ```
pub fn numeric_answer(text: &str) -> Extracted {
    // How LaTeX writes a thousands separator.
    let text = text.replace("{,}", ",").replace(",\\!", ",").replace("\\$", "$");
    for (mark, from) in marks(&text) {
        let Some(from) = from else { continue };
        let behind = text[from..].trim_start();
        let line = behind.lines().next().unwrap_or_default();
        let part = line.rsplit('=').find(|part| NUMBER.is_match(part)).unwrap_or(line);
        if let Some(number) = numbers(part).next() {
            return number;
        }
        // "The answer is as follows" is no answer yet; what stands behind a mark made for answers is one.
        return match mark {
            ANSWER_MARK => numbers(behind).last().unwrap_or(Extracted::NothingMarked(mark)),
            _ if line.chars().any(char::is_alphabetic) => Extracted::Words(line.chars().take(KEPT).collect()),
            _ => Extracted::NothingMarked(mark),
        };
    }
    numbers(&text).last().unwrap_or(Extracted::Nothing)
}

/// The places behind the last mark of each kind, the strongest mark first.
fn marks(text: &str) -> [(&'static str, Option<usize>); 3] {
    let after = |mark: &'static str| text.rfind(mark).map(|at| at + mark.len());
    [
        ("####", after("####")),
        (ANSWER_MARK, ANSWER.find_iter(text).last().map(|m| m.end())),
        ("\\boxed", after("\\boxed")),
    ]
}

/// Every number of a text, in order.
fn numbers(text: &str) -> impl Iterator<Item = Extracted> + '_ {
    NUMBER.captures_iter(text).flat_map(move |found| {
        let whole = found.get(0).expect("a match");
        let before = text[..whole.start()].chars().next_back();
        let bound = before.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, ')' | ']' | '}')));
        let minus = |name: &str| matches!(&found[name], "-" | "−" | "–");
        // `- 5` with a space is an operator or a bullet, unless a currency sign or the digit follows at once.
        let sign_stands = whole.as_str().chars().nth(1).is_none_or(|c| !c.is_whitespace());
        let negative = (minus("sign") && bound && sign_stands) ^ minus("inner");
        let exponent = found.name("exponent").map_or("", |m| m.as_str());
        pieces(&found["digits"])
            .into_iter()
            .enumerate()
            .map(|(i, digits)| decimal(&digits, exponent, negative && i == 0))
            .collect::<Vec<_>>()
    })
}

/// `1,234,567.5` is one number; `1,2` are two. A comma parts thousands only where exactly three digits follow it.
fn pieces(digits: &str) -> Vec<String> {
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let groups: Vec<&str> = whole.split(',').filter(|g| !g.is_empty()).collect();
    let mut numbers: Vec<String> = Vec::new();
    let mut joined = false;
    for (i, group) in groups.iter().enumerate() {
        let thousands = i > 0 && group.len() == 3 && (joined || groups[i - 1].len() <= 3);
        match numbers.last_mut() {
            Some(last) if thousands => last.push_str(group),
            _ => numbers.push((*group).to_owned()),
        }
        joined = thousands || (i == 0 && group.len() <= 3);
    }
    if let Some(fraction) = fraction {
        match numbers.last_mut() {
            Some(last) => {
                last.push('.');
                last.push_str(fraction);
            }
            None => numbers.push(format!("0.{fraction}")),
        }
    }
    numbers
}

fn decimal(digits: &str, exponent: &str, negative: bool) -> Extracted {
    let text = format!("{}{digits}{exponent}", if negative { "-" } else { "" });
    let number = if exponent.is_empty() {
        Decimal::from_str_exact(&text)
    } else {
        Decimal::from_scientific(&text)
    };
    number.map_or(Extracted::TooLong, |n| Extracted::Number(n.normalize()))
}

pub(super) fn grade(answer: &str, reference: &str, tolerance: Decimal) -> Verdict {
    let Extracted::Number(right) = numeric_answer(reference) else {
        return Verdict::none("the reference holds no number");
    };
    match numeric_answer(answer) {
        Extracted::Number(number) => {
            let near = number.checked_sub(right).is_some_and(|d| d.abs() <= tolerance);
            Verdict::of(near, number.to_string())
        }
        Extracted::Words(words) => Verdict {
            reason: Some("the marked answer is no number".into()),
            ..Verdict::of(false, words)
        },
        Extracted::Nothing => Verdict::none("no number in the answer"),
        Extracted::NothingMarked(mark) => Verdict::none(format!("no number after {mark}")),
        Extracted::TooLong => Verdict::none("a number of more than 28 digits"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, number: &str) {
        let number = Decimal::from_str_exact(number).unwrap().normalize();
        assert_eq!(numeric_answer(text), Extracted::Number(number), "{text}");
    }

    #[test]
    fn the_last_number_of_a_plain_text() {
        reads("She makes 9 * 2 = $18 every day.", "18");
        reads("It costs $29.00.", "29");
        reads("It costs $1,234,567.80 in all.", "1234567.8");
        reads("It is 2.50%.", "2.5");
        reads("That is a loss of -$5", "-5");
        reads("That is a loss of $-5", "-5");
        reads("he is 90 - 144 = -54", "-54");
        reads("he is −54 miles away", "-54");
        reads("0.5", "0.5");
        reads(".5", "0.5");
        reads("it is 3.0e8 m/s", "300000000");
        reads("about 1e-3", "0.001");
        reads("18.", "18");
        reads("$1{,}200$", "1200");
    }

    #[test]
    fn a_hyphen_between_numbers_is_no_sign() {
        reads("between 5-10", "10");
        reads("12 - 3", "3");
        reads("(4)-3", "3");
        reads("COVID-19", "19");
        reads("- 7 apples", "7");
    }

    #[test]
    fn commas_part_thousands_or_numbers() {
        reads("1,234", "1234");
        reads("10,000,000", "10000000");
        reads("1,2", "2");
        reads("(3,14)", "14");
        reads("1,2345", "2345");
        reads("12345,678", "678");
        reads("5,", "5");
    }

    #[test]
    fn marks_go_before_what_follows_them_anywhere() {
        reads("#### 18\n\nThere were 3 hens.", "18");
        reads("#### 12\n#### 18", "18");
        reads("Answer: 18 eggs of 30", "18");
        reads("**Answer:** 3 + 4 = 7 eggs", "7");
        reads("The answer is: $7.50. Compare it with 12.", "7.5");
        reads(r"so \boxed{42} of 50", "42");
        reads(r"\boxed{{982}}", "982");
        reads("Answer: 5\n#### 6", "6");
        reads("####\n18", "18");
        reads("The answer is as follows:\n3 + 4\n= 7", "7");
        assert_eq!(numeric_answer("3 hens. #### none"), Extracted::Words("none".into()));
        assert_eq!(numeric_answer("3 hens.\n####\n"), Extracted::NothingMarked("####"));
        assert_eq!(
            numeric_answer("3 hens. The answer is not known."),
            Extracted::NothingMarked("answer:")
        );
    }

    #[test]
    fn what_is_no_number() {
        assert_eq!(numeric_answer("none"), Extracted::Nothing);
        assert_eq!(numeric_answer(""), Extracted::Nothing);
        assert_eq!(numeric_answer(&"9".repeat(40)), Extracted::TooLong);
    }

    #[test]
    fn equal_up_to_the_tolerance() {
        let of =
            |answer, reference, tolerance| grade(answer, reference, Decimal::from_str_exact(tolerance).unwrap()).score;
        assert_eq!(of("0.30", "0.3", "0"), Some(1.0));
        assert_eq!(of("0.1 + 0.2 = 0.30000000000000004", "0.3", "0"), Some(0.0));
        assert_eq!(of("3.14", "3.1416", "0.01"), Some(1.0));
        assert_eq!(of("3.14", "3.15", "0.01"), Some(1.0));
        assert_eq!(of("3.14", "3.151", "0.01"), Some(0.0));
        assert_eq!(of("none", "3", "0"), None);
        assert_eq!(of("3 of 4. #### No solution", "3", "0"), Some(0.0));
        assert_eq!(of("3", "none", "0"), None);
    }
}
