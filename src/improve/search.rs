//! The search: one example at a time, the one that helps most.
//!
//! What is raised is the mean log-probability of the right route under a softmax over the cosines, at a fixed temperature: unlike
//! the share of prompts that are right it moves with every example, so that a step is not decided by two or three prompts. A
//! centroid with one more example has its cosines in closed form, so that a step costs O(candidates × prompts) and nothing is
//! embedded or summed anew.

use rayon::prelude::*;

use crate::encode::{Vectors, dot};
use crate::num::f64_from_usize;

/// Cosines of sentence encoders differ by some hundredths where routes are near each other.
const TEMPERATURE: f64 = 0.05;
/// A step must raise the mean log-probability by this at the least.
const LEAST_GAIN: f64 = 1e-4;

/// A change of a route's examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A labelled prompt, by its index, becomes an example of the route it is labelled with.
    Add(usize),
    /// An example of a route, by its index among all of them, is taken out.
    Drop(usize),
}

/// Examples and labelled in-domain prompts as unit vectors.
#[derive(Debug, Clone)]
pub struct Material {
    routes: usize,
    examples: Vec<Vec<f64>>,
    example_route: Vec<usize>,
    prompts: Vec<Vec<f64>>,
    labels: Vec<usize>,
    /// Cosines of prompts, then of examples, to every prompt.
    cosines: Vec<Vec<f64>>,
}

impl Material {
    /// O((prompts + examples) · prompts · dimension), and as much memory without the dimension.
    ///
    /// # Panics
    /// If there are not as many labels as prompts, or not as many sizes as examples.
    pub fn new(examples: &Vectors, sizes: &[usize], prompts: &Vectors, labels: &[usize]) -> Self {
        assert_eq!(sizes.iter().sum::<usize>(), examples.len());
        assert_eq!(prompts.len(), labels.len());
        let unit = |row: &[f32]| -> Vec<f64> {
            let norm = dot(row, row).sqrt();
            row.iter().map(|x| f64::from(*x) / norm).collect()
        };
        let examples: Vec<Vec<f64>> = examples.rows().map(unit).collect();
        let prompts: Vec<Vec<f64>> = prompts.rows().map(unit).collect();
        let all: Vec<&Vec<f64>> = prompts.iter().chain(&examples).collect();
        let cosines = all
            .par_iter()
            .map(|a| prompts.iter().map(|b| product(a, b)).collect())
            .collect();
        Self {
            routes: sizes.len(),
            examples,
            example_route: sizes
                .iter()
                .enumerate()
                .flat_map(|(route, size)| std::iter::repeat_n(route, *size))
                .collect(),
            prompts,
            labels: labels.to_vec(),
            cosines,
        }
    }

    /// Prompts.
    pub fn len(&self) -> usize {
        self.prompts.len()
    }

    /// Whether there is no prompt.
    pub fn is_empty(&self) -> bool {
        self.prompts.is_empty()
    }

    /// The route a prompt is labelled with.
    ///
    /// # Panics
    /// If there is no such prompt.
    pub fn label(&self, prompt: usize) -> usize {
        self.labels[prompt]
    }

    /// The route that a change is about.
    ///
    /// # Panics
    /// If it names what is not there.
    pub fn route_of(&self, change: Change) -> usize {
        match change {
            Change::Add(prompt) => self.labels[prompt],
            Change::Drop(example) => self.example_route[example],
        }
    }

    /// Whether the best route of each of `prompts` is its own after `changes`; ties go to the earlier route. A prompt that has
    /// become an example is no judge of it: nothing is said of it.
    pub fn right(&self, changes: &[Change], prompts: &[usize]) -> Vec<Option<bool>> {
        let sums = self.sums(changes);
        prompts
            .iter()
            .map(|prompt| {
                if changes.contains(&Change::Add(*prompt)) {
                    return None;
                }
                let cosines: Vec<f64> = sums.iter().map(|sum| cosine(&self.prompts[*prompt], sum)).collect();
                let best = (1..self.routes).fold(0, |best, r| if cosines[r] > cosines[best] { r } else { best });
                Some(best == self.labels[*prompt])
            })
            .collect()
    }

