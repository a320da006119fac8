//! `routecal replay`: policies of routing on recorded answers.

mod analyse;

use crate::Error;
use crate::cli::args::{ReplayArgs, ReplayStage};
use crate::cli::session::Session;

pub(in crate::cli) fn run(session: &Session, args: &ReplayArgs) -> Result<(), Error> {
    match &args.stage {
        ReplayStage::Analyse { imports, analyse } => analyse::run(session, analyse, imports),
    }
}
