//! The gap between a weak and a strong model, and how much of it a router closes at which cost.

use super::{Point, area};

/// The two models that a router is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anchors {
    weak: Point,
    strong: Point,
}

/// The strong model is no better than the weak one, or no dearer: there is no gap to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dominated;

impl Anchors {
    /// The weak and the strong model.
    ///
    /// # Errors
    /// [`Dominated`] unless the strong model is better and costs more: then every share of the gap would be a share of
    /// nothing, or of less than nothing.
    pub fn new(weak: Point, strong: Point) -> Result<Self, Dominated> {
        if strong.quality > weak.quality && strong.cost > weak.cost {
            Ok(Self { weak, strong })
        } else {
            Err(Dominated)
        }
    }

    /// Performance gap recovered: (q − `q_weak`) / (`q_strong` − `q_weak`). Below 0 worse than the weak model, above 1 better than
    /// the strong one.
    ///
    /// ```
    /// use routecal::replay::frontier::{Anchors, Dominated, Point};
    ///
    /// let (weak, strong) = (Point::new(1.0, 0.6), Point::new(11.0, 0.8));
    /// let anchors = Anchors::new(weak, strong).unwrap();
    /// assert!((anchors.pgr(0.75) - 0.75).abs() < 1e-12);
    /// assert!((anchors.normalised_cost(3.5) - 0.25).abs() < 1e-12);
    /// assert_eq!(Anchors::new(strong, weak), Err(Dominated));
    /// ```
    pub fn pgr(&self, quality: f64) -> f64 {
        (quality - self.weak.quality) / (self.strong.quality - self.weak.quality)
    }

    /// (c − `c_weak`) / (`c_strong` − `c_weak)`: 0 at the weak model's cost, 1 at the strong one's.
    pub fn normalised_cost(&self, cost: f64) -> f64 {
        (cost - self.weak.cost) / (self.strong.cost - self.weak.cost)
    }

    /// The quality of the random mix that costs as much as the point, on the line through both models.
    pub fn mix_at(&self, cost: f64) -> f64 {
        self.weak.quality + self.normalised_cost(cost) * (self.strong.quality - self.weak.quality)
    }

    fn normalised(&self, point: Point) -> Point {
        Point::new(self.normalised_cost(point.cost), self.pgr(point.quality))
    }
}

/// Average performance gap recovered: the area under PGR against the normalised cost from 0 to 1.
///
/// The curve runs through the operating points by rising cost, of equal costs the best, and through both anchors, straight in
/// between (a random mix of neighbours reaches every such point); what lies outside 0 to 1 is cut off. A random mix of the
/// anchors has ½. O(n log n).
///
/// ```
/// use routecal::replay::frontier::{Anchors, Point, apgr};
///
/// let anchors = Anchors::new(Point::new(0.0, 0.0), Point::new(1.0, 1.0)).unwrap();
/// assert!((apgr(&anchors, &[]) - 0.5).abs() < 1e-12);
/// // Up to (0.5, 0.8), then on to (1, 1): 0.2 + 0.45.
/// assert!((apgr(&anchors, &[Point::new(0.5, 0.8)]) - 0.65).abs() < 1e-12);
/// ```
pub fn apgr(anchors: &Anchors, points: &[Point]) -> f64 {
    let ends = [Point::new(0.0, 0.0), Point::new(1.0, 1.0)];
    let mut curve: Vec<Point> = points.iter().map(|p| anchors.normalised(*p)).chain(ends).collect();
    curve.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(b.quality.total_cmp(&a.quality)));
    #[expect(clippy::float_cmp, reason = "only costs that are the same number are one place")]
    curve.dedup_by(|later, kept| later.cost == kept.cost);
    area(&clip(&curve))
}

