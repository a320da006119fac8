//! What must hold of the metrics whatever the rows are.

use proptest::prelude::*;
use routecal::metrics::classification::Confusion;
use routecal::metrics::deployed::Deployed;
use routecal::metrics::detection::Detection;
use routecal::metrics::histogram::{Histogram, Summary};
use routecal::metrics::reliability::{BINS, Isotonic, Platt, Reliability, Temperature, ece};
use routecal::metrics::selective::Selective;

/// Scores on a coarse grid, so that ties are common.
fn scores(n: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-20..=20).prop_map(|i: i32| f64::from(i) / 20.0), n)
}

/// `(score in −1..=1, mark)` rows with ties.
fn rows() -> impl Strategy<Value = Vec<(f64, bool)>> {
    prop::collection::vec(
        ((-20..=20).prop_map(|i: i32| f64::from(i) / 20.0), any::<bool>()),
        1..80,
    )
}

/// `(probability, mark)` rows with ties.
fn probabilities() -> impl Strategy<Value = Vec<(f64, bool)>> {
    prop::collection::vec(((0..=30).prop_map(|i: i32| f64::from(i) / 30.0), any::<bool>()), 1..80)
}

/// A table of `(truth, decision)` over five classes.
fn pairs() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0..5usize, 0..5usize), 0..120)
}

/// The rows and the same rows in another order.
fn shuffled<T: Clone + std::fmt::Debug>(
    rows: impl Strategy<Value = Vec<T>>,
) -> impl Strategy<Value = (Vec<T>, Vec<T>)> {
    rows.prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
}

/// Strictly increasing, and far from linear; exact ties stay ties.
fn bent(score: f64) -> f64 {
    (3.0 * score).exp() - 1.0
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1.0)
}

