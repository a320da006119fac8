//! How often `monitor` answers what, on made-up scores: the table of docs/monitor.md.
//!
//! `cargo test --release --test it monitor_power -- --ignored --nocapture` prints it.

use routecal::monitor::{Known, Limits, Seen, Settings, compare};
use routecal::report::MonitorVerdict;
use routecal::stats::{Purpose, Stream, normal, stream};

const TRIALS: u64 = 200;

/// Stable, too few, shifted of so many trials: 600 calibration rows with normal scores, a log of `n` whose scores are moved by
/// `shift` standard deviations; gaps are not.
fn answers(shift: f64, n: usize, trials: u64) -> [u64; 3] {
    let seen = |random: &mut Stream, by: f64, copy: usize| {
        let mut draw = || normal::quantile(random.unit().max(1e-12));
        Seen {
            best: 0,
            score: draw() + by,
            gap: draw(),
            accepted: true,
            copy,
        }
    };
    let limits = Limits {
        max_psi: 0.2,
        max_fallback_share: None,
        min_expected_accuracy: None,
    };
    let mut counts = [0; 3];
    for trial in 0..trials {
        let mut random = stream(trial, Purpose::Simulation, 0);
        let calibration: Vec<Known> = (0..600)
            .map(|i| Known {
                seen: seen(&mut random, 0.0, i),
                right: true,
            })
            .collect();
        let log: Vec<Seen> = (0..n).map(|i| seen(&mut random, shift, i)).collect();
        let settings = Settings {
            alpha: 0.05,
            resamples: 400,
            seed: trial,
        };
        let names = ["a".to_owned()];
        let place = match compare(&calibration, &log, &names, false, &settings, &limits, &|| ()).verdict {
            MonitorVerdict::Stable => 0,
            MonitorVerdict::TooFew => 1,
            MonitorVerdict::Shifted => 2,
        };
        counts[place] += 1;
    }
    counts
}

#[test]
#[ignore = "minutes; prints a table"]
fn table() {
    for shift in [0.0, 0.3, 0.6, 1.0] {
        for n in [20, 100, 300, 1000] {
            let [stable, few, shifted] = answers(shift, n, TRIALS);
            println!("shift {shift}, n {n}: stable {stable}, too few {few}, shifted {shifted} of {TRIALS}");
        }
    }
}

mod slow {
    use super::*;

    /// An unshifted log is never called shifted here, a long one is called stable and a moved one shifted.
    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn answers_are_right_where_they_are_given() {
        let [_, _, shifted] = answers(0.0, 30, 20);
        assert_eq!(shifted, 0);
        let [stable, _, shifted] = answers(0.0, 800, 10);
        assert!(stable >= 8 && shifted == 0, "{stable} stable, {shifted} shifted of 10");
        let [stable, _, shifted] = answers(1.0, 400, 10);
        assert!(shifted >= 8 && stable == 0, "{stable} stable, {shifted} shifted of 10");
    }
}
