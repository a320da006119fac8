//! `routecal compare-encoders`: the same prompts through several encoders and scoring rules.

use std::time::Instant;

use crate::Error;
use crate::calibrate;
use crate::cli::args::CompareEncodersArgs;
use crate::cli::session::{Engine, Plan, Session, embed_afresh};
use crate::compare::{Contender, compare};
use crate::dataset::{CALIBRATION, Dataset, Truth};
use crate::encode::{Precision, Vectors};
use crate::evaluation::Scored;
use crate::report::{self, CompareReport, DatasetProvenance, IntervalsReport, REPORT_VERSION};
use crate::router::{Centroids, ScoreTable, Scorer};
use crate::routes::{Routes, SCORING_RULES, Scoring};
use crate::stats::{Purpose, stream};
use crate::store::{self, OutputFolder};

pub(in crate::cli) fn run(session: &Session, args: &CompareEncodersArgs) -> Result<(), Error> {
    let typed: Vec<(String, Scoring)> = args.scoring.iter().map(|name| rule(name)).collect::<Result<_, _>>()?;
    let split = session.common.split.as_deref().unwrap_or(CALIBRATION);
    let mut out = OutputFolder::open(&session.common.out)?;
    let plan = session.plan(None)?;
    let dataset = Dataset::load(&args.dataset, &args.data.options(session.common.seed, false))?;
    let whole = DatasetProvenance::from(&dataset);
    let (choosing, judging) = (dataset.split(split)?, dataset.split(&args.test_split)?);
    let names = plan.routes().names();
    let truths = (choosing.resolve(&names)?, judging.resolve(&names)?);
    let rules = if typed.is_empty() {
        let outside = !plan.routes().out_of_domain.is_empty() || truths.0.contains(&Truth::OutOfDomain);
        usual(names.len(), outside)?
    } else {
        typed
    };
    if split == args.test_split || split == "all" || args.test_split == "all" {
        session
            .printer
            .warn("the same rows choose and judge: the figures flatter every contender");
    }
    let mut contenders = Vec::new();
    let mut design = None;
    for name in encoders(session, args, &plan)? {
        let engine = session.engine(&name)?;
        let of = Embedded::new(session, &engine, plan.routes(), (&choosing, &judging))?;
        let speed = args
            .throughput
            .map(|n| throughput(&engine, &dataset, n as usize))
            .transpose()?;
        for (label, rule) in &rules {
            let (calibration, test) = of.rows(*rule, &truths, session.common.seed)?;
            if design.is_none() {
                let scored = Scored {
                    rows: &judging.rows,
                    truths: &truths.1,
                    scores: &test,
                };
                design = Some(scored.design());
            }
            contenders.push(Contender {
                encoder: engine.encoder.identity().clone(),
                scoring: label.clone(),
                calibration,
                test: calibrate::rows(&test, &truths.1),
                prompts_per_second: speed,
            });
        }
    }
    let settings = args.intervals.settings(session.common.seed);
    let Some(design) = design else {
        return Err(Error::usage(
            "there is nothing to compare",
            "name rules: --scoring centroid,max-example",
        ));
    };
    let compared = session.bars.resampling(settings.resamples.into(), |done| {
        compare(&contenders, names.len(), args.risk, (&design, &settings), done)
    })?;
    let report = CompareReport {
        kind: "encoder_comparison".into(),
        schema_version: REPORT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").into(),
        routes_sha256: plan.routes().fingerprint(),
        dataset: whole,
        seed: session.common.seed,
        intervals: IntervalsReport::new(args.intervals.resamples()),
        calibration_split: split.into(),
        test_split: args.test_split.clone(),
        n: judging.rows.len() as u64,
        out_of_domain: truths.1.iter().filter(|t| **t == Truth::OutOfDomain).count() as u64,
        risk: args.risk,
        contenders: compared,
    };
    let document = store::json(&report);
    out.write("comparison.json", &document)?;
    session.printer.answer(|| document, || report::compare_text(&report))?;
    session.note_written(&out);
    Ok(())
}

/// The rules that are compared where none are named: those that these routes and these prompts allow.
fn usual(routes: usize, out_of_domain: bool) -> Result<Vec<(String, Scoring)>, Error> {
    let mut names = vec!["centroid", "max-example", "mean-top:3", "mean-nearest:5", "medoids:3"];
    if routes > 1 {
        names.push("logistic:10");
    }
    if out_of_domain {
        names.push("logistic+ood:10");
    }
    names.into_iter().map(rule).collect()
}

