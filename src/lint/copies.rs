//! One prompt twice: the same text but for case, spaces and punctuation, or nearly the same by cosine.
//!
//! What a copy harms depends on where the two stand. Under two labels one of them is wrong. An example that is also a prompt
//! scores against a centroid that holds it. One prompt in two splits lets a choice be judged on what it was made from. Two in
//! one split count twice, and intervals take them for two independent draws.

use std::collections::{BTreeMap, HashMap};

use super::matrix::{Matrix, Pair};
use super::{Act, Code, Finding, Input, Subject, folded};
use crate::dataset::Truth;

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Home {
    Examples,
    Split(usize),
}

/// An example or a prompt.
#[derive(Debug, Clone, Copy)]
struct Text {
    subject: Subject,
    truth: Truth,
    home: Home,
    /// Texts that fold to the same have the same.
    fold: usize,
    /// Row among the examples' vectors, or among the prompts'.
    vector: usize,
}

/// All examples, then all prompts.
pub(super) struct Texts {
    all: Vec<Text>,
    splits: Vec<String>,
    examples: usize,
}

/// What two copies do to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Conflict,
    Leak,
    Overlap,
    Duplicate,
}

const KINDS: [Kind; 4] = [Kind::Conflict, Kind::Leak, Kind::Overlap, Kind::Duplicate];

impl Kind {
    /// Whether two texts stand to each other in this way. A copy under another label harms a judgement across splits as any copy
    /// does; what is only nearly the same is said once.
    fn holds(self, a: Text, b: Text, exact: bool) -> bool {
        let (same_label, same_home) = (a.truth == b.truth, a.home == b.home);
        let example = a.home == Home::Examples || b.home == Home::Examples;
        match self {
            Self::Conflict => !same_label,
            Self::Leak => same_label && !same_home && example,
            Self::Overlap => (same_label || exact) && !same_home && !example,
            Self::Duplicate => same_label && same_home,
        }
    }

    fn code(self, exact: bool) -> Code {
        match (self, exact) {
            (Self::Conflict, true) => Code::ConflictingLabels,
            (Self::Leak, true) => Code::Leak,
            (Self::Overlap, true) => Code::SplitOverlap,
            (Self::Duplicate, true) => Code::Duplicate,
            (Self::Conflict, false) => Code::NearConflict,
            (Self::Leak, false) => Code::NearLeak,
            (Self::Overlap, false) => Code::NearSplitOverlap,
            (Self::Duplicate, false) => Code::NearDuplicate,
        }
    }
}

impl Texts {
    pub(super) fn new(input: &Input<'_>) -> Self {
        let mut folds: HashMap<String, usize> = HashMap::new();
        let mut fold = |text: &str| {
            let next = folds.len();
            *folds.entry(folded(text)).or_insert(next)
        };
        let mut all = Vec::new();
        for (r, route) in input.routes.routes.iter().enumerate() {
            for (example, text) in route.examples.iter().enumerate() {
                all.push(Text {
                    subject: Subject::Example { route: r, example },
                    truth: Truth::Route(r),
                    home: Home::Examples,
                    fold: fold(text),
                    vector: all.len(),
                });
            }
        }
        let examples = all.len();
        let mut splits: Vec<String> = Vec::new();
        for (i, row) in input.rows.iter().enumerate() {
            let split = splits.iter().position(|s| *s == row.split).unwrap_or_else(|| {
                splits.push(row.split.clone());
                splits.len() - 1
            });
            all.push(Text {
                subject: Subject::Prompt(i),
                truth: input.truths[i],
                home: Home::Split(split),
                fold: fold(&row.prompt),
                vector: i,
            });
        }
        Self { all, splits, examples }
    }

    /// For each prompt, a number that its copies share.
    pub(super) fn folds(&self) -> Vec<usize> {
        self.all[self.examples..].iter().map(|text| text.fold).collect()
    }

