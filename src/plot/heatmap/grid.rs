//! The cells of a heat map: their edges, and their values averaged where the picture could not show them all.

use plotters::style::RGBColor;

use super::super::canvas::Canvas;
use super::super::frame::Plane;
use super::super::number::real;
use super::super::palette::{SHADE, cividis};
use super::HeatmapFigure;

/// Most columns and rows of cells; a finer grid is averaged to this, since the eye would not see it.
const CELLS: (usize, usize) = (120, 90);

/// A grid that is ready to be drawn.
pub(super) struct Grid {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) values: Vec<Vec<Option<f64>>>,
    pub(super) range: (f64, f64),
}

impl Grid {
    /// The cells with their edges, averaged where there are too many.
    pub(super) fn of(figure: &HeatmapFigure) -> Self {
        let (rows, columns) = (figure.values.len(), figure.values.first().map_or(0, Vec::len));
        let (down, across) = (rows.div_ceil(CELLS.1).max(1), columns.div_ceil(CELLS.0).max(1));
        let thin = |edges: Vec<f64>, by: usize| -> Vec<f64> {
            let last = edges.len().saturating_sub(1);
            let keep = |i: &usize| i.is_multiple_of(by) || *i == last;
            (0..edges.len()).filter(keep).map(|i| edges[i]).collect()
        };
        let values: Vec<Vec<Option<f64>>> = figure
            .values
            .chunks(down)
            .map(|block| {
                let starts = (0..columns).step_by(across);
                starts
                    .map(|start| {
                        let end = (start + across).min(columns);
                        mean(block.iter().flat_map(|row| &row[start..end]))
                    })
                    .collect()
            })
            .collect();
        let found = || values.iter().flatten().flatten().copied();
        let low = found().fold(f64::INFINITY, f64::min);
        let high = found().fold(f64::NEG_INFINITY, f64::max);
        Self {
            x: thin(edges(&figure.thresholds, columns), across),
            y: thin(edges(&figure.gaps, rows), down),
            range: if low <= high { (low, high) } else { (0.0, 1.0) },
            values,
        }
    }

    /// Draws the cells; equal neighbours of a row are one rectangle.
    pub(super) fn draw(&self, canvas: &Canvas<'_>, plane: &Plane) {
        canvas.rect((plane.left, plane.top), (plane.right, plane.bottom), SHADE);
        let mut tiles = Vec::new();
        for (g, row) in self.values.iter().enumerate() {
            let (low, high) = (plane.py(self.y[g]).round(), plane.py(self.y[g + 1]).round());
            let colour = |t: usize| row[t].map(|value| shade(value, self.range));
            let mut start = 0;
            while start < row.len() {
                let mut end = start + 1;
                while end < row.len() && colour(end) == colour(start) {
                    end += 1;
                }
                if let Some(colour) = colour(start) {
                    let (left, right) = (plane.px(self.x[start]), plane.px(self.x[end]));
                    // A little into the neighbours right and above: at odd zooms no paper shines through.
                    let corner = ((right.round() + 0.8).min(plane.right), low);
                    let from = (left.round(), (high - 0.8).max(plane.top));
                    tiles.push((from, corner, colour));
                }
                start = end;
            }
        }
        canvas.tiles(tiles);
    }
}

fn mean<'a>(values: impl Iterator<Item = &'a Option<f64>>) -> Option<f64> {
    let (sum, count) = values
        .flatten()
        .fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / real(count))
}

/// Edges of cells: as given, or halfway between grid points.
pub(super) fn edges(axis: &[f64], cells: usize) -> Vec<f64> {
    if axis.len() == cells + 1 {
        return axis.to_vec();
    }
    let (Some(first), Some(last)) = (axis.first(), axis.last()) else {
        return Vec::new();
    };
    let step = |pair: Option<(&f64, &f64)>| pair.map_or(0.1, |(a, b)| b - a);
    let head = step(axis.first().zip(axis.get(1)));
    let tail = step(axis.len().checked_sub(2).and_then(|i| axis.get(i)).zip(axis.last()));
    let mut found = vec![first - head / 2.0];
    found.extend(axis.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])));
    found.push(last + tail / 2.0);
    found
}

/// The colour of a value within a range.
pub(super) fn shade(value: f64, range: (f64, f64)) -> RGBColor {
    if range.1 - range.0 < 1e-9 {
        cividis(0.75)
    } else {
        cividis((value - range.0) / (range.1 - range.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_lie_between_grid_points() {
        let near = |found: Vec<f64>, wanted: &[f64]| {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12)
        };
        assert!(near(edges(&[0.0, 0.1, 0.3], 3), &[-0.05, 0.05, 0.2, 0.4]));
        assert!(near(edges(&[0.0, 0.1, 0.3], 2), &[0.0, 0.1, 0.3]));
        assert!(near(edges(&[0.5], 1), &[0.45, 0.55]));
        assert!(edges(&[], 0).is_empty());
    }

    #[test]
    fn a_fine_grid_is_averaged() {
        let axis = |n: u32| (0..n).map(|i| f64::from(i) / f64::from(n)).collect::<Vec<f64>>();
        let figure = HeatmapFigure {
            thresholds: axis(250),
            gaps: axis(100),
            values: vec![vec![Some(0.5); 250]; 100],
            value_name: "coverage".to_owned(),
            marks: Vec::new(),
            n: 10,
            split: "test".to_owned(),
        };
        let grid = Grid::of(&figure);
        assert!(grid.values.len() <= CELLS.1 && grid.values[0].len() <= CELLS.0);
        assert_eq!(grid.y.len(), grid.values.len() + 1);
        assert_eq!(grid.x.len(), grid.values[0].len() + 1);
        assert_eq!(
            mean([None, Some(0.2), Some(0.4)].iter()),
            Some(0.300_000_000_000_000_04)
        );
        assert_eq!(mean([None].iter()), None);
    }
}
