//! Running another program under watch: its output drained, its progress measured, ended when it stalls or the user stops.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::assets::error::redact;
use crate::assets::progress::Progress;

/// Lines of output kept for a report.
const KEPT_LINES: usize = 8;

/// Characters kept of a line.
const KEPT_CHARS: usize = 500;

/// How often the child is looked at.
const POLL: Duration = Duration::from_millis(50);

/// How long to wait for the end of the output once the program has ended; a grandchild may hold the pipe open.
const DRAIN: Duration = Duration::from_secs(2);

/// How a watched program ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// By itself; the last lines it wrote, of standard error where there are any.
    Exited { status: ExitStatus, tail: String },
    /// Ended by us: neither output nor growth of the watched folder for too long.
    Stalled,
    /// Ended by us at the user's wish.
    Cancelled,
}

/// Ends the child when dropped early, so that a panic or an early return leaves no orphan.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // Both fail harmlessly once the child has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `command`, reporting the growth of `watched` in bytes as progress.
///
/// # Errors
/// When the program cannot be started.
pub(super) fn run(
    command: &mut Command,
    watched: &Path,
    stall: Duration,
    progress: &dyn Progress,
) -> std::io::Result<Ended> {
    let mut child = Guard(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?,
    );
    let stdout = drain(child.0.stdout.take());
    let stderr = drain(child.0.stderr.take());
    let mut grown = 0;
    let mut last_life = Instant::now();
    loop {
        if let Some(status) = child.0.try_wait()? {
            let stderr = stderr.recv_timeout(DRAIN).unwrap_or_default();
            let tail = if stderr.is_empty() {
                stdout.recv_timeout(DRAIN).unwrap_or_default()
            } else {
                stderr
            };
            return Ok(Ended::Exited { status, tail });
        }
        if progress.cancelled() {
            return Ok(Ended::Cancelled);
        }
        let size = size_of(watched);
        if size > grown {
            progress.advance(size - grown);
            grown = size;
            last_life = Instant::now();
        } else if last_life.elapsed() > stall {
            return Ok(Ended::Stalled);
        }
        std::thread::sleep(POLL);
    }
}

/// Reads a pipe to its end on a thread, so that the child never blocks on a full one; sends the last lines.
fn drain(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(pipe) = pipe {
        std::thread::spawn(move || {
            let mut lines = VecDeque::new();
            let mut reader = BufReader::new(pipe);
            let mut raw = Vec::new();
            while reader.read_until(b'\n', &mut raw).is_ok_and(|count| count > 0) {
                let line = redact(String::from_utf8_lossy(&raw).trim_end());
                raw.clear();
                if line.trim().is_empty() {
                    continue;
                }
                if lines.len() == KEPT_LINES {
                    lines.pop_front();
                }
                lines.push_back(line.chars().take(KEPT_CHARS).collect::<String>());
            }
            // Nobody listens any more once the child was ended by us.
            let _ = sender.send(Vec::from(lines).join("\n"));
        });
    }
    receiver
}

/// Bytes of all files under `folder`; what vanishes meanwhile counts nothing.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size_of(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::assets::progress::NoProgress;

    fn shell(script: &str, stall: Duration) -> Ended {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(folder.path());
        run(&mut command, folder.path(), stall, &NoProgress).unwrap()
    }

    #[test]
    fn the_last_lines_are_kept_and_a_full_pipe_blocks_nobody() {
        let script = "i=0; while [ $i -lt 20000 ]; do echo \"line $i of output\" >&2; i=$((i+1)); done; exit 3";
        let Ended::Exited { status, tail } = shell(script, Duration::from_mins(1)) else {
            panic!("it ended by itself");
        };
        assert_eq!(status.code(), Some(3));
        assert_eq!(tail.lines().count(), KEPT_LINES);
        assert!(tail.ends_with("line 19999 of output"), "{tail}");
        let Ended::Exited { tail, .. } = shell("echo only stdout", Duration::from_mins(1)) else {
            panic!("it ended by itself");
        };
        assert_eq!(tail, "only stdout");
    }

    mod slow {
        use super::*;

        #[test]
        #[ignore = "slow; .ci/run runs it"]
        fn silence_ends_it_but_growth_does_not() {
            let begun = Instant::now();
            let stall = Duration::from_millis(400);
            assert!(matches!(shell("exec sleep 600", stall), Ended::Stalled));
            assert!(begun.elapsed() < Duration::from_secs(30));
            let script = "for i in 1 2 3 4 5 6 7 8; do echo x >> f; sleep 0.1; done";
            assert!(matches!(shell(script, stall), Ended::Exited { .. }));
        }
    }
}
