//! `routecal improve`: better examples for the routes, from labelled prompts.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::cli::args::ImproveArgs;
use crate::cli::session::Session;
use crate::dataset::{CALIBRATION, Dataset, Row, Truth, folded};
use crate::encode::Vectors;
use crate::improve::{Change, Limits, Material, Settings, Validation, at_random, cross_validate, search};
use crate::learn_curve::{band, judged};
use crate::report::{
    self, ChangeReport, DatasetProvenance, Estimate, INTERVAL_LEVEL, ImproveReport, ImproveTestReport, REPORT_VERSION,
    ValidationReport,
};
use crate::router::{Centroids, ScoreTable, Scorer};
use crate::routes::{Example, Routes, Scoring, with_examples};
use crate::stats::paired::Paired;
use crate::stats::{Purpose, stream};
use crate::store::{self, OutputFolder};

/// Candidates that are looked at, at the most: the search takes their square.
const MOST: usize = 2000;

pub(in crate::cli) fn run(session: &Session, args: &ImproveArgs) -> Result<(), Error> {
    let split = session.common.split.as_deref().unwrap_or(CALIBRATION);
    let mut out = OutputFolder::open(&session.common.out)?;
    let plan = session.plan(None)?;
    let routes = plan.routes();
    if routes.scoring != Scoring::Centroid {
        return Err(Error::usage(
            format!(
                "improve looks for better centroids, and the routes are scored by {}",
                routes.scoring
            ),
            "learn-curve and compare-encoders work with every rule",
        ));
    }
    let names = routes.names();
    let dataset = Dataset::load(&args.dataset, &args.data.options(session.common.seed, false))?;
    let judging = dataset.split(&args.test_split)?;
    let truths = judging.resolve(&names)?;
    let (candidates, labels) = candidates(session, routes, &dataset.split(split)?, &judging)?;
    let engine = session.engine(&session.encoder_name(Some(routes))?)?;
    let sizes: Vec<usize> = routes.routes.iter().map(|r| r.examples.len()).collect();
    let own = routes.routes.iter().flat_map(|r| r.examples.iter().map(String::as_str));
    let texts: Vec<&str> = own
        .chain(candidates.iter().map(|row| row.prompt.as_str()))
        .chain(judging.prompts())
        .collect();
    let vectors = session.embed(&engine, &texts)?;
    let (from, to) = (sizes.iter().sum(), vectors.len() - judging.rows.len());
    let examples = vectors.slice(0, from);
    let pool = vectors.slice(from, to);
    let test = vectors.slice(to, vectors.len());
    let material = Material::new(&examples, &sizes, &pool, &labels);
    let settings = Settings {
        limits: Limits {
            add: args.add as usize,
            drop: args.drop as usize,
            keep: args.keep as usize,
        },
        folds: usize::from(args.folds),
        draws: args.draws,
        seed: session.common.seed,
    };
    let all: Vec<usize> = (0..material.len()).collect();
    let (validation, changes) = session
        .bars
        .counting(settings.folds as u64 + 1, "searching", "searches", |done| {
            let validation = cross_validate(&material, &settings, done);
            let changes = search(&material, &all, settings.limits);
            done();
            (validation, changes)
        });
    let on_test = OnTest {
        examples: &examples,
        sizes: &sizes,
        pool: &pool,
        test: &test,
        truths: &truths,
        material: &material,
    };
    let validation = validation_report(&validation, &settings);
    let proposed = !changes.is_empty() && validation.gain.lower.is_some_and(|lower| lower > 0.0);
    let report = ImproveReport {
        kind: "improvement".into(),
        schema_version: REPORT_VERSION,
        provenance: session.provenance_of(&engine, routes, DatasetProvenance::from(&dataset)),
        calibration_split: split.into(),
        candidates: material.len() as u64,
        test_split: args.test_split.clone(),
        proposed,
        changes: changes
            .iter()
            .map(|change| change_report(*change, routes, &material, &candidates))
            .collect(),
        test: on_test.report(&changes, &settings)?,
        validation,
    };
    // The new routes file has the examples whatever is shown.
    let mut shown = report.clone();
    session.redact(&mut shown);
    let document = store::json(&shown);
    out.write("improve.json", &document)?;
    session.printer.answer(|| document, || report::improve_text(&shown))?;
    session.note_written(&out);
    if !proposed {
        return Err(Error::NotProposed);
    }
    write_routes(session, &report)
}

/// The new routes file, beside the old one.
fn write_routes(session: &Session, report: &ImproveReport) -> Result<(), Error> {
    let old = &session.common.routes;
    let text = std::fs::read_to_string(old).map_err(|source| Error::Read {
        path: old.clone(),
        source,
    })?;
    let changes: Vec<Example> = report
        .changes
        .iter()
        .map(|c| Example {
            route: c.route.clone(),
            text: c.example.clone(),
            keep: c.act == "add",
        })
        .collect();
    let new = beside(old);
    store::write_atomically(&new, with_examples(&text, old, &changes)?.as_bytes())?;
    session.printer.note(&format!(
        "wrote {0}; its scores are other ones, so choose its thresholds: routecal calibrate --routes {0}",
        new.display()
    ));
    Ok(())
}

fn beside(old: &Path) -> PathBuf {
    let stem = old.file_stem().unwrap_or_default().to_string_lossy();
    old.with_file_name(format!("{stem}.improved.json"))
}

