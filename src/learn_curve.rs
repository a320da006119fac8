//! Accuracy against the number of examples a route: how many are enough on one's own data.

use rayon::prelude::*;

use crate::dataset::Truth;
use crate::encode::Vectors;
use crate::metrics::Rate;
use crate::metrics::detection::Detection;
use crate::num::f64_from_usize;
use crate::report::{BandReport, LearnPointReport};
use crate::router::{Centroids, RouterError, ScoreTable, Scorer};
use crate::routes::Scoring;
use crate::stats::{Purpose, stream};

/// Share of the draws below a band, and above it.
const OUTSIDE: f64 = 0.05;

/// What the examples are drawn from, and what judges them.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// Vectors of the candidates, route after route.
    pub pool: &'a Vectors,
    /// How many candidates each route has, in order.
    pub sizes: &'a [usize],
    /// Vectors of the prompts that judge.
    pub test: &'a Vectors,
    /// Their labels.
    pub truths: &'a [Truth],
    /// The scoring rule.
    pub scoring: Scoring,
    /// Vectors of out-of-domain examples, the same in every draw; empty unless the rule learns from them.
    pub outside: &'a Vectors,
}

/// Figures of one router: forced-choice accuracy of the in-domain prompts, and the AUROC of the score.
pub fn judged(scores: &ScoreTable, truths: &[Truth]) -> (Rate, Option<f64>) {
    let pairs = || scores.rows().iter().zip(truths);
    let right = pairs().filter_map(|(row, truth)| match truth {
        Truth::Route(own) => Some(*own == row.best),
        Truth::OutOfDomain => None,
    });
    let of = |wanted: bool| {
        pairs()
            .filter(move |(_, truth)| (**truth != Truth::OutOfDomain) == wanted)
            .map(|(row, _)| row.score)
    };
    (Rate::of(right), Detection::new(of(true), of(false)).auroc())
}

/// The curve: `draws` routers of each number of `examples` a route. Draw *i* shuffles each route's candidates by stream *i* of
/// `seed` and takes the first ones, so that a larger number only adds examples. A route with fewer candidates takes all it
/// has. O(draws × Σ cost of scoring), in parallel; the same whatever the number of threads.
///
/// # Errors
/// [`RouterError`] where a router cannot be built: examples that cancel out, a regression over one route.
///
/// # Panics
/// If the sizes do not add up to the candidates, or a route has none.
pub fn learn_curve(
    material: Material<'_>,
    examples: &[usize],
    (draws, seed): (u32, u64),
    done: &(dyn Fn() + Sync),
) -> Result<Vec<LearnPointReport>, RouterError> {
    let Material { sizes, .. } = material;
    assert_eq!(
        sizes.iter().sum::<usize>(),
        material.pool.len(),
        "candidates without a route"
    );
    // Draw after draw, and in it number after number.
    let figures: Vec<Vec<(Option<f64>, Option<f64>)>> = (0..draws)
        .into_par_iter()
        .map(|draw| {
            let order = shuffled(sizes, seed, draw);
            let figures = examples.iter().map(|n| drawn(material, &order, *n)).collect();
            done();
            figures
        })
        .collect::<Result<_, RouterError>>()?;
    Ok(examples
        .iter()
        .enumerate()
        .map(|(i, n)| LearnPointReport {
            examples: *n as u64,
            short_routes: sizes.iter().filter(|size| *size < n).count() as u64,
            accuracy: band(figures.iter().filter_map(|f| f[i].0).collect()),
            auroc: band(figures.iter().filter_map(|f| f[i].1).collect()),
        })
        .collect())
}

/// Each route's candidates in the order of a draw.
fn shuffled(sizes: &[usize], seed: u64, draw: u32) -> Vec<Vec<usize>> {
    let mut random = stream(seed, Purpose::Examples, u64::from(draw));
    let mut start = 0;
    sizes
        .iter()
        .map(|size| {
            let mut rows: Vec<usize> = (start..start + size).collect();
            random.shuffle(&mut rows);
            start += size;
            rows
        })
        .collect()
}

