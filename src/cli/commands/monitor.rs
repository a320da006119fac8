//! `routecal monitor`: a log without labels against the calibration data.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::Error;
use crate::cli::args::{Inconclusive, MonitorArgs, Period};
use crate::cli::session::{Session, check_thresholds, thresholds};
use crate::dataset::{CALIBRATION, Dataset, Log, LogColumns, LogRow, LogScore, Truth, folded, monday};
use crate::encode::EncoderIdentity;
use crate::monitor::{self, Comparison, GateVerdict, Known, Limits, MonitorError, Seen, Settings};
use crate::plot::{Figure as _, ShiftFigure};
use crate::report::{
    self, INTERVAL_LEVEL, MonitorReport, MonitorSettings, MonitorSource, MonitorVerdict, PeriodReport, REPORT_VERSION,
    ScoreOrigin, ThresholdsReport,
};
use crate::router::RowScore;
use crate::routes::{Routes, Thresholds};
use crate::store::{self, OutputFolder};

pub(in crate::cli) fn run(session: &Session, args: &MonitorArgs) -> Result<(), Error> {
    check_thresholds(&args.thresholds)?;
    let limits = limits(args)?;
    let mut out = OutputFolder::open(&session.common.out)?;
    let split = session.common.split.as_deref().unwrap_or(CALIBRATION);
    let sides = Sides::load(session, args, split)?;
    let (global, by_route) = thresholds(&sides.routes, &args.thresholds)?;
    let (calibration, log) = sides.seen(&by_route);
    let names = sides.routes.names();
    let settings = Settings {
        alpha: args.alpha,
        resamples: args.resamples,
        seed: session.common.seed,
    };
    let parts = parts(&sides.log, args.by);
    let rounds = 1 + parts.as_ref().map_or(0, BTreeMap::len) as u64;
    let in_sample = sides.reference.rows.iter().any(|row| row.split == CALIBRATION);
    let (found, periods) = session.bars.resampling(rounds * u64::from(args.resamples), |done| {
        let found = monitor::compare(&calibration, &log, &names, in_sample, &settings, &limits, done);
        let periods = parts.map(|parts| {
            let of_part = |(from, rows): (String, Vec<usize>)| -> PeriodReport {
                let rows: Vec<Seen> = rows.into_iter().map(|i| log[i]).collect();
                monitor::period(from, &calibration, &rows, names.len(), &settings, done)
            };
            parts.into_iter().map(of_part).collect()
        });
        (found, periods)
    });
    if !args.no_plots {
        let drawing = figure(&calibration, &log, global, &found).draw()?;
        out.write_plot("monitor", &drawing.svg, &drawing.png)?;
    }
    let report = MonitorReport {
        kind: "monitor".into(),
        schema_version: REPORT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").into(),
        verdict: found.verdict,
        summary: found.summary,
        advice: found.advice,
        exit_code: exit_code(found.verdict, args.inconclusive),
        settings: MonitorSettings {
            alpha: args.alpha,
            resamples: args.resamples,
            seed: session.common.seed,
            level: INTERVAL_LEVEL.get(),
            inconclusive: args.inconclusive.name().into(),
        },
        encoder: sides.encoder.clone(),
        routes_sha256: sides.routes.fingerprint(),
        thresholds: ThresholdsReport::new(global, &by_route, &sides.routes),
        calibration: sides.calibration_source(),
        split: split.into(),
        log: sides.log_source(),
        gates: found.gates,
        figures: found.figures,
        periods,
    };
    let document = store::json(&report);
    out.write("monitor.json", &document)?;
    session.printer.answer(|| document, || report::monitor_text(&report))?;
    session.note_written(&out);
    answer(&report, args.inconclusive)
}

fn limits(args: &MonitorArgs) -> Result<Limits, Error> {
    let bad = |flag: &str, value: f64, range: &str, hint: &str| {
        Err(Error::usage(format!("{flag} {value} is not {range}"), hint))
    };
    if !(args.alpha > 0.0 && args.alpha < 0.5) {
        return bad("--alpha", args.alpha, "between 0 and 0.5", "leave it out for 0.05");
    }
    if !(args.max_psi > 0.0 && args.max_psi.is_finite()) {
        return bad("--max-psi", args.max_psi, "a number above 0", "leave it out for 0.2");
    }
    for (flag, value) in [
        ("--max-fallback-share", args.max_fallback_share),
        ("--min-expected-accuracy", args.min_expected_accuracy),
    ] {
        if let Some(value) = value.filter(|v| !(0.0..=1.0).contains(v)) {
            return bad(flag, value, "within 0 and 1", "a share of thirty percent is 0.3");
        }
    }
    if args.log == Path::new("-") && args.reference == Path::new("-") {
        return Err(Error::usage(
            "standard input cannot be the log and the dataset",
            "put the dataset into a file: routecal monitor - --reference datasets/prompts.csv",
        ));
    }
    Ok(Limits {
        max_psi: args.max_psi,
        max_fallback_share: args.max_fallback_share,
        min_expected_accuracy: args.min_expected_accuracy,
    })
}

