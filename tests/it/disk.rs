//! Files that cannot be written, and readers that go away: a clear error or none, and never half a file.

#![cfg(unix)]

use std::process::Stdio;

use insta::assert_snapshot;

use crate::fault_kit;
use crate::support::{PROGRAM, Run, Sandbox, finish, pretty, routes};

fn with_small_disk(sandbox: &Sandbox, kib: u32, arguments: &[&str]) -> Run {
    let mut command = sandbox.process("");
    fault_kit::with_small_disk(kib, command.args(arguments))
}

#[test]
fn a_full_disk_leaves_no_half_file() {
    let sandbox = Sandbox::with_data();
    let refused = |arguments: &[&str]| {
        let before = sandbox.tree();
        let run = with_small_disk(&sandbox, 1, &[arguments, &["--no-cache", "--quiet"]].concat());
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{}", run.stderr);
        let after = sandbox.tree();
        assert!(before == after, "{:?}", after.keys());
        run.stderr
    };
    let message = [
        refused(&["eval", "prompts.csv"]),
        refused(&["calibrate", "prompts.csv", "--write"]),
        refused(&["centroids"]),
        refused(&["embed", "prompts.csv", "--output", "v.parquet"]),
    ];
    assert_snapshot!(message.concat());

    // The results of a run before stay what they were.
    sandbox
        .run(["eval", "prompts.csv", "--no-plots", "--resamples", "0"])
        .ok();
    sandbox
        .run([
            "calibrate",
            "prompts.csv",
            "--no-plots",
            "--resamples",
            "0",
            "--per-route",
        ])
        .ok();
    sandbox.run(["centroids"]).ok();
    refused(&[
        "eval",
        "prompts.csv",
        "--no-plots",
        "--resamples",
        "0",
        "--threshold",
        "0",
    ]);
    refused(&["calibrate", "prompts.csv", "--no-plots", "--resamples", "0"]);
    refused(&["centroids"]);
}

/// The routes file grows by what is written into it: it stays as it was where there is no room.
#[test]
fn a_full_disk_leaves_the_routes_file_alone() {
    let sandbox = Sandbox::with_data();
    let mut document = routes();
    document["fallback"]["system_prompt"] = "Help. ".repeat(300_000).into();
    sandbox.write("routes.json", pretty(&document));
    let before = sandbox.read("routes.json");
    let arguments = [
        "calibrate",
        "prompts.csv",
        "--no-plots",
        "--no-cache",
        "--quiet",
        "--write",
    ];
    // Room for the results, which come to less than 1 MiB, not for the routes file of 1.7 MiB.
    let run = with_small_disk(&sandbox, 1200, &arguments);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(
        run.stderr.starts_with("error: cannot write routes.json: "),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.read("routes.json"), before);
    assert!(sandbox.path("reports/calibration.json").exists());
    assert!(sandbox.tree().keys().all(|name| !name.contains(".tmp")));
}

/// A cache that cannot grow is worth a warning; the answer is the same.
#[test]
fn a_full_disk_below_the_cache_costs_only_the_cache() {
    let sandbox = Sandbox::with_data();
    let arguments = ["classify", "sort it", "--format", "json"];
    let answer = sandbox.run(arguments.into_iter().chain(["--no-cache"])).ok().stdout;
    let run = with_small_disk(&sandbox, 1, &arguments).ok();
    assert_eq!(run.stdout, answer);
    assert!(run.stderr.contains("warning: the vector cache "), "{}", run.stderr);
    // And it does no harm to the next run.
    let run = sandbox.run(arguments).ok();
    assert_eq!(run.stdout, answer);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
}

#[test]
fn a_results_folder_that_cannot_be() {
    let sandbox = Sandbox::with_data();
    sandbox.write("reports", "a file");
    let message = [
        sandbox.refused(["eval", "prompts.csv"]),
        sandbox.refused(["calibrate", "prompts.csv", "--out", "reports/below"]),
        sandbox.refused(["centroids"]),
        sandbox.refused(["embed", "prompts.csv", "--output", "reports/v.parquet"]),
    ];
    assert_snapshot!(message.concat());
    // Refused before anything is embedded.
    assert!(
        std::fs::read_dir(sandbox.root().join("cache"))
            .unwrap()
            .next()
            .is_none()
    );
}

#[test]
fn a_read_only_results_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::with_data();
    std::fs::create_dir(sandbox.path("reports")).unwrap();
    std::fs::set_permissions(sandbox.path("reports"), std::fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write anywhere but where the kernel itself refuses.
    let root = tempfile::tempfile_in(sandbox.path("reports")).is_ok();
    let folder = if root { "/proc/self" } else { "reports" };
    for command in [
        &["eval", "prompts.csv"][..],
        &["calibrate", "prompts.csv"],
        &["centroids"],
    ] {
        let message = sandbox.refused(command.iter().copied().chain(["--out", folder]));
        let start = format!("exit 3\nerror: cannot write {folder}: ");
        assert!(message.starts_with(&start), "{message}");
        let hint = "\nhint: choose a folder that can be written (--out DIR; embed: --output FILE)\n";
        assert!(message.ends_with(hint), "{message}");
    }
}

/// Standard output that nobody reads any more is no error, and keeps nothing from being done.
#[test]
fn a_closed_pipe_is_no_error() {
    for command in [
        &["schema", "eval"][..],
        &["--help"],
        &["classify", "sort it", "--quiet"],
        &["centroids", "--quiet"],
        &["embed", "prompts.csv", "--output", "v.parquet", "--quiet"],
        &[
            "eval",
            "prompts.csv",
            "--quiet",
            "--no-plots",
            "--resamples",
            "0",
            "--format",
            "json",
        ],
        &[
            "calibrate",
            "prompts.csv",
            "--quiet",
            "--no-plots",
            "--resamples",
            "0",
            "--write",
        ],
    ] {
        let sandbox = Sandbox::with_data();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut process = std::process::Command::new(PROGRAM);
        let output = process
            .args(command)
            .env_clear()
            .env("HOME", sandbox.root().join("home"))
            .env("ROUTECAL_CACHE", sandbox.root().join("cache"))
            .current_dir(sandbox.work())
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{command:?}");
        assert_eq!(output.status.code(), Some(0), "{command:?}");
        match command[0] {
            "embed" => assert!(sandbox.path("v.parquet").exists()),
            "eval" => assert!(sandbox.path("reports/eval.json").exists()),
            "calibrate" => {
                assert!(sandbox.path("reports/calibration.json").exists());
                assert!(!sandbox.read("routes.json").contains("0.35"), "--write was forgotten");
            }
            _ => {}
        }
    }
}

/// `| head -1` gets its line, and both ends pass.
#[test]
fn the_head_of_a_long_answer() {
    let sandbox = Sandbox::with_data();
    let script = "\"$0\" eval prompts.csv --no-plots --quiet --format json | head -n 1; echo \"${PIPESTATUS[*]}\"";
    let run = finish(sandbox.command_of("bash").args(["-c", script, PROGRAM])).ok();
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("{\n0 0\n", ""));
}

/// Standard output on a full disk is an error.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written() {
    let sandbox = Sandbox::with_routes();
    let script = "exec \"$0\" classify 'sort it' --quiet > /dev/full";
    let run = finish(sandbox.command_of("bash").args(["-c", script, PROGRAM]));
    assert_eq!(run.code, 3);
    assert_snapshot!(run.stderr);
}
