//! What a vector depends on besides its text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Precision;
use crate::assets::sha256_hex;

/// Identity of an encoder. Vectors of two identities are never mixed: not in the cache, not in a router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncoderIdentity {
    /// Name on the command line, such as `all-MiniLM-L6-v2`.
    pub model: String,
    /// Number format of the weights, such as `fp32`; `remote` where the provider does not say.
    pub precision: String,
    /// sha256 of the weights, where there is a file.
    pub weights_sha256: Option<String>,
    /// sha256 of the tokenizer, where there is a file.
    pub tokenizer_sha256: Option<String>,
    /// Tokens read; the rest of a longer text is cut off. `null` where the provider does not say.
    pub max_length: Option<usize>,
    /// `mean` or `cls`.
    pub pooling: String,
    /// Length of a vector, where it is known before the first one.
    pub dimension: Option<usize>,
    /// Address of a remote encoder other than the provider's own.
    pub endpoint: Option<String>,
}

impl EncoderIdentity {
    /// The name for people: the model, with its precision where that is not the usual one of a model of that name, as in
    /// `all-MiniLM-L6-v2@int8`.
    pub fn label(&self) -> String {
        if self.precision == Precision::Int8.name() {
            format!("{}@{}", self.model, self.precision)
        } else {
            self.model.clone()
        }
    }

    /// sha256 of all fields, in hex.
    ///
    /// # Panics
    /// Never: plain fields always serialise.
    pub fn fingerprint(&self) -> String {
        sha256_hex(&serde_json::to_vec(self).expect("plain fields always serialise"))
    }

    /// The first field in which two identities differ, as `name: a, b`.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let fields = |i: &Self| serde_json::to_value(i).ok();
        let (a, b) = (fields(self)?, fields(other)?);
        let (a, b) = (a.as_object()?, b.as_object()?);
        a.iter()
            .find(|(key, value)| b.get(*key) != Some(value))
            .map(|(key, value)| format!("{key}: {value}, {}", b[key]))
    }
}
