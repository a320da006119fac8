//! The doctor: what is wrong with the examples of a router and with the prompts that judge it.
//!
//! Thresholds choose among what the examples and the labels offer; they mend neither. [`lint`] looks at both and gives
//! [`Finding`]s, each with a stable [`Code`], the place, the evidence and what to do. Everything here is a pure function of
//! routes, rows, vectors and scores; `docs/lint.md` has each code with its threshold and where that comes from.
//!
//! | module | looks for |
//! |---|---|
//! | `copies` | one prompt twice: under two labels, as an example and a prompt, in two splits, in one |
//! | `examples` | examples that lie nearer to another route, or far from their own |
//! | `routes` | routes that cannot be told apart, a route that draws the prompts of others |
//! | `clusters` | a route of two groups that one centroid serves badly |
//! | [`labels`] | probable label errors, by confident learning |
//! | [`support`] | too few examples or prompts for what is claimed |
//! | [`next`] | which unlabelled prompts to label next |

mod clusters;
mod code;
mod copies;
mod error;
mod examples;
mod fold;
pub mod labels;
mod matrix;
pub mod next;
mod routes;
pub mod support;
#[cfg(test)]
mod testkit;

pub use code::{Act, Code, Severity};
pub use error::LintError;
pub use fold::folded;

use crate::dataset::{Row, Truth};
use crate::encode::Vectors;
use crate::router::{Centroids, ScoreTable};
use crate::routes::{Routes, Thresholds};

/// Cosine from which two prompts count as nearly the same, unless told otherwise.
pub const NEAR_DUPLICATE: f64 = 0.95;
/// Items of evidence a finding lists.
pub const ITEMS: usize = 20;

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The routes.
    pub routes: &'a Routes,
    /// Their centroids, with the examples' vectors.
    pub centroids: &'a Centroids,
    /// The labelled prompts.
    pub rows: &'a [Row],
    /// Their labels, as routes.
    pub truths: &'a [Truth],
    /// Their vectors.
    pub vectors: &'a Vectors,
    /// Their scores.
    pub scores: &'a ScoreTable,
    /// Thresholds of every route.
    pub thresholds: &'a [Thresholds],
}

/// How it is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Cosine from which two prompts count as nearly the same.
    pub near_duplicate: f64,
    /// Widest half of a 95 % interval that passes for a route's recall; half of it for all prompts together.
    pub half_width: f64,
    /// Seed of folds and simulations.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            near_duplicate: NEAR_DUPLICATE,
            half_width: 0.1,
            seed: 0,
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The routes file as a whole.
    Routes,
    /// A route.
    Route(usize),
    /// An example of a route.
    Example {
        /// The route.
        route: usize,
        /// Its index among the route's examples.
        example: usize,
    },
    /// The dataset as a whole.
    Dataset,
    /// A prompt of the dataset, by its index.
    Prompt(usize),
}

/// One finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What kind it is; decides the severity.
    pub code: Code,
    /// What to do.
    pub act: Act,
    /// Where.
    pub place: Subject,
    /// A sentence with the numbers in it. Quotes no prompt.
    pub message: String,
    /// Examples and prompts that show it, the place among them; at most [`ITEMS`].
    pub items: Vec<Subject>,
    /// How many there are.
    pub n_items: usize,
    /// The numbers by name.
    pub figures: Vec<(&'static str, f64)>,
    /// How bad it is among findings of its code: the worst have the most.
    pub weight: f64,
}

impl Finding {
    /// A finding shown by `items`, which are cut to [`ITEMS`].
    fn new(code: Code, act: Act, place: Subject, message: String, mut items: Vec<Subject>) -> Self {
        let n_items = items.len();
        items.truncate(ITEMS);
        Self {
            code,
            act,
            place,
            message,
            items,
            n_items,
            figures: Vec::new(),
            weight: 0.0,
        }
    }

    fn with(mut self, figures: impl IntoIterator<Item = (&'static str, f64)>) -> Self {
        self.figures.extend(figures);
        self
    }

    fn weighing(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }
}

impl Input<'_> {
    fn name(&self, route: usize) -> &str {
        &self.routes.routes[route].name
    }

    /// The label's name: a route's, or `none`.
    fn label(&self, truth: Truth) -> &str {
        match truth {
            Truth::Route(route) => self.name(route),
            Truth::OutOfDomain => "none",
        }
    }
}

/// Everything that is found, the errors first, then by code, then the worst first, then by place.
///
/// The costly part is the search for near-duplicates: (examples + prompts)² / 2 × dimension multiplications, exact, in blocks, so
/// that memory stays linear; 20,000 prompts of 384 numbers take seconds. Results do not depend on the number of threads.
///
/// # Panics
/// If rows, truths, vectors and scores are not of one length.
pub fn lint(input: &Input<'_>, settings: &Settings) -> Vec<Finding> {
    let n = input.rows.len();
    assert!(n == input.truths.len() && n == input.vectors.len() && n == input.scores.len());
    let copies = copies::Texts::new(input);
    let mut findings = copies.exact(input);
    findings.extend(copies.near(input, settings.near_duplicate));
    findings.extend(examples::findings(input));
    findings.extend(routes::findings(input));
    findings.extend(clusters::findings(input, settings.seed));
    findings.extend(labels::findings(input, &copies, settings.seed));
    findings.extend(support::findings(input, settings.half_width));
    findings.sort_by(|a, b| {
        (a.code.severity().cmp(&b.code.severity()))
            .then(a.code.cmp(&b.code))
            .then(b.weight.total_cmp(&a.weight))
            .then(a.place.cmp(&b.place))
            .then_with(|| a.message.cmp(&b.message))
    });
    findings
}
