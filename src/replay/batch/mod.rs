//! The calls of a run through OpenAI's Batch API: half the price, within a day.
//!
//! *Submit* uploads the open calls, a file a model, and has a batch created of each file; *poll* asks what has become of the
//! batches and writes the answers of those that have ended into the ledger. In between no process has to run: what is in a
//! batch stands in `batches.jsonl`, is not asked again by anybody, and counts against the budget with the most that it can
//! cost.
//!
//! A batch is written down before it is created. Where the program was killed, or the connection, before it could write down
//! what the provider has called it, the next submit or poll looks for it in the provider's list, by our name for it and by
//! the file that it was made of; so nothing is paid for twice. Answers are written once, however often a poll is killed: each
//! call of a batch is a numbered attempt, and an attempt has one line in the ledger.

mod api;
mod poll;
mod report;
mod results;
mod submit;

pub use report::{BatchReport, BatchRow};

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use self::api::{ApiError, BatchApi, BatchState};
use super::Via;
use super::collect::{CollectError, CollectOptions, CollectProgress, CollectSummary, Keys, checks, runtime, summary};
use super::ledger::{
    BatchEnd, BatchLine, BatchOutcomes, Cells, OpenBatch, PromptRecord, RECORD_VERSION, Run, RunFolder, open_batches,
};
use super::plan::Plan;
use super::retry::Failure;

/// How often something that waits looks whether it should stop.
const LOOK: Duration = Duration::from_millis(50);
/// A list may be behind: how long until a batch that is not in it is looked for once more.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What is done with the batches of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchStep {
    /// Open calls are made batches of.
    Submit,
    /// The answers of batches that have ended are fetched.
    Poll,
}

/// Opens the run in `folder`, or starts it there with this manifest and these prompts, and takes the step.
///
/// The report comes with an error where a submit could not do all, or a poll finds that not everything is answered.
///
/// # Errors
/// [`CollectError`]. Before the first request: as [`collect`](super::collect::collect()), and for a poll that there is no
/// run. After it: [`CollectError::Batch`], [`CollectError::Incomplete`], [`CollectError::Interrupted`].
pub fn take(
    step: BatchStep,
    folder: &Path,
    (manifest, prompts): (&impl Serialize, &[PromptRecord]),
    plan: &Plan,
    keys: Keys<'_>,
    options: &CollectOptions,
    progress: &dyn CollectProgress,
) -> Result<(BatchReport, Option<CollectError>), CollectError> {
    if step == BatchStep::Poll {
        Run::load(folder)?;
    }
    let cells = Cells::load(folder)?;
    let mut wanted = vec![false; plan.models.len()];
    if step == BatchStep::Submit {
        checks::check(plan, &cells, options, Via::Batch)?;
        wanted = checks::models_of_open(plan, &cells, options.retry_unknown);
    }
    for batch in open_batches(folder)? {
        // A submit asks only for those of which it is not known whether they are.
        if (step == BatchStep::Poll || batch.batch_id.is_none())
            && let Some(model) = model_of(plan, &batch)
        {
            wanted[model] = true;
        }
    }
    let apis = checks::endpoints(plan, &wanted, keys, options)?
        .iter()
        .map(|e| e.as_ref().map(|e| BatchApi::new(e, options).map(Arc::new)).transpose())
        .collect::<Result<_, _>>()
        .map_err(|message| CollectError::Client { message })?;
    let run = RunFolder::open(folder, manifest, prompts)?;
    for note in run.notes() {
        progress.note(note);
    }
    let mut desk = Desk {
        folder,
        plan,
        open: run.batches().to_vec(),
        run,
        apis,
        options,
        progress,
        rows: Vec::new(),
        failures: Vec::new(),
        endings: Vec::new(),
        interrupted: false,
    };
    let error = runtime()?.block_on(async {
        desk.resolve().await?;
        match step {
            BatchStep::Submit => desk.submit().await,
            BatchStep::Poll => desk.poll().await,
        }
    })?;
    let report = BatchReport {
        kind: "replay_batches",
        schema_version: 1,
        tool_version: env!("CARGO_PKG_VERSION"),
        batches: desk.rows,
        answers: summary::summary(plan, &Cells::load(folder)?),
    };
    Ok((report, error))
}

fn model_of(plan: &Plan, batch: &OpenBatch) -> Option<usize> {
    plan.models.iter().position(|m| m.name == batch.model)
}

