//! Scored prompts as CSV, a record at a time.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::{Cells, DatasetError, Reading, Shard};
use crate::assets::hex;

/// Hashes what is read through it.
struct HashedFile {
    file: File,
    hash: Sha256,
}

impl Read for HashedFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.hash.update(&buffer[..n]);
        Ok(n)
    }
}

fn malformed(source: &str, error: &csv::Error) -> DatasetError {
    DatasetError::Malformed {
        source_name: source.to_owned(),
        line: error.position().map_or(0, csv::Position::line),
        message: error.to_string(),
    }
}

pub(super) fn columns(path: &Path, source: &str) -> Result<Vec<String>, DatasetError> {
    let mut reader = csv::Reader::from_path(path).map_err(|e| malformed(source, &e))?;
    let header = reader.headers().map_err(|e| malformed(source, &e))?;
    Ok(header.iter().map(|cell| cell.trim().to_owned()).collect())
}

/// Rows between two reports of progress.
const STRETCH: u64 = 1 << 16;

/// A CSV is read whole whatever the part, since only reading says where its rows are: part i of n has the rows i, i + n, …
pub(super) fn read(
    path: &Path,
    source: &str,
    shard: Shard,
    reading: &mut Reading<'_>,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<(u64, String), DatasetError> {
    let file = File::open(path).map_err(|e| DatasetError::Read {
        source_name: source.to_owned(),
        source: e,
    })?;
    let file = HashedFile {
        file,
        hash: Sha256::new(),
    };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(BufReader::with_capacity(1 << 20, file));
    let header = reader.headers().map_err(|e| malformed(source, &e))?.clone();
    let place = |name: &str| header.iter().position(|cell| cell.trim() == name);
    let present = reading.present().clone();
    let (label, best, score, gap) = (
        place(&present.label),
        place(&present.best),
        place("score"),
        place("gap"),
    );
    let (runner_up, split) = (place("runner_up"), present.split.as_deref().and_then(place));
    let mut record = csv::StringRecord::new();
    let mut rows = 0;
    let mut stopped = false;
    while !stopped && reader.read_record(&mut record).map_err(|e| malformed(source, &e))? {
        rows += 1;
        if rows % STRETCH == 0 {
            progress(rows, None);
        }
        if (rows - 1) % shard.of() != shard.index() - 1 {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let outcome = if record.len() == header.len() {
            let text = |at: Option<usize>| at.and_then(|at| record.get(at));
            let number = |at: Option<usize>| {
                let text = text(at).unwrap_or_default().trim();
                if text.is_empty() {
                    return Ok(None);
                }
                text.parse::<f64>()
                    .map(Some)
                    .map_err(|_| format!("{text:?} is no number"))
            };
            match (number(score), number(gap)) {
                (Ok(score), Ok(gap)) => reading.row(
                    line,
                    &Cells {
                        label: text(label),
                        best: text(best),
                        score,
                        gap,
                        runner_up: text(runner_up),
                        split: text(split),
                    },
                ),
                (Err(message), _) => reading.problem(line, format!("column \"score\": {message}")),
                (_, Err(message)) => reading.problem(line, format!("column \"gap\": {message}")),
            }
        } else {
            let message = format!("{} fields where the header has {}", record.len(), header.len());
            reading.problem(line, message)
        };
        stopped = outcome.is_err();
    }
    progress(rows, None);
    let file = reader.into_inner().into_inner();
    Ok((rows, hex(&file.hash.finalize())))
}
