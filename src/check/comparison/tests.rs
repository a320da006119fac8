use super::*;

const TERMS: Terms = Terms {
    margin: 0.02,
    alpha: 0.05,
    gates: 1,
    p_adjusted: 1.0,
};

fn hits(rows: &[(u8, u8, usize)]) -> Vec<Hits> {
    let side = |s: u8| match s {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
    rows.iter()
        .flat_map(|(a, b, n)| std::iter::repeat_n((side(*a), side(*b)), *n))
        .collect()
}

fn one(direction: Direction, rows: &[(u8, u8, usize)]) -> Comparison {
    let hits = hits(rows);
    let design = Design::simple(hits.len());
    compare(&design, &[(direction, hits)], &Settings::default()).remove(0)
}

#[test]
fn rows_that_do_not_change_still_leave_doubt() {
    let same = one(Direction::HigherIsBetter, &[(1, 1, 30), (0, 0, 20)]);
    let interval = same.interval(0.05).unwrap();
    // z²/(n + z²), z = 1.645.
    assert!((interval.lower + 2.7055 / 52.7055).abs() < 1e-3, "{interval:?}");
    assert!((same.p - 1.0).abs() < f64::EPSILON);
    let selective = one(Direction::HigherIsBetter, &[(1, 1, 30), (0, 0, 10), (2, 2, 10)]);
    let interval = selective.interval(0.05).unwrap();
    assert!(interval.lower < -0.06 && interval.upper > 0.06, "{interval:?}");
}

#[test]
fn a_rate_that_should_be_low_regresses_upwards() {
    let up = one(
        Direction::LowerIsBetter,
        &[(0, 1, 12), (0, 0, 40), (1, 1, 8), (1, 0, 1)],
    );
    assert!(up.p < 0.01 && up.interval(0.05).unwrap().lower > 0.0);
    let down = one(Direction::LowerIsBetter, &[(1, 0, 12), (0, 0, 40)]);
    assert!(down.p > 0.99);
}

#[test]
fn selective_accuracy_divides_by_what_each_accepts() {
    // Before: 40 accepted, 30 right. After: 10 of the wrong ones go to fallback.
    let found = one(Direction::HigherIsBetter, &[(1, 1, 30), (0, 2, 10)]);
    assert_eq!((found.before, found.after), (Rate::new(30, 40), Rate::new(30, 30)));
    assert!(found.p > 0.9 && found.interval(0.05).unwrap().lower > 0.0);
    let worse = one(Direction::HigherIsBetter, &[(1, 1, 60), (1, 2, 20), (2, 0, 20)]);
    assert!(worse.p < 0.01 && worse.interval(0.05).unwrap().upper < 0.0);
    assert!(worse.detectable(&TERMS).is_some());
}

#[test]
fn nothing_under_a_figure_is_no_difference() {
    let none = one(Direction::LowerIsBetter, &[(2, 2, 10)]);
    assert_eq!((none.n, none.difference(), none.interval(0.05)), (0, None, None));
    assert_eq!(none.detectable(&TERMS), None);
}

#[test]
fn threads_change_nothing() {
    let rows = hits(&[(1, 0, 5), (0, 1, 3), (1, 1, 50), (0, 2, 10)]);
    let design = Design::simple(rows.len());
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            compare(
                &design,
                &[(Direction::HigherIsBetter, rows.clone())],
                &Settings::default(),
            )
        })
    };
    assert_eq!(run(1), run(5));
}
