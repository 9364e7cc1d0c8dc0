//! Files that are missing, or do not match their names: each problem is a separate error with the path.

use flate2::{Compression, write::GzEncoder};
use gradus::data::mnist::{self, Mnist};
use gradus::{Error, Result};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use tempfile::{TempDir, tempdir};

const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// A temporary folder with the four files.
struct Folder(TempDir);

impl Folder {
    /// Three training and two test images of 2 × 2 pixels, gzipped.
    fn new() -> Folder {
        let folder = Folder(tempdir().unwrap());
        for (file, rows) in FILES.into_iter().zip([3, 3, 2, 2]) {
            let content = if file.contains("images") { images(rows) } else { labels(rows) };
            folder.write(file, &gzip(&content));
        }
        folder
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(format!("{file}.gz"))
    }

    fn write(&self, file: &str, content: &[u8]) {
        fs::write(self.path(file), content).unwrap();
    }

    fn load(&self) -> Result<Mnist> {
        mnist::load(Some(self.0.path()))
    }

    /// The message of loading after `file` was replaced by this content: a format error that begins with the path.
    fn message(&self, file: &str, content: &[u8]) -> String {
        self.write(file, content);
        let error = self.load().unwrap_err();
        assert!(matches!(&error, Error::Format { path, .. } if *path == self.path(file)), "{error:?}");
        let text = error.to_string();
        text.strip_prefix(&format!("{}: ", self.path(file).display())).unwrap().to_owned()
    }
}

fn idx(magic: u32, sizes: &[u32], elements: &[u8]) -> Vec<u8> {
    let header = std::iter::once(&magic).chain(sizes).flat_map(|number| number.to_be_bytes());
    header.chain(elements.iter().copied()).collect()
}

fn images(rows: u32) -> Vec<u8> {
    idx(0x0803, &[rows, 2, 2], &vec![7; 4 * rows as usize])
}

fn labels(rows: u32) -> Vec<u8> {
    idx(0x0801, &[rows], &vec![1; rows as usize])
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzipped_and_plain_files_are_read() {
    let folder = Folder::new();
    let digits = folder.load().unwrap();
    assert_eq!((digits.train.images.dim(), digits.test.labels.len()), ((3, 2, 2), 2));
    folder.write(FILES[0], &images(3)); // plain content under a name that ends in .gz
    fs::remove_file(folder.path(FILES[1])).unwrap();
    fs::write(folder.0.path().join(FILES[1]), labels(3)).unwrap();
    assert_eq!(folder.load().unwrap().train.images, digits.train.images);
}

#[test]
fn a_missing_file_or_folder_names_every_place_tried() {
    let folder = Folder::new();
    fs::remove_file(folder.path(FILES[3])).unwrap();
    let error = folder.load().unwrap_err();
    let (packed, plain) = (folder.path(FILES[3]), folder.0.path().join(FILES[3]));
    let expected = format!("{} was not found; tried {} and {}", FILES[3], packed.display(), plain.display());
    assert_eq!(error.to_string(), expected);
    assert!(matches!(error, Error::Missing { tried, .. } if tried == [packed, plain]));
    let absent = folder.0.path().join("absent");
    let text = mnist::load(Some(&absent)).unwrap_err().to_string();
    assert!(text.starts_with(&format!("{} was not found; tried {}", FILES[0], absent.display())), "{text}");
}

#[test]
fn swapped_files_are_recognized() {
    let folder = Folder::new();
    let text = "magic number 0x00000801, expected 0x00000803 (images); is this the label file?";
    assert_eq!(folder.message(FILES[0], &gzip(&labels(3))), text);
    folder.write(FILES[0], &gzip(&images(3)));
    let text = "magic number 0x00000803, expected 0x00000801 (labels); is this the image file?";
    assert_eq!(folder.message(FILES[1], &gzip(&images(3))), text);
}

#[test]
fn mixed_images_and_labels_are_detected_by_their_numbers() {
    let folder = Folder::new();
    folder.write(FILES[1], &gzip(&labels(2)));
    let error = folder.load().unwrap_err();
    let text = "images have 3 rows and labels have 2; they need the same number";
    assert_eq!(error.to_string(), text);
    assert!(matches!(error, Error::Rows { first: ("images", 3), second: ("labels", 2) }));
}

#[test]
fn truncated_files_report_their_length() {
    let folder = Folder::new();
    let text = folder.message(FILES[0], &gzip(&images(3)[..20]));
    assert_eq!(text, "the size in its header is 3 × 2 × 2 = 12, found 4 of the elements; it is truncated");
    let text = folder.message(FILES[0], &gzip(&images(3)[..9]));
    assert_eq!(text, "its header has length 9, expected at least 16; it is truncated");
    let text = folder.message(FILES[0], b"");
    assert_eq!(text, "its header has length 0, expected at least 4; it is truncated");
    assert!(folder.message(FILES[0], &[0x1f, 0x8b, 8]).starts_with("corrupt gzip ("));
    let packed = gzip(&images(3));
    let text = folder.message(FILES[0], &packed[..packed.len() - 9]);
    assert!(text.starts_with("corrupt gzip (") && text.ends_with("; get the file again"), "{text}");
}

#[test]
fn incorrect_headers_are_rejected() {
    let folder = Folder::new();
    let text = folder.message(FILES[0], &gzip(&idx(0x0803, &[4, 2, 2], &[7; 12])));
    assert_eq!(text, "the size in its header is 4 × 2 × 2 = 16, found 12 of the elements; it is truncated");
    let text = folder.message(FILES[0], &gzip(&idx(0x0803, &[2, 2, 2], &[7; 12])));
    assert_eq!(text, "the size in its header is 2 × 2 × 2 = 8, found more elements; the header or the file is wrong");
    let text = folder.message(FILES[0], &gzip(&idx(0x0803, &[u32::MAX; 3], &[7; 12])));
    let text_expected = "the size in its header is 4294967295 × 4294967295 × 4294967295, expected at most 2147483648";
    assert_eq!(text, text_expected);
    // Within the limit: no memory is reserved for missing elements.
    let text = folder.message(FILES[0], &gzip(&idx(0x0803, &[1 << 21, 32, 32], &[7; 12])));
    assert_eq!(
        text,
        "the size in its header is 2097152 × 32 × 32 = 2147483648, found 12 of the elements; it is truncated"
    );
}

#[test]
fn files_that_are_not_gzip_or_idx_are_errors() {
    let folder = Folder::new();
    let text = "magic number 0x3c68746d, expected 0x00000803 (images); its name ends in .gz, but it is neither gzip \
                nor IDX; it may be a saved web page";
    assert_eq!(folder.message(FILES[0], b"<html>404 not found</html>"), text);
    let text = folder.message(FILES[0], &gzip(b"<html>404 not found</html>"));
    assert_eq!(text, "magic number 0x3c68746d, expected 0x00000803 (images); it is not an IDX file");
    let mut flipped = gzip(&images(3));
    let last = flipped.len() - 6; // in the checksum
    flipped[last] ^= 1;
    let text = folder.message(FILES[0], &flipped);
    assert!(text.starts_with("corrupt gzip ("), "{text}");
}

#[test]
fn a_folder_in_place_of_a_file_is_an_io_error() {
    let folder = Folder::new();
    fs::remove_file(folder.path(FILES[0])).unwrap();
    fs::create_dir(folder.path(FILES[0])).unwrap();
    let error = folder.load().unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if *path == folder.path(FILES[0])), "{error:?}");
}
