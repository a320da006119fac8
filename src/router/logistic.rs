//! Multinomial logistic regression on the examples' vectors, by linfa's L-BFGS.
//!
//! The loss is Σ −log p(route | example) + ‖W‖² / 2C over unit vectors, the intercepts not penalised: scikit-learn's
//! `LogisticRegression(C)`.

use linfa::prelude::*;
use linfa_logistic::MultiLogisticRegression;
use ndarray::{Array1, Array2};

use super::RouterError;
use crate::encode::{Vectors, dot};

/// Norm of the gradient at which the fit ends.
const TOLERANCE: f64 = 1e-8;
/// Steps after which it ends at the latest.
const STEPS: u64 = 1000;

/// A fitted regression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Logistic {
    /// Routes × dimension.
    weights: Vec<Vec<f64>>,
    intercepts: Vec<f64>,
    /// Classes that are scored: the first ones.
    routes: usize,
}

impl Logistic {
    /// Fits the classes of `sizes`, in order, on the rows of `examples`.
    pub(super) fn fit(examples: &Vectors, sizes: &[usize], c: f64) -> Result<Self, RouterError> {
        let scoring = |message: String| RouterError::Scoring { message };
        if sizes.len() < 2 {
            return Err(scoring("a logistic regression needs two routes to tell apart".into()));
        }
        let (n, d) = (examples.len(), examples.dimension());
        let mut rows = Vec::with_capacity(n * d);
        for row in examples.rows() {
            rows.extend(unit(row));
        }
        let records = Array2::from_shape_vec((n, d), rows).map_err(|e| scoring(e.to_string()))?;
        let targets: Array1<usize> = sizes
            .iter()
            .enumerate()
            .flat_map(|(route, size)| std::iter::repeat_n(route, *size))
            .collect();
        let fitted = MultiLogisticRegression::default()
            // Of two classes scikit-learn fits one weight vector, the difference of the two here: its penalty weighs twice.
            .alpha(if sizes.len() == 2 { 2.0 } else { 1.0 } / c)
            .gradient_tolerance(TOLERANCE)
            .max_iterations(STEPS)
            .fit(&Dataset::new(records, targets))
            .map_err(|e| scoring(format!("the logistic regression cannot be fitted: {e}")))?;
        // Classes come back in the order in which linfa met them.
        let place = |route: usize| fitted.classes().iter().position(|c| *c == route);
        let mut weights = Vec::with_capacity(sizes.len());
        let mut intercepts = Vec::with_capacity(sizes.len());
        for route in 0..sizes.len() {
            let at = place(route).ok_or_else(|| scoring(format!("route {route} was lost in the fit")))?;
            weights.push(fitted.params().column(at).to_vec());
            intercepts.push(fitted.intercept()[at]);
        }
        Ok(Self {
            routes: sizes.len(),
            weights,
            intercepts,
        })
    }

    /// The same, the last class no longer scored.
    pub(super) fn without_last(self) -> Self {
        Self {
            routes: self.routes - 1,
            ..self
        }
    }

    pub(super) fn routes(&self) -> usize {
        self.routes
    }

    pub(super) fn dimension(&self) -> usize {
        self.weights.first().map_or(0, Vec::len)
    }

    /// The probability of each route; with every class scored they add up to 1.
    pub(super) fn probabilities(&self, prompt: &[f32]) -> Vec<f64> {
        let prompt: Vec<f64> = unit(prompt).collect();
        let mut values: Vec<f64> = self
            .weights
            .iter()
            .zip(&self.intercepts)
            .map(|(w, b)| w.iter().zip(&prompt).map(|(w, x)| w * x).sum::<f64>() + b)
            .collect();
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for value in &mut values {
            *value = libm::exp(*value - highest);
        }
        let sum: f64 = values.iter().sum();
        values.truncate(self.routes);
        values.into_iter().map(|v| v / sum).collect()
    }
}

fn unit(row: &[f32]) -> impl Iterator<Item = f64> + '_ {
    let norm = dot(row, row).sqrt();
    row.iter().map(move |x| f64::from(*x) / norm)
}
