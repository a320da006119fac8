//! The prompts on which policies can be compared.

use std::collections::BTreeMap;

use super::{Cell, Matrix, Outcome};
use crate::num::f64_from_usize;

/// Why a prompt has no place in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dropped {
    /// A cell has this outcome.
    Outcome(Outcome),
    /// A cell has no cost.
    NoCost,
}

impl Dropped {
    /// Name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Outcome(outcome) => outcome.name(),
            Self::NoCost => "no_cost",
        }
    }
}

/// The prompts on which policies are compared.
///
/// Scores, costs and latencies of a prompt and model are means over its samples. Rows are prompts, columns models.
#[derive(Debug, Clone, PartialEq)]
pub struct Complete {
    /// Index of each row's prompt in the matrix.
    pub prompts: Vec<usize>,
    /// Models.
    pub models: usize,
    /// Mean score, row-major.
    pub score: Vec<f64>,
    /// Mean dollars as billed, row-major.
    pub billed: Vec<f64>,
    /// Mean dollars at list price, row-major.
    pub list: Vec<f64>,
    /// Prompts that were dropped, by cause and model; a prompt can be dropped for several.
    pub dropped: BTreeMap<(Dropped, usize), u64>,
    /// Prompts that were dropped, each counted once.
    pub dropped_prompts: u64,
}

impl Complete {
    /// Prompts.
    pub fn n(&self) -> usize {
        self.prompts.len()
    }

    /// One value a model, of one row.
    pub(crate) fn row<'a>(&self, values: &'a [f64], row: usize) -> &'a [f64] {
        &values[row * self.models..(row + 1) * self.models]
    }

    /// Mean of one model's column; `None` without rows.
    pub(crate) fn mean(&self, values: &[f64], model: usize) -> Option<f64> {
        let n = self.n();
        (n > 0).then(|| values.iter().skip(model).step_by(self.models).sum::<f64>() / f64_from_usize(n))
    }
}

impl Matrix {
    /// The prompts of which every cell of every model is scored and has a cost. O(cells).
    ///
    /// ```
    /// use routecal::replay::matrix::{Cell, Dropped, Matrix, Outcome, PromptInfo};
    ///
    /// let prompts = ["a", "b"].map(|id| PromptInfo { id: id.into(), ..PromptInfo::default() });
    /// let mut matrix = Matrix::new(vec!["big".into(), "small".into()], prompts.to_vec(), 1);
    /// for (prompt, model, score, dollars) in [(0, 0, 1.0, 0.03), (0, 1, 0.0, 0.01), (1, 0, 1.0, 0.05)] {
    ///     matrix.cells_mut(prompt, model)[0] = Cell::scored(score, dollars);
    /// }
    /// let complete = matrix.complete();
    /// assert_eq!((complete.n(), complete.dropped_prompts), (1, 1));
    /// assert_eq!(complete.dropped[&(Dropped::Outcome(Outcome::Missing), 1)], 1);
    /// assert_eq!(complete.score, [1.0, 0.0]);
    /// ```
    pub fn complete(&self) -> Complete {
        self.select(|cell| match (cell.outcome, cell.score) {
            (Outcome::Scored, Some(score)) => Ok(score),
            (outcome, _) => Err(outcome),
        })
    }

    /// The prompts of which every cell is answered and has a cost, an answer without a score counting as `score`: with 0 and
    /// with 1 the two ends between which a policy's quality lies, whatever the unscored answers are worth.
    pub fn bounded(&self, score: f64) -> Complete {
        self.select(|cell| {
            if cell.outcome.answered() {
                Ok(cell.score.unwrap_or(score))
            } else {
                Err(cell.outcome)
            }
        })
    }

    fn select(&self, score: impl Fn(&Cell) -> Result<f64, Outcome>) -> Complete {
        let models = self.models.len();
        let mut complete = Complete {
            prompts: Vec::new(),
            models,
            score: Vec::new(),
            billed: Vec::new(),
            list: Vec::new(),
            dropped: BTreeMap::new(),
            dropped_prompts: 0,
        };
        for prompt in 0..self.prompts.len() {
            let mut means = Vec::with_capacity(models);
            let mut whole = true;
            for model in 0..models {
                match mean_cell(self.cells(prompt, model), &score) {
                    Ok(mean) => means.push(mean),
                    Err(causes) => {
                        whole = false;
                        for cause in causes {
                            *complete.dropped.entry((cause, model)).or_default() += 1;
                        }
                    }
                }
            }
            if whole {
                complete.prompts.push(prompt);
                complete.score.extend(means.iter().map(|m| m[0]));
                complete.billed.extend(means.iter().map(|m| m[1]));
                complete.list.extend(means.iter().map(|m| m[2]));
            } else {
                complete.dropped_prompts += 1;
            }
        }
        complete
    }
}

/// Mean score, billed and list dollars over the samples, or every cause that stands against one (each once).
fn mean_cell(cells: &[Cell], score: &impl Fn(&Cell) -> Result<f64, Outcome>) -> Result<[f64; 3], Vec<Dropped>> {
    let mut sums = [0.0; 3];
    let mut causes = Vec::new();
    for cell in cells {
        let cause = match (score(cell), cell.cost_usd, cell.cost_list_usd) {
            (Ok(score), Some(billed), Some(list)) => {
                sums[0] += score;
                sums[1] += billed;
                sums[2] += list;
                continue;
            }
            (Err(outcome), _, _) => Dropped::Outcome(outcome),
            (Ok(_), _, _) => Dropped::NoCost,
        };
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    if causes.is_empty() {
        Ok(sums.map(|sum| sum / f64_from_usize(cells.len())))
    } else {
        Err(causes)
    }
}
