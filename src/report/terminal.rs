//! Documents as text for a terminal.

use std::fmt::Write as _;
use std::path::Path;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::{CalibrationReport, Estimate, EvalReport, OperatingPoint, RouteFigures, SplitFigures};
use crate::router::{Decision, LeaveOneOut, RouteShape, ScoreTable};
use crate::routes::{Routes, Thresholds};

/// Mistakes shown; the document has more.
const MISTAKES_SHOWN: usize = 5;
/// Routes up to which a matrix is printed.
const MATRIX_ROUTES: usize = 12;
/// Characters of a prompt that are shown.
const PROMPT_SHOWN: usize = 72;

/// A table with a header, the first column left and the others right.
fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    render(header, rows, CellAlignment::Right)
}

fn render(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>, others: CellAlignment) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if i == 0 { 0 } else { 2 }, 0));
        if i > 0 {
            column.set_cell_alignment(others);
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A table with every column left.
pub fn left_table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    render(header, rows, CellAlignment::Left)
}

/// A user's text on one line, without control characters (which could drive the terminal), cut to a width.
fn shown(text: &str, width: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut clean: String = line.chars().filter(|c| !c.is_control()).take(width + 1).collect();
    if clean.chars().count() > width {
        clean = clean.chars().take(width - 1).collect();
        clean.push('…');
    }
    clean
}

fn percent(estimate: &Estimate) -> String {
    estimate
        .point
        .map_or_else(|| "n/a".into(), |p| format!("{:.1} %", 100.0 * p))
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "n/a".into(), |v| format!("{v:.decimals$}"))
}

/// `calibrate` for people.
pub fn calibration_text(report: &CalibrationReport) -> String {
    let (c, t) = (&report.calibration, &report.test);
    let mut out = format!(
        "goal {}{}, chosen on {} prompts of split {} ({} out-of-domain){}\n",
        report.goal.name,
        goal_numbers(report),
        c.n,
        shown(&c.split, 40),
        c.out_of_domain,
        if report.per_route {
            ", one pair of thresholds a route"
        } else {
            ""
        },
    );
    let _ = write!(
        out,
        "judged on {} prompts of split {} ({} out-of-domain){}\n\n",
        t.n,
        shown(&t.split, 40),
        t.out_of_domain,
        if report.chosen.test.in_sample {
            ": the same rows, so the figures flatter the choice"
        } else {
            ""
        }
    );
    let points = [
        ("current", &report.current),
        ("none", &report.none),
        ("chosen", &report.chosen),
    ];
    out.push_str(&table(
        &[
            "thresholds",
            "threshold",
            "gap",
            "system accuracy",
            "coverage",
            "selective accuracy",
            "misrouted",
            "false accepts",
            "false fallbacks",
        ],
        points.iter().map(|(name, point)| {
            let f = &point.test.as_deployed;
            vec![
                (*name).to_owned(),
                point.threshold.to_string(),
                point.gap.to_string(),
                percent(&f.system_accuracy),
                percent(&f.coverage),
                percent(&f.selective_accuracy),
                percent(&f.misroute_rate),
                percent(&f.false_accept_rate),
                percent(&f.false_fallback_rate),
            ]
        }),
    ));
    for (name, point) in points {
        for (route, own) in &point.by_route {
            let _ = writeln!(
                out,
                "  {name}: {} has threshold {}, gap {}",
                shown(route, 40),
                own.threshold(),
                own.gap()
            );
        }
    }
    let _ = writeln!(
        out,
        "\nthe goal's figure: {} on the rows that chose it, {} on split {}",
        goal_figure(report, &report.chosen.calibration),
        goal_figure(report, &report.chosen.test),
        shown(&t.split, 40),
    );
    if let Some(p) = &report.plateau {
        let _ = writeln!(
            out,
            "plateau (within {} of it): threshold {:.3} to {:.3}, gap {:.3} to {:.3}",
            p.tolerance, p.threshold.low, p.threshold.high, p.gap.low, p.gap.high
        );
    }
    let _ = writeln!(
        out,
        "looked at {} points{}",
        report.points,
        if report.exact {
            ": all that matter"
        } else {
            " (thinned)"
        }
    );
    if report.leakage.n > 0 {
        let _ = writeln!(
            out,
            "{} prompts are also route examples: their figures flatter the router",
            report.leakage.n
        );
    }
    out
}

fn goal_numbers(report: &CalibrationReport) -> String {
    let goal = &report.goal;
    [
        ("risk ≤", goal.risk),
        ("coverage ≥", goal.coverage),
        ("accuracy ≥", goal.accuracy),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|v| format!(" ({name} {v:.4})")))
    .collect()
}

fn goal_figure(report: &CalibrationReport, figures: &SplitFigures) -> String {
    let value = figures.objective.point;
    match report.goal.name.as_str() {
        "min-cost" => format!("mean price {}", number(figures.mean_price.point, 6)),
        "max-macro-f1" => format!("macro F1 {}", number(value, 3)),
        "min-risk" => format!("risk {}", number(value.map(|v| 1.0 - v), 3)),
        _ => match value {
            Some(v) => format!("{:.1} %", 100.0 * v),
            None => "condition not met".into(),
        },
    }
}

