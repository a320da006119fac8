//! `routecal replay`: collect answers, grade them, compare policies.

mod analyse;
mod calls;
mod collect;
pub(super) mod collected;
mod grade;

use self::calls::Asked;
use crate::Error;
use crate::cli::args::{ReplayArgs, ReplayStage};
use crate::cli::session::Session;
use crate::replay::collect::CollectError;
use crate::replay::ledger::PromptRecord;

pub(in crate::cli) fn run(session: &Session, args: &ReplayArgs) -> Result<(), Error> {
    match &args.stage {
        Some(ReplayStage::Collect {
            run,
            calls,
            collect,
            batch,
        }) => match batch.batch {
            Some(step) => collect::batch(session, &run.run, calls, (collect, step.into())),
            None => collect::run(session, &run.run, calls, collect),
        },
        Some(ReplayStage::Grade {
            run,
            prompts,
            calls,
            grade,
        }) => grade::run(session, &run.run, (calls, grade), prompts),
        Some(ReplayStage::Analyse { run, imports, analyse }) => analyse::run(session, &run.run, analyse, Some(imports)),
        None => all(session, args),
    }
}

/// Every stage; their answers are the last one's, what the others have to say goes to standard error.
fn all(session: &Session, args: &ReplayArgs) -> Result<(), Error> {
    let folder = &args.run.run;
    // Before any money is spent on answers that cannot be graded or compared.
    analyse::check(&args.analyse)?;
    let look: &dyn Fn(&[PromptRecord]) -> Result<(), Error> = if args.calls.dry_run {
        &|_| Ok(())
    } else {
        grade::check_judge(session, &args.calls, &args.grade)?;
        &|prompts| grade::check_references(&args.grade, prompts)
    };
    let asked = collect::gather(session, folder, (&args.calls, &args.collect), look)?;
    let Asked::Answers(summary, stopped) = asked else {
        return Ok(());
    };
    let mut unfinished = None;
    let total = &summary.total;
    session.printer.note(&format!(
        "{} of {} answers are in {}",
        total.answered,
        total.cells,
        folder.display()
    ));
    // What was answered before it stopped is paired, and worth looking at.
    if let Some(error) = stopped {
        if total.answered == 0 || matches!(error, CollectError::Interrupted { .. }) {
            return Err(error.into());
        }
        unfinished = Some(error);
    }
    let prompts = grade::prompts_of(&args.collect);
    let Some((grades, unjudged)) = grade::gather(session, folder, (&args.calls, &args.grade), &prompts)? else {
        return Ok(());
    };
    session
        .printer
        .note(&format!("{} answers graded by {}", grades.answers, grades.grader));
    analyse::run(session, folder, &args.analyse, None)?;
    match unfinished.or(unjudged) {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// Refuses an amount that is no number of at least 0.
pub(super) fn not_negative(flag: &str, value: f64) -> Result<(), Error> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::usage(
        format!("{flag} {value} is below 0"),
        "leave it out where the router costs nothing",
    ))
}
