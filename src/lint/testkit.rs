//! Small routers and datasets for the tests.

use crate::dataset::{Label, Row, Truth};
use crate::encode::Vectors;
use crate::lint::{Finding, Input, Settings};
use crate::router::{Centroids, ScoreTable, score};
use crate::routes::{Route, Routes, Target, Thresholds};

/// A router and a dataset, to be borrowed as an [`Input`].
pub(super) struct Kit {
    routes: Routes,
    centroids: Centroids,
    rows: Vec<Row>,
    truths: Vec<Truth>,
    vectors: Vectors,
    scores: ScoreTable,
    thresholds: Vec<Thresholds>,
}

/// A text with its vector.
pub(super) type Text<'a> = (&'a str, Vec<f32>);

impl Kit {
    /// Routes with their examples, prompts with label (`none` for none) and split.
    pub(super) fn new(routes: &[(&str, Vec<Text<'_>>)], prompts: &[(Text<'_>, &str, &str)]) -> Self {
        let target = || Target {
            model: "m".into(),
            system_prompt: String::new(),
        };
        let names: Vec<&str> = routes.iter().map(|(name, _)| *name).collect();
        let examples: Vec<Vec<f32>> = routes.iter().flat_map(|(_, e)| e.iter().map(|t| t.1.clone())).collect();
        let sizes: Vec<usize> = routes.iter().map(|(_, e)| e.len()).collect();
        let centroids = Centroids::new(Vectors::new(&examples).unwrap(), &sizes).unwrap();
        let vectors = Vectors::new(&prompts.iter().map(|(t, ..)| t.1.clone()).collect::<Vec<_>>()).unwrap();
        let scores = score(&vectors, &centroids).unwrap();
        let rows = (2..).zip(prompts).map(|(line, ((prompt, _), label, split))| Row {
            line,
            prompt: (*prompt).into(),
            label: Some(Label::parse(label)),
            split: (*split).into(),
            reference: None,
        });
        let truth = |label: &str| {
            names
                .iter()
                .position(|n| *n == label)
                .map_or(Truth::OutOfDomain, Truth::Route)
        };
        Self {
            routes: Routes {
                encoder: None,
                scoring: crate::routes::Scoring::Centroid,
                fallback: target(),
                thresholds: Thresholds::default(),
                routes: (routes.iter())
                    .map(|(name, examples)| Route {
                        name: (*name).into(),
                        target: target(),
                        examples: examples.iter().map(|t| t.0.to_owned()).collect(),
                        thresholds: None,
                    })
                    .collect(),
                out_of_domain: Vec::new(),
                prices: std::collections::BTreeMap::new(),
            },
            centroids,
            rows: rows.collect(),
            truths: prompts.iter().map(|(_, label, _)| truth(label)).collect(),
            vectors,
            scores,
            thresholds: vec![Thresholds::default(); routes.len()],
        }
    }

    pub(super) fn input(&self) -> Input<'_> {
        Input {
            routes: &self.routes,
            centroids: &self.centroids,
            rows: &self.rows,
            truths: &self.truths,
            vectors: &self.vectors,
            scores: &self.scores,
            thresholds: &self.thresholds,
        }
    }

    /// The findings of one code.
    pub(super) fn of(&self, code: &str) -> Vec<Finding> {
        let findings = super::lint(&self.input(), &Settings::default());
        findings.into_iter().filter(|f| f.code.name() == code).collect()
    }
}

/// A vector of three numbers: `angle` degrees from the first axis towards the second, and a height.
pub(super) fn at(angle: f32, height: f32) -> Vec<f32> {
    let radians = angle.to_radians();
    vec![radians.cos(), radians.sin(), height]
}
