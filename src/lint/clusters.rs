//! A route of two groups of examples that one centroid serves badly.
//!
//! Any set can be cut in two, and two centroids are always nearer than one. So three things are asked of a cut (two-means by
//! cosine of the examples alone):
//!
//! 1. Left out of its centroid, an example lies nearer to its group than to the rest of the route, on average.
//! 2. With two centroids for the route (a prompt's score being the higher of its two cosines) more prompts of the dataset go where they
//!    belong than with one, over all routes: McNemar's exact test, one-sided, with Holm's adjustment over the routes. The dataset
//!    had no part in the cut.
//! 3. The cut wins more prompts than random cuts of the same sizes do: fewer than 5 % of 199 reach it (permutation test). The higher
//!    of two cosines favours a route whatever the cut; this takes that away.
//!
//! `SigClust` (Liu et al. 2008), which asks of the examples alone whether one Gaussian explains them, was tried first: of two
//! clearly separate groups of eight it found one in four.

use rayon::prelude::*;

use super::{Act, Code, Finding, Input, Subject};
use crate::dataset::Truth;
use crate::encode::{cosine, dot};
use crate::num::f64_from_usize;
use crate::routes::Scoring;
use crate::stats::multiple::holm;
use crate::stats::{Purpose, binomial, stream};

/// Fewest examples of a group, and of a route that is looked at.
const GROUP: usize = 3;
const ROUTE: usize = 8;
/// Most examples that are looked at: of more, as many at even distances.
const MOST: usize = 200;
/// Random cuts.
const DRAWS: u32 = 199;
const ALPHA: f64 = 0.05;

/// Inner products of n vectors, row-major.
struct Gram {
    n: usize,
    products: Vec<f64>,
}

impl Gram {
    fn at(&self, i: usize, j: usize) -> f64 {
        self.products[i * self.n + j]
    }

    fn cosine(&self, i: usize, j: usize) -> f64 {
        self.at(i, j) / (self.at(i, i) * self.at(j, j)).sqrt()
    }
}

/// A cut in two: side of each vector, and the mean gain of cosine, each vector left out.
#[derive(Debug, Clone, PartialEq)]
struct Cut {
    second: Vec<bool>,
    gain: f64,
}

/// A route with its cut, and what two centroids would change.
struct Candidate {
    route: usize,
    /// Examples that were looked at.
    chosen: Vec<usize>,
    cut: Cut,
    change: Change,
}

/// In-domain prompts whose best route becomes right, or ceases to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Change {
    won: u64,
    lost: u64,
}

impl Change {
    fn net(self) -> i64 {
        i64::try_from(self.won).unwrap_or(i64::MAX) - i64::try_from(self.lost).unwrap_or(i64::MAX)
    }
}

/// Routes that should be two; none where routes are not scored by a centroid.
pub(super) fn findings(input: &Input<'_>, seed: u64) -> Vec<Finding> {
    if input.routes.scoring != Scoring::Centroid {
        return Vec::new();
    }
    let sizes = input.centroids.sizes();
    let eligible: Vec<usize> = (0..sizes.len())
        .filter(|r| sizes[*r] >= ROUTE && sizes.len() > 1)
        .collect();
    let candidates: Vec<Candidate> = eligible
        .par_iter()
        .filter_map(|route| candidate(input, *route))
        .collect();
    let p_values: Vec<f64> = (candidates.iter())
        .map(|c| binomial::sf(c.change.won, c.change.won + c.change.lost, 0.5))
        .collect();
    let adjusted = holm(&p_values);
    (candidates.iter().zip(adjusted))
        .filter(|(_, p)| *p < ALPHA)
        .filter_map(|(candidate, p)| {
            let by_chance = by_chance(input, candidate, seed);
            (by_chance < ALPHA).then(|| finding(input, candidate, p, by_chance))
        })
        .collect()
}

fn candidate(input: &Input<'_>, route: usize) -> Option<Candidate> {
    let size = input.centroids.sizes()[route];
    let kept = size.min(MOST);
    let chosen: Vec<usize> = (0..kept).map(|i| i * size / kept).collect();
    let rows = rows(input, route, &chosen);
    let gram = gram(&rows);
    let cut = cut(&gram).filter(|cut| cut.gain > 0.0)?;
    let change = change_of(input, route, &rows, &cut.second);
    Some(Candidate {
        route,
        chosen,
        cut,
        change,
    })
}

fn rows<'a>(input: &Input<'a>, route: usize, chosen: &[usize]) -> Vec<&'a [f32]> {
    let start: usize = input.centroids.sizes()[..route].iter().sum();
    let examples = input.centroids.examples();
    chosen.iter().map(|e| examples.row(start + e)).collect()
}

