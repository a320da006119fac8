//! A labelled dataset scored by a router, split by split.
//!
//! A prompt's vector is forgotten as soon as it is scored: a million of them would take a gigabyte and a half.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::worst::Worst;
use super::{Engine, Look, Router, STOP, Session};
use crate::Error;
use crate::cli::args::DatasetArgs;
use crate::dataset::{Dataset, Row, Truth};
use crate::encode::{self, Distinct, Vectors};
use crate::evaluation::Scored;
use crate::report::DatasetProvenance;
use crate::router::{RouterError, ScoreTable, Scorer};

/// Name of all splits together.
const ALL: &str = "all";

/// A dataset scored by a router.
pub(in crate::cli) struct ScoredData {
    pub(in crate::cli) router: Router,
    /// The whole file, for provenance.
    pub(super) whole: DatasetProvenance,
    /// The rows that were scored.
    dataset: Dataset,
    truths: Vec<Truth>,
    scores: ScoreTable,
    /// Vectors of the most confident mistakes by the line of their row, where they were asked for.
    worst: HashMap<u64, Vec<f32>>,
}

/// What of a dataset is scored.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cli) struct Wanted<'a> {
    /// Splits that must have rows.
    pub(in crate::cli) required: &'a [&'a str],
    /// Splits that may have some.
    pub(in crate::cli) optional: &'a [&'a str],
    /// The split whose most confident mistakes keep their vectors.
    pub(in crate::cli) worst_of: Option<&'a str>,
}

/// The rows of one split.
pub(in crate::cli) struct Part<'a> {
    pub(in crate::cli) rows: Cow<'a, [Row]>,
    pub(in crate::cli) truths: Cow<'a, [Truth]>,
    pub(in crate::cli) scores: Cow<'a, ScoreTable>,
}

impl Part<'_> {
    pub(in crate::cli) fn scored(&self) -> Scored<'_> {
        Scored {
            rows: &self.rows,
            truths: &self.truths,
            scores: &self.scores,
        }
    }
}

impl ScoredData {
    /// The vectors of those rows of a part that [`Scored::worst`] lists.
    ///
    /// # Panics
    /// If these were not asked for.
    pub(in crate::cli) fn vectors_of(&self, part: &Part<'_>, worst: &[usize]) -> Vectors {
        let vector = |row: &usize| self.worst[&part.rows[*row].line].iter().copied();
        let numbers: Vec<f32> = worst.iter().flat_map(vector).collect();
        Vectors::checked(numbers.len() / worst.len().max(1), numbers)
    }

    /// The rows of one split; `all` for every row that was scored.
    pub(in crate::cli) fn part(&self, split: &str) -> Result<Part<'_>, Error> {
        let rows = &self.dataset.rows;
        let indices: Vec<usize> = (0..rows.len())
            .filter(|i| split == ALL || rows[*i].split == split)
            .collect();
        let (Some(first), Some(last)) = (indices.first(), indices.last()) else {
            // For its message, which names the splits there are.
            self.dataset.require(split)?;
            return Err(Error::usage("the dataset has no rows", "give a dataset with rows"));
        };
        if last - first + 1 == indices.len() {
            return Ok(Part {
                rows: Cow::Borrowed(&rows[*first..=*last]),
                truths: Cow::Borrowed(&self.truths[*first..=*last]),
                scores: if indices.len() == rows.len() {
                    Cow::Borrowed(&self.scores)
                } else {
                    Cow::Owned(self.scores.select(&indices))
                },
            });
        }
        Ok(Part {
            rows: indices.iter().map(|i| rows[*i].clone()).collect(),
            truths: indices.iter().map(|i| self.truths[*i]).collect(),
            scores: Cow::Owned(self.scores.select(&indices)),
        })
    }
}

impl Session {
    /// Loads, resolves, embeds and scores a labelled dataset; of its rows, those of the splits that are wanted.
    pub(in crate::cli) fn score(
        &self,
        path: &Path,
        data: &DatasetArgs,
        router: Option<&Path>,
        wanted: Wanted<'_>,
    ) -> Result<ScoredData, Error> {
        self.score_after(path, data, router, wanted, &mut |_, _| Ok(()))
    }

