//! The choice on one split, and what it is worth on the other.
//!
//! # What is wanted on the test split
//! A mean quality is the same number on both splits. A *share of the strong model's quality* is a promise about what users
//! lose by the routing, so on each split it is the share of what the strong model earns on the very prompts of that split: where
//! the test prompts are harder, both sides of the comparison see it. The model itself is fixed on the calibration prompts; another
//! one that happens to be better on the test prompts does not take its place, since it could not have been known. The margin
//! (quality − share · quality of the strong model) is resampled as one figure, so that what both have in common cancels.

use super::figures::{Figures, Side};
use super::{Choice, MinQuality, OperatingPointError, choose, plateau};
use crate::replay::analysis::{self, CostBasis, THOUSAND, Ungraded};
use crate::replay::frontier::{Point, hull};
use crate::replay::matrix::Matrix;
use crate::replay::policies::Routing;
use crate::report::{
    AlwaysReport, ChoiceOptimism, CornerReport, CostCalibrationReport, CostGoalReport, CostPoint, CostProvenance,
    CostSplitReport, CostVerdict, CostVerdictReport, Estimate, OptimismReport, PlateauReport, REPORT_VERSION, Range,
    ThresholdsReport, VersusReport,
};
use crate::routes::{Routes, Thresholds};
use crate::stats::bootstrap::Settings;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The least quality that will do.
    pub min_quality: MinQuality,
    /// Which cost decides.
    pub cost: CostBasis,
    /// What becomes of answers without a score.
    pub ungraded: Ungraded,
    /// How much dearer still counts as the plateau around the choice, as a share.
    pub tolerance: f64,
    /// Intervals.
    pub bootstrap: Settings,
}

/// What there is.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The graded answers.
    pub matrix: &'a Matrix,
    /// The router's view of every prompt of the matrix.
    pub routing: &'a Routing,
    /// Whether a route accepted each prompt when it was asked, which decided the system prompt.
    pub asked: &'a [bool],
    /// The routes, with the thresholds in use.
    pub routes: &'a Routes,
    /// The split that chooses; `all` for every prompt.
    pub calibration: &'a str,
    /// The split that judges; `all` for every prompt.
    pub test: &'a str,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibrated {
    /// The document.
    pub report: CostCalibrationReport,
    /// The chosen thresholds.
    pub at: Thresholds,
    /// The router at every threshold with the chosen gap, on the calibration prompts.
    pub sweep: Vec<analysis::SweepRow>,
    /// What single models reach on them with no router.
    pub zero_router: Vec<CornerReport>,
}