proptest! {
    #[test]
    fn confusion_counts_sum_to_n((pairs, other) in shuffled(pairs())) {
        let confusion = Confusion::from_pairs(5, pairs.iter().copied());
        prop_assert_eq!(confusion.n(), pairs.len() as u64);
        prop_assert_eq!(confusion.per_class().map(|c| c.support).sum::<u64>(), confusion.n());
        prop_assert_eq!(confusion.per_class().map(|c| c.predicted).sum::<u64>(), confusion.n());
        prop_assert_eq!(&confusion, &Confusion::from_pairs(5, other));
        for value in [confusion.matthews_correlation(), confusion.cohen_kappa()].into_iter().flatten() {
            prop_assert!((-1.0 - 1e-12..=1.0 + 1e-12).contains(&value));
        }
        for average in [confusion.macro_average(), confusion.weighted_average()] {
            for value in [average.precision, average.recall, average.f1].into_iter().flatten() {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&value));
            }
        }
        // Support-weighted recall is accuracy.
        let recall = confusion.weighted_average().recall;
        prop_assert_eq!(recall.is_some(), confusion.n() > 0);
        if let (Some(recall), Some(accuracy)) = (recall, confusion.accuracy().value()) {
            prop_assert!(close(recall, accuracy));
        }
    }

    #[test]
    fn swapping_truth_and_decision_swaps_precision_and_recall(pairs in pairs()) {
        let one = Confusion::from_pairs(5, pairs.iter().copied());
        let two = Confusion::from_pairs(5, pairs.iter().map(|&(truth, decision)| (decision, truth)));
        for (a, b) in one.per_class().zip(two.per_class()) {
            prop_assert_eq!(a.precision, b.recall);
            prop_assert_eq!(a.f1, b.f1);
        }
        prop_assert_eq!(one.matthews_correlation(), two.matthews_correlation());
        prop_assert_eq!(one.cohen_kappa(), two.cohen_kappa());
    }

    #[test]
    fn deployed_counts_are_those_of_the_confusion_matrix(pairs in pairs()) {
        // Class 4 is out-of-domain and fallback.
        let confusion = Confusion::from_pairs(5, pairs.iter().copied());
        let deployed = Deployed::from_confusion(&confusion);
        prop_assert_eq!(deployed.n(), confusion.n());
        prop_assert_eq!(deployed.system_accuracy(), confusion.accuracy());
        let fallback = confusion.class(4);
        prop_assert_eq!(deployed.accepted() + fallback.predicted, confusion.n());
        prop_assert_eq!(deployed.false_accept_rate().complement(), fallback.recall);
        let right = deployed.accepted_right() + deployed.accepted_wrong();
        prop_assert_eq!(right + deployed.false_fallback_rate().k(), deployed.in_domain());
    }

    #[test]
    fn auroc_of_negated_scores_is_the_rest(inside in scores(1..50), outside in scores(1..50)) {
        let detection = Detection::new(inside.iter().copied(), outside.iter().copied());
        let negated = Detection::new(inside.iter().map(|s| -s), outside.iter().map(|s| -s));
        let swapped = Detection::new(outside.iter().copied(), inside.iter().copied());
        let auroc = detection.auroc().unwrap();
        prop_assert!(close(auroc, 1.0 - negated.auroc().unwrap()));
        prop_assert!(close(auroc, 1.0 - swapped.auroc().unwrap()));
        // Turning both the scores and the classes around changes nothing but the name of the positive class.
        let mirror = Detection::new(outside.iter().map(|s| -s), inside.iter().map(|s| -s));
        prop_assert_eq!(detection.average_precision_in(), mirror.average_precision_out());
        let (point, turned) = (detection.fpr_at_tpr(0.95).unwrap(), mirror.fpr_at_tpr_out(0.95).unwrap());
        prop_assert_eq!(point.false_positive, turned.false_positive);
    }

    #[test]
    fn auroc_is_the_share_of_pairs_in_order(inside in scores(1..20), outside in scores(1..20)) {
        let mut wins = 0.0;
        for a in &inside {
            for b in &outside {
                wins += match a.total_cmp(b) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        let pairs = inside.len() * outside.len();
        let auroc = Detection::new(inside, outside).auroc().unwrap();
        prop_assert!(close(auroc * f64::from(u32::try_from(pairs).unwrap()), wins));
    }

    #[test]
    fn the_accepted_share_is_what_was_asked_for(
        inside in scores(1..50), outside in scores(1..50), percent in 1..=100u32,
    ) {
        let tpr = f64::from(percent) / 100.0;
        let detection = Detection::new(inside.iter().copied(), outside.iter().copied());
        let point = detection.fpr_at_tpr(tpr).unwrap();
        prop_assert!(point.true_positive.value().unwrap() >= tpr);
        let accepted = |rows: &[f64]| rows.iter().filter(|&&s| s >= point.threshold).count() as u64;
        prop_assert_eq!(point.true_positive.k(), accepted(&inside));
        prop_assert_eq!(point.false_positive.k(), accepted(&outside));
        // One score higher would not do.
        let above = inside.iter().filter(|&&s| s > point.threshold).count();
        let share = f64::from(u32::try_from(above).unwrap()) / f64::from(u32::try_from(inside.len()).unwrap());
        prop_assert!(share < tpr);
    }

    #[test]
    fn rank_figures_depend_on_the_order_of_scores_alone(inside in scores(1..50), outside in scores(1..50)) {
        let plain = Detection::new(inside.iter().copied(), outside.iter().copied());
        let mapped = Detection::new(inside.iter().copied().map(bent), outside.iter().copied().map(bent));
        prop_assert_eq!(plain.auroc(), mapped.auroc());
        prop_assert_eq!(plain.average_precision_in(), mapped.average_precision_in());
        prop_assert_eq!(plain.average_precision_out(), mapped.average_precision_out());
        let rate = |d: &Detection| d.fpr_at_tpr(0.95).unwrap().false_positive;
        prop_assert_eq!(rate(&plain), rate(&mapped));

        let rows = inside.iter().map(|&s| (s, true)).chain(outside.iter().map(|&s| (s, false)));
        let plain = Selective::new(rows.clone());
        let mapped = Selective::new(rows.map(|(s, wrong)| (bent(s), wrong)));
        prop_assert_eq!(plain.aurc(), mapped.aurc());
        prop_assert_eq!(plain.augrc(), mapped.augrc());
    }

    #[test]
    fn selective_figures_do_not_depend_on_the_order_of_rows((rows, other) in shuffled(rows())) {
        prop_assert_eq!(Selective::new(rows), Selective::new(other));
    }

    #[test]
    fn selective_figures_keep_their_bounds(rows in rows()) {
        let selective = Selective::new(rows.iter().copied());
        let curve = selective.curve();
        prop_assert!(curve.windows(2).all(|w| w[0].threshold > w[1].threshold));
        prop_assert!(curve.windows(2).all(|w| w[0].coverage < w[1].coverage));
        let last = curve.last().unwrap();
        prop_assert_eq!((last.accepted, last.wrong), (selective.n(), selective.wrong()));
        prop_assert!(close(last.coverage, 1.0));
        let risk = last.risk;
        prop_assert!((0.0..=1.0).contains(&selective.aurc().unwrap()));
        prop_assert!(selective.e_aurc().unwrap() >= -1e-12);
        let augrc = selective.augrc().unwrap();
        prop_assert!(augrc >= risk * risk / 2.0 - 1e-12);
        prop_assert!(augrc <= risk - risk * risk / 2.0 + 1e-12);
        // AUGRC is r/2 + r (1 − r) (½ − AUROC of confidence for being right) when turned into ranks.
        let auroc = Detection::new(
            rows.iter().filter(|r| !r.1).map(|r| r.0),
            rows.iter().filter(|r| r.1).map(|r| r.0),
        ).auroc();
        if let Some(auroc) = auroc {
            prop_assert!(close(augrc, risk / 2.0 + risk * (1.0 - risk) * (0.5 - auroc)));
        }
    }

    #[test]
    fn every_row_is_in_one_bin((rows, other) in shuffled(probabilities())) {
        let reliability = Reliability::new(rows.iter().copied());
        prop_assert_eq!(&reliability, &Reliability::new(other));
        for bins in [reliability.equal_width_bins(BINS), reliability.equal_mass_bins(BINS)] {
            prop_assert_eq!(bins.iter().map(|b| b.accuracy.n()).sum::<u64>(), rows.len() as u64);
            let right = rows.iter().filter(|r| r.1).count() as u64;
            prop_assert_eq!(bins.iter().map(|b| b.accuracy.k()).sum::<u64>(), right);
            prop_assert!(bins.len() <= BINS);
            prop_assert!(bins.windows(2).all(|w| w[0].upper <= w[1].lower));
            for bin in &bins {
                if let Some(mean) = bin.mean_confidence {
                    prop_assert!(bin.lower - 1e-12 <= mean && mean <= bin.upper + 1e-12);
                }
            }
            let ece = ece(&bins).unwrap();
            prop_assert!((0.0..=1.0).contains(&ece));
        }
        // One bin's calibration error is the distance of the two means.
        let one = ece(&reliability.equal_width_bins(1)).unwrap();
        prop_assert!(close(one, ece(&reliability.equal_mass_bins(1)).unwrap()));
        prop_assert!(reliability.brier().unwrap() <= 1.0 && reliability.log_loss().unwrap() >= 0.0);
    }

    #[test]
    fn isotonic_output_rises_and_keeps_the_mean((rows, other) in shuffled(rows())) {
        let Ok(isotonic) = Isotonic::fit(rows.iter().copied()) else {
            return Ok(());
        };
        prop_assert_eq!(&isotonic, &Isotonic::fit(other).unwrap());
        prop_assert!(isotonic.points().windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1));
        let at = (-40..=40).map(|i| isotonic.predict(f64::from(i) / 30.0));
        let at: Vec<f64> = at.collect();
        prop_assert!(at.windows(2).all(|w| w[0] <= w[1] + 1e-15));
        prop_assert!(at.iter().all(|p| (0.0..=1.0).contains(p)));
        let fitted: f64 = rows.iter().map(|r| isotonic.predict(r.0)).sum();
        let right: f64 = rows.iter().map(|r| f64::from(u8::from(r.1))).sum();
        prop_assert!(close(fitted, right));
        // The closest non-decreasing function is no worse than any constant, the mean for one.
        let n = f64::from(u32::try_from(rows.len()).unwrap());
        let error = |p: &dyn Fn(f64) -> f64| -> f64 {
            rows.iter().map(|r| (p(r.0) - f64::from(u8::from(r.1))).powi(2)).sum()
        };
        prop_assert!(error(&|s| isotonic.predict(s)) <= error(&|_| right / n) + 1e-12);
    }

    #[test]
    fn platt_always_fits_and_meets_its_targets((rows, other) in shuffled(rows())) {
        let right = rows.iter().filter(|r| r.1).count();
        let fit = Platt::fit(rows.iter().copied());
        prop_assert_eq!(fit.is_ok(), right > 0 && right < rows.len());
        let Ok(platt) = fit else {
            return Ok(());
        };
        prop_assert_eq!(platt, Platt::fit(other).unwrap());
        // Stationary: residuals sum to 0, alone and times the score.
        let k = f64::from(u32::try_from(right).unwrap());
        let n = f64::from(u32::try_from(rows.len()).unwrap());
        let (mut plain, mut scored) = (0.0, 0.0);
        for &(score, right) in &rows {
            let target = if right { (k + 1.0) / (k + 2.0) } else { 1.0 / (n - k + 2.0) };
            plain += platt.predict(score) - target;
            scored += (platt.predict(score) - target) * score;
        }
        prop_assert!(plain.abs() < 1e-10 && scored.abs() < 1e-10);
    }

    #[test]
    fn temperature_is_a_minimum(
        table in prop::collection::vec((scores(4..=4), 0..4usize), 1..40),
    ) {
        let Ok(temperature) = Temperature::fit(table.iter().map(|(s, truth)| (s, *truth))) else {
            return Ok(());
        };
        let loss = |t: f64| -> f64 {
            table.iter().map(|(s, truth)| {
                let best = s.iter().copied().fold(f64::MIN, f64::max);
                s.iter().map(|x| ((x - best) / t).exp()).sum::<f64>().ln() - (s[*truth] - best) / t
            }).sum()
        };
        let t = temperature.t();
        prop_assert!(t > 0.0 && t.is_finite());
        prop_assert!(loss(t) <= loss(t * 1.01) + 1e-12 && loss(t) <= loss(t / 1.01) + 1e-12);
    }

    #[test]
    fn histograms_lose_nothing((values, other) in shuffled(scores(1..60)), bins in 1..40usize) {
        let histogram = Histogram::new(-0.5, 0.75, bins, values.iter().copied());
        prop_assert_eq!(histogram.n(), values.len() as u64);
        prop_assert_eq!(histogram.below(), values.iter().filter(|&&v| v < -0.5).count() as u64);
        prop_assert_eq!(histogram.above(), values.iter().filter(|&&v| v > 0.75).count() as u64);
        let summary = Summary::new(values);
        prop_assert_eq!(&summary, &Summary::new(other));
        let quantiles: Vec<f64> = (0..=20).map(|i| summary.quantile(f64::from(i) / 20.0).unwrap()).collect();
        prop_assert!(quantiles.windows(2).all(|w| w[0] <= w[1] + 1e-15));
        prop_assert!(close(quantiles[0], summary.min().unwrap()) && close(quantiles[20], summary.max().unwrap()));
    }
}
