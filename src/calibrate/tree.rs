//! Which gap is best, kept up to date while rows are accepted one after the other.
//!
//! The leaves are places for rows by rising gap, those of one gap beside each other. "A gap of at least that of leaf i"
//! accepts the leaves from i on that are taken so far, so the value of a point is a sum over the end of the line, and the
//! best point has the greatest such sum. A binary tree holds the sum and the best end of every stretch of leaves: a row
//! changes the nodes above one leaf, O(log n); the best value is O(1) then, and where it lies O(log n). (A segment tree for
//! maximum suffix sums; Bentley, *Programming Pearls*, Commun. ACM 27, 1984, has the sums, without the tree.)

use super::rows::Kind;

/// Leaves under one node of the lowest level: bytes of one cache line cost less than five levels more.
const BLOCK: usize = 32;

/// Value of what is no point: below every sum, also after a sum was added to it.
const NO_POINT: i64 = i64::MIN / 4;

/// Rows that a tree can hold: sums of values of up to 2^32 a row stay far above [`NO_POINT`].
pub(super) const MOST_ROWS: usize = 1 << 27;

/// What accepting a row adds to the value of a point; below 2^32 in size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) right: i64,
    pub(super) wrong: i64,
    pub(super) out_of_domain: i64,
}

/// What stands at a leaf: nothing, or a row, and whether its gap is a point: it is for the first row of a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Leaf(u8);

impl Leaf {
    /// Leaves that are points are the last of the eight.
    const POINT: u8 = 4;

    /// Of a row's [`number`](Self::number).
    pub(super) fn new(number: u32, point: bool) -> Self {
        let kind = number.to_le_bytes()[0];
        Self(kind | if point { Self::POINT } else { 0 })
    }

    /// 1 to 3.
    pub(super) fn number(kind: Kind) -> u32 {
        match kind {
            Kind::Right => 1,
            Kind::Wrong(_) => 2,
            Kind::OutOfDomain => 3,
        }
    }

    pub(super) fn is_point(self) -> bool {
        self.0 >= Self::POINT
    }

    pub(super) fn is_right(self) -> bool {
        self.0 % Self::POINT == 1
    }

    fn index(self) -> usize {
        usize::from(self.0 & 7)
    }
}

/// A stretch of leaves.
#[derive(Debug, Clone, Copy)]
struct Node {
    /// Value of all its rows.
    sum: i64,
    /// Greatest value of its rows from a point on, as if nothing came after the stretch.
    best: i64,
}

impl Node {
    const EMPTY: Self = Self { sum: 0, best: NO_POINT };

    /// Two stretches side by side.
    fn join(left: Self, right: Self) -> Self {
        Self {
            sum: left.sum + right.sum,
            best: right.best.max(left.best + right.sum),
        }
    }
}

/// What lies to the right of a stretch.
#[derive(Debug, Clone, Copy, Default)]
struct Beyond {
    sum: i64,
    accepted: u64,
}

/// A point: where, and what it accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Leaf of the first row of its gap.
    pub(super) leaf: usize,
    pub(super) value: i64,
    pub(super) accepted: u64,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    /// By [`Leaf::index`].
    values: [i64; 8],
    leaves: Vec<Leaf>,
    /// A heap: the children of node i are 2i and 2i + 1, the root is 1, the last `blocks` nodes have leaves under them.
    nodes: Vec<Node>,
    /// Rows under each node.
    rows: Vec<u32>,
    blocks: usize,
}

impl Tree {
    /// A tree with rows at some of its leaves. O(leaves).
    pub(super) fn new(values: Values, leaves: usize, taken: impl IntoIterator<Item = (usize, Leaf)>) -> Self {
        let blocks = leaves.div_ceil(BLOCK).next_power_of_two();
        let of_kind = [0, values.right, values.wrong, values.out_of_domain];
        let mut tree = Self {
            values: std::array::from_fn(|i| of_kind[i % 4]),
            leaves: vec![Leaf::default(); leaves.div_ceil(BLOCK) * BLOCK],
            nodes: vec![Node::EMPTY; 2 * blocks],
            rows: vec![0; 2 * blocks],
            blocks,
        };
        for (at, leaf) in taken {
            tree.leaves[at] = leaf;
            tree.rows[blocks + at / BLOCK] += 1;
        }
        for block in 0..tree.leaves.len() / BLOCK {
            tree.nodes[blocks + block] = tree.block(block);
        }
        for node in (1..blocks).rev() {
            tree.nodes[node] = Node::join(tree.nodes[2 * node], tree.nodes[2 * node + 1]);
            tree.rows[node] = tree.rows[2 * node] + tree.rows[2 * node + 1];
        }
        tree
    }

    /// Puts a row at a leaf. O(log leaves).
    pub(super) fn add(&mut self, at: usize, leaf: Leaf) {
        self.leaves[at] = leaf;
        let mut node = self.blocks + at / BLOCK;
        self.nodes[node] = self.block(at / BLOCK);
        self.rows[node] += 1;
        while node > 1 {
            node /= 2;
            self.rows[node] += 1;
            self.nodes[node] = Node::join(self.nodes[2 * node], self.nodes[2 * node + 1]);
        }
    }

    /// Rows in the tree.
    pub(super) fn accepted(&self) -> u64 {
        self.rows[1].into()
    }

    /// Greatest value of any point; hugely negative without one.
    pub(super) fn best(&self) -> i64 {
        self.nodes[1].best
    }

