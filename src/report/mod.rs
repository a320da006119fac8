//! What a job found, as one serialisable document, and its renderings.
//!
//! The document is what `--format json` prints and what is written to disk; every rate has the shape [`Estimate`].

mod calibration;
mod estimate;
mod evaluation;
mod provenance;
mod replay;
mod tables;
mod terminal;

pub use calibration::{CalibrationReport, GoalReport, OperatingPoint, PlateauReport, Range, SplitFigures, SplitReport};
pub use estimate::Estimate;
pub use evaluation::{
    AsDeployed, ConfidenceReport, ConfusionReport, DetectionFigures, DetectionReport, EvalReport, ExampleReport,
    ForcedChoice, LeakageReport, Mistake, ReliabilityBinReport, ReliabilityReport, RouteConfidence, RouteFigures,
    SelectiveFigures, SelectiveReport, SummaryReport, ThresholdsReport,
};
pub use provenance::{DatasetProvenance, Provenance};
pub use replay::{
    AnchorsReport, BoundsReport, CornerReport, CostAtReport, CptReport, DropCause, DroppedReport, GroupReport,
    ModelReport, PolicyReport, ReplayProvenance, ReplayReport, ShuffleReport, SweepPointReport, SweepReport,
};
pub use tables::{confusion_csv, frontier_csv, predictions_csv, sweep_csv};
pub use terminal::{calibration_text, centroids_text, classify_text, eval_text, left_table, next_step, replay_text};

/// Schema version of reports.
pub const REPORT_VERSION: u64 = 1;

/// JSON Schema (2020-12) of a document, by the name of the job that writes it.
pub fn schema(document: &str) -> Option<serde_json::Value> {
    // Of what is written, not of what would be read: every key is there, if null.
    let generator = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let schema = match document {
        "eval" => generator.into_root_schema_for::<EvalReport>(),
        "calibration" | "calibrate" => generator.into_root_schema_for::<CalibrationReport>(),
        "router" => generator.into_root_schema_for::<crate::router::RouterArtefact>(),
        "replay" => generator.into_root_schema_for::<ReplayReport>(),
        "routes" => return Some(crate::routes::routes_schema()),
        _ => return None,
    };
    Some(schema.to_value())
}
