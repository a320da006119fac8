#![no_main]

#[expect(dead_code, reason = "a target each")]
#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::published(bytes));
