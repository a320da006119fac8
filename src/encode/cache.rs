//! Vectors kept between runs, keyed by encoder identity and text.
//!
//! One `SQLite` file an encoder identity, in write-ahead mode: several processes may read and write it at once, and a
//! process killed at any moment loses at most the batch in flight. Every entry carries a checksum of key and vector;
//! one that does not fit is embedded again. The cache is a convenience: a cache that cannot be opened or written is
//! reported ([`CacheNote`]) and the work goes on without it.

mod layout;
mod look;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use rayon::prelude::*;
use rusqlite::{Connection, OpenFlags, params};

use self::layout::Found;
pub(super) use self::look::Take;
use self::look::{Look, Wanted};
use super::EncoderIdentity;

/// Fewer look-ups than this are not worth another connection.
const MANY: usize = 4096;
/// How long a process waits for another one that writes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the cache had.
pub(super) struct Kept {
    /// Indices of the texts whose vectors were not handed on, ascending.
    pub(super) missing: Vec<usize>,
    /// Length of the vectors that were, where it is known.
    pub(super) dimension: Option<usize>,
}

/// Something about the cache that the user should hear.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheNote {
    /// The cache cannot be used in this run.
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// The file was no readable database; it was moved aside and a new one begun.
    Replaced {
        /// The file.
        path: PathBuf,
        /// Where the old one went.
        aside: PathBuf,
    },
    /// Entries whose checksum did not fit; they were embedded again.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// How many.
        entries: usize,
    },
}

impl fmt::Display for CacheNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable { path, message } => write!(f, "the vector cache {} is not used: {message}", path.display()),
            Self::Replaced { path, aside } => write!(
                f,
                "the vector cache {} was damaged; it is now {} and a new one was begun",
                path.display(),
                aside.display()
            ),
            Self::Corrupt { path, entries } => write!(
                f,
                "{entries} damaged entr{} in the vector cache {}: embedded again",
                if *entries == 1 { "y" } else { "ies" },
                path.display()
            ),
        }
    }
}

/// The vectors of one encoder identity on disk.
pub struct VectorCache {
    path: PathBuf,
    identity: String,
    connection: Mutex<Option<Connection>>,
    notes: Mutex<Vec<CacheNote>>,
}

