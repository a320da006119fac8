//! A run's folder: opened to be written by one process, or read by any.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::batches::{self, BATCHES, BatchLine, OpenBatch};
use super::journal::{self, Journal, Lines};
use super::lock::RunLock;
use super::manifest::differences;
use super::{Cells, LedgerError, Manifest, PromptRecord, Record, Status};
use crate::replay::seal::{self, seal_manifest, unseal_manifest};
use crate::store::{self, write_privately};

const MANIFEST: &str = "manifest.json";
pub(super) const RESPONSES: &str = "responses.jsonl";
const PROMPTS: &str = "prompts.jsonl";
pub(super) const SENT: &str = "sent.jsonl";

/// A run as it was read: what grading and analysis start from.
#[derive(Debug, Clone)]
pub struct Run {
    /// What the run is.
    pub manifest: Manifest,
    /// Its prompts, in the order of the dataset.
    pub prompts: Vec<PromptRecord>,
    /// Every outcome, in the order in which they came.
    pub records: Vec<Record>,
    /// Bytes of a torn last line, which were passed over.
    pub torn: u64,
}

impl Run {
    /// Reads the files of a run; takes no lock and changes nothing.
    ///
    /// # Errors
    /// [`LedgerError`]: no run, unreadable, a line that is none.
    pub fn load(folder: &Path) -> Result<Self, LedgerError> {
        let Some(manifest) = manifest(folder)? else {
            return Err(LedgerError::NoRun {
                folder: folder.to_owned(),
            });
        };
        let manifest: Manifest = serde_json::from_value(manifest).map_err(|e| LedgerError::Line {
            path: folder.join(MANIFEST),
            line: 1,
            message: e.to_string(),
        })?;
        let path = folder.join(PROMPTS);
        let prompts: Vec<PromptRecord> = journal::read(&path)?.items;
        if prompts.len() as u64 != manifest.prompts {
            return Err(LedgerError::Line {
                path,
                line: prompts.len(),
                message: format!("{} prompts, and the run has {}", prompts.len(), manifest.prompts),
            });
        }
        let records: Lines<Record> = journal::read(&folder.join(RESPONSES))?;
        Ok(Self {
            manifest,
            prompts,
            torn: records.torn,
            records: records.items,
        })
    }

    /// The outcome of each cell, by its key; see [`Cells`].
    pub fn cells(&self) -> Cells {
        Cells::of(&self.records)
    }
}

/// A run that is being written.
#[derive(Debug)]
pub struct RunFolder {
    responses: Journal,
    sent: Journal,
    batch_lines: Journal,
    batches: Vec<OpenBatch>,
    cells: Cells,
    records: Vec<Record>,
    notes: Vec<String>,
    _lock: RunLock,
}

impl RunFolder {
    /// Opens the run in `folder`, or starts it there. `manifest` is a [`Manifest`], or another document that says what the
    /// run is and carries a `schema_version`.
    ///
    /// Calls that were on their way when an earlier process was killed become outcomes of status `budget_unknown`.
    ///
    /// # Errors
    /// [`LedgerError`]: in use, another run, unreadable, cannot be written.
    pub fn open(folder: &Path, manifest: &impl Serialize, prompts: &[PromptRecord]) -> Result<Self, LedgerError> {
        make_folder(folder)?;
        not_foreign(folder)?;
        let lock = RunLock::take(folder)?;
        match self::manifest(folder)? {
            Some(was) => {
                let differences = differences(&was, &serde_json::to_value(manifest).unwrap_or_default());
                if !differences.is_empty() {
                    return Err(LedgerError::OtherRun {
                        folder: folder.to_owned(),
                        differences,
                    });
                }
            }
            None => start(folder, manifest, prompts)?,
        }
        let mut notes = Vec::new();
        let path = folder.join(RESPONSES);
        let lines: Lines<Record> = journal::read(&path)?;
        if lines.torn > 0 {
            notes.push(format!(
                "{}: the last line was torn ({} bytes without an end) and is cut off",
                path.display(),
                lines.torn
            ));
        }
        let responses = Journal::open(&path, &lines)?;
        let mut records = lines.items;
        let path = folder.join(SENT);
        // A torn line here is that of a call which was not sent.
        let lines: Lines<Record> = journal::read(&path)?;
        let sent = Journal::open(&path, &lines)?;
        let lost = without_end(lines.items, &records);
        for call in &lost {
            responses.append(call)?;
        }
        if !lost.is_empty() {
            notes.push(format!(
                "calls on their way when the run was killed: {}; they may have been billed and count as spent",
                lost.len()
            ));
        }
        records.extend(lost);
        sent.clear()?;
        let path = folder.join(BATCHES);
        // A torn line here is that of a batch that was not created, or of something that is found out again.
        let lines: Lines<BatchLine> = journal::read(&path)?;
        let batches = batches::open_of(&path, &lines)?;
        let batch_lines = Journal::open(&path, &lines)?;
        Ok(Self {
            responses,
            sent,
            batch_lines,
            cells: Cells::of(&records).with(&batches),
            batches,
            records,
            notes,
            _lock: lock,
        })
    }

