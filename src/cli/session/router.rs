//! The router of a command: planned from the routes file or a router file, held against the encoder, and built.

use std::path::Path;

use super::{Engine, Session};
use crate::Error;
use crate::encode::{EncodeError, Vectors};
use crate::router::{Centroids, RouterArtefact, RouterError, ScoreTable, Scorer};
use crate::routes::Routes;

/// A router ready to score prompts.
pub(in crate::cli) struct Router {
    pub(in crate::cli) routes: Routes,
    pub(in crate::cli) centroids: Centroids,
    pub(in crate::cli) engine: Engine,
}

impl Router {
    /// Scores prompts by the rule of the routes.
    pub(in crate::cli) fn score(&self, prompts: &Vectors) -> Result<ScoreTable, Error> {
        Ok(Scorer::new(&self.centroids, self.routes.scoring)?.score(prompts)?)
    }
}

/// What a router is made of, read and checked.
pub(in crate::cli) struct Plan {
    routes: Routes,
    /// From a router file: its name, the file, the centroids.
    built: Option<(String, RouterArtefact, Centroids)>,
}

impl Plan {
    /// Of routes that were read by the command itself.
    pub(in crate::cli) fn of(routes: Routes) -> Self {
        Self { routes, built: None }
    }

    /// The routes.
    pub(in crate::cli) fn routes(&self) -> &Routes {
        &self.routes
    }
}

/// Centroids of the vectors of [`Routes::example_texts`].
pub(in crate::cli) fn centroids_of(routes: &Routes, examples: &Vectors) -> Result<Centroids, Error> {
    let sizes = routes.sizes();
    let own = sizes.iter().sum();
    let centroids = Centroids::new(examples.slice(0, own), &sizes)?;
    Ok(centroids.with_outside(examples.slice(own, examples.len())))
}

/// Looks at an encoder and the routes, and may refuse them.
pub(in crate::cli) type Look<'a> = dyn FnMut(&Engine, &Routes) -> Result<(), Error> + 'a;

impl Session {
    /// Reads what the router is made of, before anything is embedded.
    pub(in crate::cli) fn plan(&self, file: Option<&Path>) -> Result<Plan, Error> {
        let Some(file) = file else {
            return Ok(Plan {
                routes: self.routes()?,
                built: None,
            });
        };
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|source| RouterError::Read {
            file: name.clone(),
            source,
        })?;
        let artefact = RouterArtefact::parse(&text, &name)?;
        let (mut routes, centroids) = artefact.unpack(&name)?;
        self.hold_against_routes_file(&artefact, &name, &mut routes)?;
        Ok(Plan {
            routes,
            built: Some((name, artefact, centroids)),
        })
    }

    /// The router of a plan, and the vectors of `texts`.
    pub(in crate::cli) fn build(&self, plan: Plan, texts: &[&str]) -> Result<(Router, Vectors), Error> {
        let engine = self.engine_of(&plan)?;
        self.hold_against_encoder(&plan, &engine)?;
        let Plan { routes, built } = plan;
        let (centroids, prompts) = if let Some((_, _, centroids)) = built {
            (centroids, self.embed(&engine, texts)?)
        } else {
            // One call for both, so that no core waits for the last batch of the examples.
            let all: Vec<&str> = routes.example_texts().chain(texts.iter().copied()).collect();
            let vectors = self.embed(&engine, &all)?;
            let count = all.len() - texts.len();
            let centroids = centroids_of(&routes, &vectors.slice(0, count))?;
            (centroids, vectors.slice(count, vectors.len()))
        };
        let router = Router {
            routes,
            centroids,
            engine,
        };
        Ok((router, prompts))
    }

    /// The router of a plan alone, with a look at encoder and routes before anything is embedded, and how many examples were
    /// embedded of how many distinct ones.
    pub(super) fn router_after(&self, plan: Plan, look: &mut Look<'_>) -> Result<(Router, (usize, usize)), Error> {
        let engine = self.engine_of(&plan)?;
        look(&engine, &plan.routes)?;
        self.hold_against_encoder(&plan, &engine)?;
        let Plan { routes, built } = plan;
        let (centroids, embedded) = if let Some((_, _, centroids)) = built {
            (centroids, (0, 0))
        } else {
            let texts: Vec<&str> = routes.example_texts().collect();
            let done = self.embed_unsaid(&engine, &texts)?;
            let centroids = centroids_of(&routes, &done.vectors)?;
            (centroids, (done.computed, done.distinct))
        };
        let router = Router {
            routes,
            centroids,
            engine,
        };
        Ok((router, embedded))
    }

    fn engine_of(&self, plan: &Plan) -> Result<Engine, Error> {
        let typed = self.typed_encoder(&plan.routes)?;
        match (self.engine(&self.encoder_name(Some(&plan.routes))?), &plan.built) {
            // A folder that was named from another working folder.
            (Err(Error::Encode(EncodeError::Unknown { name, .. })), Some((file, ..))) if typed.is_none() => {
                let file = file.clone();
                Err(RouterError::NoEncoder { file, name }.into())
            }
            (engine, _) => engine,
        }
    }

    /// A router file is for the encoder that made it.
    fn hold_against_encoder(&self, plan: &Plan, engine: &Engine) -> Result<(), Error> {
        let Some((file, artefact, _)) = &plan.built else {
            return Ok(());
        };
        let typed = self.typed_encoder(&plan.routes)?;
        let encoder = (&artefact.encoder, artefact.encoder_name.as_str());
        match RouterError::of_other_encoder(file, encoder, engine.encoder.identity(), typed.as_deref()) {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// A router file must fit the routes file where there is one; thresholds and prices come from the routes file then.
    fn hold_against_routes_file(
        &self,
        artefact: &RouterArtefact,
        name: &str,
        routes: &mut Routes,
    ) -> Result<(), Error> {
        let named = self.common.routes != Path::new("routes.json");
        if !named && !self.common.routes.exists() {
            return Ok(());
        }
        let current = self.routes()?;
        let fingerprint = current.fingerprint();
        if fingerprint == artefact.routes_sha256 {
            *routes = Routes {
                encoder: routes.encoder.take(),
                ..current
            };
            return Ok(());
        }
        Err(RouterError::OtherRoutes {
            file: name.to_owned(),
            routes: self.common.routes.display().to_string(),
            built: artefact.routes_sha256[..12].to_owned(),
            current: fingerprint[..12].to_owned(),
        }
        .into())
    }
}
