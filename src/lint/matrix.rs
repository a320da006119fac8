//! Pairs and neighbours among many vectors: products of blocks, exact, in memory linear in the number of vectors.
//!
//! A block product in f32 finds the candidates; each is measured again in f64, so that what is found depends neither on the
//! number of threads nor on which instructions the processor has.

use ndarray::{Array2, ArrayView2, Axis, Slice};
use rayon::prelude::*;

use crate::encode::{cosine, dot};

/// Rows of a block: 256 × 256 products at a time.
const BLOCK: usize = 256;
/// Blocks whose pairs are held at a time: at most 64 × 256² pairs of 16 bytes, 64 MB, however alike the vectors are.
const AT_ONCE: usize = 64;
/// More than f32 products of unit vectors of a few thousand numbers can be off.
const SLACK: f64 = 1e-4;

/// Vectors with their unit vectors.
pub(super) struct Matrix<'a> {
    rows: Vec<&'a [f32]>,
    units: Array2<f32>,
}

/// Two rows, the lower index first, and their cosine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pair {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) cosine: f64,
}

impl<'a> Matrix<'a> {
    /// Of vectors of one length, none of them zero.
    pub(super) fn new(rows: Vec<&'a [f32]>) -> Self {
        let dimension = rows.first().map_or(0, |row| row.len());
        let mut units = Array2::zeros((rows.len(), dimension));
        for (mut unit, row) in units.rows_mut().into_iter().zip(&rows) {
            let norm = dot(row, row).sqrt();
            for (u, x) in unit.iter_mut().zip(*row) {
                *u = narrow(f64::from(*x) / norm);
            }
        }
        Self { rows, units }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    fn block(&self, start: usize) -> ArrayView2<'_, f32> {
        let end = (start + BLOCK).min(self.len());
        self.units.slice_axis(Axis(0), Slice::from(start..end))
    }

    /// Hands out every pair of rows with a cosine of at least `threshold`; the order is always the same.
    /// n²/2 × dimension multiplications.
    pub(super) fn near_pairs(&self, threshold: f64, visit: &mut dyn FnMut(Pair)) {
        let starts: Vec<usize> = (0..self.len()).step_by(BLOCK).collect();
        let tiles: Vec<(usize, usize)> = (starts.iter())
            .flat_map(|a| starts.iter().filter(move |b| *b >= a).map(move |b| (*a, *b)))
            .collect();
        for some in tiles.chunks(AT_ONCE) {
            let found: Vec<Vec<Pair>> = some.par_iter().map(|(a, b)| self.pairs_of(*a, *b, threshold)).collect();
            found.into_iter().flatten().for_each(&mut *visit);
        }
    }

    fn pairs_of(&self, first: usize, second: usize, threshold: f64) -> Vec<Pair> {
        let products = self.block(first).dot(&self.block(second).t());
        let screen = threshold - SLACK;
        let mut pairs = Vec::new();
        for ((i, j), product) in products.indexed_iter() {
            let (a, b) = (first + i, second + j);
            if a < b && f64::from(*product) >= screen {
                let cosine = cosine(self.rows[a], self.rows[b]);
                if cosine >= threshold {
                    pairs.push(Pair { a, b, cosine });
                }
            }
        }
        pairs
    }

    /// The `k` rows of `self` nearest to each query that `wanted(query, row)` lets through, by falling cosine, of equal ones the
    /// earlier row. queries × n × dimension multiplications.
    pub(super) fn nearest(
        &self,
        queries: &Matrix<'_>,
        k: usize,
        wanted: &(dyn Fn(usize, usize) -> bool + Sync),
    ) -> Vec<Vec<(usize, f64)>> {
        // A few more than wanted, so that the rounding of f32 cannot lose one.
        let kept = k + 8;
        let starts: Vec<usize> = (0..queries.len()).step_by(BLOCK).collect();
        let blocks: Vec<Vec<Vec<(usize, f64)>>> = (starts.par_iter())
            .map(|start| {
                let block = queries.block(*start);
                let mut best: Vec<Vec<(usize, f32)>> = vec![Vec::new(); block.nrows()];
                for column in (0..self.len()).step_by(BLOCK) {
                    let products = block.dot(&self.block(column).t());
                    for ((i, j), product) in products.indexed_iter() {
                        let of = &mut best[i];
                        let full = of.len() == kept;
                        if (full && *product <= of[kept - 1].1) || !wanted(start + i, column + j) {
                            continue;
                        }
                        let at = of.partition_point(|(_, p)| p >= product);
                        of.insert(at, (column + j, *product));
                        of.truncate(kept);
                    }
                }
                let exact = |(i, of): (usize, Vec<(usize, f32)>)| {
                    let query = queries.rows[start + i];
                    let mut of: Vec<(usize, f64)> =
                        of.iter().map(|(j, _)| (*j, cosine(query, self.rows[*j]))).collect();
                    of.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
                    of.truncate(k);
                    of
                };
                best.into_iter().enumerate().map(exact).collect()
            })
            .collect();
        blocks.into_iter().flatten().collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "vectors are f32 everywhere")]
fn narrow(x: f64) -> f32 {
    x as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Purpose, stream};

    /// Seeded vectors, some of them near another.
    fn vectors(n: usize) -> Vec<Vec<f32>> {
        let mut random = stream(5, Purpose::Simulation, 0);
        let mut rows: Vec<Vec<f32>> = Vec::new();
        for i in 0..n {
            let base = if i % 3 == 2 { rows[i / 2].clone() } else { vec![0.0; 24] };
            rows.push(base.iter().map(|x| 3.0 * x + narrow(random.unit() - 0.5)).collect());
        }
        rows
    }

    #[test]
    fn blocks_find_what_a_double_loop_finds() {
        let rows = vectors(600);
        let matrix = Matrix::new(rows.iter().map(Vec::as_slice).collect());
        let mut found = Vec::new();
        matrix.near_pairs(0.9, &mut |pair| found.push((pair.a, pair.b)));
        found.sort_unstable();
        let mut expected = Vec::new();
        for a in 0..rows.len() {
            for b in a + 1..rows.len() {
                if cosine(&rows[a], &rows[b]) >= 0.9 {
                    expected.push((a, b));
                }
            }
        }
        assert!(expected.len() > 100, "{}", expected.len());
        assert_eq!(found, expected);
    }

    #[test]
    fn the_nearest_are_the_nearest() {
        let rows = vectors(400);
        let matrix = Matrix::new(rows.iter().map(Vec::as_slice).collect());
        let nearest = matrix.nearest(&matrix, 3, &|query, row| query != row);
        for (query, found) in nearest.iter().enumerate() {
            let mut all: Vec<(usize, f64)> = (0..rows.len())
                .filter(|row| *row != query)
                .map(|row| (row, cosine(&rows[query], &rows[row])))
                .collect();
            all.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
            assert_eq!(found, &all[..3]);
        }
    }
}
