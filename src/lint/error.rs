//! The answer that is not "nothing wrong".

use crate::error::{ErrorClass, Hint};

/// Why a lint did not pass.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LintError {
    /// There are findings that count as failures.
    #[error("not passed: {}", counted(*errors, *warnings))]
    Found {
        /// Errors.
        errors: u64,
        /// Warnings, where those count too.
        warnings: u64,
        /// Codes among them, worst first.
        codes: Vec<&'static str>,
    },
}

fn counted(errors: u64, warnings: u64) -> String {
    let of = |n: u64, what: &str| (n > 0).then(|| format!("{n} {what}{}", if n == 1 { "" } else { "s" }));
    let both: Vec<String> = [of(errors, "error"), of(warnings, "warning")]
        .into_iter()
        .flatten()
        .collect();
    both.join(", ")
}

impl Hint for LintError {
    fn hint(&self) -> Option<String> {
        let Self::Found { codes, .. } = self;
        let allow: Vec<String> = codes.iter().map(|code| format!("--allow {code}")).collect();
        Some(format!(
            "each finding says what to do, docs/lint.md why; to leave some be: {}",
            allow.join(" ")
        ))
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Unmet
    }
}
