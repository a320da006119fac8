//! models.toml: one `[[model]]` a model.
//!
//! ```toml
//! [[model]]
//! name = "small"                           # as routes.json names it
//! model = "qwen3-4b-instruct"              # what the server calls it; the name where left out
//! base_url = "http://127.0.0.1:8080/v1"    # OpenAI's where left out
//! api_key_env = "LOCAL_KEY"                # "" for none; OPENAI_API_KEY where left out
//! rpm = 500                                # requests a minute
//! tpm = 200_000                            # tokens a minute
//! concurrency = 8
//! parameters = { temperature = 0, max_completion_tokens = 512 }
//! price = { input = 0.10, cached_input = 0.02, output = 0.40 }   # dollars per million tokens; 0 is free
//! ```

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ModelSpec, ModelsError};
use crate::endpoint::{Address, EndpointProblem, OPENAI_BASE_URL};
use crate::error::nearest;
use crate::replay::pricing::Price;

/// Parameters that are not the user's: what they would change is what a cell is.
const RESERVED: [(&str, &str); 5] = [
    ("model", "set it as the model's own key `model`"),
    ("messages", "they are the system prompt of the route and the prompt"),
    ("stream", "answers are taken whole"),
    ("stream_options", "answers are taken whole"),
    ("n", "several answers to a prompt are asked for with --samples"),
];
const BOUNDS: [&str; 2] = ["max_completion_tokens", "max_tokens"];

/// What holds for a model that says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// Address of a model without a description.
    pub base_url: String,
    /// Most tokens of an answer.
    pub max_completion_tokens: u32,
    /// Requests in flight at once.
    pub concurrency: u16,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            base_url: OPENAI_BASE_URL.into(),
            max_completion_tokens: 1024,
            concurrency: 4,
        }
    }
}

impl Defaults {
    /// A model that nothing is known of but its name.
    pub(super) fn spec(&self, name: &str) -> ModelSpec {
        let mut parameters = Map::new();
        parameters.insert(BOUNDS[0].into(), self.max_completion_tokens.into());
        ModelSpec {
            name: name.to_owned(),
            provider: provider_of(&self.base_url),
            model: name.to_owned(),
            base_url: self.base_url.clone(),
            api_key_env: Some("OPENAI_API_KEY".into()),
            parameters,
            max_output: self.max_completion_tokens.into(),
            price: None,
            rpm: None,
            tpm: None,
            concurrency: self.concurrency,
        }
    }
}

/// `openai`, or the host.
fn provider_of(base_url: &str) -> String {
    if base_url == OPENAI_BASE_URL {
        return "openai".into();
    }
    Address::parse(base_url).map_or_else(|_| "unknown".into(), |a| a.host)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    #[serde(default)]
    model: Vec<toml::Spanned<Entry>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    provider: Option<String>,
    model: Option<String>,
    base_url: Option<String>,
    api_key_env: Option<String>,
    #[serde(default)]
    parameters: toml::Table,
    price: Option<Price>,
    rpm: Option<u32>,
    tpm: Option<u32>,
    concurrency: Option<u16>,
}

/// A models file, checked.
#[derive(Debug, Clone)]
pub struct ModelsFile {
    path: PathBuf,
    models: IndexMap<String, ModelSpec>,
}

impl ModelsFile {
    /// Checks text; `path` is only named in errors.
    ///
    /// # Errors
    /// [`ModelsError::Invalid`] with the line.
    pub fn parse(text: &str, path: &Path, defaults: &Defaults) -> Result<Self, ModelsError> {
        let invalid = |at: usize, message: String, hint: Option<String>| ModelsError::Invalid {
            path: path.to_owned(),
            line: line_of(text, at),
            message,
            hint,
        };
        let root: Root = toml::from_str(text).map_err(|e| {
            let message = e.message().to_owned();
            let hint = key_hint(&message);
            invalid(e.span().map_or(0, |s| s.start), message, hint)
        })?;
        if root.model.is_empty() {
            let hint = "write [[model]] with name = \"…\" below it, once for each model";
            return Err(invalid(0, "there is no model".into(), Some(hint.into())));
        }
        let mut models = IndexMap::new();
        for entry in root.model {
            let at = entry.span().start;
            let spec = spec(entry.into_inner(), defaults).map_err(|(message, hint)| invalid(at, message, hint))?;
            if models.contains_key(&spec.name) {
                return Err(invalid(at, format!("the model \"{}\" stands twice", spec.name), None));
            }
            models.insert(spec.name.clone(), spec);
        }
        Ok(Self {
            path: path.to_owned(),
            models,
        })
    }

    /// The model of that name.
    pub fn get(&self, name: &str) -> Option<&ModelSpec> {
        self.models.get(name)
    }