/// The part of a curve between the costs 0 and 1; it has a point at or before 0 and one at or after 1.
fn clip(curve: &[Point]) -> Vec<Point> {
    let at = |x: f64| {
        let after = curve.partition_point(|p| p.cost < x);
        match (after.checked_sub(1).map(|i| curve[i]), curve.get(after).copied()) {
            (Some(a), Some(b)) => a.quality + (b.quality - a.quality) * ((x - a.cost) / (b.cost - a.cost)),
            (None, Some(only)) | (Some(only), None) => only.quality,
            (None, None) => 0.0,
        }
    };
    let inner = curve.iter().filter(|p| 0.0 < p.cost && p.cost < 1.0).copied();
    [Point::new(0.0, at(0.0))]
        .into_iter()
        .chain(inner)
        .chain([Point::new(1.0, at(1.0))])
        .collect()
}

/// Call-performance threshold, in dollars: the least normalised cost at which an operating point recovers at least a share
/// `wanted` of the gap. `None`: no point reaches it. O(n).
///
/// Only points that can be set are looked at; nothing is interpolated between thresholds.
///
/// ```
/// use routecal::replay::frontier::{Anchors, Point, cpt};
///
/// let anchors = Anchors::new(Point::new(1.0, 0.6), Point::new(11.0, 0.8)).unwrap();
/// let points = [(2.0, 0.65), (5.0, 0.71), (4.0, 0.72), (6.0, 0.7)].map(|(cost, quality)| Point::new(cost, quality));
/// assert!((cpt(&anchors, &points, 0.5).unwrap() - 0.3).abs() < 1e-12);
/// assert_eq!(cpt(&anchors, &points, 0.8), None);
/// ```
pub fn cpt(anchors: &Anchors, points: &[Point], wanted: f64) -> Option<f64> {
    // A sum in another order must not look like a loss.
    cheapest(points, |p| anchors.pgr(p.quality) >= wanted - 1e-12).map(|cost| anchors.normalised_cost(cost))
}

/// The least cost of an operating point whose quality is at least a share of another one: `share · quality`. `None`: no point
/// reaches it. O(n).
///
/// ```
/// use routecal::replay::frontier::{Point, cost_for_quality};
///
/// let points = [(2.0, 0.65), (5.0, 0.77), (6.0, 0.8)].map(|(cost, quality)| Point::new(cost, quality));
/// // 95 % of 0.8 is 0.76.
/// assert_eq!(cost_for_quality(&points, 0.8, 0.95), Some(5.0));
/// assert_eq!(cost_for_quality(&points, 0.9, 0.95), None);
/// ```
pub fn cost_for_quality(points: &[Point], quality: f64, share: f64) -> Option<f64> {
    cheapest(points, |p| p.quality >= share * quality - 1e-12)
}

fn cheapest(points: &[Point], wanted: impl Fn(&Point) -> bool) -> Option<f64> {
    points.iter().filter(|p| wanted(p)).map(|p| p.cost).reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Anchors {
        Anchors::new(Point::new(0.0, 0.0), Point::new(1.0, 1.0)).unwrap()
    }

    #[test]
    fn what_lies_outside_the_anchors_costs_is_cut_off() {
        // From (-1, 0) to (1, 1) the line is at 0.5 where the range starts, if the weak anchor is not better there.
        let far = [Point::new(-1.0, 0.0), Point::new(2.0, 1.0)];
        assert!((apgr(&unit(), &far) - 0.5).abs() < 1e-12);
        let above = [Point::new(0.0, 0.4), Point::new(1.0, 1.2)];
        assert!((apgr(&unit(), &above) - 0.8).abs() < 1e-12);
    }

    #[test]
    fn no_gap_no_anchors() {
        let (a, b) = (Point::new(1.0, 0.5), Point::new(2.0, 0.5));
        assert_eq!(Anchors::new(a, b), Err(Dominated));
        assert_eq!(Anchors::new(Point::new(2.0, 0.4), a), Err(Dominated));
    }

    #[test]
    fn the_mix_lies_on_the_line() {
        let anchors = Anchors::new(Point::new(1.0, 0.6), Point::new(3.0, 0.8)).unwrap();
        assert!((anchors.mix_at(2.0) - 0.7).abs() < 1e-12);
    }
}
