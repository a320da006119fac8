//! `routecal replay collect`.

use std::path::Path;

use crate::Error;
use crate::cli::args::CollectArgs;
use crate::cli::session::Session;

pub(super) fn run(_session: &Session, _run: &Path, _args: &CollectArgs) -> Result<(), Error> {
    Err(Error::usage("`replay collect` is being built", "use another command"))
}
