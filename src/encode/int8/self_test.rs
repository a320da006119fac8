//! Whether this processor and this library compute the graph as it is meant: a few texts with known vectors.
//!
//! The vectors are those of the reference in Python (`graphs/int8_model.py`), whose sums of products are exact. Another
//! processor's rounding moves them by up to 1e-3; products that saturate, or an operator that does something else,
//! by far more.

use serde::Deserialize;

use super::session::Int8Session;
use crate::encode::{EncodeError, cosine};

/// Largest cosine distance (1 − cosine) from the known vectors.
const TOLERANCE: f64 = 3e-3;

/// Token ids with their vectors.
#[derive(Debug, Deserialize)]
struct Known {
    ids: Vec<Vec<u32>>,
    vectors: Vec<Vec<f32>>,
}

/// Tests a session before its first use. One is enough for a process: all have the same processor, library and tensors.
///
/// # Errors
/// [`EncodeError::SelfTest`] where a vector is not the known one, [`EncodeError::Run`] where there is none.
pub(in crate::encode) fn pass(session: &mut Int8Session, name: &str) -> Result<(), EncodeError> {
    let failed = |message: String| EncodeError::Run {
        name: name.into(),
        message,
    };
    let known: Known = serde_json::from_str(include_str!("../graphs/all-MiniLM-L6-v2.int8.known.json"))
        .map_err(|e| failed(e.to_string()))?;
    let ids: Vec<&[u32]> = known.ids.iter().map(Vec::as_slice).collect();
    let found = session.embed(&ids).map_err(|e| failed(e.to_string()))?;
    match distance(&known.vectors, &found) {
        distance if distance <= TOLERANCE => Ok(()),
        distance => Err(EncodeError::SelfTest {
            name: name.into(),
            distance,
        }),
    }
}

/// The largest cosine distance between two rows; infinite where the shapes differ or a row holds what is no number.
fn distance(known: &[Vec<f32>], found: &[Vec<f32>]) -> f64 {
    let shape = |rows: &[Vec<f32>]| rows.iter().map(Vec::len).collect::<Vec<_>>();
    if shape(known) != shape(found) {
        return f64::INFINITY;
    }
    known
        .iter()
        .zip(found)
        .map(|(a, b)| 1.0 - cosine(a, b))
        .map(|d| if d.is_nan() { f64::INFINITY } else { d })
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_vectors_are_far_away() {
        let known = [vec![1.0, 0.0], vec![0.0, 1.0]];
        assert!(distance(&known, &known) < 1e-12);
        assert!(distance(&known, &[vec![1.0, 0.0], vec![0.1, 1.0]]) > TOLERANCE);
        assert!(distance(&known, &[vec![1.0, 0.0]]) > TOLERANCE);
        assert!(distance(&known, &[vec![f32::NAN, 0.0], vec![0.0, 1.0]]) > TOLERANCE);
    }
}
