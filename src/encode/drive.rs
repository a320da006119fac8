//! Drives an encoder over many texts.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

use super::vectors::problem;
use super::{BatchLimit, Distinct, EncodeError, Encoder, VectorCache, Vectors};

/// Texts tokenised between two looks at the stop flag.
const TOKENISED_AT_ONCE: usize = 1024;

/// Batches that may wait to be kept: enough for a disk that stalls, few enough that an encoder which is faster than the disk does not
/// fill the memory. Those that wait are kept in one transaction, since one costs nearly the same whatever it holds.
const WAITING: usize = 64;

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
    let distinct = Distinct::of(texts);
    let matrix = Mutex::new((0, Vec::new()));
    let computed = embed_each(encoder, cache, &distinct, progress, stop, &|indices, vectors| {
        let mut matrix = matrix.lock().unwrap_or_else(PoisonError::into_inner);
        let (dimension, numbers) = &mut *matrix;
        if numbers.is_empty() {
            *dimension = vectors.dimension();
            numbers.resize(*dimension * distinct.texts().len(), 0.0);
        }
        for (index, row) in indices.iter().zip(vectors.rows()) {
            numbers[index * *dimension..(index + 1) * *dimension].copy_from_slice(row);
        }
    })?;
    let (dimension, numbers) = matrix.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Embedded {
        vectors: Vectors::checked(dimension, distinct.spread(numbers, dimension)),
        distinct: distinct.texts().len(),
        computed,
    })
}

/// As [`embed`], for vectors that need not all be there at once: they are handed to `take` as they come, and then forgotten.
/// Returns how many texts were embedded; the others were kept.
///
/// `take` gets the indices of some of the distinct texts and their vectors, in no order, from several threads at once; each text
/// once, and all vectors of one length.
///
/// # Errors
/// As [`embed`].
pub fn embed_each(
    encoder: &dyn Encoder,
    cache: Option<&VectorCache>,
    texts: &Distinct<'_>,
    progress: &dyn EmbedProgress,
    stop: &AtomicBool,
    take: &(dyn Fn(&[usize], &Vectors) + Sync),
) -> Result<usize, EncodeError> {
    let mut dimension = encoder.identity().dimension;
    let missing = match cache {
        Some(cache) => {
            let kept = cache.each(texts.texts(), dimension, stop, take);
            dimension = kept.dimension;
            kept.missing
        }
        None => (0..texts.texts().len()).collect(),
    };
    if missing.is_empty() {
        return Ok(0);
    }
    encoder.prepare()?;
    progress.begin(missing.len());
    let job = Job {
        encoder,
        cache,
        distinct: texts.texts(),
        missing: &missing,
        stop,
    };
    let outcome = job.run(dimension, progress, take);
    progress.end();
    outcome.map_err(|error| match error {
        // Told by the place in the input.
        EncodeError::BadVector { index, message } => EncodeError::BadVector {
            index: texts.position().iter().position(|&i| i == index).unwrap_or(index),
            message,
        },
        other => other,
    })?;
    Ok(missing.len())
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

/// Texts to embed.
struct Job<'a> {
    encoder: &'a dyn Encoder,
    cache: Option<&'a VectorCache>,
    distinct: &'a [&'a str],
    /// Indices of those to embed.
    missing: &'a [usize],
    stop: &'a AtomicBool,
}

impl Job<'_> {
    /// Embeds them all; `dimension` is that of the vectors so far.
    fn run(
        &self,
        mut dimension: Option<usize>,
        progress: &dyn EmbedProgress,
        take: &(dyn Fn(&[usize], &Vectors) + Sync),
    ) -> Result<(), EncodeError> {
        let Self {
            encoder, missing, stop, ..
        } = *self;
        let texts: Vec<&str> = missing.iter().map(|&i| self.distinct[i]).collect();
        let batches = plan(&self.lengths(&texts)?, encoder.batch_limit());
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let workers = encoder.workers().clamp(1, batches.len());
        let mut done = 0;
        let mut first_error = None;
        std::thread::scope(|scope| {
            let (send, receive) = mpsc::sync_channel(WAITING);
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
            while let Ok(first) = receive.recv() {
                let mut good: Vec<(&[usize], Vec<Vec<f32>>)> = Vec::new();
                for (batch, output) in std::iter::once(first).chain(receive.try_iter().take(WAITING)) {
                    let checked = output.and_then(|output| {
                        self.check(batch, &output, &mut dimension)?;
                        Ok(output)
                    });
                    match checked {
                        Ok(output) => good.push((batch, output)),
                        Err(error) => {
                            failed.store(true, Ordering::Relaxed);
                            first_error = first_error.take().or(Some(error));
                        }
                    }
                }
                if let Some(cache) = self.cache.filter(|_| !good.is_empty()) {
                    let pairs = good.iter().flat_map(|(batch, output)| batch.iter().zip(output));
                    let entries: Vec<(&str, &[f32])> =
                        pairs.map(|(&i, vector)| (texts[i], vector.as_slice())).collect();
                    cache.put(&entries);
                }
                for (batch, output) in good {
                    done += output.len();
                    progress.advance(output.len());
                    let of_distinct: Vec<usize> = batch.iter().map(|&i| missing[i]).collect();
                    let dimension = dimension.unwrap_or_default();
                    take(&of_distinct, &Vectors::checked(dimension, output.concat()));
                }
            }
        });
        match first_error {
            Some(error) => Err(error),
            None if done < missing.len() => Err(self.interrupted(done)),
            None => Ok(()),
        }
    }

    /// Refuses vectors of a batch that are no vectors of these texts.
    fn check(&self, batch: &[usize], output: &[Vec<f32>], dimension: &mut Option<usize>) -> Result<(), EncodeError> {
        let of_distinct: Vec<usize> = batch.iter().map(|&i| self.missing[i]).collect();
        check(self.encoder, output, &of_distinct, dimension)
    }

    /// Length of each text in tokens.
    fn lengths(&self, texts: &[&str]) -> Result<Vec<usize>, EncodeError> {
        let mut lengths = Vec::with_capacity(texts.len());
        for chunk in texts.chunks(TOKENISED_AT_ONCE) {
            if self.stop.load(Ordering::Relaxed) {
                return Err(self.interrupted(0));
            }
            lengths.extend(self.encoder.token_counts(chunk)?);
        }
        Ok(lengths)
    }

    fn interrupted(&self, done: usize) -> EncodeError {
        EncodeError::Interrupted {
            done,
            total: self.missing.len(),
        }
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
