//! What every command needs: flags resolved, encoder opened, prompts embedded.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::args::{Common, DatasetArgs, ThresholdArgs};
use super::printer::Printer;
use super::progress::Bars;
use crate::Error;
use crate::assets::{AssetConfig, Assets};
use crate::dataset::{Dataset, Row, Truth};
use crate::encode::{
    self, EncodeError, Encoder, EncoderOptions, OPENAI_BASE_URL, Precision, Processor, RemoteOptions, VectorCache,
    Vectors,
};
use crate::evaluation::Scored;
use crate::report::{DatasetProvenance, Provenance};
use crate::router::{Centroids, RouterArtefact, RouterError, ScoreTable, Scorer};
use crate::routes::{DEFAULT_ENCODER, Routes, Thresholds};
use crate::store::OutputFolder;

/// Set by Ctrl-C; looked at between batches.
static STOP: AtomicBool = AtomicBool::new(false);

/// Whether Ctrl-C was pressed.
pub(super) fn stop_requested() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Flags and what hangs on them.
pub(super) struct Session {
    pub(super) common: Common,
    pub(super) printer: Printer,
    pub(super) assets: Arc<Assets>,
    pub(super) bars: Arc<Bars>,
    cache: PathBuf,
    offline: bool,
    threads: usize,
}

/// A router ready to score prompts.
pub(super) struct Router {
    pub(super) routes: Routes,
    pub(super) centroids: Centroids,
    pub(super) engine: Engine,
}

impl Router {
    /// Scores prompts by the rule of the routes.
    pub(super) fn score(&self, prompts: &Vectors) -> Result<ScoreTable, Error> {
        Ok(Scorer::new(&self.centroids, self.routes.scoring)?.score(prompts)?)
    }
}

/// What a router is made of, read and checked.
pub(super) struct Plan {
    routes: Routes,
    /// From a router file: its name, the file, the centroids.
    built: Option<(String, RouterArtefact, Centroids)>,
}

impl Plan {
    /// Of routes that were read by the command itself.
    pub(super) fn of(routes: Routes) -> Self {
        Self { routes, built: None }
    }

    /// The routes.
    pub(super) fn routes(&self) -> &Routes {
        &self.routes
    }
}

/// An encoder with its cache.
pub(super) struct Engine {
    pub(super) encoder: Box<dyn Encoder>,
    cache: Option<VectorCache>,
}

/// Looks at an encoder and the routes, and may refuse them.
pub(super) type Look<'a> = dyn FnMut(&Engine, &Routes) -> Result<(), Error> + 'a;

/// A dataset scored by a router.
pub(super) struct ScoredData {
    pub(super) router: Router,
    /// The whole file, for provenance.
    whole: DatasetProvenance,
    /// The rows that were scored.
    dataset: Dataset,
    truths: Vec<Truth>,
    vectors: Vectors,
    scores: ScoreTable,
}

/// The rows of one split.
pub(super) struct Part {
    pub(super) rows: Vec<Row>,
    pub(super) truths: Vec<Truth>,
    pub(super) vectors: Vectors,
    pub(super) scores: ScoreTable,
}

impl Part {
    pub(super) fn scored(&self) -> Scored<'_> {
        Scored {
            rows: &self.rows,
            truths: &self.truths,
            scores: &self.scores,
        }
    }
}

impl ScoredData {
    /// The rows of one split; `all` for every row that was scored.
    pub(super) fn part(&self, split: &str) -> Result<Part, Error> {
        let wanted = |row: &Row| split == "all" || row.split == split;
        let indices: Vec<usize> = (0..self.dataset.rows.len())
            .filter(|i| wanted(&self.dataset.rows[*i]))
            .collect();
        if indices.is_empty() {
            // For its message, which names the splits there are.
            self.dataset.split(split)?;
        }
        let vectors: Vec<Vec<f32>> = indices.iter().map(|i| self.vectors.row(*i).to_vec()).collect();
        Ok(Part {
            rows: indices.iter().map(|i| self.dataset.rows[*i].clone()).collect(),
            truths: indices.iter().map(|i| self.truths[*i]).collect(),
            vectors: Vectors::new(&vectors)?,
            scores: self.scores.select(&indices),
        })
    }
}

