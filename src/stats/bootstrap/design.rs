//! Which rows are drawn together, and from which pot.

use crate::stats::Stream;

/// Blocks of clusters that a jackknife leaves out, at most: each costs one pass over the rows.
const MOST_BLOCKS: usize = 1000;

/// A row: its cluster, its number, its stratum.
type Named<C> = (C, u32, usize);

/// Strata of clusters of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Design {
    /// Rows, cluster after cluster.
    members: Vec<u32>,
    /// Where each cluster's rows begin, and where the last one's end.
    starts: Vec<u32>,
    /// Clusters in each stratum; they are numbered stratum after stratum.
    strata: Vec<u32>,
}

impl Design {
    /// Rows on their own, all from one pot.
    ///
    /// # Panics
    /// If there are 2³² rows or more.
    pub fn simple(rows: usize) -> Self {
        let rows = small(rows);
        Self {
            members: (0..rows).collect(),
            starts: (0..=rows).collect(),
            strata: if rows > 0 { vec![rows] } else { Vec::new() },
        }
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
    ///
    /// # Panics
    /// If there are 2³² rows or more.
    pub fn new<C: Ord>(rows: impl IntoIterator<Item = (usize, C)>) -> Self {
        let mut rows: Vec<Named<C>> = rows
            .into_iter()
            .enumerate()
            .map(|(row, (stratum, cluster))| (cluster, small(row), stratum))
            .collect();
        rows.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut clusters: Vec<(usize, &[Named<C>])> = rows
            .chunk_by(|a, b| a.0 == b.0)
            .map(|rows| (rows.iter().map(|row| row.2).min().unwrap_or_default(), rows))
            .collect();
        // Stable, so that the clusters of a stratum stay in the order of their names.
        clusters.sort_by_key(|cluster| cluster.0);
        let mut design = Self {
            members: Vec::with_capacity(rows.len()),
            starts: vec![0],
            strata: Vec::new(),
        };
        for stratum in clusters.chunk_by(|a, b| a.0 == b.0) {
            design.strata.push(small(stratum.len()));
            for (_, rows) in stratum {
                design.members.extend(rows.iter().map(|row| row.1));
                design.starts.push(small(design.members.len()));
            }
        }
        design
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.members.len()
    }

    /// Clusters.
    pub fn clusters(&self) -> usize {
        self.starts.len() - 1
    }

    /// Draws a resample: afterwards `weights[row]` says how often the row is in it. O(rows).
    ///
    /// # Panics
    /// If there is not one weight a row.
    pub fn resample(&self, random: &mut Stream, weights: &mut [u32]) {
        assert_eq!(weights.len(), self.rows());
        weights.fill(0);
        let alone = self.clusters() == self.rows();
        let mut first = 0;
        for &size in &self.strata {
            let last = first + size as usize;
            if alone {
                // Cluster i is the row members[i].
                let members = &self.members[first..last];
                for _ in 0..size {
                    weights[members[random.below(size) as usize] as usize] += 1;
                }
            } else {
                let starts = &self.starts[first..=last];
                for _ in 0..size {
                    let cluster = random.below(size) as usize;
                    for row in &self.members[starts[cluster] as usize..starts[cluster + 1] as usize] {
                        weights[*row as usize] += 1;
                    }
                }
            }
            first = last;
        }
    }

    /// The rows of one cluster.
    fn cluster(&self, cluster: usize) -> &[u32] {
        &self.members[self.starts[cluster] as usize..self.starts[cluster + 1] as usize]
    }

    /// Blocks that [`without`](Self::without) knows: a cluster each, or more where there are many.
    pub(super) fn blocks(&self) -> usize {
        self.clusters().min(MOST_BLOCKS)
    }

    /// All weights 1, but 0 for the clusters of one block.
    pub(super) fn without(&self, block: usize, weights: &mut [u32]) {
        weights.fill(1);
        for cluster in (block..self.clusters()).step_by(self.blocks()) {
            for row in self.cluster(cluster) {
                weights[*row as usize] = 0;
            }
        }
    }
}

fn small(n: usize) -> u32 {
    u32::try_from(n).expect("fewer than 2^32 rows")
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
            let of = |cluster: usize| weights[design.cluster(cluster)[0] as usize];
            for cluster in 0..design.clusters() {
                let rows = design.cluster(cluster).iter();
                assert!(rows.clone().all(|row| weights[*row as usize] == of(cluster)));
            }
            let mut first = 0;
            for size in &design.strata {
                let last = first + *size as usize;
                assert_eq!((first..last).map(of).sum::<u32>(), *size);
                first = last;
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
