//! From an answer to a score.
//!
//! A grader is a pure function of answer and reference, so that grades can be made again at any time without a call. Its
//! result says what was read out of the answer and why there is no score where there is none: an answer that cannot be
//! parsed has no score, which is not the same as a wrong one. Each grader has a version that rises whenever a grade could
//! change.

mod choice;
mod error;
pub mod judge;
mod number;
mod text;

pub use error::GraderError;
pub use number::{Extracted, numeric_answer};

use std::fmt;
use std::str::FromStr;

use regex::Regex;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::matrix::{Matrix, Outcome};

/// Every grader with what it takes, for messages and help.
pub const GRADERS: &str = "exact, exact:fold, contains, contains:fold, regex, regex:PATTERN, choice, choice:LETTERS, numeric, \
                           numeric:TOLERANCE, external";

/// How answers are graded.
#[derive(Debug, Clone)]
pub enum Grader {
    /// The answer is the reference, outer spaces aside. `exact:fold` also ignores case, runs of spaces and a final full stop.
    Exact {
        /// Whether case, runs of spaces and a final full stop do not matter.
        fold: bool,
    },
    /// The reference stands somewhere in the answer.
    Contains {
        /// Whether case and runs of spaces do not matter.
        fold: bool,
    },
    /// A regular expression matches somewhere in the answer: the one given, else the reference.
    Regex(Option<Regex>),
    /// The letter of a multiple-choice question.
    Choice {
        /// Letters that can be chosen, such as `ABCD`.
        letters: String,
    },
    /// The number in the answer, compared as a decimal.
    Numeric {
        /// Greatest difference that still counts as equal.
        tolerance: Decimal,
    },
    /// The score that came with the data; nothing is read out of the answer.
    External,
}

/// What a grader made of an answer. The same shape for every grader, judges included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grade {
    /// 0 to 1; null where the answer could not be graded.
    pub score: Option<f64>,
    /// Whether something gradable was found in the answer.
    pub parsed: bool,
    /// What was found in it.
    pub extracted: Option<String>,
    /// The grader, as it is named on the command line.
    pub grader: String,
    /// Its version.
    pub version: u32,
    /// Why there is no score, or how it came about where that is not plain.
    pub reason: Option<String>,
}

/// An answer as it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The text.
    pub content: Option<&'a str>,
    /// Why the model stopped: `stop`, `length`, `content_filter`, …
    pub finish_reason: Option<&'a str>,
    /// The refusal, where the provider has a field for it.
    pub refusal: Option<&'a str>,
}

impl Answer<'_> {
    /// The class of an answer that no grader should look at; `None` for one that can be graded.
    ///
    /// Refused goes before truncated, and both before empty: reasoning models that run out of tokens answer nothing, and
    /// that is the limit's doing.
    ///
    /// ```
    /// use routecal::replay::graders::Answer;
    /// use routecal::replay::matrix::Outcome;
    ///
    /// let cut = Answer { content: Some("The answer is 4"), finish_reason: Some("length"), refusal: None };
    /// assert_eq!(cut.class(), Some(Outcome::Truncated));
    /// assert_eq!(Answer { content: Some(" "), ..Answer::default() }.class(), Some(Outcome::Empty));
    /// assert_eq!(Answer { content: Some("4"), ..Answer::default() }.class(), None);
    /// ```
    pub fn class(&self) -> Option<Outcome> {
        let said = |text: Option<&str>| text.is_some_and(|t| !t.trim().is_empty());
        if said(self.refusal) || self.finish_reason == Some("content_filter") {
            Some(Outcome::Refused)
        } else if self.finish_reason == Some("length") {
            Some(Outcome::Truncated)
        } else if said(self.content) {
            None
        } else {
            Some(Outcome::Empty)
        }
    }
}

impl Grader {
    /// Rises whenever a grade could change.
    pub fn version(&self) -> u32 {
        1
    }

    /// Whether it needs the right answer.
    pub fn needs_reference(&self) -> bool {
        !matches!(self, Self::Regex(Some(_)) | Self::External)
    }