impl Session {
    /// Resolves the flags; makes no network access and reads no file.
    pub(super) fn new(common: Common, printer: Printer) -> Result<Self, Error> {
        let threads = match common.threads {
            Some(n) => usize::from(n),
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        // A pool that exists already (the library was used before) is as good.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        stop_on_ctrl_c();
        let mut config = AssetConfig::from_env(|name| std::env::var_os(name))?
            .with_runtime(common.onnxruntime.clone())
            .with_model_dir(common.model_dir.clone());
        if let Some(folder) = &common.cache_dir {
            config.cache.clone_from(folder);
        }
        config.offline |= common.offline;
        let cache = config.cache.clone();
        let offline = config.offline;
        Ok(Self {
            bars: Arc::new(Bars::new(common.quiet)),
            assets: Arc::new(Assets::new(config)),
            common,
            printer,
            cache,
            offline,
            threads,
        })
    }

    /// Whether no connection may be opened.
    pub(super) fn offline(&self) -> bool {
        self.offline
    }

    /// Reads the routes file and prints its warnings.
    pub(super) fn routes(&self) -> Result<Routes, Error> {
        let (routes, warnings) = Routes::load(&self.common.routes)?;
        for warning in warnings {
            self.printer.warn(&warning.to_string());
        }
        Ok(routes)
    }

    /// Opens the encoder of that name.
    pub(super) fn open(&self, name: &str) -> Result<Box<dyn Encoder>, Error> {
        Ok(encode::open(
            name,
            &EncoderOptions {
                assets: Arc::clone(&self.assets),
                progress: Arc::clone(&self.bars) as _,
                threads: self.threads,
                processor: Processor::detect(),
                // fastembed puts the model hub's files where HF_HOME says.
                hub_cache: std::env::var_os("HF_HOME").map_or_else(|| self.cache.join("hub"), PathBuf::from),
                remote: RemoteOptions {
                    base_url: self
                        .common
                        .openai_base_url
                        .clone()
                        .unwrap_or_else(|| OPENAI_BASE_URL.into()),
                    key: std::env::var("OPENAI_API_KEY").unwrap_or_default(),
                    ..RemoteOptions::default()
                },
            },
        )?)
    }

    /// Opens the encoder of that name, with its cache.
    pub(super) fn engine(&self, name: &str) -> Result<Engine, Error> {
        let encoder = self.open(name)?;
        let cache = (!self.common.no_cache).then(|| VectorCache::open(&self.cache.join("vectors"), encoder.identity()));
        let engine = Engine { encoder, cache };
        self.print_notes(&engine);
        Ok(engine)
    }

    /// Name of the encoder: the flags, else the routes file, else the default.
    pub(super) fn encoder_name(&self, routes: Option<&Routes>) -> Result<String, Error> {
        let (encoder, precision) = (&self.common.encoder, self.common.precision.map(Precision::from));
        let name = encoder
            .as_deref()
            .or_else(|| routes.and_then(|r| r.encoder.as_deref()))
            .unwrap_or(DEFAULT_ENCODER);
        let Some(precision) = precision else {
            return Ok(name.into());
        };
        let full = encode::in_precision(name, precision)?;
        match encoder {
            Some(typed) if typed.contains('@') && !typed.eq_ignore_ascii_case(&full) => Err(Error::usage(
                format!("--encoder {typed} and --precision {precision} are two different things"),
                format!("leave one of them out: --encoder {full}"),
            )),
            _ => Ok(full),
        }
    }

    /// Name of the encoder where flags say it.
    fn typed_encoder(&self, routes: &Routes) -> Result<Option<String>, Error> {
        let typed = self.common.encoder.is_some() || self.common.precision.is_some();
        typed.then(|| self.encoder_name(Some(routes))).transpose()
    }

    /// Embeds texts with progress, cache and Ctrl-C.
    pub(super) fn embed(&self, engine: &Engine, texts: &[&str]) -> Result<Vectors, Error> {
        let started = std::time::Instant::now();
        let outcome = encode::embed(
            engine.encoder.as_ref(),
            engine.cache.as_ref(),
            texts,
            self.bars.as_ref(),
            &STOP,
        );
        self.print_notes(engine);
        match outcome {
            Ok(done) => {
                if done.computed > 0 {
                    let seconds = started.elapsed().as_secs_f64();
                    self.printer.note(&format!(
                        "embedded {} of {} distinct texts with {} in {seconds:.1} s",
                        done.computed,
                        done.distinct,
                        engine.encoder.identity().label(),
                    ));
                }
                Ok(done.vectors)
            }
            Err(EncodeError::Interrupted { .. }) => Err(Error::Interrupted),
            Err(error) => Err(error.into()),
        }
    }

    fn print_notes(&self, engine: &Engine) {
        for note in engine.cache.iter().flat_map(VectorCache::take_notes) {
            self.printer.warn(&note.to_string());
        }
    }

    /// Reads what the router is made of, before anything is embedded.
    pub(super) fn plan(&self, file: Option<&Path>) -> Result<Plan, Error> {
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
    pub(super) fn build(&self, plan: Plan, texts: &[&str]) -> Result<(Router, Vectors), Error> {
        self.build_after(plan, texts, &mut |_, _| Ok(()))
    }

    /// As [`Session::build`], with a look at encoder and routes before anything is embedded.
    fn build_after(&self, plan: Plan, texts: &[&str], look: &mut Look<'_>) -> Result<(Router, Vectors), Error> {
        let Plan { routes, built } = plan;
        let typed = self.typed_encoder(&routes)?;
        let engine = match (self.engine(&self.encoder_name(Some(&routes))?), &built) {
            // A folder that was named from another working folder.
            (Err(Error::Encode(EncodeError::Unknown { name, .. })), Some((file, ..))) if typed.is_none() => {
                let file = file.clone();
                return Err(RouterError::NoEncoder { file, name }.into());
            }
            (engine, _) => engine?,
        };
        look(&engine, &routes)?;
        let (centroids, prompts) = if let Some((file, artefact, centroids)) = built {
            let encoder = (&artefact.encoder, artefact.encoder_name.as_str());
            if let Some(error) =
                RouterError::of_other_encoder(&file, encoder, engine.encoder.identity(), typed.as_deref())
            {
                return Err(error.into());
            }
            (centroids, self.embed(&engine, texts)?)
        } else {
            let sizes: Vec<usize> = routes.routes.iter().map(|r| r.examples.len()).collect();
            let examples = routes.routes.iter().flat_map(|r| r.examples.iter().map(String::as_str));
            // One call for both, so that no core waits for the last batch of the examples.
            let all: Vec<&str> = examples.chain(texts.iter().copied()).collect();
            let vectors = self.embed(&engine, &all)?;
            let count = sizes.iter().sum();
            let centroids = Centroids::new(vectors.slice(0, count), &sizes)?;
            (centroids, vectors.slice(count, vectors.len()))
        };
        let router = Router {
            routes,
            centroids,
            engine,
        };
        Ok((router, prompts))
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

    /// Loads, resolves, embeds and scores a labelled dataset; of its rows, those of `splits` (`required` must have some).
    pub(super) fn score(
        &self,
        path: &Path,
        data: &DatasetArgs,
        router: Option<&Path>,
        required: &[&str],
        optional: &[&str],
    ) -> Result<ScoredData, Error> {
        self.score_after(path, data, router, (required, optional), &mut |_, _| Ok(()))
    }

    /// As [`Session::score`], with a look at encoder and routes before anything is embedded; the splits are those that must
    /// have rows and those that may.
    pub(super) fn score_after(
        &self,
        path: &Path,
        data: &DatasetArgs,
        router: Option<&Path>,
        (required, optional): (&[&str], &[&str]),
        look: &mut Look<'_>,
    ) -> Result<ScoredData, Error> {
        let mut dataset = Dataset::load(path, &data.options(self.common.seed, false))?;
        for split in required {
            dataset.split(split)?;
        }
        let plan = self.plan(router)?;
        // Labels are checked before anything is embedded: a typo should not cost minutes.
        dataset.resolve(&plan.routes.names())?;
        let whole = DatasetProvenance::from(&dataset);
        let wanted: Vec<&str> = required.iter().chain(optional).copied().collect();
        if !wanted.contains(&"all") {
            dataset.rows.retain(|row| wanted.contains(&row.split.as_str()));
        }
        let (router, vectors) = self.build_after(plan, &dataset.prompts(), look)?;
        let truths = dataset.resolve(&router.routes.names())?;
        let scores = router.score(&vectors)?;
        Ok(ScoredData {
            router,
            whole,
            dataset,
            truths,
            vectors,
            scores,
        })
    }

    /// What a report says of its making.
    pub(super) fn provenance(&self, data: &ScoredData) -> Provenance {
        self.provenance_of(&data.router.engine, &data.router.routes, data.whole.clone())
    }

    /// As [`Session::provenance`], of what is not scored by one router.
    pub(super) fn provenance_of(&self, engine: &Engine, routes: &Routes, dataset: DatasetProvenance) -> Provenance {
        Provenance {
            tool_version: env!("CARGO_PKG_VERSION").into(),
            encoder: engine.encoder.identity().clone(),
            routes_sha256: routes.fingerprint(),
            dataset,
            seed: self.common.seed,
        }
    }

    /// Says where results went.
    pub(super) fn note_written(&self, out: &OutputFolder) {
        self.printer.note(&format!(
            "wrote {} files to {}",
            out.written().len(),
            out.root().display()
        ));
    }
}

/// Embeds texts past the cache: what the encoder gives now, not what it gave once.
pub(super) fn embed_afresh(engine: &Engine, texts: &[&str]) -> Result<Vectors, Error> {
    match encode::embed(engine.encoder.as_ref(), None, texts, &encode::Quiet, &STOP) {
        Ok(done) => Ok(done.vectors),
        Err(EncodeError::Interrupted { .. }) => Err(Error::Interrupted),
        Err(error) => Err(error.into()),
    }
}

/// Refuses thresholds out of range before anything is embedded.
pub(super) fn check_thresholds(args: &ThresholdArgs) -> Result<(), Error> {
    typed_over(Thresholds::ACCEPT_ALL, args).map(drop)
}

/// The thresholds to judge by: those of the router unless flags say otherwise. Also the global pair.
pub(super) fn thresholds(routes: &Routes, args: &ThresholdArgs) -> Result<(Thresholds, Vec<Thresholds>), Error> {
    let by_route = routes
        .thresholds_by_route()
        .into_iter()
        .map(|own| typed_over(own, args))
        .collect::<Result<_, _>>()?;
    Ok((typed_over(routes.thresholds, args)?, by_route))
}

fn typed_over(own: Thresholds, args: &ThresholdArgs) -> Result<Thresholds, Error> {
    Thresholds::new(
        args.threshold.unwrap_or_else(|| own.threshold()),
        args.gap.unwrap_or_else(|| own.gap()),
    )
    .map_err(|message| {
        Error::usage(
            message,
            "a score is a cosine: give --threshold within -1 and 1, --gap within 0 and 2",
        )
    })
}

/// The first Ctrl-C asks for an orderly end; the second ends at once.
fn stop_on_ctrl_c() {
    // A handler that is there already (the library was used before) does the same.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
}