/// Chooses on one split and judges on the other. O(prompts² + models · prompts · resamples), in parallel.
///
/// # Errors
/// [`OperatingPointError`]: a split without prompts or without complete ones, a quality that no thresholds reach.
///
/// # Panics
/// If `routing`, `asked` and `matrix` are not of the same prompts.
pub fn calibrate(
    input: &Input<'_>,
    options: &Options,
    provenance: CostProvenance,
) -> Result<Calibrated, OperatingPointError> {
    let (choosing, judging) = (
        side(input, input.calibration, options)?,
        side(input, input.test, options)?,
    );
    let in_sample = input.calibration == input.test || [input.calibration, input.test].contains(&"all");
    let cost = choosing.cost(options.cost);
    let (weak, strong) = analysis::anchors(input.matrix, &choosing.complete, cost, (None, None)).map_err(|source| {
        OperatingPointError::Split {
            split: choosing.split.clone(),
            source,
        }
    })?;
    let wanted = options.min_quality.of(choosing.quality(strong));
    let choice = choose(&choosing.complete, &choosing.routing, cost, wanted)?;
    let of = |side: &Side, in_sample| side.figures(choice.at, strong, options, in_sample);
    let (chose, judged) = (of(&choosing, true), of(&judging, in_sample));
    let plateau = plateau(
        &choosing.complete,
        &choosing.routing,
        cost,
        wanted,
        (choice.at, options.tolerance),
    );
    let models = input.matrix.models();
    let split = |side: &Side| CostSplitReport {
        split: side.split.clone(),
        n: side.complete.n() as u64,
        prompts: side.matrix.prompts().len() as u64,
        dropped: side.dropped.clone(),
        wanted: options.min_quality.of(side.quality(strong)),
        moved: side.moved(choice.at),
    };
    let (calibration, test) = (split(&choosing), split(&judging));
    let points: Vec<Point> = (0..models.len())
        .filter_map(|m| {
            let usd = choosing.complete.mean(cost, m)?;
            Some(Point::new(usd, choosing.quality(m)))
        })
        .collect();
    let dominated = points[strong].quality <= points[weak].quality;
    let mut report = CostCalibrationReport {
        kind: "cost_calibration".into(),
        schema_version: REPORT_VERSION,
        provenance,
        goal: goal(options, input.routing),
        weak: models[weak].clone(),
        strong: models[strong].clone(),
        dominated,
        points: choice.points,
        exact: choice.exact,
        optimism: (!in_sample).then(|| optimism(options, &chose, &judged)),
        verdict: verdict(options, &judged.margin, &test, &models[strong], in_sample),
        calibration,
        test,
        always: models
            .iter()
            .zip(chose.always.into_iter().zip(judged.always))
            .map(|(model, (calibration, test))| AlwaysReport {
                model: model.clone(),
                calibration,
                test,
            })
            .collect(),
        current: CostPoint {
            thresholds: ThresholdsReport::new(
                input.routes.thresholds,
                &input.routes.thresholds_by_route(),
                input.routes,
            ),
            calibration: chose.current,
            test: judged.current,
        },
        chosen: CostPoint {
            thresholds: ThresholdsReport::new(choice.at, &[], input.routes),
            calibration: chose.chosen,
            test: judged.chosen,
        },
        versus_current: VersusReport {
            calibration: chose.versus_current,
            test: judged.versus_current,
        },
        versus_strong: VersusReport {
            calibration: chose.versus_strong,
            test: judged.versus_strong,
        },
        plateau: plateau.map(|p| PlateauReport {
            tolerance: p.tolerance,
            threshold: range(p.threshold),
            gap: range(p.gap),
        }),
        notes: Vec::new(),
    };
    report.notes = notes(&report, &choosing.matrix, options);
    Ok(Calibrated {
        report,
        at: choice.at,
        sweep: swept(&choosing, &choice, options),
        zero_router: analysis::corners(&hull(&points)),
    })
}

/// The prompts of one split.
fn side(input: &Input<'_>, split: &str, options: &Options) -> Result<Side, OperatingPointError> {
    let prompts = input.matrix.prompts();
    assert!(
        prompts.len() == input.routing.prompts.len() && prompts.len() == input.asked.len(),
        "one routed prompt a prompt"
    );
    let of = |p: usize| split == "all" || prompts[p].split.as_deref() == Some(split);
    let kept: Vec<usize> = (0..prompts.len()).filter(|p| of(*p)).collect();
    if kept.is_empty() {
        return Err(OperatingPointError::NoPrompts {
            split: split.to_owned(),
            present: splits(input.matrix),
        });
    }
    let matrix = if split == "all" {
        input.matrix.clone()
    } else {
        input.matrix.filtered(|p| p.split.as_deref() == Some(split))
    };
    let (complete, dropped) =
        analysis::compared(&matrix, options.ungraded).map_err(|source| OperatingPointError::Split {
            split: split.to_owned(),
            source,
        })?;
    let compared: Vec<usize> = complete.prompts.iter().map(|p| kept[*p]).collect();
    Ok(Side {
        split: split.to_owned(),
        routing: input.routing.select(&compared),
        asked: compared.iter().map(|p| input.asked[*p]).collect(),
        matrix,
        complete,
        dropped,
    })
}

/// The splits there are, with their prompts, in the order in which they come.
fn splits(matrix: &Matrix) -> Vec<(String, u64)> {
    let mut found = indexmap::IndexMap::<String, u64>::new();
    for prompt in matrix.prompts() {
        *found.entry(prompt.split.clone().unwrap_or_default()).or_default() += 1;
    }
    found.into_iter().collect()
}

fn goal(options: &Options, routing: &Routing) -> CostGoalReport {
    let (min_quality, min_share_of_strong) = match options.min_quality {
        MinQuality::Mean(quality) => (Some(quality), None),
        MinQuality::ShareOfStrong(share) => (None, Some(share)),
    };
    CostGoalReport {
        name: "min-cost".into(),
        min_quality,
        min_share_of_strong,
        router_usd_per_1k: routing.usd_per_prompt * THOUSAND,
    }
}

