//! `routecal schema`: the JSON Schema of a document.

use crate::Error;
use crate::cli::args::{SchemaArgs, SchemaName};
use crate::cli::session::Session;
use crate::{report, store};

pub(in crate::cli) fn run(session: &Session, args: &SchemaArgs) -> Result<(), Error> {
    let name = match args.document {
        SchemaName::Routes => "routes",
        SchemaName::Eval => "eval",
        SchemaName::Calibration => "calibration",
        SchemaName::CostCalibration => "cost-calibration",
        SchemaName::Router => "router",
        SchemaName::Check => "check",
        SchemaName::Gates => "gates",
        SchemaName::Baseline => "baseline",
        SchemaName::CompareEncoders => "compare-encoders",
        SchemaName::Improve => "improve",
        SchemaName::LearnCurve => "learn-curve",
        SchemaName::Lint => "lint",
        SchemaName::Monitor => "monitor",
        SchemaName::Partial => "partial",
        SchemaName::Replay => "replay",
        SchemaName::ReplayCollect => "replay-collect",
        SchemaName::ReplayBatches => "replay-batches",
        SchemaName::ReplayDryRun => "replay-dry-run",
        SchemaName::ReplayGrades => "replay-grades",
    };
    let text = store::json(&report::schema(name));
    session.printer.answer(|| text.clone(), || text.clone())
}