/// Both sides with a score a row.
struct Sides {
    routes: Routes,
    /// `None` where nothing was embedded.
    encoder: Option<EncoderIdentity>,
    reference: Dataset,
    truths: Vec<Truth>,
    reference_sha256: String,
    reference_scored: bool,
    reference_scores: Vec<RowScore>,
    log: Log,
    log_scores: Vec<RowScore>,
}

impl Sides {
    /// In the order in which a mistake is cheapest to find: routes, log, dataset, encoder.
    fn load(session: &Session, args: &MonitorArgs, split: &str) -> Result<Self, Error> {
        let plan = session.plan(args.router.as_deref())?;
        let names = plan.routes().names();
        let mut options = args.data.options(session.common.seed, false);
        // A format that is named is that of the log, or of the side that comes on standard input; the other goes by its name.
        let named = options.format.take();
        let of_log = named.filter(|_| args.reference != Path::new("-"));
        options.format = named.filter(|_| args.reference == Path::new("-"));
        let log = Log::load(&args.log, of_log, &args.columns(), &names)?;
        let dataset = Dataset::load(&args.reference, &options)?;
        let all_scores = own_scores(args, &names)?;
        let reference = dataset.split(split)?;
        let truths = reference.resolve(&names)?;
        let kept = |i: &usize| split == "all" || dataset.rows[*i].split == split;
        let given: Option<Vec<RowScore>> =
            all_scores.map(|scores| (0..dataset.rows.len()).filter(kept).map(|i| scores[i]).collect());
        let of_reference = if given.is_some() {
            Vec::new()
        } else {
            reference.prompts()
        };
        let of_log: Vec<&str> = if log.scored {
            Vec::new()
        } else {
            log.rows.iter().filter_map(|row| row.prompt.as_deref()).collect()
        };
        let logged: Vec<RowScore> = log.rows.iter().filter_map(|row| row.score.map(row_score)).collect();
        let reference_scored = given.is_some();
        let texts: Vec<&str> = of_reference.iter().chain(&of_log).copied().collect();
        let (routes, encoder, computed) = if texts.is_empty() {
            (plan.routes().clone(), None, Vec::new())
        } else {
            let (router, vectors) = session.build(plan, &texts)?;
            let scores = router.score(&vectors)?.rows().to_vec();
            let identity = router.engine.encoder.identity().clone();
            (router.routes, Some(identity), scores)
        };
        if encoder.is_some() && (log.scored || reference_scored) {
            session.printer.warn(
                "scores of one side stand in its file, those of the other are computed: they must be of the same encoder and \
                 routes, which a file of scores cannot show (--rescore computes both)",
            );
        }
        let (first, second) = computed.split_at(of_reference.len());
        Ok(Self {
            routes,
            encoder,
            truths,
            reference_sha256: dataset.fingerprint(),
            reference_scored,
            reference_scores: given.unwrap_or_else(|| first.to_vec()),
            log_scores: if log.scored { logged } else { second.to_vec() },
            reference,
            log,
        })
    }

    /// The rows as the router sees them under thresholds, one pair a route.
    fn seen(&self, by_route: &[Thresholds]) -> (Vec<Known>, Vec<Seen>) {
        let numbers = copies(self.reference.rows.iter().map(|row| Some(row.prompt.as_str())));
        let calibration = self
            .reference_scores
            .iter()
            .zip(&self.truths)
            .zip(numbers)
            .map(|((score, truth), copy)| {
                let seen = Seen::new(score, by_route, copy);
                let right = match truth {
                    Truth::Route(route) => seen.accepted && seen.best == *route,
                    Truth::OutOfDomain => !seen.accepted,
                };
                Known { seen, right }
            })
            .collect();
        let numbers = copies(self.log.rows.iter().map(|row| row.prompt.as_deref()));
        let log = self
            .log_scores
            .iter()
            .zip(numbers)
            .map(|(score, copy)| Seen::new(score, by_route, copy))
            .collect();
        (calibration, log)
    }

    fn calibration_source(&self) -> MonitorSource {
        MonitorSource {
            source: self.reference.source.clone(),
            sha256: self.reference_sha256.clone(),
            rows: self.reference.rows.len() as u64,
            distinct: Some(distinct(self.reference.rows.iter().map(|row| row.prompt.as_str()))),
            scores: origin(self.reference_scored),
        }
    }

