//! Probable label errors, by confident learning (Northcutt, Jiang & Chuang, J. Artif. Intell. Res. 70, 2021, arXiv 1911.00068).
//!
//! A row labelled *a* is suspect if, of the labels whose out-of-sample probability reaches the mean such probability over the
//! rows that bear the label, the most probable is *b* ≠ *a*. The mean as the bar makes up for labels that the scores believe in
//! more than in others.
//!
//! *Out of sample*: centroids come from the examples and never saw the dataset; rows that are examples are left out. The
//! cosines become probabilities by `P(route | prompt) = P(in-domain | best score) · softmax(scores / T)`, and `P(none)` is the
//! rest: Platt scaling and a temperature, both fitted on the other folds of five, copies of a prompt in one fold. Without
//! out-of-domain rows P(in-domain) is 1.
//!
//! A router that is right in four of five prompts disagrees with one of five labels, most of which are right. So two more views
//! are asked that know nothing of the router's centroids. One is confident learning again, on cosines to the mean of all texts of a
//! label, examples and prompts, the row and its copies left out. The other is the five labelled texts nearest to the row: at
//! least four must bear the suggested label, and none the row's own. Where all three agree the finding is `label-error`; all
//! others that the first view suspects together are one note, `hard-prompts`. On the shipped dataset, which has no known label
//! error, the first view alone suspects 251 of 1,217 rows, all three 5; with 5 % of its labels changed at random, 21 of the 26 rows
//! that all three suspect were among the changed.

use std::collections::HashMap;

use rayon::prelude::*;

use super::copies::Texts;
use super::matrix::Matrix;
use super::{Act, Code, Finding, Input, Subject};
use crate::dataset::Truth;
use crate::encode::dot;
use crate::metrics::reliability::{Platt, Temperature};
use crate::num::f64_from_usize;
use crate::stats::{Purpose, stream};

/// Folds of the out-of-fold fits.
const FOLDS: usize = 5;
/// Neighbours that are asked, and how many must agree.
const NEIGHBOURS: usize = 5;
const AGREE: usize = 4;

/// A row that confident learning suspects.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspect {
    /// The row.
    pub row: usize,
    /// The label it should have.
    pub suggested: usize,
    /// Probability of the label it has.
    pub given_probability: f64,
    /// Probability of the suggested one.
    pub suggested_probability: f64,
}

/// The suspects among rows with these labels and class probabilities, the least probable label (against the suggested one)
/// first. O(rows × classes).
///
/// A label that the model also finds the most probable is never suspect, as in `cleanlab`.
///
/// ```
/// use routecal::lint::labels::confident_learning;
///
/// // The bar is 0.7 for label 0 and 0.6 for label 1: the last row reaches that of 1, and bears 0.
/// let probabilities = [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.4, 0.6], [0.4, 0.6]];
/// let suspects = confident_learning(&[0, 0, 1, 1, 0], &probabilities);
/// assert_eq!(suspects.len(), 1);
/// assert_eq!((suspects[0].row, suspects[0].suggested), (4, 1));
/// ```
///
/// # Panics
/// If there are not as many labels as rows, or a label is no class.
pub fn confident_learning<P: AsRef<[f64]>>(labels: &[usize], probabilities: &[P]) -> Vec<Suspect> {
    assert_eq!(labels.len(), probabilities.len());
    let classes = probabilities.first().map_or(0, |p| p.as_ref().len());
    let mut sums = vec![(0.0, 0_usize); classes];
    for (label, p) in labels.iter().zip(probabilities) {
        sums[*label].0 += p.as_ref()[*label];
        sums[*label].1 += 1;
    }
    // A mean is off by rounding: a row that equals it reaches it.
    let bars: Vec<Option<f64>> = sums
        .iter()
        .map(|(sum, n)| (*n > 0).then(|| sum / f64_from_usize(*n) - 1e-9))
        .collect();
    let mut suspects: Vec<Suspect> = (labels.iter().zip(probabilities).enumerate())
        .filter_map(|(row, (label, p))| {
            let p = p.as_ref();
            let reached = (0..classes).filter(|c| bars[*c].is_some_and(|bar| p[*c] >= bar));
            let suggested = reached.reduce(|best, next| if p[next] > p[best] { next } else { best })?;
            (suggested != *label && p[suggested] > p[*label]).then(|| Suspect {
                row,
                suggested,
                given_probability: p[*label],
                suggested_probability: p[suggested],
            })
        })
        .collect();
    let margin = |s: &Suspect| s.given_probability - s.suggested_probability;
    suspects.sort_by(|a, b| margin(a).total_cmp(&margin(b)).then(a.row.cmp(&b.row)));
    suspects
}

