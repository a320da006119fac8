//! Models of fastembed's catalogue: fetched from the model hub through fastembed, which reads their files itself.

use std::path::PathBuf;

use fastembed::{EmbeddingModel, Pooling, QuantizationMode, TextEmbedding, TextInitOptions};
use ort::environment::Environment;

use super::load_error;
use crate::assets::{AssetConfig, sha256_file};
use crate::encode::{EncodeError, EncoderIdentity};
use crate::error::with_causes;

/// A model of the catalogue and where it is kept.
pub(super) struct Catalogue {
    pub(super) model: EmbeddingModel,
    pub(super) cache: PathBuf,
}

impl Catalogue {
    /// What is known before its files are there.
    pub(super) fn identity(&self) -> Result<EncoderIdentity, EncodeError> {
        let info =
            TextEmbedding::get_model_info(&self.model).map_err(|e| load_error(&format!("{:?}", self.model), &e))?;
        Ok(EncoderIdentity {
            model: info.model_code.clone(),
            precision: info.model_file.clone(),
            weights_sha256: None,
            tokenizer_sha256: None,
            max_length: Some(512),
            pooling: match TextEmbedding::get_default_pooling_method(&self.model) {
                Some(Pooling::Mean) => "mean",
                _ => "cls",
            }
            .into(),
            dimension: Some(info.dim),
            endpoint: None,
        })
    }

    /// Whether activations are scaled by the whole batch, so that a text must be alone in it.
    pub(super) fn is_dynamic(&self) -> bool {
        matches!(
            TextEmbedding::get_quantization_mode(&self.model),
            QuantizationMode::Dynamic
        )
    }

    /// Puts the checksums of its files, which are there, into its identity.
    pub(super) fn complete(&self, identity: &mut EncoderIdentity) -> Result<(), EncodeError> {
        let repo = hf_hub::Cache::new(self.cache.clone()).model(identity.model.clone());
        let sum = |file: &str| {
            let path = repo
                .get(file)
                .ok_or_else(|| load_error(&identity.model, &format!("{file} is not in the cache")))?;
            let (sum, _) = sha256_file(&path).map_err(|e| load_error(&identity.model, &e))?;
            Ok::<_, EncodeError>(sum)
        };
        let (weights, tokenizer) = (sum(&identity.precision)?, sum("tokenizer.json")?);
        identity.weights_sha256 = Some(weights);
        identity.tokenizer_sha256 = Some(tokenizer);
        Ok(())
    }

    /// A session of so many threads; fetches the files if need be and allowed.
    pub(super) fn session(
        &self,
        config: &AssetConfig,
        environment: &Environment,
        threads: usize,
    ) -> Result<TextEmbedding, EncodeError> {
        let info =
            TextEmbedding::get_model_info(&self.model).map_err(|e| load_error(&format!("{:?}", self.model), &e))?;
        let repo = hf_hub::Cache::new(self.cache.clone()).model(info.model_code.clone());
        let missing = repo.get(&info.model_file).is_none();
        let hub = |message: String| EncodeError::Hub {
            name: info.model_code.clone(),
            message,
        };
        if missing && (config.offline || config.hub_offline) {
            return Err(hub(format!(
                "it is not in {} and downloads are switched off",
                self.cache.display()
            )));
        }
        let options = TextInitOptions::new(self.model.clone())
            .with_cache_dir(self.cache.clone())
            .with_environment(environment.clone())
            .with_intra_threads(threads)
            .with_show_download_progress(false);
        TextEmbedding::try_new(options).map_err(|error| {
            let message = with_causes(&error);
            if missing {
                hub(message)
            } else {
                load_error(&info.model_code, &message)
            }
        })
    }
}
