//! What every command needs: flags resolved, encoder opened, prompts embedded.

mod router;
mod scored;
mod worst;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::args::{Common, ThresholdArgs};
use super::printer::Printer;
use super::progress::Bars;
use crate::Error;
use crate::assets::{AssetConfig, Assets};
use crate::dataset::Row;
use crate::encode::{
    self, Embedded, EncodeError, Encoder, EncoderOptions, OPENAI_BASE_URL, Precision, Processor, RemoteOptions,
    VectorCache, Vectors,
};
use crate::report::{DatasetProvenance, Provenance, Redact, redacted_rows};
use crate::routes::{DEFAULT_ENCODER, Routes, Thresholds};
use crate::store::OutputFolder;

pub(super) use router::{Look, Plan, Router, centroids_of};
pub(super) use scored::{Part, ScoredData, Wanted};

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

/// An encoder with its cache.
pub(super) struct Engine {
    pub(super) encoder: Box<dyn Encoder>,
    cache: Option<VectorCache>,
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
        let started = Instant::now();
        let done = self.embed_unsaid(engine, texts)?;
        self.say_embedded(engine, (done.computed, done.distinct), started);
        Ok(done.vectors)
    }

    /// As [`Session::embed`], without a word about it.
    fn embed_unsaid(&self, engine: &Engine, texts: &[&str]) -> Result<Embedded, Error> {
        let (encoder, cache) = (engine.encoder.as_ref(), engine.cache.as_ref());
        self.ended(engine, encode::embed(encoder, cache, texts, self.bars.as_ref(), &STOP))
    }

    /// What embedding came to, after the cache's troubles are told.
    fn ended<T>(&self, engine: &Engine, outcome: Result<T, EncodeError>) -> Result<T, Error> {
        self.print_notes(engine);
        outcome.map_err(|error| match error {
            EncodeError::Interrupted { .. } => Error::Interrupted,
            error => error.into(),
        })
    }

    /// Says how many texts were embedded, of how many distinct ones.
    fn say_embedded(&self, engine: &Engine, (computed, distinct): (usize, usize), started: Instant) {
        if computed > 0 {
            let seconds = started.elapsed().as_secs_f64();
            let model = engine.encoder.identity().label();
            self.printer.note(&format!(
                "embedded {computed} of {distinct} distinct texts with {model} in {seconds:.1} s"
            ));
        }
    }

    fn print_notes(&self, engine: &Engine) {
        for note in engine.cache.iter().flat_map(VectorCache::take_notes) {
            self.printer.warn(&note.to_string());
        }
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

    /// Takes the texts of prompts out of a result, where that was asked for.
    pub(super) fn redact(&self, result: &mut impl Redact) {
        if self.common.redact_prompts {
            result.redact_prompts();
        }
    }

    /// Rows as they may be written.
    pub(super) fn shown<'a>(&self, rows: &'a [Row]) -> Cow<'a, [Row]> {
        redacted_rows(rows, self.common.redact_prompts)
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
