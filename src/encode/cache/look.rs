//! Looking many keys up: in the order of the index, then in the order of the table, on several connections.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rusqlite::Connection;

use super::layout::{self, FETCH, FIND, Found, Key};
use crate::encode::Vectors;
use crate::encode::vectors::problem;

/// Vectors handed on at once: 1.5 MB of the smaller encoder's.
const AT_ONCE: usize = 1024;
/// Keys whose places are looked up before their vectors are: more would only take memory.
const PLACES: usize = 1 << 16;

/// Is given the indices of some texts and their vectors, in the same order.
pub(in crate::encode) type Take<'a> = dyn Fn(&[usize], &Vectors) + Sync + 'a;

/// A text to look up, by its key.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) hash: i64,
    pub(super) index: usize,
    pub(super) key: Key,
    pub(super) taken: bool,
}

/// What all connections of one look-up share.
pub(super) struct Look<'a> {
    /// Length of the vectors; others do not count as kept. `None` if there is none.
    pub(super) dimension: Option<usize>,
    pub(super) stop: &'a AtomicBool,
    pub(super) take: &'a Take<'a>,
    pub(super) damaged: AtomicUsize,
}

impl Look<'_> {
    /// Looks `wanted`, which stand in the order of the index, up on one connection, and hands on what is there.
    pub(super) fn on(&self, connection: &Connection, wanted: &mut [Wanted]) -> rusqlite::Result<()> {
        // One snapshot, and no lock for each look-up.
        let transaction = connection.unchecked_transaction()?;
        {
            let mut find = transaction.prepare_cached(FIND)?;
            let mut fetch = transaction.prepare_cached(FETCH)?;
            let mut numbers = Vec::new();
            for wanted in wanted.chunks_mut(PLACES) {
                let mut places = Vec::new();
                for (i, wanted) in wanted.iter().enumerate() {
                    if let Some(id) = layout::find(&mut find, &wanted.key)? {
                        places.push((id, i));
                    }
                }
                places.sort_unstable();
                for places in places.chunks(AT_ONCE) {
                    if self.stop.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                    numbers.clear();
                    let mut indices = Vec::with_capacity(places.len());
                    for &(id, i) in places {
                        let wanted = &mut wanted[i];
                        wanted.taken =
                            self.append(layout::fetch(&mut fetch, id, &wanted.key, &mut numbers)?, &mut numbers);
                        if wanted.taken {
                            indices.push(wanted.index);
                        }
                    }
                    if !indices.is_empty() {
                        let vectors =
                            Vectors::checked(self.dimension.unwrap_or_default(), std::mem::take(&mut numbers));
                        (self.take)(&indices, &vectors);
                        numbers = vectors.into_numbers();
                    }
                }
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
