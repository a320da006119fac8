//! Fills the matrix: every prompt, every model, within the budget and the limits, through the ledger.
//!
//! One loop hands out the calls in the order of the plan and waits wherever the next one has to wait (for a place at its
//! model, for room in the budget), so that the models advance together and whatever is answered when it ends is paired.
//! Each call is a task that makes its attempts.

pub(in crate::replay) mod call;
pub(in crate::replay) mod checks;
mod error;
mod resume;
pub(in crate::replay) mod summary;

pub use checks::check_addresses;
pub use error::CollectError;
pub use resume::CommandLine;
pub use summary::{CellCounts, CollectSummary, DryRun, DryRunModel, ModelCounts};

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use super::Via;
use super::budget::Budget;
use super::client::Asker;
use super::ledger::{Cells, LedgerError, PromptRecord, RunFolder};
use super::limits::Limits;
use super::plan::Plan;

/// How often a waiting loop looks whether it should stop.
const LOOK: Duration = Duration::from_millis(50);

/// How to collect.
#[derive(Debug, Clone)]
pub struct CollectOptions {
    /// Most dollars that may be spent on the run in all.
    pub max_usd: Option<f64>,
    /// Dollars that count as spent on the same budget elsewhere.
    pub spent_elsewhere_usd: f64,
    /// Attempts a call gets.
    pub attempts: u32,
    /// Longest time for one request.
    pub timeout: Duration,
    /// Longest pause that a server may ask for.
    pub max_retry_after: Duration,
    /// After a request to stop, how long calls in flight may take to end.
    pub drain: Duration,
    /// Ask again what may have been billed.
    pub retry_unknown: bool,
    /// Send keys to plain http addresses of other machines.
    pub allow_http: bool,
    /// Seed of the pauses between attempts.
    pub seed: u64,
    /// Whether the user wants to stop.
    pub stop: fn() -> bool,
    /// The command that goes on with the run, for messages.
    pub resume: CommandLine,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            max_usd: None,
            spent_elsewhere_usd: 0.0,
            attempts: 5,
            timeout: Duration::from_mins(2),
            max_retry_after: Duration::from_mins(2),
            drain: Duration::from_secs(30),
            retry_unknown: false,
            allow_http: false,
            seed: 0,
            stop: || false,
            resume: CommandLine::default(),
        }
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tally {
    /// Calls that have ended, well or not.
    pub done: u64,
    /// Attempts that failed.
    pub errors: u64,
    /// Dollars that count as spent.
    pub spent_usd: f64,
    /// The cap.
    pub max_usd: Option<f64>,
}

/// Hears how far a run is.
pub trait CollectProgress: Send + Sync {
    /// So many calls will be made.
    fn begin(&self, calls: u64);
    /// Something has ended.
    fn update(&self, tally: Tally);
    /// Something that the user should know now.
    fn note(&self, text: &str);
    /// The last call has ended.
    fn end(&self);
}

/// A key by the name of its variable.
pub type Keys<'k> = &'k dyn Fn(&str) -> Option<String>;

/// What the open calls of the run in `folder` (there may be none yet) would cost. Asks nobody, writes nothing.
///
/// # Errors
/// [`LedgerError`] where there is a run that cannot be read.
pub fn dry_run(folder: &Path, plan: &Plan, retry_unknown: bool, via: Via) -> Result<DryRun, LedgerError> {
    Ok(summary::dry_run(plan, &Cells::load(folder)?, retry_unknown, via))
}

/// What the run in `folder` has; asks nobody, writes nothing.
///
/// # Errors
/// [`CollectError::Missing`] where an answer is not there.
pub fn offline(folder: &Path, plan: &Plan) -> Result<CollectSummary, CollectError> {
    let summary = summary::summary(plan, &Cells::load(folder)?);
    if summary.total.missing() > 0 {
        return Err(CollectError::Missing {
            missing: summary.total.missing(),
            total: summary.total.cells,
        });
    }
    Ok(summary)
}

