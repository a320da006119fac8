//! Symbols for named points: each a shape of its own with a white halo, so that it shows on any colour.

use super::canvas::{Canvas, Point, Stroke};
use super::palette::{INK, PAPER};

/// A shape for a named point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    /// A filled diamond, for the first mark: the choice.
    Diamond,
    /// A ring, for the second: what is in use.
    Ring,
    /// A filled triangle.
    Triangle,
    /// An open square.
    Square,
    /// A filled disc.
    Disc,
}

impl Symbol {
    /// The symbol of the mark with an index; the fifth and all later ones are discs.
    pub(super) const fn of(index: usize) -> Self {
        match index {
            0 => Self::Diamond,
            1 => Self::Ring,
            2 => Self::Triangle,
            3 => Self::Square,
            _ => Self::Disc,
        }
    }

    /// Draws the symbol about 14 units wide.
    pub(super) fn draw(self, canvas: &Canvas<'_>, centre: Point) {
        let (x, y) = centre;
        let around = |corners: &[Point], scale: f64| -> Vec<Point> {
            corners.iter().map(|c| (x + c.0 * scale, y + c.1 * scale)).collect()
        };
        let shape = |corners: &[Point], halo: f64| {
            canvas.polygon(&around(corners, halo), PAPER);
            canvas.polygon(&around(corners, 1.0), INK);
        };
        match self {
            Self::Diamond => shape(&[(0.0, -8.0), (8.0, 0.0), (0.0, 8.0), (-8.0, 0.0)], 1.42),
            Self::Triangle => shape(&[(0.0, -8.0), (7.5, 5.5), (-7.5, 5.5)], 1.55),
            Self::Ring => {
                canvas.disc(centre, 9.0, PAPER);
                canvas.disc(centre, 6.75, INK);
                canvas.disc(centre, 4.25, PAPER);
            }
            Self::Square => {
                canvas.rect((x - 8.5, y - 8.5), (x + 8.5, y + 8.5), PAPER);
                let edge = Stroke::solid(INK, 2.5);
                canvas.frame((x - 5.0, y - 5.0), (x + 5.0, y + 5.0), edge);
            }
            Self::Disc => {
                canvas.disc(centre, 7.5, PAPER);
                canvas.disc(centre, 5.0, INK);
            }
        }
    }
}

/// Where a point outside the picture lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Towards {
    Left,
    Right,
    Up,
    Down,
}

/// Draws an arrowhead that points from the edge towards what is not drawn, its tip at a place.
pub(super) fn arrow(canvas: &Canvas<'_>, tip: Point, towards: Towards) {
    let (x, y) = tip;
    let head = |along: f64, across: f64| match towards {
        Towards::Left => (x + along, y + across),
        Towards::Right => (x - along, y + across),
        Towards::Up => (x + across, y + along),
        Towards::Down => (x + across, y - along),
    };
    let halo = [head(-4.0, 0.0), head(10.5, -8.5), head(10.5, 8.5)];
    canvas.polygon(&halo, PAPER);
    canvas.polygon(&[head(0.0, 0.0), head(8.0, -5.5), head(8.0, 5.5)], INK);
}
