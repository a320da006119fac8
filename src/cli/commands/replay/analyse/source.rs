//! Where the answers come from, and who routed the prompts.

use std::path::Path;

use crate::Error;
use crate::assets::sha256_hex;
use crate::cli::args::{AnalyseArgs, ImportArgs, ImportName};
use crate::cli::commands::replay::collected::Collected;
use crate::cli::session::{Session, thresholds};
use crate::replay::analysis::{self, AnalysisError, Options};
use crate::replay::graders::judge::Audit;
use crate::replay::graders::{Grader, regrade};
use crate::replay::grades::{self, GradesError};
use crate::replay::import::{self, ImportFormat, PredictionOptions, mapped};
use crate::replay::matrix::Matrix;
use crate::replay::policies::{RoutedPrompt, Routing};
use crate::routes::{Routes, Thresholds};

/// Answers with what made them.
pub(super) struct Source {
    pub(super) matrix: Matrix,
    pub(super) routing: Option<Routing>,
    pub(super) judge: Option<Audit>,
    /// `run`, or the format of the recorded data.
    pub(super) name: String,
    pub(super) sha256: String,
    pub(super) grader: String,
    pub(super) router: Option<String>,
    pub(super) router_sha256: Option<String>,
    pub(super) notes: Vec<String>,
}

impl Source {
    /// Leaves the prompts of one split; `all` leaves all.
    pub(super) fn keep_split(&mut self, split: &str) -> Result<(), Error> {
        if split == "all" {
            return Ok(());
        }
        let prompts = self.matrix.prompts();
        let kept: Vec<usize> = (0..prompts.len())
            .filter(|i| prompts[*i].split.as_deref() == Some(split))
            .collect();
        if kept.is_empty() {
            return Err(AnalysisError::NoPrompts.into());
        }
        self.routing = self.routing.as_ref().map(|r| r.select(&kept));
        self.matrix = self.matrix.filtered(|p| p.split.as_deref() == Some(split));
        Ok(())
    }

    /// Whether the router's thresholds were chosen on any of the prompts, as far as their split tells.
    pub(super) fn in_sample(&self, split: &str) -> bool {
        self.routing.is_some() && self.matrix.prompts().iter().any(|p| p.split.as_deref() == Some(split))
    }
}

/// The answers of a run, routed as they were when they were collected, under the thresholds of the routes file or the flags.
pub(super) fn of_run(session: &Session, folder: &Path, args: &AnalyseArgs) -> Result<Source, Error> {
    let of = Collected::load(session, folder, &args.thresholds)?;
    let mut notes = of.notes.clone();
    let grader = of.grader();
    let routing = match of.routing {
        Ok(routing) => Some(routing),
        // The models that were asked can be compared all the same.
        Err(error @ GradesError::NotAsked { .. }) => {
            notes.push(format!("no routed policy: {error}"));
            None
        }
        Err(error) => return Err(error.into()),
    };
    if of.other_thresholds {
        notes.push("these are other thresholds than those of the collection: a prompt that changes sides was asked with the system prompt of the other side".into());
    }
    let file = session.common.routes.display();
    Ok(Source {
        judge: grades::audit(&of.graded),
        grader,
        name: "run".into(),
        sha256: of.sha256,
        router: routing
            .as_ref()
            .map(|_| format!("{file} with {}", of.run.manifest.encoder)),
        router_sha256: routing.as_ref().map(hash_of),
        routing,
        matrix: of.matrix,
        notes,
    })
}

/// Recorded answers.
pub(super) fn imported(
    session: &Session,
    args: &AnalyseArgs,
    (imports, format): (&ImportArgs, ImportName),
    options: &Options,
) -> Result<Source, Error> {
    let format = match format {
        ImportName::RoutellmGsm8k => ImportFormat::RoutellmGsm8k,
        ImportName::RoutellmMmlu => ImportFormat::RoutellmMmlu,
        ImportName::Routerarena => ImportFormat::Routerarena,
        ImportName::Outcomes => ImportFormat::Outcomes,
    };
    let grader = imports.grader.as_deref().map(str::parse::<Grader>).transpose()?;
    let import::Imported {
        mut matrix,
        notes,
        sha256,
        ..
    } = import::import(format, &imports.files)?;
    for (model, usd) in &imports.price {
        price(&mut matrix, model, *usd)?;
    }
    let mut graded_by = "recorded".to_owned();
    if let Some(grader) = &grader {
        regrade(&mut matrix, grader)?;
        if !matches!(grader, Grader::External) {
            graded_by = grader.to_string();
        }
    }
    let (routing, router) = if let Some(file) = &imports.predictions {
        let routing = predicted(session, args, imports, options, &matrix, file)?;
        (Some(routing), Some(file.display().to_string()))
    } else if imports.route {
        let (routing, name) = routed(session, args, imports, &matrix)?;
        (Some(routing), Some(name))
    } else {
        (None, None)
    };
    Ok(Source {
        router_sha256: routing.as_ref().map(hash_of),
        routing,
        judge: None,
        name: format.name().into(),
        sha256,
        grader: graded_by,
        router,
        notes,
        matrix,
    })
}

