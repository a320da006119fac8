//! Drives an encoder over many texts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use super::vectors::problem;
use super::{BatchLimit, EncodeError, Encoder, VectorCache, Vectors};

/// Texts tokenised between two looks at the stop flag.
const TOKENISED_AT_ONCE: usize = 1024;

/// Hears how embedding goes on.
pub trait EmbedProgress: Sync {
    /// `total` distinct texts have to be embedded.
    fn begin(&self, total: usize);
    /// `texts` more are done.
    fn advance(&self, texts: usize);
    /// All done, or stopped.
    fn end(&self);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub struct Quiet;

impl EmbedProgress for Quiet {
    fn begin(&self, _total: usize) {}
    fn advance(&self, _texts: usize) {}
    fn end(&self) {}
}

/// Vectors, and where they came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// One row a text, in input order.
    pub vectors: Vectors,
    /// Distinct texts among the input.
    pub distinct: usize,
    /// Distinct texts embedded now; the others were kept.
    pub computed: usize,
}

/// Embeds `texts`: duplicates once, what the cache holds not at all, the rest in batches on all workers.
///
/// Which texts share a batch depends on the texts alone, not on the number of workers, and the output is in input order.
/// Every finished batch goes to the cache at once.
///
/// # Errors
/// [`EncodeError::Interrupted`] soon after `stop` is set; otherwise whatever the encoder reports first.
pub fn embed(
    encoder: &dyn Encoder,
    cache: Option<&VectorCache>,
    texts: &[&str],
    progress: &dyn EmbedProgress,
    stop: &AtomicBool,
) -> Result<Embedded, EncodeError> {
    let (distinct, position) = distinct(texts);
    let mut vectors: Vec<Option<Vec<f32>>> = match cache {
        Some(cache) => cache.get(&distinct),
        None => vec![None; distinct.len()],
    };
    if let Some(dimension) = encoder.identity().dimension {
        // A checksum guards an entry's bytes; the dimension guards against an entry written by a broken build.
        for vector in &mut vectors {
            *vector = vector.take().filter(|v| v.len() == dimension);
        }
    }
    let missing: Vec<usize> = (0..distinct.len()).filter(|&i| vectors[i].is_none()).collect();
    if !missing.is_empty() {
        encoder.prepare()?;
        progress.begin(missing.len());
        let outcome = compute(encoder, cache, &distinct, &missing, &mut vectors, progress, stop);
        progress.end();
        outcome.map_err(|error| match error {
            // Told by the place in the input.
            EncodeError::BadVector { index, message } => EncodeError::BadVector {
                index: position.iter().position(|&i| i == index).unwrap_or(index),
                message,
            },
            other => other,
        })?;
    }
    let rows: Vec<Vec<f32>> = position
        .iter()
        .map(|&i| vectors[i].clone().unwrap_or_default())
        .collect();
    Ok(Embedded {
        vectors: Vectors::new(&rows)?,
        distinct: distinct.len(),
        computed: missing.len(),
    })
}

/// The distinct texts in order of first appearance, and for each input text the index of its distinct one.
fn distinct<'t>(texts: &[&'t str]) -> (Vec<&'t str>, Vec<usize>) {
    let mut index: HashMap<&str, usize> = HashMap::with_capacity(texts.len());
    let mut distinct = Vec::new();
    let position = texts
        .iter()
        .map(|text| {
            *index.entry(text).or_insert_with(|| {
                distinct.push(*text);
                distinct.len() - 1
            })
        })
        .collect();
    (distinct, position)
}

/// Refuses vectors that no run could use, before they are kept. `dimension` is that of the vectors so far; a bad vector is
/// named by its index among the distinct texts.
fn check(
    encoder: &dyn Encoder,
    output: &[Vec<f32>],
    distinct: &[usize],
    dimension: &mut Option<usize>,
) -> Result<(), EncodeError> {
    if output.len() != distinct.len() {
        return Err(EncodeError::Run {
            name: encoder.identity().model.clone(),
            message: format!("{} vectors for {} texts", output.len(), distinct.len()),
        });
    }
    for (vector, &index) in output.iter().zip(distinct) {
        let dimension = *dimension.get_or_insert(vector.len());
        if let Some(message) = problem(vector, dimension) {
            return Err(EncodeError::BadVector { index, message });
        }
    }
    Ok(())
}