    /// Every name, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

type Problem = (String, Option<String>);

fn spec(entry: Entry, defaults: &Defaults) -> Result<ModelSpec, Problem> {
    let name = entry.name.trim().to_owned();
    let problem = |message: String, hint: &str| (format!("model \"{name}\": {message}"), Some(hint.to_owned()));
    if name.is_empty() {
        return Err(("a model has no name".into(), None));
    }
    let base_url = entry.base_url.unwrap_or_else(|| OPENAI_BASE_URL.into());
    let address = Address::parse(&base_url).map_err(|p| match p {
        EndpointProblem::Credentials => problem(
            "the base_url holds a user name, a password or a query".into(),
            "take it out of the address and name the variable with the key: api_key_env = \"…\"",
        ),
        _ => problem(
            "the base_url is no http(s) address".into(),
            "write an address such as base_url = \"http://127.0.0.1:8080/v1\"",
        ),
    })?;
    let api_key_env = entry.api_key_env.unwrap_or_else(|| "OPENAI_API_KEY".into());
    let like_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !api_key_env.chars().all(like_a_name) {
        // The text itself is not shown: it may be a key.
        return Err(problem(
            "api_key_env is no name of an environment variable".into(),
            "name the variable that holds the key, such as api_key_env = \"OPENAI_API_KEY\"; the key itself stands in no file",
        ));
    }
    if let Some(message) = entry.price.and_then(|p| p.problem()) {
        return Err(problem(message, "prices are in dollars per million tokens; 0 is free"));
    }
    for (key, number) in [
        ("rpm", entry.rpm),
        ("tpm", entry.tpm),
        ("concurrency", entry.concurrency.map(u32::from)),
    ] {
        if number == Some(0) {
            return Err(problem(format!("{key} is 0"), "leave it out for no limit"));
        }
    }
    let (parameters, max_output) = parameters(entry.parameters, defaults)
        .map_err(|(message, hint)| (format!("model \"{name}\": {message}"), hint))?;
    Ok(ModelSpec {
        provider: entry.provider.unwrap_or_else(|| provider_of(&address.base_url)),
        model: entry.model.unwrap_or_else(|| name.clone()),
        base_url: address.base_url,
        api_key_env: Some(api_key_env).filter(|v| !v.is_empty()),
        parameters,
        max_output,
        price: entry.price.map(|p| (p, "models.toml".to_owned())),
        rpm: entry.rpm,
        tpm: entry.tpm,
        concurrency: entry.concurrency.unwrap_or(defaults.concurrency),
        name,
    })
}

/// Parameters as they are sent, and the most tokens that they let out.
fn parameters(table: toml::Table, defaults: &Defaults) -> Result<(Map<String, Value>, u64), Problem> {
    let mut parameters = Map::new();
    for (key, value) in table {
        if let Some((_, why)) = RESERVED.iter().find(|(reserved, _)| *reserved == key) {
            return Err((format!("the parameter {key} cannot be set: {why}"), None));
        }
        let value = serde_json::to_value(&value).map_err(|e| (format!("the parameter {key}: {e}"), None))?;
        parameters.insert(key, value);
    }
    let set: Vec<&str> = BOUNDS.into_iter().filter(|b| parameters.contains_key(*b)).collect();
    let max_output = match set.as_slice() {
        [] => {
            parameters.insert(BOUNDS[0].into(), defaults.max_completion_tokens.into());
            u64::from(defaults.max_completion_tokens)
        }
        [bound] => parameters[*bound].as_u64().filter(|n| *n > 0).ok_or_else(|| {
            let hint = format!("write a whole number of tokens: {bound} = 1024");
            (format!("{bound} is {}", parameters[*bound]), Some(hint))
        })?,
        _ => {
            let hint = "keep the one that the server knows: OpenAI's is max_completion_tokens";
            return Err((
                "both max_completion_tokens and max_tokens are set".into(),
                Some(hint.into()),
            ));
        }
    };
    Ok((parameters, max_output))
}

/// 1-based line of a byte.
pub(crate) fn line_of(text: &str, byte: usize) -> usize {
    text.as_bytes()[..byte.min(text.len())].split(|b| *b == b'\n').count()
}

/// The valid key nearest to an unknown one; the message names them all.
fn key_hint(message: &str) -> Option<String> {
    let mut quoted = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let typed = quoted.next()?;
    let valid: Vec<&str> = quoted.collect();
    Some(nearest(typed, valid.iter().copied()).map_or_else(
        || {
            format!(
                "the keys here are {}; what is sent with a call stands in parameters",
                valid.join(", ")
            )
        },
        |name| format!("did you mean {name}?"),
    ))
}
