//! Progress bars on standard error, where it is a terminal.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::assets::Progress;
use crate::encode::EmbedProgress;
use crate::replay::collect::{CollectProgress, Tally};
use crate::replay::pricing::usd;

/// One bar at a time, for downloads, embedding and resampling.
pub(super) struct Bars {
    quiet: bool,
    bar: Mutex<ProgressBar>,
}

impl Bars {
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            bar: Mutex::new(ProgressBar::hidden()),
        }
    }

    fn start(&self, total: Option<u64>, template: &str, message: String) {
        let target = if self.quiet {
            ProgressDrawTarget::hidden()
        } else {
            // Hidden by itself where standard error is no terminal.
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(total, target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(
                style
                    .with_key("rate", rate)
                    .with_key("calls_rate", calls_rate)
                    .progress_chars("━╸─"),
            );
        }
        bar.set_message(message);
        bar.enable_steady_tick(Duration::from_millis(120));
        *self.bar() = bar;
    }

    /// Shows how far a calculation of `total` resamples is while `work` runs; it is handed what to call after each of them.
    pub(super) fn resampling<R>(&self, total: u64, work: impl FnOnce(&(dyn Fn() + Sync)) -> R) -> R {
        self.counting(total, "intervals", "resamples", work)
    }

    /// As [`Bars::resampling`], of something else: `what` is done in so many `units`.
    pub(super) fn counting<R>(
        &self,
        total: u64,
        what: &str,
        units: &str,
        work: impl FnOnce(&(dyn Fn() + Sync)) -> R,
    ) -> R {
        let template = format!("{what} {{bar:28}} {{pos}}/{{len}} {units}, {{eta}} left");
        self.start(Some(total), &template, String::new());
        let result = work(&|| self.bar().inc(1));
        self.bar().finish_and_clear();
        result
    }

    /// Shows how far a file of rows is read while `work` runs; it is handed what to call with the rows done, and all there are where
    /// that is known.
    pub(super) fn reading<R>(&self, work: impl FnOnce(&mut dyn FnMut(u64, Option<u64>)) -> R) -> R {
        self.start(None, "rows {pos}{msg}, {per_sec}", String::new());
        let result = work(&mut |done, all| {
            let bar = self.bar();
            bar.set_position(done);
            if let Some(all) = all {
                bar.set_message(format!(" of {all}"));
            }
        });
        self.bar().finish_and_clear();
        result
    }

    fn bar(&self) -> std::sync::MutexGuard<'_, ProgressBar> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CollectProgress for Bars {
    fn begin(&self, calls: u64) {
        self.start(
            Some(calls),
            "asking {bar:28} {pos}/{len} calls, {calls_rate}, {eta} left{msg}",
            String::new(),
        );
    }

    fn update(&self, tally: Tally) {
        let mut text = format!(" · {} spent", usd(tally.spent_usd));
        if let Some(max) = tally.max_usd {
            text.push_str(&format!(", {} left", usd((max - tally.spent_usd).max(0.0))));
        }
        if tally.errors > 0 {
            text.push_str(&format!(" · {} errors", tally.errors));
        }
        let bar = self.bar();
        bar.set_position(tally.done);
        bar.set_message(text);
    }

    fn note(&self, text: &str) {
        Progress::note(self, text);
    }

    fn end(&self) {
        self.bar().finish_and_clear();
    }
}

/// `1.5 calls/s`.
fn calls_rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    // A bar that cannot be drawn is no reason to fail.
    let _ = write!(out, "{:.1} calls/s", state.per_sec());
}

/// `482 prompts/s`.
fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    // A bar that cannot be drawn is no reason to fail.
    let _ = write!(out, "{:.0} prompts/s", state.per_sec());
}

impl Progress for Bars {
    fn begin(&self, what: &str, total: Option<u64>) {
        let template = if total.is_some() {
            "{msg} {bar:28} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta} left"
        } else {
            "{spinner} {msg} {binary_bytes} {elapsed}"
        };
        self.start(total, template, what.to_owned());
    }

    fn advance(&self, bytes: u64) {
        self.bar().inc(bytes);
    }

    fn note(&self, text: &str) {
        if !self.quiet {
            self.bar().suspend(|| {
                use std::io::Write as _;
                // Nothing can be done about a standard error that is closed.
                let _ = writeln!(std::io::stderr().lock(), "{text}");
            });
        }
    }

    fn end(&self) {
        self.bar().finish_and_clear();
    }

    fn cancelled(&self) -> bool {
        super::session::stop_requested()
    }
}

impl EmbedProgress for Bars {
    fn begin(&self, total: usize) {
        self.start(
            Some(total as u64),
            "embedding {bar:28} {pos}/{len} prompts, {rate}, {eta} left",
            String::new(),
        );
    }

    fn advance(&self, texts: usize) {
        self.bar().inc(texts as u64);
    }

    fn end(&self) {
        self.bar().finish_and_clear();
    }
}
