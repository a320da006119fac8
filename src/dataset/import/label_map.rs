//! Labels of a published dataset as routes: 150 intents become the four routes that a router has.

use indexmap::IndexMap;

use super::PublishedRow;
use crate::dataset::log::csv_cells;
use crate::dataset::{DatasetError, Label, RowProblem};
use crate::error::{ErrorClass, Hint, nearest};

/// Labels that a message lists before the rest is only counted.
const SHOWN: usize = 12;

/// Which route each label stands for. Read from CSV with the columns `label` and `route`; `none`, `oos` and `out_of_domain` are no
/// route, and a line whose route is empty is as good as none: it waits to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMap {
    /// The file, in errors.
    file: String,
    routes: IndexMap<String, Label>,
}

/// What becomes of rows whose label a map does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unmapped {
    /// They are an error: a label that was forgotten or mistyped changes every figure.
    #[default]
    Refuse,
    /// They keep their label, which is a route's name already.
    Keep,
    /// They belong to no route.
    OutOfDomain,
    /// They are left out.
    Drop,
}

/// Why labels cannot be made routes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelMapError {
    /// The map itself cannot be used.
    #[error(transparent)]
    Map(#[from] DatasetError),
    /// The file is no map.
    #[error("{file}: {message}")]
    NoMap {
        /// The file.
        file: String,
        /// What is missing.
        message: String,
    },
    /// The dataset has no labels to map.
    #[error("{file} maps labels, and the dataset has none")]
    NoLabels {
        /// The map.
        file: String,
    },
    /// Labels of the dataset that the map does not have.
    #[error("{file} has no route for {}", listed(labels))]
    Unmapped {
        /// The map.
        file: String,
        /// The labels in order of first appearance, with the number of their rows.
        labels: Vec<(String, usize)>,
    },
    /// Every row is left out.
    #[error("{file} leaves no row of the dataset")]
    NothingLeft {
        /// The map.
        file: String,
    },
}

fn listed(labels: &[(String, usize)]) -> String {
    first(labels, |(label, n)| format!("\"{label}\" ({})", counted(*n, "row")))
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The first of many, and how many more there are.
fn first<T>(of: &[T], shown: impl Fn(&T) -> String) -> String {
    let mut texts: Vec<String> = of.iter().take(SHOWN).map(shown).collect();
    if of.len() > SHOWN {
        texts.push(format!("and {} more", of.len() - SHOWN));
    }
    texts.join(", ")
}

impl Hint for LabelMapError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Map(e) => e.hint(),
            Self::NoMap { .. } => Some("a map of labels is CSV that starts with the line: label,route".into()),
            Self::NoLabels { .. } => Some("leave --label-map out, or name the column with --label-column".into()),
            Self::Unmapped { .. } => {
                Some("give each a line, or say what becomes of them: --unmapped keep, none or drop".into())
            }
            Self::NothingLeft { .. } => Some("its labels are those of the dataset, as they stand there".into()),
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Map(e) => e.class(),
            _ => ErrorClass::Input,
        }
    }
}

impl LabelMap {
    /// Reads CSV; `file` is named in errors. Other columns than `label` and `route` are passed over. O(bytes).
    ///
    /// # Errors
    /// [`LabelMapError::Map`]: broken lines, a label that stands there twice; [`LabelMapError::NoMap`]: without one of the columns, or
    /// without lines.
    pub fn parse(text: &str, file: &str) -> Result<Self, LabelMapError> {
        let cells = csv_cells(text.strip_prefix('\u{feff}').unwrap_or(text), file)?;
        let place = |name: &str| {
            let place = cells.columns.iter().position(|column| column == name);
            place.ok_or_else(|| LabelMapError::NoMap {
                file: file.to_owned(),
                message: format!("no column \"{name}\"; the columns are {}", cells.columns.join(", ")),
            })
        };
        let (label_at, route_at) = (place("label")?, place("route")?);
        let rows = cells.rows.len() + cells.problems.len();
        if rows == 0 {
            return Err(LabelMapError::NoMap {
                file: file.to_owned(),
                message: "no lines after the header".into(),
            });
        }
        let mut problems = cells.problems;
        let mut routes: IndexMap<String, Label> = IndexMap::new();
        for (line, cells) in cells.rows {
            let cell = |place: usize| cells[place].as_deref().unwrap_or_default().trim();
            if cell(route_at).is_empty() {
                continue;
            }
            if let Some(before) = routes.insert(cell(label_at).to_owned(), Label::parse(cell(route_at))) {
                problems.push(RowProblem {
                    line,
                    message: format!(
                        "label \"{}\" stands above already, for {}",
                        cell(label_at),
                        before.as_str()
                    ),
                });
            }
        }
        if !problems.is_empty() {
            problems.sort_by_key(|problem| problem.line);
            return Err(DatasetError::BadRows {
                source_name: file.to_owned(),
                problems,
                rows,
                hint: Some("give each label one line, with as many fields as the header".into()),
            }
            .into());
        }
        Ok(Self {
            file: file.to_owned(),
            routes,
        })
    }

