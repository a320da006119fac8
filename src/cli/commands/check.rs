//! `routecal check`: the router against a baseline.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::check::{
    self, Baseline, BaselineThresholds, Candidate, CheckError, GOLDEN_TEXTS, Gates, GoldenVector, Outcome,
    PromptOutcome, Request, Settings, TodayRow, Verdict, golden_tolerance,
};
use crate::cli::args::{CheckArgs, Inconclusive};
use crate::cli::commands::report::write_report;
use crate::cli::printer::stderr;
use crate::cli::session::{Engine, Part, ScoredData, Session, Wanted, check_thresholds, embed_afresh, thresholds};
use crate::dataset::{Label, TEST};
use crate::report::{self, CheckReport, CheckVerdict, EncoderReport, Provenance, ThresholdsReport};
use crate::router::decide;
use crate::routes::Thresholds;
use crate::store::{self, OutputFolder};

pub(in crate::cli) fn run(session: &Session, args: &CheckArgs) -> Result<(), Error> {
    check_thresholds(&args.thresholds)?;
    check_numbers(args)?;
    if args.update_baseline {
        return update(session, args);
    }
    // In the order in which a mistake is cheapest to find: flags, gates, baseline, folder, dataset, encoder.
    let gates = gates(args)?;
    let file = args.baseline.display().to_string();
    let baseline = read_baseline(&args.baseline, &file)?;
    let mut out = OutputFolder::open(&session.common.out)?;
    let request = Request {
        file: &file,
        baseline: &baseline,
        settings: Settings {
            alpha: args.alpha,
            seed: session.common.seed,
            ..Settings::default()
        },
        margin: args.margin,
        inconclusive: args.inconclusive.name(),
    };
    let split = session.common.split.as_deref().unwrap_or(&baseline.split);
    let (mut encoder, mut resolved) = (None, Vec::new());
    let scored = session.score_after(
        &args.dataset,
        &args.data,
        args.router.as_deref(),
        Wanted {
            required: &[split],
            ..Wanted::default()
        },
        &mut |engine, routes| {
            resolved = gates.resolve(&routes.names(), &baseline.routes)?;
            let found = encoder_report(engine, &baseline)?;
            let difference = found.difference.clone();
            encoder = Some(found);
            difference.map_or(Ok(()), |difference| {
                let file = file.clone();
                Err(CheckError::EncoderChanged { difference, file }.into())
            })
        },
    );
    let data = match (scored, encoder.clone()) {
        (Err(error @ Error::Check(CheckError::EncoderChanged { .. })), Some(encoder)) => {
            // The answer, though no figure is in it: a CI job must show why.
            let report = check::encoder_changed(&request, encoder);
            publish(session, args, &report, &mut out)?;
            return Err(error);
        }
        (scored, _) => scored?,
    };
    let part = data.part(split)?;
    let judged = Judged::new(session, args, &data, &part)?;
    let candidate = Candidate {
        provenance: judged.provenance,
        split,
        thresholds: judged.thresholds,
        rows: judged.rows,
    };
    let encoder = encoder.unwrap_or_else(|| same_encoder(None, golden_tolerance(&baseline.provenance.encoder)));
    let mut report = check::assess(&request, encoder, candidate, &resolved)?;
    session.redact(&mut report);
    warn_of_other_rows(session, &baseline, &report);
    publish(session, args, &report, &mut out)?;
    verdict(&report, args.inconclusive)
}

/// The rows as the router as it is now decides them.
struct Judged<'a> {
    provenance: Provenance,
    thresholds: BaselineThresholds,
    rows: Vec<TodayRow<'a>>,
}

impl<'a> Judged<'a> {
    fn new(session: &Session, args: &CheckArgs, data: &ScoredData, part: &'a Part) -> Result<Self, Error> {
        let routes = &data.router.routes;
        let (global, by_route) = thresholds(routes, &args.thresholds)?;
        Ok(Self {
            provenance: session.provenance(data),
            thresholds: (&ThresholdsReport::new(global, &by_route, routes)).into(),
            rows: rows(part, &routes.names(), &by_route),
        })
    }
}