/// In-domain prompts that are no examples yet and do not judge, each once, with their routes.
fn candidates(
    session: &Session,
    routes: &Routes,
    pool: &Dataset,
    judging: &Dataset,
) -> Result<(Vec<Row>, Vec<usize>), Error> {
    let truths = pool.resolve(&routes.names())?;
    let mut seen: HashSet<String> = judging.rows.iter().map(|row| folded(&row.prompt)).collect();
    seen.extend(routes.routes.iter().flat_map(|r| r.examples.iter().map(|e| folded(e))));
    let mut found: Vec<(Row, usize)> = pool
        .rows
        .iter()
        .zip(truths)
        .filter_map(|(row, truth)| match truth {
            Truth::Route(own) if seen.insert(folded(&row.prompt)) => Some((row.clone(), own)),
            _ => None,
        })
        .collect();
    if found.len() > MOST {
        session.printer.warn(&format!(
            "of {} candidates {MOST} are looked at, drawn at random",
            found.len()
        ));
        stream(session.common.seed, Purpose::Split, 2).shuffle(&mut found);
        found.truncate(MOST);
        found.sort_by_key(|(row, _)| row.line);
    }
    if found.is_empty() {
        return Err(Error::usage(
            "there is no labelled prompt that could become an example",
            "give the calibration split prompts that are no examples yet",
        ));
    }
    Ok(found.into_iter().unzip())
}

fn change_report(change: Change, routes: &Routes, material: &Material, candidates: &[Row]) -> ChangeReport {
    let route = &routes.routes[material.route_of(change)];
    let (act, example, line) = match change {
        Change::Add(prompt) => ("add", candidates[prompt].prompt.clone(), Some(candidates[prompt].line)),
        Change::Drop(index) => {
            let mut all = routes.routes.iter().flat_map(|r| &r.examples);
            ("drop", all.nth(index).cloned().unwrap_or_default(), None)
        }
    };
    ChangeReport {
        act: act.into(),
        route: route.name.clone(),
        example,
        line,
    }
}

fn validation_report(validation: &Validation, settings: &Settings) -> ValidationReport {
    let pair = validation.before;
    let random = &validation.random;
    let mean = random.iter().sum::<f64>() / crate::num::f64_from_usize(random.len().max(1));
    ValidationReport {
        folds: settings.folds as u64,
        before: Estimate::new(validation.was, pair.n()),
        after: Estimate::new(validation.found, pair.n()),
        gain: gain(pair),
        won: pair.won(),
        lost: pair.lost(),
        random_mean: (!random.is_empty()).then_some(mean),
        random_best: random.iter().copied().reduce(f64::max),
        random_draws: settings.draws,
    }
}

fn gain(pair: Paired) -> Estimate {
    Estimate::new(pair.difference(), pair.n()).within(pair.score_interval(INTERVAL_LEVEL))
}

/// Routers on the test split.
struct OnTest<'a> {
    examples: &'a Vectors,
    sizes: &'a [usize],
    pool: &'a Vectors,
    test: &'a Vectors,
    truths: &'a [Truth],
    material: &'a Material,
}

impl OnTest<'_> {
    fn report(&self, changes: &[Change], settings: &Settings) -> Result<ImproveTestReport, Error> {
        let (before, after) = (self.scores(&[])?, self.scores(changes)?);
        let right = |scores: &ScoreTable| -> Vec<bool> {
            let pairs = scores.rows().iter().zip(self.truths);
            pairs
                .filter(|(_, truth)| **truth != Truth::OutOfDomain)
                .map(|(row, truth)| *truth == Truth::Route(row.best))
                .collect()
        };
        let pair = Paired::of(right(&before).into_iter().zip(right(&after)));
        let of = |scores: &ScoreTable| judged(scores, self.truths);
        let (was, is) = (of(&before), of(&after));
        let learn: Vec<usize> = (0..self.material.len()).collect();
        let random: Vec<f64> = (0..settings.draws)
            .map(|draw| {
                let drawn = at_random(self.material, &learn, changes, settings.seed, u64::from(draw));
                Ok(of(&self.scores(&drawn)?).0.value())
            })
            .collect::<Result<Vec<Option<f64>>, Error>>()?
            .into_iter()
            .flatten()
            .collect();
        let random = band(random);
        Ok(ImproveTestReport {
            before: was.0.into(),
            after: is.0.into(),
            gain: gain(pair),
            mcnemar_p: pair.mcnemar(),
            auroc_before: was.1,
            auroc_after: is.1,
            random_mean: random.map(|b| b.mean),
            random_lower: random.map(|b| b.lower),
            random_upper: random.map(|b| b.upper),
        })
    }

    fn scores(&self, changes: &[Change]) -> Result<ScoreTable, Error> {
        let mut rows: Vec<Vec<f32>> = Vec::new();
        let mut counts = Vec::with_capacity(self.sizes.len());
        let mut start = 0;
        for (route, size) in self.sizes.iter().enumerate() {
            let kept = (start..start + size).filter(|i| !changes.contains(&Change::Drop(*i)));
            let before = rows.len();
            rows.extend(kept.map(|i| self.examples.row(i).to_vec()));
            rows.extend(changes.iter().filter_map(|change| match change {
                Change::Add(prompt) if self.material.label(*prompt) == route => Some(self.pool.row(*prompt).to_vec()),
                _ => None,
            }));
            counts.push(rows.len() - before);
            start += size;
        }
        let centroids = Centroids::new(Vectors::new(&rows)?, &counts)?;
        Ok(Scorer::new(&centroids, Scoring::Centroid)?.score(self.test)?)
    }
}
