//! Builds a network from bytes, trains it for a step, and writes and reads it in every format.

#![no_main]

use gradus_fuzz::network::Trial;
use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some(trial)) = Trial::arbitrary(&mut Unstructured::new(bytes)) {
        trial.check();
    }
});
