//! Debug programs are linked for one fixed address. The tests start the program more than a thousand times, and of a program that may lie anywhere the
//! loader mends 360,000 addresses each time, in memory that it copies for that: 11 ms of the 13 ms that a debug build took to say its version. A release
//! build stays movable, which makes attacks harder, and has fewer to mend.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| std::env::var(variable).is_ok_and(|found| found == value);
    if is("PROFILE", "debug") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
