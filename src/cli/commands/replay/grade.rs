//! `routecal replay grade`: from the answers of a run to scores.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Error;
use crate::cli::args::GradeArgs;
use crate::cli::session::Session;
use crate::replay::graders::{GRADERS, Grader};
use crate::replay::grades::{self, GradeRecord};
use crate::replay::ledger::Run;

/// The grader that is asked for: looked at before anything is collected, so that no money is spent on answers that cannot be
/// graded.
pub(super) fn grader(args: &GradeArgs) -> Result<Grader, Error> {
    match &args.grader {
        Some(name) => Ok(name.parse::<Grader>()?),
        None => Err(Error::usage(
            "no grader is named",
            format!("add --grader NAME, one of {GRADERS}"),
        )),
    }
}

pub(super) fn run(session: &Session, run: &Path, args: &GradeArgs) -> Result<(), Error> {
    let grader = grader(args)?;
    let answers = Run::load(run)?;
    let graded = grades::grade_run(&answers, &grader)?;
    grades::write(run, &graded)?;
    session.printer.note(&summary(&graded, &grader.to_string()));
    Ok(())
}

/// What came of it, by outcome.
fn summary(graded: &[GradeRecord], grader: &str) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for grade in graded {
        *counts.entry(grade.outcome.name()).or_default() += 1;
    }
    let counts: Vec<String> = counts.into_iter().map(|(name, n)| format!("{n} {name}")).collect();
    format!("graded {} answers with {grader}: {}", graded.len(), counts.join(", "))
}
