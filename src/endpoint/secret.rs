//! A key that no print shows, and text without keys.

use std::fmt;

use serde_json::json;

/// What stands in a text where a key stood.
const GONE: &str = "[key]";
/// A shorter word behind `sk-` is no key ("sk-learn").
const SHORTEST: usize = 12;

/// An API key; may be empty.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct ApiKey(String);

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl ApiKey {
    /// `None` where no header could carry it.
    pub(crate) fn new(key: &str) -> Option<Self> {
        key.chars().all(|c| c.is_ascii_graphic()).then(|| Self(key.to_owned()))
    }

    /// The key itself, to be sent.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// `text` without this key, also where it stands in a JSON string.
    pub(crate) fn out_of(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let quoted = json!(self.0).to_string();
        let quoted = quoted.trim_matches('"');
        // PHP, for one, escapes slashes too.
        text.replace(&quoted.replace('/', "\\/"), GONE)
            .replace(quoted, GONE)
            .replace(&self.0, GONE)
    }

    /// `text` without this key and without whatever looks like one: a server may echo what it was sent, in part.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let text = after(&self.out_of(text), "Bearer ", |c| !c.is_whitespace() && c != '"', 1);
        after(
            &text,
            "sk-",
            |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*' | '.'),
            SHORTEST,
        )
    }
}

/// `text` with the word behind each `mark` replaced, where it is `least` characters long. `Bearer ` itself stays.
fn after(text: &str, mark: &str, of_word: impl Fn(char) -> bool, least: usize) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        let word_at = at + mark.len();
        let word: usize = rest[word_at..]
            .chars()
            .take_while(|c| of_word(*c))
            .map(char::len_utf8)
            .sum();
        if word < least {
            clean.push_str(&rest[..word_at]);
        } else {
            clean.push_str(&rest[..at]);
            if mark.ends_with(' ') {
                clean.push_str(mark);
            }
            clean.push_str(GONE);
        }
        rest = &rest[word_at + if word < least { 0 } else { word }..];
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_kind_are_taken_out_of_a_text() {
        let key = ApiKey::new("canary/7Qx\"9").unwrap();
        for (text, clean) in [
            ("bad key canary/7Qx\"9.", "bad key [key]."),
            (r#"{"m":"canary/7Qx\"9"}"#, r#"{"m":"[key]"}"#),
            (r#"{"m":"canary\/7Qx\"9"}"#, r#"{"m":"[key]"}"#),
            ("Authorization: Bearer abc.def gone", "Authorization: Bearer [key] gone"),
            (
                "Incorrect API key: sk-proj-********abcd. See",
                "Incorrect API key: [key] See",
            ),
            ("use sk-learn or sk- for it", "use sk-learn or sk- for it"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(key.scrub(text), clean);
        }
        assert_eq!(ApiKey::default().out_of("as it is"), "as it is");
        assert!(!format!("{key:?}").contains("canary"));
    }
}
