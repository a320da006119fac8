//! Ctrl-C in the middle of embedding: an orderly end, nothing half-written, and the next run goes on where it stopped.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on fails the test that called it, at once"
)]

use std::process::{Child, Command};

use crate::real_model::{embedded, prompts, stderr_of, wait_for_kept};
use crate::support::Sandbox;

/// Sends a signal by way of the shell, whose `kill` is built in.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -{name} {}", child.id()))
        .status()
        .unwrap();
    assert!(status.success());
}

/// Interrupts `command` once it has kept a vector more than the `before` there are. How many are kept then.
fn interrupted(sandbox: &Sandbox, mut command: Command, name: &str, before: usize, distinct: usize) -> usize {
    let mut child = command.spawn().unwrap();
    wait_for_kept(sandbox, &mut child, before + 1);
    signal(&child, name);
    let output = child.wait_with_output().unwrap();
    let stderr = stderr_of(&output, 130);
    assert!(output.stdout.is_empty());
    assert_eq!(
        stderr,
        "error: interrupted\nhint: finished vectors are kept: run the same command again to go on\n"
    );
    let kept = sandbox.kept();
    assert!((before + 1..distinct).contains(&kept), "{kept} of {distinct}");
    kept
}

/// `rows` prompts with labels, half a split each.
fn labelled(rows: usize, words: usize) -> String {
    let text = prompts(rows, words);
    let routes = ["coding", "creative", "factual", "reasoning", "none"];
    let splits = ["calibration", "test"];
    let mut labelled = String::from("prompt,label,split\n");
    for (row, line) in text.lines().skip(1).enumerate() {
        labelled.extend([line, ",", routes[row % 5], ",", splits[row % 2], "\n"]);
    }
    labelled
}

/// Most of half a second and more: `cargo test --test it -- --ignored slow::`.
mod slow {
    use super::*;

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn ctrl_c_in_the_middle_of_embedding_loses_nothing_that_was_done() {
        let sandbox = Sandbox::with_shipped_routes();
        sandbox.write("prompts.csv", labelled(3000, 8));
        let command =
            || sandbox.process_with_model("eval prompts.csv --split all --no-plots --out results --format json");
        let routes: serde_json::Value = serde_json::from_slice(&sandbox.read_bytes("routes.json")).unwrap();
        let examples: usize = routes["routes"]
            .as_object()
            .unwrap()
            .values()
            .map(|route| route["examples"].as_array().unwrap().len())
            .sum();
        let distinct = 3000 + examples;

        let kept = interrupted(&sandbox, command(), "INT", 0, distinct);
        assert!(
            !sandbox.path("results").exists(),
            "nothing may be left by an interrupted run"
        );

        // The second run is interrupted too, the third completes: each computes what the ones before did not.
        let kept = interrupted(&sandbox, command(), "INT", kept, distinct);
        let output = command().output().unwrap();
        let stderr = stderr_of(&output, 0);
        assert_eq!(embedded(&stderr), Some((distinct - kept, distinct)));
        assert_eq!(sandbox.kept(), distinct);
        assert!(sandbox.read_bytes("results/eval.json") == output.stdout);

        let again = command().output().unwrap();
        assert_eq!(embedded(&stderr_of(&again, 0)), None);
        assert!(again.stdout == output.stdout);
    }

    #[test]
    #[ignore = "slow; .ci/run runs it"]
    fn a_request_to_terminate_ends_in_the_same_way() {
        let sandbox = Sandbox::with_shipped_routes();
        sandbox.write("prompts.csv", prompts(6000, 150));
        let arguments = "embed prompts.csv --encoder hashing --output vectors.parquet --threads 1";
        let kept = interrupted(&sandbox, sandbox.process(arguments), "TERM", 0, 6000);
        assert!(!sandbox.path("vectors.parquet").exists());
        let output = sandbox.process(arguments).output().unwrap();
        assert_eq!(embedded(&stderr_of(&output, 0)), Some((6000 - kept, 6000)));
    }
}
