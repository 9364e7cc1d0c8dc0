//! Arrays of HDF5 files as h5py stores them. `make_hdf5.py` wrote the files.

use gradus::formats::{MemoryLimit, keras};
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name)
}

/// The value of element `number`.
fn expected(name: &str, number: usize) -> f32 {
    match name {
        "plain/partly" if number >= 16 => 1.5,
        "floats/big_endian_i4" => (number as f32 / 2.0 - 3.0).trunc(),
        _ => number as f32 / 2.0 - 3.0,
    }
}

#[test]
fn chunks_filters_and_other_byte_orders_are_read() {
    for (file, many) in [("chunks.h5", 200), ("chunks_latest.h5", 2052)] {
        let found = keras::read_arrays(path(file), MemoryLimit::default()).unwrap();
        let names: Vec<&str> = found.params.ids().map(|id| found.params.name(id)).collect();
        assert_eq!(names.len(), 17, "{file}: {names:?}");
        for id in found.params.ids() {
            let (name, values) = (found.params.name(id), found.params.values(id));
            let length = if name.ends_with("/many") { many } else { values.len() };
            assert_eq!(values.len(), length, "{file}: {name}");
            for (number, value) in values.iter().enumerate() {
                assert_eq!(*value, expected(name, number), "{file}: {name}, element {number}");
            }
        }
        let [(name, problem)] = &found.skipped[..] else { panic!("{:?}", found.skipped) };
        assert_eq!(name, "filtered/lzf");
        assert_eq!(problem, "it is compressed with LZF, which is not supported; copy it with h5repack -f GZIP=1");
    }
}

#[test]
fn the_memory_limit_covers_chunks() {
    let small = MemoryLimit::bytes(20_000);
    let error = keras::read_arrays(path("chunks_latest.h5"), small).unwrap_err().to_string();
    assert!(error.contains("more memory than the limit of 20000 bytes"), "{error}");
}
