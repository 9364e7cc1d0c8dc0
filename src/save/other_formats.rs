//! Recognition of files of other formats, so that messages can name the functions that read and write them.

use crate::error::{Error, Result};
use crate::files::{FileFormat, KINDS, Kind};
use std::path::Path;

fn formats() -> impl Iterator<Item = &'static FileFormat> {
    KINDS.iter().flat_map(|kind| kind.formats)
}

/// The format of a file name by its longest known ending, case-insensitive.
fn by_name(path: &Path) -> Option<&'static FileFormat> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    formats().filter(|format| name.ends_with(format.ending)).max_by_key(|format| format.ending.len())
}

/// Checks that a file name does not have the ending of another known format than `own`, the ending of the format to write.
/// Every function that writes a format calls it.
///
/// ```
/// use gradus::save::check_ending;
/// use std::path::Path;
/// assert!(check_ending(Path::new("model.onnx"), ".onnx").is_ok() && check_ending(Path::new("model"), ".onnx").is_ok());
/// let message = check_ending(Path::new("model.keras"), ".onnx").unwrap_err().to_string();
/// assert!(message.contains("use formats::keras::save for this ending"));
/// ```
///
/// # Errors
/// [`Error::Format`] that names the function for the ending.
pub fn check_ending(path: &Path, own: &str) -> Result<()> {
    match by_name(path) {
        Some(FileFormat { ending, writer, .. }) if *ending != own => {
            let problem = format!(
                "the contents are of a {own} file, and the name ends in {ending}; use {writer} for this ending, or \
                 another name"
            );
            Err(Error::Format { path: path.into(), problem })
        }
        _ => Ok(()),
    }
}

/// The problem of a file that could not be read as one of the formats with the endings `own`. If the contents, or else the
/// name, are of another known format, it names the function that reads that format; otherwise it is `problem`.
///
/// ```
/// use gradus::save::format_problem;
/// let problem = |bytes| format_problem("model.txt".as_ref(), bytes, &[".txt"], "line 1 is empty".into());
/// assert_eq!(problem(b"PK\x03\x04"), "it is a .keras file, expected .txt; read it with formats::keras::load");
/// assert_eq!(problem(b"\n"), "line 1 is empty");
/// ```
pub fn format_problem(path: &Path, bytes: &[u8], own: &[&str], problem: String) -> String {
    let named = by_name(path);
    let found = match Kind::of(bytes).map(|kind| kind.formats) {
        None | Some([]) => named,
        // Several formats have the same kind of contents. The name tells which of them the file has.
        Some(formats) => {
            formats.iter().find(|format| named.is_some_and(|named| named.ending == format.ending)).or(formats.first())
        }
    };
    let is_own =
        |found: &FileFormat| formats().any(|format| own.contains(&format.ending) && format.reader == found.reader);
    match found {
        Some(found) if !own.contains(&found.ending) && !is_own(found) => {
            let FileFormat { ending, reader, .. } = found;
            format!("it is a {ending} file, expected {}; read it with {reader}", own.join(" or "))
        }
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_formats_are_rejected_with_their_writer() {
        let message = |name: &str| check_ending(Path::new(name), ".safetensors").unwrap_err().to_string();
        let text = "a/Model.KERAS: the contents are of a .safetensors file, and the name ends in .keras; use \
                    formats::keras::save for this ending, or another name";
        assert_eq!(message("a/Model.KERAS"), text);
        assert!(message("x.weights.h5").contains("use formats::keras::save_weights "));
        for (name, writer) in [("x.h5", "keras::save "), ("x.onnx", "onnx::export "), ("x.npz", "npz::write_params ")] {
            assert!(message(name).contains(writer), "{name}");
        }
        for name in ["model", "model.safetensors", "model.keras.safetensors", "keras", "model.again"] {
            check_ending(Path::new(name), ".safetensors").unwrap();
        }
    }

    #[test]
    fn contents_of_other_formats_are_recognized_with_their_reader() {
        let own = [".safetensors"];
        let problem = |name: &str, bytes: &[u8]| format_problem(Path::new(name), bytes, &own, "damaged".into());
        let text = "it is a .keras file, expected .safetensors; read it with formats::keras::load";
        assert_eq!(problem("x.safetensors", b"PK\x03\x04"), text);
        assert!(problem("x.npz", b"PK\x03\x04").ends_with("; read it with formats::npz::read_params"));
        assert!(problem("x", b"\x89HDF\r\n\x1a\n").starts_with("it is a .h5 file, "));
        assert!(problem("x.onnx", b"\x08\x07").ends_with("; read it with formats::onnx::import"));
        assert_eq!(problem("x.safetensors", b"text"), "damaged");
        assert_eq!(problem("x", b""), "damaged");
        let keras = format_problem(Path::new("x"), b"\x10\0\0\0\0\0\0\0{", &[".keras", ".h5"], "damaged".into());
        assert_eq!(keras, "it is a .safetensors file, expected .keras or .h5; read it with Model::load");
        let damaged = format_problem(Path::new("x.hdf5"), b"\x89HDF\r\n\x1a\n", &[".keras", ".h5"], "damaged".into());
        assert_eq!(damaged, "damaged", "another ending of the same format");
    }
}
