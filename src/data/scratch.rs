//! A temporary folder for the files of a test.

use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

pub(super) struct Scratch(TempDir);

impl Scratch {
    pub(super) fn new() -> Scratch {
        Scratch(tempdir().unwrap())
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and returns its path.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

/// The content as one gzip member.
pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