fn rule(name: &str) -> Result<(String, Scoring), Error> {
    let rule = name
        .parse()
        .map_err(|message: String| Error::usage(message, format!("the rules are {SCORING_RULES}")))?;
    Ok((name.to_owned(), rule))
}

fn encoders(session: &Session, args: &CompareEncodersArgs, plan: &Plan) -> Result<Vec<String>, Error> {
    if args.encoders.is_empty() {
        return Ok(vec![session.encoder_name(Some(plan.routes()))?]);
    }
    if let Some(precision) = session.common.precision {
        let precision = Precision::from(precision);
        return Err(Error::usage(
            "--precision says nothing of which of --encoders it is about",
            format!("write it after the name: --encoders all-MiniLM-L6-v2,all-MiniLM-L6-v2@{precision}"),
        ));
    }
    Ok(args.encoders.clone())
}

/// One encoder's vectors of everything.
struct Embedded {
    centroids: Centroids,
    choosing: Vectors,
    judging: Vectors,
}

impl Embedded {
    fn new(
        session: &Session,
        engine: &Engine,
        routes: &Routes,
        (choosing, judging): (&Dataset, &Dataset),
    ) -> Result<Self, Error> {
        let examples = routes.routes.iter().flat_map(|r| &r.examples);
        let examples: Vec<&str> = examples.chain(&routes.out_of_domain).map(String::as_str).collect();
        let all: Vec<&str> = [examples.clone(), choosing.prompts(), judging.prompts()].concat();
        let vectors = session.embed(engine, &all)?;
        let sizes = routes.sizes();
        let (own, from) = (sizes.iter().sum(), examples.len());
        let between = from + choosing.rows.len();
        Ok(Self {
            centroids: Centroids::new(vectors.slice(0, own), &sizes)?.with_outside(vectors.slice(own, from)),
            choosing: vectors.slice(from, between),
            judging: vectors.slice(between, vectors.len()),
        })
    }

    /// The rows that choose thresholds, and the scores of those that judge.
    fn rows(
        &self,
        scoring: Scoring,
        truths: &(Vec<Truth>, Vec<Truth>),
        seed: u64,
    ) -> Result<(Vec<calibrate::SweepRow>, ScoreTable), Error> {
        let borrowed = if scoring.needs_out_of_domain() && self.centroids.outside().is_none() {
            borrowed(scoring, &truths.0, seed)?
        } else {
            Vec::new()
        };
        let centroids = self.centroids.clone();
        let scorer = Scorer::new(&centroids.with_outside(self.choosing.select(&borrowed)), scoring)?;
        // What it has learnt from does not choose its thresholds.
        let rest: Vec<usize> = (0..truths.0.len()).filter(|i| !borrowed.contains(i)).collect();
        let rest_truths: Vec<Truth> = rest.iter().map(|i| truths.0[*i]).collect();
        let rows = calibrate::rows(&scorer.score(&self.choosing)?.select(&rest), &rest_truths);
        Ok((rows, scorer.score(&self.judging)?))
    }
}

/// Half of the out-of-domain prompts of the split that chooses, for routes that name none: what the rule learns from.
fn borrowed(scoring: Scoring, truths: &[Truth], seed: u64) -> Result<Vec<usize>, Error> {
    let mut learn: Vec<usize> = (0..truths.len()).filter(|i| truths[*i] == Truth::OutOfDomain).collect();
    stream(seed, Purpose::Split, 0).shuffle(&mut learn);
    learn.truncate(learn.len().div_ceil(2));
    if learn.is_empty() {
        return Err(Error::usage(
            format!(
                "{scoring} learns from out-of-domain prompts; neither the routes file nor the split that chooses has one"
            ),
            "leave the rule out, or add prompts that no route should take to \"out_of_domain\" in the routes file",
        ));
    }
    Ok(learn)
}

/// Prompts a second, past the cache.
fn throughput(engine: &Engine, dataset: &Dataset, n: usize) -> Result<f64, Error> {
    let prompts = dataset.prompts();
    let texts: Vec<&str> = prompts.into_iter().take(n).collect();
    // The first call pays for what is made once.
    embed_afresh(engine, &texts[..1])?;
    let started = Instant::now();
    embed_afresh(engine, &texts)?;
    Ok(crate::num::f64_from_usize(texts.len()) / started.elapsed().as_secs_f64())
}
