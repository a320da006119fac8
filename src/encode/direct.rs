//! A bundled model on ONNX Runtime: one copy of the weights for all sessions, padded tokens in, unit vectors out.
//!
//! fastembed hands a session the bytes of the weights, which each session copies, twice where it packs them for its matrix
//! products. Here the weights are tensors that the sessions share, the packed ones too: the second session costs a few
//! megabytes and no time.

use std::sync::Arc;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, PrepackedWeights, SessionBuilder};
use ort::value::{DynValue, Tensor};
use tempfile::TempDir;

use super::padded::Padded;
use super::weights::Weight;

/// The file that the graphs name for their weights.
const WEIGHTS: &str = "model.safetensors";
const FOLDER_KEY: &str = "session.model_external_initializers_file_folder_path";

/// A graph and its weights, ready for sessions.
pub(super) struct Direct {
    environment: Environment,
    graph: &'static [u8],
    /// Fills up the shorter texts of a batch.
    padding: u32,
    weights: Vec<(String, Arc<DynValue>)>,
    packed: PrepackedWeights,
    /// Holds an empty file of the name that the graph gives: ONNX Runtime insists that it is there, and would fail on what
    /// it had to read from it. `None` where there is no place for temporary files; sessions then copy the weights.
    stand_in: Option<TempDir>,
}

impl Direct {
    /// Takes the weights over; a graph that wants the row R of a tensor T names it `T[R]`.
    pub(super) fn new(
        environment: Environment,
        graph: &'static [u8],
        padding: u32,
        weights: Vec<Weight>,
    ) -> ort::Result<Self> {
        let mut tensors = Vec::with_capacity(weights.len() + 1);
        for Weight { name, shape, numbers } in weights {
            if let [_, width] = shape[..]
                && name.ends_with("token_type_embeddings.weight")
            {
                let first = Tensor::from_array(([width], numbers[..width].to_vec()))?;
                tensors.push((format!("{name}[0]"), Arc::new(first.into_dyn())));
            }
            tensors.push((name, Arc::new(Tensor::from_array((shape, numbers))?.into_dyn())));
        }
        let stand_in = tempfile::tempdir()
            .ok()
            .filter(|folder| std::fs::write(folder.path().join(WEIGHTS), b"").is_ok());
        Ok(Self {
            environment,
            graph,
            padding,
            weights: tensors,
            packed: PrepackedWeights::new(),
            stand_in,
        })
    }

    /// A session of so many threads.
    pub(super) fn session(&self, threads: usize) -> ort::Result<DirectSession> {
        let mut builder = Session::builder(&self.environment)?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_intra_threads(threads)?
            .with_prepacked_weights(&self.packed)?;
        builder = match &self.stand_in {
            Some(folder) => {
                let builder = builder.with_config_entry(FOLDER_KEY, folder.path().to_string_lossy())?;
                self.with_each(builder, |builder, name, value| {
                    Ok(builder.with_initializer(name, value)?)
                })?
            }
            None => self.with_each(builder, |builder, name, value| {
                Ok(builder.with_external_initializer(name, value)?)
            })?,
        };
        Ok(DirectSession {
            session: builder.commit_from_memory(self.graph)?,
            padding: self.padding,
        })
    }

    fn with_each(
        &self,
        builder: SessionBuilder,
        add: impl Fn(SessionBuilder, &str, Arc<DynValue>) -> ort::Result<SessionBuilder>,
    ) -> ort::Result<SessionBuilder> {
        let mut builder = builder;
        for (name, value) in &self.weights {
            builder = add(builder, name, Arc::clone(value))?;
        }
        Ok(builder)
    }
}

/// A session with what its inputs need.
pub(super) struct DirectSession {
    session: Session,
    padding: u32,
}

impl DirectSession {
    /// The unit vectors of one batch of token ids: the mean of each text's last hidden states, brought to length 1.
    pub(super) fn embed(&mut self, texts: &[&[u32]]) -> ort::Result<Vec<Vec<f32>>> {
        let batch = Padded::of(texts, self.padding);
        let width = batch.width();
        let outputs = batch.run(&mut self.session)?;
        let (shape, states) = outputs[0].try_extract_tensor::<f32>()?;
        let hidden = usize::try_from(shape[2]).unwrap_or(0);
        Ok(states
            .chunks_exact(width * hidden)
            .zip(texts)
            .map(|(states, text)| mean(&states[..text.len() * hidden], hidden))
            .collect())
    }
}

/// The mean of rows of `hidden` numbers, brought to length 1.
fn mean(states: &[f32], hidden: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; hidden];
    for state in states.chunks_exact(hidden) {
        for (sum, x) in sums.iter_mut().zip(state) {
            *sum += f64::from(*x);
        }
    }
    // The number of rows cancels out.
    let length = sums.iter().map(|x| x * x).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "vectors are f32 everywhere")]
    sums.iter().map(|x| (x / length) as f32).collect()
}
