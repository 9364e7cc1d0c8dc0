//! Reads npz files. An input is split into the contents of members, so that the archive is intact.

#![no_main]

use gradus::formats::npz;
use gradus_fuzz::{archive, files, memory::LIMIT};
use libfuzzer_sys::fuzz_target;

/// Separates the members of an input.
const SEPARATOR: &[u8] = b"\n--\n";

fuzz_target!(|bytes: &[u8]| {
    let mut members = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(SEPARATOR.len()).position(|piece| piece == SEPARATOR) {
        members.push(&rest[..at]);
        rest = &rest[at + SEPARATOR.len()..];
    }
    members.push(rest);
    let names = ["x.npy", "y.npy", "dense/kernel.npy", "notes", "x", "", "é.npy"];
    let members: Vec<(&str, &[u8])> = names.into_iter().zip(members).collect();
    let archive = archive::zip(&members);
    let read = files::read("a.npz", &archive, |path| npz::read_with(path, LIMIT));
    let params = files::read("a.npz", &archive, |path| npz::read_params_with(path, LIMIT));
    assert!(params.is_none() || read.is_some());
    if let Some(params) = params {
        let path = files::folder().join("b.npz");
        npz::write_params(&path, &params).expect("arrays that were read can be written");
        let again = npz::read_params_with(&path, LIMIT).expect("arrays that were written can be read");
        assert_eq!(again.sha256(), params.sha256());
    }
});
