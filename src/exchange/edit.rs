//! Numbers put into a file's text, everything else left as it is: comments, order, indentation.

use std::collections::BTreeMap;

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstRootNode};
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::syntax::{is_json, yaml};

/// The text with `key` of each named route set to its number.
pub(super) fn with_numbers(text: &str, key: &str, values: &[(String, f64)]) -> Result<String, String> {
    if is_json(text) {
        in_json(text, key, values)
    } else {
        in_yaml(text, key, values)
    }
}

/// With a point, as Python writes a float.
fn written(value: f64) -> String {
    let text = value.to_string();
    if text.contains('.') { text } else { text + ".0" }
}

fn in_json(text: &str, key: &str, values: &[(String, f64)]) -> Result<String, String> {
    let body = text.trim_start_matches('\u{feff}');
    let root = CstRootNode::parse(body, &ParseOptions::default()).map_err(|e| e.to_string())?;
    let routes = root.object_value().and_then(|object| object.array_value("routes"));
    for route in routes.iter().flat_map(jsonc_parser::cst::CstArray::elements) {
        let Some(route) = route.as_object() else { continue };
        let name = route
            .get("name")
            .and_then(|property| property.value()?.as_string_lit()?.decoded_value().ok());
        let Some((_, value)) = values.iter().find(|(own, _)| Some(own) == name.as_ref()) else {
            continue;
        };
        let value = CstInputValue::Number(written(*value));
        match route.get(key) {
            Some(property) => property.set_value(value),
            None => {
                route.append(key, value);
            }
        }
    }
    Ok(format!("{}{root}", &text[..text.len() - body.len()]))
}

#[derive(Deserialize)]
struct File {
    routes: Vec<BTreeMap<String, Spanned<Value>>>,
}

impl File {
    fn named(&self, name: &str) -> Option<&BTreeMap<String, Spanned<Value>>> {
        let is_it = |route: &&BTreeMap<_, Spanned<Value>>| route.get("name").is_some_and(|own| own.value == name);
        self.routes.iter().find(is_it)
    }
}

/// What stands between two bytes becomes something else.
struct Edit {
    from: usize,
    to: usize,
    new: String,
}

fn in_yaml(text: &str, key: &str, values: &[(String, f64)]) -> Result<String, String> {
    let file: File = yaml(text)?;
    let mut edits = Vec::new();
    for (name, value) in values {
        let Some(route) = file.named(name) else { continue };
        let edit = match (route.get(key), route.get("name")) {
            (Some(old), _) => replace(text, old, *value),
            (None, Some(name)) => insert(text, name, key, *value),
            (None, None) => None,
        };
        let refused =
            || format!("route \"{name}\": its {key} stands where it cannot be changed; write {key}: {value} by hand");
        edits.push(edit.ok_or_else(refused)?);
    }
    // From the end, so that the places before stay where they are.
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.from));
    let mut edited = text.to_owned();
    for Edit { from, to, new } in edits {
        edited.replace_range(from..to, &new);
    }
    // Whatever the place of a number was taken for, the file must say it now.
    let again: File = yaml(&edited)?;
    for (name, value) in values {
        let told = again.named(name).and_then(|route| route.get(key)?.value.as_f64());
        if told != Some(*value) {
            return Err(format!("route \"{name}\": write {key}: {value} by hand"));
        }
    }
    Ok(edited)
}

/// Where a value's line begins, and where the value.
fn place(text: &str, value: &Spanned<Value>) -> Option<(usize, usize)> {
    let line = usize::try_from(value.defined.line()).ok()?.checked_sub(1)?;
    let column = usize::try_from(value.defined.column()).ok()?.checked_sub(1)?;
    let start = match line {
        0 => 0,
        _ => text.match_indices('\n').nth(line - 1)?.0 + 1,
    };
    let indent: usize = text[start..].chars().take(column).map(char::len_utf8).sum();
    Some((start, start + indent))
}

/// In the place of a number, or of nothing. `None` where something else stands there.
fn replace(text: &str, old: &Spanned<Value>, value: f64) -> Option<Edit> {
    let (_, from) = place(text, old)?;
    let rest = &text[from..];
    let length = rest.find([',', '}', '#', '\n', '\r']).unwrap_or(rest.len());
    let there = rest[..length].trim_end();
    let same = yaml::<Value>(there).is_ok_and(|read| read == old.value);
    (same && !there.is_empty() && (old.value.is_number() || old.value.is_null())).then(|| Edit {
        from,
        to: from + there.len(),
        new: written(value),
    })
}

/// As a line of its own, below that of the name. `None` where the route is written between braces.
fn insert(text: &str, name: &Spanned<Value>, key: &str, value: f64) -> Option<Edit> {
    let (start, at) = place(text, name)?;
    let before = &text[start..at];
    let column = before.rfind("name").filter(|_| !before.contains('{'))?;
    let column = column - usize::from(before[..column].ends_with(['"', '\'']));
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
    let end = end - usize::from(text[..end].ends_with('\r'));
    Some(Edit {
        from: end,
        to: end,
        new: format!("\n{}{key}: {}", " ".repeat(column), written(value)),
    })
}
