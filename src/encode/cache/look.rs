//! Looking many keys up: all in the order of the index, then all in the order of the table, on several connections. So every page
//! that is needed is read once, by one of them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rusqlite::Connection;

use super::layout::{self, FETCH, FIND, Found, Key};
use crate::encode::Vectors;
use crate::encode::vectors::problem;

/// Vectors handed on at once: 1.5 MB of the smaller encoder's.
const AT_ONCE: usize = 1024;

/// Is given the indices of some texts and their vectors, in the same order.
pub(in crate::encode) type Take<'a> = dyn Fn(&[usize], &Vectors) + Sync + 'a;

/// A text to look up, by its key.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) hash: i64,
    pub(super) index: usize,
    pub(super) key: Key,
}

/// Where the vector of a text stands: the row of the table, and the place among those wanted.
pub(super) type Place = (i64, usize);

/// What all connections of one look-up share.
pub(super) struct Look<'a> {
    /// Length of the vectors; others do not count as kept. `None` if there is none.
    pub(super) dimension: Option<usize>,
    pub(super) stop: &'a AtomicBool,
    pub(super) take: &'a Take<'a>,
    /// Whether each text has not been handed on. Told at once, so that an error half-way hands none on twice.
    pub(super) missing: Vec<AtomicBool>,
    pub(super) damaged: AtomicUsize,
}

/// The places of those of `wanted` that are kept; the first of these is number `from` among all. `wanted` stands in the order of the
/// index.
pub(super) fn places(connection: &Connection, wanted: &[Wanted], from: usize) -> rusqlite::Result<Vec<Place>> {
    // One snapshot, and no lock for each look-up.
    let transaction = connection.unchecked_transaction()?;
    let mut places = Vec::new();
    {
        let mut find = transaction.prepare_cached(FIND)?;
        for (number, wanted) in (from..).zip(wanted) {
            if let Some(id) = layout::find(&mut find, &wanted.key)? {
                places.push((id, number));
            }
        }
    }
    transaction.commit()?;
    Ok(places)
}

impl Look<'_> {
    /// Hands on the vectors that stand at `places`, which are in the order of the table. What was written over since it was found
    /// is left out.
    pub(super) fn fetch(&self, connection: &Connection, wanted: &[Wanted], places: &[Place]) -> rusqlite::Result<()> {
        let transaction = connection.unchecked_transaction()?;
        {
            let mut fetch = transaction.prepare_cached(FETCH)?;
            let mut numbers = Vec::new();
            for places in places.chunks(AT_ONCE) {
                if self.stop.load(Ordering::Relaxed) {
                    break;
                }
                numbers.clear();
                let mut indices = Vec::with_capacity(places.len());
                for &(id, number) in places {
                    let Wanted { key, index, .. } = &wanted[number];
                    if self.append(layout::fetch(&mut fetch, id, key, &mut numbers)?, &mut numbers) {
                        indices.push(*index);
                    }
                }
                if indices.is_empty() {
                    continue;
                }
                let vectors = Vectors::checked(self.dimension.unwrap_or_default(), std::mem::take(&mut numbers));
                (self.take)(&indices, &vectors);
                for index in indices {
                    self.missing[index].store(false, Ordering::Relaxed);
                }
                numbers = vectors.into_numbers();
            }
        }
        transaction.commit()
    }

    /// Whether what was found, and appended, can be used; if not, it is taken off again.
    fn append(&self, found: Found, numbers: &mut Vec<f32>) -> bool {
        match found {
            Found::Missing => false,
            Found::Damaged => {
                self.damaged.fetch_add(1, Ordering::Relaxed);
                false
            }
            Found::Kept(length) => {
                let start = numbers.len() - length;
                // A checksum guards an entry's bytes; this guards against an entry written by a broken build.
                let good = (self.dimension).is_some_and(|dimension| problem(&numbers[start..], dimension).is_none());
                if !good {
                    numbers.truncate(start);
                }
                good
            }
        }
    }
}
