//! Counts held against the rows they were made of.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use super::axis::{GAPS, THRESHOLDS};
use super::partial::{Request, Setting, join};
use super::{CalibrateRequest, EvalRequest, Partial, ScoredError, calibrate, evaluate, surface};
use crate::calibrate::{Goal, Kind, SweepRow, Totals, tally};
use crate::dataset::{ScoredColumns, ScoredFile, Shard};
use crate::evaluation::Method;
use crate::report::GoalReport;
use crate::routes::{Routes, Thresholds};
use crate::store;

const NAMES: [&str; 3] = ["coding", "creative", "factual"];

fn routes() -> Routes {
    let of = |name: &str| format!(r#""{name}": {{"model": "m-{name}", "examples": ["a {name} prompt"]}}"#);
    let text = format!(
        r#"{{"fallback": {{"model": "big"}}, "thresholds": {{"threshold": 0.31, "gap": 0.0105}},
            "prices": {{"big": 5.0, "m-coding": 1.0, "m-creative": 2.0, "m-factual": 0.5}},
            "routes": {{{}}}}}"#,
        NAMES.map(of).join(", ")
    );
    Routes::parse(&text, Path::new("routes.json")).unwrap().0
}

/// Score and gap in millionths, own route (3 for none), best route, runner-up, split.
type Raw = (i32, i32, usize, usize, usize, bool);

fn any_rows() -> impl Strategy<Value = Vec<Raw>> {
    // Coarse numbers make ties and rows on the grid common, fine ones hit no grid value.
    let score = prop_oneof![(-5..5_i32).prop_map(|s| s * 100_000), -1_000_000..=1_000_000_i32];
    let gap = prop_oneof![(0..10_i32).prop_map(|g| g * 2_000), 0..2_000_000_i32];
    proptest::collection::vec((score, gap, 0..4_usize, 0..3_usize, 0..3_usize, any::<bool>()), 2..60).prop_map(
        |mut rows| {
            // Both splits have a row.
            (rows[0].5, rows[1].5) = (false, true);
            rows
        },
    )
}

fn csv(rows: &[Raw]) -> String {
    let mut text = "label,split,best,score,runner_up,gap,decision\n".to_owned();
    for (score, gap, own, best, second, test) in rows {
        let label = NAMES.get(*own).copied().unwrap_or("none");
        let split = if *test { "test" } else { "calibration" };
        let (best, second) = (NAMES[*best], NAMES[*second]);
        let number = |n: &i32| f64::from(*n) / 1e6;
        writeln!(
            text,
            "{label},{split},{best},{},{second},{},x",
            number(score),
            number(gap)
        )
        .unwrap();
    }
    text
}

fn sweep_rows(rows: &[Raw]) -> Vec<SweepRow> {
    let kind = |own: usize, best: usize| match own {
        3 => Kind::OutOfDomain,
        own if own == best => Kind::Right,
        own => Kind::Wrong(own),
    };
    rows.iter()
        .map(|(score, gap, own, best, ..)| SweepRow {
            score: f64::from(*score) / 1e6,
            gap: f64::from(*gap) / 1e6,
            route: *best,
            kind: kind(*own, *best),
        })
        .collect()
}

fn opened(folder: &tempfile::TempDir, text: &str) -> ScoredFile {
    let path = folder.path().join(format!("scored-{}.csv", text.len()));
    std::fs::write(&path, text).unwrap();
    let columns = ScoredColumns {
        label: "label".into(),
        split: "split".into(),
        split_required: false,
    };
    ScoredFile::open(&path, &columns).unwrap()
}

fn count(file: &ScoredFile, routes: &Routes, request: &Request, shard: Shard) -> Partial {
    let by_route = routes.thresholds_by_route();
    let setting = Setting {
        routes,
        thresholds: (routes.thresholds, &by_route),
        seed: 0,
    };
    Partial::count(file, &setting, request.clone(), shard, &mut |_, _| ()).unwrap()
}

fn eval_request() -> Request {
    Request::Eval(EvalRequest {
        split: "test".into(),
        fitted_on: Some("calibration".into()),
        reliability: Method::Isotonic,
    })
}

fn calibrate_request(goal: &Goal) -> Request {
    Request::Calibrate(CalibrateRequest {
        split: "calibration".into(),
        test_split: "test".into(),
        goal: GoalReport::of(goal),
        prices: Some(routes().prices),
        tolerance: 0.01,
    })
}

