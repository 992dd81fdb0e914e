//! Lists in `Connection` headers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proxy::fuzzing::connection(data));
