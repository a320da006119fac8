//! Puts thresholds into the text of routes.json and changes nothing else: comments of a reviewer's diff tool, key order,
//! indentation and line ends stay as they are.

use std::path::Path;

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};

use super::{RoutesError, Thresholds};

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The thresholds to write.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteThresholds {
    /// For every route without its own.
    pub global: Thresholds,
    /// One for each route, by name; empty removes every route's own.
    pub by_route: Vec<(String, Thresholds)>,
}

/// An example that a route gains or loses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Name of the route.
    pub route: String,
    /// The example.
    pub text: String,
    /// Whether the route has it afterwards.
    pub keep: bool,
}

/// The text of a routes file with examples added at the end of their routes' lists, or taken out of them.
///
/// # Errors
/// [`RoutesError::Edit`] where the text is no JSON object, lacks one of the routes, or an example that is to go.
pub fn with_examples(text: &str, path: &Path, changes: &[Example]) -> Result<String, RoutesError> {
    let fail = |message: String| RoutesError::Edit {
        path: path.to_owned(),
        message,
    };
    let (mark, root) = parse(text, path)?;
    let object = root
        .object_value()
        .ok_or_else(|| fail("it is not a JSON object".into()))?;
    let routes = object.object_value("routes").unwrap_or(object);
    for change in changes {
        let list = routes
            .object_value(&change.route)
            .and_then(|route| route.array_value("examples"))
            .ok_or_else(|| fail(format!("route \"{}\" has no list of examples", change.route)))?;
        if change.keep {
            list.append(CstInputValue::String(change.text.clone()));
            continue;
        }
        let is_it = |element: &CstNode| {
            let literal = element.as_string_lit();
            literal
                .and_then(|s| s.decoded_value().ok())
                .is_some_and(|s| s == change.text)
        };
        let found = list.elements().into_iter().find(is_it);
        let found =
            found.ok_or_else(|| fail(format!("route \"{}\" has no example \"{}\"", change.route, change.text)))?;
        found.remove();
    }
    Ok(format!("{mark}{root}"))
}

/// The byte order mark that editors on Windows may begin a file with, which is no JSON and stays, and what is behind it.
fn parse<'t>(text: &'t str, path: &Path) -> Result<(&'t str, CstRootNode), RoutesError> {
    let (mark, rest) = text
        .strip_prefix(BYTE_ORDER_MARK)
        .map_or(("", text), |rest| (&text[..BYTE_ORDER_MARK.len()], rest));
    let root = CstRootNode::parse(rest, &ParseOptions::default()).map_err(|e| RoutesError::Edit {
        path: path.to_owned(),
        message: e.to_string(),
    })?;
    Ok((mark, root))
}

/// The text of a routes file with other thresholds.
///
/// A bare mapping has no place for global thresholds: they are written into each route.
///
/// # Errors
/// [`RoutesError::Edit`] where the text is no JSON object or lacks one of the routes.
pub fn with_thresholds(text: &str, path: &Path, write: &WriteThresholds) -> Result<String, RoutesError> {
    let fail = |message: &str| RoutesError::Edit {
        path: path.to_owned(),
        message: message.to_owned(),
    };
    let (mark, root) = parse(text, path)?;
    let object = root.object_value().ok_or_else(|| fail("it is not a JSON object"))?;
    let full = object.get("routes").is_some() && object.object_value("routes").is_some();
    let routes = if full {
        set(&object, write.global, Some("routes"));
        object
            .object_value("routes")
            .ok_or_else(|| fail("\"routes\" is not an object"))?
    } else {
        object
    };
    for property in routes.properties() {
        let Some(name) = property.name().and_then(|n| n.decoded_value().ok()) else {
            continue;
        };
        let Some(route) = property.object_value() else {
            continue;
        };
        let own = write.by_route.iter().find(|(n, _)| *n == name).map(|(_, t)| *t);
        match own.or_else(|| (!full).then_some(write.global)) {
            Some(thresholds) => set(&route, thresholds, None),
            None => {
                if let Some(old) = route.get("thresholds") {
                    old.remove();
                }
            }
        }
    }
    Ok(format!("{mark}{root}"))
}

