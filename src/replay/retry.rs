//! What a failure means: whether it was billed, whether the call is worth another attempt, whether the model is.

use std::time::Duration;

use async_openai::error::OpenAIError;

use crate::endpoint::{ApiKey, broke_off, failure};
use crate::stats::Stream;

/// First upper bound of a pause; it doubles with each attempt.
const BASE: Duration = Duration::from_millis(500);
/// Longest pause that is not the server's wish.
const CAP: Duration = Duration::from_mins(1);
/// Characters of a server's message that are kept.
const SHOWN: usize = 300;

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Try again, after the pause that the server asks for if it does.
    Retry {
        after: Option<Duration>,
        /// The server said that this is too fast.
        too_fast: bool,
    },
    /// This call fails; others may not.
    Fail,
    /// Every call to this model will fail.
    StopModel,
    /// Every call with this key will fail.
    StopAddress,
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// For `error_kind`.
    pub(super) kind: &'static str,
    pub(super) status: Option<u16>,
    /// What the server says, shortened, without keys.
    pub(super) message: String,
    /// It may have been billed: nobody knows.
    pub(super) maybe_billed: bool,
    pub(super) next: Next,
}

/// Reads a failure. `longest` is the longest pause that is granted.
pub(super) fn read(error: &OpenAIError, key: &ApiKey, longest: Duration) -> Failure {
    let told = |text: &str| -> String { key.scrub(text).chars().take(SHOWN).collect() };
    let Some(answer) = failure(error) else {
        return without_answer(error, &told);
    };
    let retry = |too_fast| Next::Retry {
        after: answer.retry_after,
        too_fast,
    };
    let unknown_model = answer.code.as_deref() == Some("model_not_found");
    let (kind, next) = match answer.status {
        401 => ("unauthorized", Next::StopAddress),
        403 => ("forbidden", Next::StopModel),
        404 => ("model_not_found", Next::StopModel),
        400 if unknown_model => ("model_not_found", Next::StopModel),
        // Payment required, as some say for an empty account.
        402 => ("out_of_quota", Next::StopModel),
        // The address is not that of an API, or of another one: so it is for every prompt.
        300..=399 | 405 => ("wrong_address", Next::StopModel),
        _ if answer.out_of_quota => ("out_of_quota", Next::StopModel),
        408 | 429 | 409 | 500.. if answer.retry_after.is_some_and(|pause| pause > longest) => {
            ("asks_to_wait", Next::StopModel)
        }
        429 => ("rate_limited", retry(true)),
        408 => ("request_timeout", retry(false)),
        409 => ("conflict", retry(false)),
        500.. => ("server_error", retry(false)),
        _ if answer.too_long => ("context_overflow", Next::Fail),
        _ => ("bad_request", Next::Fail),
    };
    let message = match answer.retry_after {
        Some(pause) if kind == "asks_to_wait" => {
            format!("asks to be left alone for {} s: {}", pause.as_secs(), answer.message)
        }
        _ => answer.message.clone(),
    };
    Failure {
        kind,
        status: Some(answer.status),
        message: told(&message),
        // Providers do not bill answers that are errors.
        maybe_billed: false,
        next,
    }
}

fn without_answer(error: &OpenAIError, told: &dyn Fn(&str) -> String) -> Failure {
    const AGAIN: Next = Next::Retry {
        after: None,
        too_fast: false,
    };
    let (kind, message, maybe_billed, next) = match error {
        OpenAIError::Reqwest(e) if e.is_connect() => ("unreachable", "cannot connect".to_owned(), false, AGAIN),
        OpenAIError::Reqwest(e) if e.is_timeout() => ("timeout", "no answer in time".into(), true, AGAIN),
        OpenAIError::Reqwest(e) if broke_off(e) => ("broken_off", "the answer broke off".into(), true, AGAIN),
        OpenAIError::Reqwest(e) if e.is_request() => ("broken_off", "the connection broke off".into(), true, AGAIN),
        OpenAIError::Reqwest(_) => ("request_failed", "the request failed".into(), true, Next::Fail),
        // Its text may hold the answer.
        OpenAIError::JSONDeserialize(e, _) => ("not_json", format!("the answer is not JSON: {e}"), true, Next::Fail),
        other => ("request_failed", told(&other.to_string()), true, Next::Fail),
    };
    Failure {
        kind,
        status: matches!(error, OpenAIError::JSONDeserialize(..)).then_some(200),
        message: told(&message),
        maybe_billed,
        next,
    }
}

