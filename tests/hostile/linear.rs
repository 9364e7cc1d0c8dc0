//! Memory of reading Keras' files, in units of their length.

use super::memory::{MOST, NOW};
use super::trial::alone;
use gradus::formats::keras;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// The maximum memory of reading a file, including its bytes, for each byte of the file.
fn memory_per_byte(path: &Path) -> f64 {
    drop(keras::load(path).unwrap()); // fills caches such as the registry
    let before = NOW.load(Ordering::SeqCst);
    MOST.store(before, Ordering::SeqCst);
    drop(keras::load(path).unwrap());
    (MOST.load(Ordering::SeqCst) - before) as f64 / path.metadata().unwrap().len() as f64
}

/// `tests/faults/make_files.py` writes the deep model. `GRADUS_DEEP_FILES` adds a folder of other files.
#[test]
fn the_memory_of_reading_is_linear() {
    let _alone = alone();
    let mut files: Vec<PathBuf> = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/deep.h5")];
    if let Ok(folder) = std::env::var("GRADUS_DEEP_FILES") {
        files.extend(std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    }
    for path in files {
        let found = memory_per_byte(&path);
        println!("{}: {found:.2} bytes per byte", path.display());
        assert!(found < 4.0, "{}: {found} bytes per byte", path.display());
    }
}
