//! `routecal check` measured: pairs of made-up routers whose difference is known, and how often each verdict comes.
//!
//! The ordinary tests are a small run. The table in docs/check.md is made by
//! `cargo test --release --test it check_power -- --ignored --nocapture`.

use rayon::prelude::*;
use routecal::check::{
    Comparison, Direction, Hits, Metric, Outcome, Reason, Settings, Terms, Verdict, compare, detectable, judge,
};
use routecal::stats::bootstrap::Design;
use routecal::stats::multiple::holm;
use routecal::stats::{Purpose, Stream, stream};

const MARGIN: f64 = 0.02;
/// Share of prompts that flip, half for the better, where the routers are equally good.
const CHURN: f64 = 0.05;

/// How large a run is.
#[derive(Clone, Copy)]
struct Size {
    trials: u64,
    resamples: u32,
}

/// How often each verdict came.
#[derive(Debug, Default, Clone, Copy)]
struct Shares {
    pass: f64,
    regressed: f64,
}

fn share(verdicts: &[Verdict]) -> Shares {
    let of = |wanted: Verdict| {
        let count = verdicts.iter().filter(|v| **v == wanted).count();
        f64::from(u32::try_from(count).expect("few trials"))
            / f64::from(u32::try_from(verdicts.len()).expect("few trials"))
    };
    Shares {
        pass: of(Verdict::Pass),
        regressed: of(Verdict::Regressed),
    }
}

/// Rows right before and after; the candidate's accuracy is lower by `drop` in truth.
fn accuracy(n: usize, drop: f64, random: &mut Stream) -> Vec<Hits> {
    let lost = f64::midpoint(CHURN.max(drop), drop);
    let won = CHURN.max(drop) - lost;
    (0..n)
        .map(|_| match random.unit() {
            u if u < lost => (Some(true), Some(false)),
            u if u < lost + won => (Some(false), Some(true)),
            u => (Some(u < 0.8), Some(u < 0.8)),
        })
        .collect()
}

/// Accepted rows right before and after; the candidate's selective accuracy is lower by `drop` in truth.
fn selective(n: usize, drop: f64, random: &mut Stream) -> Vec<Hits> {
    let (coverage, accuracy) = (0.7, 0.9);
    let lost = f64::midpoint(CHURN.max(drop), drop) / accuracy;
    let won = (CHURN.max(drop) - drop) / 2.0 / (1.0 - accuracy);
    (0..n)
        .map(|_| {
            let was = (random.unit() < coverage).then(|| random.unit() < accuracy);
            let now = match was {
                // One accepted row in twenty falls back now; of those that stay, some turn.
                Some(right) if random.unit() >= CHURN => {
                    Some(right != (random.unit() < if right { lost } else { won }))
                }
                Some(_) => None,
                // As many come in, as often right as the others.
                None => (random.unit() < CHURN * coverage / (1.0 - coverage)).then(|| random.unit() < accuracy - drop),
            };
            (was, now)
        })
        .collect()
}

type Model = fn(usize, f64, &mut Stream) -> Vec<Hits>;

/// One gate on `n` prompts, many times.
fn simulate(model: Model, n: usize, drop: f64, size: Size) -> Shares {
    let verdicts: Vec<Verdict> = (0..size.trials)
        .into_par_iter()
        .map(|trial| {
            let hits = model(n, drop, &mut stream(trial, Purpose::Simulation, n as u64));
            let settings = Settings {
                resamples: size.resamples,
                seed: trial,
                ..Settings::default()
            };
            let found = &compare(&Design::simple(n), &[(Direction::HigherIsBetter, hits)], &settings)[0];
            let terms = Terms {
                margin: MARGIN,
                alpha: settings.alpha,
                gates: 1,
                p_adjusted: found.p,
            };
            judge(found, &terms).verdict
        })
        .collect();
    share(&verdicts)
}

/// A made-up router's outcome for a prompt of `label`: one of four routes, accepted in three cases of four.
fn outcome(label: &str, random: &mut Stream) -> Outcome {
    const ROUTES: [&str; 4] = ["a", "b", "c", "d"];
    let right = label != "none" && random.unit() < 0.8;
    let best = if right { label } else { ROUTES[random.below(4) as usize] };
    let accepted = random.unit() < if label == "none" { 0.3 } else { 0.8 };
    Outcome {
        best: best.to_owned(),
        score: 0.5,
        gap: None,
        reason: if accepted { Reason::Accepted } else { Reason::LowScore },
    }
}

