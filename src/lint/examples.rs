//! Examples one by one, each scored without itself: nearer to another route, or far from its own.
//!
//! An example that the centroid of another route takes is no mistake as such: the centroid of a broad route lies far from all of
//! its examples. It stands in the wrong place (a warning: move it) where its neighbours say so too: the nearest other example is
//! of that route and as near as that route's examples are to their nearest on average, and two of the nearest three are of it.
//! Otherwise its own route is broad there (a note: add more like it).
//!
//! *Far* is a modified z-score below −3.5 of the cosine to the rest of the route: 0.6745 (x − median) / MAD, the median absolute
//! deviation standing for the spread, which one outlier cannot widen (Iglewicz & Hoaglin, How to Detect and Handle Outliers,
//! 1993, whose 3.5 it is). With fewer than eight examples there is no spread to speak of.

use super::{Act, Code, Finding, Input, Subject};
use crate::encode::cosine;
use crate::num::f64_from_usize;
use crate::router::LeaveOneOut;

/// Modified z-score beyond which an example is far.
const FAR: f64 = 3.5;
/// Nearest examples that are asked about a stray, and how many must agree.
const NEIGHBOURS: usize = 3;
const MAJORITY: usize = 2;
/// Examples of a route from which its spread is known well enough.
const SPREAD_KNOWN: usize = 8;

/// Strays, broad places and outliers of every route.
pub(super) fn findings(input: &Input<'_>) -> Vec<Finding> {
    let left_out = input.centroids.leave_one_out();
    let usual: Vec<f64> = (0..input.routes.routes.len())
        .map(|route| usual_distance(input, route))
        .collect();
    let mut found: Vec<Finding> = left_out
        .iter()
        .filter_map(|one| stray(input, one, &|route| usual[route]))
        .collect();
    for route in 0..input.routes.routes.len() {
        let own: Vec<&LeaveOneOut> = left_out.iter().filter(|one| one.route == route).collect();
        found.extend(far(input, &own));
    }
    found
}

fn stray(input: &Input<'_>, one: &LeaveOneOut, usual: &dyn Fn(usize) -> f64) -> Option<Finding> {
    let (Some(own), Some((other, theirs))) = (one.own, one.other) else {
        return None;
    };
    if !one.strays() {
        return None;
    }
    let place = subject(one.route, one.example);
    let nearest = nearest(input, one);
    let &(near_route, near_example, near) = nearest.first()?;
    let of_other = nearest.iter().filter(|(route, ..)| *route == other).count();
    let agrees = near_route == other && of_other >= MAJORITY && near >= usual(other);
    let (home, there) = (input.name(one.route), input.name(other));
    let figures = [("own", own), ("other", theirs), ("nearest_example", near)];
    let items = vec![place, subject(near_route, near_example)];
    let scores = format!("{own:.3} to the rest of {home}, {theirs:.3} to {there}");
    let finding = if agrees {
        let message = format!(
            "an example of {home} lies nearer to {there}: {scores}, and so are {of_other} of its nearest {} examples ({near:.3})",
            nearest.len()
        );
        Finding::new(Code::StrayExample, Act::Move, place, message, items)
    } else {
        let message = format!(
            "{scores}: {home} is broad there (its nearest example, {near:.3}, is of {})",
            input.name(near_route)
        );
        Finding::new(Code::OffCentreExample, Act::Add, place, message, items)
    };
    Some(finding.with(figures).weighing(theirs - own))
}

fn subject(route: usize, example: usize) -> Subject {
    Subject::Example { route, example }
}

/// The three nearest other examples of all routes: route, index, cosine. Of equal ones the earlier first.
fn nearest(input: &Input<'_>, one: &LeaveOneOut) -> Vec<(usize, usize, f64)> {
    let sizes = input.centroids.sizes();
    let vectors = input.centroids.examples();
    let vector = vectors.row(sizes[..one.route].iter().sum::<usize>() + one.example);
    let all = (0..sizes.len()).flat_map(|route| (0..sizes[route]).map(move |example| (route, example)));
    let mut others: Vec<(usize, usize, f64)> = (all.zip(vectors.rows()))
        .filter(|(at, _)| *at != (one.route, one.example))
        .map(|((route, example), row)| (route, example, cosine(vector, row)))
        .collect();
    others.sort_by(|a, b| b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1))));
    others.truncate(NEIGHBOURS);
    others
}

/// Mean cosine of a route's examples to the nearest other one of it; 1, which nothing reaches, for a lone example.
fn usual_distance(input: &Input<'_>, route: usize) -> f64 {
    let sizes = input.centroids.sizes();
    let start = sizes[..route].iter().sum::<usize>();
    let row = |i: usize| input.centroids.examples().row(start + i);
    let nearest = (0..sizes[route]).map(|i| {
        let others = (0..sizes[route]).filter(|j| *j != i).map(|j| cosine(row(i), row(j)));
        others.fold(f64::NEG_INFINITY, f64::max)
    });
    if sizes[route] < 2 {
        1.0
    } else {
        nearest.sum::<f64>() / f64_from_usize(sizes[route])
    }
}

