//! `routecal learn-curve`: accuracy against the number of examples a route.

use std::collections::HashSet;

use crate::Error;
use crate::cli::args::LearnCurveArgs;
use crate::cli::session::{Session, centroids_of};
use crate::dataset::{CALIBRATION, Dataset, Truth, folded};
use crate::encode::Vectors;
use crate::learn_curve::{Material, judged, learn_curve};
use crate::plot::{Figure as _, LearningFigure, LearningPoint};
use crate::report::{
    self, CurrentReport, DatasetProvenance, Estimate, LearnCurveReport, LearnPointReport, PoolReport, REPORT_VERSION,
};
use crate::router::Scorer;
use crate::routes::Routes;
use crate::store::{self, OutputFolder};

/// Numbers of examples that are tried where none are named, up to the smallest pool.
const NUMBERS: [usize; 12] = [1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200];
/// Of the accuracy: how near the largest number counts as enough.
const ENOUGH: f64 = 0.01;

pub(in crate::cli) fn run(session: &Session, args: &LearnCurveArgs) -> Result<(), Error> {
    let pool_split = session.common.split.as_deref().unwrap_or(CALIBRATION);
    let mut out = OutputFolder::open(&session.common.out)?;
    let plan = session.plan(None)?;
    let routes = plan.routes();
    let names = routes.names();
    let dataset = Dataset::load(&args.dataset, &args.data.options(session.common.seed, false))?;
    let whole = DatasetProvenance::from(&dataset);
    let judging = dataset.split(&args.test_split)?;
    let truths = judging.resolve(&names)?;
    let pools = pools(routes, &dataset.split(pool_split)?, &judging)?;
    let sizes: Vec<usize> = pools.iter().map(Vec::len).collect();
    let engine = session.engine(&session.encoder_name(Some(routes))?)?;
    let texts: Vec<&str> = pools
        .iter()
        .flatten()
        .map(String::as_str)
        .chain(judging.prompts())
        .chain(routes.example_texts())
        .collect();
    let vectors = session.embed(&engine, &texts)?;
    let (of_pool, of_test) = (sizes.iter().sum(), judging.rows.len());
    let (pool, test) = (vectors.slice(0, of_pool), vectors.slice(of_pool, of_pool + of_test));
    let now = vectors.slice(of_pool + of_test, vectors.len());
    let outside = now.slice(routes.sizes().iter().sum(), now.len());
    let material = Material {
        pool: &pool,
        sizes: &sizes,
        test: &test,
        truths: &truths,
        scoring: routes.scoring,
        outside: &outside,
    };
    let numbers = numbers(args, &sizes)?;
    let points = session.bars.counting(args.draws.into(), "examples", "draws", |done| {
        learn_curve(material, &numbers, (args.draws, session.common.seed), done)
    })?;
    let in_domain = truths.iter().filter(|t| **t != Truth::OutOfDomain).count() as u64;
    let report = LearnCurveReport {
        kind: "learn_curve".into(),
        schema_version: REPORT_VERSION,
        provenance: session.provenance_of(&engine, routes, whole),
        scoring: routes.scoring.to_string(),
        draws: args.draws,
        pool_split: pool_split.into(),
        test_split: args.test_split.clone(),
        n: in_domain,
        out_of_domain: truths.len() as u64 - in_domain,
        pools: names
            .iter()
            .zip(&sizes)
            .map(|(route, size)| PoolReport {
                route: route.clone(),
                candidates: *size as u64,
            })
            .collect(),
        enough: enough(&points),
        points,
        current: current(routes, &now, &test, &truths)?,
    };
    let document = store::json(&report);
    if !args.no_plots {
        let drawing = figure(&report).draw()?;
        out.write_plot("learn-curve", &drawing.svg, &drawing.png)?;
    }
    out.write("learn-curve.json", &document)?;
    session
        .printer
        .answer(|| document, || report::learn_curve_text(&report))?;
    session.note_written(&out);
    Ok(())
}

/// Each route's distinct candidates: its examples, and the prompts of the pool's split with its label. What judges is no
/// candidate, however it is written.
fn pools(routes: &Routes, pool: &Dataset, judging: &Dataset) -> Result<Vec<Vec<String>>, Error> {
    let labelled = pool.resolve(&routes.names())?;
    let judge: HashSet<String> = judging.rows.iter().map(|row| folded(&row.prompt)).collect();
    let mut pools = Vec::with_capacity(routes.routes.len());
    for (index, route) in routes.routes.iter().enumerate() {
        let mut seen = HashSet::new();
        let own = pool
            .rows
            .iter()
            .zip(&labelled)
            .filter(|(_, truth)| **truth == Truth::Route(index))
            .map(|(row, _)| &row.prompt);
        let candidates: Vec<String> = route
            .examples
            .iter()
            .chain(own)
            .filter(|text| !judge.contains(&folded(text)) && seen.insert(folded(text)))
            .cloned()
            .collect();
        if candidates.is_empty() {
            return Err(Error::usage(
                format!(
                    "every example of route \"{}\" is a prompt of the split that judges",
                    route.name
                ),
                "give it examples of its own, or take another --test-split",
            ));
        }
        pools.push(candidates);
    }
    Ok(pools)
}

fn numbers(args: &LearnCurveArgs, sizes: &[usize]) -> Result<Vec<usize>, Error> {
    let least = sizes.iter().copied().min().unwrap_or_default();
    let mut numbers: Vec<usize> = if args.examples.is_empty() {
        NUMBERS.into_iter().filter(|n| *n <= least).collect()
    } else {
        args.examples.iter().map(|n| *n as usize).collect()
    };
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.first() == Some(&0) {
        return Err(Error::usage(
            "a route needs an example",
            "name numbers from 1 on: --examples 1,2,5,10",
        ));
    }
    Ok(numbers)
}

fn enough(points: &[LearnPointReport]) -> Option<u64> {
    let most = points.last()?.accuracy?.mean;
    points
        .iter()
        .find(|p| p.accuracy.is_some_and(|b| b.mean >= most - ENOUGH))
        .map(|p| p.examples)
}

fn current(routes: &Routes, examples: &Vectors, test: &Vectors, truths: &[Truth]) -> Result<CurrentReport, Error> {
    let sizes = routes.sizes();
    let scorer = Scorer::new(&centroids_of(routes, examples)?, routes.scoring)?;
    let (accuracy, auroc) = judged(&scorer.score(test)?, truths);
    Ok(CurrentReport {
        least_examples: sizes.iter().copied().min().unwrap_or_default() as u64,
        most_examples: sizes.iter().copied().max().unwrap_or_default() as u64,
        accuracy: Estimate::from(accuracy),
        auroc,
    })
}

fn figure(report: &LearnCurveReport) -> LearningFigure {
    LearningFigure {
        points: report
            .points
            .iter()
            .filter_map(|p| {
                let band = p.accuracy?;
                Some(LearningPoint {
                    examples: p.examples,
                    mean: band.mean,
                    lower: band.lower,
                    upper: band.upper,
                })
            })
            .collect(),
        current: report.current.accuracy.point,
        draws: report.draws,
        n: report.n,
        split: report.test_split.clone(),
    }
}
