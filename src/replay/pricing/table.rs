//! Prices by model: the snapshot that is shipped, or a file in our format or LiteLLM's.
//!
//! A model that is not in the table has no price, and a paid run refuses it. LiteLLM's table has zeros for models whose
//! price it does not know: such an entry is no price either.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::Price;
use crate::assets::sha256_hex;
use crate::error::{ErrorClass, Hint};

const SNAPSHOT: &str = include_str!("prices.toml");

/// Prices by model name.
#[derive(Debug, Clone)]
pub struct PriceTable {
    id: String,
    prices: BTreeMap<String, Price>,
}

/// Why a file of prices cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PriceError {
    /// It cannot be read.
    #[error("cannot read the prices {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is neither our format nor LiteLLM's.
    #[error("{}:{line}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line of the mistake.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

impl Hint for PriceError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Invalid { .. } => Some(
                "an entry looks like [models.\"gpt-4o\"] with input = 2.5 and output = 10 below it, in dollars per million \
                 tokens; LiteLLM's model_prices_and_context_window.json is read too"
                    .into(),
            ),
        }
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Input
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PricesFile {
    #[expect(dead_code, reason = "for people")]
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    date: Option<String>,
    models: BTreeMap<String, toml::Spanned<Price>>,
}

impl PriceTable {
    /// The prices that are shipped: OpenAI's, as of the date in their id.
    ///
    /// # Panics
    /// Never: a test reads them.
    pub fn snapshot() -> Self {
        Self::toml(SNAPSHOT, Path::new("prices.toml"), None).expect("the shipped prices are valid")
    }

    /// Reads a file in our format, or LiteLLM's JSON.
    ///
    /// # Errors
    /// [`PriceError`] with file and line.
    pub fn load(path: &Path) -> Result<Self, PriceError> {
        let text = std::fs::read_to_string(path).map_err(|source| PriceError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// As [`PriceTable::load`], of a text; `path` names it in errors and in the table's id.
    ///
    /// # Errors
    /// As [`PriceTable::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, PriceError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let id = format!("{name}:{}", &sha256_hex(text.as_bytes())[..12]);
        if text.trim_start().starts_with('{') {
            return Self::litellm(text, path, id);
        }
        Self::toml(text, path, Some(id))
    }

    /// The price of a model, and where it comes from.
    pub fn get(&self, model: &str) -> Option<(Price, String)> {
        let price = self.prices.get(model)?;
        Some((*price, self.id.clone()))
    }

    /// Names the table in records: the date of the snapshot, or the file with its hash.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn toml(text: &str, path: &Path, id: Option<String>) -> Result<Self, PriceError> {
        let file: PricesFile = toml::from_str(text).map_err(|e| PriceError::Invalid {
            path: path.to_owned(),
            line: crate::replay::models::line_of(text, e.span().map_or(0, |s| s.start)),
            message: e.message().to_owned(),
        })?;
        let mut prices = BTreeMap::new();
        for (model, price) in file.models {
            if let Some(problem) = price.as_ref().problem() {
                return Err(PriceError::Invalid {
                    path: path.to_owned(),
                    line: crate::replay::models::line_of(text, price.span().start),
                    message: format!("model \"{model}\": {problem}"),
                });
            }
            prices.insert(model, price.into_inner());
        }
        Ok(Self {
            id: id.unwrap_or_else(|| format!("routecal-{}", file.date.unwrap_or_default())),
            prices,
        })
    }

    fn litellm(text: &str, path: &Path, id: String) -> Result<Self, PriceError> {
        let invalid = |line, message| PriceError::Invalid {
            path: path.to_owned(),
            line,
            message,
        };
        let entries: BTreeMap<String, Value> =
            serde_json::from_str(text).map_err(|e| invalid(e.line(), e.to_string()))?;
        let mut prices = BTreeMap::new();
        for (model, entry) in entries {
            let per_million = |field: &str| entry.get(field)?.as_f64().map(|usd| usd * 1e6);
            let (Some(input), Some(output)) = (
                per_million("input_cost_per_token"),
                per_million("output_cost_per_token"),
            ) else {
                continue;
            };
            if input == 0.0 || model == "sample_spec" {
                continue;
            }
            let price = Price {
                input,
                cached_input: per_million("cache_read_input_token_cost"),
                cache_write: per_million("cache_creation_input_token_cost"),
                output,
                reasoning: per_million("output_cost_per_reasoning_token"),
                batch_input: per_million("input_cost_per_token_batches"),
                batch_output: per_million("output_cost_per_token_batches"),
            };
            if let Some(problem) = price.problem() {
                return Err(invalid(1, format!("model \"{model}\": {problem}")));
            }
            prices.insert(model, price);
        }
        if prices.is_empty() {
            return Err(invalid(
                1,
                "no entry has input_cost_per_token and output_cost_per_token".into(),
            ));
        }
        Ok(Self { id, prices })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, text: &str) -> Result<PriceTable, PriceError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        PriceTable::load(&path)
    }

    #[test]
    fn the_snapshot_knows_openais_models_and_no_others() {
        let table = PriceTable::snapshot();
        let (price, id) = table.get("gpt-4o").unwrap();
        assert_eq!((price.input, price.cached_input, price.output), (2.5, Some(1.25), 10.0));
        assert_eq!(id, "routecal-2026-11-25");
        assert!(table.get("gpt-4o-2031").is_none());
        assert!(table.prices.values().all(|p| !p.is_free()));
    }

    #[test]
    fn litellms_table_is_read_in_dollars_per_million_and_its_zeros_are_no_prices() {
        let table = load(
            "litellm.json",
            r#"{"sample_spec": {"input_cost_per_token": 0.1, "output_cost_per_token": 0.1},
                "m": {"input_cost_per_token": 2e-06, "cache_read_input_token_cost": 2e-07, "output_cost_per_token": 1e-05},
                "unknown": {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
                "embedding": {"input_cost_per_token": 1e-8}}"#,
        )
        .unwrap();
        let (price, id) = table.get("m").unwrap();
        assert!((price.input - 2.0).abs() < 1e-12 && (price.output - 10.0).abs() < 1e-12);
        assert!((price.cached_input.unwrap() - 0.2).abs() < 1e-12);
        assert!(id.starts_with("litellm.json:"));
        for absent in ["sample_spec", "unknown", "embedding"] {
            assert!(table.get(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let told = |text: &str| load("p.toml", text).unwrap_err().to_string();
        assert!(told("[models.m]\ninput = 1\noutput = 2\ncahed_input = 3\n").contains("p.toml:4: unknown field"));
        let negative = told("[models.a]\ninput = 1\noutput = 2\n\n[models.b]\ninput = -1\noutput = 2\n");
        assert!(
            negative.contains("p.toml:5: model \"b\": a price is a number of at least 0"),
            "{negative}"
        );
        assert!(
            load("p.json", "{\"m\": {}}")
                .unwrap_err()
                .to_string()
                .contains("no entry")
        );
        // An explicit zero is free: here somebody wrote it down.
        let free = load("p.toml", "[models.m]\ninput = 0\noutput = 0\n").unwrap();
        assert!(free.get("m").unwrap().0.is_free());
    }
}
