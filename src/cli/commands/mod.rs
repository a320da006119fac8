//! One file a subcommand.

pub(super) mod assets;
pub(super) mod calibrate;
pub(super) mod centroids;
mod certify;
pub(super) mod check;
pub(super) mod classify;
pub(super) mod compare_encoders;
pub(super) mod documentation;
pub(super) mod embed;
pub(super) mod eval;
pub(super) mod exchange;
mod figures;
pub(super) mod improve;
pub(super) mod learn_curve;
pub(super) mod lint;
pub(super) mod monitor;
pub(super) mod replay;
pub(super) mod report;
pub(super) mod schema;
pub(super) mod scored;
