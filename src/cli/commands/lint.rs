//! `routecal lint`: what is wrong with the examples and the dataset.

use std::path::Path;

use crate::Error;
use crate::cli::args::{Deny, LintArgs};
use crate::cli::printer::stderr;
use crate::cli::session::{Plan, Router, Session, check_thresholds, thresholds};
use crate::dataset::Dataset;
use crate::encode::Vectors;
use crate::lint::next::{self, Labelled, Unlabelled};
use crate::lint::{self, Code, Input, LintError, Settings, Severity};
use crate::report::{
    self, DatasetProvenance, LintCounts, LintReport, LintSettings, NextReport, Places, REPORT_VERSION,
};
use crate::routes::{Routes, RoutesError, Thresholds};
use crate::store::{self, OutputFolder};

pub(in crate::cli) fn run(session: &Session, args: &LintArgs) -> Result<(), Error> {
    check_thresholds(&args.thresholds)?;
    check_numbers(args)?;
    let mut out = OutputFolder::open(&session.common.out)?;
    // Before any long work: a folder that cannot be written should not cost minutes.
    let sarif = args.sarif.as_deref().map(OutputFolder::of_file).transpose()?;
    let split = session.common.split.as_deref().unwrap_or("all");
    let whole = Dataset::load(&args.dataset, &args.data.options(session.common.seed, false))?;
    let dataset = whole.split(split)?;
    let (text, routes) = read_routes(&session.common.routes)?;
    let truths = dataset.resolve(&routes.names())?;
    let unlabelled = args
        .unlabelled
        .as_deref()
        .map(|path| read_unlabelled(session, args, path))
        .transpose()?;

    // One call for all, so that no core waits between files.
    let mut texts = dataset.prompts();
    texts.extend(unlabelled.iter().flat_map(Dataset::prompts));
    let (router, vectors) = session.build(Plan::of(routes), &texts)?;
    let labelled = vectors.slice(0, dataset.rows.len());
    let scores = router.score(&labelled)?;
    let (_, by_route) = thresholds(&router.routes, &args.thresholds)?;
    let input = Input {
        routes: &router.routes,
        centroids: &router.centroids,
        rows: &dataset.rows,
        truths: &truths,
        vectors: &labelled,
        scores: &scores,
        thresholds: &by_route,
    };
    let settings = Settings {
        near_duplicate: args.near_duplicate,
        half_width: args.half_width,
        seed: session.common.seed,
    };
    let mut findings = lint::lint(&input, &settings);
    let all = findings.len();
    findings.retain(|finding| !args.allow.contains(&finding.code));
    let allowed = (all - findings.len()) as u64;
    let names = router.routes.names();
    let places = Places::new(
        &session.common.routes.display().to_string(),
        &text,
        &names,
        &dataset.source,
    );
    let findings = report::finding_reports(&input, &findings, &places);
    let next = match &unlabelled {
        None => None,
        Some(prompts) => {
            let of_prompts = vectors.slice(dataset.rows.len(), vectors.len());
            Some(choose(
                &router,
                &by_route,
                (&dataset, &labelled),
                (prompts, &of_prompts),
                args.next,
            )?)
        }
    };
    let counts = LintCounts::new(&findings, allowed);
    let deny_warnings = args.deny == Some(Deny::Warnings);
    let failed = counts.errors > 0 || (deny_warnings && counts.warnings > 0);
    let mut report = LintReport {
        kind: "lint".into(),
        schema_version: REPORT_VERSION,
        provenance: session.provenance_of(&router.engine, &router.routes, DatasetProvenance::from(&whole)),
        settings: LintSettings {
            split: split.to_owned(),
            near_duplicate: args.near_duplicate,
            half_width: args.half_width,
            allowed: sorted(&args.allow),
            deny_warnings,
        },
        prompts: dataset.rows.len() as u64,
        examples: router.centroids.examples().len() as u64,
        routes: names.len() as u64,
        counts,
        exit_code: u8::from(failed),
        findings,
        next,
    };
    session.redact(&mut report);
    publish(session, args, &report, &mut out, sarif)?;
    if failed {
        Err(not_passed(&report).into())
    } else {
        Ok(())
    }
}

