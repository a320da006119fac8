//! An encoder without a model, for tests and dry runs: signed feature hashing of words and letter trigrams.
//!
//! Fast, offline and exact, but it knows no meaning; figures made with it say nothing of a real router.

use sha2::{Digest, Sha256};

use super::{BatchLimit, EncodeError, Encoder, EncoderIdentity};

const DIMENSION: usize = 256;

/// See the module.
#[derive(Debug)]
pub struct HashingEncoder {
    identity: EncoderIdentity,
    workers: usize,
}

impl HashingEncoder {
    /// Name on the command line.
    pub const NAME: &'static str = "hashing";

    /// An encoder that uses up to `threads` threads.
    pub fn new(threads: usize) -> Self {
        Self {
            identity: EncoderIdentity {
                model: Self::NAME.into(),
                precision: "fp32".into(),
                weights_sha256: None,
                tokenizer_sha256: None,
                max_length: None,
                pooling: "sum".into(),
                dimension: Some(DIMENSION),
                endpoint: None,
            },
            workers: threads.max(1),
        }
    }
}

impl Encoder for HashingEncoder {
    fn identity(&self) -> &EncoderIdentity {
        &self.identity
    }

    fn workers(&self) -> usize {
        self.workers
    }

    fn batch_limit(&self) -> BatchLimit {
        BatchLimit {
            rows: 256,
            tokens: usize::MAX,
        }
    }

    fn token_counts(&self, texts: &[&str]) -> Result<Vec<usize>, EncodeError> {
        Ok(texts.iter().map(|t| t.len()).collect())
    }

    fn embed_batch(&self, _worker: usize, texts: &[&str]) -> Result<Vec<Vec<f32>>, EncodeError> {
        Ok(texts.iter().map(|t| hashed(t)).collect())
    }
}

fn hashed(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSION];
    let lower = text.to_lowercase();
    let mut add = |feature: &str| {
        let digest = Sha256::digest(feature.as_bytes());
        let sign = if digest[1] & 1 == 0 { 1.0 } else { -1.0 };
        vector[usize::from(digest[0]) % DIMENSION] += sign;
    };
    // The constant feature keeps a text without letters from being a zero vector.
    add("\u{1}bias");
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        add(word);
        let letters: Vec<char> = format!(" {word} ").chars().collect();
        for trigram in letters.windows(3) {
            add(&trigram.iter().collect::<String>());
        }
    }
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if norm > 0.0 {
        for x in &mut vector {
            *x /= norm;
        }
    } else {
        vector[0] = 1.0;
    }
    vector
}
