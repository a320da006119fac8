//! What `calibrate` leaves behind: the sweep's table, and the thresholds in the routes file.

use super::Found;
use crate::Error;
use crate::calibrate::{self, Prices, SweepRow};
use crate::cli::args::CalibrateArgs;
use crate::cli::commands::certify;
use crate::cli::commands::figures::{self, Pictures};
use crate::cli::commands::report::write_report;
use crate::cli::session::{Part, Session};
use crate::report::{self, CalibrationReport};
use crate::routes::{Routes, WriteThresholds, with_thresholds};
use crate::store::{self, OutputFolder, ScoredCell};

/// Points of the sweep's table on each axis, besides those of the operating points.
const TABLE_THRESHOLDS: usize = 101;
const TABLE_GAPS: usize = 41;

/// What was found, and of what.
pub(super) struct Results<'a> {
    pub(super) session: &'a Session,
    pub(super) args: &'a CalibrateArgs,
    pub(super) report: &'a CalibrationReport,
    pub(super) choosing: &'a Part<'a>,
    pub(super) judging: &'a Part<'a>,
    pub(super) rows: &'a [SweepRow],
    pub(super) routes: &'a Routes,
    pub(super) prices: Option<&'a Prices>,
    pub(super) found: Option<&'a Found>,
}

impl Results<'_> {
    /// Writes the files, the thresholds where asked for, and the answer. The document is written too where nothing could be
    /// certified: it says what is missing.
    pub(super) fn deliver(&self, out: &mut OutputFolder) -> Result<(), Error> {
        let document = store::json(self.report);
        let cells = self.sweep_cells();
        out.write("sweep.parquet", store::sweep_parquet(&cells)?)?;
        out.write("sweep.csv", report::sweep_csv(&cells))?;
        if !self.args.no_plots {
            let mut pictures = Pictures::of(&document, out);
            figures::of_calibration(self.report, self.rows, self.judging, &mut pictures)?;
        }
        out.write("calibration.json", &document)?;
        write_report(self.session, out)?;
        let mut written = None;
        if let (true, Some(found)) = (self.args.write, self.found) {
            // Before the answer is printed: a reader that closes the pipe early (`| head`) must not keep it from being done.
            let by_route = if self.args.per_route {
                let names = self.routes.names();
                names.into_iter().zip(found.by_route.iter().copied()).collect()
            } else {
                Vec::new()
            };
            let write = WriteThresholds {
                global: found.global,
                by_route,
            };
            write_routes(self.session, self.routes, &write)?;
            written = Some(self.session.common.routes.as_path());
        }
        self.session
            .printer
            .answer(|| document, || report::calibration_text(self.report))?;
        self.session.note_written(out);
        if self.args.router.is_none()
            && let Some(step) = report::next_step(self.report, written)
        {
            self.session.printer.note(&step);
        }
        certify::verdict(self.report.certification.as_ref())
    }

    /// The sweep on an even grid over the scores there are, with the operating points in it, for both splits.
    fn sweep_cells(&self) -> Vec<ScoredCell> {
        let (report, choosing, judging) = (self.report, self.choosing, self.judging);
        let routes = self.routes.routes.len();
        let rows = |part: &Part| calibrate::rows(&part.scores, &part.truths);
        let marks = report.found_and_current();
        let both: Vec<SweepRow> = rows(choosing).into_iter().chain(rows(judging)).collect();
        let (low, high) = calibrate::range(both.iter().map(|r| r.score));
        let (_, widest) = calibrate::range(both.iter().map(|r| r.gap).filter(|g| g.is_finite()));
        let thresholds = calibrate::axis(
            low,
            high,
            TABLE_THRESHOLDS,
            &marks.iter().map(|(_, point)| point.threshold).collect::<Vec<_>>(),
        );
        let gaps = calibrate::axis(
            0.0,
            widest.max(0.0),
            TABLE_GAPS,
            &marks.iter().map(|(_, point)| point.gap).collect::<Vec<_>>(),
        );
        [(&report.calibration.split, choosing), (&report.test.split, judging)]
            .into_iter()
            .flat_map(|(split, part)| {
                calibrate::surface(&rows(part), routes, &thresholds, &gaps)
                    .cells
                    .into_iter()
                    .map(|cell| ScoredCell {
                        split: split.clone(),
                        mean_price: self.prices.and_then(|p| p.mean(&cell.tally, part.rows.len() as u64)),
                        cell,
                    })
            })
            .collect()
    }
}

/// Reads the routes file again, so that only the numbers change whatever was edited meanwhile, and replaces it at once.
pub(in crate::cli::commands) fn write_routes(
    session: &Session,
    before: &Routes,
    write: &WriteThresholds,
) -> Result<(), Error> {
    let path = &session.common.routes;
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.clone(),
        source,
    })?;
    let (now, _) = Routes::parse(&text, path)?;
    if now.fingerprint() != before.fingerprint() {
        return Err(Error::usage(
            format!(
                "{} was edited while calibrate ran; nothing was written to it",
                path.display()
            ),
            "run the command again",
        ));
    }
    let text = with_thresholds(&text, path, write)?;
    Ok(store::write_atomically(path, text.as_bytes())?)
}
