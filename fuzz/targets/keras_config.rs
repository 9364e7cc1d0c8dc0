//! Reads Keras configurations in JSON.

#![no_main]

use gradus::formats::keras;
use gradus_fuzz::{files, memory::LIMIT};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(architecture) = files::read("a.json", bytes, |path| keras::load_config(path, LIMIT)) else { return };
    let summary = architecture.summary();
    assert!(!summary.is_empty());
    architecture.check().expect("an architecture that was read can be recorded");
});
