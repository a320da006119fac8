//! The library in six verbs: [`Router::route`], [`Router::score`], [`Measured::evaluate`], [`Measured::sweep`],
//! [`Measured::certify`], [`Measured::compare`]. Everything here is a few lines over the modules below, which can do more.

use std::sync::atomic::AtomicBool;

use crate::Error;
use crate::calibrate::{Certification, Choice, Goal, RiskLimit, SweepRow, certify, choose, distinct, rows};
use crate::dataset::{Dataset, Row, Truth, folded};
use crate::encode::{Encoder, Quiet, Vectors, embed};
use crate::evaluation::{Calibrated, Evaluated, Method, Prepared, Scored, folded_examples};
use crate::router::{Centroids, Decision, RowScore, ScoreTable, Scorer, decide};
use crate::routes::{Routes, Target, Thresholds};
use crate::stats::bootstrap::Settings;
use crate::stats::paired::Paired;

/// Routes with an encoder, ready to route prompts.
///
/// ```
/// use std::path::Path;
///
/// use routecal::Router;
/// use routecal::encode::HashingEncoder;
/// use routecal::routes::Routes;
///
/// # fn main() -> Result<(), routecal::Error> {
/// let text = r#"{
///     "fallback": {"model": "big"},
///     "thresholds": {"threshold": 0.3, "gap": 0.0},
///     "routes": {
///         "coding": {"model": "coder", "examples": ["sort a list in Rust", "fix this loop in C"]},
///         "creative": {"model": "small", "examples": ["a poem about rain", "a song about the sea"]}
///     }
/// }"#;
/// // `Routes::load` reads a file. The hashing encoder needs no model; `encode::open` opens a real one.
/// let (routes, _warnings) = Routes::parse(text, Path::new("routes.json"))?;
/// let router = Router::new(routes, HashingEncoder::new(1))?;
///
/// let routed = router.route("sort this list in C")?;
/// assert_eq!((routed.route.as_deref(), routed.target.model.as_str()), (Some("coding"), "coder"));
/// let routed = router.route("zzz qqq")?;
/// assert_eq!((routed.route, routed.target.model.as_str()), (None, "big"));
/// # Ok(())
/// # }
/// ```
pub struct Router {
    routes: Routes,
    encoder: Box<dyn Encoder>,
    scorer: Scorer,
    thresholds: Vec<Thresholds>,
}

/// Where a prompt goes, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Routed {
    /// The route that takes it; `None` for the fallback.
    pub route: Option<String>,
    /// The model and the system prompt to ask: the route's, or the fallback's.
    pub target: Target,
    /// Accepted, or what it failed.
    pub decision: Decision,
    /// Best route and runner-up with their cosines, and the gap.
    pub score: RowScore,
}

impl Router {
    /// Embeds the examples of the routes.
    ///
    /// # Errors
    /// [`Error::Encode`] where the encoder fails, [`Error::Router`] where examples give no centroid.
    pub fn new(routes: Routes, encoder: impl Encoder + 'static) -> Result<Self, Error> {
        Self::with_encoder(routes, Box::new(encoder))
    }

    /// As [`Router::new`], with an encoder of [`crate::encode::open`].
    ///
    /// # Errors
    /// As [`Router::new`].
    pub fn with_encoder(routes: Routes, encoder: Box<dyn Encoder>) -> Result<Self, Error> {
        let texts: Vec<&str> = routes.example_texts().collect();
        let vectors = vectors(encoder.as_ref(), &texts)?;
        let sizes = routes.sizes();
        let own = sizes.iter().sum();
        let centroids = Centroids::new(vectors.slice(0, own), &sizes)?.with_outside(vectors.slice(own, vectors.len()));
        Ok(Self {
            scorer: Scorer::new(&centroids, routes.scoring)?,
            thresholds: routes.thresholds_by_route(),
            routes,
            encoder,
        })
    }

