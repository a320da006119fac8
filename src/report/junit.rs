//! `check` as JUnit XML, which every CI system shows: one test case a gate, and one for the encoder.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{CheckReport, CheckVerdict, GateReport};
use crate::check::Verdict;

/// The XML. A gate that regressed, missed a limit, or is inconclusive where that does not count as a pass, is a failure of
/// that type; an inconclusive one that does is skipped. No time is in it, so a second run gives the same bytes.
///
/// # Panics
/// Never: writing to memory cannot fail.
pub fn junit(report: &CheckReport) -> String {
    let mut suite = TestSuite::new("routecal check");
    let mut encoder = TestCaseStatus::success();
    if report.verdict == CheckVerdict::EncoderChanged {
        let difference = report.encoder.difference.as_deref().unwrap_or_default();
        encoder = failure("encoder_changed", &format!("thresholds are not valid: {difference}"));
    }
    suite.add_test_case(case("encoder", encoder));
    let forgiven = report.settings.inconclusive == "pass";
    for gate in &report.gates {
        suite.add_test_case(case(&gate.metric, status(gate, forgiven)));
    }
    let mut document = Report::new("routecal");
    document.add_test_suite(suite);
    document.to_string().expect("memory takes every byte")
}

fn case(name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname("routecal.check");
    case
}

fn status(gate: &GateReport, forgiven: bool) -> TestCaseStatus {
    match gate.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Inconclusive if forgiven => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(format!("inconclusive: {}", gate.reason));
            skipped
        }
        other => failure(other.name(), &gate.reason),
    }
}

fn failure(kind: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(kind).set_message(message);
    status
}
