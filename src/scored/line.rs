//! A line of bins most of which are empty.

/// Bins that are made at once.
const CHUNK: usize = 256;

/// Counts by bin. Memory goes with the stretches of bins that are in use, not with the length of the line.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// Empty where no bin of the stretch is in use.
    chunks: Vec<Vec<u64>>,
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        self.bins().eq(other.bins())
    }
}

impl Line {
    /// The place of a bin, which is made if need be.
    fn place(&mut self, bin: usize) -> &mut u64 {
        let chunk = bin / CHUNK;
        if chunk >= self.chunks.len() {
            self.chunks.resize_with(chunk + 1, Vec::new);
        }
        let chunk = &mut self.chunks[chunk];
        if chunk.is_empty() {
            chunk.resize(CHUNK, 0);
        }
        &mut chunk[bin % CHUNK]
    }

    /// Counts one more. O(1).
    pub(super) fn add(&mut self, bin: usize) {
        *self.place(bin) += 1;
    }

    /// Counts so many more; `None`, and nothing done, where that passes 2⁶⁴.
    pub(super) fn add_times(&mut self, bin: usize, times: u64) -> Option<()> {
        let place = self.place(bin);
        *place = place.checked_add(times)?;
        Some(())
    }

    /// Adds the counts of another line; `None` where a sum passes 2⁶⁴.
    pub(super) fn merge(&mut self, other: &Self) -> Option<()> {
        other.bins().try_for_each(|(bin, count)| self.add_times(bin, count))
    }

    /// A bin's count.
    pub(super) fn get(&self, bin: usize) -> u64 {
        let chunk = self.chunks.get(bin / CHUNK);
        chunk
            .and_then(|chunk| chunk.get(bin % CHUNK))
            .copied()
            .unwrap_or_default()
    }

    /// The bins that are not empty, with their counts, rising.
    pub(super) fn bins(&self) -> impl DoubleEndedIterator<Item = (usize, u64)> {
        let chunks = self.chunks.iter().enumerate();
        chunks.flat_map(|(i, chunk)| {
            let bins = chunk.iter().enumerate();
            bins.filter(|(_, count)| **count > 0)
                .map(move |(j, count)| (i * CHUNK + j, *count))
        })
    }

    /// All rows.
    pub(super) fn sum(&self) -> u64 {
        self.bins().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn lines_add_up() {
        let (mut a, mut b) = (Line::default(), Line::default());
        for bin in [3, 700, 3] {
            a.add(bin);
        }
        b.add(1_999_999);
        assert_eq!(b.add_times(3, 5), Some(()));
        assert_eq!(a.merge(&b), Some(()));
        assert_eq!(a.bins().collect::<Vec<_>>(), [(3, 7), (700, 1), (1_999_999, 1)]);
        assert_eq!((a.sum(), a.get(3), a.get(4), a.get(9_999_999)), (9, 7, 0, 0));
        assert_eq!(a.add_times(3, u64::MAX), None);
        // What is in use does not matter, only what is counted.
        let mut zero = Line::default();
        assert_eq!(zero.add_times(5, 0), Some(()));
        assert_eq!(zero, Line::default());
    }
}
