//! What a failed answer says.

use std::fmt;
use std::time::{Duration, SystemTime};

use async_openai::error::OpenAIError;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// How servers say that a prompt does not fit: OpenAI's code, llama.cpp's type, and the words of those (vLLM and what is
/// built on it) that have neither.
const TOO_LONG: [&str; 3] = [
    "context_length_exceeded",
    "exceed_context_size",
    "maximum context length",
];

/// An answer that is no success, with what a retry needs to know.
#[derive(Debug, Clone)]
pub(crate) struct HttpFailure {
    pub(crate) status: u16,
    /// How long the server wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
    /// `error.code`, a string or a number.
    pub(crate) code: Option<String>,
    /// The `error.message` of an OpenAI-style body, or the body, on one line.
    pub(crate) message: String,
    /// The account has nothing left; waiting does not help.
    pub(crate) out_of_quota: bool,
    /// The prompt, with what may come out, does not fit into the model's context.
    pub(crate) too_long: bool,
}

impl fmt::Display for HttpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}: {}", self.status, self.message)
    }
}

impl std::error::Error for HttpFailure {}

impl HttpFailure {
    pub(super) async fn of(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers(), SystemTime::now());
        let body = response.text().await.unwrap_or_default();
        Self::parse(status, retry_after, &body)
    }

    /// Of an answer with this status and body.
    pub(crate) fn parse(status: u16, retry_after: Option<Duration>, body: &str) -> Self {
        let parsed: Option<Value> = serde_json::from_str(body).ok();
        let code = parsed.as_ref().and_then(|v| match &v["error"]["code"] {
            Value::String(code) => Some(code.clone()),
            Value::Number(code) => Some(code.to_string()),
            _ => None,
        });
        Self {
            status,
            retry_after,
            code,
            message: message(parsed.as_ref(), body),
            // By type or by code, whichever the server fills in.
            out_of_quota: body.contains("insufficient_quota"),
            too_long: matches!(status, 400 | 413 | 422) && TOO_LONG.iter().any(|words| body.contains(words)),
        }
    }

    /// Whether another attempt may succeed: 408, 409, 429 (if the account has any quota), 5xx.
    pub(crate) fn may_pass(&self) -> bool {
        !self.out_of_quota && (matches!(self.status, 408 | 409 | 429) || self.status >= 500)
    }
}

/// The failure in an error of async-openai, if the server answered at all.
pub(crate) fn failure(error: &OpenAIError) -> Option<&HttpFailure> {
    match error {
        OpenAIError::Boxed(inner) => inner.downcast_ref::<HttpFailure>(),
        _ => None,
    }
}

/// Whether the answer began but did not end; nothing of it is decoded by reqwest, so its "decode" is that too.
pub(crate) fn broke_off(error: &reqwest::Error) -> bool {
    error.is_body() || error.is_decode()
}

fn message(parsed: Option<&Value>, body: &str) -> String {
    let message = match parsed {
        // Written anew where it has another shape, so that a key in it is escaped in a known way.
        Some(v) => v["error"]["message"]
            .as_str()
            .or_else(|| v["message"].as_str())
            .map_or_else(|| v.to_string(), str::to_owned),
        None => body.to_owned(),
    };
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return "no message".into();
    }
    line.chars().filter(|c| !c.is_control()).collect()
}

pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The pause that a server asks for: `retry-after-ms`, `retry-after` in seconds or as an HTTP date (RFC 9110, 10.2.3), or
/// LiteLLM's `llm_provider-retry-after`. A date counts from the server's own `date` where it sends one, or clocks that
/// differ would make a long pause of a short one.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let seconds = |text: &str| {
        let seconds: f64 = text.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    if let Some(pause) = header(headers, "retry-after-ms").and_then(seconds) {
        return Some(pause / 1000);
    }
    let date = |text: &str| {
        let until = httpdate::parse_http_date(text).ok()?;
        let now = header(headers, "date")
            .and_then(|d| httpdate::parse_http_date(d).ok())
            .unwrap_or(now);
        Some(until.duration_since(now).unwrap_or_default())
    };
    ["retry-after", "llm_provider-retry-after"]
        .into_iter()
        .filter_map(|name| header(headers, name))
        .find_map(|text| seconds(text).or_else(|| date(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn every_form_of_a_pause_is_read() {
        let now = httpdate::parse_http_date("Wed, 25 Nov 2026 10:00:00 GMT").unwrap();
        let pause = |list: &[(&'static str, &str)]| retry_after(&headers(list), now).map(|d| d.as_millis());
        let in_seven = "Wed, 25 Nov 2026 10:00:07 GMT";
        assert_eq!(pause(&[("retry-after", "2")]), Some(2000));
        assert_eq!(pause(&[("retry-after", " 0.5 ")]), Some(500));
        assert_eq!(pause(&[("retry-after", in_seven)]), Some(7000));
        assert_eq!(
            pause(&[("retry-after", in_seven), ("date", "Wed, 25 Nov 2026 10:00:04 GMT")]),
            Some(3000)
        );
        assert_eq!(pause(&[("retry-after", "Wed, 25 Nov 2026 09:00:00 GMT")]), Some(0));
        assert_eq!(pause(&[("retry-after", "9"), ("retry-after-ms", "1500")]), Some(1500));
        assert_eq!(pause(&[("llm_provider-retry-after", "4")]), Some(4000));
        assert_eq!(
            pause(&[("retry-after", "soon"), ("llm_provider-retry-after", "4")]),
            Some(4000)
        );
        for nonsense in ["soon", "-1", "", "NaN", "1e400"] {
            assert_eq!(pause(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
    }

    #[test]
    fn a_body_of_any_shape_gives_a_message() {
        let of = |body: &str| HttpFailure::parse(429, None, body);
        let integer = of(r#"{"error":{"code":401,"message":"Invalid API Key","type":"authentication_error"}}"#);
        assert_eq!(
            (integer.code.as_deref(), integer.message.as_str()),
            (Some("401"), "Invalid API Key")
        );
        assert_eq!(
            of(r#"{"error":{"code":"model_not_found"}}"#).code.as_deref(),
            Some("model_not_found")
        );
        assert_eq!(of("<html>\n busy\u{1b}[2J </html>").message, "<html> busy[2J </html>");
        assert_eq!(of("").message, "no message");
        assert_eq!(of(r#"{"detail":["a"]}"#).message, r#"{"detail":["a"]}"#);
        assert!(!of(r#"{"error":{"type":"insufficient_quota","code":null}}"#).may_pass());
        assert!(!of(r#"{"error":{"code":"insufficient_quota"}}"#).may_pass());
        assert!(of("busy").may_pass());
    }

    #[test]
    fn a_prompt_that_does_not_fit_is_told_from_other_bad_requests() {
        let of = |status, body: &str| HttpFailure::parse(status, None, body).too_long;
        assert!(of(
            400,
            r#"{"error":{"code":"context_length_exceeded","message":"too long"}}"#
        ));
        assert!(of(400, r#"{"error":{"code":400,"type":"exceed_context_size_error"}}"#));
        assert!(of(
            400,
            r#"{"object":"error","message":"This model's maximum context length is 512 tokens"}"#
        ));
        assert!(!of(400, r#"{"error":{"message":"temperature is no number"}}"#));
        assert!(!of(500, r#"{"error":{"code":"context_length_exceeded"}}"#));
    }
}