fn compute(
    encoder: &dyn Encoder,
    cache: Option<&VectorCache>,
    distinct: &[&str],
    missing: &[usize],
    vectors: &mut [Option<Vec<f32>>],
    progress: &dyn EmbedProgress,
    stop: &AtomicBool,
) -> Result<(), EncodeError> {
    let interrupted = |done: usize| EncodeError::Interrupted {
        done,
        total: missing.len(),
    };
    let texts: Vec<&str> = missing.iter().map(|&i| distinct[i]).collect();
    let mut lengths = Vec::with_capacity(texts.len());
    for chunk in texts.chunks(TOKENISED_AT_ONCE) {
        if stop.load(Ordering::Relaxed) {
            return Err(interrupted(0));
        }
        lengths.extend(encoder.token_counts(chunk)?);
    }
    let batches = plan(&lengths, encoder.batch_limit());
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let workers = encoder.workers().clamp(1, batches.len());
    let mut done = 0;
    let mut first_error = None;
    let known = vectors.iter().flatten().next().map(Vec::len);
    let mut dimension = encoder.identity().dimension.or(known);
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for worker in 0..workers {
            let send = send.clone();
            let (batches, texts, next, failed) = (&batches, &texts, &next, &failed);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) && !failed.load(Ordering::Relaxed) {
                    let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        break;
                    };
                    let input: Vec<&str> = batch.iter().map(|&i| texts[i]).collect();
                    let output = encoder.embed_batch(worker, &input);
                    failed.fetch_or(output.is_err(), Ordering::Relaxed);
                    if send.send((batch, output)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        for (batch, output) in receive {
            let of_distinct: Vec<usize> = batch.iter().map(|&i| missing[i]).collect();
            let checked = output.and_then(|output| {
                check(encoder, &output, &of_distinct, &mut dimension)?;
                Ok(output)
            });
            match checked {
                Ok(output) => {
                    let entries: Vec<(&str, &[f32])> = batch
                        .iter()
                        .zip(&output)
                        .map(|(&i, v)| (texts[i], v.as_slice()))
                        .collect();
                    if let Some(cache) = cache {
                        cache.put(&entries);
                    }
                    done += output.len();
                    progress.advance(output.len());
                    for (i, vector) in of_distinct.into_iter().zip(output) {
                        vectors[i] = Some(vector);
                    }
                }
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    first_error = first_error.take().or(Some(error));
                }
            }
        }
    });
    match first_error {
        Some(error) => Err(error),
        None if done < missing.len() => Err(interrupted(done)),
        None => Ok(()),
    }
}

/// Batches of indices: sorted by length (equal lengths pad nothing), longest first (so that no worker is left with a
/// long batch at the end), each within the limit.
fn plan(lengths: &[usize], limit: BatchLimit) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(lengths[i]), i));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut widest = 0;
    for i in order {
        match batches.last_mut() {
            Some(batch) if batch.len() < limit.rows && (batch.len() + 1).saturating_mul(widest) <= limit.tokens => {
                batch.push(i);
            }
            _ => {
                widest = lengths[i];
                batches.push(vec![i]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::HashingEncoder;

    #[test]
    fn batches_keep_to_the_limit_and_lose_nothing() {
        let lengths: Vec<usize> = (0..500).map(|i| 3 + (i * 37) % 250).collect();
        let limit = BatchLimit { rows: 16, tokens: 1000 };
        let batches = plan(&lengths, limit);
        for batch in &batches {
            let widest = batch.iter().map(|&i| lengths[i]).max().unwrap();
            assert!(batch.len() <= 16 && (batch.len() == 1 || widest * batch.len() <= 1000));
        }
        let mut all: Vec<usize> = batches.concat();
        all.sort_unstable();
        assert_eq!(all, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn output_is_in_input_order_and_a_second_run_computes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let encoder = HashingEncoder::new(3);
        let cache = VectorCache::open(folder.path(), encoder.identity());
        let texts: Vec<String> = (0..1000).map(|i| format!("text {}", i % 700)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let stop = AtomicBool::new(false);
        let first = embed(&encoder, Some(&cache), &texts, &Quiet, &stop).unwrap();
        assert_eq!((first.distinct, first.computed), (700, 700));
        for (i, text) in texts.iter().enumerate() {
            let alone = encoder.embed_batch(0, &[text]).unwrap();
            assert_eq!(first.vectors.row(i), alone[0]);
        }
        let second = embed(&encoder, Some(&cache), &texts, &Quiet, &stop).unwrap();
        assert_eq!((second.computed, &second.vectors), (0, &first.vectors));
    }

    #[test]
    fn a_set_stop_flag_ends_it() {
        let stop = AtomicBool::new(true);
        let error = embed(&HashingEncoder::new(1), None, &["a"], &Quiet, &stop).unwrap_err();
        assert!(matches!(error, EncodeError::Interrupted { done: 0, total: 1 }));
    }
}
