//! Centroids: a route's centroid is the mean of its examples' unit vectors.
//!
//! A route's own examples are scored against the centroid without them (leave one out): an example always pulls its own
//! centroid towards itself, so scoring it against the full mean would flatter the route.

use super::RouterError;
use crate::encode::Vectors;

/// One centroid a route, with the examples behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Centroids {
    means: Vectors,
    examples: Vectors,
    /// Row of the first example of each route in `examples`, and one past the last.
    starts: Vec<usize>,
    /// Examples of no route, where the scoring rule learns from them.
    outside: Option<Vectors>,
}

/// How tight a route is, by the cosines of its examples to its centroid.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteShape {
    /// Number of examples.
    pub examples: usize,
    /// Mean cosine of an example to the centroid: 1 for identical examples, lower for a wide route.
    pub mean_cosine: f64,
    /// Least cosine of an example to the centroid.
    pub min_cosine: f64,
    /// Standard deviation (n − 1) of those cosines; `None` for one example.
    pub standard_deviation: Option<f64>,
}

/// An example scored without itself.
#[derive(Debug, Clone, PartialEq)]
pub struct LeaveOneOut {
    /// Its route.
    pub route: usize,
    /// Its index among the route's examples.
    pub example: usize,
    /// Cosine to the rest of its own route; `None` where it is the only example.
    pub own: Option<f64>,
    /// The nearest other route and the cosine to its centroid; `None` for a lone route.
    pub other: Option<(usize, f64)>,
}

impl LeaveOneOut {
    /// Whether another route's centroid is nearer than the rest of its own.
    pub fn strays(&self) -> bool {
        match (self.own, self.other) {
            (Some(own), Some((_, other))) => other > own,
            _ => false,
        }
    }
}

impl Centroids {
    /// Builds the centroids from the examples of all routes, in order; `sizes` says how many belong to each.
    ///
    /// O(examples × dimension).
    ///
    /// # Errors
    /// [`RouterError::NoDirection`] where a route's examples cancel out to a zero mean.
    ///
    /// # Panics
    /// If `sizes` does not add up to the number of rows, or holds a zero.
    pub fn new(examples: Vectors, sizes: &[usize]) -> Result<Self, RouterError> {
        assert_eq!(sizes.iter().sum::<usize>(), examples.len());
        assert!(sizes.iter().all(|n| *n > 0), "a route without examples");
        let mut starts = vec![0];
        for size in sizes {
            starts.push(starts[starts.len() - 1] + size);
        }
        let rows: Vec<Vec<f32>> = starts
            .windows(2)
            .map(|w| narrow(&mean(&sum(&examples, w[0]..w[1], None), w[1] - w[0])))
            .collect();
        let means = Vectors::new(&rows).map_err(|_| RouterError::NoDirection {
            route: rows
                .iter()
                .position(|r| r.iter().all(|x| *x == 0.0))
                .unwrap_or_default(),
        })?;
        Ok(Self {
            means,
            examples,
            starts,
            outside: None,
        })
    }

    /// The same with vectors of out-of-domain examples, for [`Scoring::LogisticOod`](crate::routes::Scoring::LogisticOod); no
    /// vectors change nothing.
    ///
    /// # Panics
    /// If they are of another length than the routes' examples.
    #[must_use]
    pub fn with_outside(mut self, outside: Vectors) -> Self {
        if !outside.is_empty() {
            assert_eq!(
                outside.dimension(),
                self.examples.dimension(),
                "vectors of two encoders"
            );
            self.outside = Some(outside);
        }
        self
    }

    /// Vectors of the out-of-domain examples, where there are any.
    pub fn outside(&self) -> Option<&Vectors> {
        self.outside.as_ref()
    }

    /// The centroids, one row a route.
    pub fn vectors(&self) -> &Vectors {
        &self.means
    }

    /// All examples' vectors, route after route.
    pub fn examples(&self) -> &Vectors {
        &self.examples
    }

    /// Number of routes.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no route.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of examples of each route.
    pub fn sizes(&self) -> Vec<usize> {
        self.starts.windows(2).map(|w| w[1] - w[0]).collect()
    }

    /// Cosine of every pair of centroids, routes × routes.
    pub fn similarity(&self) -> Vec<Vec<f64>> {
        self.means
            .rows()
            .map(|a| self.means.rows().map(|b| crate::encode::cosine(a, b)).collect())
            .collect()
    }

