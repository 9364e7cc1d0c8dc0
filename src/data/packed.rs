//! Incremental reading of files that may be gzipped, which is decided by their contents, not by their names.

use crate::error::{Error, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// A file being read, which is decompressed if it begins with a gzip header.
pub(super) struct PackedFile<'a> {
    path: &'a Path,
    gzipped: bool,
    /// The length of the file in bytes, or 0 if it is unknown.
    length: u64,
    reader: Box<dyn Read>,
}

impl<'a> PackedFile<'a> {
    pub(super) fn open(path: &'a Path) -> Result<PackedFile<'a>> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => {
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
                Error::Missing { name, tried: vec![path.into()] }
            }
            _ => Error::Io { path: path.into(), source },
        };
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut file = BufReader::new(file);
        let mut start = Vec::with_capacity(2);
        file.by_ref().take(2).read_to_end(&mut start).map_err(failed)?;
        let gzipped = start == [0x1f, 0x8b];
        let whole = io::Cursor::new(start).chain(file);
        let reader: Box<dyn Read> = if gzipped { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        Ok(PackedFile { path, gzipped, length, reader })
    }

    /// Appends the next `most` bytes, or fewer at the end of the file. Memory grows with the bytes that are read.
    pub(super) fn read(&mut self, most: usize, bytes: &mut Vec<u8>) -> Result<()> {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let read = self.reader.by_ref().take(most as u64).read_to_end(bytes);
        read.map(drop).map_err(|source| match source.kind() {
            UnexpectedEof | InvalidInput | InvalidData if self.gzipped => {
                self.format(format!("corrupt gzip ({source}); get the file again"))
            }
            _ => Error::Io { path: self.path.into(), source },
        })
    }

    /// The maximum number of bytes of the contents: deflate expands data at most 1032 times.
    pub(super) fn max_contents(&self) -> usize {
        let factor = if self.gzipped { 1032 } else { 1 };
        usize::try_from(self.length.saturating_mul(factor)).unwrap_or(usize::MAX)
    }

    /// Whether the name ends in `.gz` but the content is not gzip.
    pub(super) fn is_misnamed(&self) -> bool {
        !self.gzipped && self.path.extension().is_some_and(|extension| extension == "gz")
    }

    /// The error about invalid contents.
    pub(super) fn format(&self, problem: String) -> Error {
        Error::Format { path: self.path.into(), problem }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scratch::{Scratch, gzip};
    use super::*;

    /// The whole content, or the error message without the path.
    fn unpack(content: &[u8]) -> std::result::Result<Vec<u8>, String> {
        let folder = Scratch::new();
        let path = folder.write("file.gz", content);
        let mut bytes = Vec::new();
        match PackedFile::open(&path).unwrap().read(1 << 20, &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(Error::Format { problem, .. }) => Err(problem),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn gzip_is_detected_by_content() {
        assert_eq!(unpack(b"plain").unwrap(), b"plain");
        assert_eq!(unpack(&gzip(b"packed")).unwrap(), b"packed");
        assert_eq!(unpack(&[gzip(b"two "), gzip(b"members")].concat()).unwrap(), b"two members");
        assert_eq!(unpack(b"").unwrap(), b"");
        assert_eq!(unpack(&[0x1f]).unwrap(), [0x1f]);
    }

    #[test]
    fn corrupt_streams_are_rejected() {
        let content: Vec<u8> = (0..4000u32).map(|index| ((index * index) >> 3) as u8).collect();
        let whole = gzip(&content);
        let changed = |place: usize| {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x55;
            unpack(&bytes).unwrap_err()
        };
        assert!(changed(2).starts_with("corrupt gzip (invalid gzip header);"));
        assert!(changed(whole.len() - 6).contains("checksum);"), "{}", changed(whole.len() - 6));
        (10..whole.len()).step_by(97).for_each(|place| drop(changed(place)));
        for length in [2, 9, 12, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
            let problem = unpack(&whole[..length]).unwrap_err();
            assert!(problem.starts_with("corrupt gzip (") && problem.ends_with("; get the file again"), "{problem}");
        }
        let problem = unpack(&[&whole[..], b"trailing bytes"].concat()).unwrap_err();
        assert!(problem.starts_with("corrupt gzip ("), "{problem}");
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        let folder = Scratch::new();
        let path = folder.path().join("train-images-idx3-ubyte.gz");
        let Err(error) = PackedFile::open(&path) else { panic!("found") };
        let text = format!("train-images-idx3-ubyte.gz was not found; tried {}", path.display());
        assert_eq!(error.to_string(), text);
        let Err(Error::Io { path, .. }) = PackedFile::open(folder.path()) else { panic!("a folder was read") };
        assert_eq!(path, folder.path());
    }
}
