//! Values of JSON Lines as cells.

use serde_json::{Map, Value};

/// The text under `key`; none where the key is missing or null.
///
/// # Errors
/// What it is instead, in words.
pub(super) fn text_of(object: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(format!("\"{key}\" is {}, not a string", kind_of(other))),
    }
}

/// The prompt under `key`: a text, or of a chat, an array of messages as `OpenAI` has them, the last that the user wrote, which is the one
/// that a router decides on.
///
/// # Errors
/// As [`text_of`], and why an array is no such chat.
pub(super) fn prompt_of(object: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    let Some(Value::Array(messages)) = object.get(key) else {
        return text_of(object, key);
    };
    let is_chat = !messages.is_empty() && messages.iter().all(|message| message["role"].is_string());
    if !is_chat {
        return Err(format!(
            "\"{key}\" is an array, neither a string nor a chat of messages with a \"role\" and \"content\""
        ));
    }
    let asked = messages.iter().rfind(|message| message["role"] == "user");
    let Some(asked) = asked else {
        return Err(format!("\"{key}\" is a chat without a message of the role \"user\""));
    };
    match &asked["content"] {
        Value::String(text) => Ok(Some(text.clone())),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            Ok(Some(texts.join("\n")))
        }
        Value::Null => Ok(None),
        other => Err(format!(
            "\"{key}\" is a chat whose last message of the user is {}, not a text",
            kind_of(other)
        )),
    }
}

/// A number and a truth value as they are, and no more than the kind of what may be long and not be meant to be shown.
fn kind_of(value: &Value) -> String {
    match value {
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
        Value::String(_) => "a string".into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn prompt(value: &Value) -> Result<Option<String>, String> {
        let object = json!({ "p": value });
        prompt_of(object.as_object().expect("an object"), "p")
    }

    #[test]
    fn of_a_chat_the_last_message_of_the_user_is_the_prompt() {
        let system = json!({ "role": "system", "content": "You are terse." });
        let user = |content: Value| json!({ "role": "user", "content": content });
        let answer = json!({ "role": "assistant", "content": null, "tool_calls": [] });
        for (chat, expected) in [
            (
                json!([system, user(json!("first")), answer, user(json!("second")), answer]),
                Some("second"),
            ),
            (json!([user(json!("only"))]), Some("only")),
            (
                json!([user(
                    json!([{ "type": "text", "text": "what is" }, { "type": "image_url", "image_url": {} }, { "type": "text", "text": "this?" }])
                )]),
                Some("what is\nthis?"),
            ),
            (
                json!([user(json!([{ "type": "image_url", "image_url": {} }]))]),
                Some(""),
            ),
            (json!([user(Value::Null)]), None),
        ] {
            assert_eq!(prompt(&chat), Ok(expected.map(str::to_owned)), "{chat}");
        }
    }

    #[test]
    fn what_is_neither_text_nor_chat_is_told_by_its_kind() {
        for (value, told) in [
            (json!(7), "\"p\" is 7, not a string"),
            (json!({ "text": "secret" }), "\"p\" is an object, not a string"),
            (json!([]), "is an array, neither a string nor a chat"),
            (json!(["secret"]), "is an array, neither"),
            (
                json!([{ "role": "user", "content": "x" }, { "content": "secret" }]),
                "is an array, neither",
            ),
            (
                json!([{ "role": "system", "content": "secret" }]),
                "without a message of the role \"user\"",
            ),
            (
                json!([{ "role": "user", "content": { "text": "secret" } }]),
                "is an object, not a text",
            ),
        ] {
            let message = prompt(&value).expect_err("no prompt");
            assert!(message.contains(told) && !message.contains("secret"), "{message}");
        }
    }
}
