//! Which unlabelled prompts to label next: those that this router is least sure of, and of these some that differ.
//!
//! Three reasons make a prompt worth a label: its score is near the threshold, its gap is near the least gap accepted, or it is far
//! from every example and every labelled prompt. Of each reason the strongest go into a pool, five times as many as are
//! wanted. From the pool they are taken one by one, each time the one farthest from its nearest neighbour among what is
//! labelled or taken already (greedy k-centre: Gonzalez, Theor. Comput. Sci. 38, 1985; for labelling, Sener & Savarese, ICLR 2018,
//! arXiv 1708.00489). So ten wordings of one question give one row. No randomness; ties go to the earlier prompt.

use std::collections::HashMap;

use super::folded;
use super::matrix::Matrix;
use crate::encode::{Vectors, cosine};
use crate::router::{Centroids, ScoreTable};
use crate::routes::Thresholds;

/// How many of each reason, for each prompt that is wanted, go into the pool.
const POOL: usize = 5;

/// What is chosen from.
#[derive(Debug, Clone, Copy)]
pub struct Unlabelled<'a> {
    /// The prompts.
    pub prompts: &'a [&'a str],
    /// Their vectors.
    pub vectors: &'a Vectors,
    /// Their scores.
    pub scores: &'a ScoreTable,
    /// Thresholds of every route.
    pub thresholds: &'a [Thresholds],
}

/// What is labelled already.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'a> {
    /// The router, with its examples.
    pub centroids: &'a Centroids,
    /// The examples' texts, then the dataset's prompts.
    pub texts: &'a [&'a str],
    /// The dataset's vectors.
    pub vectors: &'a Vectors,
}

/// Why a prompt is worth a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its score is near the threshold.
    NearThreshold,
    /// Its gap is near the least gap accepted.
    SmallGap,
    /// It is far from everything labelled.
    Far,
}

/// A prompt to label.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Index of its first occurrence.
    pub prompt: usize,
    /// How often it occurs, but for case, spaces and punctuation.
    pub times: usize,
    /// Why, the first reason first.
    pub reasons: Vec<Reason>,
    /// Cosine to the nearest example or labelled prompt.
    pub nearest: f64,
}

/// What was chosen, and from how many.
#[derive(Debug, Clone, PartialEq)]
pub struct Choices {
    /// In the order in which they were chosen.
    pub chosen: Vec<Choice>,
    /// Distinct prompts that are not labelled yet.
    pub distinct: usize,
    /// Prompts that are.
    pub known: usize,
}

/// Chooses up to `wanted` prompts. O(unlabelled × labelled × dimension), in blocks.
///
/// # Panics
/// If prompts, vectors and scores are not of one length.
pub fn choose(unlabelled: &Unlabelled<'_>, labelled: &Labelled<'_>, wanted: usize) -> Choices {
    let n = unlabelled.prompts.len();
    assert!(n == unlabelled.vectors.len() && n == unlabelled.scores.len());
    let known_texts: std::collections::HashSet<String> = labelled.texts.iter().map(|text| folded(text)).collect();
    let (mut distinct, mut times, mut known) = (Vec::new(), Vec::new(), 0);
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (i, prompt) in unlabelled.prompts.iter().enumerate() {
        let fold = folded(prompt);
        if known_texts.contains(&fold) {
            known += 1;
            continue;
        }
        let at = *seen.entry(fold).or_insert_with(|| {
            distinct.push(i);
            times.push(0);
            distinct.len() - 1
        });
        times[at] += 1;
    }
    let nearest = nearest(unlabelled, labelled, &distinct);
    let reasons = reasons(unlabelled, &distinct, &nearest, most_of_each(distinct.len(), wanted));
    let chosen = greedy(unlabelled, &distinct, &reasons, &nearest, wanted);
    let choice = |at: usize| Choice {
        prompt: distinct[at],
        times: times[at],
        reasons: reasons[at].clone(),
        nearest: nearest[at],
    };
    Choices {
        chosen: chosen.into_iter().map(choice).collect(),
        distinct: distinct.len(),
        known,
    }
}

/// Cosine of each prompt to the nearest labelled text.
fn nearest(unlabelled: &Unlabelled<'_>, labelled: &Labelled<'_>, distinct: &[usize]) -> Vec<f64> {
    let corpus = Matrix::new(
        labelled
            .centroids
            .examples()
            .rows()
            .chain(labelled.vectors.rows())
            .collect(),
    );
    let queries = Matrix::new(distinct.iter().map(|i| unlabelled.vectors.row(*i)).collect());
    let found = corpus.nearest(&queries, 1, &|_, _| true);
    found
        .iter()
        .map(|near| near.first().map_or(-1.0, |(_, cosine)| *cosine))
        .collect()
}

/// How many go into the pool for each reason: of a small file not more than a quarter, unless as many are wanted.
fn most_of_each(distinct: usize, wanted: usize) -> usize {
    wanted.saturating_mul(POOL).min(wanted.max(distinct / 4))
}

