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

/// Notes the columns of an object that have not been seen before. Where a chat stands in for the prompt there is one.
pub(super) fn note_columns(object: &Map<String, Value>, prompt: &str, columns: &mut Vec<String>) {
    let stood_in_for = (place_of_prompt(object, prompt) != prompt).then_some(prompt);
    for key in object.keys().map(String::as_str).chain(stood_in_for) {
        if !columns.iter().any(|column| column == key) {
            columns.push(key.to_owned());
        }
    }
}

/// Where the prompt is: a log of chats has `messages` where others have `prompt`, unless another column was asked for.
fn place_of_prompt<'k>(object: &Map<String, Value>, prompt: &'k str) -> &'k str {
    let chat =
        prompt == "prompt" && !object.contains_key(prompt) && object.get("messages").is_some_and(Value::is_array);
    if chat { "messages" } else { prompt }
}

/// The prompt in column `prompt`: a text, or of a chat, an array of messages as `OpenAI` has them, the last that the user wrote, which is
/// the one that a router decides on.
///
/// # Errors
/// As [`text_of`], and why an array is no such chat.
pub(super) fn prompt_of(object: &Map<String, Value>, prompt: &str) -> Result<Option<String>, String> {
    let key = place_of_prompt(object, prompt);
    let Some(Value::Array(messages)) = object.get(key) else {
        return text_of(object, key);
    };
    let is_chat = !messages.is_empty() && messages.iter().all(|message| message["role"].is_string());
    if !is_chat {
        return Err(format!(
            "\"{key}\" is an array, neither a string nor a chat, which looks like [{{\"role\": \"user\", \"content\": \"…\"}}]"
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
    fn messages_stand_in_for_a_prompt_that_is_not_there() {
        let chat = json!([{ "role": "user", "content": "asked" }]);
        for (object, column, expected, columns) in [
            (
                json!({ "id": 1, "messages": chat }),
                "prompt",
                Some("asked"),
                "id messages prompt",
            ),
            (
                json!({ "prompt": "own", "messages": chat }),
                "prompt",
                Some("own"),
                "prompt messages",
            ),
            (
                json!({ "prompt": null, "messages": chat }),
                "prompt",
                None,
                "prompt messages",
            ),
            (json!({ "messages": "a text" }), "prompt", None, "messages"),
            (json!({ "messages": chat }), "text", None, "messages"),
        ] {
            let object = object.as_object().expect("an object");
            assert_eq!(prompt_of(object, column), Ok(expected.map(str::to_owned)), "{object:?}");
            let mut noted = Vec::new();
            note_columns(object, column, &mut noted);
            assert_eq!(noted.join(" "), columns);
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
