//! Errors to messages and exit codes.

use std::process::ExitCode;

use super::printer;
use crate::Error;
use crate::error::{ErrorClass, Hint as _, with_causes};

/// Prints an error with its causes and its hint, and says which code to exit with. A closed pipe is no error.
pub(super) fn report(error: &Error) -> ExitCode {
    if let Error::Output(io) = error
        && io.kind() == std::io::ErrorKind::BrokenPipe
    {
        return ExitCode::SUCCESS;
    }
    let mut text = format!("error: {}", with_causes(error));
    if let Some(hint) = error.hint() {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    printer::stderr(&text);
    ExitCode::from(code(error.class()))
}

fn code(class: ErrorClass) -> u8 {
    match class {
        ErrorClass::Unmet => 1,
        ErrorClass::Input => 2,
        ErrorClass::Environment => 3,
        ErrorClass::Inconclusive => 4,
        ErrorClass::Partial => 5,
        ErrorClass::Interrupted => 130,
    }
}

/// clap's own output: help and version go to standard output and are no error.
pub(super) fn from_clap(error: &clap::Error) -> ExitCode {
    // A closed pipe while printing help is no error either.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}
