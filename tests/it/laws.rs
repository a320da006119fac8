//! Laws that hold whatever the numbers: of decisions, of the sweep, and of files that are written and read again.

use std::path::Path;

use proptest::prelude::*;
use routecal::calibrate::{Goal, choose, rows, tally};
use routecal::check::Gates;
use routecal::dataset::{Dataset, Format, PublishedRow, ReadOptions, Truth, published_csv};
use routecal::encode::{Encoder as _, HashingEncoder, Quiet, embed};
use routecal::router::{Centroids, RouterArtefact, ScoreTable, decide};
use routecal::routes::{Routes, Thresholds};

const ROUTES: usize = 3;

/// Cosines of so many prompts with three routes, some of them equal, and the prompts' labels.
fn scored() -> impl Strategy<Value = (ScoreTable, Vec<Truth>)> {
    let cosine = (-20_i32..=20).prop_map(|step| f64::from(step) / 20.0);
    let row = (prop::collection::vec(cosine, ROUTES), 0..=ROUTES);
    prop::collection::vec(row, 1..60).prop_map(|all| {
        let truth = |label: usize| {
            if label == ROUTES {
                Truth::OutOfDomain
            } else {
                Truth::Route(label)
            }
        };
        let truths = all.iter().map(|(_, label)| truth(*label)).collect();
        let scores = all.into_iter().flat_map(|(cosines, _)| cosines).collect();
        (ScoreTable::from_scores(scores, ROUTES), truths)
    })
}

fn at(threshold: f64, gap: f64) -> Thresholds {
    Thresholds::new(threshold, gap).expect("thresholds")
}

fn accepted(scores: &ScoreTable, thresholds: Thresholds) -> usize {
    let by_route = [thresholds; ROUTES];
    scores
        .rows()
        .iter()
        .filter(|row| decide(row, &by_route).route().is_some())
        .count()
}

proptest! {
    #[test]
    fn every_prompt_is_accepted_or_sent_to_the_fallback((scores, truths) in scored(), t in -1.0..=1.0_f64, g in 0.0..=2.0_f64) {
        let rows = rows(&scores, &truths);
        let counts = tally(&rows, &[at(t, g); ROUTES]);
        let accepted = accepted(&scores, at(t, g)) as u64;
        prop_assert_eq!(counts.right + counts.wrong + counts.out_of_domain, accepted);
        prop_assert_eq!(counts.by_route.iter().sum::<u64>(), accepted);
        let fallback = scores.rows().iter().filter(|row| row.score < t || row.gap < g).count() as u64;
        prop_assert_eq!(accepted + fallback, truths.len() as u64);
    }

    #[test]
    fn coverage_never_rises_with_either_threshold(
        (scores, _) in scored(), t in -1.0..=1.0_f64, g in 0.0..=2.0_f64, more in 0.0..1.0_f64,
    ) {
        let before = accepted(&scores, at(t, g));
        prop_assert!(accepted(&scores, at((t + more).min(1.0), g)) <= before);
        prop_assert!(accepted(&scores, at(t, (g + more).min(2.0))) <= before);
        prop_assert_eq!(accepted(&scores, Thresholds::ACCEPT_ALL), scores.len());
    }

    #[test]
    fn the_choice_does_not_depend_on_the_order_of_rows((scores, truths) in scored(), seed in any::<u64>()) {
        let own = rows(&scores, &truths);
        let mut other: Vec<_> = own.iter().enumerate().collect();
        other.sort_by_key(|(i, _)| (*i as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let other: Vec<_> = other.into_iter().map(|(_, row)| *row).collect();
        for goal in [Goal::MaxSystemAccuracy, Goal::MaxCoverage { risk: 0.3 }, Goal::MinRisk { coverage: 0.2 }] {
            match (choose(&own, ROUTES, &goal), choose(&other, ROUTES, &goal)) {
                (Ok(a), Ok(b)) => prop_assert_eq!(a, b),
                (Err(a), Err(b)) => prop_assert_eq!(a.to_string(), b.to_string()),
                (a, b) => prop_assert!(false, "{a:?} and {b:?}"),
            }
        }
    }

    #[test]
    fn a_router_file_comes_back_bit_for_bit(
        examples in prop::collection::vec(prop::collection::vec("[a-z]{1,8} [a-z]{1,8}", 1..4), 1..4), t in -1.0..=1.0_f64,
    ) {
        let shape: serde_json::Map<_, _> = examples
            .iter()
            .enumerate()
            .map(|(i, texts)| (format!("r{i}"), serde_json::json!({ "model": "m", "examples": texts.iter().map(|t| format!("{i} {t}")).collect::<Vec<_>>() })))
            .collect();
        let text = serde_json::json!({ "thresholds": { "threshold": t, "gap": 0.0 }, "routes": shape }).to_string();
        let Ok((routes, _)) = Routes::parse(&text, Path::new("routes.json")) else {
            // The same example twice.
            return Ok(());
        };
        let encoder = HashingEncoder::new(1);
        let texts: Vec<&str> = routes.example_texts().collect();
        let stop = std::sync::atomic::AtomicBool::new(false);
        let vectors = embed(&encoder, None, &texts, &Quiet, &stop).expect("vectors").vectors;
        let centroids = Centroids::new(vectors, &routes.sizes()).expect("centroids");
        let artefact = RouterArtefact::new(&routes, "hashing", encoder.identity(), &centroids);
        let written = serde_json::to_string(&artefact).expect("plain data");
        let read = RouterArtefact::parse(&written, "router.json").expect("what was written is read");
        prop_assert_eq!(&read, &artefact);
        let (again, same) = read.unpack("router.json").expect("a router");
        prop_assert_eq!(again.fingerprint(), routes.fingerprint());
        prop_assert_eq!(again.thresholds, routes.thresholds);
        prop_assert_eq!(same.examples(), centroids.examples());
    }

    #[test]
    fn a_dataset_that_is_written_is_read_as_it_was(
        all in prop::collection::vec(("[^\\x00]{0,20}[a-z]", prop::sample::select(vec!["coding", "none", "a, \"b\""])), 1..20),
    ) {
        let published: Vec<PublishedRow> = all
            .iter()
            .map(|(prompt, label)| PublishedRow {
                prompt: prompt.clone(),
                label: Some((*label).to_owned()),
                split: Some("test".into()),
                reference: None,
            })
            .collect();
        let read = Dataset::read(published_csv(&published), "data.csv", Format::Csv, &ReadOptions::default()).expect("a dataset");
        let prompts: Vec<&str> = read.prompts();
        prop_assert_eq!(prompts, all.iter().map(|(prompt, _)| prompt.as_str()).collect::<Vec<_>>());
        let labels: Vec<&str> = read.rows.iter().map(|row| row.label.as_ref().map_or("", |label| label.as_str())).collect();
        prop_assert_eq!(labels, all.iter().map(|(_, label)| *label).collect::<Vec<_>>());
    }

    #[test]
    fn gates_are_read_or_refused_with_the_name_of_the_file(text in "\\PC{0,60}") {
        if let Err(error) = Gates::parse(&text, "gates.json") {
            prop_assert!(error.to_string().contains("gates.json"), "{error}");
        }
    }
}