/// What the rows are fitted and judged on.
struct Judged {
    /// Index in the dataset.
    rows: Vec<usize>,
    /// Fold of each.
    folds: Vec<usize>,
    /// Class of each; the last class is "none".
    labels: Vec<usize>,
}

impl Judged {
    fn new(input: &Input<'_>, copies: &Texts, seed: u64) -> Self {
        let leaked = copies.leaked();
        let rows: Vec<usize> = (0..input.rows.len()).filter(|i| !leaked[*i]).collect();
        let of_copy = copies.folds();
        // One number a group of copies, in a random order, dealt out by turns.
        let mut groups: Vec<usize> = rows.iter().map(|i| of_copy[*i]).collect();
        groups.sort_unstable();
        groups.dedup();
        stream(seed, Purpose::Split, 0).shuffle(&mut groups);
        let dealt: HashMap<usize, usize> = groups.iter().enumerate().map(|(i, g)| (*g, i % FOLDS)).collect();
        Self {
            folds: rows.iter().map(|i| dealt[&of_copy[*i]]).collect(),
            labels: rows.iter().map(|i| class(input, input.truths[*i])).collect(),
            rows,
        }
    }

    /// Out-of-fold probabilities of every class; `None` where a fit is impossible (too few rows, or none of them wrong).
    fn probabilities(&self, input: &Input<'_>) -> Option<Vec<Vec<f64>>> {
        let none = input.routes.routes.len();
        let mut all = vec![Vec::new(); self.rows.len()];
        for fold in 0..FOLDS {
            let others = || (0..self.rows.len()).filter(|i| self.folds[*i] != fold);
            let scores = |i: usize| input.scores.scores(self.rows[i]);
            let best = |i: usize| input.scores.rows()[self.rows[i]].score;
            let temperature = if none > 1 {
                let inside = others()
                    .filter(|i| self.labels[*i] < none)
                    .map(|i| (scores(i), self.labels[i]));
                Some(Temperature::fit(inside).ok()?)
            } else {
                None
            };
            let inside = |i: usize| self.labels[i] < none;
            let platt = if others().all(inside) {
                None
            } else {
                Some(Platt::fit(others().map(|i| (best(i), inside(i)))).ok()?)
            };
            for i in (0..self.rows.len()).filter(|i| self.folds[*i] == fold) {
                let in_domain = platt.map_or(1.0, |platt| platt.predict(best(i)));
                let of_routes = temperature.map_or_else(|| vec![1.0], |t| t.softmax(scores(i)));
                all[i] = of_routes.into_iter().map(|p| p * in_domain).collect();
                all[i].push(1.0 - in_domain);
            }
        }
        Some(all)
    }
}

impl Judged {
    /// The same from cosines to the mean of all other texts of each label: softmax over all classes, "none" being one of them.
    fn by_label_means(&self, input: &Input<'_>, copies: &Texts) -> Option<Vec<Vec<f64>>> {
        let means = LabelMeans::new(input, copies);
        let of_copy = copies.folds();
        let scores: Vec<Vec<f64>> = (self.rows.par_iter())
            .map(|row| means.cosines(input.vectors.row(*row), of_copy[*row]))
            .collect();
        let mut all = vec![Vec::new(); self.rows.len()];
        for fold in 0..FOLDS {
            let others = (0..self.rows.len()).filter(|i| self.folds[*i] != fold);
            let temperature = Temperature::fit(others.map(|i| (&scores[i], self.labels[i]))).ok()?;
            for i in (0..self.rows.len()).filter(|i| self.folds[*i] == fold) {
                all[i] = temperature.softmax(&scores[i]);
            }
        }
        Some(all)
    }
}

