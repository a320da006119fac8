//! `classify` and `centroids` as text.

use std::fmt::Write as _;

use super::{MATRIX_ROUTES, PROMPT_SHOWN, number, shown, table};
use crate::router::{Decision, LeaveOneOut, RouteShape, ScoreTable};
use crate::routes::{Routes, Thresholds};

/// `classify` for people.
pub fn classify_text(
    routes: &Routes,
    prompts: &[String],
    scores: &ScoreTable,
    decisions: &[Decision],
    thresholds: &[Thresholds],
) -> String {
    let mut out = String::new();
    for (i, prompt) in prompts.iter().enumerate() {
        let row = &scores.rows()[i];
        let at = thresholds[row.best];
        let name = |r: usize| shown(&routes.routes[r].name, 40);
        let (head, why) = match decisions[i] {
            Decision::Accept(r) => (
                format!("{} → {}", name(r), shown(&routes.routes[r].target.model, 60)),
                "accepted".to_owned(),
            ),
            Decision::LowScore => (
                format!("fallback → {}", shown(&routes.fallback.model, 60)),
                format!("score {:.3} is below the threshold {}", row.score, at.threshold()),
            ),
            Decision::SmallGap => (
                format!("fallback → {}", shown(&routes.fallback.model, 60)),
                format!(
                    "{} and {} are {:.3} apart, less than the gap {}",
                    name(row.best),
                    row.runner_up.map(name).unwrap_or_default(),
                    row.gap,
                    at.gap()
                ),
            ),
        };
        let mut ranked: Vec<usize> = (0..scores.routes()).collect();
        let of = scores.scores(i);
        ranked.sort_by(|a, b| of[*b].total_cmp(&of[*a]).then(a.cmp(b)));
        let all: Vec<String> = ranked
            .iter()
            .take(MATRIX_ROUTES)
            .map(|r| format!("{} {:.3}", name(*r), of[*r]))
            .collect();
        let gap = if row.gap.is_finite() {
            format!("gap {:.3}", row.gap)
        } else {
            "no runner-up".into()
        };
        let _ = writeln!(
            out,
            "{}\n  {head}  ({why})\n  {}  ({gap})",
            shown(prompt, PROMPT_SHOWN),
            all.join(" · ")
        );
    }
    out
}

/// `centroids` for people.
pub fn centroids_text(
    routes: &Routes,
    shapes: &[RouteShape],
    similarity: &[Vec<f64>],
    left_out: &[LeaveOneOut],
) -> String {
    let name = |r: usize| shown(&routes.routes[r].name, 24);
    let strays_of = |r: usize| left_out.iter().filter(|l| l.route == r && l.strays()).count();
    let mut out = table(
        &["route", "examples", "mean cosine", "least", "st. dev.", "strays"],
        shapes.iter().enumerate().map(|(r, s)| {
            vec![
                name(r),
                s.examples.to_string(),
                format!("{:.3}", s.mean_cosine),
                format!("{:.3}", s.min_cosine),
                number(s.standard_deviation, 3),
                strays_of(r).to_string(),
            ]
        }),
    );
    if shapes.len() <= MATRIX_ROUTES {
        out.push('\n');
        let header: Vec<String> = std::iter::once("cosine of centroids".to_owned())
            .chain((0..shapes.len()).map(name))
            .collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        out.push_str(&table(
            &header,
            similarity.iter().enumerate().map(|(r, row)| {
                std::iter::once(name(r))
                    .chain(row.iter().map(|c| format!("{c:.3}")))
                    .collect()
            }),
        ));
    }
    let strays: Vec<&LeaveOneOut> = left_out.iter().filter(|l| l.strays()).collect();
    if strays.is_empty() {
        out.push_str("\nevery example is nearest to the rest of its own route\n");
        return out;
    }
    out.push_str("\nexamples whose nearest centroid, without themselves, is another route's\n");
    for l in strays {
        let (other, cosine) = l.other.map_or((String::new(), 0.0), |(r, c)| (name(r), c));
        let _ = writeln!(
            out,
            "  {} {} < {other} {cosine:.3}  {:?}",
            name(l.route),
            number(l.own, 3),
            shown(&routes.routes[l.route].examples[l.example], PROMPT_SHOWN)
        );
    }
    out
}
