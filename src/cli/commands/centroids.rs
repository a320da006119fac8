//! `routecal centroids`: build the router, show how well its routes can be told apart.

use serde_json::json;

use crate::Error;
use crate::cli::args::CentroidsArgs;
use crate::cli::session::Session;
use crate::report;
use crate::router::RouterArtefact;
use crate::store::{self, OutputFolder};

/// Name of the router file.
const FILE: &str = "router.json";

pub(in crate::cli) fn run(session: &Session, _args: &CentroidsArgs) -> Result<(), Error> {
    if session.common.redact_prompts {
        return Err(Error::usage(
            "a router file holds the examples of its routes, as text and as vectors",
            "leave --redact-prompts out, and keep the file where routes.json is kept",
        ));
    }
    let mut out = OutputFolder::open(&session.common.out)?;
    let (router, _) = session.build(session.plan(None)?, &[])?;
    let (routes, centroids) = (&router.routes, &router.centroids);
    let encoder_name = session.encoder_name(Some(routes))?;
    let artefact = RouterArtefact::new(routes, &encoder_name, router.engine.encoder.identity(), centroids);
    out.write(FILE, store::json(&artefact))?;

    let names = routes.names();
    let shapes = centroids.shapes();
    let similarity = centroids.similarity();
    let left_out = centroids.leave_one_out();
    let document = || {
        let of_routes: Vec<_> = names
            .iter()
            .zip(&shapes)
            .map(|(name, s)| {
                json!({
                    "route": name,
                    "examples": s.examples,
                    "mean_cosine": s.mean_cosine,
                    "min_cosine": s.min_cosine,
                    "standard_deviation": s.standard_deviation,
                })
            })
            .collect();
        let strays: Vec<_> = left_out
            .iter()
            .filter(|l| l.strays())
            .map(|l| {
                json!({
                    "route": names[l.route],
                    "example": routes.routes[l.route].examples[l.example],
                    "own_cosine": l.own,
                    "nearest_other": l.other.map(|(r, _)| names[r].clone()),
                    "other_cosine": l.other.map(|(_, c)| c),
                })
            })
            .collect();
        store::json(&json!({
            "kind": "centroids",
            "schema_version": report::REPORT_VERSION,
            "tool_version": env!("CARGO_PKG_VERSION"),
            "encoder": router.engine.encoder.identity(),
            "routes_sha256": routes.fingerprint(),
            "routes": of_routes,
            "similarity": { "labels": names, "cosines": similarity },
            "strays": strays,
        }))
    };
    session.printer.answer(document, || {
        report::centroids_text(routes, &shapes, &similarity, &left_out)
    })?;
    session
        .printer
        .note(&format!("wrote {}", out.root().join(FILE).display()));
    Ok(())
}
