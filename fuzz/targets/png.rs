//! Reads PNG pictures with the program `gradus`. The library reads no pictures.

#![no_main]

use gradus::layers::Flatten;
use gradus::{Sequential, cli};
use gradus_fuzz::{files, memory};
use libfuzzer_sys::fuzz_target;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Maximum memory of a picture with the maximum number of pixels, 2²⁴, of 8 bytes each, and a copy.
const MEMORY: usize = 384 << 20;

/// A model that takes pictures of any size with three channels.
fn model() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let path = files::folder().join("model.safetensors");
        let network = Sequential::new([2, 2, 3]).add(Flatten);
        network.architecture(1).and_then(|model| model.save(&path)).expect("the temporary folder is writable");
        path
    })
}

fuzz_target!(|bytes: &[u8]| {
    let path = files::folder().join("a.png");
    std::fs::write(&path, bytes).expect("the temporary folder is writable");
    let arguments = ["predict".into(), model().into(), path.into()].map(|argument: OsString| argument);
    let (_, most) = memory::most(|| cli::run(arguments));
    assert!(most <= MEMORY, "reading took {most} bytes");
});
