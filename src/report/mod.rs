//! What a job found, as one serialisable document, and its renderings.
//!
//! The document is what `--format json` prints and what is written to disk; every rate has the shape [`Estimate`]. The renderings
//! for people (terminal, page, Markdown, JUnit, SARIF) are there with the feature `cli`.

mod annotations;
mod calibration;
mod certification;
mod check;
mod compare;
mod cost_calibration;
mod estimate;
mod evaluation;
#[cfg(feature = "cli")]
mod folder;
mod grades;
#[cfg(feature = "cli")]
mod html;
mod improve;
#[cfg(feature = "cli")]
mod junit;
mod learn_curve;
mod lint;
#[cfg(feature = "cli")]
mod markdown;
mod monitor;
mod optimism;
#[cfg(feature = "cli")]
mod page;
mod provenance;
mod redact;
mod replay;
#[cfg(feature = "cli")]
mod sarif;
mod scored;
mod tables;
#[cfg(feature = "cli")]
mod terminal;

pub use annotations::annotations;
pub use calibration::{CalibrationReport, GoalReport, OperatingPoint, PlateauReport, Range, SplitFigures, SplitReport};
pub(crate) use certification::percentage;
pub use certification::{
    CandidateReport, CertificateReport, CertificationReport, CertificationRows, CostReport, CoverageCost,
    ShortfallReport,
};
pub use check::{
    BaselineReport, CheckCandidate, CheckReport, CheckSettings, CheckVerdict, ComparisonReport, DecisionReport,
    EncoderReport, Flip, FlipKind, FlipsReport, GateReport, LimitsReport, ListedPrompt, PromptList,
};
pub use compare::{AgainstFirst, CompareReport, ContenderReport};
pub use cost_calibration::{
    AlwaysReport, CostCalibrationReport, CostFigures, CostGoalReport, CostPoint, CostProvenance, CostSplitReport,
    CostVerdict, CostVerdictReport, DifferenceReport, VersusReport,
};
pub use estimate::{Estimate, INTERVAL_LEVEL, Resampled};
pub(crate) use estimate::{points, share};
pub use evaluation::{
    AsDeployed, ConfidenceReport, ConfusionReport, DetectionFigures, DetectionReport, EvalReport, ExampleReport,
    ForcedChoice, IntervalsReport, LeakageReport, Mistake, ReliabilityBinReport, ReliabilityReport, RouteConfidence,
    RouteFigures, SelectiveFigures, SelectiveReport, SummaryReport, ThresholdsReport,
};
#[cfg(feature = "cli")]
pub use folder::{Contents, FolderError, LeftOut, SweepLine, stamp};
pub use grades::{GradedModel, GradesReport, JudgeReport};
#[cfg(feature = "cli")]
pub use html::report_html;
pub use improve::{ChangeReport, ImproveReport, ImproveTestReport, ValidationReport};
#[cfg(feature = "cli")]
pub use junit::junit;
pub use learn_curve::{BandReport, CurrentReport, LearnCurveReport, LearnPointReport, PoolReport};
pub use lint::{
    FindingReport, ItemReport, LintCounts, LintReport, LintSettings, NextPrompt, NextReport, Places, WHOLE_FILE,
    finding_reports, lint_annotations, next_report,
};
#[cfg(feature = "cli")]
pub use markdown::check_markdown;
pub use monitor::{
    BothSides, ExpectedReport, Medians, MonitorFigures, MonitorGate, MonitorReport, MonitorSettings, MonitorSource,
    MonitorVerdict, OutsideReport, PeriodReport, RouteShare, ScoreOrigin, ShiftBin, ShiftReport,
};
pub use optimism::{ChoiceOptimism, CrossValidationReport, FoldReport, OptimismReport, SpreadReport, ThresholdSpread};
#[cfg(feature = "cli")]
pub use page::report_markdown;
pub use provenance::{DatasetProvenance, Provenance};
pub use redact::{Redact, redacted, redacted_rows};
pub use replay::{
    AnchorsReport, BoundsReport, CornerReport, CostAtReport, CptReport, DropCause, DroppedReport, GroupReport,
    ModelReport, PolicyReport, ReplayProvenance, ReplayReport, ShuffleReport, SweepPointReport, SweepReport,
};
#[cfg(feature = "cli")]
pub use sarif::sarif;
pub use scored::{GridReport, PartialReport, ScoredReport};
pub use tables::{confusion_csv, frontier_csv, predictions_csv, sweep_csv};
#[cfg(feature = "cli")]
pub(crate) use terminal::drives_a_terminal;
#[cfg(feature = "cli")]
pub use terminal::{
    baseline_text, batches_text, calibration_text, centroids_text, check_text, classify_text, collect_text,
    compare_text, cost_calibration_text, cost_next_step, dry_run_text, eval_text, grades_text, improve_text,
    learn_curve_text, left_table, lint_text, monitor_text, next_step, partial_text, replay_text,
};

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
        "cost-calibration" => generator.into_root_schema_for::<CostCalibrationReport>(),
        "router" => generator.into_root_schema_for::<crate::router::RouterArtefact>(),
        "check" => generator.into_root_schema_for::<CheckReport>(),
        "baseline" => generator.into_root_schema_for::<crate::check::Baseline>(),
        "gates" => return Some(crate::check::gates_schema()),
        "compare-encoders" => generator.into_root_schema_for::<CompareReport>(),
        "improve" => generator.into_root_schema_for::<ImproveReport>(),
        "learn-curve" => generator.into_root_schema_for::<LearnCurveReport>(),
        "lint" => generator.into_root_schema_for::<LintReport>(),
        "partial" => generator.into_root_schema_for::<PartialReport>(),
        "monitor" => generator.into_root_schema_for::<MonitorReport>(),
        "replay-collect" => generator.into_root_schema_for::<crate::replay::collect::CollectSummary>(),
        "replay-batches" => generator.into_root_schema_for::<crate::replay::batch::BatchReport>(),
        "replay-dry-run" => generator.into_root_schema_for::<crate::replay::collect::DryRun>(),
        "replay-grades" => generator.into_root_schema_for::<GradesReport>(),
        "replay" => generator.into_root_schema_for::<ReplayReport>(),
        "routes" => return Some(crate::routes::routes_schema()),
        _ => return None,
    };
    Some(schema.to_value())
}