/// The pause before attempt `next` (2 is the first that has one): what the server asks for, else full jitter, a random
/// share of a bound that doubles ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
///
/// What the server asks for is a least: a little is added, or all that were sent away come back at once.
pub(super) fn pause(next: u32, after: Option<Duration>, random: &mut Stream) -> Duration {
    let share = random.unit();
    if let Some(after) = after {
        return after + BASE.mul_f64(share);
    }
    let doublings = next.saturating_sub(2).min(16);
    (BASE * 2_u32.pow(doublings)).min(CAP).mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::HttpFailure;
    use crate::stats::{Purpose, stream};

    const LONGEST: Duration = Duration::from_mins(2);

    fn http(status: u16, retry_after: Option<u64>, code: Option<&str>) -> Failure {
        let error = OpenAIError::Boxed(Box::new(HttpFailure {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            code: code.map(str::to_owned),
            message: "Bearer canary says no".into(),
            out_of_quota: code == Some("insufficient_quota"),
            too_long: code == Some("context_length_exceeded"),
        }));
        read(&error, &ApiKey::new("canary").unwrap(), LONGEST)
    }

    #[test]
    fn each_status_means_what_it_should() {
        let again = |too_fast| Next::Retry { after: None, too_fast };
        for (status, code, kind, next) in [
            (401, Some("401"), "unauthorized", Next::StopAddress),
            (403, None, "forbidden", Next::StopModel),
            (404, Some("model_not_found"), "model_not_found", Next::StopModel),
            (400, Some("model_not_found"), "model_not_found", Next::StopModel),
            (400, Some("context_length_exceeded"), "context_overflow", Next::Fail),
            (400, None, "bad_request", Next::Fail),
            (301, None, "wrong_address", Next::StopModel),
            (402, None, "out_of_quota", Next::StopModel),
            (405, None, "wrong_address", Next::StopModel),
            (422, None, "bad_request", Next::Fail),
            (408, None, "request_timeout", again(false)),
            (409, None, "conflict", again(false)),
            (429, None, "rate_limited", again(true)),
            (429, Some("insufficient_quota"), "out_of_quota", Next::StopModel),
            (500, None, "server_error", again(false)),
            (503, None, "server_error", again(false)),
        ] {
            let failure = http(status, None, code);
            assert_eq!((failure.kind, failure.next), (kind, next), "{status}");
            assert!(!failure.maybe_billed && failure.message == "Bearer [key] says no");
        }
    }

    #[test]
    fn a_pause_that_is_too_long_gives_the_model_up() {
        let granted = http(429, Some(120), None);
        assert!(matches!(granted.next, Next::Retry { after: Some(a), .. } if a == LONGEST));
        let refused = http(503, Some(121), None);
        assert_eq!((refused.kind, refused.next), ("asks_to_wait", Next::StopModel));
        assert!(refused.message.starts_with("asks to be left alone for 121 s"));
    }

    #[test]
    fn pauses_grow_to_a_cap_and_come_from_the_seed() {
        let pauses = |seed| -> Vec<Duration> {
            (2..40)
                .map(|n| pause(n, None, &mut stream(seed, Purpose::Jitter, u64::from(n))))
                .collect()
        };
        assert_eq!(pauses(1), pauses(1));
        assert_ne!(pauses(1), pauses(2));
        for (n, pause) in (2_i32..).zip(pauses(3)) {
            let bound = (0.5 * 2_f64.powi(n - 2)).min(60.0);
            assert!(pause.as_secs_f64() <= bound, "{n}: {pause:?}");
        }
        let asked = pause(2, Some(Duration::from_secs(7)), &mut stream(1, Purpose::Jitter, 0));
        assert!((7.0..7.5).contains(&asked.as_secs_f64()));
    }
}
