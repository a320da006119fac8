//! Numbers put into a file's text, everything else left as it is: comments, order, indentation.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstRootNode};
use serde::Deserialize;
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
    routes: Vec<std::collections::BTreeMap<String, Spanned<serde_json::Value>>>,
}

fn in_yaml(text: &str, key: &str, values: &[(String, f64)]) -> Result<String, String> {
    let file: File = yaml(text)?;
    let starts: Vec<usize> = std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .collect();
    // From the end, so that the places before stay where they are.
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for route in &file.routes {
        let Some(name) = route.get("name") else { continue };
        let Some((own, value)) = values.iter().find(|(own, _)| name.value == **own) else {
            continue;
        };
        let place = |spanned: &Spanned<serde_json::Value>| {
            let line = usize::try_from(spanned.defined.line()).ok()?.checked_sub(1)?;
            let column = usize::try_from(spanned.defined.column()).ok()?.checked_sub(1)?;
            let start = *starts.get(line)?;
            let indent: usize = text[start..].chars().take(column).map(char::len_utf8).sum();
            Some((start, start + indent))
        };
        let refused =
            || format!("route \"{own}\": its {key} stands where it cannot be changed; write {key}: {value} by hand");
        let edit = match route.get(key) {
            Some(old) => {
                let (_, at) = place(old).ok_or_else(refused)?;
                let rest = &text[at..];
                let length = rest.find([',', '}', '#', '\n', '\r']).unwrap_or(rest.len());
                let old_text = rest[..length].trim_end();
                // What stands there must be what was read: a number or nothing.
                let same = yaml::<serde_json::Value>(old_text).is_ok_and(|v| v == old.value);
                if !same || !(old.value.is_number() || old.value.is_null()) || old_text.is_empty() {
                    return Err(refused());
                }
                (at, at + old_text.len(), written(*value))
            }
            None => {
                let (start, at) = place(name).ok_or_else(refused)?;
                let before = &text[start..at];
                let flow = before.contains('{');
                let Some(column) = before.rfind("name").filter(|_| !flow) else {
                    return Err(refused());
                };
                let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
                let end = end - usize::from(text[..end].ends_with('\r'));
                let column = column - usize::from(before[..column].ends_with(['"', '\'']));
                (end, end, format!("\n{}{key}: {}", " ".repeat(column), written(*value)))
            }
        };
        edits.push(edit);
    }
    edits.sort_by_key(|(start, ..)| std::cmp::Reverse(*start));
    let mut edited = text.to_owned();
    for (start, end, new) in edits {
        edited.replace_range(start..end, &new);
    }
    // Whatever the place of a number was taken for, the file must say it now.
    let again: File = yaml(&edited)?;
    for (own, value) in values {
        let told = again.routes.iter().any(|route| {
            route.get("name").is_some_and(|name| name.value == **own)
                && route.get(key).and_then(|v| v.value.as_f64()) == Some(*value)
        });
        if !told {
            return Err(format!("route \"{own}\": write {key}: {value} by hand"));
        }
    }
    Ok(edited)
}