    /// The routes.
    pub fn routes(&self) -> &Routes {
        &self.routes
    }

    /// Routes one prompt by the thresholds of the routes.
    ///
    /// # Errors
    /// [`Error::Encode`] where the encoder fails.
    pub fn route(&self, prompt: &str) -> Result<Routed, Error> {
        let score = self.scorer.score(&vectors(self.encoder.as_ref(), &[prompt])?)?.rows()[0];
        let decision = decide(&score, &self.thresholds);
        let own = decision.route().map(|index| &self.routes.routes[index]);
        Ok(Routed {
            route: own.map(|route| route.name.clone()),
            target: own.map_or(&self.routes.fallback, |route| &route.target).clone(),
            decision,
            score,
        })
    }

    /// Scores labelled prompts, each distinct one embedded once. The labels must be names of routes, or say that there is none.
    ///
    /// # Errors
    /// [`Error::Dataset`] for a label that is no route, [`Error::Encode`] where the encoder fails.
    pub fn score(&self, dataset: &Dataset) -> Result<Measured, Error> {
        let names = self.routes.names();
        let truths = dataset.resolve(&names)?;
        let scores = self
            .scorer
            .score(&vectors(self.encoder.as_ref(), &dataset.prompts())?)?;
        let examples = folded_examples(&self.routes);
        let known = |row: &Row| examples.contains(&folded(&row.prompt));
        Ok(Measured {
            examples: dataset.rows.iter().map(known).collect(),
            rows: dataset.rows.clone(),
            truths,
            scores,
            names,
        })
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router")
            .field("routes", &self.routes.names())
            .field("encoder", &self.encoder.identity().label())
            .finish_non_exhaustive()
    }
}

fn vectors(encoder: &dyn Encoder, texts: &[&str]) -> Result<Vectors, Error> {
    Ok(embed(encoder, None, texts, &Quiet, &AtomicBool::new(false))?.vectors)
}

/// Labelled prompts with their scores: all that thresholds are chosen and judged by.
///
/// ```
/// use std::path::Path;
///
/// use routecal::calibrate::{Goal, RiskLimit};
/// use routecal::dataset::{Dataset, ReadOptions};
/// use routecal::encode::HashingEncoder;
/// use routecal::routes::Routes;
/// use routecal::stats::bootstrap::Settings;
/// use routecal::Router;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("prompts.csv");
/// # let mut csv = String::from("prompt,label,split\n");
/// # for i in 0..40 {
/// #     let (prompt, label) = [("sort a list in C", "coding"), ("a song about rain", "creative"), ("zzz qqq", "none")][i % 3];
/// #     csv += &format!("{prompt} {i},{label},{}\n", if i % 2 == 0 { "calibration" } else { "test" });
/// # }
/// # std::fs::write(&file, csv)?;
/// # let text = r#"{
/// #     "fallback": {"model": "big"},
/// #     "routes": {
/// #         "coding": {"model": "coder", "examples": ["sort a list in Rust", "fix this loop in C"]},
/// #         "creative": {"model": "small", "examples": ["a poem about rain", "a song about the sea"]}
/// #     }
/// # }"#;
/// # let (routes, _) = Routes::parse(text, Path::new("routes.json"))?;
/// # let router = Router::new(routes, HashingEncoder::new(1))?;
/// let dataset = Dataset::load(&file, &ReadOptions::default())?;
/// let calibration = router.score(&dataset.split("calibration")?)?;
/// let test = router.score(&dataset.split("test")?)?;
///
/// // Chosen on one split, judged on the other.
/// let choice = calibration.sweep(&Goal::MaxSystemAccuracy)?;
/// let judged = test.evaluate(choice.thresholds[0], &Settings::default());
/// assert_eq!(judged.as_deployed.system_accuracy.point, Some(1.0));
///
/// // Twenty prompts are too few for a promise, and the answer says so.
/// let promise = calibration.certify(RiskLimit::new(0.05, 0.95)?, 0);
/// assert!(promise.chosen.is_none());
///
/// // Another router on the same prompts: which are right now and were not, and is that more than chance?
/// let none = routecal::routes::Thresholds::ACCEPT_ALL;
/// let pairs = test.compare(choice.thresholds[0], &test, none);
/// assert!(pairs.won() == 0 && pairs.lost() > 0 && pairs.mcnemar() < 0.05);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Measured {
    rows: Vec<Row>,
    truths: Vec<Truth>,
    scores: ScoreTable,
    names: Vec<String>,
    /// Which of the prompts are examples of a route too.
    examples: Vec<bool>,
}

