//! What must hold of a certificate whatever the rows are. That its promise is kept is shown by simulation, in `tests/it`.

use proptest::prelude::*;

use super::*;
use crate::calibrate::{distinct, tally};

fn any_row() -> impl Strategy<Value = SweepRow> {
    // Coarse numbers make ties common.
    (0..40_i32, 0..9_i32, 0..2_usize, 0..8_usize).prop_map(|(score, gap, route, kind)| SweepRow {
        score: f64::from(score) / 40.0,
        gap: if gap == 8 { f64::INFINITY } else { f64::from(gap) / 20.0 },
        route,
        kind: match kind {
            0 => Kind::Wrong(1 - route),
            1 => Kind::OutOfDomain,
            // High scores are right more often.
            _ if score < kind_limit(kind) => Kind::OutOfDomain,
            _ => Kind::Right,
        },
    })
}

fn kind_limit(kind: usize) -> i32 {
    [0, 0, 20, 15, 10, 5, 0, 0][kind]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_certificate_is_what_the_testing_rows_say(
        rows in proptest::collection::vec(any_row(), 0..400),
        alpha in 0.02_f64..0.6,
        confidence in 0.5_f64..0.99,
    ) {
        let limit = RiskLimit::new(alpha, confidence).unwrap();
        let found = certify(&rows, 2, limit);
        prop_assert_eq!(found.learning + found.testing, rows.len() as u64);
        let testing = &rows[usize::try_from(found.learning).unwrap()..];
        for candidate in &found.tested {
            let counted = tally(testing, &[candidate.at; 2]);
            prop_assert_eq!(counted.accepted(), candidate.accepted);
            prop_assert_eq!(counted.accepted() - counted.right, candidate.wrong);
        }
        // Tested in order up to the first failure, which is the last.
        for (i, candidate) in found.tested.iter().enumerate() {
            prop_assert_eq!(i < found.certified, candidate.p_value <= limit.delta());
        }
        prop_assert!(found.tested.len() <= found.certified + 1);
        prop_assert_eq!(found.chosen.is_some(), found.certified > 0);
        if let Some((chosen, accepted)) = found.chosen {
            prop_assert!(chosen.p_value <= limit.delta());
            prop_assert!(chosen.accepted > 0);
            let upper = crate::stats::proportion::upper_bound(chosen.wrong, chosen.accepted, limit.delta());
            prop_assert!(upper.unwrap() <= alpha + 1e-12);
            // None of the certified accepts more.
            for other in &found.tested[..found.certified] {
                prop_assert!(tally(&rows, &[other.at; 2]).accepted() <= accepted);
            }
            prop_assert_eq!(found.accepted_needed(limit), None);
        } else if let (Some(nearest), Some(needed)) = (found.nearest, found.accepted_needed(limit)) {
            prop_assert!(needed > nearest.accepted || nearest.accepted == 0, "{:?} {}", nearest, needed);
        }
    }

    #[test]
    fn where_everything_is_wrong_nothing_is_certified(mut rows in proptest::collection::vec(any_row(), 0..300)) {
        for row in &mut rows {
            row.kind = Kind::OutOfDomain;
        }
        let limit = RiskLimit::new(0.3, 0.9).unwrap();
        let found = certify(&rows, 2, limit);
        prop_assert_eq!(found.chosen, None);
        if let Some(controlled) = control(&rows, 0.0, 0.3) {
            prop_assert_eq!(controlled.wrong, controlled.accepted);
            prop_assert!(controlled.corrected_risk() <= 0.3);
        }
    }

    #[test]
    fn the_order_of_the_rows_changes_nothing(
        (rows, other) in proptest::collection::vec((0..150_u32, any_row()), 0..300)
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        seed in 0..5_u64,
    ) {
        let outcome = |rows: &[(u32, SweepRow)]| {
            let prompts: Vec<String> = rows.iter().map(|(id, _)| format!("prompt {id}")).collect();
            let prompts: Vec<&str> = prompts.iter().map(String::as_str).collect();
            let rows: Vec<SweepRow> = rows.iter().map(|(_, row)| *row).collect();
            let own = distinct(seed, &prompts, &rows);
            let limit = RiskLimit::new(0.3, 0.9).unwrap();
            (certify(&own.rows, 2, limit), control_split(&own.rows, 0.1), own.copies)
        };
        prop_assert_eq!(outcome(&rows), outcome(&other));
    }

    #[test]
    fn the_joint_risk_is_as_large_as_allowed(rows in proptest::collection::vec(any_row(), 1..200), alpha in 0.01_f64..0.5) {
        let n = rows.len() as u64;
        let risk = |at: Thresholds| {
            let counted = tally(&rows, &[at; 2]);
            f64_from_u64(counted.accepted() - counted.right + 1) / f64_from_u64(n + 1)
        };
        let mut scores: Vec<f64> = rows.iter().map(|r| r.score).collect();
        scores.sort_by(f64::total_cmp);
        for gap in [0.0, 0.1] {
            // By brute force: the lowest score as threshold at which the rule holds.
            let lowest = scores.iter().copied().find(|t| risk(Thresholds::new(*t, gap).unwrap()) <= alpha);
            let found = control(&rows, gap, alpha);
            match (found, lowest) {
                (Some(found), Some(lowest)) => {
                    let expected = tally(&rows, &[Thresholds::new(lowest, gap).unwrap(); 2]);
                    prop_assert_eq!(found.accepted, expected.accepted());
                    prop_assert_eq!(tally(&rows, &[found.at; 2]), expected);
                    prop_assert!(found.corrected_risk() <= alpha);
                }
                (found, lowest) => {
                    let accepted = lowest.map_or(0, |t| tally(&rows, &[Thresholds::new(t, gap).unwrap(); 2]).accepted());
                    prop_assert_eq!((found.is_none(), accepted), (true, 0));
                }
            }
        }
    }
}

#[test]
fn numbers_out_of_range_are_named() {
    for bad in [0.0, 1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
        let error = RiskLimit::new(bad, 0.95).unwrap_err().to_string();
        assert!(error.starts_with("--max-risk"), "{error}");
        let error = RiskLimit::new(0.05, bad).unwrap_err().to_string();
        assert!(error.starts_with("--confidence"), "{error}");
    }
}
