//! `routecal replay`: collect answers, grade them, compare policies.

mod analyse;
mod collect;
mod grade;

use crate::Error;
use crate::cli::args::{ReplayArgs, ReplayStage};
use crate::cli::session::Session;

pub(in crate::cli) fn run(session: &Session, args: &ReplayArgs) -> Result<(), Error> {
    match &args.stage {
        Some(ReplayStage::Collect { run, collect }) => collect::run(session, &run.run, collect),
        Some(ReplayStage::Grade { run, grade }) => grade::run(session, &run.run, grade),
        Some(ReplayStage::Analyse { run, imports, analyse }) => analyse::run(session, &run.run, analyse, Some(imports)),
        None => {
            grade::grader(&args.grade)?;
            collect::run(session, &args.run.run, &args.collect)?;
            grade::run(session, &args.run.run, &args.grade)?;
            analyse::run(session, &args.run.run, &args.analyse, None)
        }
    }
}
