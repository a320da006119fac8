//! What lies in a folder of results, read back for a report.
//!
//! A report is a function of its folder: whoever writes a document there renders the report again, and so does `routecal
//! report`, with the same bytes. Nothing is computed again. A file that cannot be used is left out and named, with the reason.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use resvg::usvg::roxmltree::{Document, Node};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{CalibrationReport, CheckReport, EvalReport, REPORT_VERSION, ReplayReport};
use crate::assets::sha256_hex;
use crate::error::{ErrorClass, Hint};

/// The documents that a report is made of, with the command that writes each.
const DOCUMENTS: [(&str, &str); 4] = [
    ("check.json", "check"),
    ("calibration.json", "calibrate"),
    ("eval.json", "eval"),
    ("replay.json", "replay"),
];

/// A folder that no report can be made of.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// It cannot be read.
    #[error("cannot read {}", folder.display())]
    Read {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// None of its files is a document that can be used.
    #[error("no results in {}{}", folder.display(), reasons(left_out))]
    Empty {
        /// The folder.
        folder: PathBuf,
        /// Documents that are there and cannot be used.
        left_out: Vec<LeftOut>,
    },
    /// The page could not be put together.
    #[error("cannot render the report")]
    Render(#[source] minijinja::Error),
}

fn reasons(left_out: &[LeftOut]) -> String {
    let reasons: Vec<String> = left_out
        .iter()
        .map(|left| format!("; {}: {}", left.file, left.why))
        .collect();
    reasons.concat()
}

impl Hint for FolderError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => Some("name the folder that --out named, such as: routecal report reports".into()),
            Self::Empty { folder, .. } => Some(format!(
                "results come from calibrate, eval, check or replay, such as: routecal calibrate --out {}",
                folder.display()
            )),
            Self::Render(_) => None,
        }
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Read { .. } | Self::Empty { .. } => ErrorClass::Input,
            Self::Render(_) => ErrorClass::Environment,
        }
    }
}

/// A file that a report does without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name in the folder.
    pub file: String,
    /// Why.
    pub why: String,
}

/// A line of `sweep.csv`; the rates follow from the counts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SweepLine {
    /// The split.
    pub split: String,
    /// Least score accepted.
    pub threshold: f64,
    /// Least gap accepted.
    pub gap: f64,
    /// Prompts accepted.
    pub accepted: u64,
    /// Accepted and right.
    pub right: u64,
    /// Accepted, out-of-domain.
    pub out_of_domain: u64,
    /// Mean price of a prompt, where prices are known.
    #[serde(default)]
    pub mean_price: Option<f64>,
}

/// The results in a folder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// `check.json`.
    pub check: Option<CheckReport>,
    /// `calibration.json`.
    pub calibration: Option<CalibrationReport>,
    /// `eval.json`.
    pub evaluation: Option<EvalReport>,
    /// `replay.json`.
    pub replay: Option<ReplayReport>,
    /// `sweep.csv`: the lines of every split.
    pub sweep: Vec<SweepLine>,
    /// The pictures of the documents above, by name: SVG.
    pub pictures: BTreeMap<String, String>,
    /// Files that could not be used.
    pub left_out: Vec<LeftOut>,
}

/// The stamp of a document, which its pictures carry: the first 16 digits of the sha256 of its text.
pub fn stamp(document: &str) -> String {
    sha256_hex(document.as_bytes())[..16].to_owned()
}

impl Contents {
    /// Reads a folder.
    ///
    /// # Errors
    /// [`FolderError::Read`] where it cannot be listed, [`FolderError::Empty`] where no document in it can be used.
    pub fn read(root: &Path) -> Result<Self, FolderError> {
        std::fs::read_dir(root).map_err(|source| FolderError::Read {
            folder: root.to_owned(),
            source,
        })?;
        let mut reader = Reader {
            root,
            stamps: Vec::new(),
            left_out: Vec::new(),
        };
        let mut contents = Self {
            check: reader.document("check.json", "check"),
            calibration: reader.document("calibration.json", "calibration"),
            evaluation: reader.document("eval.json", "evaluation"),
            replay: reader.document("replay.json", "replay"),
            ..Self::default()
        };
        if reader.stamps.is_empty() {
            return Err(FolderError::Empty {
                folder: root.to_owned(),
                left_out: reader.left_out,
            });
        }
        if contents.calibration.is_some() {
            contents.sweep = reader.sweep();
        }
        contents.pictures = reader.pictures();
        contents.left_out = reader.left_out;
        Ok(contents)
    }
}

struct Reader<'a> {
    root: &'a Path,
    /// Of the documents that were read.
    stamps: Vec<String>,
    left_out: Vec<LeftOut>,
}

