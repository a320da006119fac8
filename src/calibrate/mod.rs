//! Choosing the thresholds: an exact two-dimensional sweep, and the goals it serves.
//!
//! A prompt is accepted iff `score >= threshold` and `gap >= min_gap`. Between two neighbouring scores (or gaps) of the
//! rows nothing changes, so the points (score of a row, gap of a row) are all the points that matter.

mod certify;
mod error;
mod exact;
mod goal;
mod near;
mod optimism;
mod parts;
mod plateau;
mod rows;
mod search;
mod surface;
mod sweep;
mod tree;
mod window;

pub(crate) use certify::rate;
pub use certify::{
    Candidate, Certification, Controlled, LEARNING_SHARE, RiskLimit, allowed_errors, certify, control, control_split,
    learning, least_accepted, open, p_value, rows_needed,
};
pub use error::CalibrateError;
pub(crate) use goal::macro_f1;
pub use goal::{Condition, Goal, Prices};
pub use optimism::{CrossValidation, Fold, Spread, cross_validate};
pub use parts::{Distinct, distinct, folds};
pub(crate) use plateau::edges;
pub use plateau::{Plateau, plateau};
pub use rows::{Kind, SweepRow, Tally, Totals, rows, tally};
pub(crate) use search::{Found, Placed, Search, search, settle};
pub use surface::{Cell, Surface, surface, threshold_curve};
pub(crate) use surface::{axis, range};
pub(crate) use sweep::unreachable;
pub use sweep::{Choice, choose, choose_per_route};
