//! Whether a calibrated confidence means what it says.

use serde::{Deserialize, Serialize};

use super::Scored;
use crate::dataset::Truth;
use crate::metrics::Ranking;
use crate::metrics::reliability::{BINS, FitError, Isotonic, Losses, Platt, Reliability, Temperature, ece};
use crate::report::{Estimate, ReliabilityBinReport, ReliabilityReport};

/// How a score becomes a probability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Logistic curve over the score.
    Platt,
    /// Rising step function over the score.
    Isotonic,
    /// One temperature for the softmax over the routes.
    Temperature,
}

impl Method {
    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Platt => "platt",
            Self::Isotonic => "isotonic",
            Self::Temperature => "temperature",
        }
    }
}

/// Calibrated confidences of the forced choice, in order, ready to be counted: in-domain prompts only, since "right" means
/// that the best route is the prompt's own.
#[derive(Debug, Clone)]
pub struct Calibrated {
    method: Method,
    fitted_on: String,
    fitted_n: u64,
    in_sample: bool,
    note: Option<String>,
    ranking: Ranking,
    losses: Losses,
}

impl Calibrated {
    /// The confidences of `judged` by a mapping that is fitted on `fitted`. It stays as it is when prompts are resampled:
    /// intervals say how far the figures of this mapping may be off, not what another fit would have given.
    pub fn new(method: Method, fitted: Scored<'_>, fitted_on: &str, judged: Scored<'_>, in_sample: bool) -> Self {
        let (confidences, note) = match confidences(method, fitted, judged) {
            Ok(confidences) => (confidences, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let rows = judged.truths.iter().enumerate();
        let in_domain = rows.filter(|(_, truth)| **truth != Truth::OutOfDomain);
        let ranking = Reliability::ranking(
            confidences
                .into_iter()
                .zip(in_domain)
                .map(|(p, (row, truth))| (row, p, *truth == Truth::Route(judged.scores.rows()[row].best))),
        );
        Self {
            method,
            fitted_on: fitted_on.into(),
            fitted_n: fitted.in_domain(),
            in_sample,
            note,
            losses: Losses::new(&ranking),
            ranking,
        }
    }

    /// The same with the weight of `row` at `places[row]`.
    pub(super) fn moved(&self, places: &[u32]) -> Self {
        Self {
            ranking: self.ranking.moved(places),
            ..self.clone()
        }
    }

    /// The figures, each prompt counted `weights[row]` times, or once without weights. O(n).
    pub(super) fn report(&self, weights: Option<&[u32]>) -> ReliabilityReport {
        let reliability = Reliability::ranked(&self.ranking, weights);
        let losses = self.losses.means(&self.ranking, weights);
        let head = Fitted {
            method: self.method,
            on: self.fitted_on.clone(),
            n: self.fitted_n,
            in_sample: self.in_sample,
            note: self.note.clone(),
        };
        head.report(&reliability, losses)
    }
}

/// How a mapping was fitted.
pub(crate) struct Fitted {
    pub(crate) method: Method,
    /// On which split.
    pub(crate) on: String,
    /// On how many prompts.
    pub(crate) n: u64,
    pub(crate) in_sample: bool,
    /// Why there are no figures, if so.
    pub(crate) note: Option<String>,
}

impl Fitted {
    /// The figures of its confidences; `losses` are Brier score and log loss.
    pub(crate) fn report(self, reliability: &Reliability, losses: Option<(f64, f64)>) -> ReliabilityReport {
        let n = reliability.n();
        let width = reliability.equal_width_bins(BINS);
        ReliabilityReport {
            method: self.method.name().into(),
            fitted_on: self.on,
            fitted_n: self.n,
            in_sample: self.in_sample,
            note: self.note,
            ece_equal_width: Estimate::new(ece(&width), n),
            ece_equal_mass: Estimate::new(ece(&reliability.equal_mass_bins(BINS)), n),
            brier: Estimate::new(losses.map(|(brier, _)| brier), n),
            log_loss: Estimate::new(losses.map(|(_, log)| log), n),
            bins: width
                .iter()
                .map(|bin| ReliabilityBinReport {
                    lower: bin.lower,
                    upper: bin.upper,
                    n: bin.accuracy.n(),
                    mean_confidence: bin.mean_confidence,
                    accuracy: bin.accuracy.into(),
                })
                .collect(),
        }
    }
}

/// The calibrated confidence of every in-domain prompt of `judged`.
fn confidences(method: Method, fitted: Scored<'_>, judged: Scored<'_>) -> Result<Vec<f64>, FitError> {
    let pairs = || {
        fitted
            .in_domain_rows()
            .map(|(own, row, _)| (row.score, own == row.best))
    };
    let by_score =
        |predict: &dyn Fn(f64) -> f64| judged.in_domain_rows().map(|(_, row, _)| predict(row.score)).collect();
    Ok(match method {
        Method::Platt => {
            let mapping = Platt::fit(pairs())?;
            by_score(&|score| mapping.predict(score))
        }
        Method::Isotonic => {
            let mapping = Isotonic::fit(pairs())?;
            by_score(&|score| mapping.predict(score))
        }
        Method::Temperature => {
            let mapping = Temperature::fit(fitted.in_domain_rows().map(|(own, _, scores)| (scores, own)))?;
            judged
                .in_domain_rows()
                .map(|(_, _, scores)| mapping.predict(scores))
                .collect()
        }
    })
}
