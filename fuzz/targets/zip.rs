//! Reads archives as npz and as Keras files, as they are and with corrected checksums.

#![no_main]

use gradus::formats::{keras, npz};
use gradus_fuzz::{archive, files, memory::LIMIT};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    files::read("a.npz", bytes, |path| npz::read_with(path, LIMIT));
    let mut corrected = bytes.to_vec();
    archive::correct_zip(&mut corrected);
    files::read("a.npz", &corrected, |path| npz::read_with(path, LIMIT));
    files::read("a.keras", &corrected, |path| keras::load_with(path, LIMIT));
    files::read("a.keras", &corrected, |path| keras::read_arrays(path, LIMIT));
});
