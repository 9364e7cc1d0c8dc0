//! The IDX file format of MNIST: bytes with up to six axes, gzipped or plain.
//!
//! A file has two zero bytes, the type of the elements, the number of axes, then the size of each axis as a
//! big-endian 32-bit number, then the elements, row-major
//! ([LeCun and Cortes](http://yann.lecun.com/exdb/mnist/)). Headers are not trusted: memory grows
//! with the data that is read, up to a limit.

use super::packed::PackedFile;
use crate::error::{Error, Result};
use crate::shape::MAX_RANK;
use ndarray::{Array1, Array3, ArrayD, Ix1, Ix3, IxDyn};
use std::path::Path;

/// Maximum size of the elements of a file: 2 GiB.
pub const MAX_BYTES: usize = 1 << 31;

/// Maximum number of bytes reserved before the elements are read, enough for the images of MNIST. Less is reserved for a file
/// that is too short to contain them.
const FIRST_RESERVE: usize = 1 << 26;

const IMAGES: u32 = 0x0803;
const LABELS: u32 = 0x0801;

/// Reads an IDX file of unsigned bytes with 1 to 6 axes. Gzip is detected by content, not by name.
///
/// ```
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("file.idx");
/// std::fs::write(&path, [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9]).unwrap();
/// assert_eq!(gradus::data::idx::read(&path)?, ndarray::arr2(&[[7, 9]]).into_dyn());
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// [`Error::Missing`] when the file does not exist, [`Error::Io`] when it cannot be read, [`Error::Format`] when it is not an
/// IDX file of bytes, is too short or too long, claims more than [`MAX_BYTES`], or its gzip stream is corrupt.
pub fn read(path: impl AsRef<Path>) -> Result<ArrayD<u8>> {
    read_file(path.as_ref(), None)
}

/// Reads an IDX file of images: count × height × width.
///
/// ```
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("file.idx");
/// std::fs::write(&path, [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9]).unwrap();
/// assert_eq!(gradus::data::idx::read_images(&path)?, ndarray::arr3(&[[[7, 9]]]));
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// The errors of [`read`], and [`Error::Format`] when the file does not have three axes.
pub fn read_images(path: impl AsRef<Path>) -> Result<Array3<u8>> {
    let array = read_file(path.as_ref(), Some(IMAGES))?;
    array.into_dimensionality::<Ix3>().map_err(Error::other)
}

/// Reads an IDX file of labels, one for each image.
///
/// ```
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("file.idx");
/// std::fs::write(&path, [0, 0, 8, 1, 0, 0, 0, 2, 7, 9]).unwrap();
/// assert_eq!(gradus::data::idx::read_labels(&path)?, ndarray::arr1(&[7, 9]));
/// # Ok::<(), gradus::Error>(())
/// ```
///
/// # Errors
/// The errors of [`read`], and [`Error::Format`] when the file does not have one axis.
pub fn read_labels(path: impl AsRef<Path>) -> Result<Array1<u8>> {
    let array = read_file(path.as_ref(), Some(LABELS))?;
    array.into_dimensionality::<Ix1>().map_err(Error::other)
}

/// Reads header and elements. `expected` is the required magic number, if any.
fn read_file(path: &Path, expected: Option<u32>) -> Result<ArrayD<u8>> {
    let mut file = PackedFile::open(path)?;
    let mut header = Vec::new();
    read_header(&mut file, 4, &mut header)?;
    let magic = header.iter().fold(0, |number, &byte| number << 8 | u32::from(byte));
    if let Some(problem) = magic_problem(magic, expected, file.is_misnamed()) {
        return Err(file.format(problem));
    }
    let axes = (magic & 0xff) as usize;
    read_header(&mut file, 4 + 4 * axes, &mut header)?;
    let size = |bytes: &[u8]| bytes.iter().fold(0, |number, &byte| number << 8 | usize::from(byte));
    let sizes: Vec<usize> = header[4..].chunks_exact(4).map(size).collect();
    let text = sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    // Check the other axes even if one is empty.
    let product = sizes.iter().try_fold(1, |product: usize, &size| product.checked_mul(size.max(1)));
    if product.is_none_or(|product| product > MAX_BYTES) {
        return Err(file.format(format!("the size in its header is {text}, expected at most {MAX_BYTES}")));
    }
    let claimed: usize = sizes.iter().product();
    let mut elements = Vec::with_capacity(claimed.min(FIRST_RESERVE).min(file.max_contents()));
    file.read(claimed, &mut elements)?;
    let equation = if sizes.len() == 1 { text.clone() } else { format!("{text} = {claimed}") };
    let claim = format!("the size in its header is {equation}");
    if elements.len() < claimed {
        return Err(file.format(format!("{claim}, found {} of the elements; it is truncated", elements.len())));
    }
    file.read(1, &mut header)?; // reaching the end also makes gzip check its sum
    if header.len() > 4 + 4 * axes {
        return Err(file.format(format!("{claim}, found more elements; the header or the file is wrong")));
    }
    ArrayD::from_shape_vec(IxDyn(&sizes), elements).map_err(Error::other)
}

/// Reads until `header` has `length` bytes.
fn read_header(file: &mut PackedFile<'_>, length: usize, header: &mut Vec<u8>) -> Result<()> {
    file.read(length - header.len(), header)?;
    if header.len() == length {
        return Ok(());
    }
    let found = header.len();
    Err(file.format(format!("its header has length {found}, expected at least {length}; it is truncated")))
}