/// Works on the batches of a run.
struct Desk<'a> {
    folder: &'a Path,
    plan: &'a Plan,
    run: RunFolder,
    /// `None` for a model that is not asked anything.
    apis: Vec<Option<Arc<BatchApi>>>,
    options: &'a CollectOptions,
    progress: &'a dyn CollectProgress,
    /// The batches that have not ended.
    open: Vec<OpenBatch>,
    rows: Vec<BatchRow>,
    /// What went wrong.
    failures: Vec<String>,
    /// What batches have ended with, other than all their answers.
    endings: Vec<String>,
    interrupted: bool,
}

impl Desk<'_> {
    fn api(&self, batch: &OpenBatch) -> Option<Arc<BatchApi>> {
        self.apis[model_of(self.plan, batch)?].clone()
    }

    /// Finds out of each batch that was about to be created whether it was.
    async fn resolve(&mut self) -> Result<(), CollectError> {
        let mut open = Vec::new();
        for mut batch in std::mem::take(&mut self.open) {
            let api = self
                .api(&batch)
                .filter(|_| batch.batch_id.is_none() && !self.interrupted);
            let Some(api) = api else {
                open.push(batch);
                continue;
            };
            match self.look_up(&api, &batch).await {
                Ok(Some(state)) => {
                    self.run.append_batch(&BatchLine::Created {
                        v: RECORD_VERSION,
                        id: batch.id.clone(),
                        batch_id: state.id.clone(),
                    })?;
                    self.progress.note(&format!(
                        "{} of {} was created before the program was stopped, and is found again",
                        state.id, batch.model
                    ));
                    batch.batch_id = Some(state.id);
                    open.push(batch);
                }
                Ok(None) => {
                    self.end(&batch, BatchEnd::NeverCreated, BatchOutcomes::default())?;
                    self.progress.note(&format!(
                        "a batch of {} calls of {} was never created: its calls are open again",
                        batch.calls.len(),
                        batch.model
                    ));
                }
                Err(error) => {
                    let what = "cannot list the batches to see whether one was created";
                    self.failed(&batch.model, what, error);
                    open.push(batch);
                }
            }
        }
        self.open = open;
        Ok(())
    }

    async fn look_up(&self, api: &BatchApi, batch: &OpenBatch) -> Result<Option<BatchState>, ApiError> {
        let found = api.find(&batch.id, &batch.file_id).await?;
        if found.is_some() {
            return Ok(found);
        }
        self.progress.note(&format!(
            "a batch of {} may have been created and is not in the provider's list: looking again in {} s",
            batch.model,
            LOOK_AGAIN.as_secs()
        ));
        let until = tokio::time::Instant::now() + LOOK_AGAIN;
        while tokio::time::Instant::now() < until {
            if (self.options.stop)() {
                return Err(ApiError::Stopped);
            }
            tokio::time::sleep(LOOK).await;
        }
        api.find(&batch.id, &batch.file_id).await
    }

    /// Writes down that a batch has ended.
    fn end(&self, batch: &OpenBatch, end: BatchEnd, outcomes: BatchOutcomes) -> Result<(), CollectError> {
        let line = BatchLine::Ended {
            v: RECORD_VERSION,
            id: batch.id.clone(),
            end,
            outcomes,
        };
        Ok(self.run.append_batch(&line)?)
    }

    fn failed(&mut self, model: &str, what: &str, error: ApiError) {
        match error {
            ApiError::Stopped => self.interrupted = true,
            ApiError::Failed(failure) => self.failures.push(format!("\"{model}\": {what}: {}", told(&failure))),
        }
    }

    fn stopped(&self) -> bool {
        self.interrupted || (self.options.stop)()
    }

    /// Why a step that was cut short was, if it was.
    fn cut_short(&self, summary: &CollectSummary) -> Option<CollectError> {
        if self.stopped() {
            return Some(CollectError::Interrupted {
                answered: summary.total.answered,
                total: summary.total.cells,
                resume: self.options.resume.to_string(),
            });
        }
        (!self.failures.is_empty()).then(|| CollectError::Batch {
            failures: self.failures.clone(),
        })
    }
}

fn told(failure: &Failure) -> String {
    match failure.status {
        Some(status) => format!("status {status}: {}", failure.message),
        None => failure.message.clone(),
    }
}
