//! `routecal import` and `routecal export`: files of other tools.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use crate::Error;
use crate::cli::args::{ExchangeArgs, ExportArgs, ImportDatasetArgs, ImportRoutesArgs, ImportWhat};
use crate::cli::session::Session;
use crate::dataset::{LabelMap, PublishedColumns, Unmapped, published_csv, read_published};
use crate::exchange::{self, Syntax, Tool};
use crate::report::REPORT_VERSION;
use crate::routes::Routes;
use crate::store;

/// Labels whose rows are counted on the screen; more would fill it, and stand in the document.
const LABELS_SHOWN: usize = 12;

pub(in crate::cli) fn import(session: &Session, args: &ExchangeArgs) -> Result<(), Error> {
    match &args.what {
        ImportWhat::Routes(args) => routes(session, args),
        ImportWhat::Dataset(args) => dataset(session, args),
    }
}

fn routes(session: &Session, args: &ImportRoutesArgs) -> Result<(), Error> {
    refuse_to_replace(&args.output, args.overwrite)?;
    let text = read_text(&args.file)?;
    let name = args.file.display().to_string();
    let (tool, imported) = exchange::read(&text, &name, args.from.map(Tool::from))?;
    let made = imported.routes_json(&args.model, &args.fallback_model);
    // What another tool takes may be no router here: two routes with the same examples, a reserved name.
    let (routes, warnings) = Routes::parse(&made, &args.output)?;
    let unknown = imported.routes.iter().filter(|route| route.model.is_none()).count();
    let mut notes = imported.notes;
    if unknown > 0 {
        notes.push(format!(
            "the file names no model for {unknown} routes: they have \"{}\", from --model",
            args.model
        ));
    }
    notes.extend(warnings.iter().map(ToString::to_string));
    store::write_atomically(&args.output, made.as_bytes())?;
    for note in &notes {
        session.printer.warn(note);
    }
    let examples: usize = routes.sizes().iter().sum();
    let document = json!({
        "kind": "imported_routes",
        "schema_version": REPORT_VERSION,
        "tool": tool.name(),
        "output": args.output,
        "routes": routes.routes.len(),
        "examples": examples,
        "notes": notes,
    });
    session.printer.answer(
        || store::json(&document),
        || {
            format!(
                "{} routes with {examples} examples, from {}, in {}\n",
                routes.routes.len(),
                tool.name(),
                args.output.display()
            )
        },
    )
}

fn dataset(session: &Session, args: &ImportDatasetArgs) -> Result<(), Error> {
    refuse_to_replace(&args.output, args.overwrite)?;
    let name = args.file.display().to_string();
    let bytes = std::fs::read(&args.file).map_err(|source| Error::Read {
        path: args.file.clone(),
        source,
    })?;
    let columns = PublishedColumns {
        prompt: args.prompt_column.clone(),
        label: args.label_column.clone(),
    };
    let map = (args.label_map.as_deref())
        .map(|file| LabelMap::parse(&read_text(file)?, &file.display().to_string()).map_err(Error::from))
        .transpose()?;
    let mut read = read_published(bytes, &name, args.from.map(Into::into), &columns)?;
    if let Some(map) = map {
        let (rows, notes) = map.apply(read.rows, args.unmapped.map(Unmapped::from).unwrap_or_default())?;
        read.rows = rows;
        read.notes.extend(notes);
    }
    store::write_atomically(&args.output, &published_csv(&read.rows))?;
    for note in &read.notes {
        session.printer.warn(note);
    }
    let mut by_label: BTreeMap<&str, usize> = BTreeMap::new();
    for label in read.rows.iter().filter_map(|row| row.label.as_deref()) {
        *by_label.entry(label).or_default() += 1;
    }
    let shape = read.as_published.name();
    let document = json!({
        "kind": "imported_dataset",
        "schema_version": REPORT_VERSION,
        "shape": shape,
        "output": args.output,
        "rows": read.rows.len(),
        "labels": by_label.keys().collect::<Vec<_>>(),
        "rows_by_label": by_label,
        "notes": read.notes,
    });
    session.printer.answer(
        || store::json(&document),
        || {
            let counts: Vec<String> = by_label.iter().map(|(label, n)| format!("{label} {n}")).collect();
            let counts = if (1..=LABELS_SHOWN).contains(&counts.len()) {
                format!("  {}\n", counts.join(" · "))
            } else {
                String::new()
            };
            format!(
                "{} prompts with {} labels, from {shape}, in {}\n{counts}",
                read.rows.len(),
                by_label.len(),
                args.output.display()
            )
        },
    )
}

pub(in crate::cli) fn export(session: &Session, args: &ExportArgs) -> Result<(), Error> {
    let routes = session.routes()?;
    let name = args.file.display().to_string();
    let there = args.file.exists();
    let (tool, text, notes) = if there {
        exchange::with_thresholds(&read_text(&args.file)?, &name, args.to.map(Tool::from), &routes)?
    } else {
        let Some(tool) = args.to.map(Tool::from) else {
            return Err(Error::usage(
                format!("{name} is not there, so its shape does not say whose file it is to be"),
                "say it: --to semantic-router, semantic-router-0, litellm, redisvl or rasa",
            ));
        };
        let (text, notes) = exchange::write(&routes, tool, syntax_of(&args.file)?)?;
        (tool, text, notes)
    };
    if !args.dry_run {
        store::write_atomically(&args.file, text.as_bytes())?;
    }
    for note in &notes {
        session.printer.warn(note);
    }
    let by_route: serde_json::Map<_, _> = routes
        .names()
        .into_iter()
        .zip(routes.thresholds_by_route())
        .map(|(name, at)| (name, json!(at.threshold())))
        .collect();
    let document = json!({
        "kind": "exported_routes",
        "schema_version": REPORT_VERSION,
        "tool": tool.name(),
        "output": args.file,
        "made": !there,
        "thresholds": by_route,
        "notes": notes,
    });
    session.printer.answer(
        || store::json(&document),
        || {
            if args.dry_run {
                text.clone()
            } else {
                let what = if there { "thresholds" } else { "routes" };
                format!("{} {what}, for {}, in {name}\n", routes.routes.len(), tool.name())
            }
        },
    )
}

fn syntax_of(file: &Path) -> Result<Syntax, Error> {
    match file.extension().and_then(|e| e.to_str()) {
        Some("json") => Ok(Syntax::Json),
        Some("yaml" | "yml") => Ok(Syntax::Yaml),
        _ => Err(Error::usage(
            format!("{} is neither .json nor .yaml", file.display()),
            "name the file router.json or router.yaml",
        )),
    }
}

fn read_text(file: &Path) -> Result<String, Error> {
    std::fs::read_to_string(file).map_err(|source| Error::Read {
        path: file.to_owned(),
        source,
    })
}

/// A file that somebody wrote is not lost by a command that was typed in a hurry.
fn refuse_to_replace(output: &Path, overwrite: bool) -> Result<(), Error> {
    if output.exists() && !overwrite {
        return Err(Error::usage(
            format!("{} is there already", output.display()),
            "give another --output, or --overwrite",
        ));
    }
    Ok(())
}
