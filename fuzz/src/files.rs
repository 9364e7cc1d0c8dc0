//! Files with the bytes of an input, because the readers of gradus take paths.

use crate::memory::{self, MEMORY};
use gradus::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder of this process for files. `fuzz/run` sets the temporary folder.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("gradus-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        folder
    })
}

/// Calls `read` with a file of this name and these contents, and checks the memory that it uses and the type of its error.
pub fn read<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> Result<T>) -> Option<T> {
    let path = folder().join(name);
    fs::write(&path, bytes).expect("the temporary folder is writable");
    let (result, bytes) = memory::most(|| read(&path));
    assert!(bytes <= MEMORY, "{name}: reading took {bytes} bytes");
    match result {
        Ok(contents) => Some(contents),
        Err(Error::Format { .. } | Error::Unsupported { .. }) => None,
        Err(error) => panic!("{name}: {error:?}, expected an error about the file"),
    }
}