    fn log_source(&self) -> MonitorSource {
        let prompts = || self.log.rows.iter().filter_map(|row| row.prompt.as_deref());
        MonitorSource {
            source: self.log.source.clone(),
            sha256: self.log.sha256.clone(),
            rows: self.log.rows.len() as u64,
            distinct: self.log.prompts.then(|| distinct(prompts())),
            scores: origin(self.log.scored),
        }
    }
}

fn origin(of_file: bool) -> ScoreOrigin {
    if of_file {
        ScoreOrigin::File
    } else {
        ScoreOrigin::Computed
    }
}

/// The scores that stand in the dataset itself, row by row, if it has any.
fn own_scores(args: &MonitorArgs, names: &[String]) -> Result<Option<Vec<RowScore>>, Error> {
    // What was read from standard input cannot be read again.
    if args.reference == Path::new("-") {
        return Ok(None);
    }
    let columns = LogColumns {
        prompt: args.data.prompt_column.clone(),
        time: None,
        time_required: false,
        ..args.columns()
    };
    let read = Log::load(&args.reference, None, &columns, names)?;
    Ok(read.scored.then(|| {
        read.rows
            .iter()
            .filter_map(|row: &LogRow| row.score.map(row_score))
            .collect()
    }))
}

/// A runner-up is not needed here, and a file of scores need not name it.
fn row_score(of: LogScore) -> RowScore {
    RowScore {
        best: of.best,
        score: of.score,
        runner_up: None,
        gap: of.gap,
    }
}

/// A number for each row, the same for copies of one prompt, by the order of the prompts and not of the rows; rows without a
/// prompt have one each.
fn copies<'a>(prompts: impl Iterator<Item = Option<&'a str>>) -> Vec<usize> {
    let keys: Vec<Result<String, usize>> = prompts.enumerate().map(|(i, p)| p.map(folded).ok_or(i)).collect();
    let mut sorted: Vec<&Result<String, usize>> = keys.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let number: HashMap<&Result<String, usize>, usize> = sorted.iter().enumerate().map(|(i, key)| (*key, i)).collect();
    keys.iter().map(|key| number[key]).collect()
}

fn distinct<'a>(prompts: impl Iterator<Item = &'a str>) -> u64 {
    prompts.map(folded).collect::<std::collections::HashSet<_>>().len() as u64
}

/// Rows of each day or week, in order; `None` where the log has no time.
fn parts(log: &Log, by: Period) -> Option<BTreeMap<String, Vec<usize>>> {
    log.time_column.as_ref()?;
    let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, row) in log.rows.iter().enumerate() {
        if let Some(day) = row.day {
            let from = if by == Period::Week { monday(day) } else { day };
            parts.entry(from.to_string()).or_default().push(i);
        }
    }
    Some(parts)
}

fn figure(calibration: &[Known], log: &[Seen], at: Thresholds, found: &Comparison) -> ShiftFigure {
    ShiftFigure {
        calibration: calibration.iter().map(|k| k.seen.score).collect(),
        log: log.iter().map(|s| s.score).collect(),
        threshold: Some(at.threshold()),
        psi: found.figures.score.psi.point,
        ks: found.figures.score.ks.point,
    }
}

fn exit_code(verdict: MonitorVerdict, inconclusive: Inconclusive) -> u8 {
    match (verdict, inconclusive) {
        (MonitorVerdict::Stable, _) | (MonitorVerdict::TooFew, Inconclusive::Pass) => 0,
        (MonitorVerdict::TooFew, Inconclusive::ExitFour) => 4,
        (MonitorVerdict::Shifted, _) | (MonitorVerdict::TooFew, Inconclusive::Fail) => 1,
    }
}

/// The answer as an exit code: an error, though everything went well, where the answer is not "stable".
fn answer(report: &MonitorReport, inconclusive: Inconclusive) -> Result<(), Error> {
    let gates = |wanted: GateVerdict| -> Vec<String> {
        let of = report.gates.iter().filter(|g| g.verdict == wanted);
        of.map(|g| format!("{} {}", g.metric, g.verdict.name())).collect()
    };
    match report.verdict {
        MonitorVerdict::Shifted => Err(MonitorError::Shifted {
            gates: gates(GateVerdict::Shifted),
        }
        .into()),
        MonitorVerdict::TooFew if inconclusive != Inconclusive::Pass => Err(MonitorError::Inconclusive {
            gates: gates(GateVerdict::Inconclusive),
            fails: inconclusive == Inconclusive::Fail,
        }
        .into()),
        MonitorVerdict::TooFew | MonitorVerdict::Stable => Ok(()),
    }
}
