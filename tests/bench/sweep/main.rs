//! How long the sweep and the bootstrap take. See `tests/bench/README.md`.
//!
//! ```text
//! cargo bench --bench sweep -- sweep [--rows N] [--repeat K] [--goal NAME] [--dump FILE]
//! cargo bench --bench sweep -- growth [--most N]
//! cargo bench --bench sweep -- bootstrap [--prompts N] [--resamples B] [--repeat K]
//! ```
//! A line a run: wall seconds, processor seconds (of all threads), and what came out, so that a fast wrong answer is seen.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at what it cannot do"
)]

use std::time::Instant;

use routecal::calibrate::{Goal, Kind, SweepRow, choose};
use routecal::metrics::Ranking;
use routecal::metrics::classification::Confusion;
use routecal::metrics::detection::Detection;
use routecal::metrics::reliability::{BINS, Losses, Reliability, ece};
use routecal::metrics::selective::Selective;
use routecal::stats::bootstrap::{Design, Settings, intervals};
use routecal::stats::{Purpose, Stream, stream};

const ROUTES: usize = 4;

fn main() {
    // cargo bench adds --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |name: &str, default: usize| {
        let at = arguments.iter().position(|a| a == name);
        at.map_or(default, |i| arguments[i + 1].replace('_', "").parse().unwrap())
    };
    match arguments.first().map(String::as_str) {
        Some("sweep") => {
            let rows = rows(number("--rows", 1_000_000));
            if let Some(i) = arguments.iter().position(|a| a == "--dump") {
                dump(&rows, &arguments[i + 1]);
            }
            let goal = arguments
                .iter()
                .position(|a| a == "--goal")
                .map(|i| arguments[i + 1].as_str());
            sweep(&rows, number("--repeat", 5), goal);
        }
        Some("growth") => growth(number("--most", 10_000_000)),
        Some("bootstrap") => bootstrap(
            number("--prompts", 5500),
            number("--resamples", 10_000),
            number("--repeat", 5),
        ),
        _ => println!("one of: sweep, growth, bootstrap"),
    }
}

/// Rows as a router leaves them: right ones score higher than wrong ones, and those than out-of-domain ones.
fn rows(n: usize) -> Vec<SweepRow> {
    let mut random = stream(1, Purpose::Simulation, 0);
    (0..n).map(|_| row(&mut random)).collect()
}

fn row(random: &mut Stream) -> SweepRow {
    let route = random.below(4) as usize;
    // A sum of uniform numbers is bell-shaped enough.
    let bell = |random: &mut Stream| (0..4).map(|_| random.unit()).sum::<f64>() / 4.0;
    let (kind, centre) = match random.unit() {
        u if u < 0.58 => (Kind::Right, 0.1),
        u if u < 0.73 => (Kind::Wrong((route + 1) % ROUTES), 0.0),
        _ => (Kind::OutOfDomain, -0.1),
    };
    let score = centre + bell(random) - 0.2;
    // As cosines are: computed in f32.
    #[expect(clippy::cast_possible_truncation, reason = "that is what is wanted")]
    let single = |value: f64| f64::from(value as f32);
    SweepRow {
        score: single(score),
        gap: single((bell(random) - 0.25 + centre).abs() / 2.0),
        route,
        kind,
    }
}

/// Score and gap as f64, kind as one byte (0 right, 1 wrong, 2 out-of-domain), column after column, for `numpy_loop.py`.
fn dump(rows: &[SweepRow], path: &str) {
    let floats = |of: fn(&SweepRow) -> f64| rows.iter().flat_map(move |row| of(row).to_le_bytes());
    let kinds = rows.iter().map(|row| match row.kind {
        Kind::Right => 0_u8,
        Kind::Wrong(_) => 1,
        Kind::OutOfDomain => 2,
    });
    let bytes: Vec<u8> = floats(|row| row.score)
        .chain(floats(|row| row.gap))
        .chain(kinds)
        .collect();
    std::fs::write(path, bytes).unwrap();
}

/// Wall and processor seconds of a call.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, f64, T) {
    let (before, start) = (processor(), Instant::now());
    let result = work();
    (start.elapsed().as_secs_f64(), processor() - before, result)
}

/// User and system time of this process, from Linux's /proc in ticks of 10 ms; 0 elsewhere.
fn processor() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return 0.0;
    };
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}

fn goals() -> Vec<Goal> {
    vec![
        Goal::MaxSystemAccuracy,
        Goal::MaxCoverage { risk: 0.2 },
        Goal::MinRisk { coverage: 0.5 },
        Goal::MaxMacroF1,
    ]
}

fn sweep(rows: &[SweepRow], repeat: usize, only: Option<&str>) {
    println!("goal,rows,wall_s,cpu_s,exact,points,threshold,gap,figure");
    for _ in 0..repeat {
        for goal in goals()
            .into_iter()
            .filter(|goal| only.is_none_or(|only| only == goal.name()))
        {
            one(rows, &goal);
        }
    }
}