/// Nine gates at once on two routers that are equally good: how often any of them says "regressed".
fn any_false_alarm(n: usize, size: Size) -> f64 {
    let metrics = [
        Metric::SystemAccuracy,
        Metric::ForcedChoiceAccuracy,
        Metric::Coverage,
        Metric::SelectiveAccuracy,
        Metric::FalseAcceptRate,
        Metric::Recall("a".into()),
        Metric::Recall("b".into()),
        Metric::Recall("c".into()),
        Metric::Recall("d".into()),
    ];
    let verdicts: Vec<Verdict> = (0..size.trials)
        .into_par_iter()
        .map(|trial| {
            let mut random = stream(trial, Purpose::Simulation, n as u64);
            let rows: Vec<(&str, Outcome, Outcome)> = (0..n)
                .map(|i| {
                    let label = ["a", "b", "c", "d", "none"][i % 5];
                    let before = outcome(label, &mut random);
                    // A tenth of the decisions is thrown again: exchangeable, so there is no difference in truth.
                    let again = random.unit() < 0.1;
                    let after = if again {
                        outcome(label, &mut random)
                    } else {
                        before.clone()
                    };
                    (label, before, after)
                })
                .collect();
            let design = Design::new(rows.iter().enumerate().map(|(i, _)| (i % 5, i)));
            let figures: Vec<(Direction, Vec<Hits>)> = (metrics.iter())
                .map(|m| {
                    (
                        m.direction(),
                        rows.iter().map(|(l, b, a)| (m.hit(l, b), m.hit(l, a))).collect(),
                    )
                })
                .collect();
            let settings = Settings {
                resamples: size.resamples,
                seed: trial,
                ..Settings::default()
            };
            let found = compare(&design, &figures, &settings);
            let two_sided = |c: &&Comparison| c.direction() == Direction::TwoSided;
            let p: Vec<f64> = found.iter().filter(|c| !two_sided(c)).map(|c| c.p).collect();
            let mut adjusted = holm(&p).into_iter();
            let of = |c: &Comparison| {
                let terms = Terms {
                    margin: MARGIN,
                    alpha: settings.alpha,
                    gates: found.len(),
                    p_adjusted: if two_sided(&c) {
                        1.0
                    } else {
                        adjusted.next().unwrap_or(1.0)
                    },
                };
                judge(c, &terms).verdict
            };
            found.iter().map(of).max().unwrap_or(Verdict::Pass)
        })
        .collect();
    share(&verdicts).regressed
}

/// Three standard errors above a true share of `share`.
fn at_most(share: f64, size: Size) -> f64 {
    let trials = f64::from(u32::try_from(size.trials).expect("few trials"));
    share + 3.0 * (share * (1.0 - share) / trials).sqrt()
}

/// What was measured for one number of prompts.
struct Row {
    n: usize,
    equal: Shares,
    at_margin: Shares,
    drop: f64,
    found: Shares,
    selective_equal: Shares,
    selective_at_margin: Shares,
    nine_gates: f64,
}

impl Row {
    fn measure(n: usize, size: Size) -> Self {
        let terms = Terms {
            margin: MARGIN,
            alpha: 0.05,
            gates: 1,
            p_adjusted: 1.0,
        };
        let drop =
            detectable(n as u64, CHURN, Direction::HigherIsBetter, &terms).expect("50 prompts show a large drop");
        Self {
            n,
            equal: simulate(accuracy, n, 0.0, size),
            at_margin: simulate(accuracy, n, MARGIN, size),
            drop,
            found: simulate(accuracy, n, drop, size),
            selective_equal: simulate(selective, n, 0.0, size),
            selective_at_margin: simulate(selective, n, MARGIN, size),
            nine_gates: any_false_alarm(n, size),
        }
    }

    /// What is promised and not kept.
    fn broken(&self, size: Size) -> Vec<String> {
        let n = self.n;
        let promises = [
            ("false alarms", self.equal.regressed),
            ("false passes", self.at_margin.pass),
            ("selective false alarms", self.selective_equal.regressed),
            ("selective false passes", self.selective_at_margin.pass),
            ("any false alarm of nine gates", self.nine_gates),
        ];
        let mut broken: Vec<String> = (promises.iter())
            .filter(|(_, share)| *share > at_most(0.05, size))
            .map(|(what, share)| format!("n {n}: {what} {share}"))
            .collect();
        // 80 % at the printed drop; the bootstrap takes a little of it.
        let slack = at_most(0.8, size) - 0.8 + 0.02;
        if (self.found.regressed - 0.8).abs() > slack {
            broken.push(format!(
                "n {n}: a drop of {} found in {}",
                self.drop, self.found.regressed
            ));
        }
        broken
    }

    fn line(&self) -> String {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        format!(
            "| {} | {} | {} | {} | {:.1} points | {} | {} | {} | {} |",
            self.n,
            percent(self.equal.regressed),
            percent(self.at_margin.pass),
            percent(self.equal.pass),
            100.0 * self.drop,
            percent(self.found.regressed),
            percent(self.selective_equal.regressed),
            percent(self.selective_at_margin.pass),
            percent(self.nine_gates),
        )
    }
}

#[test]
#[ignore = "the table of docs/check.md: a minute or two in a release build"]
fn the_table() {
    let size = Size {
        trials: 500,
        resamples: 200,
    };
    println!(
        "| n | false alarms | false passes | passes | drop | found | selective: false alarms | selective: false passes \
         | nine gates: any false alarm |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    );
    let mut broken = Vec::new();
    for n in [50, 100, 200, 500, 1000, 2000, 5000] {
        let row = Row::measure(n, size);
        println!("{}", row.line());
        broken.extend(row.broken(size));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Most of half a second and more: `cargo test --test it -- --ignored slow::`.
mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_small_run_keeps_its_promises() {
        let size = Size {
            trials: 120,
            resamples: 150,
        };
        for n in [50, 300] {
            let broken = Row::measure(n, size).broken(size);
            assert!(broken.is_empty(), "{}", broken.join("\n"));
        }
    }
}
