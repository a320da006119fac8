//! Golden vectors: whether the encoder still gives the vectors that it gave when the baseline was made.
//!
//! A checksum says that the files are the same; it does not see another version of the runtime, another kind of
//! arithmetic, or a provider that changed a model behind its name. Four fixed texts, embedded afresh each time and past the
//! cache, do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::encode::{EncoderIdentity, Precision, Vectors, cosine};
use crate::router::{pack, unpack};

/// The texts of a new baseline: words, a question, code, a script other than Latin.
pub const GOLDEN_TEXTS: [&str; 4] = [
    "river",
    "How many eggs do I need for a sponge cake with three layers?",
    "for (int i = 0; i < n; ++i) { total += values[i]; }",
    "雨の日に読む短い物語を書いてください",
];

/// Largest cosine distance (1 − cosine) of a text's vector from its golden one. Runs on different processors are apart by
/// 1e-12 or so, quantised weights by 1e-3 and more. At 1e-5 no score can have moved by more than √(2e-5) = 0.0045.
pub const GOLDEN_TOLERANCE: f64 = 1e-5;

/// The same for an int8 encoder: where another processor rounds one activation the other way, the vector turns by up to 5e-4
/// (48 texts of the golden file, 21 of them moved); other weights are told by their checksum.
pub const INT8_GOLDEN_TOLERANCE: f64 = 3e-3;

/// The tolerance for vectors of that encoder.
pub fn golden_tolerance(encoder: &EncoderIdentity) -> f64 {
    if encoder.precision == Precision::Int8.name() {
        INT8_GOLDEN_TOLERANCE
    } else {
        GOLDEN_TOLERANCE
    }
}

/// A text and the vector that it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoldenVector {
    /// The text.
    pub text: String,
    /// Its vector: little-endian f32 in base64.
    pub vector: String,
}

impl GoldenVector {
    /// Packs the vectors of `texts`, one a text.
    pub fn of(texts: &[&str], vectors: &Vectors) -> Vec<Self> {
        let pair = |(text, row): (&&str, &[f32])| Self {
            text: (*text).to_owned(),
            vector: pack(row),
        };
        texts.iter().zip(vectors.rows()).map(pair).collect()
    }

    /// The largest cosine distance of `now`, one row a golden text, from the golden vectors.
    ///
    /// # Errors
    /// A sentence where they cannot be compared: other lengths, or a golden vector that is none.
    pub fn distance(golden: &[Self], now: &Vectors) -> Result<f64, String> {
        let mut largest: f64 = 0.0;
        for (stored, row) in golden.iter().zip(now.rows()) {
            let then = unpack(&stored.vector)
                .filter(|v| v.iter().all(|x| x.is_finite()) && v.iter().any(|x| *x != 0.0))
                .ok_or_else(|| format!("the golden vector of {:?} is no base64 of f32", stored.text))?;
            if then.len() != row.len() {
                return Err(format!("vectors had {} numbers, they have {}", then.len(), row.len()));
            }
            largest = largest.max(1.0 - cosine(&then, row));
        }
        Ok(largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_that_turned_is_seen_and_one_that_shook_is_not() {
        let then = Vectors::new(&[vec![0.6, 0.8], vec![1.0, 0.0]]).unwrap();
        let golden = GoldenVector::of(&["a", "b"], &then);
        let shaken = Vectors::new(&[vec![0.600_000_1, 0.799_999_9], vec![1.0, 1e-7]]).unwrap();
        assert!(GoldenVector::distance(&golden, &shaken).unwrap() < GOLDEN_TOLERANCE);
        let turned = Vectors::new(&[vec![0.6, 0.8], vec![1.0, 0.01]]).unwrap();
        assert!(GoldenVector::distance(&golden, &turned).unwrap() > GOLDEN_TOLERANCE);
        let longer = Vectors::new(&[vec![0.6, 0.8, 0.0], vec![1.0, 0.0, 0.0]]).unwrap();
        assert!(GoldenVector::distance(&golden, &longer).is_err());
    }
}
