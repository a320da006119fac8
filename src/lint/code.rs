//! The codes: stable names that a CI job and an editor can hold on to.

use schemars::JsonSchema;
use serde::Serialize;

/// How bad a finding is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A contradiction, or something that makes a figure untrue. Exit code 1.
    Error,
    /// Probably wrong, or probably harmful. Exit code 1 with `--deny warnings`.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What to do about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Make one route of two.
    Merge,
    /// Make two routes of one.
    Split,
    /// Move an example to another route, or a prompt to another split.
    Move,
    /// Add examples or prompts.
    Add,
    /// Give a prompt another label.
    Relabel,
    /// Delete a copy or an example.
    Delete,
}

impl Act {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Split => "split",
            Self::Move => "move",
            Self::Add => "add",
            Self::Relabel => "relabel",
            Self::Delete => "delete",
        }
    }
}

macro_rules! codes {
    ($($name:literal $variant:ident $severity:ident $short:literal),* $(,)?) => {
        /// What a finding is. The names never change; new ones may come.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $short] #[serde(rename = $name)] $variant),*
        }

        impl Code {
            /// All of them, by severity.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name on the command line and in documents.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// How bad it is.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),* }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $short),* }
            }
        }
    };
}

codes! {
    "conflicting-labels" ConflictingLabels Error "The same prompt stands under two labels.",
    "leak" Leak Error "A prompt of the dataset is also an example of its route.",
    "split-overlap" SplitOverlap Error "The same prompt stands in two splits.",
    "near-conflict" NearConflict Warning "Nearly the same prompt stands under two labels.",
    "near-leak" NearLeak Warning "A prompt of the dataset is nearly an example of its route.",
    "near-split-overlap" NearSplitOverlap Warning "Nearly the same prompt stands in two splits.",
    "label-error" LabelError Warning "A prompt's label is probably wrong: scores, label means and neighbours all say so.",
    "stray-example" StrayExample Warning "An example belongs to another route by its centroid and by its nearest example.",
    "far-example" FarExample Warning "An example lies far from the rest of its route.",
    "close-routes" CloseRoutes Warning "Two routes cannot be told apart by their examples.",
    "attractor-route" AttractorRoute Warning "A route draws more prompts of others than of its own.",
    "duplicate" Duplicate Warning "The same prompt stands twice in one split, or in one route's examples.",
    "few-examples" FewExamples Warning "A route has too few examples for a centroid.",
    "one-route" OneRoute Warning "There is only one route, so no gap.",
    "missing-label" MissingLabel Warning "No prompt stands for a route, or none for what belongs to no route.",
    "wide-interval" WideInterval Warning "There are too few prompts for the figure to say much.",
    "split-route" SplitRoute Note "The examples of a route form two groups that one centroid serves badly.",
    "near-duplicate" NearDuplicate Note "Nearly the same prompt stands twice in one split, or in one route's examples.",
    "off-centre-example" OffCentreExample Note "An example lies nearer to another centroid, but its neighbours do not all say that it belongs there.",
    "hard-prompts" HardPrompts Note "Prompts that the scores alone take for mislabelled.",
}

impl std::str::FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(code) = Self::ALL.iter().find(|code| code.name() == text) {
            return Ok(*code);
        }
        let names = || Self::ALL.iter().map(|code| code.name());
        Err(match crate::error::nearest(text, names()) {
            Some(near) => format!("no such code; did you mean {near}?"),
            None => format!("no such code; the codes are {}", names().collect::<Vec<_>>().join(", ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_by_severity_and_can_be_typed() {
        assert!(Code::ALL.is_sorted_by_key(|code| code.severity()));
        for code in Code::ALL {
            assert_eq!(code.name().parse(), Ok(*code));
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
            assert!(code.meaning().ends_with('.'));
        }
        assert_eq!(
            "leek".parse::<Code>(),
            Err("no such code; did you mean leak?".to_owned())
        );
        assert!("weather".parse::<Code>().unwrap_err().contains("the codes are"));
    }
}
