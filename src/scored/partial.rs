//! The counts of a part of a file, with what they are counts of; written to disk and joined again.
//!
//! The file: a line that names the format, the length of the header as eight bytes (little-endian), the header as JSON, the counts
//! ([`codec`](super::codec)), and the sha256 of all that as 32 bytes.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::codec;
use super::counts::{Counts, Keep};
use super::{CalibrateRequest, EvalRequest, ScoredError};
use crate::dataset::{DatasetError, ScoredFile, ScoredSource, Shard};
use crate::report::REPORT_VERSION;
use crate::routes::{Routes, Thresholds};

/// First bytes of a partial file; the number is that of the format.
const MAGIC: &[u8] = b"routecal partial 1\n";

/// Splits that are remembered by name, for the message that a split is not there.
const MOST_SPLITS: usize = 20;

/// What the counts are for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// For `eval`.
    Eval(EvalRequest),
    /// For `calibrate`.
    Calibrate(CalibrateRequest),
}

impl Request {
    /// The splits that are counted, each once; `all` is every row.
    pub fn splits(&self) -> Vec<&str> {
        let (first, second) = match self {
            Self::Eval(request) => (request.split.as_str(), request.fitted_on.as_deref()),
            Self::Calibrate(request) => (request.split.as_str(), Some(request.test_split.as_str())),
        };
        std::iter::once(first).chain(second.filter(|s| *s != first)).collect()
    }

    fn keep(&self) -> Keep {
        match self {
            Self::Eval(_) => Keep::Order,
            Self::Calibrate(_) => Keep::Grid,
        }
    }
}

/// What the counts are of: partials with another one do not add up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Schema version of the documents that are made of it.
    pub schema_version: u64,
    /// Version of the program.
    pub tool_version: String,
    /// Hash of the routes (without thresholds).
    pub routes_sha256: String,
    /// Route names, in order.
    pub routes: Vec<String>,
    /// The thresholds under which decisions were counted: for routes added later, and by route.
    pub thresholds: (Thresholds, Vec<Thresholds>),
    /// What is asked.
    pub request: Request,
    /// Seed.
    pub seed: u64,
    /// The scored file.
    pub source: ScoredSource,
}

/// Counts of one split.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitCounts {
    /// Its name.
    pub split: String,
    /// Its counts.
    pub counts: Counts,
}

/// Counts of some part of the rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Partial {
    /// What they are of.
    pub header: Header,
    /// Which part.
    pub shard: Shard,
    /// Splits that were met, the first of them.
    pub present: BTreeSet<String>,
    /// By split, in the order of [`Request::splits`].
    pub splits: Vec<SplitCounts>,
}

/// How the thresholds are, under which decisions are counted, and what else is the same for all rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) routes: &'a Routes,
    pub(crate) thresholds: (Thresholds, &'a [Thresholds]),
    pub(crate) seed: u64,
}

impl Partial {
    /// Counts one part of a file in one pass. `progress` is told of every stretch: rows done, rows in all where that is known.
    ///
    /// # Errors
    /// [`ScoredError::Dataset`].
    pub(crate) fn count(
        file: &ScoredFile,
        setting: &Setting<'_>,
        request: Request,
        shard: Shard,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Self, ScoredError> {
        let names = setting.routes.names();
        let (global, by_route) = setting.thresholds;
        let mut splits: Vec<SplitCounts> = request
            .splits()
            .into_iter()
            .map(|split| SplitCounts {
                split: split.to_owned(),
                counts: Counts::new(names.len(), request.keep()),
            })
            .collect();
        let mut present = BTreeSet::new();
        let mut last = String::new();
        let source = file.read(
            &names,
            shard,
            &mut |row| {
                for part in &mut splits {
                    if part.split == "all" || row.split == Some(part.split.as_str()) {
                        part.counts.add(row, by_route);
                    }
                }
                if let Some(split) = row.split
                    && split != last
                    && present.len() < MOST_SPLITS
                {
                    split.clone_into(&mut last);
                    present.insert(last.clone());
                }
            },
            progress,
        )?;
        Ok(Self {
            header: Header {
                schema_version: REPORT_VERSION,
                tool_version: env!("CARGO_PKG_VERSION").into(),
                routes_sha256: setting.routes.fingerprint(),
                routes: names,
                thresholds: (global, by_route.to_vec()),
                request,
                seed: setting.seed,
                source,
            },
            shard,
            present,
            splits,
        })
    }

    /// The counts of a split.
    ///
    /// # Errors
    /// [`DatasetError::NoSuchSplit`] where no row belongs to it.
    pub(super) fn of(&self, split: &str) -> Result<&Counts, ScoredError> {
        let counts = self.splits.iter().find(|part| part.split == split);
        let counts = counts.map(|part| &part.counts).filter(|counts| counts.n() > 0);
        counts.ok_or_else(|| {
            ScoredError::Dataset(DatasetError::NoSuchSplit {
                source_name: self.header.source.source.clone(),
                split: split.to_owned(),
                present: self.present.iter().cloned().collect(),
            })
        })
    }

    /// As bytes.
    ///
    /// # Panics
    /// Never: plain data serialises.
    pub fn to_bytes(&self) -> Vec<u8> {
        let front = Front {
            header: self.header.clone(),
            shard: (self.shard.index(), self.shard.of()),
            present: self.present.clone(),
        };
        let header = serde_json::to_vec(&front).expect("plain data serialises");
        let mut bytes = MAGIC.to_vec();
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header);
        for part in &self.splits {
            codec::write(&part.counts, &mut bytes);
        }
        let sum = Sha256::digest(&bytes);
        bytes.extend(sum);
        bytes
    }

