//! Reads IDX files, plain and compressed with gzip.

#![no_main]

use gradus::data::idx;
use gradus_fuzz::files;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let all = files::read("a.idx", bytes, |path| idx::read(path));
    let images = files::read("a.idx", bytes, |path| idx::read_images(path));
    let labels = files::read("a.idx", bytes, |path| idx::read_labels(path));
    assert_eq!(images.is_some(), all.as_ref().is_some_and(|array| array.ndim() == 3));
    assert_eq!(labels.is_some(), all.as_ref().is_some_and(|array| array.ndim() == 1));
});