/// Replaces the two numbers in place, or adds the member (before the member `before`, else at the end).
fn set(object: &CstObject, thresholds: Thresholds, before: Option<&str>) {
    let number = |x: f64| CstInputValue::Number(x.to_string());
    if let Some(existing) = object.object_value("thresholds") {
        for (key, value) in [("threshold", thresholds.threshold()), ("gap", thresholds.gap())] {
            match existing.get(key) {
                Some(property) => property.set_value(number(value)),
                None => {
                    existing.append(key, number(value));
                }
            }
        }
        return;
    }
    let value = CstInputValue::Object(vec![
        ("threshold".into(), number(thresholds.threshold())),
        ("gap".into(), number(thresholds.gap())),
    ]);
    let index = before.and_then(|name| object.get(name)).map(|p| p.property_index());
    match index {
        Some(index) => object.insert(index, "thresholds", value),
        None => object.append("thresholds", value),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(threshold: f64, gap: f64, by_route: Vec<(String, Thresholds)>) -> WriteThresholds {
        WriteThresholds {
            global: Thresholds::new(threshold, gap).unwrap(),
            by_route,
        }
    }

    const FULL: &str = "{\r\n  \"encoder\" : \"x\",\n\t\"thresholds\": { \"threshold\": 0.35, \"gap\":0.02 },\n  \"routes\": {\n    \"a\": {\"model\": \"m\", \"examples\": [\"1\",   \"2\"]}\n  }\n}\n";

    #[test]
    fn only_the_two_numbers_change() {
        let out = with_thresholds(FULL, Path::new("r"), &write(0.2, 0.0, vec![])).unwrap();
        assert_eq!(out, FULL.replace("0.35", "0.2").replace("0.02", "0"));
        let marked = format!("{BYTE_ORDER_MARK}{FULL}");
        let edited = with_thresholds(&marked, Path::new("r"), &write(0.2, 0.0, vec![])).unwrap();
        assert_eq!(edited, format!("{BYTE_ORDER_MARK}{out}"));
    }

    #[test]
    fn thresholds_are_added_where_there_were_none_and_read_back() {
        let text = r#"{"routes": {"a": {"model": "m", "examples": ["1"]}, "b": {"model": "m", "examples": ["2"]}}}"#;
        let own = vec![("b".to_owned(), Thresholds::new(0.5, 0.1).unwrap())];
        let out = with_thresholds(text, Path::new("r"), &write(0.25, 0.01, own)).unwrap();
        let (routes, _) = crate::routes::Routes::parse(&out, Path::new("r")).unwrap();
        assert_eq!(routes.thresholds, Thresholds::new(0.25, 0.01).unwrap());
        assert_eq!(routes.thresholds_of(0), routes.thresholds);
        assert_eq!(routes.thresholds_of(1), Thresholds::new(0.5, 0.1).unwrap());
        let back = with_thresholds(&out, Path::new("r"), &write(0.25, 0.01, vec![])).unwrap();
        let (routes, _) = crate::routes::Routes::parse(&back, Path::new("r")).unwrap();
        assert_eq!(routes.routes[1].thresholds, None);
    }

    #[test]
    fn a_bare_mapping_takes_them_in_each_route() {
        let text = r#"{"a": {"model": "m", "examples": ["1"]}, "b": {"model": "m", "examples": ["2"]}}"#;
        let out = with_thresholds(text, Path::new("r"), &write(0.25, 0.01, vec![])).unwrap();
        let (routes, _) = crate::routes::Routes::parse(&out, Path::new("r")).unwrap();
        assert_eq!(routes.thresholds_of(1), Thresholds::new(0.25, 0.01).unwrap());
    }

    #[test]
    fn examples_come_and_go_and_nothing_else_changes() {
        let change = |route: &str, text: &str, keep| Example {
            route: route.into(),
            text: text.into(),
            keep,
        };
        let changes = [change("a", "a \"third\"", true), change("a", "1", false)];
        let edited = with_examples(FULL, Path::new("routes.json"), &changes).unwrap();
        let before: serde_json::Value = serde_json::from_str(FULL).unwrap();
        let mut after: serde_json::Value = serde_json::from_str(&edited).unwrap();
        assert_eq!(
            after["routes"]["a"]["examples"],
            serde_json::json!(["2", "a \"third\""])
        );
        after["routes"]["a"]["examples"] = before["routes"]["a"]["examples"].clone();
        assert_eq!(after, before);
        assert!(
            edited.starts_with("{\r\n  \"encoder\" : \"x\",\n\t\"thresholds\""),
            "{edited}"
        );
        for wrong in [change("b", "x", true), change("a", "3", false)] {
            assert!(with_examples(FULL, Path::new("routes.json"), &[wrong]).is_err());
        }
    }
}
