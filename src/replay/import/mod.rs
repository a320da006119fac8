//! Recorded answers of other projects, and of your own programs, as a [`Matrix`]: policies can be compared on them without
//! a single call.
//!
//! | format | files | prompts, models | costs |
//! |---|---|---|---|
//! | `routellm-gsm8k` | `gsm8k_responses.csv`, optionally `test.jsonl` with the reference answers | as in the file | estimated |
//! | `routellm-mmlu` | `mmlu_<subject>.csv`, or a folder of them | subject = category | estimated |
//! | `routerarena` | one `.jsonl` a model | task = category | recorded |
//! | `outcomes` | `.csv` or `.jsonl`, one row a prompt, model and sample | any | recorded |
//!
//! Where no token counts were recorded they are estimated from the length of the texts, a token for every four bytes, and
//! every such cell says so ([`UsageSource::Estimated`](crate::replay::UsageSource::Estimated)).

mod error;
mod outcomes;
mod predictions;
mod routellm;
mod routerarena;
mod rows;

pub use error::ImportError;
pub use predictions::{PredictionOptions, mapped, names_routes, predictions};

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use indexmap::{IndexMap, IndexSet};
use sha2::{Digest as _, Sha256};

use super::matrix::{Cell, Matrix, PromptInfo};
use crate::assets::hex;

/// A format of recorded data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// RouteLLM's answers to GSM8K, <https://github.com/lm-sys/RouteLLM>, `routellm/evals/gsm8k`.
    RoutellmGsm8k,
    /// RouteLLM's grades on MMLU, same place, `routellm/evals/mmlu/responses`.
    RoutellmMmlu,
    /// `RouterArena`'s cached results, <https://github.com/RouteWorks/RouterArena>, `cached_results`.
    Routerarena,
    /// A table of one's own.
    Outcomes,
}

impl ImportFormat {
    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::RoutellmGsm8k => "routellm-gsm8k",
            Self::RoutellmMmlu => "routellm-mmlu",
            Self::Routerarena => "routerarena",
            Self::Outcomes => "outcomes",
        }
    }
}

/// Recorded data as read.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The answers.
    pub matrix: Matrix,
    /// What a reader should know of them.
    pub notes: Vec<String>,
    /// sha256 over the contents of the files, in the order given.
    pub sha256: String,
    /// Rows read.
    pub rows: u64,
}

/// Reads recorded data.
///
/// # Errors
/// [`ImportError`]: a file that cannot be read, missing columns, bad rows (all of them, the first ten shown).
pub fn import(format: ImportFormat, paths: &[PathBuf]) -> Result<Imported, ImportError> {
    let mut files = Files::default();
    let mut builder = Builder::default();
    match format {
        ImportFormat::RoutellmGsm8k => routellm::gsm8k(paths, &mut files, &mut builder)?,
        ImportFormat::RoutellmMmlu => routellm::mmlu(paths, &mut files, &mut builder)?,
        ImportFormat::Routerarena => routerarena::read(paths, &mut files, &mut builder)?,
        ImportFormat::Outcomes => outcomes::read(paths, &mut files, &mut builder)?,
    }
    let Some(first) = paths.first() else {
        return Err(ImportError::Files {
            format: format.name(),
            message: "no file is given".into(),
            hint: format!("name one: --import {} FILE", format.name()),
        });
    };
    if builder.cells.is_empty() {
        return Err(ImportError::Empty {
            file: first.display().to_string(),
        });
    }
    let rows = builder.rows;
    let mut notes = builder.notes.clone();
    let matrix = builder.build();
    if matrix.usage_sources().contains_key("estimated") {
        notes.push(
            "costs are estimates: no token counts were recorded, so a token is taken as four bytes of text".into(),
        );
    }
    Ok(Imported {
        matrix,
        notes,
        sha256: hex(&files.hash.finalize()),
        rows,
    })
}

/// Reads files and hashes what was read.
#[derive(Default)]
struct Files {
    hash: Sha256,
}

impl Files {
    fn read(&mut self, path: &Path) -> Result<String, ImportError> {
        let file = path.display().to_string();
        let fail = |source| ImportError::Read {
            file: file.clone(),
            source,
        };
        let bytes = std::fs::read(path).map_err(fail)?;
        self.hash.update((bytes.len() as u64).to_le_bytes());
        self.hash.update(&bytes);
        let text = String::from_utf8(bytes).map_err(|_| {
            fail(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                "the file is not UTF-8",
            ))
        })?;
        Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
    }
}

/// Gathers cells in any order.
#[derive(Default)]
struct Builder {
    models: IndexSet<String>,
    prompts: IndexMap<String, PromptInfo>,
    cells: HashMap<(usize, usize, usize), Cell>,
    samples: usize,
    rows: u64,
    notes: Vec<String>,
}

impl Builder {
    /// Index of a model, which is added where it is new.
    fn model(&mut self, name: &str) -> usize {
        self.models.insert_full(name.to_owned()).0
    }

    /// Index of a prompt. What is not yet known of it is filled in.
    fn prompt(&mut self, info: PromptInfo) -> usize {
        let entry = self.prompts.entry(info.id.clone());
        let index = entry.index();
        let known = entry.or_insert_with(|| PromptInfo {
            id: info.id.clone(),
            ..PromptInfo::default()
        });
        for (own, new) in [
            (&mut known.text, info.text),
            (&mut known.category, info.category),
            (&mut known.label, info.label),
            (&mut known.split, info.split),
            (&mut known.reference, info.reference),
        ] {
            if own.is_none() {
                *own = new;
            }
        }
        index
    }

    /// Puts a cell in its place; `false` where there is one already.
    fn cell(&mut self, prompt: usize, model: usize, sample: usize, cell: Cell) -> bool {
        self.samples = self.samples.max(sample + 1);
        self.cells.insert((prompt, model, sample), cell).is_none()
    }

    fn build(self) -> Matrix {
        let mut matrix = Matrix::new(
            self.models.into_iter().collect(),
            self.prompts.into_values().collect(),
            self.samples,
        );
        for ((prompt, model, sample), cell) in self.cells {
            matrix.cells_mut(prompt, model)[sample] = cell;
        }
        matrix
    }
}

/// Tokens of a text where nobody counted them: one for every four bytes, rounded up. English text has about that many in
/// the tokenizers of today's models; code and other languages have more.
fn estimated_tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}

#[cfg(test)]
mod tests;
