//! JSON and YAML as one kind of value.

use serde_json::Value;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// JSON, indented by four as Python's tools do.
    Json,
    /// YAML.
    Yaml,
}

impl Syntax {
    /// The text of a value.
    pub(super) fn print(self, value: &Value) -> Result<String, String> {
        match self {
            Self::Json => {
                let mut text = Vec::new();
                let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
                let mut printer = serde_json::Serializer::with_formatter(&mut text, indent);
                serde::Serialize::serialize(value, &mut printer).map_err(|e| e.to_string())?;
                String::from_utf8(text)
                    .map(|text| text + "\n")
                    .map_err(|e| e.to_string())
            }
            Self::Yaml => serde_saphyr::to_string(value).map_err(|e| e.to_string()),
        }
    }
}

/// Whether a text is meant to be JSON: YAML would take most of it too, but not every escape.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
}

/// YAML's booleans are `true` and `false` alone: an utterance `yes`, or `y`, is a text.
pub(super) fn yaml<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| e.to_string())
}

/// A file's text, to be read as whatever shape it has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'t> {
    text: &'t str,
    json: bool,
}

impl<'t> Source<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        Self {
            text,
            json: is_json(text),
        }
    }

    /// Straight into the shape: read as any value first, an utterance `1e-5` would be a number. Python's YAML takes it for a text.
    pub(super) fn read<T: serde::de::DeserializeOwned>(self) -> Result<T, String> {
        let read = if self.json {
            serde_json::from_str(self.text).map_err(|e| e.to_string())
        } else {
            yaml(self.text)
        };
        read.map_err(|message| {
            let line = message.lines().next().unwrap_or_default();
            line.strip_prefix("error: ").unwrap_or(line).to_owned()
        })
    }
}