fn one(rows: &[SweepRow], goal: &Goal) -> f64 {
    let (wall, cpu, choice) = timed(|| choose(rows, ROUTES, goal).unwrap());
    let at = choice.thresholds[0];
    println!(
        "{},{},{wall:.4},{cpu:.2},{},{},{},{},{:.6}",
        goal.name(),
        rows.len(),
        choice.exact,
        choice.points,
        at.threshold(),
        at.gap(),
        choice.objective
    );
    wall
}

/// Cost against the number of rows, a decade a line.
fn growth(most: usize) {
    let all = rows(most);
    println!("goal,rows,wall_s,cpu_s,exact,points,threshold,gap,figure,ns_a_row");
    let mut n = 1000;
    while n <= most {
        for goal in [Goal::MaxSystemAccuracy, Goal::MaxMacroF1] {
            let times: Vec<f64> = (0..3).map(|_| one(&all[..n], &goal)).collect();
            let best = times.iter().copied().fold(f64::INFINITY, f64::min);
            println!(
                "# {}: {n} rows, best of 3: {:.1} ns a row",
                goal.name(),
                best * 1e9 / rows_f64(n)
            );
        }
        n *= 10;
    }
}

fn rows_f64(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap())
}

/// Balanced accuracy, macro F1, Matthews correlation, AUROC, average precision, FPR at 95 % TPR, AURC, AUGRC, expected
/// calibration error, Brier score.
const METRICS: usize = 10;

/// BCa intervals of ten metrics, the prompts stratified by label.
fn bootstrap(prompts: usize, resamples: usize, repeat: usize) {
    let rows = rows(prompts);
    let stratum = |row: &SweepRow| match row.kind {
        Kind::Right => 1 + row.route,
        Kind::Wrong(own) => 1 + own,
        Kind::OutOfDomain => 0,
    };
    let design = Design::new(rows.iter().enumerate().map(|(i, row)| (stratum(row), i)));
    let numbered = || rows.iter().enumerate();
    let in_domain = Ranking::new(numbered().map(|(i, row)| (i, row.score, row.kind != Kind::OutOfDomain)));
    let wrong = Ranking::new(numbered().map(|(i, row)| (i, row.score, row.kind != Kind::Right)));
    let known = numbered().filter(|(_, row)| row.kind != Kind::OutOfDomain);
    let confidences =
        Reliability::ranking(known.map(|(i, row)| (i, row.score.clamp(0.0, 1.0), row.kind == Kind::Right)));
    let losses = Losses::new(&confidences);
    let mut cells: Vec<(usize, usize, Vec<usize>)> = Vec::new();
    for (i, row) in numbered() {
        let own = match row.kind {
            Kind::Right => row.route,
            Kind::Wrong(own) => own,
            Kind::OutOfDomain => continue,
        };
        match cells.iter_mut().find(|cell| (cell.0, cell.1) == (own, row.route)) {
            Some(cell) => cell.2.push(i),
            None => cells.push((own, row.route, vec![i])),
        }
    }
    let statistic = |weights: &[u32], out: &mut [f64]| {
        let mut confusion = Confusion::new(ROUTES);
        for (own, route, rows) in &cells {
            confusion.add_times(*own, *route, rows.iter().map(|i| u64::from(weights[*i])).sum());
        }
        let detection = Detection::ranked(&in_domain, Some(weights));
        let selective = Selective::ranked(&wrong, Some(weights));
        let reliability = Reliability::ranked(&confidences, Some(weights));
        let figures = [
            confusion.balanced_accuracy(),
            confusion.macro_average().f1,
            confusion.matthews_correlation(),
            detection.auroc(),
            detection.average_precision_in(),
            detection.fpr_at_tpr(0.95).and_then(|p| p.false_positive.value()),
            selective.aurc(),
            selective.augrc(),
            ece(&reliability.equal_width_bins(BINS)),
            losses.means(&confidences, Some(weights)).map(|(brier, _)| brier),
        ];
        for (place, figure) in out.iter_mut().zip(figures) {
            *place = figure.unwrap_or(f64::NAN);
        }
    };
    let settings = Settings {
        resamples: u32::try_from(resamples).unwrap(),
        ..Settings::default()
    };
    println!("prompts,resamples,metrics,wall_s,cpu_s,auroc_lower,auroc_upper");
    for _ in 0..repeat {
        let (wall, cpu, found) = timed(|| intervals(&design, &settings, METRICS, statistic));
        let auroc = found[3].unwrap();
        println!(
            "{prompts},{resamples},{METRICS},{wall:.3},{cpu:.2},{:.6},{:.6}",
            auroc.lower, auroc.upper
        );
    }
}
