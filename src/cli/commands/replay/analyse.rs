//! `routecal replay analyse`.

use std::path::Path;

use crate::Error;
use crate::cli::args::AnalyseArgs;
use crate::cli::session::Session;

pub(super) fn run(_session: &Session, _run: &Path, _args: &AnalyseArgs) -> Result<(), Error> {
    Err(Error::usage("`replay analyse` is being built", "use another command"))
}
