//! A router in a file: everything a prompt's route depends on, and what made it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Centroids, RouterError};
use crate::encode::{EncoderIdentity, Vectors};
use crate::routes::{Route, Routes, Scoring, Target, Thresholds};

/// Schema version of router files.
pub const ARTEFACT_VERSION: u64 = 1;

/// A built router. Vectors are little-endian f32 in base64, so that they come back bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "routecal router")]
pub struct RouterArtefact {
    /// Always `router`.
    pub kind: String,
    /// Schema version, see [`ARTEFACT_VERSION`].
    pub schema_version: u64,
    /// Version of the program that wrote it.
    pub tool_version: String,
    /// Encoder of the vectors.
    pub encoder: EncoderIdentity,
    /// What `--encoder` opens it by, as it was typed: the identity names a folder without its path, and two models of the
    /// catalogue can share a repository.
    pub encoder_name: String,
    /// [`Routes::fingerprint`] of the routes it was built from.
    pub routes_sha256: String,
    /// sha256 of all vectors in order: one damaged byte is noticed.
    pub vectors_sha256: String,
    /// Scoring rule of routes.json; "centroid" in files of versions that knew no other.
    #[serde(default = "centroid")]
    scoring: String,
    fallback: TargetFile,
    thresholds: ThresholdsFile,
    routes: IndexMap<String, RouteFile>,
    /// Examples of no route, where the scoring rule learns from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    out_of_domain: Option<OutsideFile>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OutsideFile {
    examples: Vec<String>,
    /// As those of a route.
    vectors: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TargetFile {
    model: String,
    system_prompt: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ThresholdsFile {
    threshold: f64,
    gap: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RouteFile {
    model: String,
    system_prompt: String,
    thresholds: Option<ThresholdsFile>,
    examples: Vec<String>,
    /// The examples' vectors, one base64 text each; the centroid is their mean.
    vectors: Vec<String>,
}

fn centroid() -> String {
    Scoring::Centroid.to_string()
}

impl From<Thresholds> for ThresholdsFile {
    fn from(t: Thresholds) -> Self {
        Self {
            threshold: t.threshold(),
            gap: t.gap(),
        }
    }
}

impl RouterArtefact {
    /// Packs a router; `encoder_name` is what [`crate::encode::open`] was given.
    pub fn new(routes: &Routes, encoder_name: &str, encoder: &EncoderIdentity, centroids: &Centroids) -> Self {
        let mut rows = centroids.examples().rows();
        let files = routes
            .routes
            .iter()
            .map(|route| {
                let vectors = rows.by_ref().take(route.examples.len()).map(pack).collect();
                let file = RouteFile {
                    model: route.target.model.clone(),
                    system_prompt: route.target.system_prompt.clone(),
                    thresholds: route.thresholds.map(Into::into),
                    examples: route.examples.clone(),
                    vectors,
                };
                (route.name.clone(), file)
            })
            .collect();
        Self {
            kind: "router".into(),
            schema_version: ARTEFACT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").into(),
            encoder: encoder.clone(),
            encoder_name: encoder_name.to_owned(),
            routes_sha256: routes.fingerprint(),
            vectors_sha256: vectors_sha256(centroids),
            scoring: routes.scoring.to_string(),
            fallback: TargetFile {
                model: routes.fallback.model.clone(),
                system_prompt: routes.fallback.system_prompt.clone(),
            },
            thresholds: routes.thresholds.into(),
            routes: files,
            out_of_domain: centroids.outside().map(|outside| OutsideFile {
                examples: routes.out_of_domain.clone(),
                vectors: outside.rows().map(pack).collect(),
            }),
        }
    }

    /// Reads a router file's text; `file` is only named in errors.
    ///
    /// # Errors
    /// [`RouterError::Version`] for another schema version, [`RouterError::Artefact`] for anything else that is wrong.
    pub fn parse(text: &str, file: &str) -> Result<Self, RouterError> {
        let bad = |message: String| RouterError::Artefact {
            file: file.to_owned(),
            message,
        };
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| bad(format!("not valid JSON: {e}")))?;
        if value["kind"] != "router" {
            return Err(bad("it has no \"kind\": \"router\"".into()));
        }
        let found = value["schema_version"].as_u64().unwrap_or_default();
        if found != ARTEFACT_VERSION {
            return Err(RouterError::Version {
                file: file.to_owned(),
                found,
                expected: ARTEFACT_VERSION,
            });
        }
        serde_json::from_value(value).map_err(|e| bad(e.to_string()))
    }

    /// Unpacks the router.
    ///
    /// # Errors
    /// [`RouterError::Artefact`] where vectors, checksums or thresholds do not hold together.
    pub fn unpack(&self, file: &str) -> Result<(Routes, Centroids), RouterError> {
        let bad = |message: String| RouterError::Artefact {
            file: file.to_owned(),
            message,
        };
        let check = |t: ThresholdsFile| Thresholds::new(t.threshold, t.gap).map_err(bad);
        let mut rows = Vec::new();
        let mut routes = Vec::new();
        for (name, route) in &self.routes {
            if route.examples.is_empty() || route.examples.len() != route.vectors.len() {
                return Err(bad(format!(
                    "route \"{name}\" has {} examples and {} vectors",
                    route.examples.len(),
                    route.vectors.len()
                )));
            }
            for packed in &route.vectors {
                rows.push(
                    unpack(packed).ok_or_else(|| bad(format!("a vector of route \"{name}\" is no base64 of f32")))?,
                );
            }
            routes.push(Route {
                name: name.clone(),
                target: Target {
                    model: route.model.clone(),
                    system_prompt: route.system_prompt.clone(),
                },
                examples: route.examples.clone(),
                thresholds: route.thresholds.map(check).transpose()?,
            });
        }
        if routes.is_empty() {
            return Err(bad("it has no routes".into()));
        }
        let own = rows.len();
        let mut out_of_domain = Vec::new();
        if let Some(outside) = &self.out_of_domain {
            for packed in &outside.vectors {
                rows.push(unpack(packed).ok_or_else(|| bad("an out-of-domain vector is no base64 of f32".into()))?);
            }
            if outside.examples.len() != outside.vectors.len() {
                return Err(bad("its out-of-domain examples and vectors differ in number".into()));
            }
            out_of_domain.clone_from(&outside.examples);
        }
        let vectors = Vectors::new(&rows).map_err(|e| bad(e.to_string()))?;
        let routes = Routes {
            encoder: Some(self.encoder_name.clone()),
            scoring: self.scoring.parse().map_err(&bad)?,
            fallback: Target {
                model: self.fallback.model.clone(),
                system_prompt: self.fallback.system_prompt.clone(),
            },
            thresholds: check(self.thresholds)?,
            routes,
            out_of_domain,
            prices: std::collections::BTreeMap::default(),
        };
        if routes.fingerprint() != self.routes_sha256 {
            return Err(bad("its routes were changed after it was built".into()));
        }
        let centroids =
            Centroids::new(vectors.slice(0, own), &routes.sizes())?.with_outside(vectors.slice(own, rows.len()));
        if vectors_sha256(&centroids) != self.vectors_sha256 {
            return Err(bad("its vectors were changed after it was built".into()));
        }
        Ok((routes, centroids))
    }
}

fn vectors_sha256(centroids: &Centroids) -> String {
    let outside = centroids.outside().into_iter().flat_map(Vectors::rows);
    let rows = centroids.examples().rows().chain(outside);
    let bytes: Vec<u8> = rows.flatten().flat_map(|x| x.to_le_bytes()).collect();
    crate::assets::sha256_hex(&bytes)
}

pub(crate) fn pack(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

pub(crate) fn unpack(text: &str) -> Option<Vec<f32>> {
    let bytes = STANDARD.decode(text).ok()?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    rest.is_empty()
        .then(|| numbers.iter().map(|b| f32::from_le_bytes(*b)).collect())
}
