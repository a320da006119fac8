//! Rasa: the intents of `nlu.yml`. Its thresholds are elsewhere, at the `FallbackClassifier` in `config.yml`, and are for the probabilities of
//! another classifier: none are read or written.

use serde::Deserialize;

use super::syntax::Source;
use super::{Imported, ImportedRoute, listed};
use crate::routes::Routes;

#[derive(Deserialize)]
struct File {
    nlu: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    intent: Option<String>,
    examples: Option<Examples>,
}

/// Lines that begin with a dash, in one text or one by one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Examples {
    Lines(String),
    Each(Vec<Example>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Example {
    Text(String),
    Mapping { text: String },
}

pub(super) fn read(source: Source<'_>) -> Result<Imported, String> {
    let File { nlu: items } = source.read()?;
    let mut notes = vec![
        "Rasa's thresholds are in config.yml and for another classifier's probabilities: none are carried over"
            .to_owned(),
    ];
    let mut routes: Vec<ImportedRoute> = Vec::new();
    let mut others = 0_usize;
    let mut annotated = Vec::new();
    for item in items {
        let Some(name) = item.intent else {
            others += 1;
            continue;
        };
        let mut examples = Vec::new();
        for text in texts(&name, item.examples)? {
            let plain = without_entities(&text);
            if plain != text && annotated.last() != Some(&name) {
                annotated.push(name.clone());
            }
            examples.push(plain);
        }
        // An intent may be continued further down or in another file.
        match routes.iter_mut().find(|route| route.name == name) {
            Some(route) => route.examples.extend(examples),
            None => routes.push(ImportedRoute {
                name,
                examples,
                ..ImportedRoute::default()
            }),
        }
    }
    if others > 0 {
        notes.push(format!(
            "{others} entries that are no intents are left out (synonyms, look-up tables, regular expressions)"
        ));
    }
    if !annotated.is_empty() {
        let names: Vec<&str> = annotated.iter().map(String::as_str).collect();
        notes.push(format!("entities are read as their text: {}", listed(&names)));
    }
    Ok(Imported {
        routes,
        notes,
        ..Imported::default()
    })
}

/// Examples: a block of lines that begin with a dash, or a list of texts or of mappings with a text.
fn texts(intent: &str, examples: Option<Examples>) -> Result<Vec<String>, String> {
    let wrong = || format!("intent \"{intent}\": its examples are not all lines with a dash");
    let text = |line: &str| line.trim().strip_prefix("- ").map(|text| text.trim().to_owned());
    match examples {
        Some(Examples::Lines(block)) => {
            let lines = block
                .lines()
                .filter(|line| !line.trim().is_empty() && line.trim() != "-");
            lines.map(|line| text(line).ok_or_else(wrong)).collect()
        }
        Some(Examples::Each(all)) => Ok(all
            .into_iter()
            .map(|example| match example {
                Example::Text(text) => text,
                Example::Mapping { text: line } => text(&line).unwrap_or_else(|| line.trim().to_owned()),
            })
            .collect()),
        None => Ok(Vec::new()),
    }
}

/// `[Berlin](city)` and `[Berlin]{"entity": "city"}` as `Berlin`. Brackets that annotate nothing stay.
fn without_entities(text: &str) -> String {
    let entity = regex::Regex::new(r"\[([^\[\]]+)\](?:\([^()]*\)|\{[^{}]*\})").expect("a pattern of the program's own");
    entity.replace_all(text, "$1").into_owned()
}

/// What Rasa would read otherwise than it is written.
pub(super) fn changed(routes: &Routes) -> Option<String> {
    let read_otherwise = |example: &str| {
        let line = one_line(example);
        line != example || without_entities(&line) != line
    };
    let names: Vec<&str> = (routes.routes.iter())
        .filter(|route| route.examples.iter().any(|example| read_otherwise(example)))
        .map(|route| route.name.as_str())
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "an example is one line there, and [text](name) an entity: examples of {} are read otherwise",
            listed(&names)
        )
    })
}

/// A line is an example, so what has more than one cannot be one.
fn one_line(example: &str) -> String {
    example.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `nlu.yml` with one intent a route.
pub(super) fn print(routes: &Routes) -> Result<String, String> {
    let mut text = String::from("version: \"3.1\"\nnlu:\n");
    for route in &routes.routes {
        let name = serde_json::to_string(&route.name).map_err(|e| e.to_string())?;
        text.push_str(&format!("- intent: {name}\n  examples: |\n"));
        for example in &route.examples {
            text.push_str(&format!("    - {}\n", one_line(example)));
        }
    }
    Ok(text)
}
