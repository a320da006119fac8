//! A matrix of vectors, checked once.

use super::EncodeError;

/// Row-major f32 vectors of one dimension; no row is zero, NaN or infinite.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    dimension: usize,
    data: Vec<f32>,
}

impl Vectors {
    /// Checks every row.
    ///
    /// # Errors
    /// [`EncodeError::BadVector`] naming the first row that is zero, not finite or of another dimension than row 0.
    pub fn new(rows: &[Vec<f32>]) -> Result<Self, EncodeError> {
        let dimension = rows.first().map_or(0, Vec::len);
        let mut data = Vec::with_capacity(dimension * rows.len());
        for (index, row) in rows.iter().enumerate() {
            if let Some(message) = problem(row, dimension) {
                return Err(EncodeError::BadVector { index, message });
            }
            data.extend_from_slice(row);
        }
        Ok(Self { dimension, data })
    }

    /// Of numbers that were checked row by row as they came.
    pub(crate) fn checked(dimension: usize, data: Vec<f32>) -> Self {
        debug_assert!(data.is_empty() || dimension > 0 && data.len().is_multiple_of(dimension));
        Self { dimension, data }
    }

    /// The numbers, row after row.
    pub(super) fn into_numbers(self) -> Vec<f32> {
        self.data
    }

    /// Length of a row.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.data.len().checked_div(self.dimension).unwrap_or(0)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Row `index`.
    ///
    /// # Panics
    /// If `index` is not below [`Vectors::len`].
    pub fn row(&self, index: usize) -> &[f32] {
        &self.data[index * self.dimension..(index + 1) * self.dimension]
    }

    /// All rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.data.chunks_exact(self.dimension.max(1))
    }

    /// The rows from `start` to `end`, as a matrix of their own.
    ///
    /// # Panics
    /// If the range does not lie within the rows.
    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> Self {
        Self {
            dimension: self.dimension,
            data: self.data[start * self.dimension..end * self.dimension].to_vec(),
        }
    }

    /// The named rows in that order, as a matrix of their own.
    ///
    /// # Panics
    /// If a row is not there.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            dimension: self.dimension,
            data: rows.iter().flat_map(|i| self.row(*i)).copied().collect(),
        }
    }
}

/// Why a vector cannot be used, if so.
pub(super) fn problem(row: &[f32], dimension: usize) -> Option<String> {
    if row.len() != dimension {
        Some(format!(
            "it has {} numbers where the others have {dimension}",
            row.len()
        ))
    } else if row.iter().any(|x| !x.is_finite()) {
        Some("it holds a number that is not finite".into())
    } else if row.iter().all(|x| *x == 0.0) {
        Some("it is all zero, so it has no direction".into())
    } else {
        None
    }
}

/// Dot product in f64.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    // Eight sums side by side let the compiler use vector registers; their order is fixed, so the result is too.
    let mut sums = [0.0_f64; 8];
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    for (x, y) in a8.iter().zip(b8) {
        for lane in 0..8 {
            sums[lane] += f64::from(x[lane]) * f64::from(y[lane]);
        }
    }
    let rest: f64 = a_rest
        .iter()
        .zip(b_rest)
        .map(|(x, y)| f64::from(*x) * f64::from(*y))
        .sum();
    sums.iter().sum::<f64>() + rest
}

/// Cosine of two vectors that are not zero, in [−1, 1].
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    (dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())).clamp(-1.0, 1.0)
}

#[cfg(test)]
impl Vectors {
    /// Unit vectors of the plane, by their angles.
    pub(crate) fn at_degrees(degrees: &[f32]) -> Self {
        let rows: Vec<Vec<f32>> = degrees
            .iter()
            .map(|d| vec![d.to_radians().cos(), d.to_radians().sin()])
            .collect();
        Self::new(&rows).expect("unit vectors")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_rows_are_refused_by_place() {
        for (rows, at) in [
            (vec![vec![1.0, 0.0], vec![f32::NAN, 0.0]], 1),
            (vec![vec![0.0, 0.0]], 0),
            (vec![vec![1.0], vec![1.0, 2.0]], 1),
            (vec![vec![f32::INFINITY]], 0),
        ] {
            let error = Vectors::new(&rows).unwrap_err();
            assert!(matches!(error, EncodeError::BadVector { index, .. } if index == at));
        }
    }

    #[test]
    fn cosine_of_known_vectors() {
        assert!((cosine(&[1.0, 0.0], &[1.0, 1.0]) - 0.5_f64.sqrt()).abs() < 1e-12);
        let a: Vec<f32> = (0..19_u8).map(f32::from).collect();
        let expected: f64 = (0..19).map(|i| f64::from(i * i)).sum();
        assert!((dot(&a, &a) - expected).abs() < 1e-9);
    }
}
