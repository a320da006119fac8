//! `routecal assets`: show, install or verify what the encoder needs.

use serde_json::json;

use crate::Error;
use crate::assets::{AssetState, AssetStatus, BundledModel, FoundIn};
use crate::cli::args::{AssetsAction, AssetsArgs};
use crate::cli::session::Session;
use crate::encode::{INT8_TENSORS, Precision, bundled_model};
use crate::report;
use crate::store;

pub(in crate::cli) fn run(session: &Session, args: &AssetsArgs) -> Result<(), Error> {
    let named = named(session, args.action)?;
    let models = models(session, named.as_deref(), args.action)?;
    let mut status = match args.action {
        AssetsAction::Status => session.assets.status(&models),
        AssetsAction::Install => {
            for model in &models {
                session.assets.install(*model, session.bars.as_ref())?;
            }
            if let Some(name) = &named
                && let Some((_, Precision::Int8)) = bundled_model(name)?
            {
                // It makes a file of its own of these.
                session.open(name)?.prepare()?;
            }
            session.assets.verify(&models)
        }
        AssetsAction::Verify => session.assets.verify(&models),
    };
    status.extend(int8_tensors(session, named.as_deref(), &models, args.action)?);
    session.printer.answer(
        || {
            store::json(&json!({
                "kind": "assets",
                "schema_version": report::REPORT_VERSION,
                "tool_version": env!("CARGO_PKG_VERSION"),
                "files": status,
            }))
        },
        || text(&status),
    )?;
    let bad: Vec<String> = status
        .iter()
        .filter(|s| !s.state.is_usable())
        .map(|s| {
            let problem = match &s.state {
                AssetState::Corrupt { problem } => problem,
                other => state_name(other),
            };
            format!("{} {} ({problem})", s.asset, s.file)
        })
        .collect();
    match args.action {
        AssetsAction::Verify if !bad.is_empty() => Err(Error::Unverified { files: bad }),
        _ => Ok(()),
    }
}

/// The file that int8 makes of the weights: where int8 is meant, or where it is there.
fn int8_tensors(
    session: &Session,
    named: Option<&str>,
    models: &[BundledModel],
    action: AssetsAction,
) -> Result<Option<AssetStatus>, Error> {
    let meant = named.map(bundled_model).transpose()?.flatten();
    if !models.contains(&INT8_TENSORS.model) || matches!(meant, Some((_, Precision::Fp32))) {
        return Ok(None);
    }
    let status = match action {
        AssetsAction::Status => session.assets.status_of(&INT8_TENSORS),
        AssetsAction::Install | AssetsAction::Verify => session.assets.verify_of(&INT8_TENSORS),
    };
    // A file that was never made is nothing to complain of.
    Ok((meant.is_some() || status.state != AssetState::Missing).then_some(status))
}

/// The encoder that is meant: the one in use for `install`, for the others the one that flags name, if any.
fn named(session: &Session, action: AssetsAction) -> Result<Option<String>, Error> {
    let typed = session.common.encoder.is_some() || session.common.precision.is_some();
    match action {
        AssetsAction::Install => {
            let read = session.common.encoder.is_none() && session.common.routes.exists();
            let routes = read.then(|| session.routes()).transpose()?;
            session.encoder_name(routes.as_ref()).map(Some)
        }
        _ if typed => session.encoder_name(None).map(Some),
        _ => Ok(None),
    }
}

/// The model of the encoder that is meant; every bundled model where none is.
fn models(session: &Session, named: Option<&str>, action: AssetsAction) -> Result<Vec<BundledModel>, Error> {
    let Some(named) = named else {
        let own_folder = session.assets.config().model_dir.is_some();
        let wanted = |m: &BundledModel| {
            let weights = session.assets.spec(*m).files[0].name;
            let status = session.assets.status(&[*m]);
            let state = status.iter().find(|s| s.file == weights).map(|s| &s.state);
            if own_folder {
                // It holds the files of one model, which are none of the others'.
                state == Some(&AssetState::Present)
            } else {
                // A model that was never installed is nothing to complain of.
                action == AssetsAction::Status || state != Some(&AssetState::Missing)
            }
        };
        let found: Vec<BundledModel> = BundledModel::ALL.into_iter().filter(wanted).collect();
        return Ok(if found.is_empty() {
            vec![BundledModel::MiniLm]
        } else {
            found
        });
    };
    bundled_model(named)?.map(|(model, _)| vec![model]).ok_or_else(|| {
        Error::usage(
            format!("the files of \"{named}\" are not managed here"),
            "routecal assets knows all-MiniLM-L6-v2 and all-mpnet-base-v2; other encoders fetch their own files",
        )
    })
}

fn text(status: &[AssetStatus]) -> String {
    let rows = status.iter().map(|s| {
        let origin = match &s.source {
            FoundIn::Explicit { origin } => format!(" ({origin})"),
            FoundIn::Cache => String::new(),
        };
        vec![
            s.asset.clone(),
            s.file.clone(),
            state_name(&s.state).to_owned(),
            s.size.map_or_else(String::new, megabytes),
            s.path
                .as_ref()
                .map_or_else(String::new, |p| format!("{}{origin}", p.display())),
        ]
    });
    report::left_table(&["asset", "file", "state", "size", "path"], rows)
}

fn state_name(state: &AssetState) -> &'static str {
    match state {
        AssetState::Present => "present",
        AssetState::Unpinned => "present (your own, no checksum)",
        AssetState::Missing => "missing",
        AssetState::Corrupt { .. } => "damaged",
        AssetState::Unsupported => "no library for this platform",
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", crate::num::f64_from_u64(bytes) / 1e6)
}
