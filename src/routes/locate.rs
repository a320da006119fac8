//! The line of a value in JSON text, by its path: serde drops positions once a value is read, validation needs them.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// One step into a JSON value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    /// Member of an object.
    Key(&'a str),
    /// Element of an array.
    Index(usize),
}

/// Positions in one JSON text.
pub(crate) struct Locator<'t> {
    text: &'t str,
    root: Option<Value<'t>>,
}

impl<'t> Locator<'t> {
    /// Parses `text`, which `serde_json` has accepted.
    pub(crate) fn new(text: &'t str) -> Self {
        let root = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default())
            .ok()
            .and_then(|parsed| parsed.value);
        Self { text, root }
    }

    /// 1-based line on which the value at `path` starts; of the deepest part of the path that exists.
    pub(crate) fn line(&self, path: &[Step<'_>]) -> usize {
        let Some(mut value) = self.root.as_ref() else {
            return 1;
        };
        let mut start = value.start();
        for step in path {
            let next = match (step, value) {
                (Step::Key(key), Value::Object(object)) => object.get(key).map(|property| {
                    start = property.start();
                    &property.value
                }),
                (Step::Index(i), Value::Array(array)) => array.elements.get(*i).inspect(|v| {
                    start = v.start();
                }),
                _ => None,
            };
            let Some(next) = next else { break };
            value = next;
        }
        self.line_at(start)
    }

    fn line_at(&self, offset: usize) -> usize {
        let end = offset.min(self.text.len());
        self.text.as_bytes()[..end].split(|b| *b == b'\n').count()
    }

    /// The first key that an object holds twice, with its line: serde would silently keep the last one.
    pub(crate) fn duplicate_key(&self) -> Option<(String, usize)> {
        self.root.as_ref().and_then(|root| self.duplicate_in(root))
    }

    fn duplicate_in(&self, value: &Value<'t>) -> Option<(String, usize)> {
        match value {
            Value::Object(object) => self.duplicate_in_object(object),
            Value::Array(array) => array.elements.iter().find_map(|v| self.duplicate_in(v)),
            _ => None,
        }
    }

    fn duplicate_in_object(&self, object: &Object<'t>) -> Option<(String, usize)> {
        let mut seen = std::collections::HashSet::new();
        for property in &object.properties {
            let name = property.name.as_str();
            if !seen.insert(name) {
                return Some((name.to_owned(), self.line_at(property.start())));
            }
            if let Some(found) = self.duplicate_in(&property.value) {
                return Some(found);
            }
        }
        None
    }
}

/// The line of a route and of each of its examples.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RouteLines {
    pub(crate) route: usize,
    pub(crate) examples: Vec<usize>,
}

/// 1-based lines of every route of `names`, in their order, in the text of a valid routes file. O(text).
pub(crate) fn route_lines(text: &str, names: &[String]) -> Vec<RouteLines> {
    let locator = Locator::new(text);
    let ends: Vec<usize> = text
        .bytes()
        .enumerate()
        .filter(|(_, b)| *b == b'\n')
        .map(|(at, _)| at)
        .collect();
    let line = |start: usize| ends.partition_point(|end| *end < start) + 1;
    let Some(Value::Object(root)) = &locator.root else {
        return vec![RouteLines::default(); names.len()];
    };
    // The full shape has the routes under one key; a bare mapping is them.
    let routes = match root.get("routes").map(|property| &property.value) {
        Some(Value::Object(inner)) if names.iter().all(|name| inner.get(name).is_some()) => inner,
        _ => root,
    };
    let of_route = |name: &String| {
        let Some(property) = routes.get(name) else {
            return RouteLines::default();
        };
        let examples = match &property.value {
            Value::Object(route) => route.get("examples").map(|examples| &examples.value),
            _ => None,
        };
        let examples = match examples {
            Some(Value::Array(array)) => array.elements.iter().map(|example| line(example.start())).collect(),
            _ => Vec::new(),
        };
        RouteLines {
            route: line(property.start()),
            examples,
        }
    };
    names.iter().map(of_route).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_found_in_both_shapes() {
        let bare = "{\n \"a\": { \"model\": \"m\",\n  \"examples\": [\"x\",\n   \"y\"] },\n \"routes\": {\"model\": \"m\", \"examples\": [\"z\"]}\n}";
        let names = ["a".to_owned(), "routes".to_owned()];
        let expected = [(2, vec![3, 4]), (5, vec![5])].map(|(route, examples)| RouteLines { route, examples });
        assert_eq!(route_lines(bare, &names), expected);
        let full = format!("{{\n\"routes\":\n{bare}\n}}");
        let shifted = expected.map(|lines| RouteLines {
            route: lines.route + 2,
            examples: lines.examples.iter().map(|line| line + 2).collect(),
        });
        assert_eq!(route_lines(&full, &names), shifted);
    }
}