    fn sums(&self, changes: &[Change]) -> Vec<Vec<f64>> {
        let dimension = self.examples.first().map_or(0, Vec::len);
        let mut sums = vec![vec![0.0; dimension]; self.routes];
        for (i, example) in self.examples.iter().enumerate() {
            if !changes.contains(&Change::Drop(i)) {
                add(&mut sums[self.example_route[i]], example, 1.0);
            }
        }
        for change in changes {
            if let Change::Add(prompt) = change {
                add(&mut sums[self.labels[*prompt]], &self.prompts[*prompt], 1.0);
            }
        }
        sums
    }
}

fn add(sum: &mut [f64], vector: &[f64], sign: f64) {
    for (s, x) in sum.iter_mut().zip(vector) {
        *s += sign * x;
    }
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn cosine(unit: &[f64], sum: &[f64]) -> f64 {
    product(unit, sum) / product(sum, sum).sqrt()
}

/// How much may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Examples that a route may gain.
    pub add: usize,
    /// Examples that a route may lose.
    pub drop: usize,
    /// Examples that a route keeps at the least.
    pub keep: usize,
}

/// Changes that help on the prompts of `learn`, in the order in which they were found: each step takes the change that
/// raises the mean log-probability most, until none does or the limits are reached. Ties go to the earlier prompt, then to the
/// earlier example. Deterministic; O(steps × candidates × prompts), in parallel over the candidates.
pub fn search(material: &Material, learn: &[usize], limits: Limits) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    loop {
        let state = State::new(material, learn, &changes);
        let candidates = candidates(material, learn, &changes, limits);
        let best = candidates
            .par_iter()
            .map(|change| (state.gain(*change), *change))
            .collect::<Vec<_>>()
            .into_iter()
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        match best {
            Some((gain, change)) if gain >= LEAST_GAIN => changes.push(change),
            _ => return changes,
        }
    }
}

/// What may be changed next.
fn candidates(material: &Material, learn: &[usize], changes: &[Change], limits: Limits) -> Vec<Change> {
    let mut added = vec![0; material.routes];
    let mut dropped = vec![0; material.routes];
    let mut left = vec![0; material.routes];
    for route in &material.example_route {
        left[*route] += 1;
    }
    for change in changes {
        let route = material.route_of(*change);
        match change {
            Change::Add(_) => (added[route], left[route]) = (added[route] + 1, left[route] + 1),
            Change::Drop(_) => (dropped[route], left[route]) = (dropped[route] + 1, left[route] - 1),
        }
    }
    let adds = learn
        .iter()
        .filter(|p| added[material.labels[**p]] < limits.add)
        .map(|p| Change::Add(*p));
    let drops = (0..material.examples.len())
        .filter(|e| {
            let route = material.example_route[*e];
            dropped[route] < limits.drop && left[route] > limits.keep.max(1)
        })
        .map(Change::Drop);
    adds.chain(drops).filter(|change| !changes.contains(change)).collect()
}

/// Where the search stands: every learning prompt's cosines.
struct State<'a> {
    material: &'a Material,
    /// Prompts that judge a step: those that are no examples yet.
    judges: Vec<usize>,
    sums: Vec<Vec<f64>>,
    /// ‖sum‖² of each route.
    squares: Vec<f64>,
    /// Judges × routes: product of prompt and sum.
    products: Vec<Vec<f64>>,
    /// Judges × routes: exp(cosine / T).
    weights: Vec<Vec<f64>>,
}

impl<'a> State<'a> {
    fn new(material: &'a Material, learn: &[usize], changes: &[Change]) -> Self {
        let sums = material.sums(changes);
        let squares: Vec<f64> = sums.iter().map(|s| product(s, s)).collect();
        let judges: Vec<usize> = learn
            .iter()
            .copied()
            .filter(|p| !changes.contains(&Change::Add(*p)))
            .collect();
        let products: Vec<Vec<f64>> = judges
            .iter()
            .map(|p| sums.iter().map(|s| product(&material.prompts[*p], s)).collect())
            .collect();
        let weights = products
            .iter()
            .map(|row| row.iter().zip(&squares).map(|(p, s)| weight(*p, *s)).collect())
            .collect();
        Self {
            material,
            judges,
            sums,
            squares,
            products,
            weights,
        }
    }

