//! From a matrix to a comparison of policies: pure, without a call.
//!
//! Everything is computed on the same prompts, those that are [complete](crate::replay::matrix::Matrix::complete). Intervals
//! are paired bootstraps over prompts: one resample gives every policy's figures at once, so differences are between policies
//! on the same prompts. Copies of one text are drawn together.

mod error;
mod figures;
mod groups;
mod latency;
mod notes;
mod policy;
mod sweep;

pub use error::AnalysisError;
pub(crate) use figures::{Named, design, estimate, weighted};
pub use sweep::{SweepRow, sweep_rows};

use self::figures::Figures;
use self::policy::{Policy, PolicyContext, policies};
use super::graders::judge::Audit;
use super::matrix::{Complete, Matrix, share};
use super::policies::{Routing, shuffle_test};
use crate::report::{
    AnchorsReport, CornerReport, DropCause, DroppedReport, Estimate, ModelReport, PolicyReport, REPORT_VERSION,
    ReplayProvenance, ReplayReport, ShuffleReport,
};
use crate::stats::bootstrap::Settings;

/// Dollars are shown for a thousand prompts.
pub(crate) const THOUSAND: f64 = 1000.0;
/// A shuffle p-value below this is called a router that beats its own mix.
const ALPHA: f64 = 0.05;

/// Which cost decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostBasis {
    /// Cached tokens priced like any other: does not depend on the order of the calls.
    List,
    /// As billed.
    Billed,
}

impl CostBasis {
    /// Name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Billed => "billed",
        }
    }

    pub(crate) fn of(self, complete: &Complete) -> &[f64] {
        match self {
            Self::List => &complete.list,
            Self::Billed => &complete.billed,
        }
    }
}

/// What becomes of an answer without a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ungraded {
    /// Its prompt is left out, for every policy.
    Drop,
    /// It is worth 0. For those who would not use such an answer: one that is cut off or refused, say.
    Wrong,
}

impl Ungraded {
    /// Name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Wrong => "wrong",
        }
    }
}

/// How to compare.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which cost decides.
    pub cost: CostBasis,
    /// What becomes of answers without a score.
    pub ungraded: Ungraded,
    /// The weak model; the cheapest where `None`.
    pub weak: Option<String>,
    /// The strong model; the best where `None`.
    pub strong: Option<String>,
    /// Share of strong calls of the random mix.
    pub random: f64,
    /// Milliseconds that the router itself takes.
    pub router_ms: f64,
    /// Intervals and shuffles.
    pub bootstrap: Settings,
}

