//! Files that are written whole or not at all, for the library's formats and for those of other crates.
//!
//! ```
//! use gradus::files::{read_whole, write_whole};
//! let path = std::env::temp_dir().join("gradus-doc-files.bin");
//! write_whole(&path, b"weights")?;
//! assert_eq!(read_whole(&path)?, b"weights");
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), gradus::Error>(())
//! ```

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

/// Writes `bytes` beside `path` and renames the new file to `path`, so that a crash leaves the old file whole. Creates
/// missing folders.
///
/// # Errors
/// The system refuses to make the folder or to write the file.
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
        let _ = fs::remove_file(&beside); // what failed may have left half a file
        failed(source)
    })
}

/// Reads a whole file. Takes no more memory than the file's length; a device or a pipe, which has none, is an error.
///
/// # Errors
/// The system refuses to read the file, or it is none.
pub fn read_whole(path: &Path) -> Result<Vec<u8>> {
    let failed = |source| Error::Io { path: path.into(), source };
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(Error::Format { path: path.into(), problem: "it is not a file".into() });
    }
    let mut bytes = Vec::new();
    file.take(about.len()).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_and_nothing_is_left_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.txt");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
        let message = write_whole(&path.join("c.txt"), b"three").unwrap_err().to_string();
        assert!(message.contains("c.txt"), "{message}");
    }

    /// What is written beside the place goes to a device that has no room.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_leaves_the_old_file_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_whole(&path, b"one").unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join(format!("a.txt.{}.part", std::process::id())))
            .unwrap();
        match write_whole(&path, b"two").unwrap_err() {
            Error::Io { path: told, source } => {
                assert_eq!((told, source.kind()), (path.clone(), std::io::ErrorKind::StorageFull));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!((fs::read(&path).unwrap(), fs::read_dir(folder.path()).unwrap().count()), (b"one".to_vec(), 1));
    }
}
