//! Routes as wholes: two that cannot be told apart, and one that draws the prompts of others.
//!
//! *Too close* is no number but a test. Each example of the two routes, left out of its own centroid, goes to the nearer of the
//! two; if as many right answers come up by tossing a coin with probability 5 % or more (exact binomial), the examples do not tell
//! the two apart. The cosine of two centroids alone says little: routes of one domain lie close and can be apart all the same.
//!
//! *Attractor*: of the in-domain prompts that the highest score sends to a route, more belong elsewhere than to it (Wilson's
//! interval for its precision lies below one half) and it draws more than its share of the misrouted ones (exact binomial against
//! equal shares, Holm's adjustment over the routes); or it takes most of all prompts of the others (Wilson's interval above one
//! half), which is how a router with two routes fails. In high dimensions a point near the mean of the data is the nearest
//! neighbour of many (Radovanović et al., Hubs in space, JMLR 11, 2010), so the finding says how near to it each centroid lies.

use super::{Act, Code, Finding, Input, Subject};
use crate::dataset::Truth;
use crate::encode::cosine;
use crate::num::{f64_from_u64, f64_from_usize};
use crate::routes::FEW_EXAMPLES;
use crate::stats::multiple::holm;
use crate::stats::{Level, binomial, proportion};

/// Chance of a coin doing as well, from which two routes count as not told apart; and level of the attractor's test.
const ALPHA: f64 = 0.05;
/// Pairs of examples, culprits and prompts that a finding shows.
const SHOWN: usize = 3;

/// Findings about whole routes.
pub(super) fn findings(input: &Input<'_>) -> Vec<Finding> {
    let mut found = sizes(input);
    found.extend(close(input));
    found.extend(attractors(input));
    found
}

fn sizes(input: &Input<'_>) -> Vec<Finding> {
    let routes = &input.routes.routes;
    let few = routes
        .iter()
        .enumerate()
        .filter(|(_, route)| route.examples.len() < FEW_EXAMPLES);
    let mut found: Vec<Finding> = few
        .map(|(r, route)| {
            let n = route.examples.len();
            let message = format!(
                "{} has {n} example{}: below {FEW_EXAMPLES} a centroid is a guess",
                route.name,
                if n == 1 { "" } else { "s" }
            );
            Finding::new(
                Code::FewExamples,
                Act::Add,
                Subject::Route(r),
                message,
                vec![Subject::Route(r)],
            )
            .with([("examples", f64_from_usize(n))])
            .weighing(-f64_from_usize(n))
        })
        .collect();
    if let [only] = routes.as_slice() {
        let message = format!(
            "{} is the only route: no prompt has a runner-up, so the gap decides nothing",
            only.name
        );
        found.push(Finding::new(
            Code::OneRoute,
            Act::Add,
            Subject::Route(0),
            message,
            vec![Subject::Route(0)],
        ));
    }
    found
}

fn close(input: &Input<'_>) -> Vec<Finding> {
    let left_out = input.centroids.leave_one_out();
    let (examples, centroids) = (input.centroids.examples(), input.centroids.vectors());
    let routes = centroids.len();
    // right[a][b]: examples of a that a's own centroid takes rather than b's.
    let mut right = vec![vec![0_u64; routes]; routes];
    let mut tried = vec![0_u64; routes];
    for (one, vector) in left_out.iter().zip(examples.rows()) {
        let Some(own) = one.own else { continue };
        tried[one.route] += 1;
        for (other, centroid) in centroids.rows().enumerate() {
            right[one.route][other] += u64::from(own > cosine(vector, centroid));
        }
    }
    let mut found = Vec::new();
    for a in 0..routes {
        for b in a + 1..routes {
            let (k, n) = (right[a][b] + right[b][a], tried[a] + tried[b]);
            let p = binomial::sf(k, n, 0.5);
            // With fewer even a perfect score could be chance; few-examples says so.
            if n < FEW_EXAMPLES as u64 || p < ALPHA {
                continue;
            }
            let between = cosine(centroids.row(a), centroids.row(b));
            let message = format!(
                "{} and {} cannot be told apart: of their {n} examples, each left out, {k} go to the right one of the two (a coin \
                 does that with probability {p:.2}); cosine of the centroids {between:.3}",
                input.name(a),
                input.name(b)
            );
            let items = std::iter::once(Subject::Route(a))
                .chain(nearest_pairs(input, a, b))
                .collect();
            let figures = [
                ("right", f64_from_u64(k)),
                ("n", f64_from_u64(n)),
                ("p", p),
                ("cosine", between),
            ];
            let finding = Finding::new(Code::CloseRoutes, Act::Merge, Subject::Route(a), message, items);
            found.push(finding.with(figures).weighing(p));
        }
    }
    found
}