/// Share of random cuts of the same sizes that win as many prompts or more.
fn by_chance(input: &Input<'_>, candidate: &Candidate, seed: u64) -> f64 {
    let rows = rows(input, candidate.route, &candidate.chosen);
    let gram = gram(&rows);
    let prompts = prompts(input, candidate.route);
    // Products of every prompt with every example, once for all cuts.
    let products: Vec<Vec<f64>> = (prompts.par_iter())
        .map(|prompt| {
            rows.iter()
                .map(|row| cosine(input.vectors.row(prompt.row), row))
                .collect()
        })
        .collect();
    let reached = (0..DRAWS).into_par_iter().filter(|draw| {
        let mut second = candidate.cut.second.clone();
        let index = ((candidate.route as u64) << 32) | u64::from(*draw);
        stream(seed, Purpose::Permutation, index).shuffle(&mut second);
        let norms = side_norms(&gram, &second);
        let score = |i: usize| {
            let mut to = [0.0; 2];
            for (product, side) in products[i].iter().zip(&second) {
                to[usize::from(*side)] += product;
            }
            (to[0] / norms[0]).max(to[1] / norms[1])
        };
        change(&prompts, score).net() >= candidate.change.net()
    });
    f64_from_usize(reached.count() + 1) / f64::from(DRAWS + 1)
}

/// An in-domain prompt, as far as a cut of one route can change where it goes.
struct Prompt {
    /// Row of its vector.
    row: usize,
    /// The best score among the other routes, whether that route goes before this one, and whether the prompt is right there.
    other: (f64, bool, bool),
    /// Whether it belongs to this route, and whether it is right as things are.
    own: bool,
    right: bool,
}

fn prompts(input: &Input<'_>, route: usize) -> Vec<Prompt> {
    let prompt = |(row, truth): (usize, &Truth)| {
        let Truth::Route(truth) = *truth else { return None };
        let others = input
            .scores
            .scores(row)
            .iter()
            .copied()
            .enumerate()
            .filter(|(r, _)| *r != route);
        let (best, score) = others.fold(
            (usize::MAX, -2.0),
            |best, next| if next.1 > best.1 { next } else { best },
        );
        Some(Prompt {
            row,
            other: (score, best < route, best == truth),
            own: truth == route,
            right: input.scores.rows()[row].best == truth,
        })
    };
    input.truths.iter().enumerate().filter_map(prompt).collect()
}

/// What changes when the route scores prompt i of these at `score(i)`.
fn change(prompts: &[Prompt], score: impl Fn(usize) -> f64) -> Change {
    let mut change = Change::default();
    for (i, prompt) in prompts.iter().enumerate() {
        let score = score(i);
        let (other, earlier, right_there) = prompt.other;
        let elsewhere = other > score || (earlier && other >= score);
        let after = if elsewhere { right_there } else { prompt.own };
        change.won += u64::from(after && !prompt.right);
        change.lost += u64::from(prompt.right && !after);
    }
    change
}

/// The change of one cut.
fn change_of(input: &Input<'_>, route: usize, rows: &[&[f32]], second: &[bool]) -> Change {
    let sum = |wanted: bool| {
        let mut sum = vec![0.0_f64; input.vectors.dimension()];
        for (row, _) in rows.iter().zip(second).filter(|(_, side)| **side == wanted) {
            let norm = dot(row, row).sqrt();
            for (s, x) in sum.iter_mut().zip(*row) {
                *s += f64::from(*x) / norm;
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "vectors are f32 everywhere")]
        let narrow: Vec<f32> = sum.iter().map(|x| *x as f32).collect();
        narrow
    };
    let two = [sum(false), sum(true)];
    let prompts = prompts(input, route);
    change(&prompts, |i| {
        let vector = input.vectors.row(prompts[i].row);
        cosine(vector, &two[0]).max(cosine(vector, &two[1]))
    })
}

/// Length of the sum of each side.
fn side_norms(gram: &Gram, second: &[bool]) -> [f64; 2] {
    let mut squared = [0.0; 2];
    for i in 0..gram.n {
        for j in (0..gram.n).filter(|j| second[*j] == second[i]) {
            squared[usize::from(second[i])] += gram.at(i, j);
        }
    }
    squared.map(|s: f64| s.max(f64::MIN_POSITIVE).sqrt())
}

fn gram(rows: &[&[f32]]) -> Gram {
    let norms: Vec<f64> = rows.iter().map(|row| dot(row, row).sqrt()).collect();
    let products = rows
        .iter()
        .zip(&norms)
        .flat_map(|(a, x)| rows.iter().zip(&norms).map(move |(b, y)| dot(a, b) / (x * y)));
    Gram {
        n: rows.len(),
        products: products.collect(),
    }
}

