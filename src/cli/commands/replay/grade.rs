//! `routecal replay grade`.

use std::path::Path;

use crate::Error;
use crate::cli::args::GradeArgs;
use crate::cli::session::Session;

pub(super) fn run(_session: &Session, _run: &Path, _args: &GradeArgs) -> Result<(), Error> {
    Err(Error::usage("`replay grade` is being built", "use another command"))
}
