//! Vectors kept between runs, keyed by encoder identity and text.
//!
//! One `SQLite` file an encoder identity, in write-ahead mode: several processes may read and write it at once, and a
//! process killed at any moment loses at most the batch in flight. Every entry carries a checksum of key and vector;
//! one that does not fit is embedded again. The cache is a convenience: a cache that cannot be opened or written is
//! reported ([`CacheNote`]) and the work goes on without it.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::EncoderIdentity;

type Key = [u8; 32];
const CHECKSUM: usize = 8;

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
        let guard = lock(&self.connection);
        let Some(connection) = guard.as_ref() else {
            return vec![None; texts.len()];
        };
        let mut corrupt = 0;
        let found = self.read(connection, texts, &mut corrupt);
        drop(guard);
        if corrupt > 0 {
            self.note(CacheNote::Corrupt {
                path: self.path.clone(),
                entries: corrupt,
            });
        }
        found.unwrap_or_else(|error| {
            self.fail(&error);
            vec![None; texts.len()]
        })
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
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(Duration::from_secs(30))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // A power cut may cost the last transactions, never the file; and a lost vector is only embedded again.
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID",
        )?;
        Ok(connection)
    }

    fn key(&self, text: &str) -> Key {
        Sha256::new()
            .chain_update(self.identity.as_bytes())
            .chain_update(text.as_bytes())
            .finalize()
            .into()
    }

    fn read(
        &self,
        connection: &Connection,
        texts: &[&str],
        corrupt: &mut usize,
    ) -> rusqlite::Result<Vec<Option<Vec<f32>>>> {
        let transaction = connection.unchecked_transaction()?;
        let mut found = Vec::with_capacity(texts.len());
        {
            let mut select = transaction.prepare_cached("SELECT vector FROM vectors WHERE key = ?1")?;
            for text in texts {
                let key = self.key(text);
                // Damage may change a value's type too, which is no reason to give up the other entries.
                let entry = select
                    .query_row(params![key], |row| {
                        Ok(row.get_ref(0)?.as_blob().ok().and_then(|blob| decode(&key, blob)))
                    })
                    .optional()?;
                *corrupt += usize::from(entry == Some(None));
                found.push(entry.flatten());
            }
        }
        transaction.commit()?;
        Ok(found)
    }

    fn write(&self, connection: &mut Connection, entries: &[(&str, &[f32])]) -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT OR REPLACE INTO vectors (key, vector) VALUES (?1, ?2)")?;
            for (text, vector) in entries {
                let key = self.key(text);
                insert.execute(params![key, encode(&key, vector)])?;
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

fn checksum(key: &Key, vector: &[u8]) -> [u8; CHECKSUM] {
    let digest = Sha256::new().chain_update(key).chain_update(vector).finalize();
    std::array::from_fn(|i| digest[i])
}

fn encode(key: &Key, vector: &[f32]) -> Vec<u8> {
    let mut bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    let sum = checksum(key, &bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

fn decode(key: &Key, blob: &[u8]) -> Option<Vec<f32>> {
    let (vector, sum) = blob.split_at_checked(blob.len().checked_sub(CHECKSUM)?)?;
    let (numbers, rest) = vector.as_chunks::<4>();
    (rest.is_empty() && !numbers.is_empty() && checksum(key, vector) == *sum)
        .then(|| numbers.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{Encoder, HashingEncoder};

    fn identity() -> EncoderIdentity {
        HashingEncoder::new(1).identity().clone()
    }

    #[test]
    fn keeps_vectors_by_identity_and_text() {
        let folder = tempfile::tempdir().unwrap();
        let cache = VectorCache::open(folder.path(), &identity());
        cache.put(&[("a", &[1.0, 2.0]), ("b", &[3.0, 4.0])]);
        let again = VectorCache::open(folder.path(), &identity());
        assert_eq!(
            again.get(&["b", "c", "a"]),
            [Some(vec![3.0, 4.0]), None, Some(vec![1.0, 2.0])]
        );
        let mut other = identity();
        other.max_length = Some(7);
        assert_eq!(VectorCache::open(folder.path(), &other).get(&["a"]), [None]);
        assert!(again.take_notes().is_empty());
    }

    #[test]
    fn a_changed_entry_is_missing_and_reported() {
        let folder = tempfile::tempdir().unwrap();
        let cache = VectorCache::open(folder.path(), &identity());
        cache.put(&[("a", &[1.0, 2.0])]);
        let raw = Connection::open(&cache.path).unwrap();
        let mut blob: Vec<u8> = raw.query_row("SELECT vector FROM vectors", [], |r| r.get(0)).unwrap();
        blob[2] ^= 1;
        raw.execute("UPDATE vectors SET vector = ?1", params![blob]).unwrap();
        assert_eq!(cache.get(&["a"]), [None]);
        assert!(matches!(
            cache.take_notes()[..],
            [CacheNote::Corrupt { entries: 1, .. }]
        ));
        cache.put(&[("a", &[1.0, 2.0])]);
        assert_eq!(cache.get(&["a"]), [Some(vec![1.0, 2.0])]);
    }

    #[test]
    fn a_file_that_is_no_database_is_moved_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = VectorCache::open(folder.path(), &identity()).path.clone();
        std::fs::write(&path, vec![7_u8; 4096]).unwrap();
        let cache = VectorCache::open(folder.path(), &identity());
        assert!(matches!(cache.take_notes()[..], [CacheNote::Replaced { .. }]));
        cache.put(&[("a", &[1.0])]);
        assert_eq!(cache.get(&["a"]), [Some(vec![1.0])]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_leaves_the_cache_unused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = VectorCache::open(&file.path().join("below"), &identity());
        cache.put(&[("a", &[1.0])]);
        assert_eq!(cache.get(&["a"]), [None]);
        assert!(matches!(cache.take_notes()[..], [CacheNote::Unusable { .. }]));
    }
}