    /// Grades an answer.
    ///
    /// ```
    /// use routecal::replay::graders::Grader;
    ///
    /// let numeric: Grader = "numeric".parse()?;
    /// assert_eq!(numeric.grade("So she earns $20.00 a day.", Some("#### 20")).score, Some(1.0));
    /// assert_eq!(numeric.grade("#### -54", Some("54")).score, Some(0.0));
    /// let unparsed = numeric.grade("I cannot tell.", Some("54"));
    /// assert_eq!((unparsed.score, unparsed.parsed), (None, false));
    /// # Ok::<(), routecal::replay::graders::GraderError>(())
    /// ```
    pub fn grade(&self, answer: &str, reference: Option<&str>) -> Grade {
        let verdict = match (self, reference) {
            (Self::External, _) => Verdict::none("the score comes with the data"),
            (Self::Regex(Some(pattern)), _) => text::matches(answer, pattern),
            (_, None) => Verdict::none("there is no reference"),
            (Self::Exact { fold }, Some(reference)) => text::exact(answer, reference, *fold),
            (Self::Contains { fold }, Some(reference)) => text::contains(answer, reference, *fold),
            (Self::Regex(None), Some(reference)) => match Regex::new(reference.trim()) {
                Ok(pattern) => text::matches(answer, &pattern),
                Err(_) => Verdict::none("the reference is no regular expression"),
            },
            (Self::Choice { letters }, Some(reference)) => choice::grade(answer, reference, letters),
            (Self::Numeric { tolerance }, Some(reference)) => number::grade(answer, reference, *tolerance),
        };
        self.wrap(verdict)
    }

    fn wrap(&self, verdict: Verdict) -> Grade {
        Grade {
            parsed: verdict.score.is_some(),
            score: verdict.score,
            extracted: verdict.extracted,
            grader: self.to_string(),
            version: self.version(),
            reason: verdict.reason,
        }
    }
}

/// What a grader found, before it is signed.
#[derive(Debug, Clone, PartialEq)]
struct Verdict {
    score: Option<f64>,
    extracted: Option<String>,
    reason: Option<String>,
}

impl Verdict {
    fn of(right: bool, extracted: impl Into<String>) -> Self {
        Self {
            score: Some(f64::from(u8::from(right))),
            extracted: Some(extracted.into()),
            reason: None,
        }
    }

    fn none(reason: impl Into<String>) -> Self {
        Self {
            score: None,
            extracted: None,
            reason: Some(reason.into()),
        }
    }
}

impl fmt::Display for Grader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact { fold } => f.write_str(if *fold { "exact:fold" } else { "exact" }),
            Self::Contains { fold } => f.write_str(if *fold { "contains:fold" } else { "contains" }),
            Self::Regex(None) => f.write_str("regex"),
            Self::Regex(Some(pattern)) => write!(f, "regex:{pattern}"),
            Self::Choice { letters } if letters == choice::LETTERS => f.write_str("choice"),
            Self::Choice { letters } => write!(f, "choice:{letters}"),
            Self::Numeric { tolerance } if tolerance.is_zero() => f.write_str("numeric"),
            Self::Numeric { tolerance } => write!(f, "numeric:{tolerance}"),
            Self::External => f.write_str("external"),
        }
    }
}

impl FromStr for Grader {
    type Err = GraderError;

    fn from_str(text: &str) -> Result<Self, GraderError> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let bad = |message: String| GraderError::Argument {
            grader: name.to_owned(),
            message,
        };
        let fold = || match argument {
            None => Ok(false),
            Some("fold") => Ok(true),
            Some(other) => Err(bad(format!("takes \"fold\" or nothing, not \"{other}\""))),
        };
        match name {
            "exact" => Ok(Self::Exact { fold: fold()? }),
            "contains" => Ok(Self::Contains { fold: fold()? }),
            "regex" => match argument {
                None => Ok(Self::Regex(None)),
                Some(pattern) => Regex::new(pattern)
                    .map(|pattern| Self::Regex(Some(pattern)))
                    .map_err(|source| GraderError::Pattern { source }),
            },
            "choice" => {
                let letters = argument.unwrap_or(choice::LETTERS).to_ascii_uppercase();
                let distinct = letters.chars().enumerate().all(|(i, c)| !letters[..i].contains(c));
                if letters.len() < 2 || !distinct || !letters.bytes().all(|b| b.is_ascii_uppercase()) {
                    return Err(bad("takes two or more different letters, such as ABCD".into()));
                }
                Ok(Self::Choice { letters })
            }
            "numeric" => {
                let tolerance = argument.map_or(Ok(Decimal::ZERO), Decimal::from_str_exact);
                match tolerance {
                    Ok(tolerance) if !tolerance.is_sign_negative() => Ok(Self::Numeric { tolerance }),
                    _ => Err(bad("takes a tolerance of at least 0, such as 0.01".into())),
                }
            }
            "external" if argument.is_none() => Ok(Self::External),
            "external" => Err(bad("takes nothing".into())),
            _ => Err(GraderError::Unknown { name: text.to_owned() }),
        }
    }
}

