//! Whom to ask: the models of a run, with address, key variable, parameters, price and limits.

mod error;
mod file;

pub use error::ModelsError;
pub(crate) use file::line_of;
pub use file::{Defaults, ModelsFile};

use std::path::Path;

use serde_json::{Map, Value};

use super::pricing::{Price, PriceTable};
use crate::assets::sha256_hex;
use crate::endpoint::OPENAI_BASE_URL;
use crate::error::nearest;

/// One model of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// As routes.json names it.
    pub name: String,
    /// Label of the provider; part of what names a cell.
    pub provider: String,
    /// Model name that is sent.
    pub model: String,
    /// Address up to and without `/chat/completions`.
    pub base_url: String,
    /// Environment variable with the key; nothing for a server that wants none.
    pub api_key_env: Option<String>,
    /// What is sent beside model and messages, with a bound for the answer among it.
    pub parameters: Map<String, Value>,
    /// Most tokens of an answer, as the parameters say.
    pub max_output: u64,
    /// Price and where it comes from; a model without one is not asked.
    pub price: Option<(Price, String)>,
    /// Requests a minute.
    pub rpm: Option<u32>,
    /// Tokens a minute, counted as providers do: input and the most that may come out.
    pub tpm: Option<u32>,
    /// Requests in flight at once, at the most.
    pub concurrency: u16,
}

impl ModelSpec {
    /// Hash of the parameters, whatever their order.
    pub fn params_sha256(&self) -> String {
        sha256_hex(canonical(&Value::Object(self.parameters.clone())).as_bytes())
    }
}

/// JSON with the keys of every object sorted, without spaces: equal documents, equal text.
pub(crate) fn canonical(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                let mut entries: Vec<_> = object.iter().collect();
                entries.sort_unstable_by_key(|(key, _)| key.as_str());
                entries.into_iter().map(|(key, v)| (key.clone(), sorted(v))).collect()
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}

/// The models of a run: those of `wanted`, or where it is empty those that `routed` names, in that order, each once.
///
/// A model that the file does not describe is taken for one of OpenAI's (or of the server at `defaults.base_url`). With a
/// file, only if it is known to be OpenAI's: a name with a typing error must not end up there.
///
/// # Errors
/// [`ModelsError::Unknown`] with the nearest name there is.
pub fn resolve(
    file: Option<&ModelsFile>,
    routed: &[String],
    wanted: &[String],
    prices: Option<&PriceTable>,
    defaults: &Defaults,
) -> Result<Vec<ModelSpec>, ModelsError> {
    let snapshot = PriceTable::snapshot();
    let names = if wanted.is_empty() { routed } else { wanted };
    let mut specs: Vec<ModelSpec> = Vec::new();
    for name in names {
        if specs.iter().any(|s| s.name == *name) {
            continue;
        }
        let described = file.and_then(|f| f.get(name));
        let foreign = match file {
            Some(_) => snapshot.get(name).is_none(),
            None => !routed.contains(name) && snapshot.get(name).is_none(),
        };
        if described.is_none() && foreign {
            let known = routed.iter().map(String::as_str);
            let known = known.chain(file.into_iter().flat_map(ModelsFile::names));
            return Err(ModelsError::Unknown {
                name: name.clone(),
                file: file.map(|f| f.path().to_owned()),
                nearest: nearest(name, known.filter(|k| k != name)).map(str::to_owned),
            });
        }
        let mut spec = described.cloned().unwrap_or_else(|| defaults.spec(name));
        // What a person wrote down goes first; the snapshot holds for the provider it was taken from alone.
        spec.price = spec
            .price
            .or_else(|| prices.and_then(|p| p.get(&spec.name).or_else(|| p.get(&spec.model))))
            .or_else(|| {
                (spec.base_url == OPENAI_BASE_URL)
                    .then(|| snapshot.get(&spec.model))
                    .flatten()
            });
        specs.push(spec);
    }
    Ok(specs)
}

/// Reads a models file.
///
/// # Errors
/// [`ModelsError`] with file and line.
pub fn load(path: &Path, defaults: &Defaults) -> Result<ModelsFile, ModelsError> {
    let text = std::fs::read_to_string(path).map_err(|source| ModelsError::Read {
        path: path.to_owned(),
        source,
    })?;
    ModelsFile::parse(&text, path, defaults)
}

#[cfg(test)]
mod tests;
