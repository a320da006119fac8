//! `routecal report`: the page and the Markdown of a folder of results, rendered again. The commands that write results there
//! render them in the same way.

use std::path::Path;

use crate::Error;
use crate::cli::args::ReportArgs;
use crate::cli::session::Session;
use crate::report::{Contents, report_html, report_markdown};
use crate::store::{self, OutputFolder};

pub(in crate::cli) fn run(session: &Session, args: &ReportArgs) -> Result<(), Error> {
    let folder = args.folder.as_deref().unwrap_or(&session.common.out);
    // Before it is opened for writing, which would make it.
    let contents = read(session, folder)?;
    let mut out = OutputFolder::open(folder)?;
    let markdown = write(&contents, &mut out)?;
    let answer = serde_json::json!({
        "kind": "report",
        "schema_version": crate::report::REPORT_VERSION,
        "files": ["report.html", "report.md"],
        "left_out": contents.left_out.iter().map(|left| &left.file).collect::<Vec<_>>(),
    });
    session.printer.answer(|| store::json(&answer), || markdown)?;
    session.note_written(&out);
    Ok(())
}

/// Renders the report of the folder that results were just written to.
pub(in crate::cli::commands) fn write_report(session: &Session, out: &mut OutputFolder) -> Result<(), Error> {
    let contents = read(session, out.root())?;
    write(&contents, out).map(drop)
}

fn read(session: &Session, folder: &Path) -> Result<Contents, Error> {
    let mut contents = Contents::read(folder)?;
    session.redact(&mut contents);
    for left in &contents.left_out {
        session
            .printer
            .warn(&format!("the report leaves out {}: {}", left.file, left.why));
    }
    Ok(contents)
}

fn write(contents: &Contents, out: &mut OutputFolder) -> Result<String, Error> {
    let markdown = report_markdown(contents);
    out.write("report.md", &markdown)?;
    out.write("report.html", report_html(contents)?)?;
    Ok(markdown)
}
