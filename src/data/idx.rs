//! The IDX file format of MNIST and its relatives: bytes with up to six axes, gzipped or plain.
//!
//! A file begins with two zero bytes, the elements' type and the number of axes, then has the size of each axis as a
//! big-endian 32-bit number, then the elements, row-major
//! ([LeCun and Cortes](http://yann.lecun.com/exdb/mnist/)). Files come from anywhere, so nothing in them is believed:
//! memory grows with the data that really arrives, up to a stated limit.

use crate::error::{Error, Result};
use crate::shape::MAX_RANK;
use flate2::bufread::MultiGzDecoder;
use ndarray::{Array1, Array3, ArrayD, Ix1, Ix3, IxDyn};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// The most elements, in bytes, that a file may hold: 2 GiB.
pub const MAX_BYTES: usize = 1 << 31;

/// What is reserved before the elements arrive, at most; MNIST's images fit.
const FIRST_RESERVE: usize = 1 << 26;

const IMAGES: u32 = 0x0803;
const LABELS: u32 = 0x0801;

/// Reads an IDX file of unsigned bytes with any number of axes from 1 to 6. Whether it is gzipped is seen from its
/// content, not its name.
///
/// # Errors
/// [`Error::Missing`] when there is no such file, [`Error::Io`] when it cannot be read, [`Error::Format`] when it is not
/// an IDX file of bytes, ends too early, goes on for too long, claims more than [`MAX_BYTES`], or its gzip stream is
/// corrupt.
pub fn read(path: impl AsRef<Path>) -> Result<ArrayD<u8>> {
    Source::open(path.as_ref())?.array(None)
}

/// Reads an IDX file of images: count × height × width.
///
/// # Errors
/// As [`read`], and [`Error::Format`] when the file has not three axes.
pub fn read_images(path: impl AsRef<Path>) -> Result<Array3<u8>> {
    let array = Source::open(path.as_ref())?.array(Some(IMAGES))?;
    array.into_dimensionality::<Ix3>().map_err(Error::other)
}

/// Reads an IDX file of labels, one for each image.
///
/// # Errors
/// As [`read`], and [`Error::Format`] when the file has not one axis.
pub fn read_labels(path: impl AsRef<Path>) -> Result<Array1<u8>> {
    let array = Source::open(path.as_ref())?.array(Some(LABELS))?;
    array.into_dimensionality::<Ix1>().map_err(Error::other)
}

