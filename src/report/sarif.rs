//! `lint` as SARIF 2.1.0 (OASIS), which editors and code scanning read.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>; no time is in it, so a second run gives the same bytes.

use serde_json::{Value, json};

use super::terminal::shown;
use super::{FindingReport, ItemReport, LintReport};
use crate::assets::sha256_hex;
use crate::lint::{Code, Severity};

/// Most findings in the file: code scanning refuses larger ones, and shows five thousand.
const MOST: usize = 5000;
/// Characters of a prompt in a message.
const SHOWN: usize = 120;

/// The log: every code as a rule, the findings as results, the worst first.
pub fn sarif(report: &LintReport) -> Value {
    let rules: Vec<Value> = Code::ALL.iter().map(|code| rule(*code)).collect();
    let results: Vec<Value> = report.findings.iter().take(MOST).map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "routecal lint",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    severity.name()
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.name(),
        "shortDescription": { "text": code.meaning() },
        "fullDescription": { "text": code.meaning() },
        "help": { "text": format!("{} docs/lint.md of routecal says how it is found and what to do.", code.meaning()) },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

fn result(finding: &FindingReport) -> Value {
    let mut message = format!("{}. To do: {}.", finding.message, finding.act.name());
    if let Some(item) = finding.items.first() {
        message.push_str(&format!(" {}", quoted(item)));
    }
    let related: Vec<Value> = (finding.items.iter())
        .filter(|item| (&item.file, item.line) != (&finding.file, finding.line))
        .map(|item| {
            let mut place = location(&item.file, item.line);
            place["message"] = json!({ "text": quoted(item) });
            place
        })
        .collect();
    json!({
        "ruleId": finding.code.name(),
        "ruleIndex": Code::ALL.iter().position(|code| *code == finding.code),
        "level": level(finding.severity),
        "message": { "text": message },
        "locations": [location(&finding.file, finding.line)],
        "relatedLocations": related,
        "partialFingerprints": { "routecalLint/v1": fingerprint(finding) },
        "properties": { "act": finding.act, "figures": finding.figures },
    })
}

fn quoted(item: &ItemReport) -> String {
    format!(
        "{} of {}: \"{}\"",
        item.what,
        shown(&item.label, 40),
        shown(&item.text, SHOWN)
    )
}

/// Lines move when rows are added; code and texts do not.
fn fingerprint(finding: &FindingReport) -> String {
    let mut parts = vec![finding.code.name(), &finding.file];
    parts.extend(
        finding
            .items
            .iter()
            .flat_map(|item| [item.label.as_str(), item.text.as_str()]),
    );
    if finding.items.is_empty() {
        parts.push(&finding.message);
    }
    sha256_hex(parts.join("\u{1f}").as_bytes())
}

fn location(file: &str, line: Option<u64>) -> Value {
    // Code scanning wants a line: what is about the whole file stands at its first.
    let region = json!({ "startLine": line.unwrap_or(1) });
    json!({ "physicalLocation": { "artifactLocation": { "uri": uri(file) }, "region": region } })
}

/// A path as a URI reference: relative ones stay relative (to the root of the repository, as a rule).
fn uri(file: &str) -> String {
    use std::fmt::Write as _;
    let path = file.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("./data/my prompts é.csv"), "data/my%20prompts%20%C3%A9.csv");
        assert_eq!(uri("/tmp/a:b.csv"), "file:///tmp/a%3Ab.csv");
        assert_eq!(uri("data\\x.csv"), "data/x.csv");
    }
}
