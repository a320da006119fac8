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
