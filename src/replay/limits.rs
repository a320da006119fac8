//! How fast each model may be asked: calls at once, requests and tokens a minute, pauses that a server asks for.
//!
//! *At once*: a model starts with one call, and so does an address, so that a wrong key costs one request; the first
//! answer opens the model's full number. A 429 multiplies it by 0.8 (to 1 at the least), then for 15 s, or as long as the
//! server asks, further ones do not; a full round of answers without one adds a call (additive increase, multiplicative
//! decrease). *A minute*: requests are spaced evenly, by the arithmetic of the virtual scheduling algorithm (ITU-T I.371)
//! without tolerance for bursts; tokens are counted as providers do, input and the most that may come out, and what was not
//! used is given back. That is why no crate is used for it: those there are cannot give back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::models::ModelSpec;

/// After a decrease, how long further 429s are put down to the same cause.
const COOL_DOWN: Duration = Duration::from_secs(15);
/// Calls in a row that fail although they may be repeated, after which a model is given up.
const FAILURES: u32 = 5;
/// Prompts in a row that a model refuses before it has answered any, after which it is given up.
const REFUSALS: u32 = 20;

/// The limits of every model of a run.
#[derive(Debug)]
pub(super) struct Limits {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    lanes: Vec<Lane>,
    addresses: Vec<Address>,
}

#[derive(Debug)]
struct Lane {
    address: usize,
    /// Calls at once: now, and at the most.
    limit: u32,
    most: u32,
    in_flight: u32,
    /// An answer came back.
    proven: bool,
    answers_since_change: u32,
    failures: u32,
    refusals: u32,
    cool_until: Option<Instant>,
    paused_until: Option<Instant>,
    requests: Option<Pace>,
    tokens: Option<Pace>,
    stopped: Option<String>,
}

/// Models of one address and key.
#[derive(Debug, Default)]
struct Address {
    in_flight: u32,
    proven: bool,
}

/// Evenly spaced events.
#[derive(Debug, Clone, Copy)]
struct Pace {
    per_second: f64,
    /// When the next may be.
    ready: Option<Instant>,
}

impl Pace {
    fn per_minute(n: u32) -> Self {
        Self {
            per_second: f64::from(n) / 60.0,
            ready: None,
        }
    }

    fn seconds(self, amount: u64) -> Duration {
        let seconds = crate::num::f64_from_u64(amount) / self.per_second;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_hours(24))
    }

    /// When `amount` may go.
    fn take(&mut self, now: Instant, amount: u64) -> Instant {
        let at = self.ready.map_or(now, |ready| ready.max(now));
        self.ready = Some(at + self.seconds(amount));
        at
    }

    fn give_back(&mut self, amount: u64) {
        let seconds = self.seconds(amount);
        self.ready = self.ready.and_then(|ready| ready.checked_sub(seconds));
    }
}

impl Limits {
    pub(super) fn new(models: &[ModelSpec]) -> Self {
        let mut keys: Vec<(&str, Option<&str>)> = Vec::new();
        let mut lanes = Vec::with_capacity(models.len());
        for model in models {
            let key = (model.base_url.as_str(), model.api_key_env.as_deref());
            let address = keys.iter().position(|k| *k == key).unwrap_or_else(|| {
                keys.push(key);
                keys.len() - 1
            });
            lanes.push(Lane {
                address,
                limit: 1,
                most: u32::from(model.concurrency).max(1),
                in_flight: 0,
                proven: false,
                answers_since_change: 0,
                failures: 0,
                refusals: 0,
                cool_until: None,
                paused_until: None,
                requests: model.rpm.map(Pace::per_minute),
                tokens: model.tpm.map(Pace::per_minute),
                stopped: None,
            });
        }
        let addresses = keys.iter().map(|_| Address::default()).collect();
        Self {
            state: Mutex::new(State { lanes, addresses }),
            changed: Notify::new(),
        }
    }

