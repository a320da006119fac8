//! A report as one HTML page that needs nothing else: styles, script, pictures and data are in it, and nothing is fetched.
//!
//! Every text is escaped by the template engine. A policy in the page lets only this module's script run, by its hash, so that
//! nothing in a prompt could act even if an escape were missing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use sha2::{Digest as _, Sha256};

use super::folder::{Contents, FolderError};
use super::page::Page;

const TEMPLATES: [(&str, &str); 2] = [
    ("report.html", include_str!("templates/report.html")),
    ("blocks.html", include_str!("templates/blocks.html")),
];
const STYLE: &str = concat!(include_str!("templates/style.css"), include_str!("templates/plots.css"));
const SCRIPT: &str = concat!(include_str!("templates/marker.js"), include_str!("templates/tables.js"));

/// The page.
///
/// # Errors
/// [`FolderError::Render`], which would be a mistake in a template.
pub fn report_html(contents: &Contents) -> Result<String, FolderError> {
    render(&Page::of(contents)).map_err(FolderError::Render)
}

fn render(page: &Page) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    // A name that is not there is a mistake, not an empty text.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let lines = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()?;
    environment.set_syntax(lines);
    environment.add_function("name_of", |id: String| super::page::name_of(&id));
    environment.add_filter("close", |text: String| close(&text));
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    environment.get_template("report.html")?.render(context! {
        page => Serde(page),
        style => format!("{STYLE}{}", cells_in_the_dark()),
        script => SCRIPT,
        script_hash => STANDARD.encode(Sha256::digest(SCRIPT.as_bytes())),
    })
}

/// The cells of the confusion matrix on a dark screen.
fn cells_in_the_dark() -> String {
    let inks = [("#000000", "#ffffff"), ("#fefefe", "#000000")].map(|(ink, other)| (ink.to_owned(), other.to_owned()));
    let rules = inks.into_iter().chain(crate::plot::blues_in_the_dark());
    let rules: Vec<String> = rules
        .map(|(from, to)| format!("#figure-confusion [fill=\"{from}\"]{{fill:{to}}}\n"))
        .collect();
    let rules = rules.concat();
    format!("@media screen and (prefers-color-scheme: dark) {{\n{rules}}}\n")
}

/// A number stays on the line of its sign.
fn close(text: &str) -> String {
    text.replace(" %", "\u{a0}%").replace("n = ", "n\u{a0}=\u{a0}")
}

#[cfg(test)]
mod tests;
