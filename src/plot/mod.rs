//! The figures of a report: what to draw (plain data) and how (the only user of plotters).
//!
//! Every figure is a struct of numbers and names that implements [`Figure`]; [`Figure::draw`] gives a [`Drawing`]: one SVG
//! and one PNG made from that very SVG, so the two always agree. Text is turned into outlines of a bundled font, so a picture
//! looks the same on a machine without fonts; the words stay readable to a screen reader through `<title>` and `<desc>`.
//!
//! Colours are those of Okabe and Ito (2008) for classes, cividis (Nuñez, Anderton and Renslow 2018) for heat maps and one
//! blue ramp for the confusion matrix; whatever a colour says is also said by a dash pattern, a symbol, a place or a number.
//!
//! ```text
//! figure (plain data) ─ checks ─ canvas + frame (plotters) ─ SVG ─ usvg (text to outlines) ─ SVG ─ resvg ─ PNG
//! ```
//!
//! Drawing reads no clock and no random numbers: the same figure gives the same bytes. The one thing it takes from the
//! machine is a system font, and only where a name holds characters that the bundled font lacks (Chinese, Arabic).

mod canvas;
mod compact;
mod confidence;
mod confusion;
mod error;
mod fonts;
mod frame;
mod frontier;
mod heatmap;
mod learning;
mod number;
mod palette;
mod reliability;
mod render;
mod risk_coverage;
mod shift;
mod shown;
mod symbol;
mod thin;
mod threshold;

pub use confidence::{ConfidenceFigure, ConfidencePanel};
pub use confusion::ConfusionFigure;
pub use error::PlotError;
pub use frontier::{FrontierFigure, FrontierMark};
pub use heatmap::{HeatmapFigure, HeatmapMark};
pub use learning::{LearningFigure, LearningPoint};
pub(crate) use number::grouped;
pub(crate) use palette::blues_in_the_dark;
pub use reliability::{ReliabilityBin, ReliabilityFigure};
pub use risk_coverage::{RiskCoverageFigure, RiskMark};
pub use shift::ShiftFigure;
pub use shown::Shown;
pub use threshold::{ThresholdFigure, ThresholdMark, ThresholdPoint};

/// A finished picture in both formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// A self-contained SVG document: no fonts, no scripts, no links.
    pub svg: String,
    /// The same picture as PNG, two pixels to each unit of the SVG.
    pub png: Vec<u8>,
    /// What the picture shows, as its headline says it: the text for `alt`.
    pub title: String,
}

impl Drawing {
    /// Says in the SVG, for a page that shows it, where its data lie and on which values: `data-plane="left top right bottom x0 x1
    /// y0 y1"`, the first four in units of the view box, `y0` at the bottom.
    #[must_use]
    fn on(self, plane: Option<frame::Plane>) -> Self {
        let Some(plane) = plane else { return self };
        let edges = [plane.left, plane.top, plane.right, plane.bottom].map(|edge| canvas::fine(edge).to_string());
        let values = [plane.x.0, plane.x.1, plane.y.0, plane.y.1].map(|value| value.to_string());
        self.attribute("data-plane", &format!("{} {}", edges.join(" "), values.join(" ")))
    }

    /// Names the document that the picture belongs to: `data-document="STAMP"`.
    #[must_use]
    pub fn of_document(self, stamp: &str) -> Self {
        self.attribute("data-document", stamp)
    }

    /// Adds an attribute to the root; `value` holds nothing that XML would act on.
    fn attribute(mut self, name: &str, value: &str) -> Self {
        self.svg = self.svg.replacen("<svg ", &format!("<svg {name}=\"{value}\" "), 1);
        self
    }
}

/// Something that can be drawn.
pub trait Figure {
    /// Draws the figure.
    ///
    /// A figure without rows is drawn too and says "no rows".
    ///
    /// # Errors
    ///
    /// [`PlotError::NotFinite`] where a number is NaN or infinite, [`PlotError::Shape`] where the parts of the figure do not
    /// fit together, [`PlotError::TooLarge`] where there is more than a picture can show, and [`PlotError::Draw`],
    /// [`PlotError::Svg`] or [`PlotError::Png`] where a drawing crate fails.
    fn draw(&self) -> Result<Drawing, PlotError>;
}

#[cfg(test)]
mod tests;
