//! Better examples for the routes, from labelled prompts: which to add, which to drop, and whether that is more than chance.
//!
//! Thresholds cannot mend weak examples. The search ([`search`]) looks at every labelled prompt of the calibration split, so
//! what it gains there says little. Whether it helps is measured by cross-validation of the whole procedure: on each fold the
//! examples come from the others, and so do as many examples drawn at random, the control that a choice has to beat.

mod search;

pub use search::{Change, Limits, Material, search};

use crate::num::f64_from_usize;
use crate::stats::paired::Paired;
use crate::stats::{Purpose, stream};

/// How to look for better examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What may change.
    pub limits: Limits,
    /// Folds of the cross-validation, at least 2.
    pub folds: usize,
    /// Random choices of examples that the found ones are held against.
    pub draws: u32,
    /// Seed of folds and draws.
    pub seed: u64,
}

/// What cross-validation says of the procedure.
#[derive(Debug, Clone, PartialEq)]
pub struct Validation {
    /// Prompts by whether they were right before and are right with the found changes.
    pub before: Paired,
    /// Share of them right with the found changes; `None` without prompts.
    pub found: Option<f64>,
    /// Share right before.
    pub was: Option<f64>,
    /// Share right with as many random examples, each draw over all folds.
    pub random: Vec<f64>,
}

impl Validation {
    /// The found changes' share minus the mean of the random ones.
    pub fn over_random(&self) -> Option<f64> {
        let mean = self.random.iter().sum::<f64>() / f64_from_usize(self.random.len());
        self.found.filter(|_| !self.random.is_empty()).map(|found| found - mean)
    }
}

/// Cross-validates the search over all prompts of `material`. `done` is called after each fold.
///
/// # Panics
/// With fewer than two folds.
pub fn cross_validate(material: &Material, settings: &Settings, done: &(dyn Fn() + Sync)) -> Validation {
    let fold = folds(material, settings);
    let mut pairs = Vec::with_capacity(material.len());
    let mut random = vec![(0_usize, 0_usize); settings.draws as usize];
    for this in 0..settings.folds {
        let (held, learn): (Vec<usize>, Vec<usize>) = (0..material.len()).partition(|i| fold[*i] == this);
        let changes = search(material, &learn, settings.limits);
        let before = material.right(&[], &held);
        let after = material.right(&changes, &held);
        pairs.extend(before.into_iter().zip(after).filter_map(|(a, b)| Some((a?, b?))));
        for (draw, counts) in random.iter_mut().enumerate() {
            let index = draw as u64 * settings.folds as u64 + this as u64;
            let drawn = at_random(material, &learn, &changes, settings.seed, index);
            for right in material.right(&drawn, &held).into_iter().flatten() {
                *counts = (counts.0 + usize::from(right), counts.1 + 1);
            }
        }
        done();
    }
    let share = |right: usize, n: usize| (n > 0).then(|| f64_from_usize(right) / f64_from_usize(n));
    let count = |of: fn(&(bool, bool)) -> bool| pairs.iter().filter(|pair| of(pair)).count();
    Validation {
        was: share(count(|p| p.0), pairs.len()),
        found: share(count(|p| p.1), pairs.len()),
        before: Paired::of(pairs.iter().copied()),
        random: random.into_iter().filter_map(|(right, n)| share(right, n)).collect(),
    }
}

/// As many additions a route as `changes` has, of random prompts of `learn`; nothing is dropped.
///
/// # Panics
/// If `learn` names a prompt that is not there.
pub fn at_random(material: &Material, learn: &[usize], changes: &[Change], seed: u64, index: u64) -> Vec<Change> {
    let mut random = stream(seed, Purpose::Examples, index);
    let mut order: Vec<usize> = learn.to_vec();
    random.shuffle(&mut order);
    let mut wanted: std::collections::BTreeMap<usize, usize> = std::collections::BTreeMap::new();
    for change in changes.iter().filter(|c| matches!(c, Change::Add(_))) {
        *wanted.entry(material.route_of(*change)).or_default() += 1;
    }
    order
        .into_iter()
        .filter(|prompt| {
            let left = wanted.entry(material.label(*prompt)).or_default();
            let take = *left > 0;
            *left = left.saturating_sub(1);
            take
        })
        .map(Change::Add)
        .collect()
}

/// The fold of every prompt: each route's prompts in a random order, dealt out in turn.
fn folds(material: &Material, settings: &Settings) -> Vec<usize> {
    assert!(settings.folds > 1, "one fold leaves nothing to learn from");
    let mut order: Vec<usize> = (0..material.len()).collect();
    stream(settings.seed, Purpose::Split, 1).shuffle(&mut order);
    order.sort_by_key(|i| material.label(*i));
    let mut fold = vec![0; material.len()];
    for (place, prompt) in order.into_iter().enumerate() {
        fold[prompt] = place % settings.folds;
    }
    fold
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Vectors;

    fn settings(add: usize) -> Settings {
        Settings {
            limits: Limits { add, drop: 0, keep: 1 },
            folds: 4,
            draws: 10,
            seed: 3,
        }
    }

    /// Prompts of route 0 around 60°, of route 1 around 110°; the examples of route 0 stand far off.
    fn material() -> Material {
        let prompts: Vec<f32> = (0..20_u8)
            .map(|i| 50.0 + f32::from(i))
            .chain((0..20_u8).map(|i| 100.0 + f32::from(i)))
            .collect();
        let labels: Vec<usize> = (0..40).map(|i| usize::from(i >= 20)).collect();
        Material::new(
            &Vectors::at_degrees(&[-20.0, 110.0]),
            &[1, 1],
            &Vectors::at_degrees(&prompts),
            &labels,
        )
    }

    #[test]
    fn a_gain_that_is_there_is_found_on_prompts_that_were_not_looked_at() {
        let found = cross_validate(&material(), &settings(2), &|| ());
        assert_eq!(found.before.n(), 40);
        assert!(found.found.unwrap() > 0.95 && found.was.unwrap() < 0.6, "{found:?}");
        assert!(found.before.won() > 10 && found.before.lost() == 0);
        assert_eq!(found, cross_validate(&material(), &settings(2), &|| ()));
    }

    #[test]
    fn nothing_changes_where_nothing_may() {
        let found = cross_validate(&material(), &settings(0), &|| ());
        assert_eq!((found.before.won(), found.before.lost()), (0, 0));
        assert!(found.over_random().unwrap().abs() < 1e-12);
    }

    #[test]
    fn the_control_adds_as_many_examples_to_each_route() {
        let material = material();
        let learn: Vec<usize> = (0..40).collect();
        let changes = [Change::Add(1), Change::Add(2), Change::Add(30)];
        let drawn = at_random(&material, &learn, &changes, 1, 0);
        let of = |route| drawn.iter().filter(|c| material.route_of(**c) == route).count();
        assert_eq!((of(0), of(1)), (2, 1));
        assert_ne!(drawn, at_random(&material, &learn, &changes, 1, 1));
    }
}