    /// As [`Session::score`], with a look at encoder and routes before anything is embedded.
    pub(in crate::cli) fn score_after(
        &self,
        path: &Path,
        data: &DatasetArgs,
        router: Option<&Path>,
        wanted: Wanted<'_>,
        look: &mut Look<'_>,
    ) -> Result<ScoredData, Error> {
        let mut dataset = Dataset::load(path, &data.options(self.common.seed, false))?;
        for split in wanted.required {
            dataset.require(split)?;
        }
        let plan = self.plan(router)?;
        let names = plan.routes().names();
        // Labels are checked before anything is embedded: a typo should not cost minutes.
        let (truths, whole) = rayon::join(|| dataset.resolve(&names), || DatasetProvenance::from(&dataset));
        let mut truths = truths?;
        let splits: Vec<&str> = wanted.required.iter().chain(wanted.optional).copied().collect();
        if !splits.contains(&ALL) {
            // Split after split, each in its own order: a part is then a slice.
            let place = |row: &Row| splits.iter().position(|split| *split == row.split);
            let mut parts = vec![(Vec::new(), Vec::new()); splits.len()];
            for (row, truth) in std::mem::take(&mut dataset.rows).into_iter().zip(truths) {
                if let Some(place) = place(&row) {
                    parts[place].0.push(row);
                    parts[place].1.push(truth);
                }
            }
            truths = Vec::new();
            for (rows, own) in parts {
                dataset.rows.extend(rows);
                truths.extend(own);
            }
        }
        let started = Instant::now();
        let (router, of_examples) = self.router_after(plan, look)?;
        let prompts = dataset.prompts();
        let distinct = Distinct::of(&prompts);
        let rows = &dataset.rows;
        let worst = wanted
            .worst_of
            .map(|split| Worst::new(&distinct, &truths, |row| split == ALL || rows[row].split == split));
        let (scores, of_prompts) = self.score_texts(&router, &distinct, worst.as_ref())?;
        let worst = worst.map(Worst::into_vectors).unwrap_or_default().into_iter();
        let worst = worst.map(|(row, vector)| (rows[row].line, vector)).collect();
        let embedded = (of_examples.0 + of_prompts.0, of_examples.1 + of_prompts.1);
        self.say_embedded(&router.engine, embedded, started);
        Ok(ScoredData {
            router,
            whole,
            dataset,
            truths,
            scores,
            worst,
        })
    }

    /// The scores of texts, each distinct one scored as soon as its vector is there; and how many were embedded of how many
    /// distinct ones.
    fn score_texts(
        &self,
        router: &Router,
        distinct: &Distinct<'_>,
        worst: Option<&Worst<'_>>,
    ) -> Result<(ScoreTable, (usize, usize)), Error> {
        let scorer = Scorer::new(&router.centroids, router.routes.scoring)?;
        let routes = router.routes.routes.len();
        let all = Mutex::new(vec![0.0; distinct.texts().len() * routes]);
        let failure: Mutex<Option<RouterError>> = Mutex::new(None);
        let take = |indices: &[usize], vectors: &Vectors| match scorer.score(vectors) {
            Ok(scores) => {
                if let Some(worst) = worst {
                    worst.add(indices, vectors, &scores);
                }
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                for (row, index) in indices.iter().enumerate() {
                    all[index * routes..(index + 1) * routes].copy_from_slice(scores.scores(row));
                }
            }
            Err(error) => *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error),
        };
        let Engine { encoder, cache } = &router.engine;
        let computed = encode::embed_each(
            encoder.as_ref(),
            cache.as_ref(),
            distinct,
            self.bars.as_ref(),
            &STOP,
            &take,
        );
        let computed = self.ended(&router.engine, computed)?;
        if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error.into());
        }
        let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        let scores = ScoreTable::from_scores(distinct.spread(all, routes), routes);
        Ok((scores, (computed, distinct.texts().len())))
    }
}
