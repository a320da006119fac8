//! From a name on the command line to an encoder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fastembed::TextEmbedding;

use super::onnx::OnnxSettings;
use super::remote::{RemoteEncoder, RemoteOptions};
use super::{EncodeError, Encoder, HashingEncoder, OnnxEncoder, Precision, Processor, bundled_model};
use crate::assets::{Assets, BundledModel, Progress};
use crate::error::nearest;

/// What opening an encoder may need.
#[derive(Clone)]
pub struct EncoderOptions {
    /// Finds and installs model files.
    pub assets: Arc<Assets>,
    /// Hears downloads.
    pub progress: Arc<dyn Progress + Send + Sync>,
    /// Threads to use.
    pub threads: usize,
    /// Where models of the catalogue are kept.
    pub hub_cache: PathBuf,
    /// Settings of `openai:` encoders.
    pub remote: RemoteOptions,
    /// What the processor can do: [`Processor::detect`].
    pub processor: Processor,
}

/// Opens an encoder by name: `all-MiniLM-L6-v2`, `all-MiniLM-L6-v2@int8`, `all-mpnet-base-v2`, a model of fastembed's
/// catalogue (its repository or the last part of it), a folder with `model.onnx`, `openai:MODEL`, or `hashing`.
///
/// On a processor that would compute it wrongly the int8 encoder gives way to the fp32 one of the same model, with a note.
///
/// # Errors
/// [`EncodeError::Unknown`] with the nearest name, [`EncodeError::Precision`] for a precision that the encoder has not, or
/// what the kind of encoder reports.
pub fn open(name: &str, options: &EncoderOptions) -> Result<Box<dyn Encoder>, EncodeError> {
    if let Some(model) = name.strip_prefix("openai:") {
        return Ok(Box::new(RemoteEncoder::new(model, options.remote.clone())?));
    }
    if name == HashingEncoder::NAME {
        return Ok(Box::new(HashingEncoder::new(options.threads)));
    }
    let settings = OnnxSettings {
        assets: Arc::clone(&options.assets),
        progress: Arc::clone(&options.progress),
        threads: options.threads,
    };
    if BundledModel::from_name(name).is_none() && Path::new(name).is_dir() {
        return Ok(Box::new(OnnxEncoder::local(Path::new(name), settings)?));
    }
    match bundled_model(name)? {
        Some((_, Precision::Int8)) if options.processor.int8 => return Ok(Box::new(OnnxEncoder::int8(settings))),
        Some((model, precision)) => {
            if precision == Precision::Int8 {
                settings.progress.note(&format!(
                    "warning: this processor lacks AVX2, without which int8 is not exact: {} in fp32 is used instead",
                    model.name()
                ));
            }
            return Ok(Box::new(OnnxEncoder::bundled(model, settings)));
        }
        None => {}
    }
    let models = TextEmbedding::list_supported_models();
    let found = models.iter().find(|info| {
        info.model_code.eq_ignore_ascii_case(name)
            || last_part(&info.model_code).eq_ignore_ascii_case(name)
            || format!("{:?}", info.model).eq_ignore_ascii_case(name)
    });
    if let Some(info) = found {
        return Ok(Box::new(OnnxEncoder::catalogue(
            info.model.clone(),
            options.hub_cache.clone(),
            settings,
        )?));
    }
    let known = BundledModel::ALL
        .iter()
        .map(|m| m.name())
        .chain(models.iter().map(|m| m.model_code.as_str()));
    // The same model converted by somebody else is nearer than another model of the same owner.
    let same_model = known
        .clone()
        .find(|code| last_part(code).eq_ignore_ascii_case(last_part(name)));
    Err(EncodeError::Unknown {
        name: name.to_owned(),
        nearest: same_model.or_else(|| nearest(name, known)).map(str::to_owned),
    })
}

fn last_part(code: &str) -> &str {
    code.rsplit('/').next().unwrap_or(code)
}
