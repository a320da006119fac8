//! The flags of `replay grade`.

use clap::Args;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Grade options")]
pub(in crate::cli) struct GradeArgs {
    /// How answers are graded: exact, exact:fold, contains, contains:fold, regex, regex:PATTERN, choice, choice:LETTERS,
    /// numeric or numeric:TOLERANCE.
    #[arg(long, value_name = "GRADER")]
    pub(in crate::cli) grader: Option<String>,
}
