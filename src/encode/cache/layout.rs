//! What stands in the cache's database: the vectors, one after the other as they came, and an index of hashes that finds them.
//!
//! A key is the sha256 of encoder identity and text, of which the index holds the first eight bytes as a number. So a vector is
//! written at the end of the file and costs the index twenty bytes, and look-ups can go through both in their own order, each
//! page once. Of ten million texts two share those eight bytes in one cache of 370,000; the checksum is over the whole key, so the
//! vector of the other text is then taken for a damaged one and embedded again, never used.

use rusqlite::{Connection, OptionalExtension as _, Statement, params};
use sha2::{Digest, Sha256};

/// sha256 of encoder identity and text.
pub(super) type Key = [u8; 32];
const CHECKSUM: usize = 8;

/// Kept as `user_version`. The first layout, a table of keys and vectors, kept 0.
const LAYOUT: i64 = 2;
/// Five vectors of the smaller encoder to a page, not two with a quarter of it left over.
const PAGE: u32 = 8192;

/// The key of a text under an encoder identity.
pub(super) fn key(identity: &str, text: &str) -> Key {
    Sha256::new()
        .chain_update(identity.as_bytes())
        .chain_update(text.as_bytes())
        .finalize()
        .into()
}

/// What the index holds of a key.
pub(super) fn hash(key: &Key) -> i64 {
    i64::from_le_bytes(std::array::from_fn(|i| key[i]))
}

/// Makes table and index where there are none. A database of the first layout is brought into this one, since its vectors may
/// have been paid for.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    // Has an effect on a new file only.
    connection.pragma_update(None, "page_size", PAGE)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A power cut may cost the last transactions, never the file; and a lost vector is only embedded again.
    connection.pragma_update(None, "synchronous", "normal")?;
    let layout: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if layout == LAYOUT {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let first_layout = transaction
        .query_row(
            "SELECT 1 FROM pragma_table_info('vectors') WHERE name = 'key'",
            [],
            |_| Ok(()),
        )
        .optional()?
        .is_some();
    if first_layout {
        transaction.execute_batch("ALTER TABLE vectors RENAME TO first_layout")?;
    }
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS vectors (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, vector BLOB NOT NULL);
         CREATE UNIQUE INDEX IF NOT EXISTS vectors_by_hash ON vectors (hash)",
    )?;
    if first_layout {
        move_over(&transaction)?;
        transaction.execute_batch("DROP TABLE first_layout")?;
    }
    transaction.pragma_update(None, "user_version", LAYOUT)?;
    transaction.commit()
}

fn move_over(connection: &Connection) -> rusqlite::Result<()> {
    let mut old = connection.prepare("SELECT key, vector FROM first_layout")?;
    let mut insert = connection.prepare(INSERT)?;
    let mut rows = old.query([])?;
    while let Some(row) = rows.next()? {
        // What is not of this shape was damaged, and would not be used.
        if let (Ok(key), Ok(vector)) = (row.get_ref(0)?.as_blob(), row.get_ref(1)?.as_blob())
            && let Ok(key) = Key::try_from(key)
        {
            insert.execute(params![hash(&key), vector])?;
        }
    }
    Ok(())
}

pub(super) const INSERT: &str = "INSERT OR REPLACE INTO vectors (hash, vector) VALUES (?1, ?2)";
/// Answered by the index alone.
pub(super) const FIND: &str = "SELECT id FROM vectors WHERE hash = ?1";
pub(super) const FETCH: &str = "SELECT vector FROM vectors WHERE id = ?1";

/// What is kept under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A vector of so many numbers, which were appended.
    Kept(usize),
    /// Nothing.
    Missing,
    /// Bytes that are no vector of that key.
    Damaged,
}

/// The place of a key's vector.
pub(super) fn find(find: &mut Statement<'_>, key: &Key) -> rusqlite::Result<Option<i64>> {
    find.query_row(params![hash(key)], |row| row.get(0)).optional()
}

/// Appends the numbers of the vector at a place, if it is that of the key.
pub(super) fn fetch(fetch: &mut Statement<'_>, id: i64, key: &Key, numbers: &mut Vec<f32>) -> rusqlite::Result<Found> {
    let found = fetch
        .query_row(params![id], |row| {
            // Damage may change a value's type too, which is no reason to give up the other entries.
            let blob = row.get_ref(0)?.as_blob().ok();
            let length = blob.and_then(|blob| decode(key, blob, numbers));
            Ok(length.map_or(Found::Damaged, Found::Kept))
        })
        .optional()?;
    Ok(found.unwrap_or(Found::Missing))
}

/// A vector as it is kept: its numbers, little-endian, and a checksum of key and numbers.
pub(super) fn encode(key: &Key, vector: &[f32]) -> Vec<u8> {
    let mut bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    let sum = checksum(key, &bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

fn decode(key: &Key, blob: &[u8], numbers: &mut Vec<f32>) -> Option<usize> {
    let (vector, sum) = blob.split_at_checked(blob.len().checked_sub(CHECKSUM)?)?;
    let (of_four, rest) = vector.as_chunks::<4>();
    if !rest.is_empty() || of_four.is_empty() || checksum(key, vector) != *sum {
        return None;
    }
    numbers.extend(of_four.iter().map(|b| f32::from_le_bytes(*b)));
    Some(of_four.len())
}

fn checksum(key: &Key, vector: &[u8]) -> [u8; CHECKSUM] {
    let digest = Sha256::new().chain_update(key).chain_update(vector).finalize();
    std::array::from_fn(|i| digest[i])
}