    /// What was found when the run was opened.
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The records that were there when the run was opened.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The batches that had not ended when the run was opened.
    pub fn batches(&self) -> &[OpenBatch] {
        &self.batches
    }

    /// What the user should know of how the files were found.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Writes down that a call is about to be sent: `call` is the outcome it will have had if nothing more is heard of it.
    ///
    /// # Errors
    /// [`LedgerError::Write`]; the call must not be sent then.
    pub fn sending(&self, call: &Record) -> Result<(), LedgerError> {
        debug_assert_eq!(call.status, Status::BudgetUnknown);
        self.sent.append(call)
    }

    /// Appends an outcome.
    ///
    /// # Errors
    /// [`LedgerError::Write`].
    pub fn append(&self, record: &Record) -> Result<(), LedgerError> {
        self.responses.append(record)
    }

    /// Appends many outcomes at once.
    ///
    /// # Errors
    /// [`LedgerError::Write`].
    pub fn append_all(&self, records: &[Record]) -> Result<(), LedgerError> {
        self.responses.append_all(records)
    }

    /// Appends what has happened to a batch.
    ///
    /// # Errors
    /// [`LedgerError::Write`]; a batch that was to be created must not be then.
    pub fn append_batch(&self, line: &BatchLine) -> Result<(), LedgerError> {
        self.batch_lines.append(line)
    }
}

/// Of the calls that were sent those that no outcome is known of.
pub(super) fn without_end(sent: Vec<Record>, ended: &[Record]) -> Vec<Record> {
    let ended: HashSet<(&str, u32)> = ended.iter().map(|r| (r.key.as_str(), r.attempt)).collect();
    sent.into_iter()
        .filter(|call| !ended.contains(&(call.key.as_str(), call.attempt)))
        .collect()
}

pub(super) fn manifest(folder: &Path) -> Result<Option<Value>, LedgerError> {
    let path = folder.join(MANIFEST);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e)
            if matches!(
                e.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(source) => return Err(LedgerError::Read { path, source }),
    };
    let manifest: Value = serde_json::from_str(&text).map_err(|e| LedgerError::Line {
        path: path.clone(),
        line: e.line(),
        message: e.to_string(),
    })?;
    if let Some(found) = manifest["schema_version"]
        .as_u64()
        .filter(|v| *v > u64::from(Manifest::VERSION))
    {
        return Err(LedgerError::Newer {
            path,
            line: 1,
            found,
            known: Manifest::VERSION,
        });
    }
    let Some(manifest) = unseal_manifest(manifest) else {
        return Err(LedgerError::Line {
            path,
            line: 1,
            message: "its checksum does not fit: the file was damaged or changed".into(),
        });
    };
    Ok(Some(manifest))
}

/// Refuses a folder that is no run and has files which a new run would write over, such as a dataset of the name
/// prompts.jsonl. What a start that was cut short has left is no such file.
fn not_foreign(folder: &Path) -> Result<(), LedgerError> {
    if manifest(folder)?.is_some() {
        return Ok(());
    }
    let foreign = |path: PathBuf| Err(LedgerError::Foreign { path });
    let responses = folder.join(RESPONSES);
    if responses.metadata().is_ok_and(|m| m.len() > 0) {
        return foreign(responses);
    }
    let prompts = folder.join(PROMPTS);
    if journal::read::<PromptRecord>(&prompts).is_err() {
        return foreign(prompts);
    }
    Ok(())
}

/// The folder, for its owner alone.
fn make_folder(folder: &Path) -> Result<(), LedgerError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| LedgerError::Write {
        path: folder.to_owned(),
        source,
    })
}

/// The manifest is written last: a folder without one holds no run, whatever else is in it.
fn start(folder: &Path, manifest: &impl Serialize, prompts: &[PromptRecord]) -> Result<(), LedgerError> {
    let write = |name: &str, text: &[u8]| {
        let path: PathBuf = folder.join(name);
        write_privately(&path, text).map_err(|e| match e {
            store::StoreError::Write { path, source } => LedgerError::Write { path, source },
            other => LedgerError::Write {
                path,
                source: std::io::Error::other(other.to_string()),
            },
        })
    };
    let json = |part: &str, e: serde_json::Error| LedgerError::Write {
        path: folder.join(part),
        source: e.into(),
    };
    let mut lines = Vec::new();
    for prompt in prompts {
        lines.extend(seal::line(prompt).map_err(|e| json(PROMPTS, e))?);
    }
    write(PROMPTS, &lines)?;
    let manifest = serde_json::to_value(manifest).map_err(|e| json(MANIFEST, e))?;
    write(MANIFEST, store::json(&seal_manifest(manifest)).as_bytes())
}
