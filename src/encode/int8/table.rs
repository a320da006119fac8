//! The constants of the int8 encoder, found by `graphs/calibrate_int8.py`: what a tensor's values are divided by before they
//! become whole numbers.

use serde::Deserialize;

/// All of them.
#[derive(Debug, Deserialize)]
pub(super) struct Table {
    /// sha256 of the weights that they were found for.
    pub(super) weights_sha256: String,
    /// One entry a layer.
    pub(super) layers: Vec<Layer>,
}

/// The four products of a layer.
#[derive(Debug, Deserialize)]
pub(super) struct Layer {
    /// Query, key and value from the hidden states.
    pub(super) qkv: Input,
    /// The attention's output.
    pub(super) o: Input,
    /// Into the feed-forward part.
    pub(super) f1: Input,
    /// Out of it.
    pub(super) f2: Input,
}

/// How the input of a product becomes uint8: `round(x / smooth / scale) + zero_point`.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    /// Width of a step.
    #[serde(deserialize_with = "single")]
    pub(super) scale: f32,
    /// The whole number that stands for 0.
    pub(super) zero_point: u8,
    /// One divisor a channel; none where there is no smoothing.
    #[serde(default, deserialize_with = "singles")]
    pub(super) smooth: Vec<f32>,
    /// Feed-forward units whose activations stay fp32, as their few large values would set the range of all.
    #[serde(default)]
    pub(super) fp32_units: Vec<usize>,
}

/// The table that is compiled in.
///
/// # Errors
/// What serde says of it: never, as a test reads it.
pub(super) fn shipped() -> Result<Table, serde_json::Error> {
    serde_json::from_str(include_str!("../graphs/all-MiniLM-L6-v2.int8.json"))
}

/// The nearest f32 of the number as f64, as numpy takes it.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
fn single<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    f64::deserialize(deserializer).map(|x| x as f32)
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
fn singles<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
    let numbers = Vec::<f64>::deserialize(deserializer)?;
    Ok(numbers.into_iter().map(|x| x as f32).collect())
}
