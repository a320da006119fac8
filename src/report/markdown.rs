//! `check` as Markdown, for a CI job's summary or a comment.

use std::fmt::Write as _;

use super::terminal::{PROMPT_SHOWN, prompts, shown};
use super::{CheckReport, CheckVerdict, DecisionReport, Flip, FlipKind, GateReport, PromptList, points, share};

/// Flipped prompts in the table.
const FLIPS: usize = 25;

/// The page: verdict, gates, flipped prompts, prompts that were left out.
pub fn check_markdown(report: &CheckReport) -> String {
    let mut out = format!("## routecal check: {}\n\n", headline(report));
    let Some(candidate) = &report.candidate else {
        let difference = report.encoder.difference.as_deref().unwrap_or_default();
        let _ = writeln!(
            out,
            "The thresholds are not valid: {}. No figure was looked at.",
            text(difference, 300)
        );
        return out;
    };
    let _ = writeln!(
        out,
        "{} of {} prompts of split {} paired with `{}`.{}\n",
        candidate.paired,
        candidate.prompts,
        text(&candidate.split, 40),
        report.baseline.file.replace('`', ""),
        if candidate.unchanged {
            " Nothing changed: same encoder, routes, thresholds and decisions."
        } else {
            ""
        },
    );
    out.push_str("| gate | verdict | baseline | now | points (interval) | why |\n|---|---|--:|--:|--:|---|\n");
    for gate in &report.gates {
        row(gate, &mut out);
    }
    flips(report, &mut out);
    for (what, list) in [
        ("added since the baseline", &candidate.added),
        ("removed since the baseline", &candidate.removed),
        ("labelled otherwise than in the baseline", &candidate.relabelled),
    ] {
        left_out(what, list, &mut out);
    }
    out
}

fn headline(report: &CheckReport) -> &'static str {
    match (report.verdict, report.exit_code) {
        (CheckVerdict::Pass, _) => "pass",
        (CheckVerdict::Inconclusive, 0) => "inconclusive (counts as a pass)",
        (CheckVerdict::Inconclusive, _) => "inconclusive",
        (CheckVerdict::Regressed, _) => "regressed",
        (CheckVerdict::EncoderChanged, _) => "encoder changed",
    }
}

fn row(gate: &GateReport, out: &mut String) {
    let c = gate.comparison.as_ref();
    let difference = c.and_then(|c| c.difference).map_or_else(String::new, |d| {
        let between = c.and_then(|c| c.lower.zip(c.upper));
        let between = between.map_or_else(String::new, |(a, b)| format!(" ({} to {})", points(a), points(b)));
        format!("{}{between}", points(d))
    });
    let _ = writeln!(
        out,
        "| {} | {} | {} | {} | {difference} | {} |",
        text(&gate.metric, 60),
        gate.verdict.name(),
        c.map_or_else(String::new, |c| share(c.baseline)),
        c.map_or_else(|| share(gate.figure.point), |c| share(c.candidate)),
        text(&gate.reason, 300),
    );
}

fn flips(report: &CheckReport, out: &mut String) {
    let flips = &report.flips;
    if flips.n == 0 {
        return;
    }
    let _ = writeln!(
        out,
        "\n<details><summary>{} flipped: {} lost, {} won</summary>\n",
        prompts(flips.n),
        flips.lost,
        flips.won
    );
    out.push_str("| | line | label | before | now | prompt |\n|---|--:|---|---|---|---|\n");
    for flip in flips.listed.iter().take(FLIPS) {
        flip_row(flip, out);
    }
    if flips.n > FLIPS as u64 {
        let _ = writeln!(out, "\n{} more are in check.json.", flips.n - FLIPS as u64);
    }
    out.push_str("\n</details>\n");
}

fn flip_row(flip: &Flip, out: &mut String) {
    let kind = match flip.kind {
        FlipKind::Lost => "lost",
        FlipKind::Won => "won",
        FlipKind::Neutral => "",
    };
    let decision = |d: &DecisionReport| format!("{} {:.3}", text(&d.decision, 24), d.score);
    let _ = writeln!(
        out,
        "| {kind} | {} | {} | {} | {} | {} |",
        flip.line,
        text(&flip.label, 24),
        decision(&flip.before),
        decision(&flip.after),
        text(&flip.prompt, PROMPT_SHOWN),
    );
}

fn left_out(what: &str, list: &PromptList, out: &mut String) {
    if list.n == 0 {
        return;
    }
    let _ = writeln!(out, "\n{} {what}, not compared:\n", prompts(list.n));
    for p in &list.first {
        let place = p
            .line
            .map_or_else(|| format!("`{}`", &p.prompt_hash[..12]), |line| format!("line {line}"));
        let former = p
            .former_label
            .as_ref()
            .map_or_else(String::new, |l| format!("{} to ", text(l, 24)));
        let prompt = p
            .prompt
            .as_deref()
            .map_or_else(String::new, |t| format!(": {}", text(t, PROMPT_SHOWN)));
        let _ = writeln!(out, "- {place}, {former}{}{prompt}", text(&p.label, 24));
    }
    if list.n > list.first.len() as u64 {
        let _ = writeln!(out, "- and {} more", list.n - list.first.len() as u64);
    }
}

/// A user's text on one line of a table, with nothing in it that Markdown or HTML would act on.
pub(in crate::report) fn text(raw: &str, width: usize) -> String {
    let mut out = String::new();
    for c in shown(raw, width).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // As an entity: a mention would notify somebody, a backslash does not stop it.
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '!' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_prompt_is_text_and_nothing_else() {
        assert_eq!(
            text("a|b\n<b> [x](y) @me `c`", 80),
            "a\\|b &lt;b&gt; \\[x\\](y) &#64;me \\`c\\`"
        );
    }
}