    /// The rows with routes for labels, in their order, and notes: labels of the map that no row has, rows that were left out or
    /// belong to no route by `unmapped`. A label that means no route anyway (`none`, `oos`, empty) needs no line. O(rows).
    ///
    /// # Errors
    /// [`LabelMapError`]: rows without labels, labels that the map does not have where `unmapped` refuses them, no row left.
    pub fn apply(
        &self,
        rows: Vec<PublishedRow>,
        unmapped: Unmapped,
    ) -> Result<(Vec<PublishedRow>, Vec<String>), LabelMapError> {
        let file = || self.file.clone();
        if rows.iter().all(|row| row.label.is_none()) {
            return Err(LabelMapError::NoLabels { file: file() });
        }
        let mut used = vec![false; self.routes.len()];
        let mut without: IndexMap<String, usize> = IndexMap::new();
        let mut mapped = Vec::with_capacity(rows.len());
        for mut row in rows {
            // Spaces around a label are none of its name here, as in the map.
            let label = row.label.as_deref().unwrap_or_default().trim();
            let to = match self.routes.get_full(label) {
                Some((place, _, to)) => {
                    used[place] = true;
                    to.clone()
                }
                None if Label::parse(label) == Label::OutOfDomain => Label::OutOfDomain,
                None => {
                    *without.entry(label.to_owned()).or_default() += 1;
                    match unmapped {
                        Unmapped::Keep => Label::parse(label),
                        Unmapped::OutOfDomain => Label::OutOfDomain,
                        Unmapped::Refuse | Unmapped::Drop => continue,
                    }
                }
            };
            row.label = Some(to.as_str().to_owned());
            mapped.push(row);
        }
        if unmapped == Unmapped::Refuse && !without.is_empty() {
            return Err(LabelMapError::Unmapped {
                file: file(),
                labels: without.into_iter().collect(),
            });
        }
        if mapped.is_empty() {
            return Err(LabelMapError::NothingLeft { file: file() });
        }
        let mut notes = Vec::new();
        let lost: Vec<&String> = (self.routes.keys().zip(&used))
            .filter(|(_, used)| !**used)
            .map(|(label, _)| label)
            .collect();
        if !lost.is_empty() {
            let lost = first(&lost, |label| unused(label, without.keys()));
            notes.push(format!("labels of {} that no row has: {lost}", self.file));
        }
        if !without.is_empty() {
            let what = match unmapped {
                Unmapped::Keep => "kept as they are",
                Unmapped::OutOfDomain => "taken for no route",
                Unmapped::Refuse | Unmapped::Drop => "left out",
            };
            notes.push(format!(
                "{what}: {} with {} that {} does not have",
                counted(without.values().sum(), "row"),
                counted(without.len(), "label"),
                self.file
            ));
        }
        Ok((mapped, notes))
    }
}

/// A label of the map that no row has, with the one that may have been meant.
fn unused<'a>(label: &str, without: impl Iterator<Item = &'a String>) -> String {
    match nearest(label, without.map(String::as_str)) {
        Some(near) => format!("{label} (there is \"{near}\", which has no line)"),
        None => label.to_owned(),
    }
}
