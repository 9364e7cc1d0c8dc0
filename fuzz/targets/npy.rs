//! Reads npy files.

#![no_main]

use gradus::formats::npy;
use gradus_fuzz::{files, memory::LIMIT};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(array) = files::read("a.npy", bytes, |path| npy::read_with(path, LIMIT)) else { return };
    let floats = array.into_floats();
    let path = files::folder().join("b.npy");
    npy::write(&path, &floats).expect("an array that was read can be written");
    let again = npy::read_with(&path, LIMIT).expect("an array that was written can be read").into_floats();
    assert_eq!(again.shape(), floats.shape());
    let bits = |array: &ndarray::ArrayD<f32>| array.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&again), bits(&floats));
});
