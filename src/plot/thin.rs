//! Thinning of long curves without losing their shape: first, lowest, highest and last point of each pixel column.
//!
//! This is the min–max thinning of Jugel et al., "M4: a visualization-oriented time series data aggregation" (VLDB 2014):
//! a line through these four points of each column covers the same pixels as the line through all points.

/// Thins points that are sorted by x, in units of the picture; a column is `column` units wide.
///
/// O(n). Returns at most four points a column, in order.
pub(super) fn thin(points: &[(f64, f64)], column: f64) -> Vec<(f64, f64)> {
    let mut kept = Vec::new();
    let mut start = 0;
    while start < points.len() {
        let place = (points[start].0 / column).floor();
        let mut end = start;
        let (mut low, mut high) = (start, start);
        #[expect(clippy::float_cmp, reason = "both are whole numbers from floor")]
        while end < points.len() && (points[end].0 / column).floor() == place {
            if points[end].1 < points[low].1 {
                low = end;
            }
            if points[end].1 > points[high].1 {
                high = end;
            }
            end += 1;
        }
        let mut chosen = [start, low.min(high), low.max(high), end - 1].to_vec();
        chosen.dedup();
        kept.extend(chosen.into_iter().map(|i| points[i]));
        start = end;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_extremes_of_each_column() {
        let points: Vec<(f64, f64)> = (0..10_000)
            .map(|i| {
                let y = if i == 5_003 { 9.0 } else { f64::from(i % 7) };
                (f64::from(i) / 100.0, y)
            })
            .collect();
        let thinned = thin(&points, 1.0);
        assert!(thinned.len() <= 400);
        assert!(thinned.contains(&(50.03, 9.0)));
        assert_eq!(thinned.first(), points.first());
        assert_eq!(thinned.last(), points.last());
        assert!(thinned.windows(2).all(|w| w[0].0 <= w[1].0));
    }

    #[test]
    fn leaves_short_curves_alone() {
        let points = [(0.0, 1.0), (5.0, 2.0), (9.0, 0.0)];
        assert_eq!(thin(&points, 1.0), points);
        assert!(thin(&[], 1.0).is_empty());
    }
}
