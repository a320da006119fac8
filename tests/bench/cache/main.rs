//! What a look-up in the vector cache costs, against the number of texts: `cargo bench --bench cache`.
//!
//! Fills a cache with vectors of 384 numbers and looks all of them up again, in a process that has just opened it. The file is in
//! the system's page cache by then; a disk's own time comes on top where it is not.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and a step that fails ends it"
)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use routecal::encode::{
    BatchLimit, Distinct, EncodeError, Encoder, EncoderIdentity, HashingEncoder, Quiet, VectorCache, embed_each,
};

const DIMENSION: usize = 384;
const RUNS: usize = 5;

/// An encoder whose vectors are all kept.
struct Kept(EncoderIdentity);

impl Encoder for Kept {
    fn identity(&self) -> &EncoderIdentity {
        &self.0
    }

    fn workers(&self) -> usize {
        1
    }

    fn batch_limit(&self) -> BatchLimit {
        BatchLimit {
            rows: 1,
            tokens: usize::MAX,
        }
    }

    fn token_counts(&self, _texts: &[&str]) -> Result<Vec<usize>, EncodeError> {
        unreachable!("every vector is kept")
    }

    fn embed_batch(&self, _worker: usize, _texts: &[&str]) -> Result<Vec<Vec<f32>>, EncodeError> {
        unreachable!("every vector is kept")
    }
}

fn main() {
    let mut identity = HashingEncoder::new(1).identity().clone();
    identity.model = "benchmark".into();
    identity.dimension = Some(DIMENSION);
    println!("     texts   written, µs a text   looked up, µs a text: median (least to greatest) of {RUNS}");
    for texts in [1_000, 10_000, 100_000, 1_000_000] {
        let folder = tempfile::tempdir().unwrap();
        let owned: Vec<String> = (0..texts)
            .map(|i| format!("a prompt of usual length, number {i}"))
            .collect();
        let all: Vec<&str> = owned.iter().map(String::as_str).collect();
        let vector: Vec<f32> = (0..DIMENSION).map(|i| if i % 2 == 0 { 0.1 } else { -0.2 }).collect();
        let start = Instant::now();
        let cache = VectorCache::open(folder.path(), &identity);
        for batch in all.chunks(32) {
            let entries: Vec<(&str, &[f32])> = batch.iter().map(|text| (*text, &vector[..])).collect();
            cache.put(&entries);
        }
        drop(cache);
        let written = micros(start, texts);
        let mut looked_up: Vec<f64> = (0..RUNS).map(|_| look_up(&folder, &identity, &all)).collect();
        looked_up.sort_by(f64::total_cmp);
        let (least, median, greatest) = (looked_up[0], looked_up[RUNS / 2], looked_up[RUNS - 1]);
        println!("{texts:>10}   {written:>19.2}   {median:.2} ({least:.2} to {greatest:.2})");
    }
}

fn look_up(folder: &tempfile::TempDir, identity: &EncoderIdentity, texts: &[&str]) -> f64 {
    let start = Instant::now();
    let cache = VectorCache::open(folder.path(), identity);
    let seen = AtomicUsize::new(0);
    let computed = embed_each(
        &Kept(identity.clone()),
        Some(&cache),
        &Distinct::of(texts),
        &Quiet,
        &AtomicBool::new(false),
        &|indices, _| {
            seen.fetch_add(indices.len(), Ordering::Relaxed);
        },
    );
    let micros = micros(start, texts.len());
    assert_eq!((computed.unwrap(), seen.into_inner()), (0, texts.len()));
    micros
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
fn micros(start: Instant, texts: usize) -> f64 {
    start.elapsed().as_secs_f64() * 1e6 / texts as f64
}