    /// For each prompt, whether an example is the same.
    pub(super) fn leaked(&self) -> Vec<bool> {
        let examples: std::collections::HashSet<usize> = self.all[..self.examples].iter().map(|t| t.fold).collect();
        self.folds().iter().map(|fold| examples.contains(fold)).collect()
    }

    /// Every example, then every prompt, with its label and a number that its copies share.
    pub(super) fn labelled(&self) -> Vec<(Subject, Truth, usize)> {
        self.all
            .iter()
            .map(|text| (text.subject, text.truth, text.fold))
            .collect()
    }

    /// Texts that fold to the same. Each group gives one finding of each kind that it holds.
    pub(super) fn exact(&self, input: &Input<'_>) -> Vec<Finding> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, text) in self.all.iter().enumerate() {
            groups.entry(text.fold).or_default().push(i);
        }
        let groups = groups.into_values().filter(|group| group.len() > 1);
        groups.flat_map(|group| self.of_group(input, &group)).collect()
    }

    fn of_group(&self, input: &Input<'_>, group: &[usize]) -> Vec<Finding> {
        let found = KINDS.into_iter().filter_map(|kind| {
            // A member shows the kind if some other one does so with it; groups are small.
            let shows = |i: &&usize| {
                group
                    .iter()
                    .any(|j| *j != **i && kind.holds(self.all[**i], self.all[*j], true))
            };
            let members: Vec<usize> = group.iter().filter(shows).copied().collect();
            (!members.is_empty()).then(|| self.finding(input, kind, true, &members))
        });
        found.collect()
    }

    /// Texts that do not fold to the same but whose vectors have a cosine of at least `threshold`; those that hang together by
    /// such pairs of one kind are one finding.
    pub(super) fn near(&self, input: &Input<'_>, threshold: f64) -> Vec<Finding> {
        // One of each fold, label and place: what differs from it in nothing would only say the same again.
        let mut seen = std::collections::HashSet::new();
        let distinct: Vec<usize> = (0..self.all.len())
            .filter(|i| {
                let text = self.all[*i];
                let label = match text.truth {
                    Truth::Route(route) => Some(route),
                    Truth::OutOfDomain => None,
                };
                seen.insert((text.fold, label, text.home))
            })
            .collect();
        let vector = |i: &usize| match self.all[*i].home {
            Home::Examples => input.centroids.examples().row(self.all[*i].vector),
            Home::Split(_) => input.vectors.row(self.all[*i].vector),
        };
        let matrix = Matrix::new(distinct.iter().map(vector).collect());
        let mut clusters = [(); KINDS.len()].map(|()| Clusters::new(distinct.len()));
        matrix.near_pairs(threshold, &mut |pair| {
            let (a, b) = (self.all[distinct[pair.a]], self.all[distinct[pair.b]]);
            if a.fold != b.fold {
                let found = KINDS
                    .iter()
                    .zip(&mut clusters)
                    .filter(|(kind, _)| kind.holds(a, b, false));
                found.for_each(|(_, clusters)| clusters.join(pair));
            }
        });
        let mut findings = Vec::new();
        for (kind, clusters) in KINDS.into_iter().zip(clusters) {
            for cluster in clusters.into_groups() {
                let members: Vec<usize> = cluster.members.iter().map(|i| distinct[*i]).collect();
                let finding = self.finding(input, kind, false, &members);
                let cosine = cluster.best.cosine;
                let message = format!("{}, cosine up to {cosine:.3}", finding.message);
                findings.push(
                    Finding { message, ..finding }
                        .with([("cosine", cosine)])
                        .weighing(cosine),
                );
            }
        }
        findings
    }

    fn finding(&self, input: &Input<'_>, kind: Kind, exact: bool, members: &[usize]) -> Finding {
        let texts: Vec<Text> = members.iter().map(|i| self.all[*i]).collect();
        let n = texts.len();
        // An example is wrong less often than a prompt is: the finding stands at the first prompt, where there is one.
        let place = (texts
            .iter()
            .find(|t| t.home != Home::Examples)
            .filter(|_| kind == Kind::Leak))
        .unwrap_or(&texts[0]);
        let same = if exact {
            "the same prompt"
        } else {
            "nearly the same prompt"
        };
        let examples = texts.iter().all(|t| t.home == Home::Examples);
        let label = input.label(texts[0].truth);
        let (message, act) = match kind {
            Kind::Conflict => {
                let mut counts: Vec<(&str, usize)> = Vec::new();
                for text in &texts {
                    let name = input.label(text.truth);
                    match counts.iter_mut().find(|(seen, _)| *seen == name) {
                        Some((_, count)) => *count += 1,
                        None => counts.push((name, 1)),
                    }
                }
                let labels: Vec<String> = counts.iter().map(|(name, count)| format!("{name} ({count})")).collect();
                let act = if examples { Act::Move } else { Act::Relabel };
                (
                    format!("{same} under {} labels: {}", labels.len(), labels.join(", ")),
                    act,
                )
            }
            Kind::Leak => {
                let prompts = texts.iter().filter(|t| t.home != Home::Examples).count();
                let what = if prompts == 1 { "a prompt is" } else { "prompts are" };
                let nearly = if exact { "" } else { "nearly " };
                (
                    format!("{what} {nearly}an example of its route {label}: its score flatters the router"),
                    Act::Delete,
                )
            }
            Kind::Overlap => {
                let mut homes: Vec<&str> = Vec::new();
                for text in &texts {
                    if let Home::Split(split) = text.home
                        && !homes.contains(&self.splits[split].as_str())
                    {
                        homes.push(&self.splits[split]);
                    }
                }
                (
                    format!(
                        "{same} in the splits {}: what chose is judged by itself",
                        homes.join(", ")
                    ),
                    Act::Move,
                )
            }
            Kind::Duplicate if examples => (format!("{same} {n} times among the examples of {label}"), Act::Delete),
            Kind::Duplicate => (format!("{same} {n} times with label {label}"), Act::Delete),
        };
        let items = texts.iter().map(|t| t.subject).collect();
        let finding = Finding::new(kind.code(exact), act, place.subject, message, items);
        #[expect(clippy::cast_precision_loss, reason = "a count of copies")]
        let count = n as f64;
        finding.with([("copies", count)]).weighing(count)
    }
}

