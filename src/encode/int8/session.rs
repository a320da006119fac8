//! A session of the int8 graph: token ids in, unit vectors out. Pooling and normalising are in the graph.

use std::sync::Arc;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::Tensor;

use super::{PADDING, TENSORS};

const GRAPH: &[u8] = include_bytes!("../graphs/all-MiniLM-L6-v2.int8.onnx");

/// See the module.
pub(super) struct Int8Session(Session);

impl Int8Session {
    /// A session over the file of tensors, which sessions share, with so many threads of its own.
    pub(super) fn new(environment: &Environment, tensors: Arc<[u8]>, threads: usize) -> ort::Result<Self> {
        let session = Session::builder(environment)?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_intra_threads(threads)?
            .with_external_initializer_file_in_memory(TENSORS.file.name, tensors)?
            .commit_from_memory(GRAPH)?;
        Ok(Self(session))
    }

    /// One vector a text, the shorter texts padded to the longest.
    pub(super) fn embed(&mut self, texts: &[Vec<i64>]) -> ort::Result<Vec<Vec<f32>>> {
        let width = texts.iter().map(Vec::len).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(texts.len() * width);
        let mut mask = Vec::with_capacity(texts.len() * width);
        for text in texts {
            let padding = width - text.len();
            ids.extend_from_slice(text);
            ids.extend(std::iter::repeat_n(PADDING, padding));
            mask.extend(std::iter::repeat_n(1_i64, text.len()));
            mask.extend(std::iter::repeat_n(0_i64, padding));
        }
        let shape = [texts.len(), width];
        let outputs = self.0.run(ort::inputs![
            "input_ids" => Tensor::from_array((shape, ids))?,
            "attention_mask" => Tensor::from_array((shape, mask))?,
        ])?;
        let (_, vectors) = outputs[0].try_extract_tensor::<f32>()?;
        Ok(vectors
            .chunks_exact(vectors.len() / texts.len().max(1))
            .map(<[f32]>::to_vec)
            .collect())
    }
}