/// The best cut with at least [`GROUP`] on each side: two-means by cosine from a few pairs far apart.
fn cut(gram: &Gram) -> Option<Cut> {
    let n = gram.n;
    let farthest = |from: usize| {
        (0..n)
            .min_by(|a, b| gram.cosine(from, *a).total_cmp(&gram.cosine(from, *b)))
            .unwrap_or(from)
    };
    let mut best: Option<(f64, Vec<bool>)> = None;
    for quarter in 0..4 {
        // Twice: from any vector to one at an end, and from there to the other end.
        let one = farthest(quarter * n / 4);
        let side = two_means(gram, one, farthest(one));
        let second = side.iter().filter(|s| **s).count();
        if second < GROUP || n - second < GROUP {
            continue;
        }
        let total = total_cosine(gram, &side);
        if best.as_ref().is_none_or(|(most, _)| total > *most) {
            best = Some((total, side));
        }
    }
    let (_, second) = best?;
    let gain = left_out(gram, &second) - left_out(gram, &vec![false; n]);
    Some(Cut { second, gain })
}

fn two_means(gram: &Gram, one: usize, other: usize) -> Vec<bool> {
    let mut side: Vec<bool> = (0..gram.n)
        .map(|i| gram.cosine(i, other) > gram.cosine(i, one))
        .collect();
    // It settles in a few rounds; ties could make it go in circles.
    for _ in 0..50 {
        let to: Vec<[f64; 2]> = to_centroids(gram, &side);
        let next: Vec<bool> = to.iter().map(|[first, second]| second > first).collect();
        if next == side || next.iter().all(|s| *s) || next.iter().all(|s| !*s) {
            break;
        }
        side = next;
    }
    side
}

/// Cosine of every vector to the sum of each side, but for its own length, which is the same for both.
fn to_centroids(gram: &Gram, side: &[bool]) -> Vec<[f64; 2]> {
    let mut to = vec![[0.0; 2]; gram.n];
    let mut norms = [0.0; 2];
    for (i, to) in to.iter_mut().enumerate() {
        for (j, s) in side.iter().enumerate() {
            to[usize::from(*s)] += gram.at(i, j);
        }
        norms[usize::from(side[i])] += to[usize::from(side[i])];
    }
    let norms = norms.map(|squared: f64| squared.max(f64::MIN_POSITIVE).sqrt());
    for to in &mut to {
        *to = [to[0] / norms[0], to[1] / norms[1]];
    }
    to
}

fn total_cosine(gram: &Gram, side: &[bool]) -> f64 {
    let to = to_centroids(gram, side);
    (0..gram.n)
        .map(|i| to[i][usize::from(side[i])] / gram.at(i, i).sqrt())
        .sum()
}

/// Mean cosine of each vector to the sum of the others on its side. O(n²).
fn left_out(gram: &Gram, side: &[bool]) -> f64 {
    let own: Vec<f64> = (0..gram.n)
        .map(|i| (0..gram.n).filter(|j| side[*j] == side[i]).map(|j| gram.at(i, j)).sum())
        .collect();
    let mut totals = [0.0; 2];
    for (s, product) in side.iter().zip(&own) {
        totals[usize::from(*s)] += product;
    }
    let cosines = (0..gram.n).map(|i| {
        let squared = totals[usize::from(side[i])] - 2.0 * own[i] + gram.at(i, i);
        (own[i] - gram.at(i, i)) / (squared.max(f64::MIN_POSITIVE) * gram.at(i, i)).sqrt()
    });
    cosines.sum::<f64>() / f64_from_usize(gram.n)
}

fn finding(input: &Input<'_>, candidate: &Candidate, p: f64, by_chance: f64) -> Finding {
    let Candidate {
        route,
        chosen,
        cut,
        change,
    } = candidate;
    let second = cut.second.iter().filter(|s| **s).count();
    let first = cut.second.len() - second;
    let message = format!(
        "the examples of {} form two groups of {first} and {second}: with a centroid each, {} prompts would go where they belong that \
         do not now, and {} the other way round (p = {p:.3}; of random cuts {:.1} % win as many)",
        input.name(*route),
        change.won,
        change.lost,
        100.0 * by_chance
    );
    // A few of each group, in turn.
    let of = |wanted: bool| {
        (cut.second.iter().zip(chosen))
            .filter(move |(side, _)| **side == wanted)
            .map(|(_, e)| *e)
    };
    let shown = of(false)
        .take(3)
        .chain(of(true).take(3))
        .map(|example| Subject::Example { route: *route, example });
    let items = std::iter::once(Subject::Route(*route)).chain(shown).collect();
    let count = |n: u64| crate::num::f64_from_u64(n);
    let figures = [
        ("gain", cut.gain),
        ("won", count(change.won)),
        ("lost", count(change.lost)),
        ("p_adjusted", p),
        ("p_random_cuts", by_chance),
        ("first_group", f64_from_usize(first)),
        ("second_group", f64_from_usize(second)),
    ];
    let finding = Finding::new(Code::SplitRoute, Act::Split, Subject::Route(*route), message, items);
    finding.with(figures).weighing(count(change.won) - count(change.lost))
}

#[cfg(test)]
mod tests;
