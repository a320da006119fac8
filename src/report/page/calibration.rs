//! `calibrate` in a report.

use std::collections::BTreeMap;

use super::answers::Figure;
use super::block::{Cell, Tone, cell, decimal, difference, figure, grouped, numbers, picture, rate, setting, words};
use super::{Block, Picture, Table};
use crate::report::{CalibrationReport, Estimate, OperatingPoint, OptimismReport, percentage};

type Pictures = BTreeMap<String, String>;

/// Today's thresholds, and the recommended ones with what they change: all on the test split.
pub(super) fn choice(report: &CalibrationReport) -> Table {
    let chosen = report.chosen.as_ref();
    let mut columns = vec![words("on the test split"), numbers("today")];
    if chosen.is_some() {
        columns.extend([numbers(report.chosen_name()), numbers("change")]);
    }
    let row = |name: &str, of: &dyn Fn(&OperatingPoint) -> Cell, change: Cell| {
        let mut row = vec![cell(name), of(&report.current)];
        if let Some(point) = chosen {
            row.extend([of(point), change]);
        }
        row
    };
    let moved = |of: fn(&OperatingPoint) -> f64| {
        let change = chosen.map(|point| of(point) - of(&report.current));
        cell(change.map_or_else(String::new, |c| if c.abs() < 5e-7 { "0".into() } else { trimmed(c) }))
    };
    let mut rows = vec![
        row("threshold", &|p| setting(p.threshold), moved(|p| p.threshold)),
        row("minimum gap", &|p| setting(p.gap), moved(|p| p.gap)),
    ];
    let rates: [(&str, Figure, f64); 6] = [
        ("system accuracy", |d| &d.system_accuracy, 1.0),
        ("coverage", |d| &d.coverage, 0.0),
        ("selective accuracy", |d| &d.selective_accuracy, 1.0),
        ("misrouted (of in-domain)", |d| &d.misroute_rate, -1.0),
        ("false fallbacks (of in-domain)", |d| &d.false_fallback_rate, -1.0),
        ("false accepts (of out-of-domain)", |d| &d.false_accept_rate, -1.0),
    ];
    for (name, of, better) in rates {
        let estimate = |point: &OperatingPoint| *of(&point.test.as_deployed);
        let change = chosen.map_or_else(Cell::default, |point| {
            judged(estimate(point).point, estimate(&report.current).point, better)
        });
        rows.push(row(name, &|point| rate(&estimate(point)), change));
    }
    if report.current.test.mean_price.point.is_some() {
        rows.push(row(
            "mean price of a prompt",
            &|p| figure(&p.test.mean_price, 6),
            cell(""),
        ));
    }
    let n = grouped(report.test.n);
    let flattered = if chosen.is_some_and(|point| point.test.in_sample) {
        " These rows also chose the thresholds, so the figures flatter them."
    } else {
        ""
    };
    let explain = format!(
        "Judged on {n} prompts of split {}, {} of them out-of-domain; beside each rate its 95 % interval. Changes are in points.{flattered}",
        report.test.split,
        grouped(report.test.out_of_domain)
    );
    Table::new("choice", "Thresholds", columns, rows)
        .brief(usize::MAX)
        .explained(
            explain,
            &[
                "threshold",
                "gap",
                "system-accuracy",
                "coverage",
                "selective-accuracy",
                "misroute",
                "false-fallback",
                "false-accept",
                "interval",
            ],
        )
}

