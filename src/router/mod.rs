//! The router: centroids, scores, the decision.

mod artefact;
mod centroids;
mod decide;
mod error;
mod logistic;
mod medoids;
mod score;
mod scorer;

pub use artefact::{ARTEFACT_VERSION, RouterArtefact};
pub(crate) use artefact::{pack, unpack};
pub use centroids::{Centroids, LeaveOneOut, RouteShape};
pub use decide::{Decision, decide};
pub use error::RouterError;
pub use score::{RowScore, ScoreTable, score};
pub use scorer::Scorer;