/// Sums of the vectors of each label.
struct LabelMeans<'a> {
    sums: Vec<Vec<f64>>,
    norms: Vec<f64>,
    /// Class and vector of every text, by the number that copies share.
    copies: HashMap<usize, Vec<(usize, &'a [f32])>>,
}

impl<'a> LabelMeans<'a> {
    fn new(input: &Input<'a>, texts: &Texts) -> Self {
        let classes = input.routes.routes.len() + 1;
        let mut sums = vec![vec![0.0; input.vectors.dimension()]; classes];
        let mut copies: HashMap<usize, Vec<(usize, &[f32])>> = HashMap::new();
        for (i, (subject, truth, fold)) in texts.labelled().into_iter().enumerate() {
            let vector = vector(input, subject, i);
            let class = class(input, truth);
            add(&mut sums[class], vector, 1.0);
            copies.entry(fold).or_default().push((class, vector));
        }
        let norms = sums.iter().map(|sum| norm(sum)).collect();
        Self { sums, norms, copies }
    }

    /// Cosine to every label, without the texts that are copies of the row.
    fn cosines(&self, row: &[f32], fold: usize) -> Vec<f64> {
        let copies = self.copies.get(&fold).map_or(&[][..], Vec::as_slice);
        let length = dot(row, row).sqrt();
        let cosine = |sum: &[f64], norm: f64| {
            let product: f64 = row.iter().zip(sum).map(|(x, s)| f64::from(*x) * s).sum();
            if norm > 1e-9 { product / (norm * length) } else { -1.0 }
        };
        (0..self.sums.len())
            .map(|class| {
                if copies.iter().all(|(c, _)| *c != class) {
                    return cosine(&self.sums[class], self.norms[class]);
                }
                let mut rest = self.sums[class].clone();
                for (_, copy) in copies.iter().filter(|(c, _)| *c == class) {
                    add(&mut rest, copy, -1.0);
                }
                cosine(&rest, norm(&rest))
            })
            .collect()
    }
}

fn add(sum: &mut [f64], vector: &[f32], sign: f64) {
    for (s, x) in sum.iter_mut().zip(vector) {
        *s += sign * f64::from(*x);
    }
}

fn norm(sum: &[f64]) -> f64 {
    sum.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The vector of the text at `index` of all labelled texts, examples first.
fn vector<'a>(input: &Input<'a>, subject: Subject, index: usize) -> &'a [f32] {
    match subject {
        Subject::Prompt(row) => input.vectors.row(row),
        _ => input.centroids.examples().row(index),
    }
}

fn class(input: &Input<'_>, truth: Truth) -> usize {
    match truth {
        Truth::Route(route) => route,
        Truth::OutOfDomain => input.routes.routes.len(),
    }
}

fn truth(input: &Input<'_>, class: usize) -> Truth {
    if class < input.routes.routes.len() {
        Truth::Route(class)
    } else {
        Truth::OutOfDomain
    }
}

