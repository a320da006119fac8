//! Batches that have ended to lines of the ledger.

use super::api::{ApiError, BatchApi, BatchState};
use super::results::Results;
use super::{BatchRow, Desk};
use crate::replay::collect::{CollectError, CollectSummary, summary};
use crate::replay::ledger::{BatchEnd, Cells, OpenBatch, Record};

/// What to say where the provider no longer has what was paid for.
const GIVE_UP: &str = "--retry-unknown counts its calls as spent and asks them again";

/// Reasons of a failed batch that are told.
const ERRORS: usize = 3;

/// A batch whose results were fetched, or not.
enum Fetched<'a> {
    Results(Results<'a>),
    /// The provider does not have them.
    Gone(Results<'a>),
    Failed(ApiError),
}

impl<'a> Desk<'a> {
    pub(super) async fn poll(&mut self) -> Result<Option<CollectError>, CollectError> {
        for batch in std::mem::take(&mut self.open) {
            let row = if self.stopped() {
                BatchRow::waiting(&batch, "submitted")
            } else {
                self.look_at(&batch).await?
            };
            self.rows.push(row);
        }
        let summary = summary::summary(self.plan, &Cells::load(self.folder)?);
        if summary.total.missing() == 0 {
            return Ok(None);
        }
        Ok(Some(
            self.cut_short(&summary).unwrap_or_else(|| self.unfinished(&summary)),
        ))
    }

    async fn look_at(&mut self, batch: &OpenBatch) -> Result<BatchRow, CollectError> {
        let (Some(api), Some(batch_id)) = (self.api(batch), &batch.batch_id) else {
            return Ok(BatchRow::waiting(batch, "unresolved"));
        };
        let state = match api.state(batch_id).await {
            Ok(state) => state,
            Err(ApiError::Failed(f)) if f.status == Some(404) && self.options.retry_unknown => {
                return self.give_up(batch, &api);
            }
            Err(error) => {
                let what = match &error {
                    ApiError::Failed(f) if f.status == Some(404) => {
                        format!("{batch_id} is not known there (is it the key of the same project? {GIVE_UP})")
                    }
                    _ => format!("cannot ask for {batch_id}"),
                };
                self.failed(&batch.model, &what, error);
                return Ok(BatchRow::waiting(batch, "unknown"));
            }
        };
        let end = match state.status.as_str() {
            "completed" => BatchEnd::Completed,
            "failed" => BatchEnd::Failed,
            "expired" => BatchEnd::Expired,
            "cancelled" | "canceled" => BatchEnd::Cancelled,
            _ => return Ok(BatchRow::going_on(batch, &state)),
        };
        let (results, gone) = match self.fetch(&api, batch, &state).await? {
            Fetched::Results(results) => (results, false),
            Fetched::Gone(results) if self.options.retry_unknown => (results, true),
            Fetched::Gone(_) => {
                let text = format!(
                    "\"{}\": {batch_id} is {} and its results are not there; {GIVE_UP}",
                    batch.model, state.status
                );
                self.failures.push(text);
                return Ok(BatchRow::going_on(batch, &state));
            }
            Fetched::Failed(error) => {
                let what = format!("cannot fetch the results of {batch_id}");
                self.failed(&batch.model, &what, error);
                return Ok(BatchRow::going_on(batch, &state));
            }
        };
        self.close(batch, &state, end, (results, gone))
    }

    /// Fetches what a batch has ended with, and writes it down.
    async fn fetch<'b>(
        &self,
        api: &'b BatchApi,
        batch: &'b OpenBatch,
        state: &BatchState,
    ) -> Result<Fetched<'b>, CollectError>
    where
        'a: 'b,
    {
        let mut results = Results::new(self.plan, batch, api.key(), api.longest());
        let mut gone = state.completed > 0 && state.output_file_id.is_none();
        for file_id in [&state.output_file_id, &state.error_file_id].into_iter().flatten() {
            match api.content(file_id).await {
                Ok(file) => self.write(results.read(&file))?,
                Err(ApiError::Failed(f)) if f.status == Some(404) => gone = true,
                Err(error) => return Ok(Fetched::Failed(error)),
            }
        }
        Ok(if gone {
            Fetched::Gone(results)
        } else {
            Fetched::Results(results)
        })
    }

    /// Writes the outcomes that an earlier poll, killed before its end, has not written.
    fn write(&self, records: Vec<Record>) -> Result<(), CollectError> {
        let cells = self.run.cells();
        let new = |r: &Record| cells.attempts(&r.key) < r.attempt;
        let records: Vec<Record> = records.into_iter().filter(new).collect();
        Ok(self.run.append_all(&records)?)
    }

    /// Writes down what became of the calls without a result, and that the batch has ended. `gone`: it had results.
    fn close(
        &mut self,
        batch: &OpenBatch,
        state: &BatchState,
        end: BatchEnd,
        (mut results, gone): (Results<'_>, bool),
    ) -> Result<BatchRow, CollectError> {
        // What the file said was wrong with it, nothing was asked. Else a call without a line was not made, unless
        // something says that there are lines which are not known here.
        let made = end != BatchEnd::Failed
            && (end == BatchEnd::Completed
                || gone
                || results.oddities.unreadable > 0
                || state.completed > results.outcomes.answered + results.outcomes.unknown);
        self.write(results.rest(made))?;
        self.end(batch, end, results.outcomes)?;
        for oddity in results.oddities.told() {
            self.progress.note(&format!("warning: {}: {oddity}", state.id));
        }
        let outcomes = results.outcomes;
        if end != BatchEnd::Completed {
            let mut text = format!(
                "{} has {} with {} of {} answers",
                state.id,
                state.status,
                outcomes.answered,
                batch.calls.len()
            );
            if !state.errors.is_empty() {
                text.push_str(&format!(
                    ": {}",
                    state.errors[..state.errors.len().min(ERRORS)].join("; ")
                ));
            }
            self.endings.push(text);
        }
        Ok(BatchRow::ended(batch, &state.status, outcomes))
    }

    /// A batch that the provider does not know: its calls may have been billed.
    fn give_up(&mut self, batch: &OpenBatch, api: &BatchApi) -> Result<BatchRow, CollectError> {
        let mut results = Results::new(self.plan, batch, api.key(), api.longest());
        self.write(results.rest(true))?;
        self.end(batch, BatchEnd::Lost, results.outcomes)?;
        Ok(BatchRow::ended(batch, "lost", results.outcomes))
    }

    fn unfinished(&self, summary: &CollectSummary) -> CollectError {
        let (missing, total) = (summary.total.missing(), &summary.total);
        let mut reasons = self.endings.clone();
        reasons.extend(summary.reasons());
        if total.open > 0 {
            reasons.push(format!("{} were not asked, or are free to be asked again", total.open));
        }
        let mut command = self.options.resume.clone();
        if total.in_batch == 0 {
            command = command.with("--batch", "submit");
            if total.unknown == missing {
                command = command.with_switch("--retry-unknown");
            }
        }
        CollectError::Incomplete {
            missing,
            total: total.cells,
            reason: reasons.join("; "),
            resume: command.to_string(),
        }
    }
}
