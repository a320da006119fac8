//! Contenders, each an encoder with a scoring rule, on the same prompts: with paired tests against the first.

use crate::calibrate::{CalibrateError, Goal, Kind, SweepRow, Tally, choose, tally};
use crate::encode::EncoderIdentity;
use crate::evaluation::with_intervals;
use crate::metrics::detection::Detection;
use crate::metrics::{Ranking, Rate};
use crate::num::f64_from_u64;
use crate::report::{AgainstFirst, ContenderReport, Estimate, INTERVAL_LEVEL};
use crate::routes::Thresholds;
use crate::stats::bootstrap::{Design, Settings};
use crate::stats::multiple::holm;
use crate::stats::paired::Paired;

/// An encoder with a scoring rule, and what it makes of the prompts.
#[derive(Debug, Clone)]
pub struct Contender {
    /// The encoder.
    pub encoder: EncoderIdentity,
    /// Name of the scoring rule.
    pub scoring: String,
    /// The rows that choose its thresholds.
    pub calibration: Vec<SweepRow>,
    /// The rows that judge, in the same order for all.
    pub test: Vec<SweepRow>,
    /// Prompts embedded a second, where that was measured.
    pub prompts_per_second: Option<f64>,
}

/// One contender, prepared to be counted under any weights.
struct Prepared {
    chosen: Option<Thresholds>,
    accepted: Vec<bool>,
    ranking: Ranking,
}

/// Compares contenders over `routes` routes. Each gets the thresholds with the most coverage whose selective risk on its
/// calibration rows is at most `risk`; everything else is counted on the test rows, resampled as `design` says.
/// O(contenders × (calibration² + resamples × test)).
///
/// # Errors
/// [`CalibrateError::Range`] for a risk that is none.
///
/// # Panics
/// If contenders have different numbers of test rows.
pub fn compare(
    contenders: &[Contender],
    routes: usize,
    risk: f64,
    (design, settings): (&Design, &Settings),
    done: &(dyn Fn() + Sync),
) -> Result<Vec<ContenderReport>, CalibrateError> {
    let goal = Goal::MaxCoverage { risk }.check()?;
    let prepared: Vec<Prepared> = contenders
        .iter()
        .map(|contender| prepare(contender, routes, &goal))
        .collect::<Result<_, _>>()?;
    let Some(first) = contenders.first() else {
        return Ok(Vec::new());
    };
    let pairs: Vec<Paired> = contenders
        .iter()
        .map(|contender| {
            assert_eq!(contender.test.len(), first.test.len(), "other test rows");
            let both = first.test.iter().zip(&contender.test);
            let in_domain = both.filter(|(row, _)| row.kind != Kind::OutOfDomain);
            Paired::of(in_domain.map(|(a, b)| (a.kind == Kind::Right, b.kind == Kind::Right)))
        })
        .collect();
    let p_values: Vec<f64> = pairs[1..].iter().map(|pair| pair.mcnemar()).collect();
    let adjusted = holm(&p_values);
    Ok(with_intervals(design, settings, done, |weights| {
        let figures: Vec<(Option<f64>, Option<f64>)> = prepared
            .iter()
            .map(|p| (Detection::ranked(&p.ranking, weights).auroc(), p.coverage(weights)))
            .collect();
        (0..contenders.len())
            .map(|i| {
                let versus =
                    (i > 0).then(|| versus(pairs[i], (p_values[i - 1], adjusted[i - 1]), figures[i], figures[0]));
                report(&contenders[i], &prepared[i], routes, figures[i].0, versus)
            })
            .collect::<Vec<ContenderReport>>()
    }))
}

fn prepare(contender: &Contender, routes: usize, goal: &Goal) -> Result<Prepared, CalibrateError> {
    let chosen = match choose(&contender.calibration, routes, goal) {
        Ok(choice) => Some(choice.thresholds[0]),
        Err(CalibrateError::Unreachable { .. }) => None,
        Err(error) => return Err(error),
    };
    let rows = contender.test.iter();
    Ok(Prepared {
        chosen,
        accepted: rows
            .clone()
            .map(|row| chosen.is_some_and(|at| at.accept(row.score, row.gap)))
            .collect(),
        ranking: Ranking::new(
            rows.enumerate()
                .map(|(i, row)| (i, row.score, row.kind != Kind::OutOfDomain)),
        ),
    })
}