/// The nearest pairs of examples of two routes, one after the other.
fn nearest_pairs(input: &Input<'_>, a: usize, b: usize) -> Vec<Subject> {
    let sizes = input.centroids.sizes();
    let start = |route: usize| sizes[..route].iter().sum::<usize>();
    let vectors = input.centroids.examples();
    let mut pairs: Vec<(f64, usize, usize)> = (0..sizes[a])
        .flat_map(|i| (0..sizes[b]).map(move |j| (i, j)))
        .map(|(i, j)| (cosine(vectors.row(start(a) + i), vectors.row(start(b) + j)), i, j))
        .collect();
    pairs.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    let subjects = pairs.iter().take(SHOWN).flat_map(|(_, i, j)| {
        [
            Subject::Example { route: a, example: *i },
            Subject::Example { route: b, example: *j },
        ]
    });
    subjects.collect()
}

/// Counts of the forced choice among in-domain prompts.
#[derive(Debug, Default, Clone)]
struct Draw {
    /// Sent to the route.
    sent: u64,
    /// Sent to it and its own.
    own: u64,
    /// Prompts of others.
    foreign: u64,
    /// Prompts of others that went to a wrong route.
    misrouted: u64,
    /// Those that came here.
    drawn: Vec<usize>,
}

fn attractors(input: &Input<'_>) -> Vec<Finding> {
    let routes = input.routes.routes.len();
    if routes < 2 {
        return Vec::new();
    }
    let draws: Vec<Draw> = (0..routes).map(|r| draw(input, r)).collect();
    let share = 1.0 / f64_from_usize(routes - 1);
    let p_values: Vec<f64> = draws
        .iter()
        .map(|d| binomial::sf(d.drawn.len() as u64, d.misrouted, share))
        .collect();
    let adjusted = holm(&p_values);
    (0..routes)
        .filter_map(|r| {
            let draw = &draws[r];
            let precision = proportion::wilson(draw.own, draw.sent, Level::P95)?;
            let taken = proportion::wilson(draw.drawn.len() as u64, draw.foreign, Level::P95)?;
            let mostly_others = precision.upper < 0.5 && adjusted[r] < ALPHA;
            (mostly_others || taken.lower > 0.5).then(|| attractor(input, r, draw, adjusted[r]))
        })
        .collect()
}

fn draw(input: &Input<'_>, r: usize) -> Draw {
    let mut draw = Draw::default();
    for (i, (truth, score)) in input.truths.iter().zip(input.scores.rows()).enumerate() {
        let Truth::Route(truth) = *truth else { continue };
        draw.sent += u64::from(score.best == r);
        draw.own += u64::from(score.best == r && truth == r);
        if truth != r {
            draw.foreign += 1;
            draw.misrouted += u64::from(score.best != truth);
            if score.best == r {
                draw.drawn.push(i);
            }
        }
    }
    // The highest score first.
    draw.drawn.sort_by(|a, b| {
        input.scores.rows()[*b]
            .score
            .total_cmp(&input.scores.rows()[*a].score)
            .then(a.cmp(b))
    });
    draw
}

fn attractor(input: &Input<'_>, r: usize, draw: &Draw, p: f64) -> Finding {
    let drawn = draw.drawn.len();
    let (hub, others) = hubness(input, r);
    // The example that is nearest to most of what was drawn.
    let mut counts = vec![0_usize; input.routes.routes[r].examples.len()];
    for prompt in &draw.drawn {
        counts[input.centroids.nearest_example(r, input.vectors.row(*prompt)).0] += 1;
    }
    let mut by_count: Vec<usize> = (0..counts.len()).collect();
    by_count.sort_by_key(|e| (std::cmp::Reverse(counts[*e]), *e));
    let most = counts[by_count[0]];
    let mut why = Vec::new();
    if hub > others {
        why.push(format!(
            "its centroid lies nearest to the mean of all prompts ({hub:.3}, the next {others:.3})"
        ));
    }
    let one_culprit = most * 2 > drawn;
    if one_culprit {
        why.push(format!("one example is the nearest to {most} of them"));
    }
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(": {}", why.join("; "))
    };
    let message = format!(
        "{} draws {drawn} of the {} prompts of other routes, and {} of the {} it gets are its own{why}",
        input.name(r),
        draw.foreign,
        draw.own,
        draw.sent
    );
    let act = if one_culprit { Act::Delete } else { Act::Split };
    let culprits = by_count.iter().filter(|e| counts[**e] > 0).take(SHOWN);
    let items = std::iter::once(Subject::Route(r))
        .chain(culprits.map(|example| Subject::Example {
            route: r,
            example: *example,
        }))
        .chain(draw.drawn.iter().map(|prompt| Subject::Prompt(*prompt)))
        .collect();
    let figures = [
        ("drawn", f64_from_usize(drawn)),
        ("of_others", f64_from_u64(draw.foreign)),
        ("own", f64_from_u64(draw.own)),
        ("sent", f64_from_u64(draw.sent)),
        ("p_adjusted", p),
        ("cosine_to_mean_prompt", hub),
        ("next_cosine_to_mean_prompt", others),
    ];
    let finding = Finding::new(Code::AttractorRoute, act, Subject::Route(r), message, items);
    finding.with(figures).weighing(f64_from_usize(drawn))
}

