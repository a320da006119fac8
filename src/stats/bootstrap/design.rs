//! Which rows are drawn together, and from which pot.

use std::collections::BTreeMap;

use crate::stats::Stream;

/// Blocks of clusters that a jackknife leaves out, at most: each costs one pass over the rows.
const MOST_BLOCKS: usize = 1000;

/// Strata of clusters of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Design {
    rows: usize,
    /// Each cluster's rows.
    clusters: Vec<Vec<usize>>,
    /// Each stratum's clusters.
    strata: Vec<Vec<usize>>,
}

impl Design {
    /// Rows on their own, all from one pot.
    pub fn simple(rows: usize) -> Self {
        Self::new((0..rows).map(|row| (0, row)))
    }

    /// One `(stratum, cluster)` pair a row. Rows of one cluster are drawn together, from the least stratum of any of them.
    /// Clusters are numbered by stratum and name, so the order of the rows changes no resample. O(rows log rows).
    ///
    /// ```
    /// use routecal::stats::bootstrap::Design;
    ///
    /// // Two routes; the first and the third row are copies of one prompt.
    /// let design = Design::new([(0, "a"), (0, "b"), (0, "a"), (1, "c")]);
    /// assert_eq!((design.rows(), design.clusters()), (4, 3));
    /// ```
    pub fn new<C: Ord>(rows: impl IntoIterator<Item = (usize, C)>) -> Self {
        let mut members: BTreeMap<C, (usize, Vec<usize>)> = BTreeMap::new();
        let mut count = 0;
        for (row, (stratum, cluster)) in rows.into_iter().enumerate() {
            let (least, rows) = members.entry(cluster).or_insert((stratum, Vec::new()));
            *least = stratum.min(*least);
            rows.push(row);
            count += 1;
        }
        let mut strata: BTreeMap<usize, Vec<Vec<usize>>> = BTreeMap::new();
        for (stratum, rows) in members.into_values() {
            strata.entry(stratum).or_default().push(rows);
        }
        let mut clusters = Vec::new();
        let strata = strata
            .into_values()
            .map(|stratum| {
                let first = clusters.len();
                clusters.extend(stratum);
                (first..clusters.len()).collect()
            })
            .collect();
        Self {
            rows: count,
            clusters,
            strata,
        }
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Clusters.
    pub fn clusters(&self) -> usize {
        self.clusters.len()
    }

    /// Draws a resample: afterwards `weights[row]` says how often the row is in it. O(rows).
    ///
    /// # Panics
    /// If there is not one weight a row.
    pub fn resample(&self, random: &mut Stream, weights: &mut [u32]) {
        assert_eq!(weights.len(), self.rows);
        weights.fill(0);
        for stratum in &self.strata {
            let size = u32::try_from(stratum.len()).expect("fewer than 2^32 clusters");
            for _ in 0..size {
                for row in &self.clusters[stratum[random.below(size) as usize]] {
                    weights[*row] += 1;
                }
            }
        }
    }

    /// Blocks that [`without`](Self::without) knows: a cluster each, or more where there are many.
    pub(super) fn blocks(&self) -> usize {
        self.clusters.len().min(MOST_BLOCKS)
    }

    /// All weights 1, but 0 for the clusters of one block.
    pub(super) fn without(&self, block: usize, weights: &mut [u32]) {
        weights.fill(1);
        for cluster in self.clusters.iter().skip(block).step_by(self.blocks()) {
            for row in cluster {
                weights[*row] = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Purpose, stream};

    #[test]
    fn strata_keep_their_size_and_copies_stay_together() {
        let rows = (0..60).map(|i| (usize::from(i % 3 == 0), if i < 30 { i / 2 * 6 } else { i * 100 }));
        let design = Design::new(rows);
        let mut weights = vec![0; 60];
        for index in 0..50 {
            design.resample(&mut stream(1, Purpose::Simulation, index), &mut weights);
            for cluster in &design.clusters {
                assert!(cluster.iter().all(|row| weights[*row] == weights[cluster[0]]));
            }
            for stratum in &design.strata {
                let drawn: u32 = stratum.iter().map(|c| weights[design.clusters[*c][0]]).sum();
                assert_eq!(drawn as usize, stratum.len());
            }
        }
    }

    #[test]
    fn the_order_of_the_rows_changes_no_resample() {
        let rows = [(1, "d"), (0, "a"), (0, "b"), (1, "a"), (1, "c"), (0, "b")];
        let order = [3, 5, 0, 2, 4, 1];
        let (design, mixed) = (Design::new(rows), Design::new(order.map(|i| rows[i])));
        let (mut here, mut there) = (vec![0; 6], vec![0; 6]);
        for index in 0..20 {
            design.resample(&mut stream(1, Purpose::Simulation, index), &mut here);
            mixed.resample(&mut stream(1, Purpose::Simulation, index), &mut there);
            assert_eq!(order.map(|i| here[i]).as_slice(), there);
        }
    }

    #[test]
    fn every_row_is_left_out_once() {
        let design = Design::simple(2500);
        let mut out = vec![0_u32; 2500];
        let mut weights = vec![0; 2500];
        for block in 0..design.blocks() {
            design.without(block, &mut weights);
            for (sum, weight) in out.iter_mut().zip(&weights) {
                *sum += 1 - weight;
            }
        }
        assert!(out.iter().all(|n| *n == 1));
    }
}
