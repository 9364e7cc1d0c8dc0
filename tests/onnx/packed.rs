//! Files of tests that the scripts in this folder pack into one file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The files of each test by name.
pub(crate) type Tests = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// Reads a packed file of this folder.
pub(crate) fn packed(file: &str) -> Tests {
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx").join(file)).unwrap();
    let (mut rest, mut tests) = (&bytes[..], Tests::new());
    let mut take = |length: usize| {
        let (taken, left) = rest.split_at_checked(length)?;
        rest = left;
        Some(taken)
    };
    while let Some(lengths) = take(8) {
        let [name, content] = [0, 4].map(|at| u32::from_le_bytes(lengths[at..at + 4].try_into().unwrap()) as usize);
        let name = str::from_utf8(take(name).unwrap()).unwrap();
        let (test, file) = name.split_once('/').unwrap();
        tests.entry(test.to_owned()).or_default().insert(file.to_owned(), take(content).unwrap().to_vec());
    }
    tests
}