fn rows<'a>(part: &'a Part, names: &[String], by_route: &[Thresholds]) -> Vec<TodayRow<'a>> {
    (part.rows.iter().zip(part.scores.rows()))
        .map(|(row, score)| TodayRow {
            line: row.line,
            prompt: &row.prompt,
            label: row.label.as_ref().map_or("none", Label::as_str),
            outcome: Outcome::new(score, &names[score.best], decide(score, by_route)),
        })
        .collect()
}

fn check_numbers(args: &CheckArgs) -> Result<(), Error> {
    if !(args.alpha > 0.0 && args.alpha < 0.5) {
        return Err(Error::usage(
            format!("--alpha {} is not between 0 and 0.5", args.alpha),
            "leave it out for 0.05",
        ));
    }
    if !(0.0..=1.0).contains(&args.margin) {
        return Err(Error::usage(
            format!("--margin {} is not within 0 and 1", args.margin),
            "a margin of two percentage points is 0.02",
        ));
    }
    Ok(())
}

/// The gates of the file, else the defaults; those of the flags go before both.
fn gates(args: &CheckArgs) -> Result<Gates, Error> {
    let beside = || args.baseline.with_file_name("gates.json");
    let path: Option<PathBuf> = match &args.gates {
        Some(named) => Some(named.clone()),
        None => Some(beside()).filter(|path| path.exists()),
    };
    let mut gates = match path {
        None => Gates::default(),
        Some(path) => {
            let file = path.display().to_string();
            let text = std::fs::read_to_string(&path).map_err(|source| CheckError::ReadGates {
                file: file.clone(),
                source,
            })?;
            Gates::parse(&text, &file)?
        }
    };
    for (name, gate) in &args.gate {
        gates.set(name.clone(), *gate);
    }
    Ok(gates)
}

fn read_baseline(path: &Path, file: &str) -> Result<Baseline, CheckError> {
    let text = std::fs::read_to_string(path).map_err(|source| CheckError::Read {
        file: file.to_owned(),
        source,
    })?;
    Baseline::parse(&text, file)
}

fn same_encoder(golden_distance: Option<f64>, tolerance: f64) -> EncoderReport {
    EncoderReport {
        same: true,
        difference: None,
        golden_distance,
        tolerance,
    }
}

/// Holds identity and golden vectors against the baseline's. Only an encoder of the same identity is asked for vectors.
fn encoder_report(engine: &Engine, baseline: &Baseline) -> Result<EncoderReport, Error> {
    let tolerance = golden_tolerance(engine.encoder.identity());
    let changed = |difference: String, golden_distance| EncoderReport {
        same: false,
        difference: Some(difference),
        golden_distance,
        tolerance,
    };
    if let Some(difference) = baseline.provenance.encoder.difference(engine.encoder.identity()) {
        return Ok(changed(difference, None));
    }
    let texts: Vec<&str> = baseline.golden.iter().map(|g| g.text.as_str()).collect();
    let now = embed_afresh(engine, &texts)?;
    Ok(match GoldenVector::distance(&baseline.golden, &now) {
        Err(difference) => changed(difference, None),
        // Rounded: the noise of a processor must not make a second run's document differ.
        Ok(distance) if distance > tolerance => changed(
            format!(
                "its files are the same, but a golden text's vector has turned by 1 - cosine = {distance:.1e}, \
                 above {tolerance:.0e}"
            ),
            Some(rounded(distance)),
        ),
        Ok(distance) => same_encoder(Some(rounded(distance)), tolerance),
    })
}

fn rounded(distance: f64) -> f64 {
    (distance.max(0.0) * 1e9).round() / 1e9
}