    /// Waits for a place at a model; `false` where the model is given up.
    pub(super) async fn enter(&self, model: usize) -> bool {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let until = {
                let mut state = self.state();
                let State { lanes, addresses } = &mut *state;
                let lane = &mut lanes[model];
                let address = &mut addresses[lane.address];
                if lane.stopped.is_some() {
                    return false;
                }
                let paused = lane.paused_until.filter(|until| *until > Instant::now());
                let first_alone = address.proven || address.in_flight == 0;
                if paused.is_none() && first_alone && lane.in_flight < lane.limit {
                    lane.in_flight += 1;
                    address.in_flight += 1;
                    return true;
                }
                paused
            };
            match until {
                Some(until) => tokio::select! {
                    () = changed => {}
                    () = sleep_until(until) => {}
                },
                None => changed.await,
            }
        }
    }

    /// A call has left its place.
    pub(super) fn leave(&self, model: usize) {
        self.change(model, |lane, address| {
            lane.in_flight = lane.in_flight.saturating_sub(1);
            address.in_flight = address.in_flight.saturating_sub(1);
        });
    }

    /// Waits until a request of so many tokens may be sent.
    pub(super) async fn pace(&self, model: usize, tokens: u64) {
        let at = {
            let mut state = self.state();
            let lane = &mut state.lanes[model];
            let now = Instant::now();
            let at = [
                lane.requests.as_mut().map(|p| p.take(now, 1)),
                lane.tokens.as_mut().map(|p| p.take(now, tokens)),
                lane.paused_until,
            ];
            at.into_iter().flatten().max()
        };
        let mut next = at;
        while let Some(at) = next {
            sleep_until(at).await;
            // The server may have asked for a pause in the meantime.
            next = self.state().lanes[model].paused_until.filter(|until| *until > at);
        }
    }

    /// Tokens that were counted and not used.
    pub(super) fn give_back(&self, model: usize, tokens: u64) {
        if let Some(pace) = &mut self.state().lanes[model].tokens {
            pace.give_back(tokens);
        }
    }

    /// An answer came back.
    pub(super) fn answered(&self, model: usize) {
        self.change(model, |lane, address| {
            address.proven = true;
            lane.failures = 0;
            if !lane.proven {
                lane.proven = true;
                lane.limit = lane.most;
                return;
            }
            lane.answers_since_change += 1;
            let cooling = lane.cool_until.is_some_and(|until| until > Instant::now());
            if !cooling && lane.answers_since_change >= lane.limit && lane.limit < lane.most {
                lane.limit += 1;
                lane.answers_since_change = 0;
            }
        });
    }

    /// The server said that this is too fast.
    pub(super) fn slow_down(&self, model: usize, retry_after: Option<Duration>) {
        self.change(model, |lane, _| {
            let now = Instant::now();
            if lane.cool_until.is_none_or(|until| until <= now) {
                // × 0.8, rounded down: 4, 3, 2, 1.
                lane.limit = (lane.limit * 4 / 5).max(1);
                lane.answers_since_change = 0;
            }
            let pause = retry_after.unwrap_or_default();
            lane.cool_until = lane.cool_until.max(Some(now + COOL_DOWN.max(pause)));
            if !pause.is_zero() {
                lane.paused_until = lane.paused_until.max(Some(now + pause));
            }
        });
    }

    /// A call has failed after all its attempts; several in a row, or the very first, give the model up.
    pub(super) fn failed(&self, model: usize, why: &str) {
        self.change(model, |lane, _| {
            lane.failures += 1;
            if !lane.proven || lane.failures >= FAILURES {
                lane.stopped.get_or_insert_with(|| why.to_owned());
            }
        });
    }

    /// The server refused one prompt: address and model are right, so the next may fare better. A model that has answered
    /// nothing yet and refuses one after the other will refuse them all (a parameter that it does not know, say).
    pub(super) fn refused(&self, model: usize, why: &str) {
        self.change(model, |lane, address| {
            address.proven = true;
            lane.failures = 0;
            lane.refusals += 1;
            if !lane.proven && lane.refusals >= REFUSALS {
                lane.stopped.get_or_insert_with(|| why.to_owned());
            }
        });
    }

    /// Gives a model up; with `whole_address`, all that share address and key.
    pub(super) fn stop(&self, model: usize, why: &str, whole_address: bool) {
        {
            let mut state = self.state();
            let address = state.lanes[model].address;
            for (i, lane) in state.lanes.iter_mut().enumerate() {
                if i == model || (whole_address && lane.address == address) {
                    lane.stopped.get_or_insert_with(|| why.to_owned());
                }
            }
        }
        self.changed.notify_waiters();
    }

    /// Why a model was given up.
    pub(super) fn stopped(&self, model: usize) -> Option<String> {
        self.state().lanes[model].stopped.clone()
    }

    fn change(&self, model: usize, change: impl FnOnce(&mut Lane, &mut Address)) {
        {
            let mut state = self.state();
            let State { lanes, addresses } = &mut *state;
            let lane = &mut lanes[model];
            change(lane, &mut addresses[lane.address]);
        }
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
