//! A run as it is read: its graded answers, routed as they were when they were collected.

use std::path::Path;

use crate::Error;
use crate::assets::sha256_hex;
use crate::cli::args::ThresholdArgs;
use crate::cli::session::{Session, thresholds};
use crate::replay::grades::{self, GradeRecord, GradesError};
use crate::replay::ledger::Run;
use crate::replay::matrix::Matrix;
use crate::replay::policies::Routing;
use crate::routes::Routes;

/// See the module.
pub(in crate::cli::commands) struct Collected {
    pub(in crate::cli::commands) run: Run,
    pub(in crate::cli::commands) graded: Vec<GradeRecord>,
    pub(in crate::cli::commands) matrix: Matrix,
    pub(in crate::cli::commands) routes: Routes,
    /// Under the thresholds of the routes file or the flags; an error where the run does not fit the routes.
    pub(in crate::cli::commands) routing: Result<Routing, GradesError>,
    /// Hash of prompts and answers.
    pub(in crate::cli::commands) sha256: String,
    /// Whether the thresholds are not those of the collection.
    pub(in crate::cli::commands) other_thresholds: bool,
    /// What the user should know of how the files were found.
    pub(in crate::cli::commands) notes: Vec<String>,
}

impl Collected {
    pub(in crate::cli::commands) fn load(
        session: &Session,
        folder: &Path,
        flags: &ThresholdArgs,
    ) -> Result<Self, Error> {
        let run = Run::load(folder)?;
        let graded = grades::read(folder)?;
        let matrix = grades::matrix_of(&run, &graded);
        let routes = session.routes()?;
        let (global, by_route) = thresholds(&routes, flags)?;
        let file = session.common.routes.display().to_string();
        let routing = grades::routing_of(&run, &matrix, (&routes, &file), &by_route, global.gap());
        let mut notes = Vec::new();
        if run.torn > 0 {
            notes.push(format!(
                "{}: the last line of responses.jsonl is torn and is passed over",
                folder.display()
            ));
        }
        let collected = run.manifest.thresholds.values().map(|pair| (pair[0], pair[1]));
        let other_thresholds = !collected.eq(by_route.iter().map(|t| (t.threshold(), t.gap())));
        let mut bytes = bytes_of(folder, "prompts.jsonl");
        bytes.extend(bytes_of(folder, "responses.jsonl"));
        Ok(Self {
            sha256: sha256_hex(&bytes),
            run,
            graded,
            matrix,
            routes,
            routing,
            other_thresholds,
            notes,
        })
    }

    /// Who graded; `none` where nobody has.
    pub(in crate::cli::commands) fn grader(&self) -> String {
        self.graded
            .iter()
            .find_map(|g| g.grade.as_ref())
            .map_or_else(|| "none".into(), |g| g.grader.clone())
    }
}

/// A file of a run; nothing where it is not there.
pub(in crate::cli::commands) fn bytes_of(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_default()
}
