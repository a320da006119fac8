//! What can go wrong while a figure is drawn.

use crate::error::{ErrorClass, Hint};

/// An error of the `plot` module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// A number to be drawn is NaN or infinite.
    #[error("{figure}: {what} is {value}, which cannot be drawn")]
    NotFinite {
        /// The figure.
        figure: &'static str,
        /// The number, with its place in the input.
        what: String,
        /// The number itself.
        value: f64,
    },
    /// Two parts of a figure do not fit together.
    #[error("{figure}: {what}: expected {expected}, found {found}")]
    Shape {
        /// The figure.
        figure: &'static str,
        /// The part that does not fit.
        what: String,
        /// What would fit.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A figure holds more than a picture can show.
    #[error("{figure}: {found} {what} are more than a picture can show (at most {limit})")]
    TooLarge {
        /// The figure.
        figure: &'static str,
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many can be drawn.
        limit: usize,
    },
    /// The drawing library failed.
    #[error("could not draw the figure")]
    Draw(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The SVG could not be read back.
    #[error("could not turn the text of the figure into outlines")]
    Svg(#[source] resvg::usvg::Error),
    /// The PNG could not be made.
    #[error("could not make a PNG of {width} by {height} pixels")]
    Png {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Why, if the encoder said it.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl Hint for PlotError {
    fn hint(&self) -> Option<String> {
        None
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::NotFinite { .. } | Self::Shape { .. } | Self::TooLarge { .. } => ErrorClass::Input,
            Self::Draw(_) | Self::Svg(_) | Self::Png { .. } => ErrorClass::Environment,
        }
    }
}

/// Checks that a number can be drawn; `what` is called only where it cannot.
pub(super) fn finite(figure: &'static str, value: f64, what: impl FnOnce() -> String) -> Result<(), PlotError> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(PlotError::NotFinite {
            figure,
            what: what(),
            value,
        })
    }
}