/// Opens the run in `folder`, or starts it there with this manifest and these prompts, and makes the calls that are open.
///
/// The summary comes with an error where not everything is answered: what is there is there.
///
/// # Errors
/// [`CollectError`]: see its variants. Before the first call: settings that cannot be, a missing price or budget, another
/// run in the folder. After it: [`CollectError::Incomplete`], [`CollectError::NoAnswers`], [`CollectError::Interrupted`].
pub fn collect(
    folder: &Path,
    (manifest, prompts): (&impl Serialize, &[PromptRecord]),
    plan: Plan,
    keys: Keys<'_>,
    options: CollectOptions,
    progress: Arc<dyn CollectProgress>,
) -> Result<(CollectSummary, Option<CollectError>), CollectError> {
    let open_before = Cells::load(folder)?;
    checks::check(&plan, &open_before, &options, Via::Sync)?;
    let wanted = checks::models_of_open(&plan, &open_before, options.retry_unknown);
    let endpoints = checks::endpoints(&plan, &wanted, keys, &options)?;
    let askers: Vec<Option<Asker>> = endpoints
        .iter()
        .map(|e| e.as_ref().map(|e| Asker::new(e, options.timeout)).transpose())
        .collect::<Result<_, _>>()
        .map_err(|message| CollectError::Client { message })?;
    let run = RunFolder::open(folder, manifest, prompts)?;
    for note in run.notes() {
        progress.note(note);
    }
    let open: Vec<usize> = (0..plan.calls.len())
        .filter(|i| summary::is_open(run.cells(), &plan.calls[*i], options.retry_unknown))
        .collect();
    progress.begin(open.len() as u64);
    let shared = Arc::new(Shared {
        limits: Limits::new(&plan.models),
        budget: Budget::new(options.max_usd, options.spent_elsewhere_usd + run.cells().charged_usd()),
        tally: Mutex::new((0, 0)),
        short: AtomicBool::new(false),
        fatal: Mutex::new(None),
        askers,
        plan,
        run,
        options,
        progress,
    });
    let ended = if open.is_empty() {
        Ended::All
    } else {
        runtime()?.block_on(hand_out(&shared, &open))
    };
    shared.progress.end();
    if let Some(error) = shared.fatal.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error.into());
    }
    let cells = Cells::load(folder)?;
    let summary = summary::summary(&shared.plan, &cells);
    let error = shared.verdict(&summary, &cells, ended);
    Ok((summary, error))
}

pub(in crate::replay) fn runtime() -> Result<tokio::runtime::Runtime, CollectError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| CollectError::Client { message: e.to_string() })
}

/// What the tasks of a run share.
struct Shared {
    plan: Plan,
    run: RunFolder,
    /// `None` for a model that has no open call.
    askers: Vec<Option<Asker>>,
    limits: Limits,
    budget: Arc<Budget>,
    options: CollectOptions,
    progress: Arc<dyn CollectProgress>,
    /// Calls ended, attempts failed.
    tally: Mutex<(u64, u64)>,
    /// A call that was to be repeated does not fit into the budget.
    short: AtomicBool,
    /// The ledger cannot be written: nothing more may be asked.
    fatal: Mutex<Option<LedgerError>>,
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Every open call was handed out, or its model given up.
    All,
    /// The next call does not fit into the budget.
    Budget,
    /// The user, or a ledger that cannot be written.
    Stopped,
}

