//! The `routecal` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    routecal::cli::main(std::env::args_os())
}
