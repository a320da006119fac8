//! Seeded streams of random numbers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

/// What the numbers are for: two uses of one seed must not see the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Resamples of an interval.
    Bootstrap,
    /// Resamples of a comparison of two routers.
    Comparison,
    /// Parts of a split, folds of a cross-validation.
    Split,
    /// Made-up data of a simulation.
    Simulation,
    /// Orders of a permutation test.
    Permutation,
    /// Order in which prompts are asked.
    Order,
    /// Pauses between attempts.
    Jitter,
    /// Examples drawn for a route.
    Examples,
}

/// Stream `index` of `seed`: numbers that depend on the three arguments alone.
///
/// ```
/// use routecal::stats::{Purpose, stream};
///
/// let mut a = stream(7, Purpose::Bootstrap, 3);
/// let mut again = stream(7, Purpose::Bootstrap, 3);
/// let mut other = stream(7, Purpose::Bootstrap, 4);
/// let first = a.below(1_000_000);
/// assert_eq!(first, again.below(1_000_000));
/// assert_ne!(first, other.below(1_000_000));
/// ```
pub fn stream(seed: u64, purpose: Purpose, index: u64) -> Stream {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    // 2^60 streams a purpose; what is drawn in practice is far below that.
    let purpose = match purpose {
        Purpose::Bootstrap => 0,
        Purpose::Comparison => 1,
        Purpose::Split => 2,
        Purpose::Simulation => 3,
        Purpose::Permutation => 4,
        Purpose::Order => 5,
        Purpose::Jitter => 6,
        Purpose::Examples => 7,
    };
    generator.set_stream((purpose << 60) | index);
    Stream(generator)
}

/// A stream of random numbers. Cheap to make, not to be shared.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// A whole number from 0 to `n` − 1, each as likely (Lemire, ACM Trans. Model. Comput. Simul. 29, 2019).
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(&mut self, n: u32) -> u32 {
        assert!(n > 0, "no number is below 0");
        let mut product = u64::from(self.0.next_u32()) * u64::from(n);
        let low = |product: u64| u32::try_from(product & u64::from(u32::MAX)).unwrap_or_default();
        if low(product) < n {
            let reject = n.wrapping_neg() % n;
            while low(product) < reject {
                product = u64::from(self.0.next_u32()) * u64::from(n);
            }
        }
        u32::try_from(product >> 32).unwrap_or_default()
    }

    /// A number in \[0, 1), a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        crate::num::f64_from_u64(self.0.next_u64() >> 11) / 9_007_199_254_740_992.0
    }

    /// Puts `items` into a random order, each as likely (Fisher–Yates). O(n).
    ///
    /// # Panics
    /// If there are 2³² items or more.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let bound = u32::try_from(last + 1).expect("fewer than 2^32 items");
            items.swap(last, self.below(bound) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_below_the_bound_comes_about_as_often() {
        let mut stream = stream(1, Purpose::Simulation, 0);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[stream.below(6) as usize] += 1;
        }
        // Standard deviation 91; six of them.
        assert!(counts.iter().all(|c| c.abs_diff(10_000) < 548), "{counts:?}");
    }

    #[test]
    fn purposes_do_not_share_numbers() {
        let draw = |purpose| stream(1, purpose, 0).below(u32::MAX);
        let all = [
            Purpose::Bootstrap,
            Purpose::Comparison,
            Purpose::Split,
            Purpose::Simulation,
            Purpose::Permutation,
            Purpose::Order,
            Purpose::Jitter,
            Purpose::Examples,
        ]
        .map(draw);
        for (i, a) in all.iter().enumerate() {
            assert!(!all[i + 1..].contains(a));
        }
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        stream(3, Purpose::Split, 0).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn unit_numbers_stay_in_range() {
        let mut stream = stream(2, Purpose::Simulation, 9);
        let mean = (0..10_000)
            .map(|_| stream.unit())
            .inspect(|u| assert!((0.0..1.0).contains(u)))
            .sum::<f64>()
            / 1e4;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