fn goals() -> [Goal; 4] {
    [
        Goal::MaxSystemAccuracy,
        Goal::MaxMacroF1,
        Goal::MaxJointCoverage { risk: 0.2 },
        Goal::MinRisk { coverage: 0.3 },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the rows and the number of parts: written, read back and joined in any order they are the whole, and so are the
    /// documents, byte for byte.
    #[test]
    fn parts_add_up_to_the_whole(rows in any_rows(), of in 1..7_u64, turn in 0..7_usize) {
        let folder = tempfile::tempdir().unwrap();
        let (file, routes) = (opened(&folder, &csv(&rows)), routes());
        for request in [eval_request(), calibrate_request(&Goal::MaxSystemAccuracy)] {
            let whole = count(&file, &routes, &request, Shard::WHOLE);
            let mut parts: Vec<(String, Partial)> = (1..=of)
                .map(|i| {
                    let part = count(&file, &routes, &request, Shard::new(i, of).unwrap());
                    let path = folder.path().join(format!("{i}.counts"));
                    std::fs::write(&path, part.to_bytes()).unwrap();
                    let read = Partial::load(&path).unwrap();
                    assert_eq!(read, part);
                    (format!("part {i}"), read)
                })
                .collect();
            let turn = turn % parts.len();
            parts.rotate_left(turn);
            let joined = join(parts).unwrap();
            prop_assert_eq!(&joined, &whole);
            // Equal counts give equal documents; those of `calibrate` are compared on the command line, since a sweep takes its time.
            if matches!(request, Request::Eval(_)) {
                let document = |counts: &Partial| store::json(&evaluate(counts, &routes).unwrap());
                prop_assert_eq!(document(&joined), document(&whole));
            }
        }
    }

    /// At every point of the grid the counts are those of the rows.
    #[test]
    fn a_grid_point_counts_the_rows(rows in any_rows(), t in 0..1001_usize, g in 0..30_usize) {
        let folder = tempfile::tempdir().unwrap();
        let (file, routes) = (opened(&folder, &csv(&rows)), routes());
        let whole = count(&file, &routes, &calibrate_request(&Goal::MaxSystemAccuracy), Shard::WHOLE);
        for (split, test) in [("calibration", false), ("test", true)] {
            let of_split: Vec<Raw> = rows.iter().copied().filter(|row| row.5 == test).collect();
            let rows = sweep_rows(&of_split);
            let counts = whole.of(split).unwrap();
            prop_assert_eq!(counts.totals(), Totals::of(&rows, 3));
            let at = |t: f64, g: f64| tally(&rows, &[Thresholds::new(t, g).unwrap(); 3]);
            for (t, g) in [(t, g), (t, 0), (500 + t / 2, 500)] {
                let expected = at(THRESHOLDS.value(t), GAPS.value(g));
                prop_assert_eq!(surface::at(counts, t, g), expected);
            }
            prop_assert_eq!(counts.all_accepted(), at(-1.0, 0.0));
            // The thresholds of the routes file lie on no grid value, and are counted all the same.
            prop_assert_eq!(crate::evaluation::split_counts(&counts.deployed()).0, at(0.31, 0.0105));
        }
    }
}

/// No point of the grid is better than the one that is chosen.
#[test]
fn the_best_of_the_grid_is_chosen() {
    let mut random = crate::stats::stream(3, crate::stats::Purpose::Simulation, 0);
    let mut number = |n: u32| i32::try_from(random.below(n)).unwrap();
    let rows: Vec<Raw> = (0..60)
        .map(|i| {
            let (own, best) = (number(4), number(3));
            let high = if own == best { 300_000 } else { 0 };
            let place = |n: i32| usize::try_from(n).unwrap();
            (
                number(500_000) + high,
                number(100_000),
                place(own),
                place(best),
                0,
                i % 2 == 0,
            )
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let (file, routes) = (opened(&folder, &csv(&rows)), routes());
    let own: Vec<Raw> = rows.iter().copied().filter(|row| !row.5).collect();
    let (own, all) = (sweep_rows(&own), Totals::of(&sweep_rows(&own), 3));
    for goal in goals() {
        let whole = count(&file, &routes, &calibrate_request(&goal), Shard::WHOLE);
        let found = calibrate(&whole, &routes).unwrap();
        let best = (0..=1000)
            .flat_map(|t| (0..60).map(move |g| (t, g)))
            .filter_map(|(t, g)| {
                let at = Thresholds::new(THRESHOLDS.value(t), GAPS.value(g)).unwrap();
                goal.key(&tally(&own, &[at; 3]), &all)
            })
            .max();
        let chosen = tally(&own, &[found.at; 3]);
        assert_eq!(goal.key(&chosen, &all), best, "{}", goal.name());
        assert_eq!(
            found.report.chosen.unwrap().calibration.objective.point,
            goal.objective(&chosen, &all)
        );
    }
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let rows: Vec<Raw> = (0..8).map(|i| (i * 1000, 0, 0, 0, 1, i % 2 == 0)).collect();
    let folder = tempfile::tempdir().unwrap();
    let (file, routes) = (opened(&folder, &csv(&rows)), routes());
    let part = |request: &Request, i, of| count(&file, &routes, request, Shard::new(i, of).unwrap());
    let request = eval_request();
    let named = |name: &str, part| (name.to_owned(), part);
    let message = |parts| join(parts).unwrap_err().to_string();

    let missing = message(vec![named("a", part(&request, 1, 4)), named("b", part(&request, 3, 4))]);
    assert_eq!(missing, "part 2, 4 of 4 are missing");
    let twice = message(vec![named("a", part(&request, 1, 2)), named("b", part(&request, 1, 2))]);
    assert_eq!(twice, "a and b are both part 1 of 2: its rows would count twice");
    let other = calibrate_request(&Goal::MaxSystemAccuracy);
    let asked = message(vec![named("a", part(&request, 1, 2)), named("b", part(&other, 2, 2))]);
    assert!(
        asked.starts_with("a and b do not belong together: they differ in request."),
        "{asked}"
    );
    let of = message(vec![named("a", part(&request, 1, 2)), named("b", part(&request, 2, 3))]);
    assert_eq!(of, "a and b do not belong together: they differ in parts: 2 and 3");
    let mut newer = part(&request, 2, 2);
    newer.header.tool_version = "9.9.9".into();
    let version = message(vec![named("a", part(&request, 1, 2)), named("b", newer)]);
    assert!(
        version.contains("tool_version: \"") && version.ends_with("and \"9.9.9\""),
        "{version}"
    );
    let longer = opened(&folder, &csv(&[&rows[..], &rows[..2]].concat()));
    let rows_differ = count(&longer, &routes, &request, Shard::new(2, 2).unwrap());
    let source = message(vec![named("a", part(&request, 1, 2)), named("b", rows_differ)]);
    assert!(source.contains("source.rows: 8 and 10"), "{source}");
}

#[test]
fn a_damaged_file_is_refused() {
    let rows: Vec<Raw> = (0..8).map(|i| (i * 1000, 0, 0, 0, 1, i % 2 == 0)).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = opened(&folder, &csv(&rows));
    let bytes = count(&file, &routes(), &eval_request(), Shard::WHOLE).to_bytes();
    let path = folder.path().join("x.counts");
    let load = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Partial::load(&path)
    };
    assert!(load(&bytes).is_ok());
    for cut in [0, 10, 19, 40, bytes.len() / 2, bytes.len() - 1] {
        assert!(matches!(load(&bytes[..cut]), Err(ScoredError::Damaged { .. })), "{cut}");
    }
    for at in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(load(&changed).is_err(), "{at}");
    }
    assert!(matches!(
        Partial::load(&folder.path().join("none")),
        Err(ScoredError::Read { .. })
    ));
}

/// Six decimals are told apart by the fine bins, so the figures of the order are those of the rows too.
#[test]
fn figures_of_the_order_are_exact_at_six_decimals() {
    let mut random = crate::stats::stream(9, crate::stats::Purpose::Simulation, 0);
    let mut number = |n: u32| i32::try_from(random.below(n)).unwrap();
    let place = |n: i32| usize::try_from(n).unwrap();
    let rows: Vec<Raw> = (0..400)
        .map(|_| {
            (
                number(900),
                number(700) * 13,
                place(number(4)),
                place(number(3)),
                place(number(3)),
                true,
            )
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let (file, routes) = (opened(&folder, &csv(&rows)), routes());
    let report = evaluate(&count(&file, &routes, &eval_request(), Shard::WHOLE), &routes).unwrap();
    let sweep = sweep_rows(&rows);
    let scores = |inside: bool, gap: bool| {
        let rows = sweep
            .iter()
            .filter(move |row| (row.kind != Kind::OutOfDomain) == inside);
        rows.map(move |row| if gap { row.gap } else { row.score })
            .collect::<Vec<_>>()
    };
    for (gap, found) in [(false, &report.detection.by_score), (true, &report.detection.by_gap)] {
        let expected = crate::metrics::detection::Detection::new(scores(true, gap), scores(false, gap));
        assert_eq!(found.auroc.point, expected.auroc());
        assert_eq!(found.average_precision_out.point, expected.average_precision_out());
    }
    let wrong = sweep.iter().map(|row| (row.score, row.kind != Kind::Right));
    let expected = crate::metrics::selective::Selective::new(wrong);
    assert_eq!(report.selective.all.augrc.point, expected.augrc());
    assert!((report.selective.all.aurc.point.unwrap() - expected.aurc().unwrap()).abs() < 1e-12);
    // No other split has rows: fitted on the rows themselves, and said so.
    assert!(report.reliability.in_sample);
    assert_eq!(report.reliability.fitted_on, "test");
    let top_two = rows
        .iter()
        .filter(|row| row.2 < 3 && (row.2 == row.3 || row.2 == row.4))
        .count();
    let known = report.forced_choice.n;
    assert_eq!(
        report.forced_choice.top2_accuracy.point,
        Some(crate::num::f64_from_usize(top_two) / crate::num::f64_from_u64(known))
    );
    let all = &report.confidence.overall;
    let right: Vec<f64> = sweep
        .iter()
        .filter(|r| r.kind == Kind::Right)
        .map(|r| r.score)
        .collect();
    let mean = right.iter().sum::<f64>() / crate::num::f64_from_usize(right.len());
    assert!((all.right.mean.unwrap() - mean).abs() < 1e-12);
    let exact = crate::metrics::histogram::Summary::new(right);
    assert_eq!((all.right.min, all.right.max), (exact.min(), exact.max()));
    assert!((all.right.p50.unwrap() - exact.quantile(0.5).unwrap()).abs() <= 1e-4);
}