/// Union–find that remembers the nearest pair of every set.
struct Clusters {
    parent: Vec<usize>,
    best: Vec<Option<Pair>>,
}

struct Cluster {
    members: Vec<usize>,
    best: Pair,
}

impl Clusters {
    fn new(n: usize) -> Self {
        Self {
            parent: (0..n).collect(),
            best: vec![None; n],
        }
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.parent[i] != i {
            self.parent[i] = self.parent[self.parent[i]];
            i = self.parent[i];
        }
        i
    }

    fn join(&mut self, pair: Pair) {
        let (a, b) = (self.root(pair.a), self.root(pair.b));
        // The earlier one leads, so that the result does not depend on the order of the pairs.
        let (lead, other) = (a.min(b), a.max(b));
        self.parent[other] = lead;
        let candidates = [self.best[lead], self.best[other], Some(pair)];
        self.best[lead] = (candidates.into_iter().flatten()).reduce(|x, y| {
            let order = (y.cosine.total_cmp(&x.cosine)).then((x.a, x.b).cmp(&(y.a, y.b)));
            if order.is_le() { x } else { y }
        });
    }

    fn into_groups(mut self) -> Vec<Cluster> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for i in 0..self.parent.len() {
            let root = self.root(i);
            groups.entry(root).or_default().push(i);
        }
        let best = self.best;
        groups
            .into_iter()
            .filter_map(|(root, members)| best[root].map(|best| Cluster { members, best }))
            .collect()
    }
}

#[cfg(test)]
mod tests;