/// A file that is being read, unpacked where it is gzipped.
struct Source<'a> {
    path: &'a Path,
    gzipped: bool,
    reader: Box<dyn Read>,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path) -> Result<Source<'a>> {
        let file = File::open(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => {
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
                Error::Missing { name, tried: vec![path.into()] }
            }
            _ => Error::Io { path: path.into(), source },
        })?;
        let mut file = BufReader::new(file);
        let mut start = Vec::with_capacity(2);
        let read = file.by_ref().take(2).read_to_end(&mut start);
        read.map_err(|source| Error::Io { path: path.into(), source })?;
        let gzipped = start == [0x1f, 0x8b];
        let whole = io::Cursor::new(start).chain(file);
        let reader: Box<dyn Read> = if gzipped { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        Ok(Source { path, gzipped, reader })
    }

    /// Reads header and elements; `expected` is the magic number where only one will do.
    fn array(mut self, expected: Option<u32>) -> Result<ArrayD<u8>> {
        let [zero, zero_too, element, axes] = self.header(0, 4)?[..] else {
            return Err(self.format("no header".into()));
        };
        self.check_magic([zero, zero_too, element, axes], expected)?;
        let sizes = self.header(4, 4 * usize::from(axes))?;
        let sizes: Vec<usize> = sizes
            .chunks_exact(4)
            .map(|size| size.iter().fold(0, |number, &byte| number << 8 | usize::from(byte)))
            .collect();
        let text: Vec<String> = sizes.iter().map(usize::to_string).collect();
        let text = text.join(" × ");
        // An empty axis does not excuse the others.
        let product = sizes.iter().try_fold(1, |product: usize, &size| product.checked_mul(size.max(1)));
        if product.is_none_or(|product| product > MAX_BYTES) {
            return Err(self.format(format!("its header claims {text} bytes, expected at most {MAX_BYTES}")));
        }
        let claimed: usize = sizes.iter().product();
        let mut elements = Vec::with_capacity(claimed.min(FIRST_RESERVE));
        self.read(claimed, &mut elements)?;
        if elements.len() < claimed {
            let found = elements.len();
            return Err(
                self.format(format!("its header claims {text} = {claimed} bytes, found only {found}; it is truncated"))
            );
        }
        let mut more = Vec::new();
        self.read(1, &mut more)?; // also what makes gzip check its sum
        if !more.is_empty() {
            return Err(self.format(format!(
                "its header claims {text} = {claimed} bytes, found more; the header or the file is wrong"
            )));
        }
        ArrayD::from_shape_vec(IxDyn(&sizes), elements).map_err(Error::other)
    }

    /// The next `length` bytes, which belong to the header.
    fn header(&mut self, before: usize, length: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read(length, &mut bytes)?;
        if bytes.len() == length {
            return Ok(bytes);
        }
        let (found, expected) = (before + bytes.len(), before + length);
        Err(self.format(format!("found {found} bytes, expected a header of at least {expected}; it is truncated")))
    }

    fn check_magic(&self, magic: [u8; 4], expected: Option<u32>) -> Result<()> {
        let number = u32::from_be_bytes(magic);
        let kind = |number| if number == IMAGES { "images" } else { "labels" };
        let problem = match (magic, expected) {
            ([0, 0, 8, axes], None) if (1..=MAX_RANK).contains(&usize::from(axes)) => return Ok(()),
            (_, Some(expected)) if number == expected => return Ok(()),
            ([0, 0, 8, 1 | 3], Some(expected)) => {
                let other = if number == LABELS { "label" } else { "image" };
                format!(
                    "magic number {number:#010x}, expected {expected:#010x} ({}); is this the {other} file?",
                    kind(expected)
                )
            }
            ([0, 0, 8, _], Some(expected)) => {
                format!("magic number {number:#010x}, expected {expected:#010x} ({})", kind(expected))
            }
            ([0, 0, 8, axes], None) => format!("{axes} axes, expected 1 to {MAX_RANK}"),
            ([0, 0, element @ (0x09 | 0x0b..=0x0e), _], _) => {
                let name = match element {
                    0x09 => "signed bytes",
                    0x0b => "16-bit integers",
                    0x0c => "32-bit integers",
                    0x0d => "32-bit floats",
                    _ => "64-bit floats",
                };
                format!("elements of type {element:#04x} ({name}), expected 0x08 (unsigned bytes)")
            }
            _ => {
                let named = self.path.extension().is_some_and(|extension| extension == "gz") && !self.gzipped;
                let remedy = if named {
                    "its name says gzip, but it is neither gzip nor IDX: was a web page saved instead?"
                } else {
                    "it is not an IDX file"
                };
                format!("magic number {number:#010x}, expected 0x000008 and the number of axes; {remedy}")
            }
        };
        Err(self.format(problem))
    }

    /// Appends up to `most` bytes, fewer where the file ends.
    fn read(&mut self, most: usize, bytes: &mut Vec<u8>) -> Result<()> {
        let before = bytes.len();
        let read = self.reader.by_ref().take(most as u64).read_to_end(bytes);
        read.map(drop).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if self.gzipped => {
                let found = bytes.len() - before;
                self.format(format!(
                    "corrupt gzip ({source}), found {found} of the next {most} bytes; get the file again"
                ))
            }
            _ => Error::Io { path: self.path.into(), source },
        })
    }

    fn format(&self, problem: String) -> Error {
        Error::Format { path: self.path.into(), problem }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scratch::{Scratch, gzip};
    use super::*;
    use ndarray::array;

    /// An IDX file with this magic number, these sizes and elements.
    fn idx(magic: u32, sizes: &[u32], elements: &[u8]) -> Vec<u8> {
        let mut bytes = magic.to_be_bytes().to_vec();
        sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
        bytes.extend(elements);
        bytes
    }

    /// What reading the content as images says, after the path.
    fn problem(name: &str, content: &[u8]) -> String {
        let folder = Scratch::new();
        let path = folder.write(name, content);
        let error = read_images(&path).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        error.to_string().strip_prefix(&format!("{}: ", path.display())).unwrap().to_string()
    }

    #[test]
    fn gzip_is_seen_from_the_content() {
        let folder = Scratch::new();
        let content = idx(IMAGES, &[2, 1, 2], &[1, 2, 3, 4]);
        let expected = array![[[1, 2]], [[3, 4]]];
        for (name, content) in
            [("a", content.clone()), ("b.gz", gzip(&content)), ("c", gzip(&content)), ("d.gz", content)]
        {
            assert_eq!(read_images(folder.write(name, &content)).unwrap(), expected, "{name}");
        }
        let labels = folder.write("labels", &idx(LABELS, &[3], &[7, 8, 9]));
        assert_eq!(read_labels(&labels).unwrap(), array![7, 8, 9]);
        assert_eq!(read(&labels).unwrap(), array![7, 8, 9].into_dyn());
        let six = folder.write("six", &idx(0x0806, &[1, 2, 1, 1, 1, 1], &[7, 8]));
        assert_eq!(read(six).unwrap().shape(), [1, 2, 1, 1, 1, 1]);
        let none = folder.write("none", &idx(IMAGES, &[0, 28, 28], &[]));
        assert_eq!(read(none).unwrap().shape(), [0, 28, 28]);
    }

    #[test]
    fn a_gzip_file_may_have_several_members() {
        let content = idx(LABELS, &[3], &[7, 8, 9]);
        let members = [gzip(&content[..5]), gzip(&content[5..])].concat();
        let folder = Scratch::new();
        assert_eq!(read_labels(folder.write("labels.gz", &members)).unwrap(), array![7, 8, 9]);
    }

    #[test]
    fn swapped_files_are_told_apart() {
        let text = "magic number 0x00000801, expected 0x00000803 (images); is this the label file?";
        assert_eq!(problem("train-images-idx3-ubyte.gz", &gzip(&idx(LABELS, &[1], &[1]))), text);
        let folder = Scratch::new();
        let error = read_labels(folder.write("labels", &idx(IMAGES, &[1, 1, 1], &[1]))).unwrap_err();
        let text = "magic number 0x00000803, expected 0x00000801 (labels); is this the image file?";
        assert!(error.to_string().ends_with(text), "{error}");
        let text = "magic number 0x00000802, expected 0x00000803 (images)";
        assert_eq!(problem("images", &idx(0x0802, &[1, 1], &[1])), text);
    }

    #[test]
    fn truncated_files_say_what_is_missing() {
        let content = idx(IMAGES, &[10, 2, 2], &[0; 39]);
        let text = "its header claims 10 × 2 × 2 = 40 bytes, found only 39; it is truncated";
        assert_eq!(problem("images", &content), text);
        assert_eq!(problem("images.gz", &gzip(&content)), text);
        assert_eq!(
            problem("images", &content[..10]),
            "found 10 bytes, expected a header of at least 16; it is truncated"
        );
        assert_eq!(problem("images", &[]), "found 0 bytes, expected a header of at least 4; it is truncated");
        assert_eq!(problem("images", &[0]), "found 1 bytes, expected a header of at least 4; it is truncated");
        let cut = gzip(&idx(IMAGES, &[10, 2, 2], &[0; 40]));
        let text = problem("images.gz", &cut[..cut.len() - 9]);
        assert!(text.starts_with("corrupt gzip (") && text.ends_with("; get the file again"), "{text}");
    }

    #[test]
    fn a_header_that_lies_is_refused() {
        let text = "its header claims 1 × 2 × 2 = 4 bytes, found more; the header or the file is wrong";
        assert_eq!(problem("images", &idx(IMAGES, &[1, 2, 2], &[0; 5])), text);
        assert_eq!(problem("images.gz", &gzip(&idx(IMAGES, &[1, 2, 2], &[0; 5]))), text);
        let text = "its header claims 4294967295 × 4294967295 × 4294967295 bytes, expected at most 2147483648";
        assert_eq!(problem("images", &idx(IMAGES, &[u32::MAX; 3], &[0; 5])), text);
        assert!(problem("images", &idx(IMAGES, &[0, u32::MAX, u32::MAX], &[])).contains("expected at most"));
        let text = "its header claims 1024 × 1024 × 2048 = 2147483648 bytes, found only 5; it is truncated";
        assert_eq!(problem("images", &idx(IMAGES, &[1024, 1024, 2048], &[0; 5])), text);
    }

    #[test]
    fn what_is_not_idx_is_named() {
        let text = "magic number 0x3c21444f, expected 0x000008 and the number of axes; its name says gzip, but it is neither gzip nor IDX: was a web page saved instead?";
        assert_eq!(problem("images.gz", b"<!DOCTYPE html>"), text);
        let text = "magic number 0x3c21444f, expected 0x000008 and the number of axes; it is not an IDX file";
        assert_eq!(problem("images", b"<!DOCTYPE html>"), text);
        assert_eq!(problem("images.gz", &gzip(b"<!DOCTYPE html>")), text);
        let text = "elements of type 0x0d (32-bit floats), expected 0x08 (unsigned bytes)";
        assert_eq!(problem("images", &idx(0x0d03, &[1, 1, 1], &[0; 4])), text);
        let folder = Scratch::new();
        for axes in [0, 7] {
            let error = read(folder.write("axes", &idx(0x0800 + axes, &[1; 7], &[0]))).unwrap_err();
            assert!(error.to_string().ends_with(&format!(": {axes} axes, expected 1 to 6")), "{error}");
        }
    }

    #[test]
    fn a_corrupt_gzip_stream_is_refused() {
        let elements: Vec<u8> = (0..4000u32).map(|index| (index * index >> 3) as u8).collect();
        let whole = gzip(&idx(IMAGES, &[1000, 2, 2], &elements));
        // A changed header, a changed check sum, and something behind the end.
        for (place, reason) in [(2, "gzip header"), (whole.len() - 6, "checksum")] {
            let mut content = whole.clone();
            content[place] ^= 0x55;
            let text = problem("images.gz", &content);
            assert!(text.starts_with("corrupt gzip (") && text.contains(reason), "{text}");
        }
        let text = problem("images.gz", &[&whole[..], b"garbage behind"].concat());
        assert!(text.starts_with("corrupt gzip ("), "{text}");
        for place in (10..whole.len()).step_by(97) {
            let mut content = whole.clone();
            content[place] ^= 0xff;
            problem("images.gz", &content);
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        let folder = Scratch::new();
        let path = folder.path().join("train-images-idx3-ubyte.gz");
        let error = read(&path).unwrap_err();
        let text = format!("train-images-idx3-ubyte.gz was not found; tried {}", path.display());
        assert_eq!(error.to_string(), text);
        assert!(matches!(read(folder.path()), Err(Error::Io { .. })));
    }
}
