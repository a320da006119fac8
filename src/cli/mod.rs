//! The command line: parse, dispatch, print, exit code. Everything it does is also in the library.

mod args;
mod commands;
mod exit;
mod printer;
mod progress;
mod session;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use printer::Printer;
use session::Session;

/// Runs the program with `arguments` (the first is its name) and returns its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return exit::from_clap(&error),
    };
    let printer = Printer::new(cli.common.quiet, cli.common.format);
    match dispatch(cli, printer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}

fn dispatch(cli: Cli, printer: Printer) -> Result<(), crate::Error> {
    let command = match cli.command {
        // They need no flag's help.
        Command::Completions(args) => return commands::documentation::completions(printer, &args),
        Command::Man(args) => return commands::documentation::man(printer, &args),
        command => command,
    };
    let session = Session::new(cli.common, printer)?;
    match command {
        Command::Assets(args) => commands::assets::run(&session, &args),
        Command::Embed(args) => commands::embed::run(&session, &args),
        Command::Centroids(args) => commands::centroids::run(&session, &args),
        Command::Classify(args) => commands::classify::run(&session, &args),
        Command::Eval(args) => commands::eval::run(&session, &args),
        Command::Calibrate(args) => commands::calibrate::run(&session, &args),
        Command::Merge(args) => commands::scored::merge(&session, &args),
        Command::CompareEncoders(args) => commands::compare_encoders::run(&session, &args),
        Command::Improve(args) => commands::improve::run(&session, &args),
        Command::LearnCurve(args) => commands::learn_curve::run(&session, &args),
        Command::Check(args) => commands::check::run(&session, &args),
        Command::Lint(args) => commands::lint::run(&session, &args),
        Command::Monitor(args) => commands::monitor::run(&session, &args),
        Command::Replay(args) => commands::replay::run(&session, &args),
        Command::Import(args) => commands::exchange::import(&session, &args),
        Command::Export(args) => commands::exchange::export(&session, &args),
        Command::Report(args) => commands::report::run(&session, &args),
        Command::Schema(args) => commands::schema::run(&session, &args),
        Command::Completions(_) | Command::Man(_) => unreachable!("done above, without a session"),
    }
}