impl Options {
    /// The weak and the strong model, where they are named.
    fn named(&self) -> (Option<&str>, Option<&str>) {
        (self.weak.as_deref(), self.strong.as_deref())
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The answers.
    pub matrix: &'a Matrix,
    /// The router's view of every prompt of the matrix; `None` without one.
    pub routing: Option<&'a Routing>,
    /// Whether the thresholds of the router were chosen on some of these prompts.
    pub in_sample: bool,
    /// How far the judge can be trusted; `None` where none graded.
    pub judge: Option<&'a Audit>,
}

/// Compares policies. O((policies + log prompts) · prompts · resamples), in parallel.
///
/// # Errors
/// [`AnalysisError`]: no prompts, none of them complete, a model without answers.
pub fn analyse(
    input: &Input<'_>,
    options: &Options,
    provenance: ReplayProvenance,
) -> Result<ReplayReport, AnalysisError> {
    let matrix = input.matrix;
    let (complete, reported) = compared(matrix, options.ungraded)?;
    let cost = options.cost.of(&complete);
    let (weak, strong) = anchors(matrix, &complete, cost, options.named())?;
    let routing = input.routing.map(|r| r.select(&complete.prompts));
    let categories = groups::categories(matrix, &complete);
    let policies = policies(
        input,
        options,
        &complete,
        routing.as_ref(),
        categories.as_deref(),
        (weak, strong),
    );
    let usd = |policy: &Policy| match input.routing {
        Some(routing) if policy.routed => routing.usd_per_prompt,
        _ => 0.0,
    };
    let named: Vec<Named> = policies
        .iter()
        .map(|p| Named::new(&complete, &p.choice, options.cost, usd(p)))
        .collect();
    let position = |name: &str| policies.iter().position(|p| p.name == name);
    let figures = Figures::compute(
        &figures::Setup {
            matrix,
            complete: &complete,
            cost,
            weak,
            strong,
            oracle: position("oracle").unwrap_or_default(),
            routed: position("routed").zip(position("shuffle")),
            routing: routing.as_ref(),
        },
        &named,
        options.bootstrap,
    );
    let bounds = [0.0, 1.0].map(|score| matrix.bounded(score));
    let reports: Vec<PolicyReport> = policies
        .iter()
        .enumerate()
        .map(|(i, policy)| {
            let of = PolicyContext {
                input,
                complete: &complete,
                options,
                bounds: &bounds,
                strong,
            };
            of.report(policy, i, &figures)
        })
        .collect();
    let shuffle = shuffle(&policies, &complete, options, &figures);
    let mut report = ReplayReport {
        kind: "replay".into(),
        schema_version: REPORT_VERSION,
        provenance,
        n: complete.n() as u64,
        prompts: matrix.prompts().len() as u64,
        samples: matrix.samples() as u64,
        dropped: reported,
        usage_sources: matrix
            .usage_sources()
            .into_iter()
            .map(|(k, n)| (k.to_owned(), n))
            .collect(),
        models: (0..matrix.models().len()).map(|m| model_report(matrix, m)).collect(),
        anchors: AnchorsReport {
            weak: matrix.models()[weak].clone(),
            strong: matrix.models()[strong].clone(),
            dominated: figures.anchors.is_none(),
            gap: figures.gap,
        },
        pareto: figures.pareto(
            &policies
                .iter()
                .map(|p| (p.name.clone(), p.hindsight))
                .collect::<Vec<_>>(),
        ),
        policies: reports,
        zero_router: corners(&figures.zero_router),
        shuffle,
        sweep: figures.sweep.clone(),
        by_route: groups::by_route(matrix, &complete, cost, routing.as_ref()),
        by_category: groups::by_category(matrix, &complete, cost, routing.as_ref(), categories.as_deref()),
        judge: input.judge.cloned(),
        notes: Vec::new(),
    };
    report.notes = notes::notes(&report, input, options);
    Ok(report)
}

/// The prompts that are compared, and why the others are not.
pub(crate) fn compared(matrix: &Matrix, ungraded: Ungraded) -> Result<(Complete, DroppedReport), AnalysisError> {
    let prompts = matrix.prompts().len() as u64;
    if prompts == 0 {
        return Err(AnalysisError::NoPrompts);
    }
    let complete = match ungraded {
        Ungraded::Drop => matrix.complete(),
        Ungraded::Wrong => matrix.bounded(0.0),
    };
    let causes: Vec<DropCause> = complete
        .dropped
        .iter()
        .map(|((cause, model), prompts)| DropCause {
            cause: cause.name().into(),
            model: matrix.models()[*model].clone(),
            prompts: *prompts,
        })
        .collect();
    if complete.n() == 0 {
        let all = |name: &str| causes.iter().all(|c| c.cause == name);
        return Err(AnalysisError::NothingComplete {
            prompts,
            ungraded: all("ungraded"),
            no_cost: all("no_cost"),
            causes: causes
                .iter()
                .map(|c| format!("{} are {} at {}", c.prompts, c.cause.replace('_', " "), c.model))
                .collect::<Vec<_>>()
                .join(", "),
        });
    }
    let dropped = DroppedReport {
        prompts: complete.dropped_prompts,
        causes,
    };
    Ok((complete, dropped))
}

/// The weak and the strong model of a matrix, by index: as named, else the cheapest and the best on the compared prompts.
///
/// # Errors
/// As [`analyse`].
pub fn anchors_of(matrix: &Matrix, options: &Options) -> Result<(usize, usize), AnalysisError> {
    let (complete, _) = compared(matrix, options.ungraded)?;
    anchors(matrix, &complete, options.cost.of(&complete), options.named())
}

/// The compared prompts of a matrix.
///
/// # Errors
/// As [`analyse`].
pub fn complete_of(matrix: &Matrix, ungraded: Ungraded) -> Result<Complete, AnalysisError> {
    Ok(compared(matrix, ungraded)?.0)
}

/// The weak and the strong model: as named, else the cheapest and the best. Where the cheapest is the best, the dearest
/// stands for the strong one, so that the report can say that it is dominated.
pub(crate) fn anchors(
    matrix: &Matrix,
    complete: &Complete,
    cost: &[f64],
    (weak, strong): (Option<&str>, Option<&str>),
) -> Result<(usize, usize), AnalysisError> {
    let named = |name: Option<&str>, wanted_for| match name {
        None => Ok(None),
        Some(name) => matrix.model(name).map(Some).ok_or_else(|| AnalysisError::UnknownModel {
            model: name.to_owned(),
            wanted_for,
            present: matrix.models().to_vec(),
        }),
    };
    let models = 0..complete.models;
    let price = |m: &usize| complete.mean(cost, *m).unwrap_or_default();
    let quality = |m: &usize| complete.mean(&complete.score, *m).unwrap_or_default();
    let weak = match named(weak, "--weak")? {
        Some(model) => model,
        None => models
            .clone()
            .min_by(|a, b| price(a).total_cmp(&price(b)).then(quality(b).total_cmp(&quality(a))))
            .unwrap_or_default(),
    };
    let strong = if let Some(model) = named(strong, "--strong")? {
        model
    } else {
        let best = models
            .clone()
            .max_by(|a, b| quality(a).total_cmp(&quality(b)).then(price(b).total_cmp(&price(a))))
            .unwrap_or_default();
        if best == weak {
            models.max_by(|a, b| price(a).total_cmp(&price(b))).unwrap_or(best)
        } else {
            best
        }
    };
    Ok((weak, strong))
}

fn shuffle(policies: &[Policy], complete: &Complete, options: &Options, figures: &Figures) -> Option<ShuffleReport> {
    let routed = policies.iter().find(|p| p.routed)?;
    let test = shuffle_test(
        complete,
        &routed.choice,
        options.bootstrap.resamples,
        options.bootstrap.seed,
    )?;
    Some(ShuffleReport {
        difference: figures.shuffle,
        p_value: test.p_value,
        permutations: test.permutations,
        beats_own_mix: test.p_value < ALPHA,
    })
}

fn model_report(matrix: &Matrix, model: usize) -> ModelReport {
    let (mean, n) = matrix.graded_mean(model);
    let (p50, p95) = latency::of_model(matrix, model);
    ModelReport {
        model: matrix.models()[model].clone(),
        outcomes: matrix
            .outcomes(model)
            .into_iter()
            .map(|(outcome, n)| (outcome.name().to_owned(), n))
            .collect(),
        quality: Estimate::new(mean, n),
        latency_p50_ms: p50,
        latency_p95_ms: p95,
    }
}

/// A hull for a thousand prompts.
pub(crate) fn corners(hull: &[super::frontier::Point]) -> Vec<CornerReport> {
    hull.iter()
        .map(|p| CornerReport {
            usd_per_1k: p.cost * THOUSAND,
            quality: p.quality,
        })
        .collect()
}

/// The share of answers with an outcome, over a model's answers.
pub(crate) fn outcome_share(model: &ModelReport, outcome: &str) -> Option<f64> {
    let all = model.outcomes.values().sum();
    share(model.outcomes.get(outcome).copied().unwrap_or_default(), all)
}
