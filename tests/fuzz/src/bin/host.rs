//! `Host` headers and the patterns of routes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proxy::fuzzing::host(data));