fn update(session: &Session, args: &CheckArgs) -> Result<(), Error> {
    let split = session.common.split.as_deref().unwrap_or(TEST);
    // Before any long work: a folder that cannot be written should not cost minutes.
    let _folder = OutputFolder::of_file(&args.baseline)?;
    let mut golden = Vec::new();
    let data = session.score_after(
        &args.dataset,
        &args.data,
        args.router.as_deref(),
        Wanted {
            required: &[split],
            ..Wanted::default()
        },
        &mut |engine, _| {
            golden = GoldenVector::of(&GOLDEN_TEXTS, &embed_afresh(engine, &GOLDEN_TEXTS)?);
            Ok(())
        },
    )?;
    let part = data.part(split)?;
    let judged = Judged::new(session, args, &data, &part)?;
    let mut seen = std::collections::HashSet::new();
    let prompts = (judged.rows.iter())
        .filter(|row| seen.insert((row.prompt, row.label)))
        .map(PromptOutcome::new)
        .collect();
    let baseline = Baseline::new(
        judged.provenance,
        split,
        judged.thresholds,
        data.router.routes.names(),
        golden,
        prompts,
    );
    let text = baseline.text();
    store::write_atomically(&args.baseline, text.as_bytes())?;
    let file = args.baseline.display().to_string();
    session
        .printer
        .answer(|| text.clone(), || report::baseline_text(&baseline, &file))?;
    session.printer.note(&format!("wrote {file}"));
    Ok(())
}

fn warn_of_other_rows(session: &Session, baseline: &Baseline, report: &CheckReport) {
    let Some(candidate) = &report.candidate else { return };
    if candidate.paired * 2 < report.baseline.prompts {
        session.printer.warn(&format!(
            "only {} of the baseline's {} prompts are in this dataset",
            candidate.paired, report.baseline.prompts
        ));
    }
    let provenance = &candidate.provenance;
    if !provenance.dataset.split_column && provenance.seed != baseline.provenance.seed {
        session.printer.warn(&format!(
            "the dataset has no split column, and the baseline's rows were drawn with --seed {}",
            baseline.provenance.seed
        ));
    }
}

/// Files, summary, annotations, answer.
fn publish(session: &Session, args: &CheckArgs, report: &CheckReport, out: &mut OutputFolder) -> Result<(), Error> {
    let document = store::json(report);
    let page = report::check_markdown(report);
    out.write("check.md", &page)?;
    out.write("check.junit.xml", report::junit(report))?;
    out.write("check.json", &document)?;
    write_report(session, out)?;
    if let Some(summary) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())
        && let Err(error) = append(Path::new(&summary), &page)
    {
        // The runner's file, not ours: its loss is no reason to lose the answer.
        let path = Path::new(&summary).display();
        session
            .printer
            .warn(&format!("cannot append to the job summary {path}: {error}"));
    }
    if args.annotations || std::env::var_os("GITHUB_ACTIONS").is_some_and(|v| v == "true") {
        let routes = args
            .router
            .as_ref()
            .unwrap_or(&session.common.routes)
            .display()
            .to_string();
        for line in report::annotations(report, &routes) {
            // For the CI runner that reads standard error: never left out, since it was asked for.
            stderr(&line);
        }
    }
    session.printer.answer(|| document, || report::check_text(report))?;
    session.note_written(out);
    Ok(())
}

/// Other steps of the job write to this file too: it is added to, never replaced.
fn append(path: &Path, page: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(page.as_bytes())?;
    file.write_all(b"\n")
}

/// The answer as an exit code: an error, though everything went well, where the answer is not "pass".
fn verdict(report: &CheckReport, inconclusive: Inconclusive) -> Result<(), Error> {
    let gates = |wanted: fn(Verdict) -> bool| -> Vec<String> {
        let of = report.gates.iter().filter(|g| wanted(g.verdict));
        of.map(|g| format!("{} {}", g.metric, g.verdict.name())).collect()
    };
    match report.verdict {
        CheckVerdict::Regressed | CheckVerdict::EncoderChanged => Err(CheckError::Regressed {
            gates: gates(Verdict::fails),
            file: report.baseline.file.clone(),
        }
        .into()),
        CheckVerdict::Inconclusive if inconclusive != Inconclusive::Pass => Err(CheckError::Inconclusive {
            gates: gates(|v| v == Verdict::Inconclusive),
            fails: inconclusive == Inconclusive::Fail,
        }
        .into()),
        CheckVerdict::Inconclusive | CheckVerdict::Pass => Ok(()),
    }
}
