//! The distinct ones among texts, of which there may be many millions.

use std::hash::{BuildHasher as _, RandomState};

use rayon::prelude::*;

/// The distinct ones among texts, in order of first appearance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distinct<'t> {
    texts: Vec<&'t str>,
    /// For each text the index of its distinct one.
    position: Vec<usize>,
}

impl<'t> Distinct<'t> {
    /// O(n log n), on all cores.
    pub fn of(texts: &[&'t str]) -> Self {
        // Any hash will do: it only brings copies together, and no order depends on it.
        let hasher = RandomState::new();
        let hashed = |(place, text): (usize, &&str)| (hasher.hash_one(text), place);
        let mut order: Vec<(u64, usize)> = texts.par_iter().enumerate().map(hashed).collect();
        order.par_sort_unstable();
        // For each text the first one that equals it.
        let mut first: Vec<usize> = (0..texts.len()).collect();
        let mut firsts: Vec<usize> = Vec::new();
        for run in order.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
            // Nearly always one; another text may share the hash.
            firsts.clear();
            for (_, place) in run {
                match firsts.iter().find(|first| texts[**first] == texts[*place]) {
                    Some(earlier) => first[*place] = *earlier,
                    None => firsts.push(*place),
                }
            }
        }
        let mut distinct = Vec::new();
        let mut position = first;
        for (place, text) in texts.iter().enumerate() {
            position[place] = if position[place] == place {
                distinct.push(*text);
                distinct.len() - 1
            } else {
                // An earlier one, whose own position stands already.
                position[position[place]]
            };
        }
        Self {
            texts: distinct,
            position,
        }
    }

    /// The distinct texts.
    pub fn texts(&self) -> &[&'t str] {
        &self.texts
    }

    /// For each of the texts the index of its distinct one.
    pub fn position(&self) -> &[usize] {
        &self.position
    }

    /// Rows of `width` values, one a distinct text, as one a text.
    ///
    /// # Panics
    /// If there are not so many values.
    pub fn spread<T: Copy>(&self, values: Vec<T>, width: usize) -> Vec<T> {
        assert_eq!(values.len(), self.texts.len() * width);
        // No text twice: in order already.
        if self.texts.len() == self.position.len() {
            return values;
        }
        let mut spread = Vec::with_capacity(self.position.len() * width);
        for &i in &self.position {
            spread.extend_from_slice(&values[i * width..(i + 1) * width]);
        }
        spread
    }
}
