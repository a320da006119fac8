//! `routecal embed`: the vectors of a dataset as Parquet.

use serde_json::json;

use crate::Error;
use crate::cli::args::EmbedArgs;
use crate::cli::session::Session;
use crate::dataset::Dataset;
use crate::store::{self, OutputFolder};

pub(in crate::cli) fn run(session: &Session, args: &EmbedArgs) -> Result<(), Error> {
    // Before any long work: a folder that cannot be written should not cost minutes.
    let _folder = OutputFolder::of_file(&args.output)?;
    let dataset = Dataset::load(&args.dataset, &args.data.options(session.common.seed, true))?
        .split(session.common.split.as_deref().unwrap_or("all"))?;
    // The routes file only names the encoder here; without one the default will do.
    let routes = match session.common.encoder {
        None if session.common.routes.exists() => Some(session.routes()?),
        _ => None,
    };
    let engine = session.engine(&session.encoder_name(routes.as_ref())?)?;
    let vectors = session.embed(&engine, &dataset.prompts())?;
    let bytes = store::vectors_parquet(&session.shown(&dataset.rows), &vectors)?;
    store::write_atomically(&args.output, &bytes)?;
    let document = json!({
        "kind": "vectors",
        "schema_version": crate::report::REPORT_VERSION,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "encoder": engine.encoder.identity(),
        "output": args.output,
        "rows": vectors.len(),
        "dimension": vectors.dimension(),
    });
    session.printer.answer(
        || store::json(&document),
        || {
            format!(
                "{} vectors of {} numbers in {}\n",
                vectors.len(),
                vectors.dimension(),
                args.output.display()
            )
        },
    )
}
