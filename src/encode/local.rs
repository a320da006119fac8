//! A folder with an ONNX model and its tokenizer, as `optimum-cli export onnx` or a model hub download leaves it.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use fastembed::{Pooling, TokenizerFiles, UserDefinedEmbeddingModel};
use serde_json::{Value, json};

use super::{EncodeError, EncoderIdentity};
use crate::assets::sha256_file;

/// Tokens read where the folder does not say.
const DEFAULT_MAX_LENGTH: usize = 512;

/// The files of a local model, found but not read.
pub(super) struct LocalModel {
    onnx: PathBuf,
    weights: Vec<ExternalFile>,
    tokenizer: PathBuf,
    pad_token: String,
    pad_id: Option<u64>,
    max_length: usize,
    pooling: Pooling,
}

impl LocalModel {
    /// Finds the files and computes the identity.
    pub(super) fn open(folder: &Path) -> Result<(Self, EncoderIdentity), EncodeError> {
        let missing = |what: &str| EncodeError::Folder {
            path: folder.to_owned(),
            message: format!("no {what} in this folder"),
        };
        let first = |names: &[&str]| names.iter().map(|n| folder.join(n)).find(|p| p.is_file());
        let onnx = first(&["model.onnx", "onnx/model.onnx"]).ok_or_else(|| missing("model.onnx"))?;
        let weights = external_weights(&onnx)?;
        let tokenizer = first(&["tokenizer.json"]).ok_or_else(|| missing("tokenizer.json"))?;
        let config = json_file(&folder.join("config.json"))?;
        let tokenizer_config = json_file(&folder.join("tokenizer_config.json"))?;
        let sentence_config = json_file(&folder.join("sentence_bert_config.json"))?;
        let pooling_config = json_file(&folder.join("1_Pooling/config.json"))?;

        let pad = &tokenizer_config["pad_token"];
        let pad_token = pad.as_str().or_else(|| pad["content"].as_str()).unwrap_or("[PAD]");
        let max_length = [
            &sentence_config["max_seq_length"],
            &tokenizer_config["model_max_length"],
            &config["max_position_embeddings"],
        ]
        .into_iter()
        .filter_map(Value::as_u64)
        .filter_map(|n| usize::try_from(n).ok())
        // Some tokenizers state a number like 10^30 for "no limit".
        .find(|n| (1..1 << 20).contains(n))
        .unwrap_or(DEFAULT_MAX_LENGTH);
        let cls = pooling_config["pooling_mode_cls_token"] == json!(true);
        refuse_other_pooling(folder, &pooling_config)?;

        let sum = |path: &Path| {
            sha256_file(path)
                .map(|(sum, _)| sum)
                .map_err(|source| EncodeError::Folder {
                    path: path.to_owned(),
                    message: source.to_string(),
                })
        };
        let mut weights_sha256 = sum(&onnx)?;
        for file in &weights {
            weights_sha256 = crate::assets::sha256_hex(format!("{weights_sha256}{}", sum(&file.path)?).as_bytes());
        }
        let identity = EncoderIdentity {
            model: folder.file_name().map_or_else(
                || folder.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
            precision: "onnx".into(),
            weights_sha256: Some(weights_sha256),
            tokenizer_sha256: Some(sum(&tokenizer)?),
            max_length: Some(max_length),
            pooling: if cls { "cls" } else { "mean" }.into(),
            dimension: None,
            endpoint: None,
        };
        let model = Self {
            onnx,
            weights,
            tokenizer,
            pad_token: pad_token.to_owned(),
            pad_id: config["pad_token_id"].as_u64(),
            max_length,
            pooling: if cls { Pooling::Cls } else { Pooling::Mean },
        };
        Ok((model, identity))
    }

    /// Reads the files.
    pub(super) fn read(&self) -> Result<UserDefinedEmbeddingModel, EncodeError> {
        let config = self
            .pad_id
            .map_or_else(|| json!({}), |id| json!({ "pad_token_id": id }));
        let files = TokenizerFiles {
            tokenizer_file: bytes(&self.tokenizer)?,
            config_file: config.to_string().into(),
            // See `onnx`: the tokenizer file has the special tokens.
            special_tokens_map_file: b"{}".to_vec(),
            tokenizer_config_file: json!({
                "model_max_length": self.max_length,
                "pad_token": self.pad_token,
            })
            .to_string()
            .into(),
        };
        let mut model = UserDefinedEmbeddingModel::new(bytes(&self.onnx)?, files).with_pooling(self.pooling.clone());
        for file in &self.weights {
            model = model.with_external_initializer(file.name.clone(), bytes(&file.path)?);
        }
        Ok(model)
    }
}

/// Mean and CLS pooling are what is computed here; silently computing another than the model's would be wrong.
fn refuse_other_pooling(folder: &Path, config: &Value) -> Result<(), EncodeError> {
    const KNOWN: [&str; 2] = ["pooling_mode_cls_token", "pooling_mode_mean_tokens"];
    let other = config.as_object().into_iter().flatten().find(|(key, value)| {
        key.starts_with("pooling_mode_") && **value == json!(true) && !KNOWN.contains(&key.as_str())
    });
    match other {
        None => Ok(()),
        Some((key, _)) => Err(EncodeError::Folder {
            path: folder.join("1_Pooling/config.json"),
            message: format!("\"{key}\" is not supported, only mean and CLS pooling are"),
        }),
    }
}

/// A file of weights that the graph names.
struct ExternalFile {
    /// As the graph names it.
    name: String,
    path: PathBuf,
}

/// The files beside the graph that hold its weights, where the graph names some, by name.
///
/// An external tensor carries the entry `location` → name, which is read off the bytes here: ONNX Runtime would look for
/// a file that is not handed to it in the working folder of the process, and take whatever lies there.
fn external_weights(onnx: &Path) -> Result<Vec<ExternalFile>, EncodeError> {
    // In protobuf: field 1, 8 bytes, the key; field 2, whose length and bytes follow.
    const LOCATION: &[u8] = b"\x0a\x08location\x12";
    let graph = bytes(onnx)?;
    let names: BTreeSet<&[u8]> = graph
        .windows(LOCATION.len())
        .enumerate()
        .filter(|(_, window)| *window == LOCATION)
        .filter_map(|(at, _)| graph[at + LOCATION.len()..].split_first())
        // A length of 128 or more takes two bytes, and names no file that an exporter would write.
        .filter_map(|(length, rest)| rest.get(..usize::from(*length)).filter(|_| *length < 128))
        .collect();
    names.into_iter().map(|name| external_file(onnx, name)).collect()
}

fn external_file(onnx: &Path, name: &[u8]) -> Result<ExternalFile, EncodeError> {
    let name = String::from_utf8_lossy(name).into_owned();
    let path = onnx.with_file_name(&name);
    let inside = Path::new(&name)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let problem = if !inside {
        "the graph names a file outside its folder for its weights"
    } else if path.is_file() {
        return Ok(ExternalFile { name, path });
    } else {
        "the graph names this file for its weights, but it is not there"
    };
    Err(EncodeError::Folder {
        path,
        message: problem.into(),
    })
}

fn bytes(path: &Path) -> Result<Vec<u8>, EncodeError> {
    std::fs::read(path).map_err(|e| EncodeError::Folder {
        path: path.to_owned(),
        message: e.to_string(),
    })
}

/// A JSON file, or null where there is none.
fn json_file(path: &Path) -> Result<Value, EncodeError> {
    if !path.is_file() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&bytes(path)?).map_err(|e| EncodeError::Folder {
        path: path.to_owned(),
        message: format!("not valid JSON: {e}"),
    })
}