impl fmt::Debug for VectorCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VectorCache")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl VectorCache {
    /// Opens or creates the cache of `identity` below `folder`. Never fails: see [`VectorCache::take_notes`].
    pub fn open(folder: &Path, identity: &EncoderIdentity) -> Self {
        let fingerprint = identity.fingerprint();
        let path = folder.join(format!("{}.sqlite", &fingerprint[..16]));
        let cache = Self {
            path,
            identity: fingerprint,
            connection: Mutex::new(None),
            notes: Mutex::new(Vec::new()),
        };
        let _alone = cache.alone();
        let opened = cache.connect().or_else(|error| {
            if !is_damaged(&error) {
                return Err(error);
            }
            cache.move_aside();
            cache.connect()
        });
        match opened {
            Ok(connection) => *lock(&cache.connection) = Some(connection),
            Err(error) => cache.note(CacheNote::Unusable {
                path: cache.path.clone(),
                message: error.to_string(),
            }),
        }
        cache
    }

    /// What happened that the user should hear; each note once.
    pub fn take_notes(&self) -> Vec<CacheNote> {
        std::mem::take(&mut *lock(&self.notes))
    }

    /// The vectors of `texts`, where they are kept.
    pub fn get(&self, texts: &[&str]) -> Vec<Option<Vec<f32>>> {
        let found = Mutex::new(vec![None; texts.len()]);
        self.each(texts, None, &AtomicBool::new(false), &|indices, vectors| {
            let mut found = lock(&found);
            for (index, vector) in indices.iter().zip(vectors.rows()) {
                found[*index] = Some(vector.to_vec());
            }
        });
        found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Hands the vectors of `texts` that are kept to `take`, many at a time and from several threads at once; the others are
    /// missing. All vectors handed on are of one length: `dimension`, or where that is not known, that of the first one kept.
    ///
    /// O(texts · log(kept)), in no order of the texts. Soon after `stop` is set it ends, and calls missing what it did not get
    /// to.
    pub(super) fn each(&self, texts: &[&str], dimension: Option<usize>, stop: &AtomicBool, take: &Take<'_>) -> Kept {
        let guard = lock(&self.connection);
        let Some(connection) = guard.as_ref() else {
            return Kept {
                missing: (0..texts.len()).collect(),
                dimension,
            };
        };
        let mut look = Look {
            dimension,
            stop,
            take,
            missing: texts.iter().map(|_| AtomicBool::new(true)).collect(),
            damaged: AtomicUsize::new(0),
        };
        let looked = self.look(&mut look, connection, texts);
        drop(guard);
        let entries = *look.damaged.get_mut();
        if entries > 0 {
            self.note(CacheNote::Corrupt {
                path: self.path.clone(),
                entries,
            });
        }
        if let Err(error) = looked {
            self.fail(&error);
        }
        let missing = (0..)
            .zip(look.missing)
            .filter_map(|(i, missing)| missing.into_inner().then_some(i));
        Kept {
            missing: missing.collect(),
            dimension: look.dimension,
        }
    }

    /// Length of the vector of the first of the texts that has one.
    fn first_dimension(&self, connection: &Connection, texts: &[&str]) -> rusqlite::Result<Option<usize>> {
        let mut find = connection.prepare_cached(layout::FIND)?;
        let mut fetch = connection.prepare_cached(layout::FETCH)?;
        for text in texts {
            let key = layout::key(&self.identity, text);
            if let Some(id) = layout::find(&mut find, &key)?
                && let Found::Kept(length) = layout::fetch(&mut fetch, id, &key, &mut Vec::new())?
            {
                return Ok(Some(length));
            }
        }
        Ok(None)
    }

    /// The keys of texts, in the order of the index.
    fn wanted(&self, texts: &[&str]) -> Vec<Wanted> {
        let with_key = |(index, text): (usize, &&str)| {
            let key = layout::key(&self.identity, text);
            Wanted {
                hash: layout::hash(&key),
                index,
                key,
            }
        };
        let mut wanted: Vec<Wanted> = texts.par_iter().enumerate().map(with_key).collect();
        wanted.par_sort_unstable_by_key(|w| (w.hash, w.index));
        wanted
    }

    /// Looks up on the connection there is, or where there are many, on one a thread.
    fn look(&self, look: &mut Look<'_>, connection: &Connection, texts: &[&str]) -> rusqlite::Result<()> {
        if !connection.prepare_cached("SELECT 1 FROM vectors LIMIT 1")?.exists([])? {
            return Ok(());
        }
        if look.dimension.is_none() {
            look.dimension = self.first_dimension(connection, texts)?;
        }
        let wanted = self.wanted(texts);
        let look = &*look;
        if wanted.len() < MANY {
            let mut places = look::places(connection, &wanted, 0)?;
            places.sort_unstable();
            return look.fetch(connection, &wanted, &places);
        }
        let connections = rayon::current_num_threads();
        let share = wanted.len().div_ceil(connections);
        let found = wanted
            .par_chunks(share)
            .enumerate()
            .map(|(i, own)| look::places(&self.reader()?, own, i * share));
        let mut places = found.collect::<rusqlite::Result<Vec<_>>>()?.concat();
        places.par_sort_unstable();
        let share = places.len().div_ceil(connections).max(1);
        places
            .par_chunks(share)
            .try_for_each(|own| look.fetch(&self.reader()?, &wanted, own))
    }

    /// Another connection, to read.
    fn reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        Ok(connection)
    }

    /// Keeps vectors, in one transaction.
    pub fn put(&self, entries: &[(&str, &[f32])]) {
        let mut guard = lock(&self.connection);
        let Some(connection) = guard.as_mut() else {
            return;
        };
        let written = self.write(connection, entries);
        drop(guard);
        if let Err(error) = written {
            self.fail(&error);
        }
    }

    /// A lock that is held while the database is opened, so that one of several processes makes it, or moves a damaged
    /// one aside, and the others find it made: switching a database to write-ahead mode fails at once, without the busy
    /// timeout, where two do it together. `None` where there can be no lock; opening is tried all the same.
    fn alone(&self) -> Option<File> {
        std::fs::create_dir_all(self.path.parent()?).ok()?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path.with_extension("lock"))
            .ok()?;
        file.lock().ok()?;
        Some(file)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        layout::prepare(&mut connection)?;
        Ok(connection)
    }

    fn write(&self, connection: &mut Connection, entries: &[(&str, &[f32])]) -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached(layout::INSERT)?;
            for (text, vector) in entries {
                let key = layout::key(&self.identity, text);
                insert.execute(params![layout::hash(&key), layout::encode(&key, vector)])?;
            }
        }
        transaction.commit()
    }

    /// Stops using the cache; a damaged file is moved aside so that the next run starts clean.
    fn fail(&self, error: &rusqlite::Error) {
        *lock(&self.connection) = None;
        if is_damaged(error) {
            self.move_aside();
        } else {
            self.note(CacheNote::Unusable {
                path: self.path.clone(),
                message: error.to_string(),
            });
        }
    }

    fn move_aside(&self) {
        let free = (1..100)
            .map(|i| self.path.with_extension(format!("damaged-{i}")))
            .find(|p| !p.exists());
        let aside = free.unwrap_or_else(|| self.path.with_extension("damaged"));
        if std::fs::rename(&self.path, &aside).is_ok() {
            for suffix in ["sqlite-wal", "sqlite-shm"] {
                // Left-overs of the damaged file must not be applied to the new one; a missing one is fine.
                let _ = std::fs::remove_file(self.path.with_extension(suffix));
            }
            self.note(CacheNote::Replaced {
                path: self.path.clone(),
                aside,
            });
        }
    }

    fn note(&self, note: CacheNote) {
        lock(&self.notes).push(note);
    }
}

fn is_damaged(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}

/// A panic elsewhere leaves the data as it was: both mutexes guard values that are replaced whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