    /// Greatest value of the points that accept `least` rows or more. O(log leaves).
    pub(super) fn best_accepting(&self, least: u64) -> i64 {
        let (mut node, mut beyond, mut best) = (1, Beyond::default(), NO_POINT);
        while node < self.blocks {
            let further = self.beyond(2 * node + 1, beyond);
            if further.accepted >= least {
                // Every point on the left accepts all on the right.
                best = best.max(self.nodes[2 * node].best + further.sum);
                node = 2 * node + 1;
            } else {
                beyond = further;
                node *= 2;
            }
        }
        self.places(node - self.blocks, beyond)
            .filter(|place| place.accepted >= least)
            .fold(best, |best, place| best.max(place.value))
    }

    /// The point of least gap, and so the most accepted rows, among those with a value of at least `bound` from leaf `from`
    /// on. O(log leaves).
    pub(super) fn first(&self, bound: i64, from: usize) -> Option<Place> {
        self.first_below(1, 0, self.blocks, Beyond::default(), bound, from)
    }

    /// The same below one node, which has the blocks from `block` on; `beyond` is all to its right.
    fn first_below(
        &self,
        node: usize,
        block: usize,
        width: usize,
        beyond: Beyond,
        bound: i64,
        from: usize,
    ) -> Option<Place> {
        if self.nodes[node].best + beyond.sum < bound || (block + width) * BLOCK <= from {
            return None;
        }
        if node >= self.blocks {
            return self
                .places(block, beyond)
                .filter(|place| place.value >= bound && place.leaf >= from)
                .last();
        }
        let half = width / 2;
        let right = self.beyond(2 * node + 1, beyond);
        self.first_below(2 * node, block, half, right, bound, from)
            .or_else(|| self.first_below(2 * node + 1, block + half, half, beyond, bound, from))
    }

    /// A node and what is beyond it.
    fn beyond(&self, node: usize, beyond: Beyond) -> Beyond {
        Beyond {
            sum: beyond.sum + self.nodes[node].sum,
            accepted: beyond.accepted + u64::from(self.rows[node]),
        }
    }

    /// The points of a block from the right, which is from the highest gap down.
    fn places(&self, block: usize, beyond: Beyond) -> impl Iterator<Item = Place> {
        let start = (block * BLOCK).min(self.leaves.len());
        let end = (start + BLOCK).min(self.leaves.len());
        let mut all = beyond;
        (start..end).rev().filter_map(move |leaf| {
            let here = self.leaves[leaf];
            all.sum += self.values[here.index()];
            all.accepted += u64::from(here != Leaf::default());
            here.is_point().then_some(Place {
                leaf,
                value: all.sum,
                accepted: all.accepted,
            })
        })
    }

    fn block(&self, block: usize) -> Node {
        let mut node = Node::EMPTY;
        for leaf in self.leaves[block * BLOCK..(block + 1) * BLOCK].iter().rev() {
            node.sum += self.values[leaf.index()];
            // Without a branch: which leaves are taken is as good as random.
            node.best = node.best.max(if leaf.is_point() { node.sum } else { NO_POINT });
        }
        node
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALUES: Values = Values {
        right: 5,
        wrong: -3,
        out_of_domain: -4,
    };

    /// Every point with its value and its rows, from the least gap on.
    fn all(leaves: &[Leaf]) -> Vec<Place> {
        let value = |leaf: &Leaf| [0, VALUES.right, VALUES.wrong, VALUES.out_of_domain][leaf.index() % 4];
        (0..leaves.len())
            .filter(|i| leaves[*i].is_point())
            .map(|i| Place {
                leaf: i,
                value: leaves[i..].iter().map(value).sum(),
                accepted: leaves[i..].iter().filter(|l| **l != Leaf::default()).count() as u64,
            })
            .collect()
    }

    proptest! {
        #[test]
        fn a_tree_answers_as_its_leaves_do(
            rows in proptest::collection::vec((0..3_usize, any::<bool>()), 1..150),
            order in any::<u64>(),
            (least, bound, from) in (0..40_u64, -40..40_i64, 0..160_usize),
            start in 0..150_usize,
        ) {
            let kinds = [Kind::Right, Kind::Wrong(0), Kind::OutOfDomain];
            let n = rows.len();
            let mut at: Vec<usize> = (0..n).collect();
            crate::stats::stream(order, crate::stats::Purpose::Simulation, 0).shuffle(&mut at);
            let leaf = |i: usize| Leaf::new(Leaf::number(kinds[rows[i].0]), rows[i].1);
            let start = start.min(n);
            let mut leaves = vec![Leaf::default(); n];
            let mut tree = Tree::new(VALUES, n, at[..start].iter().map(|i| (*i, leaf(*i))));
            for i in &at[..start] {
                leaves[*i] = leaf(*i);
            }
            for i in &at[start..] {
                tree.add(*i, leaf(*i));
                leaves[*i] = leaf(*i);
                let all = all(&leaves);
                prop_assert_eq!(tree.accepted(), leaves.iter().filter(|l| **l != Leaf::default()).count() as u64);
                let best = all.iter().map(|p| p.value).max();
                prop_assert_eq!(Some(tree.best()).filter(|b| *b > NO_POINT / 2), best);
                let accepting = all.iter().filter(|p| p.accepted >= least).map(|p| p.value).max();
                prop_assert_eq!(Some(tree.best_accepting(least)).filter(|b| *b > NO_POINT / 2), accepting);
                let first = all.iter().find(|p| p.value >= bound && p.leaf >= from);
                prop_assert_eq!(tree.first(bound, from), first.copied());
            }
        }
    }
}
