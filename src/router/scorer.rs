//! From a prompt's vector to a score for each route, by the rule of routes.json.
//!
//! Every rule but the regression is the mean of a few of the cosines to a route's *prototypes*: its centroid, its
//! examples, or the medoids among them.

use rayon::prelude::*;

use super::logistic::Logistic;
use super::medoids::medoids;
use super::{Centroids, RouterError, ScoreTable};
use crate::encode::{Vectors, dot};
use crate::num::f64_from_usize;
use crate::routes::Scoring;

/// Which cosines to prototypes count for a route.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Counted {
    /// So many of the highest to its own.
    Highest(usize),
    /// Those to its own that are among so many of the highest to all.
    AmongNearest(usize),
}

/// Scores prompts against routes.
#[derive(Debug, Clone, PartialEq)]
pub struct Scorer {
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    Prototypes {
        vectors: Vectors,
        /// Row of the first prototype of each route, and one past the last.
        starts: Vec<usize>,
        counted: Counted,
    },
    Logistic(Logistic),
}

impl Scorer {
    /// Prepares a rule for the examples behind `centroids`. O(1) for cosines to the centroid or the examples; medoids take
    /// O(Σ n² · d) for n examples a route, the regression some hundred passes over the examples.
    ///
    /// # Errors
    /// [`RouterError::Scoring`] where the rule cannot be used: a regression needs two routes, or a route and out-of-domain examples.
    pub fn new(centroids: &Centroids, scoring: Scoring) -> Result<Self, RouterError> {
        let sizes = centroids.sizes();
        let rule = match scoring {
            Scoring::Centroid => prototypes(centroids.vectors().clone(), &vec![1; sizes.len()], Counted::Highest(1)),
            Scoring::MaxExample => prototypes(centroids.examples().clone(), &sizes, Counted::Highest(1)),
            Scoring::MeanTop(k) => prototypes(centroids.examples().clone(), &sizes, Counted::Highest(k)),
            Scoring::MeanNearest(k) => prototypes(centroids.examples().clone(), &sizes, Counted::AmongNearest(k)),
            Scoring::Medoids(k) => {
                let mut rows = Vec::new();
                let mut counts = Vec::with_capacity(sizes.len());
                let mut start = 0;
                for size in &sizes {
                    let chosen = medoids(&centroids.examples().slice(start, start + size), k);
                    counts.push(chosen.len());
                    rows.extend(chosen.iter().map(|i| centroids.examples().row(start + i).to_vec()));
                    start += size;
                }
                let vectors = Vectors::new(&rows).map_err(|e| RouterError::Scoring { message: e.to_string() })?;
                prototypes(vectors, &counts, Counted::Highest(1))
            }
            Scoring::Logistic(c) => Rule::Logistic(Logistic::fit(centroids.examples(), &sizes, c)?),
            Scoring::LogisticOod(c) => Rule::Logistic(with_out_of_domain(centroids, c)?),
        };
        Ok(Self { rule })
    }

    /// Scores every prompt, in parallel; O(prompts × prototypes × dimension).
    ///
    /// # Errors
    /// [`RouterError::Dimension`] where prompts and examples are of different lengths.
    pub fn score(&self, prompts: &Vectors) -> Result<ScoreTable, RouterError> {
        let (routes, dimension) = match &self.rule {
            Rule::Prototypes { vectors, starts, .. } => (starts.len() - 1, vectors.dimension()),
            Rule::Logistic(model) => (model.routes(), model.dimension()),
        };
        if !prompts.is_empty() && prompts.dimension() != dimension {
            return Err(RouterError::Dimension {
                centroid: dimension,
                prompt: prompts.dimension(),
            });
        }
        let all: Vec<f64> = match &self.rule {
            Rule::Prototypes {
                vectors,
                starts,
                counted,
            } => {
                let norms: Vec<f64> = vectors.rows().map(|c| dot(c, c).sqrt()).collect();
                let mut all = vec![0.0; prompts.len() * routes];
                let rows = all.par_chunks_exact_mut(routes).enumerate();
                rows.for_each(|(i, scores)| {
                    let prompt = prompts.row(i);
                    let norm = dot(prompt, prompt).sqrt();
                    let cosine = |j: usize| (dot(prompt, vectors.row(j)) / (norm * norms[j])).clamp(-1.0, 1.0);
                    match *counted {
                        Counted::Highest(top) => highest(cosine, starts, top, scores),
                        Counted::AmongNearest(k) => among_nearest(cosine, starts, k, scores),
                    }
                });
                all
            }
            Rule::Logistic(model) => (0..prompts.len())
                .into_par_iter()
                .flat_map_iter(|i| model.probabilities(prompts.row(i)))
                .collect(),
        };
        Ok(ScoreTable::from_scores(all, routes))
    }
}

/// A regression with the out-of-domain examples as one class more, which is not scored.
fn with_out_of_domain(centroids: &Centroids, c: f64) -> Result<Logistic, RouterError> {
    let scoring = |message: String| RouterError::Scoring { message };
    let Some(outside) = centroids.outside() else {
        return Err(scoring("logistic+ood needs examples that belong to no route".into()));
    };
    let rows = centroids.examples().rows().chain(outside.rows());
    let rows: Vec<Vec<f32>> = rows.map(<[f32]>::to_vec).collect();
    let examples = Vectors::new(&rows).map_err(|e| scoring(e.to_string()))?;
    let mut sizes = centroids.sizes();
    sizes.push(outside.len());
    Ok(Logistic::fit(&examples, &sizes, c)?.without_last())
}

fn prototypes(vectors: Vectors, sizes: &[usize], counted: Counted) -> Rule {
    let mut starts = vec![0];
    for size in sizes {
        starts.push(starts[starts.len() - 1] + size);
    }
    Rule::Prototypes {
        vectors,
        starts,
        counted,
    }
}