    /// Reads a file that [`to_bytes`](Self::to_bytes) filled.
    ///
    /// # Errors
    /// [`ScoredError::Read`], [`ScoredError::Damaged`].
    pub fn load(path: &Path) -> Result<Self, ScoredError> {
        let file = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| ScoredError::Read {
            file: file.clone(),
            source,
        })?;
        Self::parse(&bytes).map_err(|what| ScoredError::Damaged { file, what })
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let rest = bytes
            .strip_prefix(MAGIC)
            .ok_or("no partial file of this version of routecal")?;
        let (body, sum) = bytes
            .split_at_checked(bytes.len().saturating_sub(32))
            .filter(|_| rest.len() > 40)
            .ok_or("the file is cut off")?;
        if Sha256::digest(body).as_slice() != sum {
            return Err("the checksum does not match: the file is cut off, or was changed".into());
        }
        let broken = || "the file does not hold what its checksum says".to_owned();
        let body = &body[MAGIC.len()..];
        let (length, body) = body.split_first_chunk::<8>().ok_or_else(broken)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| broken())?;
        let (header, mut body) = body.split_at_checked(length).ok_or_else(broken)?;
        let front: Front = serde_json::from_slice(header).map_err(|e| format!("the header cannot be read: {e}"))?;
        let shard = Shard::new(front.shard.0, front.shard.1).ok_or_else(broken)?;
        let request = &front.header.request;
        let splits = request
            .splits()
            .into_iter()
            .map(|split| {
                let counts = codec::read(front.header.routes.len(), request.keep(), &mut body)?;
                Some(SplitCounts {
                    split: split.to_owned(),
                    counts,
                })
            })
            .collect::<Option<_>>()
            .filter(|_| body.is_empty())
            .ok_or_else(broken)?;
        Ok(Self {
            header: front.header,
            shard,
            present: front.present,
            splits,
        })
    }

    /// Refuses routes and thresholds other than those that were counted with.
    ///
    /// # Errors
    /// [`ScoredError::OtherRoutes`].
    pub fn fits(&self, file: &str, routes: &Routes, path: &Path) -> Result<(), ScoredError> {
        let what = if routes.fingerprint() != self.header.routes_sha256 {
            "the routes"
        } else if matches!(self.header.request, Request::Calibrate(_))
            && (routes.thresholds, routes.thresholds_by_route()) != self.header.thresholds
        {
            "the thresholds"
        } else {
            return Ok(());
        };
        Err(ScoredError::OtherRoutes {
            file: file.to_owned(),
            routes: path.display().to_string(),
            what,
        })
    }
}

/// The header as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    header: Header,
    shard: (u64, u64),
    present: BTreeSet<String>,
}

/// Adds parts up to the whole. Each comes with its name, for errors.
///
/// # Errors
/// [`ScoredError`]: parts of different things, a part that is there twice, or is missing.
///
/// # Panics
/// Without a part.
pub fn join(parts: Vec<(String, Partial)>) -> Result<Partial, ScoredError> {
    let mut parts = parts;
    // Whatever the order in which they were named: the whole takes its name from the first.
    parts.sort_by_key(|(_, part)| part.shard.index());
    let mut parts = parts.into_iter();
    let (first_name, mut whole) = parts.next().expect("a part");
    let of = whole.shard.of();
    let mut seen = vec![(whole.shard.index(), first_name.clone())];
    for (name, part) in parts {
        differ((&first_name, &whole), (&name, &part))?;
        let index = part.shard.index();
        if let Some((_, other)) = seen.iter().find(|(seen, _)| *seen == index) {
            return Err(ScoredError::Twice {
                first: other.clone(),
                second: name,
                index,
                of,
            });
        }
        for (split, more) in whole.splits.iter_mut().zip(&part.splits) {
            split.counts.merge(&more.counts).ok_or_else(|| ScoredError::Damaged {
                file: name.clone(),
                what: "its counts do not add up with the others".into(),
            })?;
        }
        whole.present.extend(part.present);
        seen.push((index, name));
    }
    let missing: Vec<u64> = (1..=of).filter(|i| seen.iter().all(|(seen, _)| seen != i)).collect();
    if !missing.is_empty() {
        return Err(ScoredError::Missing { missing, of });
    }
    while whole.present.len() > MOST_SPLITS {
        whole.present.pop_last();
    }
    whole.shard = Shard::WHOLE;
    Ok(whole)
}

/// Refuses parts of different things, naming the first thing in which they differ.
fn differ(first: (&str, &Partial), second: (&str, &Partial)) -> Result<(), ScoredError> {
    let described = |part: &Partial| {
        let mut header = serde_json::to_value(&part.header).unwrap_or_default();
        // One file may have another name on another machine.
        if let Some(source) = header.get_mut("source").and_then(serde_json::Value::as_object_mut) {
            source.remove("source");
        }
        header["parts"] = part.shard.of().into();
        header
    };
    let (a, b) = (described(first.1), described(second.1));
    match difference("", &a, &b) {
        None => Ok(()),
        Some((field, values)) => Err(ScoredError::Different {
            first: first.0.to_owned(),
            second: second.0.to_owned(),
            field,
            values,
        }),
    }
}

/// The first place in which two documents differ, and what stands there.
fn difference(at: &str, a: &serde_json::Value, b: &serde_json::Value) -> Option<(String, String)> {
    if let (Some(a), Some(b)) = (a.as_object(), b.as_object()) {
        let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        return keys.into_iter().find_map(|key| {
            let name = if at.is_empty() {
                key.clone()
            } else {
                format!("{at}.{key}")
            };
            let of = |side: &serde_json::Map<String, serde_json::Value>| side.get(key).cloned().unwrap_or_default();
            difference(&name, &of(a), &of(b))
        });
    }
    (a != b).then(|| (at.to_owned(), format!("{a} and {b}")))
}