/// A change in points, with the word for it; `better` is the sign of a good one, 0 where neither is.
fn judged(now: Option<f64>, before: Option<f64>, better: f64) -> Cell {
    let change = difference(now, before);
    let direction = change.order.unwrap_or_default() * better;
    if direction.abs() < 5e-4 {
        return change;
    }
    if direction > 0.0 {
        change.noted("better").toned(Tone::Good)
    } else {
        change.noted("worse").toned(Tone::Bad)
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:+.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn moved(picture: Option<Picture>, marker: &'static str, explorable: bool) -> Option<Block> {
    picture.map(|picture| {
        Block::Picture(Picture {
            marker: explorable.then_some(marker),
            ..picture
        })
    })
}

/// Rates against the threshold, and where the points lie on the risk–coverage curve.
pub(super) fn curves(report: &CalibrationReport, pictures: &Pictures, explorable: bool) -> Vec<Block> {
    let gap = report.found_and_current()[0].1.gap;
    let threshold = picture(
        pictures,
        "threshold",
        format!(
            "How the rates change as the threshold rises and the gap stays at {gap}, on the {} prompts of split {} that chose.",
            grouped(report.calibration.n),
            report.calibration.split
        ),
        &[
            "threshold",
            "system-accuracy",
            "coverage",
            "selective-accuracy",
            "false-accept",
        ],
    );
    let risk = picture(
        pictures,
        "risk-coverage-chosen",
        format!(
            "What more coverage costs in errors on the {} prompts of split {}, with today's thresholds and the {} ones; below and to the right is better.",
            grouped(report.test.n),
            report.test.split,
            report.chosen_name()
        ),
        &["risk-coverage", "augrc"],
    );
    moved(threshold, "curve", explorable)
        .into_iter()
        .chain(risk.map(Block::Picture))
        .collect()
}

/// The heat map.
pub(super) fn map(report: &CalibrationReport, pictures: &Pictures, explorable: bool) -> Vec<Block> {
    let map = picture(
        pictures,
        "threshold-gap",
        format!(
            "System accuracy at every pair of threshold and gap on the {} prompts of split {} that chose: a broad bright area is a safe choice, a speck is luck.",
            grouped(report.calibration.n),
            report.calibration.split
        ),
        &["threshold", "gap", "system-accuracy", "plateau"],
    );
    moved(map, "map", explorable).into_iter().collect()
}

/// Optimism, plateau, cross-validation, certificate, thresholds a route.
pub(super) fn trust(report: &CalibrationReport) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut rows = Vec::new();
    let mut add = |what: &str, optimism: &OptimismReport| {
        rows.push(vec![
            cell(format!("{} ({what})", optimism.figure)),
            optimistic(optimism, &optimism.calibration),
            optimistic(optimism, &optimism.test),
            optimistic(optimism, &Estimate::new(optimism.optimism, 0)),
        ]);
    };
    if let Some(optimism) = &report.optimism {
        add("test split", &optimism.goal);
        optimism.condition.iter().for_each(|c| add("test split", c));
    }
    if let Some(cv) = &report.cross_validation {
        let what = format!("{} folds", cv.folds);
        add(&what, &cv.goal);
        cv.condition.iter().for_each(|c| add(&what, c));
    }
    if !rows.is_empty() {
        let columns = vec![
            words("figure"),
            numbers("where it was chosen"),
            numbers("elsewhere"),
            numbers("optimism"),
        ];
        blocks.push(
            Table::new("optimism", "Does the choice flatter itself?", columns, rows)
                .explained(
                    "A choice was best on the rows that chose it; what counts is the figure elsewhere.",
                    &["optimism", "interval"],
                )
                .into(),
        );
    }
    if let Some(plateau) = &report.plateau {
        let row = |name: &str, value: f64, range: &crate::report::Range| {
            vec![
                cell(name),
                setting(value),
                decimal(Some(range.low), 3),
                decimal(Some(range.high), 3),
            ]
        };
        let (threshold, gap) = report.chosen.as_ref().map_or((0.0, 0.0), |p| (p.threshold, p.gap));
        let rows = vec![
            row("threshold", threshold, &plateau.threshold),
            row("gap", gap, &plateau.gap),
        ];
        let columns = vec![words("setting"), numbers("chosen"), numbers("from"), numbers("to")];
        let explain = format!(
            "How far each number can move, the other one held, before the goal's figure drops by {}.",
            plateau.tolerance
        );
        blocks.push(
            Table::new("plateau", "Room to move", columns, rows)
                .explained(explain, &["plateau"])
                .into(),
        );
    }
    blocks.extend(folds(report));
    blocks.extend(certificate(report));
    blocks.extend(by_route(report));
    blocks
}

fn folds(report: &CalibrationReport) -> Option<Block> {
    let cv = report.cross_validation.as_ref()?;
    let row = |name: String, spread: &crate::report::SpreadReport| {
        vec![
            cell(name),
            decimal(Some(spread.range.low), 3),
            decimal(Some(spread.median), 3),
            decimal(Some(spread.range.high), 3),
            decimal(spread.sd, 3),
        ]
    };
    let rows: Vec<Vec<Cell>> = cv
        .spread
        .iter()
        .flat_map(|spread| {
            let of = spread
                .route
                .as_ref()
                .map_or_else(String::new, |route| format!(" of {route}"));
            [
                row(format!("threshold{of}"), &spread.threshold),
                row(format!("gap{of}"), &spread.gap),
            ]
        })
        .collect();
    let columns = vec![
        words("chosen by the folds"),
        numbers("least"),
        numbers("median"),
        numbers("greatest"),
        numbers("st. dev."),
    ];
    let explain = "How far the choice moves when a part of the rows is left out.";
    (!rows.is_empty()).then(|| {
        Table::new("folds", "Does the choice hold still?", columns, rows)
            .explained(explain, &["optimism"])
            .into()
    })
}

fn certificate(report: &CalibrationReport) -> Option<Block> {
    let c = report.certification.as_ref()?;
    let rows: Vec<Vec<Cell>> = c
        .tested
        .iter()
        .map(|t| {
            let (word, tone) = if t.certified {
                ("certified", Tone::Good)
            } else {
                ("failed", Tone::Bad)
            };
            vec![
                cell(word).toned(tone),
                setting(t.threshold),
                setting(t.gap),
                super::block::count(t.accepted),
                super::block::count(t.wrong),
                decimal(Some(t.p_value), 4),
            ]
        })
        .collect();
    let columns = vec![
        words("tested in this order"),
        numbers("threshold"),
        numbers("gap"),
        numbers("accepted"),
        numbers("wrong"),
        numbers("p"),
    ];
    let promise = c
        .guarantee
        .clone()
        .or_else(|| c.shortfall.as_ref().map(|s| s.reason.clone()));
    let explain = format!(
        "{} prompts chose the order, {} others tested it, until the first failure. {}",
        grouped(c.rows.ordering),
        grouped(c.rows.testing),
        promise.unwrap_or_default()
    );
    let title = format!("Certificate: at most {}", percentage(c.alpha));
    Some(
        Table::new("certificate", title, columns, rows)
            .explained(explain, &["certificate"])
            .into(),
    )
}

fn by_route(report: &CalibrationReport) -> Option<Block> {
    let chosen = report.chosen.as_ref().filter(|point| !point.by_route.is_empty())?;
    let rows = chosen
        .by_route
        .iter()
        .map(|(route, own)| {
            let today = report.current.by_route.get(route);
            vec![
                cell(route),
                setting(today.map_or(report.current.threshold, |t| t.threshold())),
                setting(today.map_or(report.current.gap, |t| t.gap())),
                setting(own.threshold()),
                setting(own.gap()),
            ]
        })
        .collect();
    let columns = vec![
        words("route"),
        numbers("threshold today"),
        numbers("gap today"),
        numbers("threshold chosen"),
        numbers("gap chosen"),
    ];
    let explain = "Each route has a pair of its own; those not listed keep the pair for all.";
    Some(
        Table::new("by-route", "Thresholds by route", columns, rows)
            .explained(explain, &["threshold", "gap"])
            .brief(50)
            .into(),
    )
}

/// In the units of the figure.
fn optimistic(of: &OptimismReport, estimate: &Estimate) -> Cell {
    match of.figure.as_str() {
        "mean price" => figure(estimate, 6),
        "macro F1" => figure(estimate, 3),
        _ => rate(estimate),
    }
}