    /// By how much a change raises the mean log-probability of the right route, over the prompts that are no examples then.
    fn gain(&self, change: Change) -> f64 {
        let route = self.material.route_of(change);
        let (vector, row, sign, own) = match change {
            Change::Add(prompt) => (&self.material.prompts[prompt], prompt, 1.0, Some(prompt)),
            Change::Drop(example) => (
                &self.material.examples[example],
                self.material.prompts.len() + example,
                -1.0,
                None,
            ),
        };
        let cosines = &self.material.cosines[row];
        let square = self.squares[route] + 2.0 * sign * product(vector, &self.sums[route]) + 1.0;
        if square <= 1e-9 {
            return f64::NEG_INFINITY;
        }
        let (mut sum, mut n) = (0.0, 0_usize);
        for (i, judge) in self.judges.iter().enumerate() {
            if Some(*judge) == own {
                continue;
            }
            let with = weight(self.products[i][route] + sign * cosines[*judge], square);
            let row = &self.weights[i];
            let total: f64 = row.iter().sum();
            let label = self.material.labels[*judge];
            let now = if label == route { with } else { row[label] };
            let log = |x: f64| libm::log(x);
            sum += log(now / (total - row[route] + with)) - log(row[label] / total);
            n += 1;
        }
        if n == 0 {
            f64::NEG_INFINITY
        } else {
            sum / f64_from_usize(n)
        }
    }
}

fn weight(product: f64, square: f64) -> f64 {
    libm::exp(product / square.sqrt() / TEMPERATURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        add: 2,
        drop: 1,
        keep: 1,
    };

    /// Route 0 lives around 60° but its examples stand at 0° and 10°; route 1 around 120°.
    fn material() -> Material {
        Material::new(
            &Vectors::at_degrees(&[0.0, 10.0, 120.0]),
            &[2, 1],
            &Vectors::at_degrees(&[55.0, 60.0, 65.0, 70.0, 118.0, 122.0]),
            &[0, 0, 0, 0, 1, 1],
        )
    }

    #[test]
    fn a_step_raises_what_it_says_by_what_it_says() {
        let material = material();
        let learn: Vec<usize> = (0..6).collect();
        let mean = |changes: &[Change], without: usize| -> f64 {
            let sums = material.sums(changes);
            let judges: Vec<usize> = learn.iter().copied().filter(|p| *p != without).collect();
            let log = |p: &usize| {
                let weights: Vec<f64> = sums
                    .iter()
                    .map(|s| (cosine(&material.prompts[*p], s) / TEMPERATURE).exp())
                    .collect();
                (weights[material.labels[*p]] / weights.iter().sum::<f64>()).ln()
            };
            judges.iter().map(log).sum::<f64>() / f64_from_usize(judges.len())
        };
        let state = State::new(&material, &learn, &[]);
        let found = state.gain(Change::Add(3));
        assert!((found - (mean(&[Change::Add(3)], 3) - mean(&[], 3))).abs() < 1e-12);
        let found = state.gain(Change::Drop(0));
        assert!((found - (mean(&[Change::Drop(0)], 99) - mean(&[], 99))).abs() < 1e-12);
    }

    #[test]
    fn examples_move_to_where_the_prompts_are() {
        let material = material();
        let learn: Vec<usize> = (0..6).collect();
        let before = material.right(&[], &learn);
        let changes = search(&material, &learn, LIMITS);
        assert!(!changes.is_empty() && changes.len() <= 5, "{changes:?}");
        let after = material.right(&changes, &learn);
        let right = |of: &[Option<bool>]| of.iter().filter(|r| **r == Some(true)).count();
        assert!(after.iter().all(|r| *r != Some(false)), "{changes:?} {after:?}");
        assert!(right(&before) < 6);
        assert_eq!(search(&material, &learn, LIMITS), changes);
    }

    #[test]
    fn limits_hold() {
        let material = material();
        let learn: Vec<usize> = (0..6).collect();
        let none = Limits {
            add: 0,
            drop: 0,
            keep: 1,
        };
        assert_eq!(search(&material, &learn, none), []);
        let only_drop = Limits {
            add: 0,
            drop: 9,
            keep: 2,
        };
        assert_eq!(
            search(&material, &learn, only_drop),
            [],
            "two examples are to be kept, and there are no more"
        );
    }
}