    /// The spread of each route.
    pub fn shapes(&self) -> Vec<RouteShape> {
        (0..self.len()).map(|r| self.shape(r)).collect()
    }

    fn shape(&self, route: usize) -> RouteShape {
        let centroid = self.means.row(route);
        let cosines: Vec<f64> = (self.starts[route]..self.starts[route + 1])
            .map(|i| crate::encode::cosine(self.examples.row(i), centroid))
            .collect();
        let n = crate::num::f64_from_usize(cosines.len());
        let mean_cosine = cosines.iter().sum::<f64>() / n;
        let squares: f64 = cosines.iter().map(|c| (c - mean_cosine).powi(2)).sum();
        RouteShape {
            examples: cosines.len(),
            mean_cosine,
            min_cosine: cosines.iter().copied().fold(f64::INFINITY, f64::min),
            standard_deviation: (cosines.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
        }
    }

    /// Every example scored without itself.
    pub fn leave_one_out(&self) -> Vec<LeaveOneOut> {
        (0..self.len())
            .flat_map(|route| {
                let range = self.starts[route]..self.starts[route + 1];
                range.map(move |row| self.left_out(route, row))
            })
            .collect()
    }

    fn left_out(&self, route: usize, row: usize) -> LeaveOneOut {
        let vector = self.examples.row(row);
        let range = self.starts[route]..self.starts[route + 1];
        let size = range.len();
        let rest = narrow(&sum(&self.examples, range, Some(row)));
        let own = (size > 1 && rest.iter().any(|x| *x != 0.0)).then(|| crate::encode::cosine(vector, &rest));
        let other = (0..self.len())
            .filter(|r| *r != route)
            .map(|r| (r, crate::encode::cosine(vector, self.means.row(r))))
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        LeaveOneOut {
            route,
            example: row - self.starts[route],
            own,
            other,
        }
    }

    /// The example of `route` nearest to `vector`, as its index in the route and the cosine.
    ///
    /// # Panics
    /// If there is no such route.
    pub fn nearest_example(&self, route: usize, vector: &[f32]) -> (usize, f64) {
        (self.starts[route]..self.starts[route + 1])
            .map(|i| {
                (
                    i - self.starts[route],
                    crate::encode::cosine(vector, self.examples.row(i)),
                )
            })
            .reduce(|best, next| if next.1 > best.1 { next } else { best })
            .expect("a route has examples")
    }
}

fn sum(vectors: &Vectors, rows: std::ops::Range<usize>, without: Option<usize>) -> Vec<f64> {
    let mut total = vec![0.0; vectors.dimension()];
    for row in rows.filter(|r| Some(*r) != without) {
        for (t, x) in total.iter_mut().zip(vectors.row(row)) {
            *t += f64::from(*x);
        }
    }
    total
}

fn mean(sum: &[f64], n: usize) -> Vec<f64> {
    let n = crate::num::f64_from_usize(n);
    sum.iter().map(|x| x / n).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "vectors are f32 everywhere")]
fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|x| *x as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn four() -> Centroids {
        let rows = vec![vec![1.0, 0.0], vec![0.0, 1.0], vec![-1.0, 0.0], vec![-0.8, 0.6]];
        Centroids::new(Vectors::new(&rows).unwrap(), &[2, 2]).unwrap()
    }

    #[test]
    fn a_centroid_is_the_mean() {
        let c = four();
        assert_eq!(c.vectors().row(0), [0.5, 0.5]);
        assert!((c.similarity()[0][0] - 1.0).abs() < 1e-12);
        let shape = &c.shapes()[0];
        assert!((shape.mean_cosine - 0.5_f64.sqrt()).abs() < 1e-7);
        assert_eq!(shape.standard_deviation.map(|s| s < 1e-7), Some(true));
    }

    #[test]
    fn leave_one_out_does_not_flatter() {
        let left = four().leave_one_out();
        // (0, 1) without itself has only (1, 0) at its side: cosine 0; the other route is nearer.
        assert_eq!(left[1].own, Some(0.0));
        assert!(left[1].strays());
        assert!(!left[2].strays());
    }

    #[test]
    fn examples_that_cancel_out_are_refused() {
        let rows = vec![vec![1.0, 0.0], vec![-1.0, 0.0]];
        let error = Centroids::new(Vectors::new(&rows).unwrap(), &[2]).unwrap_err();
        assert!(matches!(error, RouterError::NoDirection { route: 0 }));
    }
}
