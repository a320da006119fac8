//! JSON Lines files that are only appended to.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{LedgerError, RECORD_VERSION};
use crate::replay::seal;

/// Options that give a new file to its owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The lines of a file.
#[derive(Debug)]
pub(super) struct Lines<T> {
    pub(super) items: Vec<T>,
    /// Bytes of the whole lines.
    whole: u64,
    /// Bytes behind them: a line that was being written when the program was killed.
    pub(super) torn: u64,
}

/// Reads a file, which may be missing.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Lines<T>, LedgerError> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|mut f| f.read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => {
            return Err(LedgerError::Read {
                path: path.to_owned(),
                source,
            });
        }
    }
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let mut items = Vec::new();
    for (line, text) in (1..).zip(bytes[..whole].split_inclusive(|b| *b == b'\n')) {
        items.push(parse(text, path, line)?);
    }
    Ok(Lines {
        items,
        whole: whole as u64,
        torn: (bytes.len() - whole) as u64,
    })
}

fn parse<T: DeserializeOwned>(text: &[u8], path: &Path, line: usize) -> Result<T, LedgerError> {
    let bad = |message: &str| LedgerError::Line {
        path: path.to_owned(),
        line,
        message: message.to_owned(),
    };
    let record = seal::unseal(text).map_err(bad)?;
    serde_json::from_slice(&record).map_err(|e| match seal::version(&record) {
        Some(found) if found > u64::from(RECORD_VERSION) => LedgerError::Newer {
            path: path.to_owned(),
            line,
            found,
            known: RECORD_VERSION,
        },
        _ => {
            let text = e.to_string();
            bad(text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what))
        }
    })
}

/// A file to append lines to, from any thread.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// Opens a file behind its whole lines, and cuts off what is torn.
    pub(super) fn open<T>(path: &Path, lines: &Lines<T>) -> Result<Self, LedgerError> {
        let journal = |mut file: File| {
            file.set_len(lines.whole)?;
            file.seek(SeekFrom::End(0))?;
            Ok(Self {
                path: path.to_owned(),
                file: Mutex::new(file),
            })
        };
        // Not in append mode: a cut-off file would need it to be opened twice on some systems. The lock keeps others out.
        private()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .and_then(journal)
            .map_err(|source| LedgerError::Write {
                path: path.to_owned(),
                source,
            })
    }

    /// Appends a line, and waits until it is on the disk: what was paid for survives a crash of the machine too.
    pub(crate) fn append<T: Serialize>(&self, item: &T) -> Result<(), LedgerError> {
        self.append_all(std::slice::from_ref(item))
    }

    /// Appends lines with one wait for the disk; a kill in the middle leaves some of them.
    pub(crate) fn append_all<T: Serialize>(&self, items: &[T]) -> Result<(), LedgerError> {
        let mut lines = Vec::new();
        for item in items {
            lines.extend(seal::line(item).map_err(|e| self.fail(e.into()))?);
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A line that could be written in part only would be a torn line in the middle: it is taken back.
        let before = file.stream_position().map_err(|e| self.fail(e))?;
        file.write_all(&lines).and_then(|()| file.sync_data()).map_err(|e| {
            let _ = file.set_len(before).and_then(|()| file.seek(SeekFrom::Start(before)));
            self.fail(e)
        })
    }

    /// Empties the file.
    pub(super) fn clear(&self) -> Result<(), LedgerError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.set_len(0).and_then(|()| file.rewind()).map_err(|e| self.fail(e))
    }

    fn fail(&self, source: std::io::Error) -> LedgerError {
        LedgerError::Write {
            path: self.path.clone(),
            source,
        }
    }
}