/// Label errors that two views agree on, and one note for the rest.
pub(super) fn findings(input: &Input<'_>, copies: &Texts, seed: u64) -> Vec<Finding> {
    let judged = Judged::new(input, copies, seed);
    let Some(probabilities) = judged.probabilities(input) else {
        return Vec::new();
    };
    let suspects = confident_learning(&judged.labels, &probabilities);
    // Where nothing can be fitted, no row is out of place by the means of the labels.
    let by_means: HashMap<usize, usize> = (judged.by_label_means(input, copies).iter())
        .flat_map(|probabilities| confident_learning(&judged.labels, probabilities))
        .map(|suspect| (suspect.row, suspect.suggested))
        .collect();
    let rows: Vec<usize> = suspects.iter().map(|s| judged.rows[s.row]).collect();
    let neighbours = neighbours(input, copies, &rows);
    let (mut found, mut hard) = (Vec::new(), Vec::new());
    let of_copy = copies.folds();
    let mut reported = std::collections::HashSet::new();
    for (suspect, neighbours) in suspects.iter().zip(neighbours) {
        let row = judged.rows[suspect.row];
        let given = judged.labels[suspect.row];
        let bearing = |class: usize| neighbours.iter().filter(|(_, c)| *c == class).count();
        let (agree, disagree) = (bearing(suspect.suggested), bearing(given));
        if agree < AGREE || disagree > 0 || by_means.get(&suspect.row) != Some(&suspect.suggested) {
            hard.push(Subject::Prompt(row));
            continue;
        }
        // What holds for a prompt holds for its copies.
        if !reported.insert((of_copy[row], given)) {
            continue;
        }
        let suggested = input.label(truth(input, suspect.suggested));
        let message = format!(
            "labelled {}, probably {suggested}: probability {:.2} against {:.2} out of sample, nearer to the mean of {suggested} too, \
             and {agree} of the {} nearest labelled texts are {suggested}",
            input.label(input.truths[row]),
            suspect.suggested_probability,
            suspect.given_probability,
            neighbours.len(),
        );
        let shown = neighbours
            .iter()
            .filter(|(_, c)| *c == suspect.suggested)
            .map(|(subject, _)| *subject);
        let items = std::iter::once(Subject::Prompt(row)).chain(shown.take(3)).collect();
        let figures = [
            ("given_probability", suspect.given_probability),
            ("suggested_probability", suspect.suggested_probability),
            ("neighbours_suggested", f64_from_usize(agree)),
        ];
        let finding = Finding::new(Code::LabelError, Act::Relabel, Subject::Prompt(row), message, items);
        let margin = suspect.suggested_probability - suspect.given_probability;
        found.push(finding.with(figures).weighing(margin));
    }
    if !hard.is_empty() {
        let message = format!(
            "{} of {} prompts look mislabelled by their scores, but not by all other views: hard for this router rather than wrong; \
             examples like them would help",
            hard.len(),
            judged.rows.len()
        );
        let n = f64_from_usize(hard.len());
        let finding = Finding::new(Code::HardPrompts, Act::Add, Subject::Dataset, message, hard);
        found.push(finding.with([("prompts", n)]).weighing(n));
    }
    found
}

/// The labelled texts nearest to each row, copies of it left out, with their class.
fn neighbours(input: &Input<'_>, copies: &Texts, rows: &[usize]) -> Vec<Vec<(Subject, usize)>> {
    let mut seen = std::collections::HashSet::new();
    // Copies of one text are one neighbour.
    let distinct =
        |(_, (_, truth, fold)): &(usize, (Subject, Truth, usize))| seen.insert((*fold, class(input, *truth)));
    let texts: Vec<(usize, (Subject, Truth, usize))> =
        copies.labelled().into_iter().enumerate().filter(distinct).collect();
    let of_copy = copies.folds();
    let corpus = Matrix::new(texts.iter().map(|(i, text)| vector(input, text.0, *i)).collect());
    let queries = Matrix::new(rows.iter().map(|row| input.vectors.row(*row)).collect());
    let other = |query: usize, text: usize| texts[text].1.2 != of_copy[rows[query]];
    let nearest = corpus.nearest(&queries, NEIGHBOURS, &other);
    let named = |near: Vec<(usize, f64)>| {
        let one = |(i, _): &(usize, f64)| (texts[*i].1.0, class(input, texts[*i].1.1));
        near.iter().map(one).collect()
    };
    nearest.into_iter().map(named).collect()
}

#[cfg(test)]
mod tests;
