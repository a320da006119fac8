//! What the tests of faults share: draws that can be repeated, and the program under limits.

#![expect(
    clippy::print_stdout,
    reason = "which seed was drawn from is what a reader of CI looks for"
)]

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Run, Sandbox, csv_of, finish, prompts};

/// Numbers that follow from a seed.
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(stream: u64) -> Self {
        let seed = std::env::var("ROUTECAL_FAULT_SEED").map_or(0, |seed| seed.parse().expect("a number"));
        println!("ROUTECAL_FAULT_SEED={seed}");
        Self(seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// `SplitMix64` (Steele, Lea & Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    /// Some moment of so long a time.
    pub(crate) fn moment(&mut self, of: Duration) -> Duration {
        of.mul_f64(f64::from(u32::try_from(self.next() >> 32).expect("32 bits")) / f64::from(u32::MAX))
    }
}

/// Files by name, without what a killed program could not take away: its temporary files.
pub(crate) fn kept(tree: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let temporary = |name: &str| {
        name.rsplit('/')
            .next()
            .is_some_and(|name| name.starts_with(".routecal-"))
    };
    tree.into_iter()
        .filter(|(name, _)| !temporary(name) && !name.ends_with('/'))
        .collect()
}

/// The command, begun by a shell that has done what `before` says.
pub(crate) fn after(before: &str, command: &Command) -> Command {
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &format!("{before} && exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

/// Runs a command to its end, with files of more than `kib` KiB refused by the system, as on a disk that runs full.
pub(crate) fn with_small_disk(kib: u32, command: &Command) -> Run {
    // The signal that goes with the limit would end the program; ignored, the write fails instead.
    let limit = format!("trap '' XFSZ; ulimit -f {kib}");
    finish(&mut assert_cmd::Command::from_std(after(&limit, command)))
}

/// A routes file and some more prompts than usual, so that commands take a while.
pub(crate) fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_data();
    let mut data = prompts();
    for copy in 0..6 {
        data.extend(prompts().into_iter().map(|mut prompt| {
            prompt[0] = format!("{} {copy}", prompt[0]);
            prompt
        }));
    }
    sandbox.write("prompts.csv", csv_of(&data));
    sandbox
}

/// Makes files what they were.
pub(crate) fn put(sandbox: &Sandbox, files: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in files {
        sandbox.write(name.trim_start_matches("work/"), bytes);
    }
}

/// The program, which must succeed.
#[track_caller]
pub(crate) fn run_ok(sandbox: &Sandbox, command: &str) -> Run {
    sandbox.run(command.split(' ')).ok()
}