/// Outliers of one route, but for those that stray: they are found already.
fn far(input: &Input<'_>, left_out: &[&LeaveOneOut]) -> Vec<Finding> {
    let cosines: Vec<f64> = left_out.iter().filter_map(|one| one.own).collect();
    let Some((centre, spread)) = (cosines.len() >= SPREAD_KNOWN).then(|| robust(&cosines)).flatten() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for one in left_out.iter().filter(|one| !one.strays()) {
        let Some(own) = one.own else { continue };
        let z = 0.6745 * (own - centre) / spread;
        if z < -FAR {
            let place = subject(one.route, one.example);
            let message = format!(
                "an example lies {own:.3} from the rest of {}, whose median is {centre:.3}: a modified z-score of {z:.1}, far is \
                 below -{FAR}",
                input.name(one.route)
            );
            let finding = Finding::new(Code::FarExample, Act::Delete, place, message, vec![place]);
            found.push(finding.with([("own", own), ("median", centre), ("z", z)]).weighing(-z));
        }
    }
    found
}

/// Median and median absolute deviation; `None` where that is zero.
fn robust(values: &[f64]) -> Option<(f64, f64)> {
    let centre = median(values);
    let spread = median(&values.iter().map(|x| (x - centre).abs()).collect::<Vec<_>>());
    (spread > 0.0).then_some((centre, spread))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        sorted[middle - 1].midpoint(sorted[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testkit::{Kit, Text, at};

    const NO_PROMPT: (&str, [f32; 3]) = ("prompt", [0.0, 0.0, 1.0]);

    fn kit(routes: &[(&str, Vec<Text<'_>>)]) -> Kit {
        Kit::new(routes, &[((NO_PROMPT.0, NO_PROMPT.1.to_vec()), "none", "test")])
    }

    #[test]
    fn an_example_in_the_wrong_route_is_told_from_a_broad_route() {
        let near = |route, example| vec![subject(route, example)];
        // The third example of a lies among those of b.
        let wrong = kit(&[
            (
                "a",
                vec![("1", at(0.0, 0.1)), ("2", at(15.0, 0.0)), ("3", at(88.0, 0.0))],
            ),
            (
                "b",
                vec![("4", at(90.0, 0.2)), ("5", at(105.0, 0.0)), ("6", at(75.0, -0.2))],
            ),
        ]);
        let places = |kit: &Kit, code| kit.of(code).iter().map(|f| f.place).collect::<Vec<_>>();
        assert_eq!(places(&wrong, "stray-example"), near(0, 2));
        assert_eq!(wrong.of("stray-example")[0].items, [subject(0, 2), subject(1, 0)]);
        assert!(places(&wrong, "off-centre-example").is_empty());
        // a has two ends; each of the second end's examples is nearest to the other of them.
        let broad = kit(&[
            (
                "a",
                vec![
                    ("1", at(0.0, 0.1)),
                    ("2", at(10.0, 0.0)),
                    ("3", at(-10.0, 0.0)),
                    ("4", at(152.0, 0.0)),
                    ("5", at(158.0, 0.0)),
                ],
            ),
            (
                "b",
                vec![("6", at(90.0, 0.2)), ("7", at(105.0, 0.0)), ("8", at(75.0, -0.2))],
            ),
        ]);
        assert!(places(&broad, "stray-example").is_empty());
        assert_eq!(places(&broad, "off-centre-example"), [subject(0, 3), subject(0, 4)]);
    }

    #[test]
    fn far_is_robust_to_the_outlier_itself_and_asks_for_a_spread() {
        let angles = [-9.0, -6.0, -4.0, -1.0, 1.0, 3.0, 6.0, 10.0, 70.0_f32];
        let texts = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let examples = |n: usize| (9 - n..9).map(|i| (texts[i], at(angles[i], 0.0))).collect::<Vec<_>>();
        let other = vec![("x", at(200.0, 0.0)), ("y", at(210.0, 0.0))];
        let found = kit(&[("a", examples(9)), ("b", other.clone())]).of("far-example");
        assert_eq!(found.iter().map(|f| f.place).collect::<Vec<_>>(), [subject(0, 8)]);
        assert!(found[0].weight > FAR, "{}", found[0].message);
        assert!(kit(&[("a", examples(7)), ("b", other)]).of("far-example").is_empty());
    }

    #[test]
    fn medians() {
        assert_eq!(robust(&[1.0, 2.0, 4.0, 8.0, 100.0]), Some((4.0, 3.0)));
        assert_eq!(robust(&[1.0, 1.0, 1.0, 2.0]), None);
        assert!((median(&[3.0, 1.0]) - 2.0).abs() < 1e-15);
    }
}