/// The router at every threshold, the chosen gap held.
fn swept(side: &Side, choice: &Choice, options: &Options) -> Vec<analysis::SweepRow> {
    let routing = Routing {
        gap: choice.at.gap(),
        ..side.routing.clone()
    };
    analysis::sweep_rows(&side.complete, &routing, options.cost)
}

fn optimism(options: &Options, chose: &Figures, judged: &Figures) -> ChoiceOptimism {
    let cost = |figures: &Figures| match options.cost {
        CostBasis::List => figures.chosen.usd_per_1k,
        CostBasis::Billed => figures.chosen.usd_per_1k_billed,
    };
    let (name, margin) = ("dollars for a thousand prompts", "quality above what is wanted");
    ChoiceOptimism {
        goal: OptimismReport::new(name, false, None, cost(chose), cost(judged)),
        condition: Some(OptimismReport::new(
            margin,
            true,
            Some(0.0),
            chose.margin,
            judged.margin,
        )),
    }
}

fn verdict(
    options: &Options,
    margin: &Estimate,
    test: &CostSplitReport,
    strong: &str,
    in_sample: bool,
) -> CostVerdictReport {
    let verdict = match margin.interval() {
        Some(interval) if interval.lower >= 0.0 => CostVerdict::Met,
        Some(interval) if interval.upper < 0.0 => CostVerdict::Missed,
        _ => CostVerdict::NotShown,
    };
    let wanted = match options.min_quality {
        MinQuality::Mean(_) => format!("the {:.4} that is wanted", test.wanted),
        MinQuality::ShareOfStrong(share) => {
            format!(
                "the {:.4} that is wanted ({} % of {strong})",
                test.wanted,
                rounded(100.0 * share)
            )
        }
    };
    let point = margin.point.unwrap_or_default();
    let interval = margin
        .interval()
        .map_or_else(String::new, |i| format!(" ({:+.4} to {:+.4})", i.lower, i.upper));
    let found = format!(
        "on the {} prompts of split {} the quality is {:.4}, {point:+.4}{interval} against {wanted}",
        test.n,
        test.split,
        test.wanted + point
    );
    let sentence = match verdict {
        CostVerdict::Met => format!("met: {found}"),
        CostVerdict::Missed => format!("missed: {found}"),
        CostVerdict::NotShown if interval.is_empty() => {
            format!("not shown: {found}, and there is no interval to tell by")
        }
        CostVerdict::NotShown => format!("not shown: {found}, and the interval holds 0"),
    };
    CostVerdictReport {
        verdict,
        in_sample,
        margin: *margin,
        sentence: if in_sample {
            format!("{sentence}; the same prompts chose, so this flatters the choice")
        } else {
            sentence
        },
    }
}

/// A percentage without the noise of 100 · x.
fn rounded(percent: f64) -> f64 {
    (percent * 1e6).round() / 1e6
}

fn range((low, high): (f64, f64)) -> Range {
    Range { low, high }
}

fn notes(report: &CostCalibrationReport, choosing: &Matrix, options: &Options) -> Vec<String> {
    let mut notes = Vec::new();
    if report.strong == report.weak {
        notes.push("there is one model only: nothing to route between".into());
    } else if report.dominated {
        notes.push(format!(
            "the strong model is dominated: {} is no better than {} on the calibration prompts and no cheaper",
            report.strong, report.weak
        ));
    }
    for split in [&report.calibration, &report.test] {
        if split.dropped.prompts > 0 && options.ungraded == Ungraded::Drop {
            notes.push(format!(
                "{} of {} prompts of split {} are not compared, for no policy: see dropped; --ungraded wrong counts answers without a score as 0",
                split.dropped.prompts, split.prompts, split.split
            ));
        }
    }
    let moved = report.test.moved;
    if moved > 0 {
        notes.push(format!(
            "{moved} of {} prompts of split {} change sides against the collection: they were asked with the system prompt of the other side",
            report.test.n, report.test.split
        ));
    }
    if choosing.usage_sources().contains_key("estimated") {
        notes.push("token counts are estimated, and so are the costs".into());
    }
    if !report.exact {
        notes.push(
            "there are too many prompts for every point: the thresholds were thinned to evenly spaced ranks".into(),
        );
    }
    notes
}
