//! Atomic writing and bounded reading of files, for the library's formats and for those of other crates.
//!
//! ```
//! use gradus::files::{read_whole, write_whole};
//! let path = std::env::temp_dir().join("gradus-doc-files.bin");
//! write_whole(&path, b"weights")?;
//! assert_eq!(read_whole(&path)?, b"weights");
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), gradus::Error>(())
//! ```

mod kind;

pub use kind::unexpected;

pub(crate) use kind::{FileFormat, KINDS, Kind};

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

/// Writes `bytes` to a temporary file in the folder of `path` and renames it to `path`, so that a crash leaves the old file
/// intact.
/// Creates missing folders.
///
/// # Errors
/// [`Error::Io`] when the folder or the file cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| Error::Io { path: path.into(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    written.map_err(|source| {
        let _ = fs::remove_file(&beside); // the write may have left a partial file
        failed(source)
    })
}

/// Reads a whole regular file. Reads at most the length that the file system reports, which bounds the memory.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read or is not a regular file.
pub fn read_whole(path: &Path) -> Result<Vec<u8>> {
    let failed = |source| Error::Io { path: path.into(), source };
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(Error::Format { path: path.into(), problem: "it is not a regular file".into() });
    }
    let mut bytes = Vec::new();
    let length = usize::try_from(about.len()).unwrap_or(usize::MAX);
    bytes.try_reserve_exact(length).map_err(|_| failed(std::io::ErrorKind::OutOfMemory.into()))?;
    file.take(about.len()).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_created_and_no_temporary_file_remains() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.txt");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
        let message = write_whole(&path.join("c.txt"), b"three").unwrap_err().to_string();
        assert!(message.contains("c.txt"), "{message}");
    }

    /// The temporary file is a link to a device without space.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_leaves_the_old_file_intact() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_whole(&path, b"one").unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join(format!("a.txt.{}.part", std::process::id())))
            .unwrap();
        match write_whole(&path, b"two").unwrap_err() {
            Error::Io { path: failed, source } => {
                assert_eq!((failed, source.kind()), (path.clone(), std::io::ErrorKind::StorageFull));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!((fs::read(&path).unwrap(), fs::read_dir(folder.path()).unwrap().count()), (b"one".to_vec(), 1));
    }
}