impl Measured {
    /// For [`crate::evaluation`], which has more to say.
    pub fn scored(&self) -> Scored<'_> {
        Scored {
            rows: &self.rows,
            truths: &self.truths,
            scores: &self.scores,
        }
    }

    /// For [`crate::calibrate`], which has more to say: one row a prompt.
    pub fn sweep_rows(&self) -> Vec<SweepRow> {
        rows(&self.scores, &self.truths)
    }

    fn everywhere(&self, at: Thresholds) -> Vec<Thresholds> {
        vec![at; self.names.len()]
    }

    /// All figures under one pair of thresholds, with intervals by `settings`. Probabilities for the reliability figures are
    /// fitted on these prompts themselves. O(resamples × n).
    pub fn evaluate(&self, at: Thresholds, settings: &Settings) -> Evaluated {
        let by_route = self.everywhere(at);
        let calibrated = Calibrated::new(Method::Platt, self.scored(), "itself", self.scored(), true);
        let prepared = Prepared::new(self.scored(), &self.names, &by_route, calibrated);
        prepared.evaluate_with_intervals(&self.scored().design(), settings, &|| ())
    }

    /// The thresholds that serve the goal best on these prompts: the exact optimum over every point that they can tell apart.
    ///
    /// # Errors
    /// [`Error::Calibrate`] where no thresholds meet the goal's condition, or a condition is out of range.
    pub fn sweep(&self, goal: &Goal) -> Result<Choice, Error> {
        Ok(choose(&self.sweep_rows(), self.names.len(), goal)?)
    }

    /// Thresholds whose selective risk is below a limit with stated confidence (see [`crate::calibrate::certify()`]), or none. Prompts that
    /// are examples of a route do not count, and copies of a prompt count once; `seed` deals the others out, some to lay the path and
    /// the rest to test it.
    pub fn certify(&self, limit: RiskLimit, seed: u64) -> Certification {
        let unseen = self.rows.iter().zip(self.sweep_rows()).zip(&self.examples);
        let (prompts, rows): (Vec<&str>, Vec<SweepRow>) = unseen
            .filter(|(_, example)| !**example)
            .map(|((row, scored), _)| (row.prompt.as_str(), scored))
            .unzip();
        certify(&distinct(seed, &prompts, &rows).rows, self.names.len(), limit)
    }

    /// How many of the same prompts only this one, or only the candidate, decides rightly, each under its thresholds: the right
    /// route, or the fallback for what belongs to none. [`Paired`] has the exact test and the interval of the difference.
    ///
    /// # Panics
    /// If the prompts are others.
    pub fn compare(&self, at: Thresholds, candidate: &Self, candidate_at: Thresholds) -> Paired {
        let prompts = |one: &Self| -> Vec<_> { one.rows.iter().map(|row| row.prompt.clone()).collect() };
        assert_eq!(prompts(self), prompts(candidate), "other prompts");
        Paired::of(self.right(at).into_iter().zip(candidate.right(candidate_at)))
    }

    fn right(&self, at: Thresholds) -> Vec<bool> {
        let decisions = self.scored().decisions(&self.everywhere(at));
        decisions
            .into_iter()
            .map(|(truth, decision)| truth == decision)
            .collect()
    }
}