fn check_numbers(args: &LintArgs) -> Result<(), Error> {
    if !(0.5..=1.0).contains(&args.near_duplicate) {
        return Err(Error::usage(
            format!("--near-duplicate {} is not within 0.5 and 1", args.near_duplicate),
            "leave it out for 0.95",
        ));
    }
    if !(args.half_width > 0.0 && args.half_width <= 0.5) {
        return Err(Error::usage(
            format!("--half-width {} is not between 0 and 0.5", args.half_width),
            "half an interval of ten percentage points to each side is 0.1",
        ));
    }
    if args.dataset == Path::new("-") && args.unlabelled.as_deref() == Some(Path::new("-")) {
        return Err(Error::usage(
            "standard input cannot be the dataset and the unlabelled prompts at once",
            "routecal lint datasets/prompts.csv --unlabelled -",
        ));
    }
    Ok(())
}

/// The routes file with its text, for the lines. Its warnings are findings here.
fn read_routes(path: &Path) -> Result<(String, Routes), Error> {
    let text = std::fs::read_to_string(path).map_err(|source| RoutesError::Read {
        path: path.to_owned(),
        source,
    })?;
    let (routes, _) = Routes::parse(&text, path)?;
    Ok((text, routes))
}

fn read_unlabelled(session: &Session, args: &LintArgs, path: &Path) -> Result<Dataset, Error> {
    let mut options = args.data.options(session.common.seed, true);
    options.columns.split_required = false;
    if path != Path::new("-") {
        // The flag is about the dataset, which may be of another format.
        options.format = None;
    }
    Ok(Dataset::load(path, &options)?)
}

fn choose(
    router: &Router,
    by_route: &[Thresholds],
    (dataset, labelled): (&Dataset, &Vectors),
    (prompts, vectors): (&Dataset, &Vectors),
    wanted: u32,
) -> Result<NextReport, Error> {
    let scores = router.score(vectors)?;
    let examples = router
        .routes
        .routes
        .iter()
        .flat_map(|r| r.examples.iter().map(String::as_str));
    let texts: Vec<&str> = examples.chain(dataset.prompts()).collect();
    let choices = next::choose(
        &Unlabelled {
            prompts: &prompts.prompts(),
            vectors,
            scores: &scores,
            thresholds: by_route,
        },
        &Labelled {
            centroids: &router.centroids,
            texts: &texts,
            vectors: labelled,
        },
        wanted as usize,
    );
    Ok(report::next_report(
        &prompts.source,
        &prompts.rows,
        &scores,
        &router.routes.names(),
        &choices,
    ))
}

fn sorted(codes: &[Code]) -> Vec<Code> {
    let mut codes = codes.to_vec();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// Files, annotations, answer.
fn publish(
    session: &Session,
    args: &LintArgs,
    report: &LintReport,
    out: &mut OutputFolder,
    sarif: Option<OutputFolder>,
) -> Result<(), Error> {
    let document = store::json(report);
    if let (Some(path), Some(_folder)) = (&args.sarif, sarif) {
        store::write_atomically(path, store::json(&report::sarif(report)).as_bytes())?;
        session.printer.note(&format!("wrote {}", path.display()));
    }
    out.write("lint.json", &document)?;
    if args.annotations || std::env::var_os("GITHUB_ACTIONS").is_some_and(|v| v == "true") {
        for line in report::lint_annotations(report) {
            // For the CI runner that reads standard error: never left out, since it was asked for.
            stderr(&line);
        }
    }
    session.printer.answer(|| document, || report::lint_text(report))?;
    session.note_written(out);
    Ok(())
}

fn not_passed(report: &LintReport) -> LintError {
    let counts = |f: &&report::FindingReport| {
        f.severity == Severity::Error || (report.settings.deny_warnings && f.severity == Severity::Warning)
    };
    let mut codes: Vec<&'static str> = report.findings.iter().filter(counts).map(|f| f.code.name()).collect();
    codes.dedup();
    let warnings = if report.settings.deny_warnings {
        report.counts.warnings
    } else {
        0
    };
    LintError::Found {
        errors: report.counts.errors,
        warnings,
        codes,
    }
}
