//! `routecal classify`: route a few prompts and say why.

use std::io::Read as _;

use serde_json::json;

use crate::Error;
use crate::cli::args::ClassifyArgs;
use crate::cli::session::{Session, check_thresholds, thresholds};
use crate::dataset::prompt_problem;
use crate::report;
use crate::router::{Decision, decide};
use crate::store;

pub(in crate::cli) fn run(session: &Session, args: &ClassifyArgs) -> Result<(), Error> {
    check_thresholds(&args.thresholds)?;
    let prompts = if args.prompts.is_empty() {
        lines_of_stdin()?
    } else {
        args.prompts.clone()
    };
    for (i, prompt) in (1..).zip(&prompts) {
        if let Some(problem) = prompt_problem(prompt) {
            return Err(Error::usage(
                format!("prompt {i}: {problem}"),
                "give prompts as arguments, or one a line on standard input",
            ));
        }
    }
    if prompts.is_empty() {
        return Err(Error::usage(
            "no prompts",
            "routecal classify \"Write a binary search in Rust\"",
        ));
    }
    let texts: Vec<&str> = prompts.iter().map(String::as_str).collect();
    let (router, vectors) = session.build(session.plan(args.router.as_deref())?, &texts)?;
    let (_, by_route) = thresholds(&router.routes, &args.thresholds)?;
    let scores = router.score(&vectors)?;
    let decisions: Vec<Decision> = scores.rows().iter().map(|row| decide(row, &by_route)).collect();

    let shown: Vec<String> = if session.common.redact_prompts {
        prompts.iter().map(|prompt| report::redacted(prompt)).collect()
    } else {
        prompts
    };
    let document = || {
        let of_prompts: Vec<_> = (0..shown.len())
            .map(|i| {
                let row = &scores.rows()[i];
                let routes = &router.routes.routes;
                let target = decisions[i]
                    .route()
                    .map_or(&router.routes.fallback, |r| &routes[r].target);
                let at = by_route[row.best];
                let all: serde_json::Map<_, _> = routes
                    .iter()
                    .zip(scores.scores(i))
                    .map(|(route, score)| (route.name.clone(), json!(score)))
                    .collect();
                json!({
                    "prompt": shown[i],
                    "decision": match decisions[i] {
                        Decision::Accept(_) => "accepted",
                        Decision::LowScore => "low_score",
                        Decision::SmallGap => "small_gap",
                    },
                    "route": decisions[i].route().map(|r| routes[r].name.clone()),
                    "model": target.model,
                    "system_prompt": target.system_prompt,
                    "best": routes[row.best].name,
                    "score": row.score,
                    "runner_up": row.runner_up.map(|r| routes[r].name.clone()),
                    "gap": Some(row.gap).filter(|g| g.is_finite()),
                    "scores": all,
                    "threshold": at.threshold(),
                    "min_gap": at.gap(),
                })
            })
            .collect();
        store::json(&json!({
            "kind": "classification",
            "schema_version": report::REPORT_VERSION,
            "tool_version": env!("CARGO_PKG_VERSION"),
            "encoder": router.engine.encoder.identity(),
            "routes_sha256": router.routes.fingerprint(),
            "prompts": of_prompts,
        }))
    };
    session.printer.answer(document, || {
        report::classify_text(&router.routes, &shown, &scores, &decisions, &by_route)
    })
}

fn lines_of_stdin() -> Result<Vec<String>, Error> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|source| Error::Read {
            path: "standard input".into(),
            source,
        })?;
    let text = String::from_utf8(bytes).map_err(|e| {
        Error::usage(
            format!("standard input is not UTF-8 (byte {})", e.utf8_error().valid_up_to()),
            "convert it, for example: iconv -f WINDOWS-1252 -t UTF-8",
        )
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(str::to_owned)
        .collect())
}