/// Cosine of the route's centroid to the mean of all in-domain prompts, and the highest of the others'.
fn hubness(input: &Input<'_>, r: usize) -> (f64, f64) {
    let inside = (input.truths.iter().zip(input.vectors.rows())).filter(|(truth, _)| matches!(truth, Truth::Route(_)));
    let mut mean = vec![0.0_f64; input.vectors.dimension()];
    for (_, vector) in inside {
        for (m, x) in mean.iter_mut().zip(vector) {
            *m += f64::from(*x);
        }
    }
    let to_mean = |route: usize| {
        let centroid = input.centroids.vectors().row(route);
        let product: f64 = centroid.iter().zip(&mean).map(|(c, m)| f64::from(*c) * m).sum();
        let norms = crate::encode::dot(centroid, centroid).sqrt() * mean.iter().map(|m| m * m).sum::<f64>().sqrt();
        if norms > 0.0 { product / norms } else { 0.0 }
    };
    let others = (0..input.centroids.len()).filter(|other| *other != r).map(to_mean);
    (to_mean(r), others.fold(-1.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testkit::{Kit, Text, at};

    const NAMES: [&str; 12] = ["q", "w", "e", "r", "t", "y", "u", "i", "o", "p", "s", "d"];

    fn examples(angles: &[f32]) -> Vec<Text<'static>> {
        angles
            .iter()
            .zip(NAMES)
            .map(|(angle, name)| (name, at(*angle, 0.2)))
            .collect()
    }

    #[test]
    fn routes_with_mixed_examples_cannot_be_told_apart_and_others_can() {
        let prompt = [(("z", at(0.0, 0.0)), "none", "test")];
        let mixed = [
            ("a", examples(&[0.0, 20.0, 40.0, 60.0])),
            ("b", examples(&[10.0, 30.0, 50.0, 70.0])),
            ("c", examples(&[200.0, 210.0, 220.0])),
        ];
        let found = Kit::new(&mixed, &prompt).of("close-routes");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, Subject::Route(0));
        assert_eq!(found[0].items.len(), 7, "the route and three pairs");
        // Near, and yet apart: every example goes to its own, 8 of 8.
        let near = [
            ("a", examples(&[0.0, 2.0, 4.0, 6.0])),
            ("b", examples(&[14.0, 16.0, 18.0, 20.0])),
        ];
        let kit = Kit::new(&near, &prompt);
        assert!(kit.of("close-routes").is_empty());
        assert_eq!(kit.of("few-examples").len(), 2);
        assert_eq!(Kit::new(&near[..1], &prompt).of("one-route").len(), 1);
    }

    #[test]
    fn a_route_that_takes_the_prompts_of_others_is_named_with_the_example_that_does_it() {
        let prompts = |spread: f32| {
            let of = |label: &'static str, angle: f32| {
                (0..20_u8).map(move |i| (("prompt", at(angle + spread * f32::from(i), 0.0)), label, "test"))
            };
            of("a", 0.0)
                .chain(of("b", 80.0))
                .chain(of("c", 160.0))
                .collect::<Vec<_>>()
        };
        // b's examples sit in the middle of everything, a's and c's at the far ends.
        let bad = [
            ("a", examples(&[-110.0, -100.0])),
            ("b", examples(&[60.0, 70.0, 110.0])),
            ("c", examples(&[260.0, 265.0])),
        ];
        let found = Kit::new(&bad, &prompts(0.5)).of("attractor-route");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, Subject::Route(1));
        assert!(
            found[0].message.contains("lies nearest to the mean of all prompts"),
            "{}",
            found[0].message
        );
        let good = [
            ("a", examples(&[0.0, 5.0])),
            ("b", examples(&[80.0, 85.0])),
            ("c", examples(&[160.0, 165.0])),
        ];
        assert!(Kit::new(&good, &prompts(0.5)).of("attractor-route").is_empty());
        // Two routes: all go to one, and half of what it gets is its own.
        let two = [("a", examples(&[0.0, 5.0])), ("b", examples(&[250.0, 255.0]))];
        let kit = Kit::new(&two, &prompts(0.5)[..40]);
        assert_eq!(kit.of("attractor-route").len(), 1);
    }
}