fn drawn(material: Material<'_>, order: &[Vec<usize>], n: usize) -> Result<(Option<f64>, Option<f64>), RouterError> {
    let taken: Vec<&[usize]> = order.iter().map(|rows| &rows[..n.min(rows.len())]).collect();
    let rows: Vec<Vec<f32>> = taken
        .iter()
        .flat_map(|rows| rows.iter().map(|i| material.pool.row(*i).to_vec()))
        .collect();
    let counts: Vec<usize> = taken.iter().map(|rows| rows.len()).collect();
    let vectors = Vectors::new(&rows).map_err(|e| RouterError::Scoring { message: e.to_string() })?;
    let centroids = Centroids::new(vectors, &counts)?.with_outside(material.outside.clone());
    let scorer = Scorer::new(&centroids, material.scoring)?;
    let (accuracy, auroc) = judged(&scorer.score(material.test)?, material.truths);
    Ok((accuracy.value(), auroc))
}

/// Mean of the draws, and between which values nine in ten of them lie (nearest rank); nothing without draws.
pub(crate) fn band(mut values: Vec<f64>) -> Option<BandReport> {
    values.sort_by(f64::total_cmp);
    let (first, last) = (values.first()?, values.last()?);
    let at = |q: f64| {
        let rank = (q * f64_from_usize(values.len())).ceil().max(1.0);
        values[crate::num::usize_from_f64(rank) - 1]
    };
    Some(BandReport {
        mean: values.iter().sum::<f64>() / f64_from_usize(values.len()),
        lower: at(OUTSIDE),
        upper: at(1.0 - OUTSIDE),
        min: *first,
        max: *last,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two routes around two directions, the second one's candidates of two kinds.
    fn pool() -> Vectors {
        Vectors::at_degrees(&[0.0, 5.0, 10.0, 40.0, 80.0, 120.0])
    }

    fn curve(examples: &[usize], draws: u32, seed: u64) -> Vec<LearnPointReport> {
        let pool = pool();
        let test = pool.clone();
        let truths = [0, 0, 0, 1, 1, 1].map(Truth::Route);
        let material = Material {
            pool: &pool,
            sizes: &[3, 3],
            test: &test,
            truths: &truths,
            scoring: Scoring::Centroid,
            outside: &pool.slice(0, 0),
        };
        learn_curve(material, examples, (draws, seed), &|| ()).unwrap()
    }

    #[test]
    fn with_all_candidates_every_draw_is_the_same_router() {
        let all = curve(&[3, 9], 20, 1);
        for point in &all {
            let band = point.accuracy.as_ref().unwrap();
            // The candidate at 40° is nearer to the other route's mean.
            assert!(
                (band.min - band.max).abs() < 1e-12 && (band.mean - 5.0 / 6.0).abs() < 1e-12,
                "{point:?}"
            );
            assert!(point.auroc.is_none(), "there is nothing out-of-domain");
        }
        assert_eq!((all[0].short_routes, all[1].short_routes), (0, 2));
    }

    #[test]
    fn few_examples_give_a_wide_band_and_the_seed_gives_the_draws() {
        let one = curve(&[1], 40, 1);
        let band = one[0].accuracy.as_ref().unwrap();
        assert!(
            band.min < band.max && band.lower <= band.mean && band.mean <= band.upper,
            "{band:?}"
        );
        assert_eq!(one, curve(&[1], 40, 1));
        assert_ne!(one, curve(&[1], 40, 2));
        // More numbers do not change what a draw is.
        assert_eq!(curve(&[1, 2, 3], 40, 1)[0], one[0]);
    }

    #[test]
    fn a_band_leaves_a_twentieth_out_on_either_side() {
        let of = band((1..=100).map(f64::from).collect()).unwrap();
        assert_eq!((of.lower, of.upper, of.min, of.max), (5.0, 95.0, 1.0, 100.0));
        assert_eq!(band(vec![]), None);
    }
}