/// Grades every answer of a matrix anew; a grade there was is replaced. Cells without an answer keep their outcome, so do
/// truncated, refused and empty ones. Returns how many answers were graded.
///
/// # Errors
/// [`GraderError::NoAnswers`] where the matrix keeps no texts, [`GraderError::NoReference`] where the grader needs references
/// and no prompt has one.
pub fn regrade(matrix: &mut Matrix, grader: &Grader) -> Result<u64, GraderError> {
    if matches!(grader, Grader::External) {
        return Ok(0);
    }
    if grader.needs_reference() && matrix.prompts().iter().all(|p| p.reference.is_none()) {
        return Err(GraderError::NoReference {
            grader: grader.to_string(),
        });
    }
    let mut graded = 0;
    for prompt in 0..matrix.prompts().len() {
        let reference = matrix.prompts()[prompt].reference.clone();
        for model in 0..matrix.models().len() {
            for cell in matrix.cells_mut(prompt, model) {
                if !matches!(cell.outcome, Outcome::Scored | Outcome::Ungraded | Outcome::Unparsed) {
                    continue;
                }
                let Some(answer) = &cell.answer else {
                    (cell.outcome, cell.score) = (Outcome::Ungraded, None);
                    continue;
                };
                let grade = grader.grade(answer, reference.as_deref());
                cell.outcome = if grade.score.is_some() {
                    Outcome::Scored
                } else {
                    Outcome::Unparsed
                };
                cell.score = grade.score;
                graded += 1;
            }
        }
    }
    if graded == 0 {
        return Err(GraderError::NoAnswers);
    }
    Ok(graded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grader(text: &str) -> Grader {
        text.parse().unwrap()
    }

    #[test]
    fn every_grader_is_named_as_it_is_asked_for() {
        for text in [
            "exact",
            "exact:fold",
            "contains",
            "contains:fold",
            "regex",
            "regex:^a+$",
            "choice",
            "choice:ABCD",
            "numeric",
            "numeric:0.01",
            "external",
        ] {
            assert_eq!(grader(text).to_string(), text);
        }
    }

    #[test]
    fn what_cannot_be_a_grader_is_refused() {
        for text in [
            "numerics",
            "",
            "exact:case",
            "choice:A",
            "choice:AAB",
            "numeric:-1",
            "numeric:x",
            "external:x",
        ] {
            assert!(text.parse::<Grader>().is_err(), "{text}");
        }
        let pattern = "regex:(".parse::<Grader>().unwrap_err();
        assert_eq!(
            pattern.to_string(),
            "the pattern of the regex grader is no regular expression"
        );
    }

    #[test]
    fn refused_truncated_and_empty_are_classes_of_their_own() {
        let of = |content, finish_reason, refusal| {
            Answer {
                content,
                finish_reason,
                refusal,
            }
            .class()
        };
        assert_eq!(of(Some("4"), Some("stop"), None), None);
        assert_eq!(of(Some("4"), Some("length"), None), Some(Outcome::Truncated));
        assert_eq!(of(None, Some("length"), None), Some(Outcome::Truncated));
        assert_eq!(of(Some(""), Some("stop"), Some("I cannot")), Some(Outcome::Refused));
        assert_eq!(of(Some("half a"), Some("content_filter"), None), Some(Outcome::Refused));
        assert_eq!(of(Some("\n"), Some("stop"), Some("")), Some(Outcome::Empty));
    }

    #[test]
    fn without_a_reference_nothing_is_right_or_wrong() {
        for text in ["exact", "contains", "choice", "numeric", "regex"] {
            let grade = grader(text).grade("4", None);
            assert_eq!((grade.score, grade.parsed), (None, false), "{text}");
        }
    }
}