impl Reader<'_> {
    fn leave_out(&mut self, file: &str, why: impl Into<String>) {
        self.left_out.push(LeftOut {
            file: file.to_owned(),
            why: why.into(),
        });
    }

    /// The text of a file; `None` where there is none, or it cannot be read.
    fn text(&mut self, file: &str) -> Option<String> {
        match std::fs::read_to_string(self.root.join(file)) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                self.leave_out(file, error.to_string());
                None
            }
        }
    }

    fn document<T: DeserializeOwned>(&mut self, file: &str, kind: &str) -> Option<T> {
        let text = self.text(file)?;
        match parse(&text, kind) {
            Ok(document) => {
                self.stamps.push(stamp(&text));
                Some(document)
            }
            Err(why) => {
                let command = DOCUMENTS.iter().find(|(name, _)| *name == file).map_or("", |(_, c)| c);
                self.leave_out(file, format!("{why}; make it again with routecal {command}"));
                None
            }
        }
    }

    fn sweep(&mut self) -> Vec<SweepLine> {
        let Some(text) = self.text("sweep.csv") else {
            return Vec::new();
        };
        match csv::Reader::from_reader(text.as_bytes()).deserialize().collect() {
            Ok(lines) => lines,
            Err(error) => {
                self.leave_out("sweep.csv", error.to_string());
                Vec::new()
            }
        }
    }

    /// The pictures that name one of the documents that were read.
    fn pictures(&mut self) -> BTreeMap<String, String> {
        let mut pictures = BTreeMap::new();
        let mut others = Vec::new();
        for name in PICTURES {
            let file = format!("plots/{name}.svg");
            let Some(svg) = self.text(&file) else { continue };
            match stamp_of(&svg) {
                Ok(stamp) if self.stamps.contains(&stamp) => {
                    pictures.insert(name.to_owned(), svg);
                }
                Ok(_) => others.push(name),
                Err(why) => self.leave_out(&file, why),
            }
        }
        if !others.is_empty() {
            let why = format!(
                "drawn for other documents than those that lie here: {}",
                others.join(", ")
            );
            self.leave_out("plots/*.svg", why);
        }
        pictures
    }
}

/// The pictures that a report has places for.
const PICTURES: [&str; 9] = [
    "confusion",
    "confidence",
    "confidence-by-route",
    "reliability",
    "threshold",
    "risk-coverage",
    "risk-coverage-chosen",
    "threshold-gap",
    "frontier",
];

fn parse<T: DeserializeOwned>(text: &str, kind: &str) -> Result<T, String> {
    #[derive(Deserialize)]
    struct Head {
        kind: String,
        schema_version: u64,
    }
    let head: Head = serde_json::from_str(text).map_err(|error| format!("no document of routecal: {error}"))?;
    if head.kind != kind {
        return Err(format!(
            "its kind is {:?}, not {kind:?}",
            super::terminal::shown(&head.kind, 40)
        ));
    }
    if head.schema_version != REPORT_VERSION {
        return Err(format!(
            "its schema version is {}, this routecal reads {REPORT_VERSION}",
            head.schema_version
        ));
    }
    let read = &mut serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(read).map_err(|error| error.to_string())
}

/// The stamp of a picture that holds nothing but shapes and words: a page takes it in as it is, so nothing in it may act.
fn stamp_of(svg: &str) -> Result<String, String> {
    let document = Document::parse(svg).map_err(|error| format!("no SVG: {error}"))?;
    let strange = |node: &Node<'_, '_>| {
        let own_element =
            !node.is_element() || matches!(node.tag_name().name(), "svg" | "title" | "desc" | "g" | "path");
        let own_attributes = node.attributes().all(|attribute| {
            let name = attribute.name();
            !name.starts_with("on") && !matches!(name, "href" | "style" | "id" | "class")
        });
        !(own_element && own_attributes) || node.is_pi()
    };
    if document.descendants().any(|node| strange(&node)) {
        return Err("holds more than routecal draws".into());
    }
    let stamp = document.root_element().attribute("data-document");
    stamp
        .map(str::to_owned)
        .ok_or_else(|| "names no document; draw it again".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SVG: &str = "<svg data-document=\"ab\" xmlns=\"http://www.w3.org/2000/svg\"><title>a &lt; b</title><path d=\"m0 0\"/></svg>";

    #[test]
    fn a_picture_may_hold_shapes_and_words_only() {
        assert_eq!(stamp_of(SVG), Ok("ab".to_owned()));
        for strange in [
            SVG.replace("<path", "<script>alert(1)</script><path"),
            SVG.replace("<path", "<path onload=\"alert(1)\""),
            SVG.replace("<path d", "<a href=\"x\"/><path d"),
            SVG.replace("<title>", "<foreignObject><title>"),
            SVG.replace(" data-document=\"ab\"", ""),
        ] {
            assert!(stamp_of(&strange).is_err(), "{strange}");
        }
    }

    #[test]
    fn a_folder_without_results_says_what_is_wrong_with_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("eval.json"),
            r#"{"kind": "evaluation", "schema_version": 9}"#,
        )
        .unwrap();
        let error = Contents::read(folder.path()).unwrap_err();
        assert!(
            error.to_string().contains("eval.json: its schema version is 9"),
            "{error}"
        );
        assert!(matches!(error.class(), ErrorClass::Input));
        assert!(Contents::read(&folder.path().join("none")).is_err());
    }
}