async fn hand_out(shared: &Arc<Shared>, open: &[usize]) -> Ended {
    let mut tasks = JoinSet::new();
    let mut ended = Ended::All;
    for &index in open {
        let call = &shared.plan.calls[index];
        let entered = tokio::select! {
            entered = shared.limits.enter(call.model) => entered,
            () = shared.halted() => {
                ended = Ended::Stopped;
                break;
            }
        };
        if !entered {
            continue;
        }
        let place = Place(Arc::clone(shared), call.model);
        // Where a price is missing nobody is paid: `checks` has refused the others.
        let worst_usd = shared.plan.worst_usd(call, Via::Sync).unwrap_or(0.0);
        let reservation = tokio::select! {
            reservation = shared.budget.reserve(worst_usd) => reservation,
            () = shared.halted() => {
                ended = Ended::Stopped;
                break;
            }
        };
        let Some(reservation) = reservation else {
            ended = Ended::Budget;
            break;
        };
        if shared.is_halted() {
            reservation.release();
            ended = Ended::Stopped;
            break;
        }
        tasks.spawn(call::make(place, index, reservation));
        while tasks.try_join_next().is_some() {}
    }
    if ended != Ended::Stopped {
        tokio::select! {
            () = all(&mut tasks) => return ended,
            () = shared.halted() => ended = Ended::Stopped,
        }
    }
    // What is in flight is paid for: its answers are waited for, but not for ever. What is given up stays in sent.jsonl
    // and is known when the run is opened again.
    while tasks.try_join_next().is_some() {}
    if (shared.options.stop)() && !tasks.is_empty() {
        shared.progress.note(&format!(
            "stopping: {} calls in flight are waited for, {} s at the most; Ctrl-C again ends at once",
            tasks.len(),
            shared.options.drain.as_secs()
        ));
    }
    if tokio::time::timeout(shared.options.drain, all(&mut tasks))
        .await
        .is_err()
    {
        tasks.shutdown().await;
    }
    ended
}

async fn all(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// A call's place at its model, left when it is dropped.
struct Place(Arc<Shared>, usize);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.limits.leave(self.1);
    }
}

impl Shared {
    fn is_halted(&self) -> bool {
        (self.options.stop)() || self.fatal.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Ends when the run should.
    async fn halted(&self) {
        while !self.is_halted() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Counts, and shows.
    fn count(&self, done: u64, errors: u64) {
        let (done, errors) = {
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            *tally = (tally.0 + done, tally.1 + errors);
            *tally
        };
        self.progress.update(Tally {
            done,
            errors,
            spent_usd: self.budget.spent_usd(),
            max_usd: self.options.max_usd,
        });
    }

    fn fail(&self, error: LedgerError) {
        self.fatal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(error);
    }

    /// What to say of a run that has ended.
    fn verdict(&self, summary: &CollectSummary, cells: &Cells, ended: Ended) -> Option<CollectError> {
        let (missing, total) = (summary.total.missing(), summary.total.cells);
        let mut command = self.options.resume.clone();
        if missing == 0 {
            return None;
        }
        if (self.options.stop)() {
            return Some(CollectError::Interrupted {
                answered: summary.total.answered,
                total,
                resume: command.to_string(),
            });
        }
        let stopped: Vec<String> = (0..self.plan.models.len())
            .filter_map(|m| Some(format!("{}: {}", self.plan.models[m].name, self.limits.stopped(m)?)))
            .collect();
        if summary.total.answered == 0 && !stopped.is_empty() {
            return Some(CollectError::NoAnswers {
                reasons: stopped,
                resume: command.to_string(),
            });
        }
        let mut reasons = Vec::new();
        if ended == Ended::Budget || self.short.load(Ordering::Relaxed) {
            let spent = self.budget.spent_usd();
            let rest = summary::dry_run(&self.plan, cells, self.options.retry_unknown, Via::Sync);
            reasons.push(format!(
                "the budget of ${} is used up (${spent:.6} spent, and the next call does not fit)",
                self.options.max_usd.unwrap_or_default()
            ));
            let needed = ((spent + rest.worst_usd.unwrap_or_default()) * 100.0).ceil() / 100.0;
            command = command.with("--max-usd", &format!("{needed:.2}"));
        }
        reasons.extend(stopped);
        reasons.extend(summary.reasons());
        if summary.total.unknown == missing {
            command = command.with_switch("--retry-unknown");
        }
        if summary.total.in_batch == missing {
            command = command.with("--batch", "poll");
        }
        Some(CollectError::Incomplete {
            missing,
            total,
            reason: reasons.join("; "),
            resume: command.to_string(),
        })
    }
}
