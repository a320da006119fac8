//! Money that is never overspent, whatever is in flight.
//!
//! Before a call is sent, the most that it can cost is set aside; when its usage comes back, what it did cost takes that
//! place. A call of which nothing more is heard keeps its worst case: it may have been billed. So spent + set aside never
//! exceeds the cap, as long as no server answers with more tokens than it was allowed to.
//!
//! Amounts are whole picodollars (10⁻¹² $), rounded up, so that nothing is lost in adding and taking away.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

const PICO: f64 = 1e12;

/// A cap in dollars, or none.
#[derive(Debug)]
pub(super) struct Budget {
    cap: Option<u64>,
    state: Mutex<State>,
    /// Told when something that was set aside comes back.
    freed: Notify,
}

#[derive(Debug, Clone, Copy)]
struct State {
    spent: u64,
    reserved: u64,
}

/// What is set aside for one call. Dropped without a word, it counts as spent.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Arc<Budget>,
    amount: u64,
}

impl Budget {
    /// With what earlier calls of the run have spent.
    pub(super) fn new(cap_usd: Option<f64>, spent_usd: f64) -> Arc<Self> {
        Arc::new(Self {
            // Rounded down, where everything else is rounded up.
            cap: cap_usd.map(|usd| pico((usd * PICO).floor())),
            state: Mutex::new(State {
                spent: pico_of(spent_usd),
                reserved: 0,
            }),
            freed: Notify::new(),
        })
    }

    /// Sets `usd` aside, once there is room for it; `None` where there will be none, since too much is spent.
    pub(super) async fn reserve(self: &Arc<Self>, usd: f64) -> Option<Reservation> {
        let amount = pico_of(usd);
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // From here on nothing that comes back is missed.
            freed.as_mut().enable();
            {
                let mut state = self.state();
                let room = |taken: u64| self.cap.is_none_or(|cap| taken.saturating_add(amount) <= cap);
                if room(state.spent.saturating_add(state.reserved)) {
                    state.reserved += amount;
                    return Some(Reservation {
                        budget: Arc::clone(self),
                        amount,
                    });
                }
                if !room(state.spent) || state.reserved == 0 {
                    return None;
                }
            }
            freed.await;
        }
    }

    /// Counts `usd` as spent, if there is room for it now.
    pub(super) fn spend(&self, usd: f64) -> bool {
        let mut state = self.state();
        let spent = state.spent.saturating_add(pico_of(usd));
        let fits = self.cap.is_none_or(|cap| spent.saturating_add(state.reserved) <= cap);
        if fits {
            state.spent = spent;
        }
        fits
    }

    /// Dollars that count as spent, without what is set aside.
    pub(super) fn spent_usd(&self) -> f64 {
        crate::num::f64_from_u64(self.state().spent) / PICO
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, reserved: u64, spent: u64) {
        {
            let mut state = self.state();
            state.reserved = state.reserved.saturating_sub(reserved);
            state.spent = state.spent.saturating_add(spent);
        }
        self.freed.notify_waiters();
    }
}

impl Reservation {
    /// The call cost `usd`.
    pub(super) fn settle(mut self, usd: f64) {
        self.budget.end(self.amount, pico_of(usd));
        self.amount = 0;
    }

    /// The call cost nothing.
    pub(super) fn release(self) {
        self.settle(0.0);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.amount > 0 {
            self.budget.end(self.amount, self.amount);
        }
    }
}

fn pico_of(usd: f64) -> u64 {
    pico((usd * PICO).ceil())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from f64 saturates: below 0 and NaN are 0, above 18 million dollars is no limit"
)]
fn pico(amount: f64) -> u64 {
    amount as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .build()
            .unwrap()
    }

    #[test]
    fn what_is_set_aside_is_not_spent_twice() {
        runtime().block_on(async {
            let budget = Budget::new(Some(1.0), 0.25);
            let a = budget.reserve(0.5).await.unwrap();
            let b = budget.reserve(0.25).await.unwrap();
            a.settle(0.1);
            assert!((budget.spent_usd() - 0.35).abs() < 1e-9);
            b.release();
            // Dropped: it may have been billed.
            drop(budget.reserve(0.6).await.unwrap());
            assert!((budget.spent_usd() - 0.95).abs() < 1e-9);
            assert!(budget.reserve(0.06).await.is_none());
            assert!(budget.reserve(0.05).await.is_some());
            assert!(budget.reserve(0.0).await.is_some(), "what costs nothing always fits");
        });
    }

    #[test]
    fn a_call_waits_for_room_that_may_come_back() {
        runtime().block_on(async {
            let budget = Budget::new(Some(1.0), 0.0);
            let first = budget.reserve(0.8).await.unwrap();
            let waiting = tokio::spawn({
                let budget = Arc::clone(&budget);
                async move { budget.reserve(0.8).await.is_some() }
            });
            tokio::task::yield_now().await;
            first.settle(0.1);
            assert!(waiting.await.unwrap());
        });
    }

    #[test]
    fn eight_at_once_never_exceed_the_cap() {
        runtime().block_on(async {
            let budget = Budget::new(Some(0.01), 0.0);
            let mut tasks = tokio::task::JoinSet::new();
            for worker in 0..8_u32 {
                let budget = Arc::clone(&budget);
                tasks.spawn(async move {
                    let mut calls = 0;
                    while let Some(reservation) = budget.reserve(0.000_3).await {
                        tokio::task::yield_now().await;
                        calls += 1;
                        match (worker + calls) % 4 {
                            0 => drop(reservation),
                            1 => reservation.release(),
                            _ => reservation.settle(0.000_1),
                        }
                        assert!(budget.spent_usd() <= 0.01);
                    }
                    calls
                });
            }
            let mut calls = 0;
            while let Some(n) = tasks.join_next().await {
                calls += n.unwrap();
            }
            assert!(calls > 33, "{calls}");
            assert!(
                budget.spent_usd() <= 0.01 && budget.spent_usd() > 0.009_6,
                "{}",
                budget.spent_usd()
            );
        });
    }

    #[test]
    fn without_a_cap_there_is_always_room() {
        runtime().block_on(async {
            let budget = Budget::new(None, 1e9);
            assert!(budget.reserve(1e9).await.is_some());
        });
    }
}
