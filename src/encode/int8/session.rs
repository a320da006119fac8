//! A session of the int8 graph: token ids in, unit vectors out. Pooling and normalising are in the graph.

use std::sync::Arc;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::Tensor;

use super::TENSORS;

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

    /// One vector a text. The graph knows no padding: texts of one length go through it together.
    pub(in crate::encode) fn embed(&mut self, texts: &[&[u32]]) -> ort::Result<Vec<Vec<f32>>> {
        let mut vectors = vec![Vec::new(); texts.len()];
        for places in by_length(texts) {
            let length = texts[places[0]].len();
            let ids: Vec<i64> = places
                .iter()
                .flat_map(|&i| texts[i].iter().copied().map(i64::from))
                .collect();
            let ids = Tensor::from_array(([places.len(), length], ids))?;
            let outputs = self.0.run(ort::inputs!["input_ids" => ids])?;
            let (_, numbers) = outputs[0].try_extract_tensor::<f32>()?;
            for (&i, vector) in places.iter().zip(numbers.chunks_exact(numbers.len() / places.len())) {
                vectors[i] = vector.to_vec();
            }
        }
        Ok(vectors)
    }
}

/// The places of the texts, those of one length together.
fn by_length(texts: &[&[u32]]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&i| texts[i].len());
    order
        .chunk_by(|&a, &b| texts[a].len() == texts[b].len())
        .map(<[usize]>::to_vec)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_length_go_together() {
        let texts: [&[u32]; 5] = [&[1, 2, 3], &[4], &[5, 6, 7], &[8], &[9, 9]];
        assert_eq!(by_length(&texts), [vec![1, 3], vec![4], vec![0, 2]]);
        assert!(by_length(&[]).is_empty());
    }
}