/// The problem with a magic number, if any.
fn magic_problem(magic: u32, expected: Option<u32>, misnamed: bool) -> Option<String> {
    let [zero, zero_too, element, axes] = magic.to_be_bytes();
    let fits = match expected {
        Some(expected) => magic == expected,
        None => magic >> 8 == 8 && (1..=MAX_RANK).contains(&usize::from(axes)),
    };
    if fits {
        return None;
    }
    let wanted = match expected {
        Some(IMAGES) => format!("{IMAGES:#010x} (images)"),
        Some(labels) => format!("{labels:#010x} (labels)"),
        None => format!("0x00000801 to {:#010x} (bytes with 1 to {MAX_RANK} axes)", 0x0800 + MAX_RANK),
    };
    let remedy = match ([zero, zero_too, element], magic) {
        (_, LABELS) => "; is this the label file?",
        (_, IMAGES) => "; is this the image file?",
        ([0, 0, 0x08], _) => "",
        ([0, 0, 0x09], _) => "; its elements are signed bytes",
        ([0, 0, 0x0b], _) => "; its elements are 16-bit integers",
        ([0, 0, 0x0c], _) => "; its elements are 32-bit integers",
        ([0, 0, 0x0d], _) => "; its elements are 32-bit floats",
        ([0, 0, 0x0e], _) => "; its elements are 64-bit floats",
        _ if misnamed => "; its name ends in .gz, but it is neither gzip nor IDX; it may be a saved web page",
        _ => "; it is not an IDX file",
    };
    Some(format!("magic number {magic:#010x}, expected {wanted}{remedy}"))
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

    /// The error message of reading the content as images, without the path.
    fn problem(name: &str, content: &[u8]) -> String {
        let folder = Scratch::new();
        let path = folder.write(name, content);
        let error = read_images(&path).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        error.to_string().strip_prefix(&format!("{}: ", path.display())).unwrap().to_string()
    }

    #[test]
    fn gzip_is_detected_by_content() {
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
    fn swapped_files_are_detected() {
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
    fn truncated_files_are_reported() {
        let content = idx(IMAGES, &[10, 2, 2], &[0; 39]);
        let text = "the size in its header is 10 × 2 × 2 = 40, found 39 of the elements; it is truncated";
        assert_eq!(problem("images", &content), text);
        assert_eq!(problem("images.gz", &gzip(&content)), text);
        assert_eq!(
            problem("images", &content[..10]),
            "its header has length 10, expected at least 16; it is truncated"
        );
        assert_eq!(problem("images", &[]), "its header has length 0, expected at least 4; it is truncated");
        assert_eq!(problem("images", &[0]), "its header has length 1, expected at least 4; it is truncated");
        let packed = gzip(&idx(IMAGES, &[10, 2, 2], &[0; 40]));
        let text = problem("images.gz", &packed[..packed.len() - 9]);
        assert!(text.starts_with("corrupt gzip (") && text.ends_with("; get the file again"), "{text}");
        // The elements are complete, but the checksum after them is not.
        let text = problem("images.gz", &packed[..packed.len() - 1]);
        assert!(text.starts_with("corrupt gzip ("), "{text}");
    }

    #[test]
    fn incorrect_headers_are_rejected() {
        let text = "the size in its header is 1 × 2 × 2 = 4, found more elements; the header or the file is wrong";
        assert_eq!(problem("images", &idx(IMAGES, &[1, 2, 2], &[0; 5])), text);
        assert_eq!(problem("images.gz", &gzip(&idx(IMAGES, &[1, 2, 2], &[0; 5]))), text);
        let text = "the size in its header is 4294967295 × 4294967295 × 4294967295, expected at most 2147483648";
        assert_eq!(problem("images", &idx(IMAGES, &[u32::MAX; 3], &[0; 5])), text);
        assert!(problem("images", &idx(IMAGES, &[0, u32::MAX, u32::MAX], &[])).contains("expected at most"));
        let text =
            "the size in its header is 1024 × 1024 × 2048 = 2147483648, found 5 of the elements; it is truncated";
        assert_eq!(problem("images", &idx(IMAGES, &[1024, 1024, 2048], &[0; 5])), text);
    }

    #[test]
    fn files_that_are_not_idx_are_rejected() {
        let text = "magic number 0x3c21444f, expected 0x00000803 (images); it is not an IDX file";
        assert_eq!(problem("images", b"<!DOCTYPE html>"), text);
        assert_eq!(problem("images.gz", &gzip(b"<!DOCTYPE html>")), text);
        let text = "magic number 0x3c21444f, expected 0x00000803 (images); its name ends in .gz, but it is neither gzip nor IDX; it may be a saved web page";
        assert_eq!(problem("images.gz", b"<!DOCTYPE html>"), text);
        for (element, name) in [
            (0x09, "signed bytes"),
            (0x0b, "16-bit integers"),
            (0x0c, "32-bit integers"),
            (0x0d, "32-bit floats"),
            (0x0e, "64-bit floats"),
        ] {
            let text =
                format!("magic number 0x0000{element:02x}03, expected 0x00000803 (images); its elements are {name}");
            assert_eq!(problem("images", &idx(element << 8 | 3, &[1, 1, 1], &[0; 8])), text);
        }
        let folder = Scratch::new();
        for axes in [0, 7] {
            let error = read(folder.write("axes", &idx(0x0800 + axes, &[1; 7], &[0]))).unwrap_err();
            let text =
                format!("magic number 0x0000080{axes}, expected 0x00000801 to 0x00000806 (bytes with 1 to 6 axes)");
            assert!(error.to_string().ends_with(&text), "{error}");
        }
    }
}
