//! Limits, on a clock that stands still until somebody waits for it.

use std::sync::Arc;

use super::*;
use crate::replay::models::Defaults;

fn models(n: usize, concurrency: u16) -> Vec<ModelSpec> {
    let names: Vec<String> = (0..n).map(|i| format!("gpt-{i}")).collect();
    let defaults = Defaults {
        concurrency,
        ..Defaults::default()
    };
    crate::replay::models::resolve(None, &names, &[], None, &defaults).unwrap()
}

/// Enters as often as there is a place now.
async fn enter_all(limits: &Limits, model: usize) -> u32 {
    let mut entered = 0;
    while tokio::time::timeout(Duration::ZERO, limits.enter(model)).await.is_ok() {
        entered += 1;
    }
    entered
}

#[tokio::test(start_paused = true)]
async fn the_first_call_to_an_address_goes_alone() {
    let limits = Limits::new(&models(2, 4));
    assert_eq!(enter_all(&limits, 0).await, 1);
    assert_eq!(enter_all(&limits, 1).await, 0, "the other model has the same key");
    limits.answered(0);
    assert_eq!(enter_all(&limits, 0).await, 3, "the first is still in its place");
    assert_eq!(enter_all(&limits, 1).await, 1, "this model has not answered yet");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_stops_every_model_that_has_it() {
    let mut list = models(3, 4);
    list[2].api_key_env = Some("OTHER".into());
    let limits = Arc::new(Limits::new(&list));
    assert!(limits.enter(0).await);
    let waiting = tokio::spawn({
        let limits = Arc::clone(&limits);
        async move { limits.enter(1).await }
    });
    tokio::task::yield_now().await;
    limits.stop(0, "status 401", true);
    assert!(!waiting.await.unwrap());
    assert!(limits.stopped(1).is_some());
    assert!(limits.enter(2).await);
}

#[tokio::test(start_paused = true)]
async fn too_fast_takes_a_fifth_away_once_and_answers_bring_it_back() {
    let limits = Limits::new(&models(1, 10));
    assert!(limits.enter(0).await);
    limits.answered(0);
    assert_eq!(enter_all(&limits, 0).await, 9);
    // Ten calls in flight are told so at once: one cause, one decrease.
    for _ in 0..10 {
        limits.slow_down(0, None);
        limits.leave(0);
    }
    assert_eq!(enter_all(&limits, 0).await, 8);
    for _ in 0..100 {
        limits.answered(0);
    }
    assert_eq!(enter_all(&limits, 0).await, 0, "not while it cools down");
    tokio::time::advance(COOL_DOWN + Duration::from_millis(1)).await;
    limits.answered(0);
    assert_eq!(enter_all(&limits, 0).await, 1);
    for _ in 0..9 {
        limits.answered(0);
    }
    assert_eq!(enter_all(&limits, 0).await, 1);
    for _ in 0..100 {
        limits.answered(0);
    }
    assert_eq!(enter_all(&limits, 0).await, 0, "ten is the most");
    for _ in 0..20 {
        limits.slow_down(0, None);
        tokio::time::advance(COOL_DOWN + Duration::from_millis(1)).await;
    }
    for _ in 0..10 {
        limits.leave(0);
    }
    assert_eq!(enter_all(&limits, 0).await, 1, "one is the least");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_server_asks_for_holds_for_every_call() {
    let limits = Limits::new(&models(1, 4));
    assert!(limits.enter(0).await);
    limits.answered(0);
    limits.slow_down(0, Some(Duration::from_secs(20)));
    let started = Instant::now();
    assert!(limits.enter(0).await);
    limits.pace(0, 1).await;
    assert!(started.elapsed() >= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn requests_and_tokens_are_spaced_over_the_minute() {
    let mut list = models(2, 4);
    list[0].rpm = Some(120);
    list[1].tpm = Some(6000);
    let limits = Limits::new(&list);
    let started = Instant::now();
    for _ in 0..5 {
        limits.pace(0, 1_000_000).await;
    }
    // The first at once, then every half second.
    assert!(
        (1990..2020).contains(&started.elapsed().as_millis()),
        "{:?}",
        started.elapsed()
    );

    let started = Instant::now();
    limits.pace(1, 1000).await;
    limits.give_back(1, 900);
    limits.pace(1, 1000).await;
    // A hundred tokens at a hundred a second.
    assert!(
        (990..1020).contains(&started.elapsed().as_millis()),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_model_is_given_up_after_failures_in_a_row() {
    let limits = Limits::new(&models(2, 4));
    limits.failed(0, "cannot connect");
    assert!(limits.stopped(0).is_some(), "it never answered");
    limits.answered(1);
    for _ in 0..FAILURES - 1 {
        limits.failed(1, "status 500");
    }
    limits.refused(1, "status 400");
    for _ in 0..FAILURES - 1 {
        limits.failed(1, "status 500");
    }
    assert_eq!(limits.stopped(1), None);
    limits.failed(1, "status 500");
    assert_eq!(limits.stopped(1).as_deref(), Some("status 500"));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_refuses_every_prompt_is_given_up_and_one_that_answers_is_not() {
    let limits = Limits::new(&models(2, 4));
    limits.answered(1);
    for n in 0..REFUSALS {
        assert_eq!(limits.stopped(0), None, "{n}");
        limits.refused(0, "status 400: no such parameter");
        limits.refused(1, "status 400: too long");
    }
    assert_eq!(limits.stopped(0).as_deref(), Some("status 400: no such parameter"));
    assert_eq!(limits.stopped(1), None);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_turn_hears_of_a_pause_that_is_asked_for_meanwhile() {
    let mut models = models(1, 4);
    models[0].rpm = Some(60);
    let limits = Limits::new(&models);
    limits.pace(0, 1).await;
    let started = Instant::now();
    let told = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        limits.slow_down(0, Some(Duration::from_secs(7)));
    };
    tokio::join!(limits.pace(0, 1), told);
    assert_eq!(started.elapsed().as_millis() / 100, 75);
}