/// The line that `calibrate` ends with: what it wrote into the routes file, or how to have it written.
pub fn next_step(report: &CalibrationReport, written: Option<&Path>) -> String {
    let OperatingPoint { threshold, gap, .. } = report.chosen;
    let pairs = if report.per_route {
        ", and a pair for each route,"
    } else {
        ""
    };
    match written {
        Some(path) => format!(
            "wrote threshold {threshold} and gap {gap}{pairs} into {}",
            path.display()
        ),
        None => format!("to use threshold {threshold} and gap {gap}{pairs} run this command again with --write"),
    }
}

/// `eval` for people.
pub fn eval_text(report: &EvalReport) -> String {
    let mut out = format!(
        "{} prompts of split {}: {} in-domain, {} out-of-domain · encoder {} · threshold {}, gap {}\n\n",
        report.n,
        shown(&report.split, 40),
        report.in_domain,
        report.out_of_domain,
        shown(&report.provenance.encoder.model, 60),
        report.thresholds.threshold,
        report.thresholds.gap,
    );
    let d = &report.as_deployed;
    let f = &report.forced_choice;
    let row = |name: &str, e: &Estimate, as_percent: bool| {
        let value = if as_percent { percent(e) } else { e.shown() };
        vec![name.to_owned(), value, e.n.to_string()]
    };
    out.push_str(&table(
        &["as deployed", "", "n"],
        [
            row("system accuracy", &d.system_accuracy, true),
            row("coverage", &d.coverage, true),
            row("selective accuracy", &d.selective_accuracy, true),
            row("misrouted (of in-domain)", &d.misroute_rate, true),
            row("false fallbacks (of in-domain)", &d.false_fallback_rate, true),
            row("false accepts (of out-of-domain)", &d.false_accept_rate, true),
        ],
    ));
    out.push('\n');
    out.push_str(&table(
        &["forced choice (in-domain only)", "", "n"],
        [
            row("accuracy", &f.accuracy, true),
            row("balanced accuracy", &f.balanced_accuracy, true),
            row("right route among the best two", &f.top2_accuracy, true),
            row("macro F1", &f.macro_f1, false),
            row("Matthews correlation", &f.mcc, false),
            row("Cohen's kappa", &f.kappa, false),
        ],
    ));
    out.push('\n');
    let s = &report.selective.all;
    let by = &report.detection.by_score;
    let r = &report.reliability;
    out.push_str(&table(
        &["the score as a confidence", "", "n"],
        [
            row("out-of-domain AUROC", &by.auroc, false),
            row("false accepts at 95 % of in-domain accepted", &by.fpr_at_95_tpr, true),
            row("AUGRC", &s.augrc, false),
            row(
                &format!("ECE after {} ({})", r.method, fitted(report)),
                &r.ece_equal_width,
                false,
            ),
        ],
    ));
    out.push('\n');
    out.push_str(&routes_table(&d.routes, &f.routes));
    if report.confusion.labels.len() <= MATRIX_ROUTES {
        out.push('\n');
        out.push_str(&matrix(report));
    }
    mistakes(report, &mut out);
    if report.leakage.n > 0 {
        let _ = writeln!(
            out,
            "\n{} prompts are also route examples: their figures flatter the router",
            report.leakage.n
        );
    }
    out
}

fn fitted(report: &EvalReport) -> String {
    let r = &report.reliability;
    match &r.note {
        Some(note) => note.clone(),
        None if r.in_sample => "fitted on the same rows".into(),
        None => format!("fitted on {}", shown(&r.fitted_on, 30)),
    }
}

fn routes_table(deployed: &[RouteFigures], forced: &[RouteFigures]) -> String {
    let rows = deployed.iter().enumerate().map(|(i, route)| {
        let forced = forced.get(i);
        vec![
            shown(&route.route, 40),
            route.precision.shown(),
            route.recall.shown(),
            route.f1.shown(),
            forced.map_or_else(String::new, |f| f.recall.shown()),
            route.support.to_string(),
        ]
    });
    table(
        &["route", "precision", "recall", "F1", "recall if forced", "prompts"],
        rows,
    )
}

fn matrix(report: &EvalReport) -> String {
    let c = &report.confusion;
    let header: Vec<String> = std::iter::once("truth \\ decision".to_owned())
        .chain(c.columns.iter().map(|n| shown(n, 14)))
        .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = c.labels.iter().zip(&c.counts).map(|(label, counts)| {
        std::iter::once(shown(label, 24))
            .chain(counts.iter().map(u64::to_string))
            .collect()
    });
    table(&header, rows)
}

fn mistakes(report: &EvalReport, out: &mut String) {
    if report.mistakes.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\nmost confident mistakes ({} of {} listed in eval.json)",
        report.mistakes.len().min(MISTAKES_SHOWN),
        report.mistakes.len()
    );
    for m in report.mistakes.iter().take(MISTAKES_SHOWN) {
        let _ = writeln!(
            out,
            "  {:.3}  {} → {}{}  {:?}\n         near {:?} ({:.3})",
            m.score,
            shown(&m.label, 24),
            shown(&m.chosen, 24),
            if m.accepted { "" } else { " (fell back)" },
            shown(&m.prompt, PROMPT_SHOWN),
            shown(&m.nearest_chosen.example, PROMPT_SHOWN),
            m.nearest_chosen.cosine,
        );
    }
}

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

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_prompt_cannot_drive_the_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\r\nc\u{7}", 40), "a[2Jb c");
        assert_eq!(shown("abcdef", 4), "abc…");
        assert_eq!(shown("abcd", 4), "abcd");
    }
}