/// The reasons of each prompt, those first for which it stands highest.
fn reasons(unlabelled: &Unlabelled<'_>, distinct: &[usize], nearest: &[f64], most: usize) -> Vec<Vec<Reason>> {
    let row = |at: usize| &unlabelled.scores.rows()[distinct[at]];
    let bars = |at: usize| unlabelled.thresholds[row(at).best];
    let distance = |reason: Reason, at: usize| match reason {
        Reason::NearThreshold => (row(at).score - bars(at).threshold()).abs(),
        Reason::SmallGap => (row(at).gap - bars(at).gap()).abs(),
        Reason::Far => nearest[at],
    };
    let mut ranked: Vec<Vec<(usize, Reason)>> = vec![Vec::new(); distinct.len()];
    for reason in [Reason::NearThreshold, Reason::SmallGap, Reason::Far] {
        let mut order: Vec<usize> = (0..distinct.len())
            .filter(|at| distance(reason, *at).is_finite())
            .collect();
        order.sort_by(|a, b| distance(reason, *a).total_cmp(&distance(reason, *b)).then(a.cmp(b)));
        for (rank, at) in order.into_iter().take(most).enumerate() {
            ranked[at].push((rank, reason));
        }
    }
    for of_prompt in &mut ranked {
        of_prompt.sort_by_key(|(rank, _)| *rank);
    }
    ranked
        .into_iter()
        .map(|of| of.into_iter().map(|(_, reason)| reason).collect())
        .collect()
}

/// Takes from those with a reason the one that is farthest from what is labelled or taken, again and again.
fn greedy(
    unlabelled: &Unlabelled<'_>,
    distinct: &[usize],
    reasons: &[Vec<Reason>],
    nearest: &[f64],
    wanted: usize,
) -> Vec<usize> {
    let pool: Vec<usize> = (0..distinct.len()).filter(|at| !reasons[*at].is_empty()).collect();
    let vector = |at: usize| unlabelled.vectors.row(distinct[at]);
    let mut to_nearest: Vec<f64> = pool.iter().map(|at| nearest[*at]).collect();
    let mut left: Vec<usize> = (0..pool.len()).collect();
    let mut chosen = Vec::new();
    while chosen.len() < wanted {
        let Some(place) = (0..left.len()).min_by(|a, b| {
            to_nearest[left[*a]]
                .total_cmp(&to_nearest[left[*b]])
                .then(left[*a].cmp(&left[*b]))
        }) else {
            break;
        };
        // Keeps the order, so that ties go to the earlier prompt.
        let taken = left.remove(place);
        for i in &left {
            to_nearest[*i] = to_nearest[*i].max(cosine(vector(pool[taken]), vector(pool[*i])));
        }
        chosen.push(pool[taken]);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testkit::at;
    use crate::router::score;

    #[test]
    fn the_unsure_and_the_strange_are_chosen_once_each() {
        let examples = Vectors::new(&[at(0.0, 0.0), at(10.0, 0.0), at(90.0, 0.0), at(100.0, 0.0)]).unwrap();
        let centroids = Centroids::new(examples, &[2, 2]).unwrap();
        let dataset = Vectors::new(&[at(2.0, 0.0)]).unwrap();
        let texts = ["q", "w", "e", "r", "Known"];
        let prompts = [
            "known!",
            "sure",
            "Strange",
            "between",
            "strange?",
            "between too",
            "sure too",
            "sure three",
        ];
        let angles = [2.0, 4.0, 200.0, 50.0, 200.0, 50.5, 96.0, 95.0_f32];
        let vectors = Vectors::new(&angles.map(|angle| at(angle, 0.0))).unwrap();
        let scores = score(&vectors, &centroids).unwrap();
        let unlabelled = Unlabelled {
            prompts: &prompts,
            vectors: &vectors,
            scores: &scores,
            thresholds: &[Thresholds::new(0.3, 0.02).unwrap(); 2],
        };
        let labelled = Labelled {
            centroids: &centroids,
            texts: &texts,
            vectors: &dataset,
        };
        let choices = choose(&unlabelled, &labelled, 2);
        assert_eq!((choices.distinct, choices.known), (6, 1));
        let picked: Vec<(usize, usize)> = choices.chosen.iter().map(|c| (c.prompt, c.times)).collect();
        assert_eq!(
            picked,
            [(2, 2), (3, 1)],
            "the strange one first, then one of the two between"
        );
        assert_eq!(choices.chosen[0].reasons, [Reason::Far]);
        assert_eq!(
            choices.chosen[1].reasons,
            [Reason::NearThreshold, Reason::SmallGap, Reason::Far]
        );
        assert_eq!(choose(&unlabelled, &labelled, 100).chosen.len(), 6);
        assert!(choose(&unlabelled, &labelled, 0).chosen.is_empty());
    }
}
