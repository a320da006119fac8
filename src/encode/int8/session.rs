//! A session of the int8 graph: token ids in, unit vectors out. Pooling and normalising are in the graph.

use std::sync::Arc;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use super::{PADDING, TENSORS};
use crate::encode::padded::Padded;

const GRAPH: &[u8] = include_bytes!("../graphs/all-MiniLM-L6-v2.int8.onnx");

/// See the module.
pub(in crate::encode) struct Int8Session(Session);

impl Int8Session {
    /// A session over the file of tensors, which sessions share, with so many threads of its own.
    pub(in crate::encode) fn new(environment: &Environment, tensors: Arc<[u8]>, threads: usize) -> ort::Result<Self> {
        let session = Session::builder(environment)?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_intra_threads(threads)?
            .with_external_initializer_file_in_memory(TENSORS.file.name, tensors)?
            .commit_from_memory(GRAPH)?;
        Ok(Self(session))
    }

    /// One vector a text.
    pub(in crate::encode) fn embed(&mut self, texts: &[&[u32]]) -> ort::Result<Vec<Vec<f32>>> {
        let outputs = Padded::of(texts, PADDING).run(&mut self.0)?;
        let (_, vectors) = outputs[0].try_extract_tensor::<f32>()?;
        Ok(vectors
            .chunks_exact(vectors.len() / texts.len().max(1))
            .map(<[f32]>::to_vec)
            .collect())
    }
}