/// The costs of a model whose answers have none.
fn price(matrix: &mut Matrix, model: &str, usd: f64) -> Result<(), Error> {
    if !(usd.is_finite() && usd >= 0.0) {
        return Err(Error::usage(
            format!("the price of \"{model}\" is {usd}; a price is a number of at least 0"),
            format!("write --price {model}=0.004, dollars for one prompt"),
        ));
    }
    let place = mapped(matrix, model, &[])?;
    for prompt in 0..matrix.prompts().len() {
        for cell in matrix.cells_mut(prompt, place) {
            if cell.outcome.answered() {
                cell.cost_usd.get_or_insert(usd);
                cell.cost_list_usd.get_or_insert(usd);
            }
        }
    }
    Ok(())
}

/// A router's choices from a file.
fn predicted(
    session: &Session,
    args: &AnalyseArgs,
    imports: &ImportArgs,
    options: &Options,
    matrix: &Matrix,
    file: &Path,
) -> Result<Routing, Error> {
    let anchors = analysis::anchors_of(matrix, options)?;
    if import::names_routes(file)? {
        let routes = session.routes()?;
        let (global, by_route) = thresholds(&routes, &args.thresholds)?;
        let options = PredictionOptions {
            routes: Some(&routes),
            thresholds: &by_route,
            gap: global.gap(),
            map: &imports.map,
            anchors,
        };
        return Ok(import::predictions(file, matrix, &options)?.0);
    }
    let Some(threshold) = args.thresholds.threshold else {
        return Err(Error::usage(
            format!(
                "{} names no routes, so it is not known which threshold is in use",
                file.display()
            ),
            "add --threshold T: prompts that score at least T go to the strong model, or to the model of their row",
        ));
    };
    let gap = args.thresholds.gap.unwrap_or(0.0);
    let at =
        Thresholds::new(threshold, gap).map_err(|message| Error::usage(message, "give --threshold within -1 and 1"))?;
    let options = PredictionOptions {
        routes: None,
        thresholds: &[at],
        gap,
        map: &imports.map,
        anchors,
    };
    Ok(import::predictions(file, matrix, &options)?.0)
}

/// The prompts routed with the routes file and its encoder.
fn routed(
    session: &Session,
    args: &AnalyseArgs,
    imports: &ImportArgs,
    matrix: &Matrix,
) -> Result<(Routing, String), Error> {
    let plan = session.plan(None)?;
    let models = |routes: &Routes| -> Result<(Vec<usize>, usize), Error> {
        let of = |model: &str| mapped(matrix, model, &imports.map);
        let by_route = routes
            .routes
            .iter()
            .map(|r| of(&r.target.model))
            .collect::<Result<_, _>>()?;
        Ok((by_route, of(&routes.fallback.model)?))
    };
    // Before anything is embedded.
    let (by_route, fallback) = models(plan.routes())?;
    let texts: Vec<&str> = matrix
        .prompts()
        .iter()
        .map(|p| p.text.as_deref().unwrap_or_default())
        .collect();
    if let Some(first) = texts.iter().position(|t| t.trim().is_empty()) {
        return Err(AnalysisError::NotRouted {
            source_name: "the recorded data".into(),
            missing: texts.iter().filter(|t| t.trim().is_empty()).count(),
            prompts: texts.len(),
            first: matrix.prompts()[first].id.clone(),
        }
        .into());
    }
    let (router, vectors) = session.build(plan, &texts)?;
    let (global, at) = thresholds(&router.routes, &args.thresholds)?;
    let scores = router.score(&vectors)?;
    let prompts = scores
        .rows()
        .iter()
        .map(|row| RoutedPrompt {
            route: router.routes.routes[row.best].name.clone(),
            model: by_route[row.best],
            score: row.score,
            gap: row.gap,
            current: at[row.best],
        })
        .collect();
    let routing = Routing {
        prompts,
        fallback,
        gap: global.gap(),
        usd_per_prompt: 0.0,
    };
    let name = format!(
        "{} with {}",
        session.common.routes.display(),
        router.engine.encoder.identity().model
    );
    Ok((routing, name))
}

/// Hash of everything that a router decides.
fn hash_of(routing: &Routing) -> String {
    let mut text = format!("{} {}\n", routing.fallback, routing.gap);
    for p in &routing.prompts {
        let (t, g) = (p.current.threshold(), p.current.gap());
        text.push_str(&format!("{} {} {} {} {t} {g}\n", p.route, p.model, p.score, p.gap));
    }
    sha256_hex(text.as_bytes())
}
