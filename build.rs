//! Debug programs are linked for one fixed address. The tests start the program more than a thousand times, and of a program that may lie anywhere the
//! loader mends 360,000 addresses each time, in memory that it copies for that: 9.5 ms of the 11 ms that a debug build took to say its version. A release
//! build stays movable, which makes attacks harder, and has fewer to mend.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let of = |variable: &str| std::env::var(variable).unwrap_or_default();
    let glibc = of("CARGO_CFG_TARGET_OS") == "linux" && of("CARGO_CFG_TARGET_ENV") == "gnu";
    let shared = !of("CARGO_CFG_TARGET_FEATURE").contains("crt-static");
    if of("PROFILE") == "debug" && glibc && shared {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