impl Prepared {
    fn coverage(&self, weights: Option<&[u32]>) -> Option<f64> {
        let weight = |i: usize| weights.map_or(1, |w| u64::from(w[i]));
        let (mut accepted, mut all) = (0, 0);
        for (i, taken) in self.accepted.iter().enumerate() {
            all += weight(i);
            accepted += if *taken { weight(i) } else { 0 };
        }
        (all > 0).then(|| f64_from_u64(accepted) / f64_from_u64(all))
    }
}

fn report(
    contender: &Contender,
    prepared: &Prepared,
    routes: usize,
    auroc: Option<f64>,
    versus_first: Option<AgainstFirst>,
) -> ContenderReport {
    let rows = &contender.test;
    let in_domain = rows.iter().filter(|row| row.kind != Kind::OutOfDomain);
    let n = rows.len() as u64;
    let counts = match prepared.chosen {
        Some(at) => tally(rows, &vec![at; routes]),
        None => Tally::empty(routes),
    };
    ContenderReport {
        encoder: contender.encoder.clone(),
        scoring: contender.scoring.clone(),
        forced_choice_accuracy: Rate::of(in_domain.map(|row| row.kind == Kind::Right)).into(),
        auroc: Estimate::new(auroc, n),
        chosen: prepared.chosen,
        coverage: Rate::new(counts.accepted(), n).into(),
        selective_risk: Rate::new(counts.wrong + counts.out_of_domain, counts.accepted()).into(),
        prompts_per_second: contender.prompts_per_second,
        versus_first,
    }
}

fn versus(
    pair: Paired,
    (p, adjusted_p): (f64, f64),
    own: (Option<f64>, Option<f64>),
    first: (Option<f64>, Option<f64>),
) -> AgainstFirst {
    let minus = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a - b);
    AgainstFirst {
        lost: pair.lost(),
        won: pair.won(),
        forced_choice_accuracy: Estimate::new(pair.difference(), pair.n()).within(pair.score_interval(INTERVAL_LEVEL)),
        mcnemar_p: p,
        adjusted_p,
        auroc: Estimate::new(minus(own.0, first.0), pair.n()),
        coverage: Estimate::new(minus(own.1, first.1), pair.n()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(score: f64, kind: Kind) -> SweepRow {
        SweepRow {
            score,
            gap: 0.1,
            route: 0,
            kind,
        }
    }

    fn contender(name: &str, rows: Vec<SweepRow>) -> Contender {
        Contender {
            encoder: EncoderIdentity {
                model: name.into(),
                precision: "fp32".into(),
                weights_sha256: None,
                tokenizer_sha256: None,
                max_length: None,
                pooling: "mean".into(),
                dimension: None,
                endpoint: None,
            },
            scoring: "centroid".into(),
            calibration: rows.clone(),
            test: rows,
            prompts_per_second: None,
        }
    }

    #[test]
    fn contenders_are_paired_with_the_first() {
        let good: Vec<SweepRow> = (0..40_u8)
            .map(|i| {
                let kind = if i < 30 { Kind::Right } else { Kind::OutOfDomain };
                row(1.0 - f64::from(i) / 100.0, kind)
            })
            .collect();
        let mut worse = good.clone();
        for row in &mut worse[..10] {
            row.kind = Kind::Wrong(1);
        }
        let contenders = [contender("a", good), contender("b", worse)];
        let design = Design::simple(40);
        let settings = Settings {
            resamples: 200,
            ..Settings::default()
        };
        let found = compare(&contenders, 2, 0.05, (&design, &settings), &|| ()).unwrap();
        assert!(found[0].versus_first.is_none());
        assert_eq!(found[0].auroc.point, Some(1.0));
        assert_eq!(
            found[0].coverage.point,
            Some(0.775),
            "one out-of-domain prompt in 31 is within the risk"
        );
        let versus = found[1].versus_first.as_ref().unwrap();
        assert_eq!((versus.lost, versus.won), (10, 0));
        assert!((versus.mcnemar_p - 2.0 * 0.5_f64.powi(10)).abs() < 1e-12);
        assert!(
            (versus.adjusted_p - versus.mcnemar_p).abs() < 1e-15,
            "one comparison needs no adjustment"
        );
        // The ten most confident ones are wrong: no thresholds keep the risk.
        assert_eq!((found[1].chosen, found[1].coverage.point), (None, Some(0.0)));
        assert_eq!(versus.coverage.point, Some(-0.775));
        assert!(versus.coverage.lower.unwrap() < -0.6);
    }
}