/// Of each route the mean of the `top` highest cosines to its prototypes.
fn highest(cosine: impl Fn(usize) -> f64, starts: &[usize], top: usize, scores: &mut [f64]) {
    for (score, w) in scores.iter_mut().zip(starts.windows(2)) {
        let cosines = (w[0]..w[1]).map(&cosine);
        *score = if top == 1 {
            cosines.max_by(f64::total_cmp).expect("a route has a prototype")
        } else {
            let mut cosines: Vec<f64> = cosines.collect();
            let count = top.min(cosines.len());
            cosines.sort_unstable_by(|a, b| b.total_cmp(a));
            cosines[..count].iter().sum::<f64>() / f64_from_usize(count)
        };
    }
}

/// Of each route the mean of the cosines to those of its prototypes that are among the `k` nearest of all, of equally near ones the
/// earlier; 0 where none is.
fn among_nearest(cosine: impl Fn(usize) -> f64, starts: &[usize], k: usize, scores: &mut [f64]) {
    let mut all: Vec<(f64, usize)> = (0..starts[starts.len() - 1]).map(|i| (cosine(i), i)).collect();
    let nearer = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if k < all.len() {
        all.select_nth_unstable_by(k, nearer);
        all.truncate(k);
    }
    // In one order, so that the sums do not depend on how the selection went about it.
    all.sort_unstable_by(nearer);
    for (score, w) in scores.iter_mut().zip(starts.windows(2)) {
        let own = all.iter().filter(|(_, i)| (w[0]..w[1]).contains(i));
        let (sum, count) = own.fold((0.0, 0_usize), |(sum, count), (cosine, _)| (sum + cosine, count + 1));
        *score = if count == 0 { 0.0 } else { sum / f64_from_usize(count) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn centroids() -> Centroids {
        let rows = vec![
            vec![1.0, 0.0],
            vec![0.0, 1.0],
            vec![0.6, 0.8],
            vec![-1.0, 0.0],
            vec![-0.8, 0.6],
        ];
        Centroids::new(Vectors::new(&rows).unwrap(), &[3, 2]).unwrap()
    }

    fn scores(scoring: Scoring, prompt: [f32; 2]) -> Vec<f64> {
        let prompts = Vectors::new(&[prompt.to_vec()]).unwrap();
        let table = Scorer::new(&centroids(), scoring).unwrap().score(&prompts).unwrap();
        table.scores(0).to_vec()
    }

    fn near(a: &[f64], b: &[f64]) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
    }

    #[test]
    fn each_rule_is_what_it_says() {
        let prompt = [1.0, 0.0];
        let prompts = Vectors::new(&[prompt.to_vec()]).unwrap();
        let by_centroid = super::super::score(&prompts, &centroids()).unwrap();
        assert_eq!(scores(Scoring::Centroid, prompt), by_centroid.scores(0));
        assert!(near(&scores(Scoring::MaxExample, prompt), &[1.0, -0.8]));
        assert!(near(&scores(Scoring::MeanTop(2), prompt), &[0.8, -0.9]));
        // More than there are: all of them.
        assert!(near(&scores(Scoring::MeanTop(9), prompt), &[1.6 / 3.0, -0.9]));
        // The three nearest are 1, 0.6 and 0, all of the first route; with the fourth the second has one.
        assert!(near(&scores(Scoring::MeanNearest(3), prompt), &[1.6 / 3.0, 0.0]));
        assert!(near(&scores(Scoring::MeanNearest(4), prompt), &[1.6 / 3.0, -0.8]));
        assert!(near(&scores(Scoring::MeanNearest(9), prompt), &[1.6 / 3.0, -0.9]));
        // (0.6, 0.8) is nearest to the others; of two the first.
        assert!(near(&scores(Scoring::Medoids(1), prompt), &[0.6, -1.0]));
        assert!(near(&scores(Scoring::Medoids(9), prompt), &[1.0, -0.8]));
    }

    #[test]
    fn a_regression_gives_probabilities_and_needs_two_routes() {
        let of = scores(Scoring::Logistic(10.0), [1.0, 0.0]);
        assert!((of.iter().sum::<f64>() - 1.0).abs() < 1e-9 && of[0] > 0.9, "{of:?}");
        let lone = Centroids::new(Vectors::new(&[vec![1.0, 0.0]]).unwrap(), &[1]).unwrap();
        let error = Scorer::new(&lone, Scoring::Logistic(1.0)).unwrap_err();
        assert!(matches!(error, RouterError::Scoring { .. }));
        assert!(Scorer::new(&lone, Scoring::Medoids(2)).is_ok());
    }

    #[test]
    fn with_out_of_domain_examples_a_foreign_prompt_scores_low_and_one_route_is_enough() {
        let outside = Vectors::new(&[vec![0.0, -1.0], vec![0.1, -1.0]]).unwrap();
        let known = centroids().with_outside(outside.clone());
        let prompts = Vectors::new(&[vec![0.0, -1.0], vec![0.0, 1.0]]).unwrap();
        let rule = Scoring::LogisticOod(100.0);
        let table = Scorer::new(&known, rule).unwrap().score(&prompts).unwrap();
        assert!(table.scores(0).iter().sum::<f64>() < 0.2, "{:?}", table.scores(0));
        assert!(table.scores(1)[0] > 0.6, "{:?}", table.scores(1));
        let lone = Centroids::new(Vectors::new(&[vec![1.0, 0.0]]).unwrap(), &[1]).unwrap();
        assert!(Scorer::new(&lone, rule).is_err(), "nothing to tell the route from");
        assert!(Scorer::new(&lone.with_outside(outside), rule).is_ok());
    }
}
